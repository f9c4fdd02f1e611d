"""The floor: the smallest Textual application that has an input and shows a stream."""

import time

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static, TextArea

from bench.text import TOKENS


class Floor(App[None]):
    """A TextArea and a Static; Enter streams the text of the benchmark into the Static."""

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static("ready to type at once in the smallest of applications", markup=False)
        yield TextArea()

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        if "\n" in event.text_area.text:
            event.text_area.clear()
            self.begun = time.monotonic()
            self.timer = self.set_interval(1 / 15, self.flush)

    def flush(self) -> None:
        due = int((time.monotonic() - self.begun) * 200)
        self.query_one(Static).update("".join(TOKENS[:due]))
        self.query_one(VerticalScroll).scroll_end(animate=False)
        if due >= len(TOKENS):
            self.query_one(Static).update("".join(TOKENS) + "\nTHE END")
            self.timer.stop()


if __name__ == "__main__":
    Floor().run()

"""The floor: the smallest Textual application that has an input and shows a stream as it comes."""

import time

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static, TextArea


class Floor(App[None]):
    """A TextArea and a Static; "go" streams the text of the benchmark, "now" shows it at once."""

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static("ready to type at once in the smallest of applications", markup=False)
        yield TextArea()

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        if "\n" in event.text_area.text:
            self.begun = time.monotonic() - (1e6 if "now" in event.text_area.text else 0)
            event.text_area.clear()
            self.timer = self.set_interval(1 / 15, self.flush)

    def flush(self) -> None:
        from bench.text import ANSWER, due  # after the start, which is measured without it

        text = due(time.monotonic() - self.begun)
        self.query_one(Static).update(text)
        self.query_one(VerticalScroll).scroll_end(animate=False)
        if text == ANSWER:
            self.timer.stop()


if __name__ == "__main__":
    Floor().run()

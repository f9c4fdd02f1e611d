"""The floor: the smallest Textual application that has an input."""

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static, TextArea


class Floor(App[None]):
    """A text and a TextArea."""

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static("ready to type at once in the smallest of applications", markup=False)
        yield TextArea()

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()


if __name__ == "__main__":
    Floor().run()

"""What Textual brings for a chat: a widget a message, and its own stream of Markdown."""

import asyncio
import time

from textual import work
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown, TextArea


class Chat(App[None]):
    """A TextArea and Markdown widgets; "go" streams, "now" gives everything at once."""

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="all"):
            yield Markdown("ready to type at once, with what Textual brings")
        yield TextArea()

    def on_mount(self) -> None:
        self.query_one("#all").anchor()
        self.query_one(TextArea).focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        if "\n" in event.text_area.text:
            self.stream(1e6 if "now" in event.text_area.text else 0)
            event.text_area.clear()

    @work
    async def stream(self, ahead: float) -> None:
        from bench.text import ANSWER, SPEED, due

        shown = Markdown()
        await self.query_one("#all").mount(shown)
        writer = Markdown.get_stream(shown)
        begun, done = time.monotonic() - ahead, 0
        while done < len(ANSWER):
            text = due(time.monotonic() - begun)
            await writer.write(text[done:])
            done = len(text)
            await asyncio.sleep(1 / SPEED)
        await writer.stop()


if __name__ == "__main__":
    Chat().run()

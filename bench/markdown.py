"""What Textual brings for a chat: a widget a message, and its own stream of Markdown."""

import sys

from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Markdown, TextArea


class Chat(App[None]):
    """As many columns as asked for, and a TextArea whose Enter asks in all of them."""

    def compose(self) -> ComposeResult:
        with Horizontal():
            for _ in range(int(sys.argv[1])):
                with VerticalScroll():
                    yield Markdown("ready to type at once, with what Textual brings")
        yield TextArea()

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        prompt, end, _ = event.text_area.text.partition("\n")
        if end:
            event.text_area.clear()
            for column in self.query(VerticalScroll):
                self.run_worker(self.ask(column, prompt))

    async def ask(self, column: VerticalScroll, prompt: str) -> None:
        from bench.answer import answer  # after the start, which is measured without it

        shown = Markdown()
        await column.mount(Markdown(prompt), shown)
        column.anchor()
        stream = Markdown.get_stream(shown)
        async for text in answer([{"role": "user", "content": prompt}]):
            await stream.write(text)
        await stream.stop()


if __name__ == "__main__":
    Chat().run()

"""Text that changes."""

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll

from flux_tui.ui.widgets.plain import Plain


class Page(App[None]):
    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Plain("one line")


async def test_a_text_that_grows_twice_around_a_layout_has_the_last_height() -> None:
    app = Page()
    async with app.run_test(size=(40, 12)) as pilot:
        text = app.query_one(Plain)

        text.update("two\nlines")
        app.screen._refresh_layout()  # somebody else's, before this widget is idle
        text.update("now\nthese\nare\nfive\nlines")
        await pilot.pause()

        assert text.size.height == 5


async def test_what_is_shown_already_is_not_laid_out_again() -> None:
    app = Page()
    async with app.run_test(size=(40, 12)):
        text = app.query_one(Plain)

        text.update("one line")

        assert not text._layout_required

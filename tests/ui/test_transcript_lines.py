"""A view that writes only what changed must write all that changed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Region

from flux_tui.ui.render.rows import Row
from flux_tui.ui.widgets.transcript_lines import Line, LineView


class View(LineView):
    """Shows `text` in its first line."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"transcript--text"}

    text = "the first line"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Region] = []

    def line(self, y: int) -> Line:
        return Line(Row(Content(self.text if y == 0 else "")))

    def refresh(self, *regions: Region, **options: bool) -> View:
        self.asked += regions
        return super().refresh(*regions, **options)


class Viewer(App[None]):
    def compose(self) -> ComposeResult:
        yield View()


async def test_a_line_that_grows_between_the_asking_and_the_painting_is_painted_again() -> None:
    app = Viewer()
    async with app.run_test(size=(60, 6)) as pilot:
        view = app.query_one(View)
        view.update_window()
        await pilot.pause()
        view.text = "short"
        view.update_window()
        view.text = "now a much longer line than was asked for"
        await pilot.pause()

        view.asked.clear()
        view.update_window()

        (region,) = view.asked
        assert region.y == 0
        assert region.width >= len(view.text)


async def test_a_line_that_stays_is_not_painted_again() -> None:
    app = Viewer()
    async with app.run_test(size=(60, 6)) as pilot:
        view = app.query_one(View)
        view.text = "other"
        view.update_window()
        await pilot.pause()

        view.asked.clear()
        view.update_window()

        assert view.asked == []

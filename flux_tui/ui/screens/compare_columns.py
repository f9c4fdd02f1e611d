"""What screens of columns have in common: their order, the chosen one, reading together."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on
from textual.screen import Screen
from textual.worker import Worker

from flux_tui.core.errors import FluxError
from flux_tui.session.column import Column
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.labels import plain
from flux_tui.ui.screens.compare_keys import first_key
from flux_tui.ui.screens.listing import LinkScreen
from flux_tui.ui.widgets.column_diff import DiffText
from flux_tui.ui.widgets.column_pane import LETTERS, ColumnPane
from flux_tui.ui.widgets.column_text import ColumnText, Together
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from flux_tui.ui.app import FluxApp

TOGETHER: dict[Together, str] = {
    "turn": "scrolling by turn",
    "heading": "scrolling by heading",
    "block": "scrolling by block",
    "off": "each scrolls alone",
}


class ColumnsScreen(Screen[None]):
    """Two to four columns in `#columns`; one of them is `current`, the one that keys are about."""

    CSS_PATH: ClassVar[Any] = "../styles/compare.tcss"

    def __init__(self, columns: Sequence[Column], *, blind: bool = False) -> None:
        super().__init__()
        self.clock = FrameClock(self)
        self.panes = [ColumnPane(index, column, self.clock) for index, column in enumerate(columns)]
        self.current = self.panes[0]
        self.together: Together = "turn"
        self.blind = blind
        self._leader: ColumnText | None = None  # the column that was scrolled last

    @property
    def flux(self) -> FluxApp:
        """The application."""
        return cast("FluxApp", self.app)

    def key(self, name: str) -> str:
        """Return the key of an action of the split view, the user's own, as a hint names it."""
        return first_key(f"compare.{name}", self.flux.keymap_overrides)

    @property
    def shown(self) -> list[ColumnPane]:
        """The columns that are not hidden, from left to right."""
        return [pane for pane in self.panes if not pane.has_class("-hidden")]

    @property
    def busy(self) -> bool:
        """Whether any column answers."""
        return any(pane.column.session.busy for pane in self.panes)

    def order_columns(self, *, shuffle: bool = False) -> None:
        """Bring the columns into the order of `panes`, and their letters with them."""
        if shuffle:
            # Which column is whose must not be guessed: no seed, and no way to see it.
            random.SystemRandom().shuffle(self.panes)
        columns = self.query_one("#columns")
        for place, pane in enumerate(self.panes):
            columns.move_child(pane, before=place) if place < len(self.panes) - 1 else None
            pane.letter, pane.blind = LETTERS[place], self.blind
            pane.show()
        self.choose(self.panes[0] if shuffle else self.current)

    def choose(self, pane: ColumnPane) -> None:
        """Make *pane* the column that keys are about."""
        self.current = pane
        for each in self.panes:
            each.chosen = each is pane
            each.set_class(each is pane, "-current")
        self.clock.request()
        self.refresh_bar()

    def read_on(self) -> None:
        """Let the keys that scroll go to the chosen column, unless somebody writes."""
        if not isinstance(self.focused, Prompt):
            self.current.focus()

    def paint_tabs(self) -> None:
        """Bring the row of tabs up to date."""
        row = plain("")
        for pane in self.panes:
            row += pane.state() + plain("│ " if pane is not self.panes[-1] else "")
        tabs = self.query_one("#compare-tabs", Plain)
        if str(row) != str(tabs.content):
            tabs.update(row, layout=False)

    def refresh_bar(self) -> None:
        """Say what is shown."""

    async def attempt(self, doing: Awaitable[None]) -> None:
        """Await something, and say what is wrong when it cannot be done."""
        try:
            await doing
        except FluxError as problem:
            self.flux.warn(problem)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Let the application report a failure: the news does not bubble."""
        self.flux.on_worker_state_changed(event)
        if isinstance(event.worker.error, Exception):  # not one that was cancelled
            self.say("An internal error: the chat says more", "✗", "$error")

    def say(self, words: str, glyph: str = "●", style: str = "$success") -> None:
        """Show *words* in the status line."""
        self.query_one(StatusLine).say(words, glyph, style)

    def on_screen_suspend(self) -> None:
        """Let the status line see that something lies over it."""
        self.clock.request()

    def on_screen_resume(self) -> None:
        """Let the status line see that nothing lies over it."""
        self.clock.request()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Make the column with the focus the chosen one."""
        pane = next((p for p in event.widget.ancestors if isinstance(p, ColumnPane)), None)
        if pane is not None and pane is not self.current:
            self.choose(pane)

    # ── reading together ──

    @on(ColumnText.Moved)
    def _moved(self, event: ColumnText.Moved) -> None:
        texts = [pane.text for pane in self.shown if pane.text.display]
        others = [text for text in texts if text is not event.text]
        self._leader = event.text
        spot = event.text.spot()
        if self.together == "off" or spot is None:
            return
        # Nobody who follows an answer is held back by another one that is longer.
        to_end = event.to_end or any(text.streaming for text in texts)
        for text in others:
            text.stand(spot, self.together, to_end=to_end)
        if others and not to_end:
            event.text.make_room(max(text.below for text in others))

    def on_resize(self) -> None:
        """Bring the columns level again once they are wrapped anew."""
        self.call_after_refresh(self._level)

    @on(ColumnText.Measured)
    def _level(self) -> None:
        text = self._leader
        if text is not None and text.is_attached and text.display and not text.follow:
            self._moved(ColumnText.Moved(text))

    @on(Prompt.PageWished)
    def _page_wished(self, event: Prompt.PageWished) -> None:
        event.stop()
        pane = self.current
        view = pane.text if pane.text.display else pane.query_one(DiffText)
        page = view.scroll_page_up if event.step < 0 else view.scroll_page_down
        page(animate=False)

    @on(DiffText.Moved)
    def _diff_moved(self, event: DiffText.Moved) -> None:
        for view in self.query(DiffText):
            if view is not event.view and view.display:
                view.stand(event.line)

    @on(ColumnText.CopyAsked)
    def _copy_asked(self, event: ColumnText.CopyAsked) -> None:
        self.flux.copy(event.text, event.what)

    @on(ColumnText.LinkPicked)
    def _link_picked(self, event: ColumnText.LinkPicked) -> None:
        if not event.target:
            self.flux.warn("There is no link in what is chosen")
            return

        def chosen(answer: tuple[str, str] | None) -> None:
            self.flux.use_link(*answer or ("", ""))

        self.app.push_screen(LinkScreen(event.target), chosen)

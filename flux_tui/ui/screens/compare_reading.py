"""Ways to read columns: zoom, hide, order, scroll together, mark what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from flux_tui.core.errors import InputError
from flux_tui.session.answer_diff import diff_answers
from flux_tui.ui.render.labels import plain
from flux_tui.ui.screens.compare_columns import ColumnsScreen
from flux_tui.ui.widgets.column_diff import Aligned, Side
from flux_tui.ui.widgets.column_pane import ColumnPane
from flux_tui.ui.widgets.column_text import Together

_MODES: tuple[Together, ...] = ("turn", "heading", "block", "off")


class ReadingActions:
    """What changes nothing that is said; `table` by the end of an action's id."""

    def __init__(self, screen: ColumnsScreen) -> None:
        self._screen = screen
        self._diff: tuple[ColumnPane, ColumnPane] | None = None
        self.table: Mapping[str, Callable[[str], Awaitable[None] | None]] = {
            "zoom": lambda _: self._zoom(),
            "hide": lambda _: self._hide(),
            "show": lambda _: self._show(),
            "left": lambda _: self._move(-1),
            "right": lambda _: self._move(1),
            "diff": lambda _: self._next_diff(),
            "together": lambda _: self._together(),
        }

    @property
    def _pane(self) -> ColumnPane:
        return self._screen.current

    @property
    def comparing(self) -> bool:
        """Whether a diff is shown."""
        return self._diff is not None

    def _zoom(self) -> None:
        self._screen.toggle_class("-zoomed")
        self._screen.read_on()

    def _hide(self) -> None:
        shown = self._screen.shown
        if len(shown) == 1:
            hint = f"{self._screen.key('show')} shows all"
            raise InputError("this is the only column left", hint=hint)
        at = shown.index(self._pane) if self._pane in shown else 0
        if self._diff is not None and shown[at] in self._diff:
            self.end_diff(told=True)
            shown = self._screen.shown
            at = shown.index(self._pane) if self._pane in shown else 0
        shown[at].add_class("-hidden")
        self._screen.add_class("-some-hidden")
        following = shown[(at + 1) % len(shown)]
        self._screen.choose(following)
        self._screen.read_on()

    def _show(self) -> None:
        self._screen.remove_class("-zoomed", "-some-hidden")
        for pane in self._screen.panes:
            pane.remove_class("-hidden")

    def _move(self, step: int) -> None:
        screen, panes = self._screen, self._screen.panes
        at = panes.index(self._pane)
        if 0 <= at + step < len(panes):
            self.end_diff(told=True)  # it calls the columns by the letters they had
            panes[at], panes[at + step] = panes[at + step], panes[at]
            screen.order_columns()

    def _together(self) -> None:
        screen = self._screen
        screen.together = _MODES[(_MODES.index(screen.together) + 1) % len(_MODES)]
        screen.refresh_bar()
        if screen.together == "off":
            for pane in screen.panes:
                pane.text.end_room()
        words: dict[Together, str] = {
            "turn": "by turn",
            "heading": "by turn and heading",
            "block": "by paragraph, list, table and code",
            "off": "each alone",
        }
        screen.say(f"Columns scroll {words[screen.together]}")

    def _next_diff(self) -> Awaitable[None] | None:
        panes = self._screen.shown
        if len(panes) < 2:
            hint = f"{self._screen.key('show')} shows all"
            raise InputError("only one column is shown", hint=hint)
        if self._diff is None:
            return self._show_diff(self._pane, self._others(self._pane)[0])
        following = self._after(*self._diff)
        if following is None:
            self.end_diff(told=True)
            return None
        return self._show_diff(self._diff[0], following)

    def _others(self, mine: ColumnPane) -> list[ColumnPane]:
        """Return the other columns that are shown, first those on the right."""
        panes = self._screen.shown
        at = panes.index(mine) if mine in panes else -1
        return [pane for pane in (*panes[at + 1 :], *panes[: at + 1]) if pane is not mine]

    def _after(self, mine: ColumnPane, other: ColumnPane) -> ColumnPane | None:
        """Return what *mine* is compared with next, after *other*."""
        order = self._others(mine)
        at = order.index(other) + 1 if other in order else len(order)
        return order[at] if at < len(order) else None

    async def _show_diff(self, one: ColumnPane, two: ColumnPane) -> None:
        turn, spot = min(one.turns, two.turns), one.text.spot()
        if spot is not None and spot.turn and not spot.end:
            turn = min(spot.turn, turn)  # the one that is being read
        mine, theirs = (plain(pane.answer(turn)).plain for pane in (one, two))
        if not mine or not theirs:
            raise InputError("there are no two answers to compare yet")
        found = await asyncio.to_thread(diff_answers, mine, theirs)
        self.end_diff()
        self._diff = (one, two)
        # The two have the room of all: a line of one can be read beside the other's.
        for pane in self._screen.panes:
            pane.set_class(pane not in self._diff, "-apart")
        self._screen.set_class(len(self._screen.shown) > 2, "-comparing")
        words = "marked: only here"
        Aligned(
            found,
            Side(one.show_diff(), f"{one.letter} beside {two.letter} · {words}", mine),
            Side(two.show_diff(), f"{two.letter} beside {one.letter} · {words}", theirs),
        ).show()
        self._screen.choose(one)
        self._screen.read_on()
        following, key = self._after(one, two), self._screen.key("diff")
        further = f" · {key} {one.letter} with {following.letter}" if following else ""
        words = f"{one.letter} with {two.letter}: {found.alike:.0%} alike{further}"
        self._screen.say(f"{words} · {self._screen.key('stop')} ends it", "±", "$accent")

    def end_diff(self, *, told: bool = False) -> None:
        """Show transcripts in all columns, and with *told* say so."""
        if self._diff is not None:
            self._diff = None
            if told:
                self._screen.say("All columns as they are")
            for pane in self._screen.panes:
                pane.end_diff()
                pane.remove_class("-apart")
            self._screen.remove_class("-comparing")
            self._screen.read_on()

"""The last line: what happens now on the left, the next useful keys on the right."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.labels import assemble
from flux_tui.ui.widgets.fitting import whole_hints
from flux_tui.ui.widgets.plain import Plain

if TYPE_CHECKING:
    from flux_tui.core.events import TurnEvent
    from flux_tui.ui.widgets.turn_words import TurnWords

Hint: TypeAlias = tuple[str, str]
"""A key and what it does."""

Glyph: TypeAlias = tuple[str, str]
"""A sign and its style."""

_LEAST_WORDS = 12
"""Cells that the words keep when the window is narrow; the first hint comes before more."""

_FIGURE_SECONDS = 0.25
"""A figure that changes all the time is shown again after so long."""


class StatusLine(Horizontal):
    """Follows the events of a turn and says what it is doing."""

    def __init__(self, clock: FrameClock, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._clock = clock
        self._words = "Ready"
        self._glyph: Glyph = ("●", "$success")
        self._turn: TurnWords | None = None
        self._until = 0.0
        self._counting = False
        self._figure = False  # whether the words hold one that changes all the time
        self._said: tuple[str, Glyph] = (self._words, self._glyph)  # what is shown of that
        self._counted = float("-inf")  # when it was last shown
        self._painted: dict[str, Content] = {}
        self._hints: tuple[Hint, ...] = ()
        self._urgent: tuple[Hint, ...] = ()

    def compose(self) -> ComposeResult:
        """Yield the two sides."""
        yield Plain("", id="status-now")
        yield Plain("", id="status-keys")

    def on_mount(self) -> None:
        """Paint with the other panes."""
        self._clock.add(self.paint)
        self.paint()

    def hints(self, keys: Sequence[Hint]) -> None:
        """Show these keys with their labels, as many as fit."""
        self._hints = tuple(keys)
        self._clock.request()

    def behind(self, key: str, lines: int) -> None:
        """Show how many lines are below the window and the key that goes there; 0: none."""
        words = f"↓ {lines:,} more line{'s' if lines > 1 else ''}"
        urgent = ((key, words),) if lines > 0 else ()
        if urgent != self._urgent:
            self._urgent = urgent
            self._clock.request()

    def on_resize(self, event: events.Resize) -> None:
        """Show as many hints as fit now."""
        del event
        self._clock.request()

    def say(
        self, words: str, glyph: str = "●", style: str = "$success", *, figure: bool = False
    ) -> None:
        """Show something else than the state of the turn, until its next event.

        A *figure* is part of the words and changes all the time: not every one is shown.
        """
        told = words, (glyph, style)
        if told != (self._words, self._glyph) or self._until:
            self._words, self._glyph = told
            self._until, self._figure = 0.0, figure
            self._clock.request()

    def apply(self, event: TurnEvent) -> None:
        """Take one event of the turn."""
        if self._turn is None:
            # Here, because the first paint does without the types of events.
            from flux_tui.ui.widgets.turn_words import TurnWords

            self._turn = TurnWords(self)
        self._turn.apply(event)

    def wait(self, seconds: float) -> None:
        """Count *seconds* down behind the words."""
        self._until = time.monotonic() + seconds
        if not self._counting:
            self._counting = True
            self._count_down()

    def _count_down(self) -> None:
        self._counting = bool(self._until)
        if self._counting:
            self._clock.request()
            self.set_timer(1.0, self._count_down)

    def paint(self) -> None:
        """Write what has changed."""
        left = max(0, round(self._until - time.monotonic())) if self._until else 0
        said, glyph = self._to_say()
        words = f"{said} in {left} s" if left else said
        self._put("status-now", assemble(glyph, " ", words))
        width = self.size.width - 2
        # Below a dialog these keys do something else, or nothing.
        hints = (*self._urgent, *self._hints) if self.screen.is_active else ()
        first = hints[:1]
        least = sum(cell_len(key + label) + 3 for key, label in first)
        room = max(width - cell_len(words) - 4, min(least, width - _LEAST_WORDS))
        parts: list[str | tuple[str, str]] = []
        for key, label in whole_hints(hints, room):
            urgent = (key, label) in self._urgent
            parts += [
                "  " if parts else "",
                (key, "bold $warning" if urgent else "bold $accent"),
                (f" {label}", "$warning" if urgent else ""),
            ]
        self._put("status-keys", assemble(*parts))

    def _to_say(self) -> tuple[str, Glyph]:
        """Return words and glyph; those with a figure change a few times a second only."""
        now = time.monotonic()
        told = self._words, self._glyph
        another = told[1] != self._said[1] or not self._figure
        if another or now - self._counted >= _FIGURE_SECONDS:
            self._said, self._counted = told, now
        return self._said

    def _put(self, name: str, content: Content) -> None:
        """Show *content* in a part of the line, which is laid out again only for its width."""
        before = self._painted.get(name)
        if before is None or not before.is_same(content):
            self._painted[name] = content
            wider = before is None or before.cell_length != content.cell_length
            # The words take what the keys leave, whatever their length.
            layout = wider and name == "status-keys"
            self.query_one(f"#{name}", Plain).update(content, layout=layout)

"""The last line: what happens now on the left, the next useful keys on the right."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeAlias

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal

from flux_tui.core.events import (
    ReplyDelta,
    ReplyStarted,
    RetryScheduled,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    TurnEvent,
)
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.labels import assemble, one_line
from flux_tui.ui.widgets.fitting import whole_hints
from flux_tui.ui.widgets.plain import Plain

Hint: TypeAlias = tuple[str, str]
"""A key and what it does."""

_LEAST_WORDS = 12
"""Cells that the words keep when the window is narrow; the first hint comes before more."""


class StatusLine(Horizontal):
    """Follows the events of a turn and says what it is doing."""

    def __init__(self, clock: FrameClock, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._clock = clock
        self._words = "Ready"
        self._glyph = ("●", "$success")
        self._characters = 0
        self._began = 0.0
        self._until = 0.0
        self._model = ""
        self._hints: tuple[Hint, ...] = ()
        self._urgent: tuple[Hint, ...] = ()

    def compose(self) -> ComposeResult:
        """Yield the two sides."""
        yield Plain("", id="status-now")
        yield Plain("", id="status-keys")

    def on_mount(self) -> None:
        """Paint with the other panes."""
        self._clock.add(self.paint)
        self.set_interval(1.0, self._count_down)
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

    def say(self, words: str, glyph: str = "●", style: str = "$success") -> None:
        """Show something else than the state of the turn, until its next event."""
        self._words, self._glyph = words, (glyph, style)
        self._until = 0.0
        self._clock.request()

    def apply(self, event: TurnEvent) -> None:
        """Take one event of the turn."""
        match event:
            case ReplyStarted():
                self._model = one_line(event.model.name, 30)
                self._characters, self._began = 0, time.monotonic()
                self.say(f"Waiting for {self._model}", "◌", "$warning")
            case ReplyDelta(event=delta):
                self._delta(delta)
            case ToolStarted():
                words = "Waiting for your approval of" if event.waiting else "Running"
                glyph = ("?", "$warning") if event.waiting else ("▶", "$accent")
                self.say(f"{words} {one_line(event.call.name, 30)}", *glyph)
            case ToolFinished():
                self.say(f"Waiting for {self._model}", "◌", "$warning")
            case TurnEnded():
                self._end(event)
            case _:
                pass
        self._clock.request()

    def _delta(self, delta: object) -> None:
        match delta:
            case TextDelta() | ThinkingDelta():
                verb = "Writing" if isinstance(delta, TextDelta) else "Thinking"
                self._characters += len(delta.text)
                passed = max(time.monotonic() - self._began, 0.5)
                rate = round(self._characters / 4 / passed)
                self.say(f"{verb} · {self._model} · ≈{rate} tok/s", "◉", "$success")
            case ToolCallDelta():
                self.say(f"Calling a tool · {self._model}", "◉", "$accent")
            case RetryScheduled():
                self.say(
                    f"{one_line(delta.reason, 60)}; try {delta.attempt} of {delta.attempts}",
                    "↻",
                    "$warning",
                )
                self._until = time.monotonic() + delta.seconds
            case _:
                pass

    def _end(self, event: TurnEnded) -> None:
        if event.error:
            hint = f"; {event.hint}" if event.hint else ""
            self.say(one_line(event.error + hint, 160), "✗", "$error")
        elif event.reason == "aborted":
            self.say("Stopped; what had arrived is kept", "■", "$warning")
        elif event.reason in {"end", "tool_calls"}:
            self.say("Ready")
        else:
            self.say(f"Ended: {event.reason}", "■", "$warning")

    def _count_down(self) -> None:
        if self._until:
            self._clock.request()

    def paint(self) -> None:
        """Show the words."""
        left = max(0, round(self._until - time.monotonic())) if self._until else 0
        words = f"{self._words} in {left} s" if left else self._words
        self.query_one("#status-now", Plain).update(assemble(self._glyph, " ", words))
        width = self.size.width - 2
        first = (*self._urgent, *self._hints)[:1]
        least = sum(cell_len(key + label) + 3 for key, label in first)
        room = max(width - cell_len(words) - 4, min(least, width - _LEAST_WORDS))
        parts: list[str | tuple[str, str]] = []
        for key, label in whole_hints((*self._urgent, *self._hints), room):
            urgent = (key, label) in self._urgent
            parts += [
                "  " if parts else "",
                (key, "bold $warning" if urgent else "bold $accent"),
                (f" {label}", "$warning" if urgent else ""),
            ]
        self.query_one("#status-keys", Plain).update(assemble(*parts))

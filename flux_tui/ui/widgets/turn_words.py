"""What the status line says while a turn runs: one sentence for each kind of event."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

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
from flux_tui.ui.render.labels import one_line

if TYPE_CHECKING:
    from flux_tui.ui.widgets.status_line import StatusLine


class TurnWords:
    """Follows the events of a turn and tells *line* what it is doing."""

    def __init__(self, line: StatusLine) -> None:
        self._line = line
        self._characters = 0
        self._began = 0.0
        self._model = ""

    def apply(self, event: TurnEvent) -> None:
        """Take one event of the turn."""
        match event:
            case ReplyStarted():
                self._model = one_line(event.model.name, 30)
                self._characters, self._began = 0, time.monotonic()
                self._line.say(f"Waiting for {self._model}", "◌", "$warning")
            case ReplyDelta(event=delta):
                self._delta(delta)
            case ToolStarted():
                words = "Waiting for your approval of" if event.waiting else "Running"
                glyph = ("?", "$warning") if event.waiting else ("▶", "$accent")
                self._line.say(f"{words} {one_line(event.call.name, 30)}", *glyph)
            case ToolFinished():
                self._line.say(f"Waiting for {self._model}", "◌", "$warning")
            case TurnEnded():
                self._end(event)
            case _:
                pass

    def _delta(self, delta: object) -> None:
        match delta:
            case TextDelta() | ThinkingDelta():
                verb = "Writing" if isinstance(delta, TextDelta) else "Thinking"
                self._characters += len(delta.text)
                passed = max(time.monotonic() - self._began, 0.5)
                rate = round(self._characters / 4 / passed)
                words = f"{verb} · {self._model} · ≈{rate} tok/s"
                self._line.say(words, "◉", "$success", figure=True)
            case ToolCallDelta():
                self._line.say(f"Calling a tool · {self._model}", "◉", "$accent")
            case RetryScheduled():
                self._line.say(
                    f"{one_line(delta.reason, 60)}; try {delta.attempt} of {delta.attempts}",
                    "↻",
                    "$warning",
                )
                self._line.wait(delta.seconds)
            case _:
                pass

    def _end(self, event: TurnEnded) -> None:
        if event.error:
            hint = f"; {event.hint}" if event.hint else ""
            self._line.say(one_line(event.error + hint, 160), "✗", "$error")
        elif event.reason == "aborted":
            self._line.say("Stopped; what had arrived is kept", "■", "$warning")
        elif event.reason == "budget":
            self._line.say("Nothing was sent: the budget holds", "⊘", "$warning")
        elif event.reason in {"end", "tool_calls"}:
            self._line.say("Ready")
        else:
            self._line.say(f"Ended: {event.reason}", "■", "$warning")

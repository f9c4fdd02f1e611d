"""One model's part in a comparison: its own history, and how it is doing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from flux_tui.core.events import (
    Committed,
    ReplyDelta,
    ReplyStarted,
    RetryScheduled,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    TurnEnded,
    TurnEvent,
    UsageUpdate,
)
from flux_tui.core.usage import NO_COST, Cost, Usage, sum_costs
from flux_tui.session.session import ChatSession

ColumnState: TypeAlias = Literal[
    "idle", "waiting", "thinking", "writing", "retrying", "done", "failed", "stopped"
]
_CHARACTERS = 4  # to a token, until the vendor has counted


@dataclass(slots=True)
class Progress:
    """How one column does in the present turn, made from its events.

    Attributes:
        first: seconds until the first token of any kind; None before it.
        seconds: from the request to the end, or to the latest event.
        tokens: written so far; an estimate while `counted` is false.
        cost: of this turn's finished requests.
        problem: why it failed, and what to do, as sentences.
    """

    state: ColumnState = "idle"
    first: float | None = None
    seconds: float = 0.0
    tokens: int = 0
    counted: bool = False
    cost: Cost = NO_COST
    problem: str = ""
    retryable: bool = False
    _begun: float | None = field(default=None, repr=False)
    _before: int = field(default=0, repr=False)  # tokens of the turn's earlier requests
    _characters: int = field(default=0, repr=False)

    @property
    def rate(self) -> float | None:
        """Tokens per second since the first one; None while there is nothing to tell."""
        if self.first is None or self.seconds - self.first < 0.05 or not self.tokens:
            return None
        return self.tokens / (self.seconds - self.first)

    @property
    def running(self) -> bool:
        """Whether the column still works on its answer."""
        return self.state in {"waiting", "thinking", "writing", "retrying"}

    def apply(self, event: TurnEvent, now: float) -> None:
        """Take one event of the turn at *now*, seconds of a clock that never goes back."""
        match event:
            case ReplyStarted():
                self._begun = now if self._begun is None else self._begun
                self._before, self._characters = self.tokens, 0
                self.state = "waiting"
            case ReplyDelta(event=inner):
                self._stream(inner, now)
            case Committed(message=message) if message.role == "assistant":
                self.cost = sum_costs((self.cost, message.cost or Cost()))
                if message.usage is not None:
                    self._count(message.usage)
            case TurnEnded():
                self._end(event)
            case _:
                return
        if self._begun is not None:
            self.seconds = now - self._begun

    def _stream(self, event: StreamEvent, now: float) -> None:
        match event:
            case TextDelta(text=text) | ThinkingDelta(text=text) | ToolCallDelta(json=text):
                self.state = "thinking" if isinstance(event, ThinkingDelta) else "writing"
                if self.first is None and self._begun is not None:
                    self.first = now - self._begun
                self._characters += len(text)
                self.tokens = self._before + self._characters // _CHARACTERS
                self.counted = False
            case RetryScheduled(reason=reason, seconds=seconds):
                self.state = "retrying"
                self.problem = f"{reason}; again in {seconds:.0f} s"
            case UsageUpdate(usage=usage) if usage.output:
                self._count(usage)
            case _:
                pass

    def _count(self, usage: Usage) -> None:
        self.tokens = self._before + usage.output
        self.counted = True

    def _end(self, event: TurnEnded) -> None:
        self.problem = ". ".join(text for text in (event.error, event.hint) if text)
        self.retryable = event.retryable
        if event.reason == "aborted":
            self.state = "stopped"
        else:
            self.state = "failed" if event.error else "done"


class Column:
    """A session that is one of several asked the same; `progress` is of its latest turn."""

    def __init__(self, session: ChatSession, now: Callable[[], float] = time.monotonic) -> None:
        self.session = session
        self.progress = Progress()
        self._now = now

    def begin(self) -> None:
        """Start counting for a new turn."""
        self.progress = Progress(state="waiting")

    def end(self) -> None:
        """Stop counting; a turn that was left before its end counts as stopped."""
        if self.progress.running:
            self.progress.state = "stopped"

    def apply(self, event: TurnEvent) -> None:
        """Take one event of the session's turn."""
        self.progress.apply(event, self._now())

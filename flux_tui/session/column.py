"""One model's part in a comparison: its own history, and how it is doing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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
    written,
)
from flux_tui.core.messages import Message, Text, Thinking, Timing
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import NO_COST, Cost, Usage, sum_costs
from flux_tui.session.session import ChatSession

ColumnState: TypeAlias = Literal[
    "idle", "waiting", "thinking", "writing", "retrying", "done", "failed", "stopped"
]
_CHARACTERS = 4  # to a token, until the vendor has counted

SILENCE = 5.0
"""Seconds without any event after which an answer counts as stalled."""


@dataclass(slots=True)
class Progress:
    """How one column does in the present turn, made from its events.

    Attributes:
        first: seconds until the first token of any kind; None before it.
        seconds: from the request to the end, or to the latest event.
        tokens: written so far; an estimate while `counted` is false.
        cost: of this turn's finished requests.
        problem: why it failed or waits, as sentences.
        again: when the next try begins, on the clock of the column; None if none is due.
    """

    state: ColumnState = "idle"
    first: float | None = None
    seconds: float = 0.0
    tokens: int = 0
    counted: bool = False
    cost: Cost = NO_COST
    problem: str = ""
    retryable: bool = False
    again: float | None = None
    _latest: float | None = field(default=None, repr=False)  # when something was heard of it
    _begun: float | None = field(default=None, repr=False)
    _before: int = field(default=0, repr=False)  # tokens of the turn's earlier requests
    _characters: int = field(default=0, repr=False)
    _timings: list[Timing] = field(default_factory=list[Timing], repr=False)

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

    def elapsed(self, now: float) -> float:
        """Return the seconds since the request, or what the whole turn took once it is over."""
        if not self.running or self._begun is None:
            return self.seconds
        return max(0.0, now - self._begun)

    def silent(self, now: float) -> float:
        """Return for how many seconds a running answer has said nothing; 0 below `SILENCE`."""
        if not self.running or self.state == "retrying" or self._latest is None:
            return 0.0
        quiet = now - self._latest
        return quiet if quiet >= SILENCE else 0.0

    def countdown(self, now: float) -> float | None:
        """Return the seconds until the next try; None while none is due."""
        if self.state != "retrying" or self.again is None:
            return None
        return max(0.0, self.again - now)

    def begin(self, now: float) -> None:
        """Start the clock: the question is on its way."""
        self.state, self._latest, self._begun = "waiting", now, now

    def apply(self, event: TurnEvent, now: float) -> None:
        """Take one event of the turn at *now*, seconds of a clock that never goes back."""
        self._latest = now
        match event:
            case ReplyStarted():
                # The wait for a connection counts from here: what came before was our own.
                self._begun = now if self.first is None and not self.tokens else self._begun
                self._before, self._characters = self.tokens, 0
                self.state, self.again = "waiting", None
            case ReplyDelta(event=inner):
                self._stream(inner, now)
            case Committed(message=message) if message.role == "assistant":
                self.cost = sum_costs((self.cost, message.cost or Cost()))
                if message.usage is not None:
                    self._count(message.usage)
                if message.timing is not None:
                    self._timings.append(message.timing)
            case TurnEnded():
                self._end(event)
            case _:
                return
        if self._begun is not None:
            self.seconds = now - self._begun
        if isinstance(event, TurnEnded):
            self.settle(self._timings)

    def settle(self, timings: Sequence[Timing]) -> None:
        """Take the times that are stored with the answers: pricing and storing are none of them."""
        if timings:
            self.first, self.seconds = timings[0].first, sum(each.total for each in timings)

    def _stream(self, event: StreamEvent, now: float) -> None:
        match event:
            case TextDelta(text=text) | ThinkingDelta(text=text) | ToolCallDelta(json=text):
                self.state = "thinking" if isinstance(event, ThinkingDelta) else "writing"
                if self.first is None and self._begun is not None and written(event):
                    self.first = now - self._begun
                self._characters += len(text)
                self.tokens = self._before + self._characters // _CHARACTERS
                self.counted = False
            case RetryScheduled(reason=reason, seconds=seconds):
                self.state, self.again = "retrying", now + seconds
                self.problem = reason
            case UsageUpdate(usage=usage) if usage.output:
                self._count(usage)
            case _:
                pass

    def _count(self, usage: Usage) -> None:
        self.tokens = self._before + usage.output
        self.counted = not usage.estimated

    def _end(self, event: TurnEnded) -> None:
        self.problem = ". ".join(text for text in (event.error, event.hint) if text)
        self.retryable = event.retryable
        if event.reason == "aborted":
            self.state = "stopped"
        else:
            self.state = "failed" if event.error else "done"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a turn was foretold to cost: reading the question, and writing so many `tokens`."""

    reading: Cost
    writing: Cost
    tokens: int


class Column:
    """A session that is one of several asked the same; `progress` is of its latest turn.

    `expected` is what was foretold of that turn, if anything was.
    """

    def __init__(self, session: ChatSession, now: Callable[[], float] = time.monotonic) -> None:
        self.session = session
        self.progress = Progress()
        self.expected: Expected | None = None
        self.now = now
        self._over = asyncio.Event()
        self._over.set()

    def begin(self) -> None:
        """Start counting for a new turn."""
        self._over.clear()
        self.progress = Progress()
        self.progress.begin(self.now())

    def end(self) -> None:
        """Stop counting; a turn that was left before its end counts as stopped."""
        if self.progress.running:
            self.progress.state = "stopped"
        self._over.set()

    @property
    def author(self) -> ModelRef:
        """Who gave the answer that the column stands at; its model where there is none.

        The model may have been changed since, or all columns go on from one answer.
        """
        path = self.session.conversation.path
        tip = path[-1] if path else None
        return self.session.model.ref if tip is None or tip.model is None else tip.model

    @property
    def asked(self) -> bool:
        """Whether its present model is the one whose answer is shown, or answers now."""
        return self.progress.running or self.author == self.session.model.ref

    @property
    def cost(self) -> Cost:
        """What the turn has cost; about that, by the price table, while its answer comes."""
        done, expected = self.progress.cost, self.expected
        if not self.progress.running or expected is None or done.basis != "free":
            return done
        if expected.reading.amount is None or expected.writing.amount is None:
            return done
        written = expected.writing.amount * self.progress.tokens / max(expected.tokens, 1)
        return replace(expected.writing, amount=expected.reading.amount + written)

    async def over(self) -> None:
        """Wait until no turn is running."""
        await self._over.wait()

    def apply(self, event: TurnEvent) -> None:
        """Take one event of the session's turn."""
        self.progress.apply(event, self.now())

    def recall(self) -> None:
        """Show the figures of the last stored turn, as far as they were stored."""
        turn: list[Message] = []
        for message in reversed(self.session.conversation.path):
            if message.role == "user":
                break
            if message.role == "assistant":
                turn.insert(0, message)
        if not turn:
            return
        last, found = turn[-1], Progress()
        found.state = _ENDED.get(last.stop or "", "failed" if last.error else "done")
        found.problem = last.error
        found.cost = sum_costs(each.cost or Cost() for each in turn)
        found.tokens = sum(map(_tokens, turn))
        found.counted = all(_counted(each) for each in turn)
        found.settle([each.timing for each in turn if each.timing is not None])
        self.progress = found


def _counted(message: Message) -> bool:
    """Whether its vendor told how much it wrote; before the end it tells only what it read."""
    usage = message.usage
    return usage is not None and not usage.estimated and message.stop != "interrupted"


def _tokens(message: Message) -> int:
    told = message.usage.output if message.usage is not None else 0
    if _counted(message):
        return told
    texts = [part.text for part in message.parts if isinstance(part, Text | Thinking)]
    return max(told, sum(map(len, texts)) // _CHARACTERS)


_ENDED: dict[str, ColumnState] = {
    "aborted": "stopped",
    "interrupted": "stopped",
    "error": "failed",
}

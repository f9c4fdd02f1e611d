"""A turn summed up as the JSON object that `ask`, `compare` and `bench` print."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from flux_tui.core.events import (
    Committed,
    ReplyDelta,
    TextDelta,
    ToolFinished,
    TurnEnded,
    TurnEvent,
)
from flux_tui.core.messages import Message, Thinking, ToolCall, ToolResult
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import JSON, Cost, Usage

_SHORTEST = 0.05  # seconds; a shorter time says nothing about a speed


@dataclass(slots=True)
class TurnSummary:
    """Collects a turn from its events; times are in seconds since it was made."""

    started: float = field(default_factory=time.monotonic)
    first_text: float | None = None
    answers: list[Message] = field(default_factory=list[Message])
    results: dict[str, ToolResult] = field(default_factory=dict[str, ToolResult])
    ended: TurnEnded = field(default_factory=lambda: TurnEnded("error", "nothing was answered"))

    def apply(self, event: TurnEvent) -> None:
        """Take one event."""
        now = time.monotonic()
        match event:
            case Committed(message=message) if message.role == "assistant":
                self.answers.append(message)
            case ToolFinished(result=result):
                self.results[result.call_id] = result
            case TurnEnded():
                self.ended = event
            case ReplyDelta(event=TextDelta(text=text)) if text and self.first_text is None:
                self.first_text = now - self.started
            case _:
                pass  # of no weight for the sum

    @property
    def seconds(self) -> float:
        """How long ago it began."""
        return time.monotonic() - self.started

    def dump(self, model: ModelRef, cost: Cost, session: str | None) -> dict[str, JSON]:
        """Return the object; *cost* is of the whole turn."""
        calls = [call for answer in self.answers for call in answer.tool_calls]
        return answer_object(
            model,
            self.answers,
            stop=self.ended.reason,
            error=self.ended.error,
            cost=cost,
            first=self.first_text,
            seconds=self.seconds,
            session=session,
            calls=[self._call(call) for call in calls],
        )

    def _call(self, call: ToolCall) -> JSON:
        result = self.results.get(call.id)
        return {
            "id": call.id,
            "name": call.name,
            "arguments": dict(call.arguments),
            "result": None if result is None else result.text,
            "is_error": result is None or result.is_error,
        }


def tokens_per_second(answers: Sequence[Message]) -> float | None:
    """Return the speed of *answers* from their first tokens on; None if they were too quick.

    Reasoning that nobody saw was over before the first token, and does not count.
    """
    tokens, seconds = 0, 0.0
    for answer in answers:
        if answer.usage is None or answer.timing is None or answer.timing.first is None:
            continue
        shown = any(isinstance(part, Thinking) and part.text for part in answer.parts)
        tokens += answer.usage.output - (0 if shown else answer.usage.reasoning)
        seconds += answer.timing.total - answer.timing.first
    return tokens / seconds if seconds >= _SHORTEST and tokens > 0 else None


def answer_object(
    model: ModelRef,
    answers: Sequence[Message],
    *,
    stop: str,
    error: str,
    cost: Cost,
    first: float | None = None,
    seconds: float | None = None,
    session: str | None = None,
    calls: Sequence[JSON] = (),
) -> dict[str, JSON]:
    """Return *answers* as one object; times are in seconds, None if nobody measured them."""
    usage = sum((a.usage for a in answers if a.usage is not None), Usage())
    return {
        "text": "\n\n".join(answer.text for answer in answers if answer.text),
        "model": str(model),
        "stop": stop,
        "usage": {
            "input": usage.input,
            "cache_read": usage.cache_read,
            "cache_write": usage.cache_write,
            "output": usage.output,
            "reasoning": usage.reasoning,
            "estimated": usage.estimated,
        },
        "cost": {
            "usd": None if cost.amount is None else format(cost.amount, "f"),
            "basis": cost.basis,
        },
        "ttft_ms": None if first is None else round(first * 1_000),
        "duration_ms": None if seconds is None else round(seconds * 1_000),
        "session": session,
        "tool_calls": list(calls),
        "error": error,
    }

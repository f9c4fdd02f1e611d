"""A long conversation made short: what the model is asked for, and what goes on from its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from flux_tui.core.events import ReplyDelta, ReplyStarted, TurnEnded, TurnEvent
from flux_tui.core.messages import Message, Text, ToolResult, user_message
from flux_tui.core.models import ModelRef
from flux_tui.session.deps import TurnDeps
from flux_tui.session.privacy import Privacy
from flux_tui.session.reply import Reply
from flux_tui.session.turn import ending

INSTRUCTION = """\
Summarise this conversation so that it can go on without its earlier messages. Keep: what the user \
wants and prefers; decisions and their reasons; facts, names, numbers, file paths and code that \
are still needed; what was tried and failed; open questions and the next step. Leave out greetings \
and what was superseded. Call no function. Write only the summary, in Markdown."""

_HEAD = "Summary of the conversation so far, written by {model}:\n\n{text}"
_SHARE = 0.7  # of the window may be read; the rest is for the summary and for wrong estimates
_KEPT = 1_000  # characters of a tool result, when the whole does not fit


@dataclass(frozen=True, slots=True)
class Material:
    """What is summarised: `messages`, and how many were too much or are not to be handed over."""

    messages: tuple[Message, ...]
    left_out: int = 0
    private: int = 0

    def told(self) -> str:
        """Return in a sentence what has become of the conversation."""
        words = f"{_many(len(self.messages))} summarised"
        if self.left_out:
            words += f", {_many(self.left_out)} left out because the window is too small"
        if self.private:
            words += f", {_many(self.private)} left out as not to be handed over"
        return f"{words}; the original stays as another branch"


def _many(count: int) -> str:
    return f"{count} message" if count == 1 else f"{count} messages"


def gather(
    history: Sequence[Message],
    privacy: Privacy,
    window: int | None,
    weigh: Callable[[tuple[Message, ...]], int],
) -> Material:
    """Return what a model with *window* tokens can summarise of *history*; call it in a thread.

    Marked turns are left out altogether: a summary travels to any vendor. When the rest does not
    fit, tool results are cut, and then the oldest turns are left out.
    """
    shared = privacy.shared(history)
    private = len(history) - len(shared)
    limit = None if window is None else int(window * _SHARE)
    if limit is None or weigh(shared) <= limit:
        return Material(shared, private=private)
    cut = tuple(_cut(message) for message in shared)
    starts = [place for place, message in enumerate(cut) if message.role == "user"]
    # The last turn is always tried: the vendor may count less than we do.
    fitting = next((at for at in starts if weigh(cut[at:]) <= limit), starts[-1] if starts else 0)
    return Material(cut[fitting:], left_out=fitting, private=private)


def _cut(message: Message) -> Message:
    parts = (_shortened(part) if isinstance(part, ToolResult) else part for part in message.parts)
    return replace(message, parts=tuple(parts))


def _shortened(result: ToolResult) -> ToolResult:
    text = result.text
    if len(text) > _KEPT:
        text = f"{text[:_KEPT]}\n[cut: {len(text) - _KEPT:,} more characters]"
    return replace(result, parts=(Text(text),) if text else ())


def summary_message(model: ModelRef, text: str) -> Message:
    """Return the message that stands for the conversation, as a root of its own.

    It names the model that wrote it, so that another vendor still counts as a new reader.
    """
    return replace(user_message(_HEAD.format(model=model, text=text)), model=model)


class Summary:
    """The request for a summary. Drain `events`, then take `answer` and `ended`."""

    def __init__(self, deps: TurnDeps, material: Material, question: Message) -> None:
        self.answer: Message | None = None
        self.ended = TurnEnded("aborted")
        self._deps = deps
        self._history = (*material.messages, question)

    async def events(self) -> AsyncGenerator[TurnEvent]:
        """Yield what happens until the summary is there, or has failed."""
        # The tools stay in the request: a history with calls is refused without them.
        request, _ = await asyncio.to_thread(self._deps.outgoing.request, self._history)
        reply = Reply(self._deps, request, frozenset())
        yield ReplyStarted(reply.message_id, self._deps.model.ref)
        async with aclosing(reply.events()) as events:
            async for event in events:
                yield ReplyDelta(reply.message_id, event)
        self.answer = await reply.finish()
        self.ended = ending(self.answer, reply.error, reply.detail)
        written = self.answer is not None and self.answer.text.strip()
        if not self.ended.error and (
            self.ended.reason == "tool_calls" or (self.ended.reason == "end" and not written)
        ):
            hint = "try again, or let another model do it"
            self.ended = TurnEnded("error", "the model wrote no summary", hint)

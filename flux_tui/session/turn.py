"""The agent loop: ask, answer, run the tools, ask again, until the model is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from flux_tui.core.errors import FluxError, ProviderError
from flux_tui.core.events import (
    Committed,
    Noted,
    ReplyDelta,
    ReplyStarted,
    RetryScheduled,
    TurnEnded,
    TurnEvent,
)
from flux_tui.core.messages import Conversation, Message
from flux_tui.providers.base import ChatRequest
from flux_tui.session.calls import REPEATS, Repeats, ToolRound
from flux_tui.session.deps import TurnDeps
from flux_tui.session.reply import Reply

_WORDS = {
    "length": (
        "the answer reached the output limit",
        "ask the model to go on, or raise max_output",
    ),
    "context": (
        "the conversation does not fit the model's context window",
        "compact the conversation, or edit an earlier message",
    ),
    "refusal": ("the model declined to answer", "say it differently, or ask another model"),
}


async def run_turn(conversation: Conversation, deps: TurnDeps) -> AsyncGenerator[TurnEvent]:
    """Yield what happens until the model is done; the last event is always `TurnEnded`.

    Never raises for a provider or tool failure: those end as `TurnEnded("error")` or as a tool
    result. `deps.stop` ends it early and keeps what has arrived. Messages are committed, through
    `deps.commit`, before `Committed` is yielded.
    """
    turn = _Turn(conversation, deps)
    async with aclosing(turn.steps()) as events:
        async for event in events:
            yield event
    yield turn.ended


class _Turn:
    """The state of one turn: the conversation as it grows, and how it ended."""

    def __init__(self, conversation: Conversation, deps: TurnDeps) -> None:
        self.conversation = conversation
        self.deps = deps
        self.ended = TurnEnded("aborted")
        self._repeats = Repeats()

    async def steps(self) -> AsyncGenerator[TurnEvent]:
        """Yield the events of all steps; `ended` says afterwards how it came out."""
        self.deps.ledger.begin_turn()
        for _ in range(self.deps.max_steps):
            if self.deps.stop.is_set() or not await self._affordable():
                return
            async with aclosing(self._ask()) as events:
                async for event in events:
                    yield event
            answer = self._last_answer()
            if answer is None:
                return
            if answer.stop == "pause":
                continue
            if not answer.tool_calls or answer.stop not in ("end", "tool_calls"):
                return
            async with aclosing(self._call(answer)) as events:
                async for event in events:
                    yield event
            if self.ended.reason != "tool_calls":
                return
        self.ended = TurnEnded(
            "max_steps",
            f"the turn was ended after {self.deps.max_steps} requests",
            "send a message to go on",
        )

    async def _affordable(self) -> bool:
        """Whether the budgets allow another request; says so in `ended` if not."""
        ended = await self.deps.purse.during(self.deps.model.ref, self.deps.stop)
        self.ended = ended or self.ended
        return ended is None

    def _last_answer(self) -> Message | None:
        """Return the answer of this step, if the turn can go on from it."""
        if self.ended.reason not in ("tool_calls", "end", "pause"):
            return None
        path = self.conversation.path
        return path[-1] if path and path[-1].role == "assistant" else None

    async def _request(self) -> ChatRequest:
        request, _ = await asyncio.to_thread(self.deps.outgoing.request, self.conversation.path)
        return request

    async def _ask(self) -> AsyncGenerator[TurnEvent]:
        taken = frozenset(call.id for message in self.conversation for call in message.tool_calls)
        reply = Reply(self.deps, await self._request(), taken)
        yield ReplyStarted(reply.message_id, self.deps.model.ref)
        async with aclosing(reply.events()) as events:
            async for event in events:
                yield ReplyDelta(reply.message_id, event)
                if isinstance(event, RetryScheduled) and event.repaired:
                    yield Noted(f"Asked again once: {event.reason}")
                if isinstance(event, RetryScheduled) and event.unreasoned:
                    self._forget_reasoning()
        message = await reply.finish()
        if message is not None:
            yield await self._commit(message)
        ended = ending(message, reply.error, reply.detail)
        self.ended = self._with_room(ended) if ended.reason == "context" else ended

    def _forget_reasoning(self) -> None:
        """Send the reasoning of the answers so far no more: it would be refused every time."""
        refused = frozenset(m.id for m in self.conversation if m.role == "assistant")
        outgoing = self.deps.outgoing
        outgoing = replace(outgoing, stale=outgoing.stale | refused)
        self.deps = replace(self.deps, outgoing=outgoing)
        self.deps.refused(outgoing.stale)

    def _with_room(self, ended: TurnEnded) -> TurnEnded:
        """Return *ended* with the models named that have room for the conversation."""
        names = " or ".join(str(ref) for ref in self.deps.larger(self.deps.model))
        if not names:
            return ended
        return replace(ended, hint=f"{_WORDS['context'][1]}, or go on with {names}")

    async def _commit(self, message: Message) -> Committed:
        stored = await self.deps.commit(message)
        self.deps.ledger.record(stored)
        self.conversation = self.conversation.plus(stored)
        return Committed(stored)

    async def _call(self, answer: Message) -> AsyncGenerator[TurnEvent]:
        self.ended = TurnEnded("tool_calls")
        circling = [call.name for call in answer.tool_calls if self._repeats.add(call)]
        refused = await self._why_not(circling)
        tools = ToolRound(answer.tool_calls, self.deps, refused)
        async with aclosing(tools.events()) as events:
            async for event in events:
                yield event
        yield await self._commit(tools.message)
        if self.deps.stop.is_set():
            self.ended = TurnEnded("aborted")

    async def _why_not(self, circling: list[str]) -> str:
        """Return why this round of calls is answered unrun, and end the turn; else nothing."""
        if circling:
            text = f"the model called {circling[0]} {REPEATS} times with the same arguments"
            self.ended = TurnEnded("max_steps", text, "say what it should do instead")
            return f"Error: not run, because {text}."
        if not await self._affordable():
            return "Error: not run, because the budget is spent."
        return ""


def ending(message: Message | None, error: FluxError | None, detail: str) -> TurnEnded:
    """Return how one answer ended its turn: its own stop reason, or the failure *error*."""
    if error is not None:
        stop = message.stop if message is not None else None
        retryable = isinstance(error, ProviderError) and error.retryable
        if isinstance(error, ProviderError) and error.kind == "context":
            return TurnEnded("context", error.message, _WORDS["context"][1])
        return TurnEnded(stop or "error", error.message, error.hint, retryable)
    if message is None or message.stop is None:
        return TurnEnded("aborted")
    if message.stop == "end" and not message.parts:
        return TurnEnded("end", "the model gave an empty answer", "ask again or rephrase")
    words, hint = _WORDS.get(message.stop, ("", ""))
    return TurnEnded(message.stop, f"{words}: {detail}" if words and detail else words, hint)

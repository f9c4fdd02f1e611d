"""One request and its answer: read as it comes, stopped at once, drafted, never lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace

from flux_tui.core.builder import MessageBuilder
from flux_tui.core.errors import FluxError, ProviderError
from flux_tui.core.events import (
    RetryScheduled,
    StreamEvent,
    ThinkingDelta,
    UsageUpdate,
    written,
)
from flux_tui.core.messages import Message, Timing, ToolCall, new_id
from flux_tui.core.prefix import bind
from flux_tui.core.usage import Usage
from flux_tui.providers.base import ChatRequest
from flux_tui.session.deps import DRAFT_SECONDS, TurnDeps

CLOSE_SECONDS = 0.1
"""How long a stopped turn waits for a connection to close; the closing then goes on alone."""

_log = logging.getLogger(__name__)
_closing: set[asyncio.Task[None]] = set()


async def settle(task: asyncio.Task[None]) -> None:
    """Cancel *task* and wait a moment for its end; a slow one ends by itself, unobserved."""
    task.cancel()
    _closing.add(task)
    task.add_done_callback(_closing.discard)
    await asyncio.wait({task}, timeout=CLOSE_SECONDS)


class Reply:
    """The answer to one request.

    Drain `events`, then take `finish`. `error` is the failure that ended it, if one did.
    """

    def __init__(self, deps: TurnDeps, request: ChatRequest, taken: frozenset[str]) -> None:
        self.error: FluxError | None = None
        self._deps = deps
        self._request = request
        self._taken = taken
        self._builder = MessageBuilder(request.model)
        self._drafts = _Drafts(deps, self._builder)
        self._queue: deque[StreamEvent] = deque()
        self._news = asyncio.Event()
        self._started = time.monotonic()
        self._first: float | None = None
        self._ended: float | None = None
        self._thinking: tuple[int, float] | None = None  # its place, and since when

    @property
    def message_id(self) -> str:
        """The id under which the answer will be committed."""
        return self._builder.message_id

    async def events(self) -> AsyncGenerator[StreamEvent]:
        """Yield what the provider sends, until its end, a failure or a stop."""
        reading = asyncio.create_task(self._read())
        watching = asyncio.create_task(self._watch())
        try:
            while True:
                await self._wait(reading)
                while self._queue and not self._deps.stop.is_set():
                    event = self._queue.popleft()
                    self._take(event)
                    yield event
                if self._deps.stop.is_set() or (reading.done() and not self._queue):
                    break
        finally:
            watching.cancel()
            self._ended = time.monotonic()
            await settle(reading)
            self._take_rest()
            self._think(None)
            await self._drafts.close()

    def _take_rest(self) -> None:
        """Keep what had arrived by the time of a stop, shown or not."""
        while self._queue:
            self._take(self._queue.popleft())
        if self._deps.stop.is_set() and self._builder.stop == "interrupted":
            self._builder.stop = "aborted"
            self.error = None

    async def _wait(self, reading: asyncio.Task[None]) -> None:
        """Wait for news, writing a draft whenever one is due."""
        while not (self._queue or reading.done() or self._deps.stop.is_set()):
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), self._drafts.due_in())
            self._drafts.tick()
        self._drafts.tick()

    async def _watch(self) -> None:
        await self._deps.stop.wait()
        self._news.set()

    async def _read(self) -> None:
        try:
            await self._deps.provider.prepare()
            async with aclosing(self._deps.provider.stream(self._request)) as stream:
                async for event in stream:
                    self._queue.append(event)
                    self._news.set()
        except FluxError as problem:
            self.error = problem
        except Exception as problem:  # noqa: BLE001 - a broken contract must not lose the answer
            _log.exception("reading from %s", self._request.model.ref)
            name = self._request.model.ref.provider
            self.error = ProviderError(
                f"{name} failed unexpectedly ({type(problem).__name__})",
                kind="protocol",
                provider=name,
                hint="the log has the details",
            )
        finally:
            self._news.set()

    def _take(self, event: StreamEvent) -> None:
        if self._first is None and written(event):
            self._first = time.monotonic() - self._started
        if isinstance(event, RetryScheduled):
            self._started = time.monotonic() + event.seconds
        self._builder.feed(event)
        if not isinstance(event, UsageUpdate):
            self._think(event.index if isinstance(event, ThinkingDelta) else None)
        self._drafts.dirty()

    def _think(self, index: int | None) -> None:
        """Measure reasoning: it goes on at *index*, or has ended."""
        before, now = self._thinking, time.monotonic()
        if before is not None and before[0] != index:
            self._builder.thought(before[0], now - before[1])
            self._thinking = before = None
        if before is None and index is not None:
            self._thinking = index, now

    @property
    def detail(self) -> str:
        """The vendor's explanation of how it stopped; may be empty."""
        return self._builder.detail

    async def finish(self) -> Message | None:
        """Return the answer with usage, cost and timing; None if there is nothing to keep.

        Nothing is an answer without content that was not charged either.
        """
        message = _unique_ids(self._builder.build(), self._taken)
        message = bind(message, self._request.model, self._deps.outgoing.head)
        broken = message.stop in ("aborted", "interrupted")
        if not message.parts and message.usage is None and broken:
            return None
        error = ""
        if self.error is not None:
            error = str(self.error)
            kind = self.error.kind if isinstance(self.error, ProviderError) else ""
            lost = kind in ("incomplete", "connection", "timeout", "tls", "dns")
            message = replace(message, stop="interrupted" if lost else "error")
        usage = await self._usage(message, broken=broken)
        return replace(
            message,
            usage=usage,
            cost=await self._deps.ledger.charge(self._request.model, usage, message.at),
            error=error,
            timing=Timing(self._first, self._seconds()),
        )

    def _seconds(self) -> float:
        """How long the answer took; pricing and storing it are no part of that."""
        ended = time.monotonic() if self._ended is None else self._ended
        return max(0.0, ended - self._started)

    async def _usage(self, message: Message, *, broken: bool) -> Usage:
        """Return the reported usage, or an estimate where the provider gave none.

        A provider that reports first and last has told only the beginning of a broken answer. An
        answer of no tokens to a question of none is no report.
        """
        if message.usage is not None and message.usage.total == 0:
            message = replace(message, usage=None)
        if message.usage is not None and not broken:
            await asyncio.to_thread(self._deps.meter.learn, self._request, message.usage)
            return message.usage
        model, meter = self._request.model, self._deps.meter
        output, _ = await asyncio.to_thread(meter.weigh, (message,), model)
        if message.usage is not None:
            if message.usage.output >= output:
                return message.usage
            return replace(message.usage, output=output, estimated=True)
        request = self._request
        prompt, _ = await asyncio.to_thread(
            meter.weigh, request.messages, model, request.system, request.tools
        )
        return Usage(input=prompt, output=output, estimated=True)


class _Drafts:
    """Stores the reply in flight, one write at a time, soon after it has grown."""

    def __init__(self, deps: TurnDeps, builder: MessageBuilder) -> None:
        self._deps = deps
        self._builder = builder
        self._since: float | None = None
        self._writing: asyncio.Task[None] | None = None

    def dirty(self) -> None:
        """Note that the reply has grown."""
        if self._since is None and not self._builder.empty:
            self._since = time.monotonic()

    def due_in(self) -> float | None:
        """Return the seconds until the next draft is due; None while nothing has grown."""
        if self._since is None:
            return None
        if self._writing is not None and not self._writing.done():
            return DRAFT_SECONDS
        return max(0.0, self._since + DRAFT_SECONDS - time.monotonic())

    def tick(self) -> None:
        """Write a draft if one is due and none is being written."""
        if self._since is not None and self.due_in() == 0.0:
            self._since = None
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Write what is not written yet; the commit comes after this."""
        if self._writing is not None:
            await self._writing
        if self._since is not None:
            await self._write()

    async def _write(self) -> None:
        await self._deps.draft(self._builder.build())


def _unique_ids(message: Message, taken: frozenset[str]) -> Message:
    """Return *message* with tool call ids that no other call of the conversation has."""
    seen = set(taken)
    parts = list(message.parts)
    for place, part in enumerate(parts):
        if isinstance(part, ToolCall):
            own = part.id if part.id and part.id not in seen else f"call_{new_id()}"
            parts[place] = replace(part, id=own)
            seen.add(own)
    return replace(message, parts=tuple(parts))

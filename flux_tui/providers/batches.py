"""The vendors' batch endpoints: many requests at once, answered within a day at half the price.

Anthropic Message Batches and OpenAI Batch, as the packages anthropic 2.12 and openai 3.54 know
them. Both halve the price of all tokens (pricing pages of both vendors, 2026-11).
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from flux_tui.core.builder import MessageBuilder
from flux_tui.core.errors import InputError
from flux_tui.core.events import StreamEvent
from flux_tui.core.messages import Message
from flux_tui.core.models import Api, ModelInfo
from flux_tui.core.sanitize import one_line
from flux_tui.core.usage import JSON
from flux_tui.providers import anthropic, openai_chat, openai_responses
from flux_tui.providers.base import Endpoint
from flux_tui.providers.failures import StreamFailure
from flux_tui.providers.json_values import items, mapping, string
from flux_tui.providers.transport import Body, Connection, client_options, confined

if TYPE_CHECKING:
    import httpx2

PRICE = Decimal("0.5")
"""What a batch costs, as a part of the usual price."""

MOST_REQUESTS = 10_000
MOST_BYTES = 20_000_000
"""Of one batch; well below what the vendors take (50,000 requests and 200 MB at the least)."""

_PATHS: dict[Api, str] = {
    "openai-responses": "/v1/responses",
    "openai-chat": "/v1/chat/completions",
}
_OWN = frozenset({"anthropic", "openai", "openai-chat"})
_FULL = "token_limit_exceeded"  # OpenAI's code, of the tokens that may wait in batches
_RECENT = 100  # batches that are looked through for one that was sent before

BatchStatus: TypeAlias = Literal["running", "ended", "failed", "full"]
"""full: the vendor took none of it, as too much of ours waits there; less, or later, may do."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is. `words` are the vendor's, about a whole batch that failed.

    `done` of `total` requests are over, one way or another; both 0 where the vendor does not say.
    """

    status: BatchStatus
    words: str = ""
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of one request: its `answer`, or in words why there is none.

    Requests that failed, expired or were cancelled are not charged (both vendors' guides, 2026-11).
    """

    custom_id: str
    answer: Message | None
    error: str = ""
    charged: bool = False  # though there is no answer: it was made, and cannot be read


class Batches(Protocol):
    """One endpoint's batches. Every method may raise ProviderError, and nothing else."""

    async def submit(self, mark: str, bodies: Sequence[tuple[str, Body]]) -> str:
        """Hand in requests under their custom ids, which begin with *mark*; return the batch."""
        ...

    async def find(self, mark: str, count: int, since: datetime) -> str | None:
        """Return the batch that was handed in under *mark*; a kill may have lost its name."""
        ...

    async def state(self, batch: str) -> BatchState:
        """Say how far a batch is."""
        ...

    def results(self, batch: str, model: ModelInfo) -> AsyncGenerator[BatchResult]:
        """Yield what came of the requests of a batch that has ended, in any order."""
        ...

    async def cancel(self, batch: str) -> None:
        """Let the vendor begin nothing more of it; what was answered by then stays to be read."""
        ...

    async def aclose(self) -> None:
        """Close the connection; idempotent."""
        ...


def has_batches(model: ModelInfo) -> bool:
    """Whether *model*'s endpoint takes batches that are known here."""
    return model.ref.provider in _OWN


def open_batches(endpoint: Endpoint) -> Batches:
    """Return the batches of *endpoint*.

    Raises:
        InputError: none are known there.
    """
    if endpoint.provider not in _OWN:
        raise InputError(
            f"no batch endpoint of {endpoint.label} is known", hint="ask it without --batch"
        )
    return AnthropicBatches(endpoint) if endpoint.api == "anthropic" else OpenAIBatches(endpoint)


def plain_body(body: Body) -> Body:
    """Return *body* as a batch takes it: the answer comes whole, not as a stream."""
    return {name: value for name, value in body.items() if name not in _STREAMING}


_STREAMING = ("stream", "stream_options")


def decode(reply: dict[str, JSON], model: ModelInfo) -> Message:
    """Return a whole reply as a message: told to the stream's decoder as one long event each.

    Raises:
        StreamFailure: it is not what the format promises, or the vendor says that it failed.
    """
    content = _CONTENT[model.api]
    if not isinstance(reply.get(content), list) and not reply.get("error"):
        raise StreamFailure("protocol", f"sent a reply without {content}")
    builder = MessageBuilder(model)
    for event in _DECODE[model.api](reply):
        builder.feed(event)
    return builder.build()


def _anthropic_events(reply: dict[str, JSON]) -> Iterator[StreamEvent]:
    decoder = anthropic.Decoder()
    yield from decoder.feed("", _event("message_start", message={**reply, "content": []}))
    for index, block in enumerate(map(mapping, items(reply.get("content")))):
        start = _event("content_block_start", index=index, content_block=block)
        yield from decoder.feed("", start)
        for citation in items(block.get("citations")):
            delta: dict[str, JSON] = {"type": "citations_delta", "citation": citation}
            yield from decoder.feed("", _event("content_block_delta", index=index, delta=delta))
        yield from decoder.feed("", _event("content_block_stop", index=index))
    names = ("stop_reason", "stop_details", "stop_sequence", "container")
    ended = {name: reply.get(name) for name in names}
    yield from decoder.feed("", _event("message_delta", delta=ended))
    yield from decoder.feed("", _event("message_stop"))
    yield from decoder.close()


def _responses_events(reply: dict[str, JSON]) -> Iterator[StreamEvent]:
    decoder = openai_responses.Decoder()
    status = string(reply.get("status")) or "completed"
    yield from decoder.feed("", _event(f"response.{status}", response=reply))
    yield from decoder.close()


def _chat_events(reply: dict[str, JSON]) -> Iterator[StreamEvent]:
    decoder = openai_chat.Decoder()
    choices = [
        {**choice, "delta": _indexed(mapping(choice.get("message")))}
        for choice in map(mapping, items(reply.get("choices")))
    ]
    yield from decoder.feed("", json.dumps({**reply, "choices": choices}))
    yield from decoder.feed("", "[DONE]")
    yield from decoder.close()


def _indexed(message: dict[str, JSON]) -> dict[str, JSON]:
    """Return *message* with its calls numbered, as they are in a stream."""
    calls = [{"index": n, **mapping(c)} for n, c in enumerate(items(message.get("tool_calls")))]
    return {**message, "tool_calls": list[JSON](calls)}


_CONTENT: dict[Api, str] = {
    "anthropic": "content",
    "openai-responses": "output",
    "openai-chat": "choices",
}
_DECODE: dict[Api, Callable[[dict[str, JSON]], Iterator[StreamEvent]]] = {
    "anthropic": _anthropic_events,
    "openai-responses": _responses_events,
    "openai-chat": _chat_events,
}


def _event(kind: str, **members: JSON) -> str:
    return json.dumps({"type": kind, **members})


def _result(custom_id: str, reply: dict[str, JSON], model: ModelInfo) -> BatchResult:
    try:
        return BatchResult(custom_id, decode(reply, model))
    except StreamFailure as problem:
        words = one_line(f"the reply cannot be read: {problem}", 500)
        return BatchResult(custom_id, None, words, charged=True)


def _words(error: dict[str, JSON], fallback: str) -> str:
    return one_line(string(error.get("message")) or string(error.get("code")) or fallback, 500)


def _make_anthropic(endpoint: Endpoint, timeout: httpx2.Timeout) -> Any:
    import anthropic as sdk

    return confined(sdk.AsyncAnthropic(**client_options(endpoint, timeout)), endpoint)


def _make_openai(endpoint: Endpoint, timeout: httpx2.Timeout) -> Any:
    import openai as sdk

    return confined(sdk.AsyncOpenAI(**client_options(endpoint, timeout)), endpoint)


class AnthropicBatches:
    """Implements `Batches` for Anthropic Message Batches."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._connection = Connection(endpoint, _make_anthropic)

    async def submit(self, mark: str, bodies: Sequence[tuple[str, Body]]) -> str:
        """See `Batches.submit`."""
        del mark  # it is in the ids; these batches carry no other words of ours
        requests = [{"custom_id": name, "params": body} for name, body in bodies]
        version = {"anthropic-version": anthropic.SAMPLING_VERSION}
        headers = version if any("temperature" in body for _, body in bodies) else None

        async def create(client: Any) -> str:
            made = await client.messages.batches.create(requests=requests, extra_headers=headers)
            return str(made.id)

        return str(await self._connection.ask(create))

    async def find(self, mark: str, count: int, since: datetime) -> str | None:
        """See `Batches.find`. Only a batch that has ended shows whose it is."""

        async def candidates(client: Any) -> list[str]:
            page = await client.messages.batches.list(limit=_RECENT)
            return [
                batch.id
                for batch in page.data
                if batch.created_at >= since and _total(batch.request_counts) == count
            ]

        for name in await self._connection.ask(candidates):
            if (await self.state(name)).status == "running":
                return str(name)  # most likely ours; its results will tell
            if await self._is_ours(name, mark):
                return str(name)
        return None

    async def _is_ours(self, batch: str, mark: str) -> bool:
        lines = await self._lines(batch)
        return bool(lines) and string(lines[0].get("custom_id")).startswith(mark)

    async def state(self, batch: str) -> BatchState:
        """See `Batches.state`."""

        async def look(client: Any) -> Any:
            return await client.messages.batches.retrieve(batch)

        found = await self._connection.ask(look)
        status: BatchStatus = "ended" if found.processing_status == "ended" else "running"
        total = _total(found.request_counts)
        done = total - int(found.request_counts.processing)
        return BatchState(status, done=done, total=total)

    async def cancel(self, batch: str) -> None:
        """See `Batches.cancel`."""

        async def ask(client: Any) -> None:
            await client.messages.batches.cancel(batch)

        await self._connection.ask(ask)

    async def results(self, batch: str, model: ModelInfo) -> AsyncGenerator[BatchResult]:
        """See `Batches.results`."""
        for line in await self._lines(batch):
            name, result = string(line.get("custom_id")), mapping(line.get("result"))
            kind = string(result.get("type"))
            if kind == "succeeded":
                yield _result(name, mapping(result.get("message")), model)
                continue
            error = mapping(mapping(result.get("error")).get("error"))
            yield BatchResult(name, None, _words(error, f"the request was {kind or 'lost'}"))

    async def _lines(self, batch: str) -> list[dict[str, JSON]]:
        # Not from the URL that the batch tells, as the SDK does: the key goes nowhere else.
        async def read(client: Any) -> bytes:
            import httpx2

            path = f"/v1/messages/batches/{batch}/results"
            response = await client.get(path, cast_to=httpx2.Response)
            return bytes(await response.aread())

        return _jsonl(await self._connection.ask(read))

    async def aclose(self) -> None:
        """See `Batches.aclose`."""
        await self._connection.aclose()


def _total(counts: Any) -> int:
    names = ("canceled", "errored", "expired", "processing", "succeeded")
    return sum(int(getattr(counts, name)) for name in names)


class OpenAIBatches:
    """Implements `Batches` for OpenAI Batch, with Responses or Chat Completions inside."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._connection = Connection(endpoint, _make_openai)
        self._path = _PATHS[endpoint.api]

    async def submit(self, mark: str, bodies: Sequence[tuple[str, Body]]) -> str:
        """See `Batches.submit`."""
        lines = [
            json.dumps({"custom_id": name, "method": "POST", "url": self._path, "body": body})
            for name, body in bodies
        ]
        content = "".join(f"{line}\n" for line in lines).encode()

        async def create(client: Any) -> str:
            file = await client.files.create(file=(f"{mark}.jsonl", content), purpose="batch")
            made = await client.batches.create(
                input_file_id=file.id,
                endpoint=self._path,
                completion_window="24h",
                metadata={"flux_tui": mark},
            )
            return str(made.id)

        return str(await self._connection.ask(create))

    async def find(self, mark: str, count: int, since: datetime) -> str | None:
        """See `Batches.find`."""
        del count, since  # the mark alone tells

        async def look(client: Any) -> str | None:
            page = await client.batches.list(limit=_RECENT)
            own = (b for b in page.data if (b.metadata or {}).get("flux_tui") == mark)
            return next((str(batch.id) for batch in own), None)

        found = await self._connection.ask(look)
        return None if found is None else str(found)

    async def state(self, batch: str) -> BatchState:
        """See `Batches.state`."""
        found = await self._batch(batch)
        if found.status == "failed":
            errors = found.errors.data if found.errors is not None else None
            told = "; ".join(str(error.message) for error in (errors or ())[:3])
            full = any(error.code == _FULL for error in errors or ())
            words = one_line(told or "the batch failed", 500)
            return BatchState("full" if full else "failed", words)
        ended = found.status in ("completed", "expired", "cancelled")
        counts = found.request_counts
        done = 0 if counts is None else int(counts.completed) + int(counts.failed)
        total = 0 if counts is None else int(counts.total)
        return BatchState("ended" if ended else "running", done=done, total=total)

    async def cancel(self, batch: str) -> None:
        """See `Batches.cancel`."""

        async def ask(client: Any) -> None:
            await client.batches.cancel(batch)

        await self._connection.ask(ask)

    async def _batch(self, batch: str) -> Any:
        async def look(client: Any) -> Any:
            return await client.batches.retrieve(batch)

        return await self._connection.ask(look)

    async def results(self, batch: str, model: ModelInfo) -> AsyncGenerator[BatchResult]:
        """See `Batches.results`."""
        found = await self._batch(batch)
        for file in (found.output_file_id, found.error_file_id):
            for line in await self._lines(file) if file else ():
                name, response = string(line.get("custom_id")), mapping(line.get("response"))
                body = mapping(response.get("body"))
                if response.get("status_code") == 200:
                    yield _result(name, body, model)
                    continue
                error = mapping(line.get("error")) or mapping(body.get("error"))
                yield BatchResult(name, None, _words(error, "the request failed"))

    async def _lines(self, file: str) -> list[dict[str, JSON]]:
        async def read(client: Any) -> bytes:
            return bytes((await client.files.content(file)).content)

        return _jsonl(await self._connection.ask(read))

    async def aclose(self) -> None:
        """See `Batches.aclose`."""
        await self._connection.aclose()


def _jsonl(content: bytes) -> list[dict[str, JSON]]:
    """Return the objects of *content*, one a line; a line that is none is left out.

    What it was to tell is then missing, and is told as that.
    """
    found: list[dict[str, JSON]] = []
    for line in content.split(b"\n"):
        try:
            value = mapping(json.loads(line)) if line.strip() else {}
        except (ValueError, RecursionError):
            continue
        if value:
            found.append(value)
    return found

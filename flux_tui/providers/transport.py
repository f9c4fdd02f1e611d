"""From a request to stream events: sending, waiting, retrying, and one boundary for failures.

The request goes out through the vendor's own SDK; the answer is read here, because the SDKs end
truncated streams as success and let raw exceptions escape (anthropic 2.12, openai 3.54, tried
2026-11-22).
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from flux_tui.core.errors import ProviderError
from flux_tui.core.events import (
    RetryScheduled,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    UsageUpdate,
)
from flux_tui.providers.failures import StreamFailure, classify, provider_error, stale_reasoning
from flux_tui.providers.healing import Body, Healed, Healing
from flux_tui.providers.json_values import items, mapping

if TYPE_CHECKING:
    import httpx2

    from flux_tui.providers.base import Endpoint

ATTEMPTS = 4
FIRST_WAIT = 0.5  # seconds; doubles with every try
LONGEST_WAIT = 60.0  # seconds that a server may make us wait before we rather ask the user
_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 300.0  # a thinking model may say nothing for minutes
_DRAIN_SECONDS = 1.0
_EVENT_BYTES = 64 * 1024 * 1024
_EVENTS = "text/event-stream"
_MARK = b"\xef\xbb\xbf"  # of UTF-8, which an event stream may begin with
_EVENT_STARTS = (b"data:", b"event:", b": ")
_UNREADABLE = 4_000  # bytes of an answer that is no event stream, to tell what it is
_OWN_HOSTS = (".openai.com", ".anthropic.com")
# 408, 409, 429, 5xx: see `failures`. These kinds pass; a full window or a wrong key does not.
BEARER = {"security": {"bearer_auth": True}}
"""Request options of openai: it would also send a key for administrators, if one is set."""
_JITTER = random.SystemRandom()


class StreamDecoder(Protocol):
    """Turns the server-sent events of one reply into stream events; knows no network.

    `finished` becomes true with the terminal event, after which nothing is fed. `close` is called
    at the end of the stream; it yields what is left, the last event being `Stopped`.

    Raises:
        StreamFailure: from either method, for an error event, a broken promise of the format, or
            an end without the terminal event.
    """

    finished: bool

    def feed(self, event_name: str, data: str) -> Iterator[StreamEvent]:
        """Take one event; *data* is not blank."""
        ...

    def close(self) -> Iterator[StreamEvent]:
        """End the reply."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """How one wire format sends a request and reads its answer.

    `send` opens the request to `model` with a body; `healing` may know another body to try after
    a refusal.
    """

    model: str
    send: Callable[[Body], AbstractAsyncContextManager[httpx2.Response]]
    decoder: Callable[[], StreamDecoder]
    healing: Healing


class Connection:
    """The life of one SDK client: made in a thread on first use, closed once."""

    def __init__(self, endpoint: Endpoint, make: Callable[[Endpoint, httpx2.Timeout], Any]) -> None:
        self.endpoint = endpoint
        self._make = make
        self._client: Any = None
        self._making = asyncio.Lock()

    async def client(self) -> Any:
        """Return the SDK's client.

        Raises:
            ProviderError: there is no key, or the package cannot be imported.
        """
        async with self._making:
            if self._client is None:
                if self.endpoint.key is None and self.endpoint.key_name:
                    raise provider_error(
                        self.endpoint, "auth", what=f"needs a key in {self.endpoint.key_name}"
                    )
                try:
                    self._client = await asyncio.to_thread(self._build)
                except Exception as problem:
                    raise provider_error(
                        self.endpoint, "sdk", words=f"{type(problem).__name__}: {problem}"
                    ) from problem
        return self._client

    def _build(self) -> Any:
        import httpx2

        return self._make(self.endpoint, httpx2.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS))

    async def ask(self, question: Callable[[Any], Awaitable[Any]]) -> Any:
        """Return what the client answers to *question*.

        Raises:
            ProviderError: and nothing else.
        """
        client = await self.client()
        try:
            return await question(client)
        except Exception as problem:
            raise classify(self.endpoint, problem) from problem

    async def aclose(self) -> None:
        """Close the client; idempotent."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def client_options(endpoint: Endpoint, timeout: httpx2.Timeout) -> dict[str, Any]:
    """Return the arguments that both SDKs' clients share; the key is unwrapped here alone."""
    import httpx2

    options: dict[str, Any] = {
        "api_key": endpoint.key.get_secret_value() if endpoint.key else "none",
        "base_url": endpoint.base_url,
        "timeout": timeout,
        "max_retries": 0,
        "default_headers": dict(endpoint.headers),
    }
    if endpoint.transport is not None:
        options["http_client"] = httpx2.AsyncClient(transport=endpoint.transport, timeout=timeout)
    elif is_loopback(endpoint.base_url):
        # A proxy from the environment must never see requests to this machine.
        options["http_client"] = httpx2.AsyncClient(trust_env=False, timeout=timeout)
    return options


@asynccontextmanager
async def post_stream(
    client: Any, stream: Any, path: str, body: Body, options: Mapping[str, Any]
) -> AsyncGenerator[httpx2.Response]:
    """POST *body* by an SDK's *client* and give the open response, its body not read.

    What the SDK offers for addresses it does not know: its own methods for these would load the
    types of every answer, and search the whole history for parameters to rename, which a body as
    the wire takes it does not have. *stream* is the SDK's class of streams, *options* its
    `RequestOptions`.
    """
    opened = await client.post(
        path, cast_to=object, body=body, options=options, stream=True, stream_cls=stream[object]
    )
    async with opened:
        yield opened.response


def confined(client: Any, endpoint: Endpoint) -> Any:
    """Return *client* without what its SDK took from the environment for its own vendor.

    Accounts (OPENAI_ORG_ID, OPENAI_PROJECT_ID) and headers (OPENAI_CUSTOM_HEADERS,
    ANTHROPIC_CUSTOM_HEADERS), which may hold keys, would otherwise go to any other server too.
    """
    if (urlsplit(endpoint.base_url).hostname or "").endswith(_OWN_HOSTS):
        return client
    for name in ("organization", "project"):
        if getattr(client, name, None) is not None:
            setattr(client, name, None)
    # Neither SDK (anthropic 2.12, openai 3.54) has a public way to take these back.
    client._custom_headers = dict(endpoint.headers)
    return client


def is_loopback(url: str) -> bool:
    """Whether *url* leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def stream_reply(
    endpoint: Endpoint, exchange: Exchange, body: Body
) -> AsyncGenerator[StreamEvent]:
    """Yield the reply to *body*, trying again as long as none of it was seen.

    What a server refused is left out for one more try, each thing once.

    Raises:
        ProviderError: and nothing else.
    """
    repairs: dict[str, Healed] = {}
    attempt = 1
    while True:
        begun = False
        try:
            async with aclosing(_attempt(endpoint, exchange, body)) as events:
                async for event in events:
                    if not begun and _says_something(event):
                        begun = True
                        exchange.healing.learn(exchange.model, repairs.values())
                    yield event
        except ProviderError as problem:
            if begun:
                raise
            healed = exchange.healing.heal(problem, body)
            if healed and healed.words in repairs:
                healed = None
            seconds = 0.0 if healed else _pause(problem, attempt)
            if seconds is None:
                raise
            reason = healed.words if healed else problem.message
            unreasoned = healed is not None and stale_reasoning(problem)
            if healed:
                body, repairs[reason] = healed.body, healed
        else:
            return
        attempt += 1
        yield RetryScheduled(
            reason,
            seconds,
            attempt,
            max(ATTEMPTS, attempt),
            repaired=healed is not None,
            unreasoned=unreasoned,
        )
        await asyncio.sleep(seconds)


def _says_something(event: StreamEvent) -> bool:
    """Whether *event* is a part of the answer, and not the mere opening of one."""
    if isinstance(event, (TextDelta, ThinkingDelta)):
        return bool(event.text or event.metadata)
    return not isinstance(event, UsageUpdate)


def _resumed(
    request: httpx2.Request, start: bytes, rest: AsyncIterator[bytes] | None = None
) -> httpx2.Response:
    import httpx2

    async def whole() -> AsyncGenerator[bytes]:
        yield start
        if rest is not None:
            async for chunk in rest:
                yield chunk

    headers = {"content-type": _EVENTS}
    return httpx2.Response(200, headers=headers, content=whole(), request=request)


def _document(data: bytes) -> bytes:
    """Return a document of JSON as events, or nothing.

    It is the answer of a server that does not know `stream`, or an error in spite of the status.
    """
    try:
        found: object = json.loads(data)
    except (ValueError, RecursionError):
        return b""
    if "choices" in mapping(found):
        return b"data: " + json.dumps(found).encode() + b"\n\ndata: [DONE]\n\n"
    if error := _error(found):
        return b"event: error\ndata: " + error.encode() + b"\n\n"
    return b""


def _error(found: object) -> str:
    """Return the JSON of an error object, or of the first in a list; empty if it is none."""
    lead = items(found)[0] if items(found) else found
    return json.dumps(lead) if mapping(mapping(lead).get("error")) else ""


def _stray_error(tail: bytes) -> str:
    """Return the JSON of an error that stands bare behind the last event; empty if there is none.

    So Google breaks off a stream: the lines have no ``data:``, and a reader of events skips them.
    """
    last = tail.decode("utf-8", "replace").replace("\r\n", "\n").strip().rpartition("\n\n")[2]
    try:
        return _error(json.loads(last))
    except (ValueError, RecursionError):
        return ""


def _pause(problem: ProviderError, attempt: int) -> float | None:
    """Seconds to wait before the next try, or None when there is none."""
    if not problem.retryable or attempt >= ATTEMPTS:
        return None
    if problem.retry_after is not None:
        return problem.retry_after if problem.retry_after <= LONGEST_WAIT else None
    # Full seconds would bring all clients of a failed server back in one beat.
    return FIRST_WAIT * 2 ** (attempt - 1) * _JITTER.uniform(0.75, 1.25)


async def _attempt(
    endpoint: Endpoint, exchange: Exchange, body: Body
) -> AsyncGenerator[StreamEvent]:
    try:
        async with exchange.send(body) as response:
            stream = await _event_stream(response)
            async with aclosing(_read(stream, exchange.decoder())) as events:
                async for event in events:
                    yield event
    except Exception as problem:
        raise classify(endpoint, problem) from problem


async def _read(response: httpx2.Response, decoder: StreamDecoder) -> AsyncGenerator[StreamEvent]:
    import httpx2

    tail = bytearray()

    async def watched() -> AsyncGenerator[bytes]:
        async for chunk in response.aiter_bytes():
            tail.extend(chunk[-_UNREADABLE:])
            del tail[:-_UNREADABLE]
            yield chunk

    stream = _resumed(response.request, b"", watched())
    stream.encoding = "utf-8-sig"  # whatever the header says: the format knows no other
    source = aiter(httpx2.EventSource(stream, max_event_size=_EVENT_BYTES))
    async for sse in source:
        # Comments never come; events with only an id or a retry time come without data.
        if not sse.data.strip():
            continue
        for event in decoder.feed(sse.event, sse.data):
            yield event
        if decoder.finished:
            break
    if decoder.finished:
        # Reading on to the end lets the connection be used again; nothing of the reply is at stake.
        with suppress(httpx2.HTTPError, TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                async for _ in source:
                    pass
    elif error := _stray_error(bytes(tail)):
        for event in decoder.feed("error", error):
            yield event
    for event in decoder.close():
        yield event


async def _event_stream(response: httpx2.Response) -> httpx2.Response:
    """Return *response* if it is a stream of events, by its type or, for some servers, its start.

    Raises:
        StreamFailure: it is something else.
    """
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _EVENTS:
        return response
    start = b""
    chunks = aiter(response.aiter_bytes())
    async for chunk in chunks:
        start += chunk
        if start.removeprefix(_MARK).startswith(_EVENT_STARTS):
            return _resumed(response.request, start, chunks)
        whole = start.lstrip()[:1] == b"{"
        if len(start) >= (_EVENT_BYTES if whole else _UNREADABLE):
            break
    if document := _document(start):
        return _resumed(response.request, document)
    words = start[:_UNREADABLE].decode("utf-8", "replace").strip()
    if not words:
        raise StreamFailure("protocol", f"sent an empty answer ({response.status_code})")
    what = "a web page" if "html" in kind or words[:1] == "<" else f"{kind or 'an unknown type'}"
    raise StreamFailure(
        "protocol",
        f"sent {what} instead of a reply ({response.status_code}); "
        "a proxy, a login page or a wrong base URL may be in the way",
        words=words,
    )

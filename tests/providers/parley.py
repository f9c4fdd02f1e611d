"""An invented wire format, as small as one can be: what it takes to add a provider.

Requests go to /talk as `{"model", "prompt", "talk": [[who, words], ...]}`; answers come as events
`{"say": words}` and at the end `{"end": why, "read": tokens, "wrote": tokens}`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any

from flux_tui.core.events import Stopped, StreamEvent, TextDelta, UsageUpdate
from flux_tui.core.sanitize import Sanitizer
from flux_tui.core.usage import Usage
from flux_tui.providers.base import ChatRequest, Endpoint
from flux_tui.providers.failures import StreamFailure
from flux_tui.providers.healing import Healing
from flux_tui.providers.json_values import count, items, mapping, string
from flux_tui.providers.transport import Body, Connection, Exchange, stream_reply

if TYPE_CHECKING:
    import httpx2


def encode(request: ChatRequest) -> Body:
    """Return the body for *request*."""
    return {
        "model": request.model.ref.name,
        "prompt": request.system,
        "talk": [[message.role, message.text] for message in request.messages],
    }


class Decoder:
    """Decodes one reply."""

    def __init__(self) -> None:
        self.finished = False
        self._sanitizer = Sanitizer()

    def feed(self, event_name: str, data: str) -> Iterator[StreamEvent]:
        """Take one event. See `transport.StreamDecoder`."""
        try:
            event = mapping(json.loads(data))
        except ValueError as problem:
            raise StreamFailure("protocol", "sent an event that is not JSON") from problem
        if said := string(event.get("say")):
            yield TextDelta(0, self._sanitizer.feed(said))
        if "end" in event:
            self.finished = True
            read, wrote = count(event.get("read")), count(event.get("wrote"))
            yield UsageUpdate(Usage(input=read, output=wrote, raw=event))

    def close(self) -> Iterator[StreamEvent]:
        """End the reply. See `transport.StreamDecoder`."""
        if not self.finished:
            raise StreamFailure("incomplete")
        if rest := self._sanitizer.flush():
            yield TextDelta(0, rest)
        yield Stopped("end")


def _make(endpoint: Endpoint, timeout: httpx2.Timeout) -> Any:
    from flux_tui.providers.plain_http import PlainClient

    key = endpoint.key.get_secret_value() if endpoint.key else ""
    return PlainClient(endpoint, timeout, {"x-parley-key": key}, lambda body: body)


class Parley:
    """Implements `Provider` for Parley."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._connection = Connection(endpoint, _make)
        self._healing = Healing(lambda problem, body: None)

    async def prepare(self) -> None:
        """See `Provider.prepare`."""
        await self._connection.client()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamEvent]:
        """See `Provider.stream`."""
        client = await self._connection.client()

        def send(body: Body) -> Any:
            return client.stream("/talk", body)

        exchange = Exchange(request.model.ref.name, send, Decoder, self._healing)
        async for event in stream_reply(self.endpoint, exchange, self.body(request)):
            yield event

    async def models(self) -> list[str]:
        """See `Provider.models`."""

        async def names(client: Any) -> list[str]:
            return [string(name) for name in items(mapping(await client.get("/names")).get("all"))]

        return await self._connection.ask(names)

    def body(self, request: ChatRequest) -> Body:
        """See `Provider.body`."""
        return self._healing.fit(request.model.ref.name, encode(request))

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._connection.aclose()

"""The simulator as an `httpx2` transport: no socket, real streaming, real exceptions.

`httpx2.ASGITransport` buffers a whole body before it returns; this one hands every chunk on as
it is made, keeps the client's timeouts, and turns faults into the exceptions the real network
gives (checked against the loopback server in the tests).
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar, cast

import httpx2

from flux_tui.sim.app import SimReply, SimRequest, Simulator
from flux_tui.sim.script import Action

T = TypeVar("T")

_UNVERIFIED = (
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer "
    "certificate (_ssl.c:1006)"
)


class SimTransport(httpx2.AsyncBaseTransport):
    """Carries requests to a simulator in the same event loop."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See `httpx2.AsyncBaseTransport`.

        Raises:
            httpx2.TransportError: the subclass that the ordered fault gives on a network.
        """
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = SimRequest(request.method, request.url.path, headers, await request.aread())
        seconds = _read_timeout(request)
        reply = await _within(self.simulator.handle(asked), seconds, request)
        if reply.drop:
            raise _dropped(reply, request)
        return httpx2.Response(
            reply.status,
            headers=list(reply.headers),
            stream=_Stream(reply, seconds, request),
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )


class _Stream(httpx2.AsyncByteStream):
    """A reply's body, with the client's read timeout on every chunk."""

    def __init__(self, reply: SimReply, seconds: float | None, request: httpx2.Request) -> None:
        self._chunks = reply.body
        self._seconds = seconds
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._chunks is None:
            return
        while True:
            chunk = await _within(anext(self._chunks, None), self._seconds, self._request)
            if chunk is None or chunk is Action.END:
                return
            if isinstance(chunk, Action):
                await self._act(chunk)
            else:
                yield chunk

    async def _act(self, action: Action) -> None:
        if action is Action.STALL:
            await _within(asyncio.Event().wait(), self._seconds, self._request)
        if action is Action.RESET:
            raise httpx2.ReadError("", request=self._request)
        text = (
            "peer closed connection without sending complete message body (incomplete chunked read)"
        )
        raise httpx2.RemoteProtocolError(text, request=self._request)

    async def aclose(self) -> None:
        """End the body early, as closing the connection does."""
        if self._chunks is not None:
            await self._chunks.aclose()


def _read_timeout(request: httpx2.Request) -> float | None:
    # httpx2 itself puts the four timeouts of the client there.
    timeouts = cast("dict[str, float | None]", request.extensions.get("timeout", {}))
    return timeouts.get("read")


async def _within(work: Awaitable[T], seconds: float | None, request: httpx2.Request) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as problem:
        raise httpx2.ReadTimeout("", request=request) from problem


def _dropped(reply: SimReply, request: httpx2.Request) -> httpx2.TransportError:
    """The exception for a connection that never was, with the operating system's as its cause."""
    cause: OSError
    match reply.drop:
        case "dns":
            cause = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            text = str(cause)
        case "tls":
            cause = ssl.SSLCertVerificationError(1, _UNVERIFIED)
            text = _UNVERIFIED
        case "refused":
            cause = ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed")
            text = "All connection attempts failed"
        case _:
            text = "Server disconnected without sending a response."
            return httpx2.RemoteProtocolError(text, request=request)
    error = httpx2.ConnectError(text, request=request)
    error.__cause__ = cause
    return error

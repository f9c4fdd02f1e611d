"""The simulator as an HTTP/1.1 server on the loopback interface, over asyncio and h11.

Made to misbehave where it is asked to: it resets, stalls, drips and breaks off bodies, which
ordinary servers take care not to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

import h11

from flux_tui.sim.app import SimReply, SimRequest, SimSettings, Simulator
from flux_tui.sim.script import Action

_READ = 64 * 1024
_MAX_BODY = 64 * 1024 * 1024  # bytes; a little over what any vendor takes
# SO_LINGER on, zero seconds: closing then sends RST instead of FIN.
_ABORT = struct.pack("ii", 1, 0)


class SimServer:
    """A running server; `port` is where it listens. Close it with `aclose`."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.port = 0
        self.connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The base URL, without a path."""
        return f"http://127.0.0.1:{self.port}"

    async def listen(self, host: str, port: int) -> None:
        """Begin; see `serve`."""
        self._server = await asyncio.start_server(self._connected, host, port, limit=_READ)
        self.port = self._server.sockets[0].getsockname()[1]

    async def aclose(self) -> None:
        """Stop listening, drop every connection and wait until all is gone."""
        if self._server is None:
            return
        for listening in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        for _ in range(2):  # what asyncio has accepted becomes a connection in so many steps
            await asyncio.sleep(0)
        self._server.close()
        for task in tuple(self.connections):
            task.cancel()
        await asyncio.gather(*self.connections, return_exceptions=True)
        await self._server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # No coroutine: asyncio would make a task of it that `aclose` does not know before it runs,
        # and cancelled by then, it would never close the connection.
        def ended(task: asyncio.Task[None]) -> None:
            self.connections.discard(task)
            if not writer.is_closing():
                writer.transport.abort()

        task = asyncio.create_task(_Connection(self.simulator, reader, writer).run())
        self.connections.add(task)
        task.add_done_callback(ended)


async def serve(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> SimServer:
    """Start serving *simulator*; port 0 takes a free one.

    Raises:
        OSError: the port is taken or the address is not ours.
    """
    server = SimServer(simulator)
    await server.listen(host, port)
    return server


async def run_server(
    port: int = 0,
    speed: float = 50.0,
    *,
    first_token: float = 0.2,
    host: str = "127.0.0.1",
    started: Callable[[SimServer], None] | None = None,
) -> None:
    """Serve until cancelled.

    Args:
        port: 0 takes a free one; *started* is told which.
        speed: tokens a second, 0 for as fast as possible.
        first_token: seconds before the first token.
        host: the interface; anything but loopback offers the simulator to the network.
        started: called once the server listens.

    Raises:
        OSError: the port is taken or the address is not ours.
    """
    simulator = Simulator(SimSettings(speed=speed, first_token=first_token))
    server = await serve(simulator, host, port)
    try:
        if started is not None:
            started(server)
        await asyncio.Event().wait()
    finally:
        await server.aclose()


class _Connection:
    """One client connection: requests one after the other until somebody closes it."""

    def __init__(
        self, simulator: Simulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._simulator = simulator
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)

    async def run(self) -> None:
        """Serve requests until the connection is over."""
        try:
            while (request := await self._request()) is not None:
                alive = await self._watched(request)
                if not alive or self._http.our_state is not h11.DONE:
                    break
                if self._http.their_state is not h11.DONE:
                    break
                self._http.start_next_cycle()
        except (h11.RemoteProtocolError, ConnectionError):
            self._writer.transport.abort()
        else:
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()

    async def _request(self) -> SimRequest | None:
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(_READ))
            elif isinstance(event, h11.Request):
                head = event
                await self._continue()
            elif isinstance(event, h11.Data) and len(body) <= _MAX_BODY:
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return _read(head, bytes(body))
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return None

    async def _continue(self) -> None:
        if self._http.they_are_waiting_for_100_continue:
            await self._send(h11.InformationalResponse(status_code=100, headers=[]))

    async def _watched(self, request: SimRequest) -> bool:
        """Answer, but stop as soon as the client hangs up; whether the connection lives on."""
        answering = asyncio.ensure_future(self._answer(request))
        watching = asyncio.ensure_future(self._hung_up())
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
            return await answering if answering.done() else False
        finally:
            for task in (answering, watching):
                task.cancel()
            await asyncio.gather(answering, watching, return_exceptions=True)

    async def _hung_up(self) -> None:
        while True:
            data = await self._reader.read(_READ)
            self._http.receive_data(data)  # a pipelined request waits here for its turn
            if not data:
                return

    async def _answer(self, request: SimRequest) -> bool:
        reply = await self._simulator.handle(request)
        if reply.drop:
            self._cut(reset=reply.drop != "disconnect")
            return False
        length = any(name == "content-length" for name, _ in reply.headers)
        framing = [] if length else [("transfer-encoding", "chunked")]
        head = h11.Response(status_code=reply.status, headers=[*reply.headers, *framing])
        await self._send(head)
        return await self._body(reply)

    async def _body(self, reply: SimReply) -> bool:
        if reply.body is not None:
            async with contextlib.aclosing(reply.body) as chunks:
                async for chunk in chunks:
                    if chunk is Action.END:
                        break
                    if isinstance(chunk, Action):
                        await self._act(chunk)
                        return False
                    await self._send(h11.Data(data=chunk))
        await self._send(h11.EndOfMessage())
        return True

    async def _act(self, action: Action) -> None:
        if action is Action.STALL:
            await asyncio.Event().wait()
        self._cut(reset=action is Action.RESET)

    def _cut(self, *, reset: bool) -> None:
        raw = self._writer.get_extra_info("socket")
        if reset and raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self._writer.transport.abort()
        else:
            self._writer.close()

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()


def _read(head: h11.Request, body: bytes) -> SimRequest:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    path = head.target.decode("latin-1").partition("?")[0]
    return SimRequest(head.method.decode("ascii"), path, headers, body)

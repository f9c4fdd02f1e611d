from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress

import httpx2
import pytest

from flux_tui.sim.app import Simulator
from flux_tui.sim.server import SimServer, run_server, serve
from tests.sim.helpers import PATHS, body, headers


async def until(condition: object, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_one_connection_serves_many_requests(
    server: SimServer, net_client: httpx2.AsyncClient
) -> None:
    for _ in range(3):
        reply = await net_client.post(
            PATHS["chat"], json=body("chat", "hi"), headers=headers("chat")
        )
        assert reply.status_code == 200

    assert len(server.connections) == 1


async def test_a_client_that_hangs_up_frees_the_connection(server: SimServer) -> None:
    async with httpx2.AsyncClient(trust_env=False, base_url=server.url, timeout=30) as client:
        async with client.stream(
            "POST", PATHS["chat"], json=body("chat", "sim: fault=stall"), headers=headers("chat")
        ) as reply:
            async for _ in reply.aiter_bytes():
                break
            assert len(server.connections) == 1

        await until(lambda: not server.connections)


async def test_a_client_that_hangs_up_before_any_header_frees_the_connection(
    server: SimServer,
) -> None:
    patience = httpx2.Timeout(30, read=0.1)
    async with httpx2.AsyncClient(trust_env=False, base_url=server.url, timeout=patience) as client:
        sent = headers("chat", **{"x-sim-fault": "no-headers"})
        with pytest.raises(httpx2.ReadTimeout):
            await client.post(PATHS["chat"], json=body("chat", "hi"), headers=sent)

    await until(lambda: not server.connections)


async def test_closing_the_server_ends_what_still_streams(sim: Simulator) -> None:
    server = await serve(sim)
    async with httpx2.AsyncClient(trust_env=False, base_url=server.url, timeout=30) as client:
        request = body("chat", "sim: fault=stall")
        async with client.stream(
            "POST", PATHS["chat"], json=request, headers=headers("chat")
        ) as reply:
            lines = reply.aiter_lines()
            await anext(lines)

            await server.aclose()

            with pytest.raises(httpx2.TransportError):
                async for _ in lines:
                    pass


@pytest.mark.parametrize("steps", range(10))
async def test_closing_the_server_ends_what_has_only_just_connected(
    sim: Simulator, steps: int
) -> None:
    server = await serve(sim)
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.setblocking(False)
        for _ in range(steps):
            await asyncio.sleep(0)

        await server.aclose()

        async with asyncio.timeout(10):
            with suppress(ConnectionResetError):
                assert await asyncio.get_running_loop().sock_recv(client, 1) == b""
    assert not server.connections


async def raw_exchange(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_requests_sent_ahead_are_answered_in_order(server: SimServer) -> None:
    def get(path: str, last: str = "") -> bytes:
        return f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n{last}\r\n".encode()

    ahead = get("/v1/models/gpt-5") + get("/v1/models/gpt-4o", "connection: close\r\n")

    answer = await raw_exchange(server.port, ahead)

    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.index(b'"gpt-5"') < answer.index(b'"gpt-4o"')


async def test_what_is_not_http_is_cut_off(server: SimServer) -> None:
    answer = await raw_exchange(server.port, b"\x16\x03\x01 not http at all\r\n\r\n")
    assert answer == b""

    await until(lambda: not server.connections)


async def test_a_body_sent_in_chunks_is_read_whole(
    sim: Simulator, net_client: httpx2.AsyncClient
) -> None:
    async def pieces():  # type: ignore[no-untyped-def]
        raw = json.dumps(body("chat", "hi", stream=False)).encode()
        for at in range(0, len(raw), 7):
            yield raw[at : at + 7]

    reply = await net_client.post(PATHS["chat"], content=pieces(), headers=headers("chat"))

    assert reply.status_code == 200
    assert json.loads(sim.requests[-1].body)["messages"]


async def test_running_the_server_tells_where_it_listens_and_ends_when_cancelled() -> None:
    started: list[SimServer] = []
    task = asyncio.ensure_future(run_server(0, 0, first_token=0, started=started.append))
    await until(lambda: bool(started))

    async with httpx2.AsyncClient(trust_env=False, base_url=started[0].url, timeout=30) as client:
        reply = await client.get("/v1/models", headers=headers("chat"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert reply.status_code == 200
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", started[0].port)


async def test_a_taken_port_is_an_error(server: SimServer, sim: Simulator) -> None:
    with pytest.raises(OSError, match="in use"):
        await serve(sim, port=server.port)

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from flux_tui.sim.app import SimSettings, Simulator
from flux_tui.sim.server import SimServer, serve
from flux_tui.sim.transport import SimTransport


@pytest.fixture
def sim() -> Simulator:
    return Simulator(SimSettings(cache_minimum=10))


@pytest.fixture
async def client(sim: Simulator) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        transport=SimTransport(sim), base_url="http://sim", timeout=30
    ) as client:
        yield client


@pytest.fixture
async def server(sim: Simulator) -> AsyncIterator[SimServer]:
    running = await serve(sim)
    yield running
    await running.aclose()


@pytest.fixture
async def net_client(server: SimServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client:
        yield client

"""The simulator in a process of its own over loopback, with a log of when each token left.

    python -m bench.server LOG

Prints its port. A prompt `bench n=TOKENS r=TOKENS_PER_SECOND k=KIND id=XY` decides the answer: it
begins with the word `alphaXY` and ends with `omegaXY`. `r=0` hands over the whole answer at once,
`k=first` its first token, and the rest 600 ms later.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flux_tui.sim.app import Simulator

ORDER = re.compile(rb"bench n=\d+ r=(\d+) k=(\w+) id=(\w+)")
PAUSE = 0.6  # seconds, after the first token of `k=first`


def watched(log: Path) -> Simulator:
    """A simulator that answers without delay and writes a line to *log* for what happens."""
    from flux_tui.sim.app import SimReply, SimRequest, SimSettings, Simulator

    class Watched(Simulator):
        async def handle(self, request: SimRequest) -> SimReply:
            at = time.monotonic()
            reply = await super().handle(request)
            orders = ORDER.findall(request.body)
            if not orders or reply.body is None or request.path.endswith("count_tokens"):
                return reply
            rate, kind, ident = orders[-1]
            note("request", ident, at)
            timed = together if rate == b"0" and kind != b"first" else singly
            return replace(reply, body=timed(reply.body, ident, kind))

    def note(what: str, ident: bytes, at: float) -> None:
        with log.open("a") as file:
            file.write(json.dumps({"what": what, "id": ident.decode(), "at": at}) + "\n")

    async def singly(chunks: AsyncGenerator, ident: bytes, kind: bytes) -> AsyncGenerator:
        """As they come; a chunk has left when the next one is asked for."""
        begun = False
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk
                # Later on, the events that repeat the whole answer have the word too.
                if not begun and isinstance(chunk, bytes) and b"alpha" + ident in chunk:
                    begun = True
                    note("first", ident, time.monotonic())
                    await asyncio.sleep(PAUSE if kind == b"first" else 0)
        note("last", ident, time.monotonic())

    async def together(chunks: AsyncGenerator, ident: bytes, kind: bytes) -> AsyncGenerator:
        async with aclosing(chunks):
            whole = b"".join([chunk async for chunk in chunks])
        note("first", ident, time.monotonic())
        yield whole
        note("last", ident, time.monotonic())

    return Watched(SimSettings(speed=0, first_token=0))


async def serve(log: Path) -> None:
    from flux_tui.sim import server

    running = await server.serve(watched(log))
    print(running.port, flush=True)
    await asyncio.Event().wait()


@dataclass(frozen=True)
class Event:
    """What happened at the server: a request, the first token of an answer, the last byte."""

    what: str
    id: str
    at: float  # by the clock that all processes of a machine share, seconds


class Server:
    """The other side: starts that process and reads its log; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "server.jsonl"
        self._log.touch()
        command = [sys.executable, "-m", "bench.server", str(self._log)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        with self._process.stdout as printed:
            self.url = f"http://127.0.0.1:{int(printed.readline())}"
        self.pid = self._process.pid

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def find(self, what: str, ident: str, number: int = 1) -> float | None:
        """When *what* happened for the *number*th time; None: not yet."""
        lines = self._log.read_text().splitlines()
        events = [Event(**json.loads(line)) for line in lines if f'"{ident}"' in line]
        found = [event.at for event in events if (event.what, event.id) == (what, ident)]
        return found[number - 1] if len(found) >= number else None


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))

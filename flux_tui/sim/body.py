"""A reply's body: events at the pace of a model, then the faults that strike single bytes."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Iterable, Iterator

from flux_tui.sim.script import Action, Frame

DRIP_SECONDS = 0.01  # between two bytes of the fault `drip`
_BREATH = 16  # events between two chances for the rest of the loop at full speed


async def paced(
    frames: Iterator[Frame | Action], speed: float, delay: float
) -> AsyncGenerator[bytes | Action]:
    """*frames* as chunks, *delay* seconds after the first, then *speed* tokens a second.

    The pace is kept against the clock, not by adding sleeps, so a late event does not delay the
    rest. A speed of 0 is as fast as the reader takes them.
    """
    clock = asyncio.get_running_loop().time
    started: float | None = None
    spent = 0
    for index, frame in enumerate(frames):
        if isinstance(frame, Action):
            yield frame
            return
        if frame.tokens and started is None:
            await asyncio.sleep(delay)
            started = clock()
        if speed and started is not None:
            await asyncio.sleep(max(0.0, started + spent / speed - clock()))
        elif index % _BREATH == 0:
            await asyncio.sleep(0)
        spent += frame.tokens
        yield frame.data


async def mangled(
    chunks: AsyncGenerator[bytes | Action], names: Iterable[str]
) -> AsyncGenerator[bytes | Action]:
    """*chunks* after the byte faults *names*: crlf, gzip, split, drip."""
    wanted = frozenset(names)
    packer = zlib.compressobj(wbits=31) if "gzip" in wanted else None
    async for chunk in chunks:
        if isinstance(chunk, Action):
            yield chunk
            return
        data = chunk.replace(b"\n", b"\r\n") if "crlf" in wanted else chunk
        if packer is not None:
            data = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
        if not wanted & {"split", "drip"}:
            yield data
            continue
        for at in range(len(data)):
            if "drip" in wanted:
                await asyncio.sleep(DRIP_SECONDS)
            elif at % _BREATH == 0:
                await asyncio.sleep(0)
            yield data[at : at + 1]
    if packer is not None:
        yield packer.flush()


def halves(document: bytes) -> Iterator[Frame]:
    """A JSON document as two frames, so that a fault can strike in its middle."""
    middle = len(document) // 2
    yield Frame(document[:middle], 1)
    yield Frame(document[middle:], terminal=True)

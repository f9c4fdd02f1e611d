"""A pseudo-terminal that answers like a real one and knows to the millisecond what it showed when.

What a program writes is only noted down while it is measured; the screen is drawn from the notes
when somebody looks, so that drawing takes no time from the program.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

from bench.machine import cpu_seconds, prefer
from tests.terminal.program import Program

QUERY = re.compile(rb"\x1b\[(?:(?P<attributes>0?c)|\?(?P<mode>\d+)\$p|(?P<where>6n))")
NO_MODES = (b"2027", b"2031", b"2048")
AT_REST = 0.4  # seconds without output; below the half second of a blinking cursor
LITTLE = 0.2  # of a core


class Notes(pyte.ByteStream):
    """Output with the time it came, to be drawn later."""

    def __init__(self, screen: pyte.Screen) -> None:
        super().__init__(screen)
        self.chunks: list[tuple[float, bytes]] = []
        self.drawn = 0

    def feed(self, data: bytes) -> None:
        self.chunks.append((time.monotonic(), data))

    def draw(self) -> float | None:
        """Draw the next chunk and return when it came; None: all is drawn."""
        if self.drawn == len(self.chunks):
            return None
        at, data = self.chunks[self.drawn]
        self.drawn += 1
        super().feed(data)
        return at


class Terminal(Program):
    """A program on such a terminal; times are of the monotonic clock, in seconds."""

    def __init__(
        self, words: Sequence[str], *, module: str, env: Mapping[str, str], cwd: Path
    ) -> None:
        self.begun = time.monotonic()
        super().__init__(words, module=module, env=env, cwd=cwd)
        prefer(self.pid)
        self.notes = self._stream = Notes(self.screen)
        self._lines = [""] * self.rows
        self._asked = 0

    def read(self, seconds: float = 0.05) -> bool:
        """Take what the program wrote, and answer what it asked the terminal."""
        alive = super().read(seconds)
        found = list(QUERY.finditer(self.output, self._asked))
        for match in found:
            self.type(self._answer(match))
        self._asked = found[-1].end() if found else max(self._asked, len(self.output) - 16)
        return alive

    def _answer(self, query: re.Match[bytes]) -> str:
        if query["attributes"]:
            return "\x1b[?62;22c"
        if query["mode"]:
            return f"\x1b[?{query['mode'].decode()};{0 if query['mode'] in NO_MODES else 2}$y"
        return f"\x1b[{self.screen.cursor.y + 1};{self.screen.cursor.x + 1}R"

    def _seen(self) -> str:
        for y in self.screen.dirty:
            row = self.screen.buffer[y]
            self._lines[y] = "".join(row[x].data for x in range(self.columns)).rstrip()
        self.screen.dirty.clear()
        return "\n".join(self._lines)

    @property
    def text(self) -> str:
        """The screen as it is now."""
        while self.notes.draw() is not None:
            pass
        return self._seen()

    def until(self, shown: Callable[[str], bool], seconds: float = 30) -> float:
        """When the screen first was so (from what has not been looked at yet).

        Raises:
            TimeoutError: it never was.
        """
        end = time.monotonic() + seconds
        if shown(self._seen()):
            return time.monotonic()
        while True:
            while (at := self.notes.draw()) is not None:
                if shown(self._seen()):
                    return at
            if time.monotonic() > end:
                raise TimeoutError(f"the screen:\n{self._seen().strip()}")
            self.read(0.002)

    def rest(self, seconds: float = 10) -> bool:
        """Read until the program neither writes nor works; whether it came to that in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            written, used, at = len(self.output), cpu_seconds(self.pid), time.monotonic()
            self.read(AT_REST)
            share = (cpu_seconds(self.pid) - used) / (time.monotonic() - at)
            if len(self.output) == written and share < LITTLE:
                return True
        return False

    def last_change(self) -> float:
        """When the text on the screen changed last, in what has not been looked at yet."""
        changed, before = 0.0, self._seen()
        while (at := self.notes.draw()) is not None:
            if (now := self._seen()) != before:
                changed, before = at, now
        return changed

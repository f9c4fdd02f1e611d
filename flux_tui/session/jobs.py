"""Many prompts for several models: what is to be asked, and how fast each provider may be."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import cast

from flux_tui.core.errors import InputError
from flux_tui.core.jsontext import read_json
from flux_tui.core.sanitize import one_line, sanitize

MAX_BYTES = 200_000_000
"""Of a file with prompts."""

STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question. `id` names it in results; `system` are instructions of its own."""

    text: str
    id: str = "1"
    system: str = ""

    @property
    def digest(self) -> str:
        """What tells it from the same id with other words."""
        return sha256("\0".join((self.id, self.system, self.text)).encode()).hexdigest()[:16]


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """Read a file of one JSON object a line: ``{"prompt", "id"?, "system"?}``. Blocks.

    Without an id the number of the line is it. The path "-" is standard input.

    Raises:
        InputError: it cannot be read, or a line is wrong; the line is named.
    """
    where = "standard input" if path == STDIN else str(path)
    try:
        content = _content(path)
    except OSError as problem:
        raise InputError(f"{where} cannot be read: {problem.strerror}") from problem
    if len(content) > MAX_BYTES:
        raise InputError(f"{where} is larger than {MAX_BYTES // 1_000_000} MB")
    lines = content.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")
    found: dict[str, Prompt] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        prompt = _prompt(line, number, f"{where}:{number}")
        if prompt.id in found:
            raise InputError(f"{where}:{number}: the id {prompt.id!r} was there before")
        found[prompt.id] = prompt
    if not found:
        raise InputError(f"{where} holds no prompts", hint='write lines like {"prompt": "..."}')
    return tuple(found.values())


def _content(path: Path) -> bytes:
    """Return what is there, or one byte more than is allowed: a pipe tells no size."""
    if path == STDIN:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _prompt(line: str, number: int, place: str) -> Prompt:
    value = read_json(line, f"{place}:")
    if not isinstance(value, dict):
        raise InputError(f"{place}: expected an object", hint='like {"prompt": "..."}')
    given = cast("dict[str, object]", value)  # JSON objects have text keys
    texts = {name: given.get(name, "") for name in ("prompt", "system")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise InputError(f"{place}: {name} is no text")
    text = sanitize(str(texts["prompt"]))
    if not text.strip():
        raise InputError(f"{place}: there is no prompt")
    own = given.get("id", number)
    if isinstance(own, bool) or not isinstance(own, str | int) or own == "":
        raise InputError(f"{place}: id is neither text nor a number")
    return Prompt(text, one_line(str(own), 200), sanitize(str(texts["system"])))


@dataclass(slots=True)
class _Gate:
    room: asyncio.Semaphore
    next: float = 0.0  # when the next request may go out, seconds of a monotonic clock


@dataclass(frozen=True, slots=True)
class Limits:
    """A number for every provider, and others for some of them by id."""

    usual: float
    own: Mapping[str, float] = field(default_factory=dict[str, float])

    def of(self, provider: str) -> float:
        """Return the number for *provider*."""
        return self.own.get(provider, self.usual)


@dataclass(slots=True)
class Gates:
    """Lets requests through: per provider so many at a time, and so many a minute, evenly.

    A provider whose `rpm` is 0 has no limit by time.
    """

    concurrency: Limits
    rpm: Limits
    _gates: dict[str, _Gate] = field(default_factory=dict[str, _Gate])

    @asynccontextmanager
    async def through(self, provider: str) -> AsyncGenerator[None]:
        """Wait for a place at *provider*, and hold it."""
        if provider not in self._gates:
            room = asyncio.Semaphore(int(self.concurrency.of(provider)))
            self._gates[provider] = _Gate(room)
        gate = self._gates[provider]
        async with gate.room:
            rpm = self.rpm.of(provider)
            if rpm:
                now = time.monotonic()
                at = max(now, gate.next)
                gate.next = at + 60 / rpm
                await asyncio.sleep(at - now)
            yield

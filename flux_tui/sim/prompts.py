"""Directions to the simulator inside a prompt: `sim:` lines and the benchmark line.

    sim: fault=stall@5 speed=50 tool=read_file:{"path":"README.md"} think=3 text="Hello"
    bench n=2000 r=200 k=md id=a1

`sim:` keys: fault=NAME[@AFTER][*TIMES] (`AFTER` content events pass first; after `TIMES` requests
with the same body it is over), speed=TOKENS_PER_SECOND, delay=SECONDS before the first token,
tool=NAME[:{JSON}] (repeatable: parallel calls), repeat=N rounds of those calls, think=SENTENCES,
tokens=N of answer, kind=md|prose|code|list|table, seed=N, text="JSON string",
stop=end|length|refusal, redacted=1.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from flux_tui.sim.script import Call
from flux_tui.sim.values import mapping, string

_DECODER = json.JSONDecoder()
_KEY = re.compile(r"\s*([a-z]+)=")
_WORD = re.compile(r"\S*")
_TOOL = re.compile(r"([A-Za-z0-9_-]+)(:?)")
_FAULT = re.compile(r"([a-z0-9-]+)(?:@(\d+))?(?:\*(\d+))?")
_BENCH = re.compile(r"\bbench((?:\s+[nrk]=\w+|\s+id=\w+)+)")


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """A fault to show: after how many content events, and for how many equal requests."""

    name: str
    after: int = 3
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Directive:
    """What a prompt orders; None and empty mean that it says nothing about it."""

    faults: tuple[FaultOrder, ...] = ()
    calls: tuple[Call, ...] = ()
    repeat: int = 1
    speed: float | None = None
    delay: float | None = None
    think: int | None = None
    tokens: int | None = None
    kind: str = ""
    seed: str = ""
    text: str | None = None
    stop: str = ""
    redacted: bool = False
    marker: str = ""  # bench: the answer begins with alpha<marker> and ends with omega<marker>
    unknown: tuple[str, ...] = field(default=())


def parse_fault(order: str) -> FaultOrder | None:
    """`name[@after][*times]`, or None when it is not of that form."""
    found = _FAULT.fullmatch(order.strip())
    if found is None:
        return None
    name, after, times = found.groups()
    return FaultOrder(name, int(after) if after else 3, int(times) if times else None)


def parse(text: str) -> Directive | None:
    """The directions in *text*: its first `sim:` line, or its last benchmark line."""
    for line in text.splitlines():
        if line.lstrip().startswith("sim:"):
            return _directive(_pairs(line.lstrip()[4:]))
    benches = _BENCH.findall(text)
    if not benches:
        return None
    pairs = dict(pair.split("=", 1) for pair in benches[-1].split())
    return Directive(
        tokens=_int(pairs.get("n", "200")),
        speed=_float(pairs.get("r", "0")),
        kind=pairs.get("k", "md"),
        marker=pairs.get("id", "0"),
    )


def _pairs(line: str) -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = []
    at = 0
    while (key := _KEY.match(line, at)) is not None:
        value, at = _value(key.group(1), line, key.end())
        pairs.append((key.group(1), value))
    return pairs


def _value(key: str, line: str, at: int) -> tuple[object, int]:
    if key == "tool" and (tool := _TOOL.match(line, at)) is not None:
        arguments, end = _json(line, tool.end()) if tool.group(2) else (None, tool.end())
        if end == tool.end() and tool.group(2):  # not JSON: sent as it is, to be malformed
            raw = _word(line, end)
            return Call(tool.group(1), raw=raw), end + len(raw)
        return Call(tool.group(1), mapping(arguments)), end
    if line[at : at + 1] == '"':
        return _json(line, at)
    word = _word(line, at)
    return word, at + len(word)


def _word(line: str, at: int) -> str:
    found = _WORD.match(line, at)
    return found.group() if found else ""


def _json(line: str, at: int) -> tuple[object, int]:
    try:
        value, end = _DECODER.raw_decode(line, at)
    except ValueError:
        return "", at
    return value, end


def _directive(pairs: list[tuple[str, object]]) -> Directive:
    words = {key: string(value) for key, value in pairs if isinstance(value, str)}
    orders = [parse_fault(string(value)) for key, value in pairs if key == "fault"]
    return Directive(
        faults=tuple(order for order in orders if order is not None),
        calls=tuple(value for _, value in pairs if isinstance(value, Call)),
        repeat=_int(words.get("repeat")) or 1,
        speed=_float(words.get("speed")),
        delay=_float(words.get("delay")),
        think=_int(words.get("think")),
        tokens=_int(words.get("tokens")),
        kind=words.get("kind", ""),
        seed=words.get("seed", ""),
        text=words.get("text"),
        stop=words.get("stop", ""),
        redacted=words.get("redacted") == "1",
        unknown=tuple(key for key, _ in pairs if key not in _KEYS),
    )


_TEXT_KEYS = ("tokens", "kind", "seed", "text", "stop", "redacted", "think")
_KEYS = frozenset(("fault", "tool", "repeat", "speed", "delay", *_TEXT_KEYS))


def _int(word: str | None) -> int | None:
    return int(word) if word and word.isdecimal() else None


def _float(word: str | None) -> float | None:
    try:
        return float(word) if word else None
    except ValueError:
        return None

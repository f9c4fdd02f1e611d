"""What is measured: each scenario takes a subject and gives figures by name.

Named and shaped as in other benchmarks of terminal clients, so that figures compare: `md2k200` are
2,000 tokens of Markdown at 200 a second, `md2kmax` the same at once.
"""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.machine import resident_mib
from bench.subjects import (
    FLOOR,
    OURS,
    PLAIN,
    RESUMED,
    STORED,
    SUBJECTS,
    TEXTUAL,
    Ground,
    Session,
    Subject,
)

Figures = dict[str, float]
GAP = 0.2  # seconds between the echo of a key and the next one
SLOW = 40  # seconds a program may lag behind
PATIENCE = 40  # seconds for a long history to come together
PAGE_UP = "\x1b[5~"


@dataclass(frozen=True)
class Scenario:
    """A measurement, with whom it is made of."""

    name: str
    title: str
    measure: Callable[[Ground, Subject], Figures]
    subjects: tuple[str, ...]
    runs: int = 1  # for each run asked for: what is short is measured more often


def percentile(values: Sequence[float], share: float) -> float:
    """The value that *share* of *values* do not exceed."""
    return sorted(values)[round(share * (len(values) - 1))]


def echo_figures(echoes: Sequence[float]) -> Figures:
    """What is told of the times that keys took."""
    return {
        "echo p50, ms": percentile(echoes, 0.5) * 1000,
        "echo p95, ms": percentile(echoes, 0.95) * 1000,
    }


def start(ground: Ground, subject: Subject) -> Figures:
    """To the first paint and to the echo of a key."""
    with Session(ground, subject) as session:
        terminal = session.terminal
        paint = terminal.until(lambda text: len("".join(text.split())) >= 20)
        echo = session.echo(0.5)
        while echo >= 0.5:  # pressed before the input was there
            echo = session.echo(0.5)
        echoed = time.monotonic()
        return {
            "first paint, ms": (paint - terminal.begun) * 1000,
            "echo of a key, ms": (echoed - terminal.begun) * 1000,
            "CPU, s": session.cpu(),
            "foreign": session.foreign.cores(),
        }


def first(ground: Ground, subject: Subject) -> Figures:
    """From Enter to the request and from the first token to the screen; the 2nd to 4th turn."""
    asked: list[float] = []
    shown: list[float] = []
    with Session(ground, subject) as session:
        session.ready()
        for _ in range(4):
            ident = session.write(30, 0, "first")
            begun = session.enter()
            visible = session.terminal.until(lambda text: f"alpha{ident}" in text)  # noqa: B023
            session.terminal.until(lambda text: f"omega{ident}" in text)  # noqa: B023
            session.terminal.rest()
            request, sent = (session.server.find(what, ident) for what in ("request", "first"))
            assert request is not None
            assert sent is not None
            asked.append((request - begun) * 1000)
            shown.append((visible - sent) * 1000)
        return {
            "Enter to request, ms": statistics.median(asked[1:]),
            "token to visible, ms": statistics.median(shown[1:]),
            "the first time, ms": asked[0],
            "foreign": session.foreign.cores(),
        }


def stream(tokens: int, rate: int, kind: str) -> Callable[[Ground, Subject], Figures]:
    """An answer of so many tokens, while keys are typed."""

    def measure(ground: Ground, subject: Subject) -> Figures:
        with Session(ground, subject) as session:
            session.ready()
            session.turn(20)
            session.terminal.rest()
            return streamed(session, tokens, rate, kind)

    return measure


def both(kind: str) -> Callable[[Ground, Subject], Figures]:
    """1,000 tokens of a *kind* at 200 a second, and 2,000 at once after them."""

    def measure(ground: Ground, subject: Subject) -> Figures:
        with Session(ground, subject) as session:
            session.ready()
            session.turn(20)
            session.terminal.rest()
            figures = streamed(session, 1000, 200, kind)
            burst = streamed(session, 2000, 0, kind)
            named = ("CPU, s", "lag, ms", "output, kB")
            return figures | {f"at once: {name}": burst[name] for name in named}

    return measure


def streamed(session: Session, tokens: int, rate: int, kind: str) -> Figures:
    """Stream in a session that stands, from Enter until all is shown and the program rests."""
    terminal, server = session.terminal, session.server
    ident = session.write(tokens, rate, kind)
    terminal.rest()
    columns = 4 if session.four else 1
    terminal.text  # noqa: B018 - what was shown until now is not of interest
    before, written, began = session.cpu(), len(terminal.output), session.enter()
    echoes: list[float] = []
    while (last := server.find("last", ident, columns)) is None:
        if time.monotonic() - began > 20 + (2 * tokens / rate if rate else 0):
            raise TimeoutError(f"no end was sent; the screen:\n{terminal.text}")
        if rate and server.find("first", ident) is not None:
            echoes.append(session.echo())
        terminal.read(GAP if rate else 0.01)
    took = last - began
    steady = (session.cpu() - before) / (time.monotonic() - began)
    terminal.rest(SLOW)
    figures = {"CPU, s": session.cpu() - before}
    if columns > 1:
        figures["CPU, % of a core"] = steady * 100
    word = f"omega{ident}"
    visible = terminal.until(lambda text: text.count(word) >= columns)
    settled = max(visible, terminal.last_change())
    figures["lag, ms"] = (visible - last) * 1000
    figures["settle, ms"] = (settled - last) * 1000
    if not rate:
        figures["Enter to last word, ms"] = (visible - began) * 1000
    figures["output, kB"] = (len(terminal.output) - written) / 1000
    figures |= echo_figures(echoes) if echoes else {}
    figures["RSS, MiB"] = resident_mib(terminal.pid)
    if rate:
        figures["sent in, s"] = took
    return figures | {"foreign": session.foreign.cores()}


def columns(ground: Ground, subject: Subject) -> Figures:
    """Four answers side by side, 100 tokens a second each."""
    with Session(ground, subject, four=True) as session:
        session.ready()
        session.turn(20)
        session.terminal.rest()
        return streamed(session, 1000, 100, "md")


def idle(ground: Ground, subject: Subject) -> Figures:
    """What the program takes while nobody does anything."""
    figures = idled(ground, subject, 6)
    if subject.name == OURS:
        steady = replace(subject, env={"FLUX_CURSOR_BLINK": "false"})
        figures["steady cursor, B/s"] = idled(ground, steady, 4)["output, B/s"]
    return figures


def idled(ground: Ground, subject: Subject, seconds: float) -> Figures:
    """The same for so long, after the program came to rest."""
    with Session(ground, subject) as session:
        session.ready()
        session.terminal.read(1)
        before, at, written = session.cpu(), time.monotonic(), len(session.terminal.output)
        session.terminal.read(seconds)
        passed = time.monotonic() - at
        return {
            "CPU, %": (session.cpu() - before) / passed * 100,
            "output, B/s": (len(session.terminal.output) - written) / passed,
            "RSS, MiB": resident_mib(session.terminal.pid),
            "foreign": session.foreign.cores(),
        }


def at_rest(session: Session, echoes: int, pages: int) -> Figures:
    """Echo, memory and scrolling while no answer comes."""
    terminal = session.terminal
    times: list[float] = []
    for _ in range(echoes):
        times.append(session.echo())
        terminal.read(0.12)
    figures = echo_figures(times) | {"RSS, MiB": resident_mib(terminal.pid)}
    session.erase()
    terminal.rest()
    turned = [time_of_page(session) for _ in range(pages)]
    if turned:
        figures["PageUp p50, ms"] = percentile(turned, 0.5) * 1000
    return figures


def time_of_page(session: Session) -> float:
    """From PageUp until the screen shows something else, seconds; a second when it does not."""
    terminal = session.terminal
    before, at = terminal.text, time.monotonic()
    terminal.type(PAGE_UP)
    try:
        shown = terminal.until(lambda text: text != before, 1)
    except TimeoutError:
        return 1.0
    terminal.read(0.15)
    return shown - at


def long(exchanges: int) -> Callable[[Ground, Subject], Figures]:
    """So many exchanges, then what keys, memory and scrolling are like, and the return to it."""

    def measure(ground: Ground, subject: Subject) -> Figures:
        with Session(ground, subject) as session:
            session.ready()
            before, end = session.cpu(), time.monotonic() + PATIENCE
            turns: list[float] = []
            while len(turns) < exchanges and (not turns or time.monotonic() < end):
                turns.append(session.turn(120))
            figures = {
                "exchanges": len(turns),
                "turns 2-11, ms": statistics.median(turns[1:11]) * 1000,
                "last 10 turns, ms": statistics.median(turns[-10:]) * 1000,
                "CPU a turn, s": (session.cpu() - before) / len(turns),
            }
            session.terminal.rest()
            pages = 10 if subject.name == OURS else 0
            figures |= at_rest(session, 25, pages)
            figures["foreign"] = session.foreign.cores()
            if subject.name == OURS:
                session.terminal.signal(signal.SIGTERM)
                session.terminal.wait_exit(20)
        return figures

    return measure


def resume(ground: Ground, subject: Subject) -> Figures:
    """To the end of a long session on the screen, and what it is like then."""
    end = f"Answer {ground.messages - 1}."
    with Session(ground, subject) as session:
        terminal = session.terminal
        shown = terminal.until(lambda text: end in text)
        figures = {
            "end visible, ms": (shown - terminal.begun) * 1000,
            "CPU until then, s": session.cpu(),
        }
        terminal.rest()
        figures |= at_rest(session, 25, 10)
        return figures | {"foreign": session.foreign.cores()}


ALL = (OURS, RESUMED, TEXTUAL, PLAIN)
KINDS = {"prose": "prose", "code": "code fence", "list": "list", "table": "table"}


def scenarios(exchanges: int) -> tuple[Scenario, ...]:
    """All of them, in the order they are run."""
    side_by_side = (OURS, TEXTUAL)
    kinds = [
        Scenario(
            kind,
            f"1,000 tokens of {words} at 200 a second, then 2,000 at once",
            both(kind),
            side_by_side,
        )
        for kind, words in KINDS.items()
    ]
    return (
        Scenario("start", "start", start, tuple(item.name for item in SUBJECTS), runs=3),
        Scenario("first", "the first token of an answer", first, ALL),
        Scenario(
            "md2k200", "2,000 tokens of Markdown at 200 a second", stream(2000, 200, "md"), ALL
        ),
        Scenario("md2kmax", "2,000 tokens of Markdown at once", stream(2000, 0, "md"), ALL),
        *kinds,
        Scenario("columns", "four columns of 100 tokens a second", columns, side_by_side),
        Scenario("long", f"{exchanges} exchanges of 120 tokens", long(exchanges), side_by_side),
        Scenario("resume", "return to a session of 10,000 messages", resume, (RESUMED,), runs=2),
        Scenario("idle", "nothing to do", idle, (OURS, STORED, RESUMED, FLOOR, TEXTUAL)),
    )

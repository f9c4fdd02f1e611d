"""`make bench`: start, echo, streaming, memory; ours beside three others, in turn, in one run.

The floor is a minimal Textual application, `textual` one with that library's own Markdown and a
widget a message, `plain` a script that prints.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.text import NUMBER, SPEED
from flux_tui.core.messages import Message, Text, user_message
from flux_tui.core.models import ModelRef
from tests.terminal.program import Program

PROBES = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя"
"""One-cell letters that occur nowhere else, so an echo is recognised in the raw output."""


@dataclass(frozen=True)
class Subject:
    """A program under measurement and how it is asked to stream."""

    name: str
    words: tuple[str, ...]
    env: dict[str, str]
    prompt: str  # streams
    done: str
    module: str = "flux_tui"
    at_once: str = "now"  # the prompt that gives the whole answer at once


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Resident memory of a process, MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise LookupError("VmRSS")


def start(subject: Subject) -> tuple[Program, float]:
    """Start a subject; returns it and the moment it was started."""
    begun = time.monotonic()
    return Program(subject.words, env=subject.env, module=subject.module), begun


def painted(program: Program) -> bool:
    """Whether at least 20 cells are not blank."""
    return len("".join(program.text.split())) >= 20


def until(program: Program, ready: Callable[[], bool], seconds: float = 60) -> float:
    """Read until *ready*; returns the moment."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"the screen:\n{program.text}")
        program.read(0.002)
    return time.monotonic()


def measure_start(subject: Subject) -> dict[str, float]:
    """Milliseconds to the first paint and to the echo of a key."""
    program, begun = start(subject)
    with program:
        paint = until(program, lambda: painted(program))
        asked = 0.0
        probe = PROBES[0]

        def echoed() -> bool:
            nonlocal asked
            # Typed again now and then: a key pressed before the input is there may be lost.
            if time.monotonic() - asked > 0.5:
                asked = time.monotonic()
                program.type(probe)
            return probe in program.text

        echo = until(program, echoed)
        return {
            "first paint, ms": (paint - begun) * 1000,
            "echo of a key, ms": (echo - begun) * 1000,
            "CPU to the echo, ms": cpu_seconds(program.pid) * 1000,
        }


def measure_idle(subject: Subject) -> dict[str, float]:
    """What the program takes when it has started and nobody has typed yet."""
    program, _ = start(subject)
    with program:
        until(program, lambda: painted(program))
        program.read(4)
        before, at = cpu_seconds(program.pid), time.monotonic()
        written = len(program.output)
        program.read(4)
        idle = (cpu_seconds(program.pid) - before) / (time.monotonic() - at)
        return {
            "idle memory, MiB": resident_mib(program.pid),
            "idle CPU, %": idle * 100,
            "idle output, B/s": (len(program.output) - written) / 4,
        }


def measure_stream(subject: Subject) -> dict[str, float]:
    """CPU per 1,000 tokens of Markdown, and how long keys take to appear meanwhile."""
    program, _ = start(subject)
    with program:
        until(program, lambda: painted(program))
        program.read(3)
        program.type(subject.prompt)
        program.read(4)  # what the first key makes ours load is not what streaming costs
        before, written = cpu_seconds(program.pid), len(program.output)
        program.press("enter")
        program.read(1.0)
        echoes: list[float] = []
        for probe in PROBES:
            if subject.done in program.text:
                break
            mark, sent = len(program.output), time.monotonic()
            program.type(probe)
            code = probe.encode("utf-8")
            while code not in program.output[mark:] and time.monotonic() - sent < 5:
                program.read(0.001)
            echoes.append(time.monotonic() - sent)
            program.read(0.1)
        until(program, lambda: subject.done in program.text)
        ordered = sorted(echoes)
        return {
            "CPU per 1,000 tokens, s": (cpu_seconds(program.pid) - before) / (NUMBER / 1000),
            "echo p50, ms": statistics.median(ordered) * 1000,
            "echo p95, ms": ordered[int(len(ordered) * 0.95)] * 1000,
            "output, kB": (len(program.output) - written) / 1000,
            "memory after, MiB": resident_mib(program.pid),
        }


def measure_burst(subject: Subject) -> dict[str, float]:
    """How long 2,000 tokens that arrive at once take from the Enter key to the screen."""
    program, _ = start(subject)
    with program:
        until(program, lambda: painted(program))
        program.read(3)
        program.type(subject.at_once)
        program.read(4)
        before, pressed = cpu_seconds(program.pid), time.monotonic()
        program.press("enter")
        visible = until(program, lambda: subject.done in program.text)
        return {
            f"{NUMBER:,} tokens visible, ms": (visible - pressed) * 1000,
            "CPU until then, s": cpu_seconds(program.pid) - before,
        }


async def fill(home: Path, count: int) -> None:
    """Store a session of *count* messages."""
    from flux_tui.storage.sqlite import SqliteStore

    home.mkdir(parents=True, exist_ok=True)
    store = SqliteStore(home / "data" / "flux.db")
    session = await store.create(title="A long session")
    parent = None
    for index in range(count):
        if index % 2:
            message = Message(
                role="assistant",
                parts=(Text(f"Answer {index}.\n\n- one\n- two\n\n```python\nx = {index}\n```\n"),),
                model=ModelRef("anthropic", "claude-sonnet-5"),
                stop="end",
                parent=parent,
            )
        else:
            message = user_message(f"Question {index}")
        await store.append(session, message)
        parent = message.id
    await store.aclose()


AIMS: dict[str, tuple[float, bool]] = {
    "first paint, ms": (1.25, True),
    "echo of a key, ms": (1.25, True),
    "idle memory, MiB": (1.5, True),
    "echo p95, ms": (15, False),
    "CPU per 1,000 tokens, s": (1.5, False),
    "output, kB": (600, False),
    f"{NUMBER:,} tokens visible, ms": (150, False),
}
"""The most a figure should be: as a ratio to the floor (True) or as it stands."""

WIDTH = 23
"""Of a column, cells."""

GROWTH = 1.15
"""The most that a long history may add to a figure: what two equal runs differ by."""


def table(rows: Sequence[tuple[str, dict[str, float]]]) -> str:
    """Ours, the floor and the ratio, a line a figure; the floor is the first of *rows*."""
    floor = rows[0][1]
    lines = ["", "figure".ljust(26) + "".join(name.rjust(WIDTH) for name, _ in rows) + "  verdict"]
    for figure, base in floor.items():
        cells = [f"{base:.1f}".rjust(WIDTH)]
        for _, values in rows[1:]:
            ratio = f"{values[figure] / base:.2f}x" if base else "-"
            cells.append(f"{values[figure]:.1f}  ({ratio})".rjust(WIDTH))
        verdict = "; ".join(verdicts(figure, base, [values[figure] for _, values in rows[1:]]))
        lines.append(f"{figure.ljust(26)}{''.join(cells)}  {verdict}".rstrip())
    return "\n".join(lines)


def verdicts(figure: str, base: float, ours: Sequence[float]) -> list[str]:
    """Whether the aims are met, by ours and by ours with a long history."""
    if figure not in AIMS or not base:
        return []
    most, relative = AIMS[figure]
    value = ours[0] / base if relative else ours[0]
    aim = f"at most {most:g}{'x' if relative else ''}"
    words = [f"{aim}: {'met' if value <= most else 'MISSED'}"]
    if len(ours) > 1:
        grown = ours[1] / ours[0]
        state = "no growth" if grown <= GROWTH else "GROWS"
        words.append(f"long history {grown:.2f}x: {state}")
    return words


def medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {figure: statistics.median(run[figure] for run in runs) for figure in runs[0]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument(
        "--runs", type=int, default=5, help="runs of the start measurement, 0 for none"
    )
    parser.add_argument(
        "--streams", type=int, default=2, help="runs of the streaming measurement, 0 for none"
    )
    parser.add_argument("--messages", type=int, default=10_000, help="size of the long session")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        common = {"FLUX_SIM_SPEED": "200", "TEXTUAL_ANIMATIONS": "none"}
        asyncio.run(fill(home / "long", args.messages))
        prompt = f"bench n={NUMBER} r={SPEED} k=md id=BENCH"
        at_once = f"bench n={NUMBER} r=0 k=md id=BENCH"
        subjects = [
            Subject("floor", (), common, "go", "omegaFLOOR", module="bench.floor"),
            Subject(
                "flux-tui",
                ("--demo",),
                common | {"FLUX_HOME": str(home / "new")},
                prompt,
                "omegaBENCH",
                at_once=at_once,
            ),
            Subject(
                f"with {args.messages:,} messages",
                ("--demo", "--continue"),
                common | {"FLUX_HOME": str(home / "long")},
                prompt,
                "omegaBENCH",
                at_once=at_once,
            ),
            Subject("textual", (), common, "go", "omegaFLOOR", module="bench.markdown"),
            Subject("plain", (), common, "go", "omegaFLOOR", module="bench.plain"),
        ]
        subprocess.run([sys.executable, "-m", "compileall", "-q", "bench", "flux_tui"], check=True)
        for title, measure, runs in (
            ("Start", measure_start, args.runs),
            ("Idle", measure_idle, min(args.runs, 1)),
            (f"{NUMBER:,} tokens of Markdown at {SPEED} a second", measure_stream, args.streams),
            (f"{NUMBER:,} tokens of Markdown at once", measure_burst, args.streams),
        ):
            if not runs:
                continue
            collected: dict[str, list[dict[str, float]]] = {item.name: [] for item in subjects}
            for _ in range(runs):
                for subject in subjects:
                    collected[subject.name].append(measure(subject))
            print(f"\n{title}: median of {runs}, in turn", end="")
            print(table([(name, medians(values)) for name, values in collected.items()]))


if __name__ == "__main__":
    main()

"""The figures as tables: ours, ratios to the others of the same run, and the aims."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.subjects import FLOOR, OURS, RESUMED, STORED, TEXTUAL

WIDTH = 19  # of a column, cells
NARROW = 16


@dataclass(frozen=True)
class Aim:
    """The most a figure of ours should be: as it stands, or as a multiple of another's."""

    most: float
    of: str = ""
    subject: str = OURS


GROWTH = Aim(1.1, OURS, RESUMED)
"""What a long history may add to a figure."""

AIMS: Mapping[tuple[str, str], Sequence[Aim]] = {
    ("start", "echo of a key, ms"): (
        Aim(1.15, TEXTUAL),
        Aim(1.15, FLOOR),
        Aim(1.1, OURS, STORED),
    ),
    ("md2k200", "CPU, s"): (Aim(3), GROWTH),
    ("md2k200", "echo p95, ms"): (Aim(15), Aim(1.1 * 15, "", RESUMED)),
    ("md2k200", "output, kB"): (Aim(600), GROWTH),
    ("md2kmax", "lag, ms"): (Aim(150), Aim(1.1 * 150, "", RESUMED)),
    ("columns", "CPU, % of a core"): (Aim(45),),
    ("columns", "lag, ms"): (Aim(150),),
    ("long", "echo p95, ms"): (Aim(5),),
    ("long", "RSS, MiB"): (Aim(75),),
    ("resume", "echo p95, ms"): (Aim(1.1 * 5, "", RESUMED),),
    ("resume", "RSS, MiB"): (Aim(1.1 * 75, "", RESUMED),),
    ("idle", "CPU, %"): (Aim(1),),
    ("idle", "steady cursor, B/s"): (Aim(0),),
    ("idle", "RSS, MiB"): (Aim(60), Aim(1.1, OURS, STORED), Aim(2.5, OURS, RESUMED)),
}
"""In milliseconds and memory a long history may add a tenth of the aim, not of the figure."""

Values = Mapping[str, float]


def medians(runs: Sequence[Values]) -> dict[str, float]:
    """The median of each figure over the runs that have it."""
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: statistics.median(run[name] for run in runs if name in run) for name in names}


def verdict(aim: Aim, figure: str, by_subject: Mapping[str, Values]) -> str:
    """The aim, and whether it is met; empty when it was not measured."""
    value = by_subject.get(aim.subject, {}).get(figure)
    base = by_subject.get(aim.of, {}).get(figure) if aim.of else 1.0
    if value is None or base is None:
        return ""
    ratio = value / base if base else float("inf") if value else 0.0
    state = "met" if ratio <= aim.most else "MISSED"
    whom = f"{aim.subject}: " if aim.subject != OURS else ""
    unit = f" x {aim.of}" if aim.of else ""
    return f"{whom}at most {aim.most:g}{unit}: {state}"


def cell(value: float | None, ours: float | None) -> str:
    """Another's figure and how many times that ours is."""
    if value is None:
        return "-".rjust(WIDTH)
    ratio = f"{ours / value:7.2f}x" if ours is not None and value > 0 and ours > 0 else " " * 8
    return f"{value:,.1f} {ratio}".rjust(WIDTH)


def table(scenario: str, by_subject: Mapping[str, Values]) -> str:
    """A line a figure: ours; the others' with ours as a multiple of it; the aims."""
    head = OURS if OURS in by_subject else next(iter(by_subject), OURS)
    ours = by_subject.get(head, {})
    others = [name for name in by_subject if name != head]
    figures = dict.fromkeys(name for values in by_subject.values() for name in values)
    lines = [" " * 24 + head.rjust(NARROW) + "".join(name.rjust(WIDTH) for name in others)]
    for figure in figures:
        mine = ours.get(figure)
        shown = "-" if mine is None else f"{mine:,.1f}" if abs(mine) >= 10 else f"{mine:.2f}"
        cells = "".join(cell(by_subject[name].get(figure), mine) for name in others)
        aims = AIMS.get((scenario, figure), ())
        words = "; ".join(filter(None, (verdict(aim, figure, by_subject) for aim in aims)))
        lines.append(f"{figure.ljust(24)}{shown.rjust(NARROW)}{cells}  {words}".rstrip())
    return "\n".join(lines)

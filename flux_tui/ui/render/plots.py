"""Plots made of characters: columns of eighths, which every terminal font has."""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def columns(values: Sequence[float], top: float, rows: int) -> list[str]:
    """Return *rows* lines, the highest first, with one column for each of *values*.

    A column that reaches *top* is full; one of 0 is empty, and anything above 0 shows.
    """
    steps = rows * 8
    heights = [_height(value, top, steps) for value in values]
    return [
        "".join(_EIGHTHS[min(8, max(0, height - row * 8))] for height in heights)
        for row in reversed(range(rows))
    ]


def _height(value: float, top: float, steps: int) -> int:
    if value <= 0 or top <= 0:
        return 0
    return steps if value >= top else max(1, round(value / top * steps))

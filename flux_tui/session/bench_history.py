"""What was measured before, model by model: how its times went from one measurement to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from flux_tui.core.sanitize import one_line
from flux_tui.core.usage import JSON


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that was measured: its member in the history, and how it is told.

    `factor` turns the history's unit into `unit`; `less` says that less of it is better.
    """

    name: str
    label: str
    unit: str
    factor: float = 1.0
    digits: int = 2
    less: bool = True

    def tell(self, value: float) -> str:
        """Return *value* without its unit."""
        return f"{value:.{self.digits}f}"


METRICS = (
    Metric("first_token_ms", "First token", "s", 0.001),
    Metric("tokens_per_s", "Tokens per second", "/s", digits=1, less=False),
    Metric("duration_ms", "Whole answer", "s", 0.001),
    Metric("cost", "Cost of one answer", "$", digits=5),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement: the median of its runs, its quartiles and ends; `runs` gave an answer."""

    at: datetime
    low: float
    q1: float
    median: float
    q3: float
    high: float
    runs: int
    failed: int


@dataclass(frozen=True, slots=True)
class Trend:
    """A model's measurements, oldest first; those of the simulator are kept apart."""

    model: str
    simulated: bool
    points: tuple[Point, ...]

    @property
    def newest(self) -> Point:
        """The last measurement."""
        return self.points[-1]

    @property
    def runs(self) -> int:
        """How many answers all measurements rest on."""
        return sum(point.runs for point in self.points)

    @property
    def failed(self) -> int:
        """How many runs failed, over all measurements."""
        return sum(point.failed for point in self.points)


def prompts_of(rows: Sequence[Mapping[str, JSON]]) -> list[str]:
    """Return the prompts that were measured with, the last used first."""
    return list(dict.fromkeys(one_line(str(row.get("prompt", "")), 200) for row in reversed(rows)))


def trends(rows: Sequence[Mapping[str, JSON]], metric: Metric, prompt: str) -> list[Trend]:
    """Return how *metric* went for every model that was asked *prompt*; the best is first.

    Other prompts make other times, so they are never mixed. What is no measurement is left out:
    the history is a file that people may write to.
    """
    found: dict[tuple[str, bool], list[Point]] = {}
    for row in rows:
        if one_line(str(row.get("prompt", "")), 200) != prompt:
            continue
        point = _point(row, metric)
        if point is not None:
            key = one_line(str(row.get("model", "")), 100), row.get("simulated") is True
            found.setdefault(key, []).append(point)
    made = [
        Trend(model, simulated, tuple(sorted(points, key=lambda point: point.at)))
        for (model, simulated), points in found.items()
    ]
    sign = 1 if metric.less else -1
    return sorted(made, key=lambda trend: (trend.simulated, sign * trend.newest.median))


def silent(rows: Sequence[Mapping[str, JSON]], prompt: str) -> dict[str, int]:
    """Return the models whose newest measurement got no answer at all, and how often it asked."""
    newest: dict[str, int] = {}
    for row in rows:
        runs = row.get("runs")
        if isinstance(runs, int) and one_line(str(row.get("prompt", "")), 200) == prompt:
            model = one_line(str(row.get("model", "")), 100)
            newest[model] = runs if row.get("failed") == runs else 0
    return {model: runs for model, runs in newest.items() if runs}


def _point(row: Mapping[str, JSON], metric: Metric) -> Point | None:
    runs, failed = row.get("runs"), row.get("failed")
    at = _time(row.get("at"))
    if at is None or not isinstance(runs, int) or not isinstance(failed, int):
        return None
    values = _costs(row, runs) if metric.name == "cost" else _spread(row.get(metric.name))
    if values is None:
        return None
    low, q1, median, q3, high = (value * metric.factor for value in values)
    return Point(at, low, q1, median, q3, high, max(0, runs - failed), max(0, failed))


def _spread(value: JSON) -> tuple[float, ...] | None:
    if not isinstance(value, dict):
        return None
    names = ("low", "q1", "median", "q3", "high")
    values = [value.get(name) for name in names]
    try:
        good = [float(one) for one in values if isinstance(one, int | float) and isfinite(one)]
    except OverflowError:
        return None  # an integer beyond all times
    return tuple(good) if len(good) == len(names) else None


def _costs(row: Mapping[str, JSON], runs: int) -> tuple[float, ...] | None:
    """Return the cost of one run five times: the history holds their sum alone."""
    cost = row.get("cost")
    usd = cost.get("usd") if isinstance(cost, dict) else None
    try:
        each = float(str(usd)) / runs
    except (ValueError, ArithmeticError):
        return None
    return (each,) * 5 if isfinite(each) else None


def _time(value: JSON) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None

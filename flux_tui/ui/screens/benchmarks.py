"""What `flux-tui bench` has measured so far: each model's median, spread, and plot over time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from flux_tui.core.usage import JSON
from flux_tui.session.bench_history import METRICS, Metric, Trend, prompts_of, silent, trends
from flux_tui.session.measure import history
from flux_tui.ui.render.labels import assemble, one_line, plain
from flux_tui.ui.render.plots import columns
from flux_tui.ui.screens.listing import Dialog
from flux_tui.ui.widgets.plain import Plain

_WIDE = 70
"""Cells from which on a model's figures stand in one line."""

_ROWS, _FEW_ROWS = 3, 2  # of a plot
_SHORT = 20  # lines of the terminal below which plots are lower


class BenchmarksScreen(Dialog[None]):
    """One metric of all models that were asked the same prompt; keys change both."""

    KEYS = "Esc close · m metric · p prompt · r read again · ↑ ↓ scroll"
    CSS_PATH: ClassVar[Any] = "../styles/benchmarks.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close"),
        Binding("m,right", "turn(1)", "Metric"),
        Binding("M,left", "turn(-1)", "Metric"),
        Binding("p", "prompt", "Prompt"),
        Binding("r", "read", "Read again"),
    ]

    def __init__(self, path: Path) -> None:
        """Read the history at *path*."""
        super().__init__()
        self._path = path
        self._rows: list[dict[str, JSON]] = []
        self._read = False
        self._metric = 0
        self._prompt = ""

    def compose(self) -> ComposeResult:
        """Yield the page."""
        with Vertical(classes="dialog dialog-tall", id="benchmarks") as box:
            box.border_title = "Benchmarks"
            with VerticalScroll(can_focus=True):
                yield Plain(id="benchmarks-text")
            yield Plain(self.KEYS, classes="keys")

    def on_mount(self) -> None:
        """Read the history."""
        self.query_one(VerticalScroll).focus()
        self.action_read()

    def on_resize(self, event: events.Resize) -> None:
        """Lay out anew for the other width."""
        self.call_after_refresh(self._show)

    @work(exclusive=True, group="history", exit_on_error=False)
    async def action_read(self) -> None:
        """Read the history again: a measurement may have ended meanwhile."""
        try:
            self._rows = await asyncio.to_thread(history, self._path)
        except OSError as problem:
            words = f"{self._path} cannot be read: {problem.strerror or 'unknown reason'}"
            self.query_one("#benchmarks-text", Plain).update(plain(words, "$error"))
            return
        prompts = prompts_of(self._rows)
        self._prompt = self._prompt if self._prompt in prompts else next(iter(prompts), "")
        self._read = True
        self._show()

    def action_turn(self, step: int) -> None:
        """Show the next metric, or the one before."""
        self._metric = (self._metric + step) % len(METRICS)
        self._show()

    def action_prompt(self) -> None:
        """Show what was measured with the next prompt."""
        prompts = prompts_of(self._rows)
        if prompts:
            self._prompt = prompts[(prompts.index(self._prompt) + 1) % len(prompts)]
            self._show()

    def _show(self) -> None:
        if not self._read:
            return
        page = self.query_one(VerticalScroll)
        rows = _FEW_ROWS if self.app.size.height < _SHORT else _ROWS
        width = max(20, page.scrollable_content_region.width - 2)  # the text has a padding
        metric = METRICS[self._metric]
        text = benchmarks_text(self._rows, metric, self._prompt, width=width, rows=rows)
        self.query_one("#benchmarks-text", Plain).update(text)


def benchmarks_text(
    found: Sequence[Mapping[str, JSON]], metric: Metric, prompt: str, *, width: int, rows: int
) -> Content:
    """Return the page: what is shown, then each model with its figures and a plot *rows* high."""
    if not found:
        return Content("\n").join(_empty())
    shown = trends(found, metric, prompt)
    number = METRICS.index(metric) + 1
    better = "less is better" if metric.less else "more is better"
    lines = [
        assemble((metric.label, "bold $primary"), (f"  {better}", "dim")),
        assemble((f"{number} of {len(METRICS)} · {one_line(prompt, max(8, width - 9))}", "dim")),
    ]
    for model, runs in silent(found, prompt).items():
        told = f": 0 of {runs} answered"
        lines.append(assemble((f"{one_line(model, width - len(told))}{told}", "$error")))
    if not shown:
        lines += [plain(""), assemble(("There are no figures of it yet.", "dim"))]
        return Content("\n").join(lines)
    if width >= _WIDE:
        columns_ = f"{'Model':<30}{'median':>9}{'half of the runs':>20}{'n':>5}{'failed':>8}"
        lines += [plain(""), assemble((columns_, "dim"))]
    top = max(point.median for trend in shown for point in trend.points)
    for trend in shown:
        if width < _WIDE or trend is not shown[0]:
            lines.append(plain(""))
        lines += _figures(trend, metric, width)
        lines += _plot(trend, metric, top, width, rows)
    lines += [plain(""), *(assemble((line, "dim")) for line in wrap(_MEANING, width))]
    return Content("\n").join(lines)


def _empty() -> Iterator[Content]:
    yield plain("Nothing was measured yet.")
    yield plain("")
    yield assemble(("In a shell:", "dim"))
    yield assemble(("flux-tui bench -m P/M", "bold $primary"))
    yield assemble(("measures a model; its times", "dim"))
    yield assemble(("show here, then r reads them.", "dim"))


def _figures(trend: Trend, metric: Metric, width: int) -> Iterator[Content]:
    """Yield the newest measurement: its median, between which half of the runs lie, and n."""
    new = trend.newest
    middle = _unit(metric, new.median)
    half = "-" if metric.name == "cost" else f"{metric.tell(new.q1)} to {metric.tell(new.q3)}"
    name = f"{trend.model} (simulated)" if trend.simulated else trend.model
    if width >= _WIDE:
        yield assemble(
            (f"{one_line(name, 29):<30}", "bold"),
            (f"{middle:>9}", "$success"),
            f"{half:>20}{new.runs:>5}",
            (f"{new.failed:>8}", "$error" if new.failed else ""),
        )
        return
    yield assemble((one_line(name, width), "bold"))
    many = f"  n {new.runs} of {new.runs + new.failed}" if new.failed else f"  n {new.runs}"
    spread = "" if half == "-" else f"  {half}"
    yield assemble((middle, "$success"), spread, (many, "$error" if new.failed else ""))


def _plot(trend: Trend, metric: Metric, top: float, width: int, rows: int) -> Iterator[Content]:
    """Yield a column for each measurement, the newest at the right end, from 0 to *top*."""
    high, zero = metric.tell(top), metric.tell(0)
    edge = max(len(high), len(zero))
    points = trend.points[-max(1, width - edge - 2) :]
    for number, line in enumerate(columns([point.median for point in points], top, rows)):
        mark = high if number == 0 else zero if number == rows - 1 else ""
        yield assemble((f"{mark:>{edge}} ", "dim"), ("│", "dim"), (line, "$secondary"))
    first, last = points[0].at.astimezone(), points[-1].at.astimezone()
    span = (
        f"{first:%Y-%m-%d}" if first.date() == last.date() else f"{first:%Y-%m-%d} to {last:%m-%d}"
    )
    total = len(trend.points)
    many = f"{total} measurement{'s' if total != 1 else ''}, {trend.runs} runs"
    told = f"{span} · {many}" if width >= _WIDE else f"{span} · {total}×"
    yield assemble((f"{'':>{edge}} └ {told}", "dim"))


def _unit(metric: Metric, value: float) -> str:
    told = metric.tell(value)
    return f"${told}" if metric.unit == "$" else f"{told} {metric.unit}"


_MEANING = (
    "Figures are of the newest measurement: the median of its runs, the quartiles between which "
    "half of them lie, and n, how many gave an answer. Plots have one column a measurement, its "
    "median, the newest at the right, all on one scale. Times include the network, the server's "
    "queue and the thinking."
)

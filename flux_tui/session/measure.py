"""How fast models answer: the same question several times, one by one, and how times spread."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, cast

from flux_tui.core.codec import dumps
from flux_tui.core.events import ReplyDelta, RetryScheduled
from flux_tui.core.models import ModelInfo
from flux_tui.core.sanitize import one_line
from flux_tui.core.usage import JSON, Cost, sum_costs
from flux_tui.session.jobs_answer import TurnSummary, tokens_per_second

if TYPE_CHECKING:
    from flux_tui.session.session import ChatSession
    from flux_tui.session.wiring import Runtime

PROMPT = "Explain in about 200 words how the tides come about."
HISTORY_NAME = "bench.jsonl"

INCLUDES = (
    "From the request to the last token, over the network, with the server's queue and thinking; "
    "the first token is of any kind, reasoning too where it is shown; one request at a time, the "
    "models in turn. Waits before a second try are left out, and told as retries. Warm-up requests "
    "open the connection and are not counted"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request that was measured. Times are in seconds, None where nothing came."""

    first: float | None  # until the first token of any kind
    seconds: float | None
    rate: float | None  # tokens per second from the first one on
    output: int
    cost: Cost
    retries: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How values lie: `median`, between which half of them are (`q1`, `q3`), and the ends."""

    low: float
    q1: float
    median: float
    q3: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """Return the spread of *values*; None of none. Quartiles lie on the values' own line."""
        if not values:
            return None
        several = [*values, *values[:1]] if len(values) == 1 else values  # two are asked for
        q1, middle, q3 = quantiles(several, method="inclusive")
        return cls(low=min(values), q1=q1, median=middle, q3=q3, high=max(values))

    def dump(self, factor: float = 1.0) -> dict[str, JSON]:
        """Return it as JSON, every value times *factor*."""
        names = ("low", "q1", "median", "q3", "high")
        return {name: round(getattr(self, name) * factor, 2) for name in names}


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found out about one model."""

    model: ModelInfo
    samples: tuple[Sample, ...]

    @property
    def good(self) -> tuple[Sample, ...]:
        """The samples of answers that came whole."""
        return tuple(sample for sample in self.samples if not sample.error)

    def dump(self) -> dict[str, JSON]:
        """Return it as JSON; spreads are null where nothing was measured."""
        good = self.good
        cost = sum_costs(sample.cost for sample in self.samples)
        return {
            "model": str(self.model.ref),
            "runs": len(self.samples),
            "failed": len(self.samples) - len(good),
            "retries": sum(sample.retries for sample in self.samples),
            "first_token_ms": _dumped([s.first for s in good], 1_000),
            "tokens_per_s": _dumped([s.rate for s in good]),
            "duration_ms": _dumped([s.seconds for s in good], 1_000),
            "output": _dumped([float(s.output) for s in good]),
            "cost": {
                "usd": None if cost.amount is None else format(cost.amount, "f"),
                "basis": cost.basis,
            },
            "errors": list(dict.fromkeys(s.error for s in self.samples if s.error)),
        }


def _dumped(values: Sequence[float | None], factor: float = 1.0) -> JSON:
    spread = Spread.of([value for value in values if value is not None])
    return None if spread is None else spread.dump(factor)


@dataclass(slots=True)
class Bench:
    """Measures models in turn, so that a slow minute of the network meets all of them alike."""

    runtime: Runtime
    models: tuple[ModelInfo, ...]
    prompt: str = PROMPT
    runs: int = 5
    warmup: int = 1
    stopped: bool = False
    over_budget: bool = False
    _running: ChatSession | None = None
    _base: ChatSession | None = None
    _costs: list[Cost] = field(default_factory=list[Cost])
    _samples: dict[str, list[Sample]] = field(default_factory=dict[str, list[Sample]])

    async def run(self, told: Callable[[ModelInfo, int, Sample], None]) -> list[Measured]:
        """Measure, and tell each sample as it is there; run 0 and below are the warm-up."""
        await asyncio.gather(*map(self.runtime.prepare, self.models), return_exceptions=True)
        self._base = base = self.runtime.new_session(self.models[0])
        base.title = "Bench"
        await base.say(self.prompt)
        limit = base.ledger.allowance(None)
        for number in range(1 - self.warmup, self.runs + 1):
            for model in self.models:
                spent = sum_costs(self._costs).amount
                self.over_budget = limit is not None and spent is not None and spent >= limit
                if self.stopped or self.over_budget:
                    break
                sample = await self._sample(base, model)
                if sample is None:
                    break
                self._costs.append(sample.cost)
                told(model, number, sample)
                if number > 0:
                    self._samples.setdefault(str(model.ref), []).append(sample)
        return [Measured(m, tuple(self._samples.get(str(m.ref), ()))) for m in self.models]

    def stop(self) -> None:
        """End it; what was measured so far is still returned by `run`."""
        self.stopped = True
        if self._running is not None:
            self._running.stop()

    async def _sample(self, base: ChatSession, model: ModelInfo) -> Sample | None:
        """Ask once; None if it was broken off."""
        session = base.branch(model)
        turn = TurnSummary()
        retries = 0
        self._running = session
        async with aclosing(session.retry()) as events:
            async for event in events:
                turn.apply(event)
                if isinstance(event, ReplyDelta) and isinstance(event.event, RetryScheduled):
                    retries += 1
        self._running = None
        if turn.ended.reason == "aborted":
            return None
        answer = turn.answers[-1] if turn.answers else None
        timing = answer.timing if answer is not None else None
        return Sample(
            first=None if timing is None else timing.first,
            seconds=None if timing is None else timing.total,
            rate=tokens_per_second(turn.answers),
            output=answer.usage.output if answer is not None and answer.usage is not None else 0,
            cost=session.ledger.turn,
            retries=retries,
            error=one_line(turn.ended.error, 300),
        )


def remember(path: Path, bench: Bench, measured: Sequence[Measured]) -> None:
    """Add what was measured to the history, one line a model. Blocks.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    head: dict[str, JSON] = {"at": at, "prompt": one_line(bench.prompt, 200)}
    head["warmup"] = bench.warmup
    lines = "".join(
        f"{dumps({**head, 'simulated': one.model.simulated, **one.dump()})}\n" for one in measured
    )
    path.touch(0o600)
    with path.open("a+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        # Behind the end of a line that a kill or a full disk tore, the first one would be lost.
        start = b"\n" if end and file.read(1) != b"\n" else b""
        file.write(start + lines.encode())


def history(path: Path) -> list[dict[str, JSON]]:
    """Return what `remember` wrote, oldest first; a torn line is left out. Blocks."""
    try:
        text = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return []
    found: list[dict[str, JSON]] = []
    for line in text.splitlines():
        try:
            value: object = json.loads(line)
        except ValueError:
            continue  # the end of a line that a kill tore
        if isinstance(value, dict):
            found.append(cast("dict[str, JSON]", value))  # JSON objects have text keys
    return found

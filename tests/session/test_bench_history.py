"""What the history of measurements amounts to, whatever stands in its file."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.usage import JSON
from flux_tui.session.bench_history import METRICS, prompts_of, silent, trends

FIRST, RATE, _, COST = METRICS


def row(model: str, day: int, median: float, **more: Any) -> dict[str, JSON]:
    spread = {"low": median / 2, "q1": median, "median": median, "q3": median, "high": median * 2}
    made = {
        "at": f"2026-11-{day:02d}T12:00:00+00:00",
        "prompt": "Why?",
        "model": model,
        "simulated": False,
        "runs": 4,
        "failed": 1,
        "first_token_ms": spread,
        "tokens_per_s": spread,
        "duration_ms": spread,
        "cost": {"usd": "0.02", "basis": "computed"},
        **more,
    }
    return cast("dict[str, JSON]", made)


def test_the_quickest_comes_first_and_times_go_on() -> None:
    rows = [row("a/slow", 2, 900), row("b/quick", 1, 300), row("a/slow", 1, 100)]

    slow_last = trends(rows, FIRST, "Why?")
    rates = trends(rows, RATE, "Why?")

    assert [trend.model for trend in slow_last] == ["b/quick", "a/slow"]
    assert [trend.model for trend in rates] == ["a/slow", "b/quick"]
    (_, slow) = slow_last
    assert [point.median for point in slow.points] == pytest.approx([0.1, 0.9])
    assert (slow.runs, slow.failed, slow.newest.runs) == (6, 2, 3)
    assert slow.newest.low == pytest.approx(0.45)


def test_a_cost_is_of_one_run() -> None:
    (trend,) = trends([row("a/x", 1, 1)], COST, "Why?")

    assert trend.newest.median == pytest.approx(0.005)
    assert trends([row("a/x", 1, 1, cost={"usd": None, "basis": "unknown"})], COST, "Why?") == []


def test_prompts_and_the_simulator_are_kept_apart() -> None:
    rows = [row("a/x", 1, 1), row("a/x", 2, 2, prompt="How?"), row("a/x", 3, 3, simulated=True)]

    assert prompts_of(rows) == ["Why?", "How?"]
    assert [(t.simulated, t.newest.at.day) for t in trends(rows, FIRST, "Why?")] == [
        (False, 1),
        (True, 3),
    ]


def test_a_model_that_answers_nothing_any_more_is_told() -> None:
    none: dict[str, Any] = {"failed": 4, "first_token_ms": None}
    rows = [row("a/x", 1, 1), row("a/x", 2, 1, **none), row("b/y", 1, 1, **none), row("b/y", 2, 1)]

    assert silent(rows, "Why?") == {"a/x": 4}
    assert [len(trend.points) for trend in trends(rows, FIRST, "Why?")] == [1, 1]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = ("at", "runs", "failed", "first_token_ms", "cost", "model", "simulated")


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), ANY), max_size=4))
def test_whatever_stands_in_the_file_is_read_or_left_out(spoiled: list[dict[str, JSON]]) -> None:
    rows = [{**row("a/x", 1, 1), **one} for one in spoiled]

    for metric in METRICS:
        for trend in trends(rows, metric, "Why?"):
            assert trend.points
    silent(rows, "Why?")

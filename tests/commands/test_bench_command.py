"""`flux-tui bench`, as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.messages import Message, Text, Thinking, Timing
from flux_tui.core.usage import Usage
from flux_tui.session.jobs_answer import tokens_per_second
from flux_tui.session.measure import Spread


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flux_tui", "bench", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "FLUX_DEMO": "1", "FLUX_SIM_SPEED": "1000"},
    )


def measured(*words: str) -> Any:
    done = bench(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_runs_are_measured_and_the_warm_up_is_not_counted(own_home: Path) -> None:
    found = measured("-m", "openai/gpt-5.5", "-m", "cohere/command-a-03-2025", "--runs", "3")

    one, two = found["models"]
    assert (one["runs"], one["failed"], found["warmup"]) == (3, 0, 1)
    assert two["model"] == "cohere/command-a-03-2025"
    for name in ("first_token_ms", "tokens_per_s", "duration_ms", "output"):
        spread = one[name]
        values = [spread[key] for key in ("low", "q1", "median", "q3", "high")]
        assert values == sorted(values)
        assert values[0] >= 0
    assert one["duration_ms"]["low"] >= one["first_token_ms"]["low"]
    sessions = list((own_home / "flux" / "data").glob("*"))
    assert "bench.jsonl" in [path.name for path in sessions]


def test_the_table_says_what_is_included() -> None:
    done = bench("-m", "openai/gpt-5.5", "--runs", "1", "--warmup", "0")

    assert done.returncode == 0, done.stderr
    assert "with the server's queue and thinking" in done.stdout
    assert "there were none, so the first run did it." in done.stdout


@pytest.mark.slow
def test_the_history_keeps_every_result_and_forgives_a_torn_line(own_home: Path) -> None:
    assert measured("-m", "openai/gpt-5.5", "--runs", "1")
    assert measured("-m", "openai/gpt-5.4", "--runs", "2")
    with (own_home / "flux" / "data" / "bench.jsonl").open("a") as file:
        file.write('{"at": "2026')

    rows = measured("--history")
    table = bench("--history")

    assert [(row["model"], row["runs"]) for row in rows] == [
        ("openai/gpt-5.5", 1),
        ("openai/gpt-5.4", 2),
    ]
    assert rows[0]["simulated"] is True
    assert table.stdout.count("openai/gpt-5") == 2


@pytest.mark.slow
def test_a_result_behind_a_torn_line_is_kept(own_home: Path) -> None:
    path = own_home / "flux" / "data" / "bench.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"at": "2026', "utf-8")

    assert measured("-m", "openai/gpt-5.5", "--runs", "1", "--warmup", "0")

    assert [row["model"] for row in measured("--history")] == ["openai/gpt-5.5"]


@pytest.mark.slow
def test_a_history_that_cannot_be_written_costs_no_figures(own_home: Path) -> None:
    (own_home / "flux" / "data" / "bench.jsonl").mkdir(parents=True)

    done = bench("-m", "openai/gpt-5.5", "--runs", "1", "--warmup", "0", "--json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["models"][0]["runs"] == 1
    assert "could not be written: Is a directory" in done.stderr


@pytest.mark.slow
def test_a_run_that_fails_is_counted_and_is_status_1() -> None:
    done = bench("-m", "openai/gpt-5.5", "--runs", "2", "--prompt", "sim: fault=401", "--json")

    (row,) = json.loads(done.stdout)["models"]
    assert done.returncode == 1
    assert (row["runs"], row["failed"], row["tokens_per_s"]) == (2, 2, None)
    assert len(row["errors"]) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no model to measure"),
        (["-m", "nowhere/x"], "there is no model"),
        (["-m", "openai/gpt-5.5", "--runs", "0"], "no number of 1 or more"),
        (["-m", "openai/gpt-5.5", "--warmup", "-1"], "no number of 0 or more"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_2(words: list[str], told: str) -> None:
    done = bench(*words)

    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr.splitlines()[-1]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_a_spread_is_ordered_and_within_its_values(values: list[float]) -> None:
    found = Spread.of(values)

    assert found is not None
    assert found.low <= found.median <= found.high
    assert found.q1 <= found.q3 or abs(found.q1 - found.q3) < 1e-6
    assert (found.low, found.high) == (min(values), max(values))


def test_reasoning_that_is_not_shown_makes_no_model_quicker() -> None:
    usage, timing = Usage(output=300, reasoning=200), Timing(1.0, 3.0)
    hidden = Message(role="assistant", parts=(Text("hi"),), usage=usage, timing=timing)
    shown = Message(
        role="assistant", parts=(Thinking("hm"), Text("hi")), usage=usage, timing=timing
    )

    assert tokens_per_second([hidden]) == 50
    assert tokens_per_second([shown]) == 150

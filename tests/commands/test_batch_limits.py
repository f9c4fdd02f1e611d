"""What a batch may cost is settled before it is handed in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from flux_tui.core.errors import BudgetError
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import Budgets, Cost, Usage
from flux_tui.session.batch_cost import BatchForecast
from flux_tui.session.ledger import CostLedger

MODELS = ("anthropic/claude-opus-5-5", "openai/gpt-5.5", "openai-chat/gpt-4o")
UNKNOWN = Cost(basis="unknown")


def dollars(amount: str) -> Cost:
    return Cost(amount=Decimal(amount), basis="estimated")


def ledger(budgets: Budgets) -> CostLedger:
    def price(model: ModelInfo, usage: Usage, at: datetime) -> Cost:
        raise AssertionError((model, usage, at))

    return CostLedger(price, budgets=budgets)


def batch(
    prompts: Path, *words: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    named = [word for model in MODELS for word in ("-m", model)]
    return subprocess.run(
        [
            *(sys.executable, "-m", "flux_tui", "compare", "--demo", "--batch", "--json"),
            *("--prompts", str(prompts), *named, *words),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "FLUX_SIM_SPEED": "100000", **(env or {})},
    )


def jobs(own_home: Path) -> list[Path]:
    return sorted((own_home / "flux" / "data" / "batches").glob("*.json"))


@pytest.mark.parametrize(
    ("about", "most", "longest", "max_cost", "told"),
    [
        ("0.5", "0.9", 10, "1", ""),
        ("0.5", "1.1", 10, "1", "could cost more than $1: about $0.50, $1.10 at the most"),
        ("0.5", None, None, "1", "nothing limits how long an answer may be"),
        (None, None, 10, "1", "the price of a model is not known"),
        ("0.5", None, None, None, ""),
        (None, None, None, None, ""),
    ],
)
def test_only_what_cannot_cost_more_is_handed_in(
    about: str | None, most: str | None, longest: int | None, max_cost: str | None, told: str
) -> None:
    forecast = BatchForecast(
        UNKNOWN if about is None else dollars(about),
        UNKNOWN if most is None else dollars(most),
        longest,
    )
    limit = None if max_cost is None else Decimal(max_cost)

    if not told:
        forecast.hold_to(limit, ledger(Budgets()))
    else:
        with pytest.raises(BudgetError, match=re.escape(told)):
            forecast.hold_to(limit, ledger(Budgets()))


def test_a_budget_holds_against_what_it_costs_about() -> None:
    forecast = BatchForecast(dollars("0.5"), dollars("9"), 10)

    forecast.hold_to(None, ledger(Budgets(session=Decimal(1), turn=Decimal("0.01"))))
    with pytest.raises(BudgetError, match="a session would be crossed"):
        forecast.hold_to(None, ledger(Budgets(session=Decimal("0.4"))))
    with pytest.raises(BudgetError, match="its price is not known"):
        BatchForecast(UNKNOWN, UNKNOWN, 10).hold_to(None, ledger(Budgets(day=Decimal(1))))


def test_a_sum_that_is_told_is_never_too_low() -> None:
    told = BatchForecast(dollars("0.00012301"), dollars("1234.501"), 10).told()

    assert told == "about $0.00013, $1,234.51 at the most, at half price"


@pytest.mark.slow
def test_no_batch_costs_more_than_was_told(prompts: Path) -> None:
    done = batch(prompts, env={"FLUX_MAX_OUTPUT": "300"})

    assert done.returncode == 0, done.stderr
    told = re.search(r"this batch costs about \$\S+, \$(\S+) at the most", done.stderr)
    assert told is not None
    answers = [answer for one in json.loads(done.stdout) for answer in one["answers"]]
    spent = sum(Decimal(answer["cost"]["usd"]) for answer in answers)
    assert len(answers) == 6
    assert 0 < spent <= Decimal(told[1])


@pytest.mark.slow
def test_what_could_cost_too_much_is_not_handed_in_and_leaves_nothing(
    prompts: Path, own_home: Path
) -> None:
    done = batch(prompts, "--max-cost", "0.001")
    within = batch(prompts, "--max-cost", "0.2", env={"FLUX_MAX_OUTPUT": "1000"})

    assert (done.returncode, done.stdout) == (3, "")
    assert "could cost more than $0.001" in done.stderr
    assert "set a lower max_output" in done.stderr
    assert "handed in" not in done.stderr
    assert within.returncode == 0, within.stderr
    assert len(jobs(own_home)) == 1


@pytest.mark.slow
def test_a_budget_of_the_configuration_holds_a_batch_back(prompts: Path, own_home: Path) -> None:
    folder = own_home / "flux"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text("[budget]\nday = 0.0001\n", "utf-8")

    done = batch(prompts)

    assert (done.returncode, done.stdout) == (3, "")
    assert "the budget of $0.0001 a day would be crossed" in done.stderr
    assert jobs(own_home) == []


def test_a_limit_comes_too_late_for_a_job_that_is_collected() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "flux_tui", "compare"),
            *("--collect", "last", "--max-cost", "1"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert "it holds before a job is handed in" in done.stderr

"""Which limits a turn would break, and what is left of them."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from flux_tui.config.settings import load_settings
from flux_tui.core.events import TurnEnded
from flux_tui.core.messages import Message, Text
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.usage import NO_COST, Budgets, Cost, Usage
from flux_tui.session.budgets import crossed, left
from flux_tui.session.ledger import CostLedger
from flux_tui.session.wiring import Runtime


def dollars(text: str) -> Cost:
    return Cost(amount=Decimal(text), basis="computed")


def free(_model: ModelInfo, _usage: Usage, _at: datetime) -> Cost:
    return NO_COST


def spent(text: str) -> CostLedger:
    ledger = CostLedger(free)
    ledger.record(
        Message(
            role="assistant",
            parts=(Text("hello"),),
            model=ModelRef("openai", "gpt-5.5"),
            usage=Usage(input=1, output=1),
            cost=dollars(text),
            at=datetime.now(UTC),
        )
    )
    return ledger


def test_without_a_limit_nothing_is_broken() -> None:
    assert crossed(Budgets(), spent("100"), dollars("100")) == ()
    assert crossed(Budgets(), spent("100"), Cost()) == ()
    assert left(Budgets(turn=Decimal(1)), spent("100")) is None


def test_every_limit_that_breaks_is_named() -> None:
    budgets = Budgets(turn=Decimal("0.1"), session=Decimal(2), day=Decimal(5))

    told = crossed(budgets, spent("1.95"), dollars("0.2"))

    assert [words.split(" a ")[1].split()[0] for words in told] == ["turn", "session"]
    assert "$1.9500 spent" in told[1]


def test_a_price_that_nobody_knows_keeps_no_budget() -> None:
    assert "not known" in crossed(Budgets(day=Decimal(1)), spent("0.1"), Cost())[0]


def test_the_strictest_limit_says_what_is_left() -> None:
    ledger = spent("1.5")

    assert left(Budgets(session=Decimal(2), month=Decimal(9)), ledger) == Decimal("0.5")
    assert left(Budgets(session=Decimal(1)), ledger) == 0


async def test_a_day_that_is_spent_lets_no_turn_begin(tmp_path: Path) -> None:
    home = tmp_path / "flux"
    home.mkdir()
    (home / "config.toml").write_text("[budget]\nday = 0.000001\n")
    environ = {"FLUX_HOME": str(home), "FLUX_SIM_SPEED": "1000000"}
    runtime = Runtime(load_settings({"demo": "true"}, environ, tmp_path), root=tmp_path)
    await runtime.start()
    session = runtime.new_session()
    ended: list[str] = []
    for text in ("hello", "again"):
        async with aclosing(session.send(text)) as events:
            ended += [event.reason async for event in events if isinstance(event, TurnEnded)]
    other = runtime.new_session()
    async with aclosing(other.send("hello")) as events:
        ended += [event.reason async for event in events if isinstance(event, TurnEnded)]
    await runtime.aclose()

    assert ended == ["end", "budget", "budget"]

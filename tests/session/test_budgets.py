"""Which limits a turn would break, and what is left of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.core.events import TurnEnded
from flux_tui.core.messages import Message, Text, ToolResult
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.usage import NO_COST, Budgets, Cost, Usage
from flux_tui.session.approvals import Answer
from flux_tui.session.budgets import crossed, left
from flux_tui.session.ledger import CostLedger
from flux_tui.session.session import ChatSession
from flux_tui.session.wiring import Runtime
from flux_tui.storage.sqlite import SqliteStore
from tests.session.helpers import (
    PlainTool,
    Script,
    ScriptedProvider,
    calls,
    committed,
    drain,
    ended,
    make_session,
    one_cent,
    says,
)


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
    assert "($1.9500 spent, $0.2000 expected)" in told[1]


def test_a_price_that_nobody_knows_keeps_no_budget() -> None:
    assert "not known" in crossed(Budgets(day=Decimal(1)), spent("0.1"), Cost())[0]


def test_sums_too_small_for_four_digits_are_not_called_nothing() -> None:
    budgets = Budgets(turn=Decimal("0.00001"), session=Decimal("0.00001"))

    told = crossed(budgets, spent("0.000004"), dollars("0.00002"))

    assert "(nothing spent, under $0.0001 expected)" in told[0]
    assert "(under $0.0001 spent, under $0.0001 expected" in told[1]


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


class Asked:
    """A user who gives the same answer to each question, and remembers the questions."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.reasons: list[str] = []

    async def __call__(self, reasons: Sequence[str]) -> Answer:
        self.reasons.append(reasons[0])
        return self.answer


def limited(store: SqliteStore, root: Path, *scripts: Script, **limits: str) -> ChatSession:
    """A session where every request costs a cent, and one forecast, reading and writing, two."""
    budgets = Budgets(**{name: Decimal(value) for name, value in limits.items()})
    ledger = CostLedger(one_cent, budgets=budgets)
    return make_session(store, ScriptedProvider(*scripts), PlainTool(), root=root, ledger=ledger)


@pytest.mark.parametrize("limit", ["session", "day", "month"])
async def test_the_user_is_asked_before_a_limit_is_crossed_and_a_no_says_nothing(
    limit: str, store: SqliteStore, tmp_path: Path
) -> None:
    chat = limited(store, tmp_path, says("hello"), **{limit: "0.001"})
    chat.purse.ask = user = Asked(Answer.NO)

    events = await drain(chat.send("hi"))

    assert f"a {limit} would be crossed" in user.reasons[0]
    assert events == [TurnEnded("budget")]
    assert chat.conversation.messages == ()


async def test_a_yes_holds_for_one_turn_and_always_for_the_session(
    store: SqliteStore, tmp_path: Path
) -> None:
    chat = limited(store, tmp_path, says("hello"), day="0.001")
    chat.purse.ask = user = Asked(Answer.ONCE)
    for _ in range(2):
        assert ended(await drain(chat.send("hi"))).reason == "end"
    assert len(user.reasons) == 2

    user.answer = Answer.SESSION
    for _ in range(3):
        assert ended(await drain(chat.send("hi"))).reason == "end"
    assert len(user.reasons) == 3


ROUNDS = (calls(("look", "{}")), calls(("look", '{"n": 2}'), ids=("c1",)), says("done"))


async def test_a_limit_that_is_reached_in_a_turn_asks_before_the_tools_run(
    store: SqliteStore, tmp_path: Path
) -> None:
    chat = limited(store, tmp_path, *ROUNDS, session="0.02")
    chat.purse.ask = user = Asked(Answer.ONCE)

    events = await drain(chat.send("hi"))

    assert user.reasons == ["the budget of $0.02 a session is spent ($0.0200)"]
    assert ended(events).reason == "end"
    assert committed(events)[-1].text == "done"


async def test_a_no_in_a_turn_ends_it_with_every_call_answered(
    store: SqliteStore, tmp_path: Path
) -> None:
    chat = limited(store, tmp_path, *ROUNDS)
    chat.budget = Decimal("0.02")
    chat.purse.ask = Asked(Answer.NO)

    events = await drain(chat.send("hi"))

    assert ended(events).error == "the budget of $0.02 is spent ($0.0200)"
    first, second = (result.parts[0] for result in committed(events, "tool"))
    assert isinstance(first, ToolResult)
    assert isinstance(second, ToolResult)
    assert (first.text, second.is_error) == ("seen", True)


async def test_stopping_while_the_question_stands_cancels_it(
    store: SqliteStore, tmp_path: Path
) -> None:
    chat = limited(store, tmp_path, says("hello"), day="0.001")
    cancelled: list[bool] = []

    async def ask(_reasons: Sequence[str]) -> Answer:
        chat.stop()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)
        return Answer.ONCE

    chat.purse.ask = ask

    assert ended(await drain(chat.send("hi"))).reason == "aborted"
    await asyncio.sleep(0)
    assert cancelled == [True]
    assert chat.conversation.messages == ()


async def test_a_model_that_costs_nothing_is_never_asked_about(
    store: SqliteStore, tmp_path: Path
) -> None:
    ledger = CostLedger(free, budgets=Budgets(day=Decimal("0.001")))
    provider = ScriptedProvider(says("hello"))
    chat = make_session(store, provider, root=tmp_path, ledger=ledger, price=free)
    chat.purse.ask = user = Asked(Answer.NO)

    assert ended(await drain(chat.send("hi"))).reason == "end"
    assert user.reasons == []


async def test_a_model_that_costs_nothing_answers_also_when_a_spent_budget_is_watched_by_nobody(
    store: SqliteStore, tmp_path: Path
) -> None:
    ledger = CostLedger(free, budgets=Budgets(session=Decimal(0)))
    chat = make_session(
        store, ScriptedProvider(says("hello")), root=tmp_path, ledger=ledger, price=free
    )

    assert ended(await drain(chat.send("hi"))).reason == "end"


async def test_a_summary_is_asked_about_too(store: SqliteStore, tmp_path: Path) -> None:
    chat = limited(store, tmp_path, says("hello"), day="0.025")
    chat.purse.ask = user = Asked(Answer.NO)
    await drain(chat.send("hi"))
    before = chat.conversation

    assert ended(await drain(chat.compact())).reason == "budget"
    assert len(user.reasons) == 1
    assert chat.conversation == before

"""The pure parts: policy, ledger, prompts, the switch and attachments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine

from flux_tui.core.messages import Message, Text, Thinking, user_message
from flux_tui.core.models import ModelRef
from flux_tui.core.normalize import normalize
from flux_tui.core.usage import NO_COST, Cost, CostBasis, Usage
from flux_tui.providers.base import ChatRequest
from flux_tui.providers.tokens import Calibration
from flux_tui.session.approvals import ApprovalMode, ApprovalPolicy, Verdict
from flux_tui.session.ledger import CostLedger, Spending, start_of_month
from flux_tui.session.meter import ContextUse, Meter
from flux_tui.session.prompts import MAX_NOTES, read_notes, system_prompt
from flux_tui.session.switch import Switch, short_count
from flux_tui.storage.store import DaySpent
from flux_tui.tools.base import Risk
from tests.session.helpers import PlainTool, count, model, one_cent

NOW = datetime(2026, 11, 14, 12, tzinfo=UTC)


@pytest.fixture
def noon() -> Iterator[None]:
    """It is `NOW`, and stays so: no day ends between two lines of a test."""
    with time_machine.travel(NOW, tick=False):
        yield


def cost(cents: int, basis: CostBasis = "computed") -> Cost:
    return Cost(amount=Decimal(cents) / 100, basis=basis)


def answer(cents: int, name: str = "alpha", *, at: datetime = NOW) -> Message:
    return Message(
        role="assistant",
        parts=(Text("x"),),
        at=at,
        model=ModelRef("anthropic", name),
        usage=Usage(input=1, output=2),
        cost=cost(cents),
    )


@pytest.mark.parametrize(
    ("mode", "risk", "verdict"),
    [
        ("ask", "read", Verdict.ASK),
        ("ask", "execute", Verdict.ASK),
        ("read", "read", Verdict.ALLOW),
        ("read", "write", Verdict.ASK),
        ("read", "network", Verdict.ASK),
        ("all", "execute", Verdict.ASK),
        ("none", "read", Verdict.DENY),
    ],
)
def test_the_mode_and_the_risk_decide(mode: ApprovalMode, risk: Risk, verdict: Verdict) -> None:
    assert ApprovalPolicy(mode).judge(PlainTool(risk=risk)) is verdict


def test_a_grant_holds_for_its_tool_alone_and_never_for_commands() -> None:
    policy = ApprovalPolicy("ask")

    assert policy.grant(PlainTool("write", risk="write"))
    assert not policy.grant(PlainTool("shell", risk="execute"))

    assert policy.granted == {"write"}
    assert policy.judge(PlainTool("write", risk="write")) is Verdict.ALLOW
    assert policy.judge(PlainTool("other", risk="write")) is Verdict.ASK
    assert policy.judge(PlainTool("shell", risk="execute")) is Verdict.ASK


def test_the_ledger_sums_turn_session_and_models() -> None:
    ledger = CostLedger(one_cent)
    assert ledger.last is None
    ledger.record(answer(1))
    ledger.begin_turn()
    second = answer(2, "beta")
    ledger.record(second)
    ledger.record(second)
    ledger.record(user_message("free"))

    assert ledger.turn == cost(2)
    assert ledger.session == cost(3)
    assert ledger.last == second
    totals = ledger.by_model()
    assert [(str(ref), total.requests) for ref, total in totals.items()] == [
        ("anthropic/alpha", 1),
        ("anthropic/beta", 1),
    ]
    assert totals[ModelRef("anthropic", "beta")].usage == Usage(input=1, output=2)


def test_a_resumed_session_has_no_turn_yet() -> None:
    ledger = CostLedger(one_cent)

    ledger.restore([answer(1), answer(2)])

    assert (ledger.turn, ledger.session) == (NO_COST, cost(3))


def test_an_answer_that_is_counted_again_replaces_the_first() -> None:
    ledger = CostLedger(one_cent)
    first, other = answer(1), answer(5, "beta")
    ledger.record(first)
    ledger.record(other)
    before = ledger.by_model()

    ledger.record(replace(first, cost=cost(3)))
    ledger.record(answer(2))

    after = ledger.by_model()
    assert [total.cost for total in before.values()] == [cost(1), cost(5)]
    assert [total.cost for total in after.values()] == [cost(5), cost(5)]
    assert [total.requests for total in after.values()] == [2, 1]


def test_an_answer_without_a_model_is_in_no_models_total() -> None:
    ledger = CostLedger(one_cent)
    ledger.record(Message(role="assistant", parts=(), usage=Usage(input=1)))

    assert ledger.by_model() == {}
    assert ledger.session == Cost()


@pytest.mark.usefixtures("noon")
def test_today_and_month_cover_all_sessions_and_one_kind_of_money() -> None:
    spending = Spending()
    today, month_ago = NOW.astimezone(), start_of_month(NOW) - timedelta(days=3)

    def spent(at: datetime, paid: Cost) -> DaySpent:
        return DaySpent(day=f"{at:%Y-%m-%d}", cost=paid)

    spending.load(
        [
            spent(today, cost(1)),
            spent(month_ago, cost(5)),
            spent(today, cost(9, "simulated")),
            spent(today, Cost(amount=Decimal(0), basis="free")),
        ],
        NOW - timedelta(days=1),
    )
    ledger = CostLedger(one_cent, spending)
    ledger.record(answer(2))

    assert ledger.today == cost(3)
    assert ledger.month == cost(3)
    assert ledger.month == cost(3)
    assert ledger.session == cost(2)


@pytest.mark.usefixtures("noon")
def test_what_the_store_has_counted_is_not_counted_again() -> None:
    spending = Spending()
    spending.load([DaySpent(day=f"{NOW.astimezone():%Y-%m-%d}", cost=cost(3))], NOW)
    ledger = CostLedger(one_cent, spending)
    elsewhere = replace(answer(4), at=NOW + timedelta(microseconds=1))  # by another process since

    ledger.restore([replace(answer(3), at=NOW - timedelta(microseconds=1)), elsewhere])

    assert ledger.session == cost(7)
    assert ledger.today == cost(7)


@pytest.mark.usefixtures("noon")
def test_a_price_found_later_takes_the_place_of_an_unknown_one() -> None:
    day = f"{NOW.astimezone():%Y-%m-%d}"
    spending = Spending()
    spending.load(
        [DaySpent(day=day, cost=cost(3)), DaySpent(day=day, cost=Cost(), answers=1)],
        NOW + timedelta(seconds=1),
    )
    ledger = CostLedger(one_cent, spending)
    found = answer(4)
    assert ledger.today.basis == "partial"

    ledger.restore([found])
    ledger.reprice([found])
    ledger.reprice([found])

    assert ledger.today == cost(7)


@pytest.mark.usefixtures("noon")
def test_the_simulators_money_is_counted_by_itself() -> None:
    spending = Spending(simulated=True)
    spending.add("1", NOW, cost(1))
    spending.add("2", NOW, cost(2, "simulated"))

    assert CostLedger(one_cent, spending).today == cost(2, "simulated")


async def test_a_price_that_cannot_be_computed_is_unknown() -> None:
    def broken(info, usage, at):
        raise LookupError("no such model")

    paid = await CostLedger(broken).charge(model(), Usage(input=1), NOW)

    assert paid == Cost(basis="unknown")


def test_the_system_prompt_names_the_model_and_what_else_holds(tmp_path: Path) -> None:
    prompt = system_prompt(model(), root=tmp_path, tools=True, notes="Be kind.", own="Rhyme.")

    assert "You are alpha of the provider anthropic" in prompt
    assert str(tmp_path) in prompt
    assert "<notes>\nBe kind.\n</notes>" in prompt
    assert prompt.endswith("\n\nRhyme.")
    assert "folder" not in system_prompt(model(), root=tmp_path, tools=False)


def test_notes_are_cleaned_and_capped(tmp_path: Path) -> None:
    assert read_notes(tmp_path) == ""
    (tmp_path / "AGENTS.md").write_text("Use \x1b[31mtabs", "utf-8")
    assert read_notes(tmp_path) == "Use tabs"
    (tmp_path / "AGENTS.md").write_text("x" * (MAX_NOTES + 5), "utf-8")
    assert read_notes(tmp_path).endswith("x\n[cut after 16,000]")


def switch(tokens: int, window: int | None, *messages: Message) -> Switch:
    _, report = normalize(messages, model("beta", "openai"))
    return Switch(
        before=ModelRef("anthropic", "alpha"),
        after=ModelRef("openai", "beta"),
        report=report,
        tokens=tokens,
        estimated=True,
        window=window,
    )


def test_a_switch_says_in_one_line_what_happens() -> None:
    assert switch(41_200, 1_000_000).line() == (
        "anthropic/alpha → openai/beta   everything kept · fits: ≈ 41k of 1M"
    )
    assert "does not fit: ≈ 41k of 8k" in switch(41_200, 8_000).line()
    unknown = switch(41_200, None)
    assert unknown.fits is None
    assert unknown.line().endswith("≈ 41k tokens, window unknown")


def test_a_switch_tells_what_is_lost() -> None:
    thought = Message(role="assistant", parts=(Thinking("hm"), Text("x")), model=model().ref)

    changed = switch(10, 100, user_message("Hi"), thought)

    assert not changed.report.lossless
    assert changed.report.summary() in changed.line()


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (1_050_000, "1.05M"),
    ],
)
def test_counts_are_short(tokens: int, words: str) -> None:
    assert short_count(tokens) == words


def test_what_came_after_the_last_report_is_estimated() -> None:
    path = (user_message("Hi"), answer(1), user_message("More"))

    meter = Meter(count, Calibration())

    assert meter.measure(path, model()) == ContextUse(3 + 4, 1_000, estimated=True)
    assert meter.measure(path[:2], model()) == ContextUse(
        3, 1_000, estimated=False, basis="reported"
    )
    assert meter.measure(path[:1], model()) == ContextUse(2, 1_000, estimated=True)
    assert meter.measure((), model()).tokens == 0
    assert ContextUse(5, None, estimated=True).share is None


def test_the_meter_shows_what_was_read_not_what_was_charged() -> None:
    charged = replace(answer(1), usage=Usage(input=8, output=2, uncharged=190))
    path = (user_message("x" * 100), charged)
    meter = Meter(count, Calibration())

    assert meter.measure(path, model()).tokens == 200
    meter.learn(ChatRequest(model=model(), messages=path[:1]), Usage(input=10, uncharged=190))
    assert meter.measure(path[:1], model()).tokens == 200


def test_another_models_count_is_not_taken_over() -> None:
    path = (user_message("x" * 100), replace(answer(1), usage=Usage(input=999, output=1)))
    meter = Meter(count, Calibration())

    use = meter.measure(path, model("beta"), "system")

    assert (use.tokens, use.estimated, use.basis) == (
        106 + len(path[1].text),
        True,
        "estimate",
    )
    meter.learn(ChatRequest(model=model("beta"), messages=path[:1]), Usage(input=200))
    assert meter.measure(path[:1], model("beta")) == ContextUse(200, 1_000, True, "calibrated")

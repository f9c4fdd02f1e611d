"""A judge reads the answers twice, and what that comes to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.core.errors import FluxError, InputError
from flux_tui.core.usage import NO_COST
from flux_tui.session.judge import Verdict, judge_prompt, labels, read_verdict
from flux_tui.session.judging import Judgement, foretell, judge_answers
from flux_tui.session.wiring import Runtime

SAYS_A = 'sim: text="{\\"reason\\": \\"first\\", \\"winner\\": \\"A\\"}"'


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    environ = {"FLUX_HOME": str(tmp_path / "home"), "FLUX_SIM_SPEED": "1000000"}
    made = Runtime(load_settings({"demo": "true"}, environ, tmp_path), root=tmp_path)
    await made.start()
    yield made
    await made.aclose()


async def test_a_judge_that_follows_the_order_is_told_by_it(runtime: Runtime) -> None:
    model = runtime.find_model("openai/gpt-5.5")
    base = runtime.new_session(model)

    found = await judge_answers(base, model, SAYS_A, "why?", ["one", "two"])

    assert found.shown == ((0, 1), (1, 0))
    assert found.cost.amount
    assert base.conversation.path == ()
    assert len(base.ledger.by_model()) == 1
    if found.understood:
        assert found.picks == (0, 1)
        assert not found.agree


def test_verdicts_are_about_answers_and_not_about_places() -> None:
    shown = ((0, 1, 2), (2, 1, 0))

    same = Judgement(shown, (Verdict(0, ""), Verdict(2, "")), NO_COST)
    biased = Judgement(shown, (Verdict(0, ""), Verdict(0, "")), NO_COST)
    ties = Judgement(shown, (Verdict(None, ""), Verdict(None, "")), NO_COST)
    lost = Judgement(shown, (Verdict(0, ""), None), NO_COST)

    assert (same.picks, same.agree) == ((0, 0), True)
    assert (biased.picks, biased.agree) == ((0, 2), False)
    assert (ties.picks, ties.agree) == ((None, None), True)
    assert (lost.understood, lost.agree) == (False, False)


def test_what_is_read_first_may_be_scored_higher() -> None:
    shown = ((0, 1), (1, 0))

    same = Judgement(shown, (Verdict(0, "", (8, 6)), Verdict(1, "", (6, 8))), NO_COST)
    first = Judgement(shown, (Verdict(0, "", (9, 5)), Verdict(0, "", (8, 6))), NO_COST)
    none = Judgement(shown, (Verdict(0, "", (9, 5)), Verdict(0, "")), NO_COST)

    assert (same.bias, same.score(0), same.score(1)) == (0, (8, 8), (6, 6))
    assert (first.bias, first.score(0)) == (3, (9, 6))
    assert (none.bias, none.score(1)) == (None, (5,))


def test_scores_count_only_when_there_is_one_for_each_answer() -> None:
    whole = read_verdict('{"winner": "A", "scores": [7, 4.5]}', 2)
    short = read_verdict('{"winner": "A", "scores": [7]}', 2)
    wild = read_verdict('{"winner": "A", "scores": [70, "x"]}', 2)

    assert whole == Verdict(0, "", (7, 4.5))
    assert short == wild == Verdict(0, "")


def test_no_answer_is_left_out_however_many_there_are() -> None:
    answers = [f"<answer number {number}>" for number in range(60)]

    prompt = judge_prompt("", "Which?", answers)

    assert all(answer in prompt for answer in answers)
    assert '"Z" or "AA" or "AB"' in prompt
    assert read_verdict('{"winner": "Answer BH"}', 60) == Verdict(59, "")
    assert read_verdict('{"winner": "BI"}', 60) is None


def test_every_answer_has_a_name_of_its_own() -> None:
    names = labels(800)

    assert names[:2] == ("A", "B")
    assert names[25:28] == ("Z", "AA", "AB")
    assert names[701:703] == ("ZZ", "AAA")
    assert len(set(names)) == 800


async def test_what_judging_costs_is_told_before(runtime: Runtime) -> None:
    model = runtime.find_model("openai/gpt-5.5")

    little = await foretell(runtime.new_session(model), model, "why?")
    much = await foretell(runtime.new_session(model), model, "why? " * 5000)

    assert little.amount is not None
    assert much.amount is not None
    assert 0 < little.amount < much.amount


async def test_what_cannot_be_judged_is_refused(runtime: Runtime) -> None:
    model = runtime.find_model("openai/gpt-5.5")
    base = runtime.new_session(model)

    with pytest.raises(InputError, match="no two answers"):
        await judge_answers(base, model, "", "why?", ["one"])
    with pytest.raises(FluxError):
        await judge_answers(base, model, "sim: fault=bad-request", "why?", ["one", "two"])

"""A judge reads the answers twice, and what that comes to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.core.errors import FluxError, InputError
from flux_tui.core.usage import NO_COST
from flux_tui.session.judge import Verdict
from flux_tui.session.judging import Judgement, judge_answers
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


async def test_what_cannot_be_judged_is_refused(runtime: Runtime) -> None:
    model = runtime.find_model("openai/gpt-5.5")
    base = runtime.new_session(model)

    with pytest.raises(InputError, match="no two answers"):
        await judge_answers(base, model, "", "why?", ["one"])
    with pytest.raises(FluxError):
        await judge_answers(base, model, "sim: fault=bad-request", "why?", ["one", "two"])

"""Answers of columns before a judge: a model that reads them twice, in two orders."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from flux_tui.core.errors import FluxError, InputError
from flux_tui.core.events import Committed, TurnEnded
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import Cost, sum_costs
from flux_tui.session.judge import Verdict, judge_prompt, orders, read_verdict
from flux_tui.session.session import ChatSession


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of it. `verdicts` belong to `shown`, places of the answers as they were ordered.

    A verdict is None when the judge's reply could not be understood.
    """

    shown: tuple[tuple[int, ...], ...]
    verdicts: tuple[Verdict | None, ...]
    cost: Cost

    @property
    def picks(self) -> tuple[int | None, ...]:
        """The place of the best answer by each verdict; None for a tie or no verdict."""
        return tuple(
            None if verdict is None or verdict.place is None else order[verdict.place]
            for order, verdict in zip(self.shown, self.verdicts, strict=True)
        )

    @property
    def understood(self) -> bool:
        """Whether every reply was a verdict."""
        return None not in self.verdicts

    @property
    def agree(self) -> bool:
        """Whether both orders led to the same verdict; if not, the order decided."""
        return self.understood and len(set(self.picks)) == 1


async def judge_answers(
    base: ChatSession, judge: ModelInfo, rubric: str, question: str, answers: Sequence[str]
) -> Judgement:
    """Let *judge* compare *answers*, straight and reversed; both requests count for *base*.

    They are stored in the session of *base*, as branches that begin anew: the judge reads nothing
    but question and answers.

    Raises:
        InputError: there are no two answers.
        FluxError: the judge failed, or was stopped.
    """
    if len(answers) < 2:
        raise InputError("there are no two answers to judge yet")
    shown = orders(len(answers))
    verdicts: list[Verdict | None] = []
    costs: list[Cost] = []
    for order in shown:
        session = base.branch(judge)
        session.conversation = base.conversation.at(None)
        prompt = judge_prompt(rubric, question, [answers[place] for place in order])
        async with aclosing(session.send(prompt)) as events:
            async for event in events:
                if isinstance(event, Committed) and event.message.role == "assistant":
                    base.ledger.record(event.message)
                    costs.append(event.message.cost or Cost())
                if isinstance(event, TurnEnded) and (event.error or event.reason == "aborted"):
                    raise FluxError(event.error or "the judge was stopped", hint=event.hint)
        verdicts.append(read_verdict(session.conversation.path[-1].text, len(answers)))
    return Judgement(shown, tuple(verdicts), sum_costs(costs))

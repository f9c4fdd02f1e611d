"""Answers of columns before a judge: a model that reads them twice, in two orders."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flux_tui.core.errors import FluxError, InputError
from flux_tui.core.events import Committed, TurnEnded
from flux_tui.core.messages import user_message
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import Cost, Usage, sum_costs
from flux_tui.session.judge import Verdict, judge_prompt, orders, read_verdict
from flux_tui.session.session import ChatSession

_VERDICT = 150  # tokens that a verdict is taken to have


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of it. `verdicts` belong to `shown`, places of the answers as they were ordered.

    A verdict is None when the judge's reply, in `replies`, could not be understood.
    """

    shown: tuple[tuple[int, ...], ...]
    verdicts: tuple[Verdict | None, ...]
    cost: Cost
    replies: tuple[str, ...] = ()

    @property
    def bias(self) -> float | None:
        """By how much what is read first is scored above what is read last; None if unknown.

        In the two orders the same answers stand there, so that their worth cancels out.
        """
        scores = [verdict.scores for verdict in self.verdicts if verdict and verdict.scores]
        if len(scores) < len(self.shown):
            return None
        return sum(each[0] - each[-1] for each in scores) / len(scores)

    def score(self, place: int) -> tuple[float, ...]:
        """Return what the answer at *place* was given in each order; empty if nothing."""
        pairs = zip(self.shown, self.verdicts, strict=True)
        return tuple(v.scores[order.index(place)] for order, v in pairs if v and v.scores)

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


async def foretell(base: ChatSession, judge: ModelInfo, prompt: str) -> Cost:
    """Return about what both judgements cost when one of them is asked with *prompt*."""
    probe = base.branch(judge)
    probe.conversation = replace(base.conversation.at(None), messages=()).plus(user_message(prompt))
    reading = (await probe.preflight(judge)).cost
    writing = await probe.ledger.charge(judge, Usage(output=_VERDICT), datetime.now(UTC))
    return sum_costs((reading, writing) * 2)


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
    replies: list[str] = []
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
        replies.append(session.conversation.path[-1].text)
        verdicts.append(read_verdict(replies[-1], len(answers)))
    return Judgement(shown, tuple(verdicts), sum_costs(costs), tuple(replies))

"""Asks many prompts of several models: at the pace allowed, each once, and judged if wished."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

from flux_tui.core.errors import BudgetError
from flux_tui.core.messages import Conversation
from flux_tui.core.models import ModelInfo
from flux_tui.core.sanitize import one_line
from flux_tui.core.usage import JSON, Cost, CostBasis, sum_costs
from flux_tui.providers.prices import is_local
from flux_tui.session.jobs import Gates, Prompt
from flux_tui.session.jobs_answer import TurnSummary, tokens_per_second
from flux_tui.session.jobs_log import AnswerLog, Key, Record, key_of
from flux_tui.session.judge import RUBRIC, agreement, judge_prompt, orders, read_verdict
from flux_tui.session.session import ChatSession
from flux_tui.session.wiring import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be asked.

    Attributes:
        reads: whether the models may use the tools that only read.
        max_cost: US dollars; once they are spent, nothing more is asked.
        log: where answers are kept and found again; None keeps them in memory.
    """

    prompts: tuple[Prompt, ...]
    models: tuple[ModelInfo, ...]
    gates: Gates
    reads: bool = False
    judge: ModelInfo | None = None
    rubric: str = RUBRIC
    max_cost: Decimal | None = None
    log: AnswerLog | None = None


@dataclass(slots=True)
class Asking:
    """One run of a plan. `records` holds all answers and judgements, earlier ones as well."""

    runtime: Runtime
    plan: Plan
    told: Callable[[Record], None]
    records: dict[Key, Record] = field(default_factory=dict[Key, Record])
    stopped: bool = False
    over_budget: bool = False
    limit: Decimal | None = None  # US dollars: the plan's, or what the user's budgets leave
    costs: list[Cost] = field(default_factory=list[Cost])
    _base: ChatSession | None = None
    _said: dict[tuple[str, str], Conversation] = field(
        default_factory=dict[tuple[str, str], Conversation]
    )
    _saying: asyncio.Lock = field(default_factory=asyncio.Lock)
    _running: list[ChatSession] = field(default_factory=list[ChatSession])
    _waiting: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def run(self) -> None:
        """Ask everything that is not answered yet.

        Raises:
            BudgetError: there is a budget, and a model without a known price.
            StoreError: an answer cannot be written; nothing more is asked then.
        """
        plan = self.plan
        asked = (*plan.models, *([plan.judge] if plan.judge is not None else []))
        self._base = self.runtime.new_session(plan.models[0])
        self._base.title = one_line(f"Compare: {plan.prompts[0].text}", 60)
        self.limit = self._base.ledger.allowance(plan.max_cost)
        if self.limit is not None:
            for model in asked:
                await asyncio.to_thread(check_price, self.runtime, model)
        if plan.log is not None:
            self.records.update(plan.log.records)
        # Importing what a vendor needs is no part of how fast its model is. A model that cannot be
        # asked says so when it is its turn.
        await asyncio.gather(*map(self.runtime.prepare, asked), return_exceptions=True)
        try:
            async with asyncio.TaskGroup() as group:
                for prompt in plan.prompts:
                    group.create_task(self._prompt(prompt))
        except ExceptionGroup as problems:
            raise _first(problems) from problems

    def stop(self) -> None:
        """Ask nothing more, and end the answers that are being given."""
        self.stopped = True
        for session in self._running:
            session.stop()
        for task in self._waiting:
            task.cancel()

    @property
    def spent(self) -> Cost:
        """What this run has cost, without what was answered before it."""
        return sum_costs(self.costs)

    async def _prompt(self, prompt: Prompt) -> None:
        async with asyncio.TaskGroup() as group:
            for model in self.plan.models:
                if self._done("answer", prompt, model) is None:
                    group.create_task(self._answer(prompt, model))
        if self.plan.judge is not None and self._done("judge", prompt, self.plan.judge) is None:
            await self._judged(prompt, self.plan.judge)

    def _done(self, kind: str, prompt: Prompt, model: ModelInfo) -> Record | None:
        record = self.records.get((kind, prompt.digest, str(model.ref)))
        return None if record is None or record.get("error") else record

    async def _answer(self, prompt: Prompt, model: ModelInfo) -> None:
        turn = await self._turn(prompt, model, prompt.text, reads=self.plan.reads)
        if turn is None:
            return
        head: Record = {"kind": "answer", "id": prompt.id, "digest": prompt.digest}
        await self._keep({**head, "prompt": prompt.text, **turn})

    async def _turn(
        self, prompt: Prompt, model: ModelInfo, text: str, *, reads: bool
    ) -> Record | None:
        """Ask *text*, and return the answer as JSON; None if it was not asked or was broken off."""
        task = asyncio.current_task()
        assert task is not None  # `run` makes a task for each
        if not self._goes_on():
            return None
        self._waiting.add(task)
        try:
            async with self.plan.gates.through(model.ref.provider):
                self._waiting.discard(task)
                return await self._one(prompt, model, text, reads=reads)
        except asyncio.CancelledError:
            if not self.stopped:
                raise
            return None
        finally:
            self._waiting.discard(task)

    async def _one(
        self, prompt: Prompt, model: ModelInfo, text: str, *, reads: bool
    ) -> Record | None:
        if not self._goes_on():
            return None
        session = await self._branch(prompt, model, text, reads=reads)
        turn = TurnSummary()
        self._running.append(session)
        try:
            async with aclosing(session.retry()) as events:
                async for event in events:
                    turn.apply(event)
                    if self.stopped:
                        session.stop()
        finally:
            self._running.remove(session)
        self.costs.append(session.ledger.turn)
        if turn.ended.reason == "aborted":
            return None
        rate = tokens_per_second(turn.answers)
        found = turn.dump(model.ref, session.ledger.turn, session.id)
        error = "; ".join(part for part in (turn.ended.error, turn.ended.hint) if part)
        # A refusal or a full output is an answer; only what may be better next time is a failure.
        failed = turn.ended.reason in ("error", "interrupted", "context", "max_steps", "budget")
        return {
            **found,
            "tokens_per_s": None if rate is None else round(rate, 1),
            "error": error if failed else "",
        }

    async def _branch(
        self, prompt: Prompt, model: ModelInfo, text: str, *, reads: bool
    ) -> ChatSession:
        """Return a session that was told *text* and nothing else; all are kept as one."""
        base = self._base
        assert base is not None  # `run` makes it
        key = (prompt.system, text)
        async with self._saying:
            if key not in self._said:
                base.conversation = Conversation(prompt.system)
                await base.say(text)
                self._said[key] = base.conversation
            base.conversation = self._said[key]
            return base.branch(model, reads=reads)

    async def _judged(self, prompt: Prompt, judge: ModelInfo) -> None:
        """Let *judge* compare the answers to *prompt* in two orders; two at least it must be."""
        found = [self._done("answer", prompt, model) for model in self.plan.models]
        answers = [record for record in found if record is not None]
        if len(answers) < 2:
            return
        texts = [str(answer["text"]) for answer in answers]
        shown = orders(len(texts))
        asked = [
            judge_prompt(self.plan.rubric, prompt.text, [texts[place] for place in order])
            for order in shown
        ]
        plain = Prompt(prompt.text, prompt.id)  # the question's instructions are not the judge's
        turns = [await self._turn(plain, judge, text, reads=False) for text in asked]
        told = [turn for turn in turns if turn is not None]
        if len(told) < len(turns):
            return
        models = [str(answer["model"]) for answer in answers]
        verdicts = [read_verdict(str(turn["text"]), len(models)) for turn in told]
        error = next((str(turn["error"]) for turn in told if turn["error"]), "")
        if not error and None in verdicts:
            error = "the judge's reply could not be understood"
        await self._keep(
            {
                "kind": "judge",
                "id": prompt.id,
                "digest": prompt.digest,
                "model": str(judge.ref),
                **agreement(models, shown, verdicts),
                "cost": _sum([turn["cost"] for turn in told]),
                "error": error,
            }
        )

    def _goes_on(self) -> bool:
        if self.stopped or self.over_budget:
            return False
        spent = self.spent.amount
        self.over_budget = self.limit is not None and spent is not None and spent >= self.limit
        return not self.over_budget

    async def _keep(self, record: Record) -> None:
        if self.plan.log is not None:
            # Shielded: an interrupt must not tear a line that is being written.
            await asyncio.shield(asyncio.to_thread(self.plan.log.append, record))
        self.records[key_of(record)] = record
        self.told(record)


def check_price(runtime: Runtime, model: ModelInfo) -> None:
    """Refuse a model whose cost nobody could hold against a budget; a local one is free. Blocks.

    Raises:
        BudgetError: its price is not known.
    """
    local = not model.simulated and is_local(model.base_url)
    if not local and runtime.tariff.price_of(model) is None:
        raise BudgetError(
            f"the price of {model.ref} is not known, so the budget cannot be kept",
            hint="choose a model with a known price, or set no budget",
        )


def _first(problems: ExceptionGroup[Exception]) -> Exception:
    """Return what went wrong first; the others ended because of it, or for the same reason."""
    found = problems.exceptions[0]
    return _first(found) if isinstance(found, ExceptionGroup) else found


def load_cost(value: JSON) -> Cost:
    """Read a cost as the records hold it: ``{"usd", "basis"}``."""
    if not isinstance(value, dict):
        return Cost()
    amount, basis = value.get("usd"), value.get("basis")
    # Written by us with one of these words.
    known = cast("CostBasis", basis) if isinstance(basis, str) else "unknown"
    try:
        return Cost(amount=None if amount is None else Decimal(str(amount)), basis=known)
    except ArithmeticError:
        return Cost()  # somebody else's hand


def _sum(costs: Sequence[JSON]) -> JSON:
    total = sum_costs(load_cost(cost) for cost in costs)
    return {
        "usd": None if total.amount is None else format(total.amount, "f"),
        "basis": total.basis,
    }

"""What the conversation costs: per message, turn, session and model, today and this month."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import TypeAlias

from flux_tui.core.messages import Message
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.usage import NO_COST, Budgets, Cost, Usage, sum_costs
from flux_tui.session.budgets import left
from flux_tui.storage.store import DaySpent

PriceFunction: TypeAlias = Callable[[ModelInfo, Usage, datetime], Cost]
"""Prices one request. May import and compute for a while: it is called in a thread."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelTotal:
    """Everything one model did in this session."""

    usage: Usage
    cost: Cost
    requests: int


def _local(at: datetime) -> datetime:
    return at.astimezone()


def start_of_month(now: datetime | None = None) -> datetime:
    """Return the first moment of the month, in the user's own time zone."""
    here = _local(now or datetime.now(UTC))
    return here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _costs(message: Message) -> bool:
    return message.role == "assistant" and message.usage is not None


class Spending:
    """What all sessions cost together, one kind of money only: real, or the simulator's."""

    def __init__(self, *, simulated: bool = False) -> None:
        self._simulated = simulated
        self._stored: list[DaySpent] = []
        self._since = datetime.min.replace(tzinfo=UTC)  # of what is not in `_stored`
        self._here: dict[str, tuple[str, Cost]] = {}
        self._sums: dict[str, Cost] = {}

    def load(self, stored: Iterable[DaySpent], now: datetime | None = None) -> None:
        """Take what the store knows by *now*; what is restored of that time is in it."""
        self._stored = [each for each in stored if self._counts(each.cost)]
        self._since = now or datetime.now(UTC)
        self._sums.clear()

    def add(self, message_id: str, at: datetime, cost: Cost) -> None:
        """Count one answer; a second time replaces the first."""
        if self._counts(cost):
            self._here[message_id] = (_local(at).strftime("%Y-%m-%d"), cost)
            self._sums.clear()

    def restore(self, message_id: str, at: datetime, cost: Cost) -> None:
        """Count an answer of a session that was opened, unless the store has counted it."""
        if at >= self._since:
            self.add(message_id, at, cost)

    def reprice(self, message_id: str, at: datetime, cost: Cost) -> None:
        """Count an answer whose cost the store does not know and that is known by now."""
        day = _local(at).strftime("%Y-%m-%d")
        if message_id not in self._here and at < self._since:
            for number, each in enumerate(self._stored):
                if each.day == day and each.answers:
                    less = replace(each, answers=each.answers - 1)
                    self._stored[number : number + 1] = [less] if less.answers else []
                    break
        self.add(message_id, at, cost)

    def in_period(self, period: str) -> Cost:
        """Return the sum of the current day ("%Y-%m-%d") or month ("%Y-%m"), in local time."""
        now = _local(datetime.now(UTC)).strftime(period)
        # Panes ask in every frame; the answer changes with an answer or at midnight.
        if now not in self._sums:
            days = [(each.day, each.cost) for each in self._stored] + [*self._here.values()]
            self._sums[now] = sum_costs(cost for day, cost in days if day.startswith(now))
        return self._sums[now]

    def _counts(self, cost: Cost) -> bool:
        return cost.basis == "free" or (cost.basis == "simulated") == self._simulated


class CostLedger:
    """Adds up requests. Every answer counts once, by its id, however often it is recorded.

    `today` and `month` cover all sessions, as far as *spending* was told of them. *budgets* limit
    what turns may cost.
    """

    def __init__(
        self,
        price: PriceFunction,
        spending: Spending | None = None,
        budgets: Budgets | None = None,
    ) -> None:
        self.budgets = budgets or Budgets()
        self._price = price
        self._spending = spending or Spending()
        self._messages: dict[str, Message] = {}
        self._turn: list[str] = []
        self._sums: dict[str, Cost] = {}
        self._totals: dict[ModelRef, ModelTotal] = {}
        self._added = 0  # of the messages, in `_totals`

    def beside(self) -> CostLedger:
        """Return an empty ledger that prices alike and counts towards the same day and month."""
        return CostLedger(self._price, self._spending)

    def allowance(self, turn: Decimal | None) -> Decimal | None:
        """Return the dollars that the coming turn may cost: *turn*, or what a limit leaves."""
        limits = [limit for limit in (turn, left(self.budgets, self)) if limit is not None]
        return min(limits) if limits else None

    async def charge(self, model: ModelInfo, usage: Usage, at: datetime) -> Cost:
        """Return what *usage* costs at *model*; unknown when pricing itself fails."""
        try:
            return await asyncio.to_thread(self._price, model, usage, at)
        except (ArithmeticError, LookupError, ValueError, ImportError, OSError):
            _log.exception("pricing %s failed", model.ref)
            return Cost(basis="unknown")

    def begin_turn(self) -> None:
        """Start the sum of a new turn at nothing."""
        self._turn = []
        self._sums.clear()

    def record(self, message: Message) -> None:
        """Count an answer; other messages and answers without usage cost nothing."""
        if not _costs(message):
            return
        if message.id not in self._messages:
            self._turn.append(message.id)
        self._keep(message)
        self._spending.add(message.id, message.at, message.cost or Cost())
        self._sums.clear()

    def _keep(self, message: Message) -> None:
        if message.id in self._messages:
            self._totals, self._added = {}, 0
        self._messages[message.id] = message

    def restore(self, messages: Iterable[Message]) -> None:
        """Count the answers of a resumed session; they belong to no current turn."""
        for message in messages:
            if _costs(message):
                self._keep(message)
                self._spending.restore(message.id, message.at, message.cost or Cost())
        self.begin_turn()

    def reprice(self, messages: Iterable[Message]) -> None:
        """Count answers of a resumed session whose price the store does not know."""
        for message in messages:
            self._spending.reprice(message.id, message.at, message.cost or Cost())

    @property
    def turn(self) -> Cost:
        """Cost of the running or last turn: all its requests."""
        return self._sum("turn", self._turn)

    @property
    def session(self) -> Cost:
        """Cost of all answers of the session, on every branch."""
        return self._sum("session", self._messages)

    @property
    def today(self) -> Cost:
        """Cost of all sessions since midnight, in the user's own time zone."""
        return self._spending.in_period("%Y-%m-%d")

    @property
    def month(self) -> Cost:
        """Cost of all sessions since the first of the month."""
        return self._spending.in_period("%Y-%m")

    def _sum(self, key: str, message_ids: Iterable[str]) -> Cost:
        if key not in self._sums:
            self._sums[key] = sum_costs(self._messages[each].cost or Cost() for each in message_ids)
        return self._sums[key]

    @property
    def last(self) -> Message | None:
        """The answer counted last."""
        return next(reversed(self._messages.values()), None)

    def by_model(self) -> dict[ModelRef, ModelTotal]:
        """Return usage, cost and number of requests of each model, by first use."""
        # Panes ask in every frame: what was added up stays so, and only what is new comes to it.
        for message in islice(self._messages.values(), self._added, None):
            if message.model is None or message.usage is None:
                continue
            before = self._totals.get(message.model, ModelTotal(Usage(), NO_COST, 0))
            self._totals[message.model] = ModelTotal(
                before.usage + message.usage,
                sum_costs((before.cost, message.cost or Cost())),
                before.requests + 1,
            )
        self._added = len(self._messages)
        return dict(self._totals)

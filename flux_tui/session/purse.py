"""Holds the turns of one session to the budgets, and asks before one of them is broken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeAlias

from flux_tui.core.events import TurnEnded
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import Budgets, Cost
from flux_tui.session.approvals import Answer
from flux_tui.session.budgets import crossed, reached
from flux_tui.session.ledger import CostLedger
from flux_tui.session.races import unless

AskBeyond: TypeAlias = Callable[[Sequence[str]], Awaitable[Answer]]
"""Asks a person whether to go beyond the budgets that the given sentences name."""

_HINT = "raise it under [budget] in config.toml to go on"


class Purse:
    """What the turns of a session may cost: the limits, and what the user has agreed to.

    `ask` is how the user is asked, None where nobody sits: there a limit that is reached ends
    the turn. A yes holds for the turn it was said in, or for the rest of the session.
    """

    def __init__(self, ledger: CostLedger) -> None:
        self.ask: AskBeyond | None = None
        self._ledger = ledger
        self._budgets = Budgets()
        self._beyond: Answer = Answer.NO

    def begin(self, turn: Decimal | None) -> None:
        """Begin a turn that may cost *turn* dollars; None: any number."""
        self._budgets = replace(self._ledger.budgets, turn=turn)
        if self._beyond is Answer.ONCE:
            self._beyond = Answer.NO

    async def before(self, coming: Cost, stop: asyncio.Event) -> TurnEnded | None:
        """Return how a turn that would cost about *coming* ends, if it may not begin.

        Where nobody sits, an estimate refuses nothing: `during` goes by what was spent.
        """
        if coming.basis == "free":
            self._beyond = Answer.ONCE
        if coming.basis == "free" or self.ask is None:
            return None
        reasons = crossed(self._budgets, self._ledger, coming)
        if not reasons or await self._agreed(reasons, stop):
            return None
        return TurnEnded("aborted" if stop.is_set() else "budget")

    async def during(self, model: ModelRef, stop: asyncio.Event) -> TurnEnded | None:
        """Return how the turn ends, if it may ask *model* nothing more."""
        if not self.holds:
            return None
        spent, hint = self._ledger.turn, _HINT
        if spent.amount is None or spent.basis in ("partial", "unknown"):
            reason = f"the price of {model} is not known, so the budget cannot be kept"
            hint = "choose a model with a known price, or set no budget"
        else:
            reason = reached(self._budgets, self._ledger)
        if not reason or await self._agreed((reason,), stop):
            return None
        return TurnEnded("aborted") if stop.is_set() else TurnEnded("budget", reason, hint)

    @property
    def holds(self) -> bool:
        """Whether there is a limit that nobody has agreed to break."""
        return self._budgets != Budgets() and self._beyond is Answer.NO

    async def _agreed(self, reasons: Sequence[str], stop: asyncio.Event) -> bool:
        if self.ask is None:
            return False
        self._beyond = await unless(stop, self.ask(reasons)) or Answer.NO
        return self._beyond is not Answer.NO

"""Limits on what may be spent, and what a coming request would do to them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from flux_tui.core.usage import Budgets, Cost

if TYPE_CHECKING:
    from flux_tui.session.ledger import CostLedger


def left(budgets: Budgets, ledger: CostLedger) -> Decimal | None:
    """Return the dollars that the strictest limit leaves, at least 0; None without a limit.

    The limit of a turn is left out: a turn that has not begun has all of it.
    """
    rooms = [limit - spent for _, limit, spent in _limits(budgets, ledger)]
    return max(min(rooms), Decimal(0)) if rooms else None


def crossed(budgets: Budgets, ledger: CostLedger, coming: Cost) -> tuple[str, ...]:
    """Return which limits a turn that costs about *coming* would break, as sentences."""
    limits = [("turn", budgets.turn, Decimal(0))] if budgets.turn is not None else []
    every = [*limits, *_limits(budgets, ledger)]
    if coming.amount is None:
        return ("its price is not known, so no budget can be kept",) if every else ()
    return tuple(
        f"the budget of ${limit:f} a {name} would be crossed"
        f" ({_figure(spent)} spent, {_figure(coming.amount)} expected)"
        for name, limit, spent in every
        if spent + coming.amount > limit
    )


def reached(budgets: Budgets, ledger: CostLedger) -> str:
    """Return which limit the turn that runs has used up, as a sentence; empty if none."""
    turn = [] if budgets.turn is None else [("", budgets.turn, ledger.turn.amount or Decimal(0))]
    every = [*turn, *((f" a {name}", *rest) for name, *rest in _limits(budgets, ledger))]
    return next(
        (
            f"the budget of ${limit:f}{name} is spent ({_figure(spent)})"
            for name, limit, spent in every
            if spent >= limit
        ),
        "",
    )


def _figure(dollars: Decimal) -> str:
    if not dollars:
        return "nothing"
    return f"${dollars:.4f}" if dollars >= Decimal("0.0001") else "under $0.0001"


def _limits(budgets: Budgets, ledger: CostLedger) -> Iterator[tuple[str, Decimal, Decimal]]:
    """Yield name, limit and what was spent of each limit that holds beyond one turn."""
    for name, limit, spent in (
        ("session", budgets.session, ledger.session),
        ("day", budgets.day, ledger.today),
        ("month", budgets.month, ledger.month),
    ):
        if limit is not None:
            yield name, limit, spent.amount or Decimal(0)

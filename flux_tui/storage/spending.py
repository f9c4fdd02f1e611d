"""What was spent, added up by SQLite: no row of an answer is read for it. Blocking."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from decimal import Decimal

from flux_tui.core.usage import Cost
from flux_tui.storage import rows
from flux_tui.storage.store import DaySpent

# Whole trillionths of a dollar, so that SQLite adds up without rounding; a price of a token has
# at most eleven decimals. What is no number is an unknown cost. A branch copied into a session of
# its own has the same ids: it was paid for once.
_DAYS = """
SELECT day, cost_basis, max(cost_as_of), count(*) - count(pico), sum(pico)
FROM (
    SELECT date(at, 'localtime') AS day, cost_basis, cost_as_of, min(seq),
        CASE WHEN cost_usd GLOB '[0-9]*' THEN CAST(round(cost_usd * 1e12) AS INTEGER) END AS pico
    FROM message
    WHERE model IS NOT NULL AND input IS NOT NULL AND at >= ?
    GROUP BY id
)
GROUP BY day, cost_basis
ORDER BY day, cost_basis
"""


def by_day(connection: sqlite3.Connection, since: datetime) -> list[DaySpent]:
    """Return what the answers since then cost, by local day and basis."""
    found: list[DaySpent] = []
    for day, basis, as_of, unknown, pico in connection.execute(_DAYS, (rows.stamp(since),)):
        if pico is not None:
            amount = str(Decimal(pico).scaleb(-12))
            found.append(DaySpent(day=day, cost=rows.cost_of(amount, basis, as_of)))
        if unknown:
            found.append(DaySpent(day=day, cost=Cost(), answers=unknown))
    return found

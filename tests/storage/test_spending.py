"""Sums made by the database, against sums made of its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.messages import Message, Text, user_message
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import Cost, Usage, sum_costs
from flux_tui.storage import spending
from flux_tui.storage.database import open_database
from flux_tui.storage.queries import append, create
from flux_tui.storage.sqlite import SqliteStore

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EARLY = NOW - timedelta(days=400)


def answer(cost: Cost | None, at: datetime = NOW) -> Message:
    return Message(
        role="assistant",
        parts=(Text("x"),),
        at=at,
        model=ModelRef("anthropic", "alpha"),
        usage=Usage(input=1, output=2),
        cost=cost,
    )


def priced(amount: str) -> Cost:
    return Cost(amount=Decimal(amount), basis="computed", as_of="2026-11-01")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqliteStore]:
    made = SqliteStore(tmp_path / "data" / "flux.db")
    yield made
    await made.aclose()


costs = st.lists(
    st.one_of(
        st.builds(
            Cost,
            amount=st.decimals("0", "900", places=11),
            basis=st.sampled_from(["computed", "reported", "simulated", "partial"]),
            as_of=st.sampled_from(["", "2026-10-01", "2026-11-01"]),
        ),
        st.just(Cost()),
        st.just(Cost(amount=Decimal(0), basis="free")),
        st.none(),
    ),
    max_size=12,
)


@given(costs)
def test_the_sum_of_the_days_is_the_sum_of_the_answers(paid: list[Cost | None]) -> None:
    connection = open_database(":memory:").connection
    with closing(connection):
        session = create(connection, ("", "", ""), NOW.isoformat(), "")
        for number, cost in enumerate(paid):
            at = NOW - timedelta(hours=7 * number)
            append(connection, session, answer(cost, at), searchable=False)

        days = spending.by_day(connection, EARLY)

    assert sum_costs(each.cost for each in days) == sum_costs(each or Cost() for each in paid)
    assert sum(each.answers for each in days) == sum(
        (each or Cost()).amount is None for each in paid
    )


async def test_days_are_local_and_begin_where_asked(store: SqliteStore) -> None:
    session = await store.create()
    for days, amount in ((0, "1"), (1, "2"), (1, "3"), (40, "5")):
        await store.append(session, answer(priced(amount), NOW - timedelta(days=days)))

    days = await store.spent(NOW - timedelta(days=30))

    local = [(NOW - timedelta(days=days)).astimezone().date().isoformat() for days in (1, 0)]
    assert [(each.day, each.cost.amount) for each in days] == [
        (local[0], Decimal(5)),
        (local[1], Decimal(1)),
    ]


async def test_a_branch_in_a_session_of_its_own_was_paid_for_once(store: SqliteStore) -> None:
    paid = answer(priced("1"))
    for _ in range(2):
        await store.append(await store.create(), paid)

    assert [each.cost.amount for each in await store.spent(EARLY)] == [Decimal(1)]


async def test_only_answers_with_usage_cost(store: SqliteStore) -> None:
    session = await store.create()
    await store.append(session, user_message("Hello"))

    assert await store.spent(EARLY) == []


async def test_a_damaged_amount_is_unknown(store: SqliteStore, tmp_path: Path) -> None:
    await store.append(await store.create(), answer(priced("1")))
    with closing(sqlite3.connect(tmp_path / "data" / "flux.db")) as connection, connection:
        connection.execute("UPDATE message SET cost_usd = 'x'")

    days = await store.spent(EARLY)

    assert [(each.cost, each.answers) for each in days] == [(Cost(), 1)]


async def test_the_sums_need_no_walk_through_all_messages(store: SqliteStore) -> None:
    await store.health()

    def plan(connection: sqlite3.Connection) -> str:
        asked = "EXPLAIN QUERY PLAN " + spending._DAYS
        return "\n".join(str(row[3]) for row in connection.execute(asked, ("2026",)))

    told = await store._run(lambda database: plan(database.connection))

    assert "USING INDEX message_answers (at>?)" in told

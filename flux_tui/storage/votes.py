"""Votes in the database."""

from __future__ import annotations

import json
import sqlite3
from typing import cast

from flux_tui.storage import rows
from flux_tui.storage.store import VoteRow
from flux_tui.storage.tables import Table, has_table


class VoteTable(Table):
    """The part of a store on disk that keeps votes."""

    async def add_vote(self, vote: VoteRow) -> None:
        """Store a vote for good."""
        await self._write(lambda connection: add(connection, vote))

    async def votes(self) -> list[VoteRow]:
        """Return all votes, oldest first."""
        return await self._run(lambda database: every(database.connection))


def add(connection: sqlite3.Connection, vote: VoteRow) -> None:
    """Store a vote; blocking, the caller brings the transaction."""
    connection.execute(
        "INSERT INTO vote (at, session, models, outcome, winner, tag, blind)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            rows.stamp(vote.at),
            vote.session,
            json.dumps(vote.models),
            vote.outcome,
            rows.storable(vote.winner),
            rows.storable(vote.tag),
            vote.blind,
        ),
    )


def every(connection: sqlite3.Connection) -> list[VoteRow]:
    """Return all votes, oldest first; one that is damaged is left out. Blocking.

    A database of an older version that can only be read has none.
    """
    if not has_table(connection, "vote"):
        return []
    query = "SELECT at, session, models, outcome, winner, tag, blind FROM vote ORDER BY seq"
    return [
        VoteRow(
            at=rows.moment(at),
            session=session,
            models=models,
            outcome=outcome,
            winner=winner,
            tag=tag,
            blind=bool(blind),
        )
        for at, session, names, outcome, winner, tag, blind in connection.execute(query)
        if (models := _models(names))
    ]


def _models(names: str) -> tuple[str, ...]:
    try:
        value = json.loads(names)
    except ValueError:
        return ()
    if not isinstance(value, list):
        return ()
    return tuple(str(name) for name in cast("list[object]", value))

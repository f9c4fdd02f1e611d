"""Notices in the database: what happened to sessions beside their messages."""

from __future__ import annotations

import sqlite3

from flux_tui.core.notices import KINDS, Notice
from flux_tui.storage import rows
from flux_tui.storage.tables import Table, has_table


class NoticeTable(Table):
    """The part of a store on disk that keeps notices."""

    async def add_notice(self, session_id: str, notice: Notice) -> None:
        """Store a notice for good."""
        await self._write(lambda connection: add(connection, session_id, notice))

    async def notices(self, session_id: str) -> list[Notice]:
        """Return the notices of a session, oldest first."""
        return await self._run(lambda database: every(database.connection, session_id))


def add(connection: sqlite3.Connection, session_id: str, notice: Notice) -> None:
    """Store a notice; blocking, the caller brings the transaction."""
    connection.execute(
        "INSERT INTO notice (session, after, kind, text) VALUES (?, ?, ?, ?)",
        (session_id, notice.after, notice.kind, rows.storable(notice.text)),
    )


def every(connection: sqlite3.Connection, session_id: str) -> list[Notice]:
    """Return the notices of a session, oldest first; one that is damaged is left out. Blocking."""
    if not has_table(connection, "notice"):
        return []
    query = "SELECT after, kind, text FROM notice WHERE session = ? ORDER BY seq"
    return [
        Notice(after, kind, str(text))
        for after, kind, text in connection.execute(query, (session_id,))
        if kind in KINDS
    ]

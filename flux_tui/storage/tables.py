"""What a part of the store on disk works with."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from flux_tui.storage.database import Database

T = TypeVar("T")


class Table:
    """A part of a store on disk; the store brings the thread and the transaction."""

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        raise NotImplementedError

    async def _run(self, work: Callable[[Database], T]) -> T:
        raise NotImplementedError


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Return whether there is such a table; an older database that is only read may lack it."""
    known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(known, (name,)).fetchone() is not None

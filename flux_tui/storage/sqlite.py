"""The store on disk: one SQLite connection in one thread, so that the event loop never waits."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from flux_tui.core.errors import StoreError
from flux_tui.core.messages import Conversation, Message
from flux_tui.storage import queries, spending
from flux_tui.storage.claims import is_free, own_claim
from flux_tui.storage.database import (
    BUSY_MS,
    Database,
    DiskError,
    describe_failure,
    open_database,
    transaction,
)
from flux_tui.storage.notices import NoticeTable
from flux_tui.storage.rows import stamp
from flux_tui.storage.store import DaySpent, SessionInfo, SessionStore, StoreHealth, UsageRow
from flux_tui.storage.votes import VoteTable

BRIEF_MS = 100
"""How long opening the database is tried again, in milliseconds."""

T = TypeVar("T")


class SqliteStore(VoteTable, NoticeTable, SessionStore):
    """Sessions in the database at *path*, opened on first use; ":memory:" keeps them in memory.

    Every failure is a StoreError with a sentence for the user. Cancelling a call does not undo
    it: what was handed to the thread is still written.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flux-store")
        self._database: Database | None = None
        self._patience = BUSY_MS
        self._in_flight: set[tuple[str, str]] = set()
        self._claimed: set[str] = set()
        self._closed = False

    @property
    def path(self) -> str:
        """The database file, or ":memory:"."""
        return str(self._path)

    async def health(self) -> StoreHealth:
        """Open the store if needed and say how it is doing."""

        def look(database: Database) -> StoreHealth:
            return StoreHealth(
                path=str(self._path),
                journal_mode=database.journal_mode,
                schema_version=database.version,
                writable=database.writable,
                notice=database.notice,
            )

        return await self._run(look)

    async def create(self, *, title: str = "", system: str = "", folder: str = "") -> str:
        """Make a session, taken by this process, and return its id."""

        def write(connection: sqlite3.Connection) -> str:
            now = stamp(datetime.now(UTC))
            return queries.create(connection, (title, system, folder), now, own_claim())

        session_id = await self._write(write)
        self._claimed.add(session_id)
        return session_id

    async def append(self, session_id: str, message: Message) -> None:
        """Store *message* for good, make it the head, and drop a draft of the same id."""

        def write(connection: sqlite3.Connection, searchable: bool) -> None:
            queries.append(connection, session_id, message, searchable=searchable)

        await self._write_indexed(write)
        self._in_flight.discard((session_id, message.id))

    async def draft(self, session_id: str, message: Message) -> None:
        """Store the reply in flight; replaced by the next draft or by `append` of the same id."""
        self._in_flight.add((session_id, message.id))
        await self._write(lambda connection: queries.draft(connection, session_id, message))

    async def set_head(self, session_id: str, message_id: str | None) -> None:
        """Make another message the tip of the session."""
        await self._write(lambda connection: queries.set_head(connection, session_id, message_id))

    async def load(self, session_id: str) -> Conversation:
        """Return a session; the drafts of dead processes become messages that were interrupted."""
        mine = self._mine(session_id)  # here, not in the thread: the set changes on the loop

        def work(database: Database) -> Conversation:
            settled = self._settle(database, session_id, mine)
            return queries.load(database.connection, session_id, mine, settled=settled)

        return await self._run(work)

    async def sessions(self, query: str = "", limit: int = 200) -> list[SessionInfo]:
        """List sessions, the last used first; *query* searches titles and text."""

        def work(database: Database) -> list[SessionInfo]:
            return queries.sessions(
                database.connection, query.strip(), limit, searchable=database.searchable
            )

        return await self._run(work)

    async def find(self, part: str) -> list[SessionInfo]:
        """Return the session of that id, else those whose id begins or ends with *part*."""
        return await self._run(lambda database: queries.find(database.connection, part))

    async def latest(self) -> str | None:
        """Return the id of the session used last, or None."""
        return await self._run(lambda database: queries.latest(database.connection))

    async def rename(self, session_id: str, title: str) -> None:
        """Give a session another title."""
        await self._write(lambda connection: queries.rename(connection, session_id, title))

    async def delete(self, session_id: str) -> None:
        """Remove a session, its messages, and files that no other session shows."""

        def write(connection: sqlite3.Connection, searchable: bool) -> None:
            queries.delete(connection, session_id, searchable=searchable)

        await self._write_indexed(write)
        self._claimed.discard(session_id)

    async def usage(self, since: datetime | None = None) -> list[UsageRow]:
        """Return tokens and cost of every answer since then, oldest first."""
        return await self._run(lambda database: queries.usage(database.connection, since))

    async def spent(self, since: datetime) -> list[DaySpent]:
        """Return what the answers since then cost by day; quick, however many there are."""
        return await self._run(lambda database: spending.by_day(database.connection, since))

    async def get_state(self, key: str) -> str | None:
        """Return a small remembered value."""
        return await self._run(lambda database: queries.get_state(database.connection, key))

    async def set_state(self, key: str, value: str) -> None:
        """Remember a small value."""
        await self._write(lambda connection: queries.set_state(connection, key, value))

    async def claim(self, session_id: str) -> bool:
        """Take a session for writing by this process; False if another live process has it."""

        def write(connection: sqlite3.Connection) -> bool:
            if not is_free(queries.claim_of(connection, session_id)):
                return False
            queries.set_claim(connection, session_id, own_claim())
            return True

        taken = await self._write(write)
        if taken:
            self._claimed.add(session_id)
        return taken

    async def prompts(self, limit: int = 500) -> Sequence[str]:
        """Return what users said last, over all sessions, newest first, without repeats."""
        return await self._run(lambda database: queries.prompts(database.connection, limit))

    async def adopt(self, info: SessionInfo, conversation: Conversation) -> None:
        """Take over a whole session from elsewhere, under the id that *info* says."""

        def write(connection: sqlite3.Connection, searchable: bool) -> None:
            queries.adopt(connection, info, conversation, own_claim(), searchable=searchable)

        await self._write_indexed(write)
        self._claimed.add(info.id)

    async def aclose(self) -> None:
        """Finish writing, give the claimed sessions back and close; idempotent."""
        if self._closed:
            return
        self._closed = True
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._close)
        finally:
            self._pool.shutdown(wait=False)

    def _close(self) -> None:
        if self._database is None:
            return
        connection = self._database.connection
        try:
            if self._database.writable and self._claimed:
                with transaction(connection):
                    queries.release(connection, sorted(self._claimed), own_claim())
        except sqlite3.Error as problem:
            # The claim of a dead process is free anyway; the user must know of the disk.
            raise DiskError(f"closing the database: {describe_failure(problem)}") from problem
        finally:
            connection.close()
            self._database = None

    def _settle(self, database: Database, session_id: str, mine: frozenset[str]) -> bool:
        """Make messages of the drafts that dead processes left; False if nothing can be written."""
        if not database.writable:
            return False
        if not queries.has_drafts(database.connection, session_id):
            return True
        try:
            with transaction(database.connection):
                queries.settle_drafts(
                    database.connection, session_id, mine, searchable=database.searchable
                )
        except sqlite3.OperationalError:
            # Reading must go on; the drafts are shown from where they are, and a later write
            # tells the user what is wrong with the disk.
            return False
        return True

    def _mine(self, session_id: str) -> frozenset[str]:
        """Return the ids of the drafts that this store is still writing."""
        return frozenset(draft for session, draft in self._in_flight if session == session_id)

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._write_indexed(lambda connection, _searchable: work(connection))

    async def _write_indexed(self, work: Callable[[sqlite3.Connection, bool], T]) -> T:
        def in_transaction(database: Database) -> T:
            if not database.writable:
                raise DiskError(database.notice or "the database may only be read")
            with transaction(database.connection):
                return work(database.connection, database.searchable)

        return await self._run(in_transaction)

    async def _run(self, work: Callable[[Database], T]) -> T:
        def in_thread() -> T:
            try:
                if self._database is None:
                    # Waited for once: a program that keeps it busy must not hold up every call.
                    patience, self._patience = self._patience, BRIEF_MS
                    self._database = open_database(self._path, patience)
                return work(self._database)
            except sqlite3.Error as problem:
                raise DiskError(f"{describe_failure(problem)} ({self._path})") from problem
            except UnicodeDecodeError as problem:  # SQLite's message quotes what is damaged
                raise DiskError(f"the database is damaged ({self._path})") from problem

        if self._closed:
            raise StoreError("the database is closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, in_thread)

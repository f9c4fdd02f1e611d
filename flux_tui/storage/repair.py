"""Look a database over, put right what can be, and save what can be read. Blocking."""
# ruff: noqa: S608 - the pieces put into statements are names of this schema, values are bound

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flux_tui.core.errors import InputError, StoreError
from flux_tui.core.sanitize import one_line
from flux_tui.storage import rows
from flux_tui.storage.claims import is_free
from flux_tui.storage.database import (
    describe_failure,
    note_indexed,
    open_database,
    primary_code,
    transaction,
)

_TABLES = ("session", "message", "draft", "blob", "blob_use", "state", "vote", "notice")
_JOURNALS = ("", "-wal", "-shm", "-journal")
_MOST = 20  # findings that are told
_UNUSED = "FROM blob WHERE sha256 NOT IN (SELECT sha256 FROM blob_use)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found wrong, what was done about it, and where the state before is kept."""

    problems: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    backup: str = ""


def repair(path: Path) -> Findings:
    """Check the database at *path* and put right what is wrong, after a copy of it was made.

    Raises:
        InputError: there is none.
        StoreError: it cannot be read at all, or written.
    """
    if not path.is_file():
        raise InputError(f"there is no database at {path}")
    try:
        with closing(_connect(path)) as connection:
            problems = _problems(connection)
            if not problems:
                return Findings(problems=tuple(_damaged(connection)))
            if _in_use(connection):
                raise StoreError("another Flux TUI has sessions open", hint="close it first")
        backup = _copy(path)
        done = _put_right(path)
    except sqlite3.Error as problem:
        raise StoreError(
            f"{path} cannot be put right ({describe_failure(problem)})",
            hint=f'move it away and get back what can be read with "sessions repair {path.name}"',
        ) from problem
    except OSError as problem:
        raise StoreError(f"{path} cannot be copied ({problem.strerror})") from problem
    return Findings(problems=tuple(problems[:_MOST]), done=tuple(done), backup=str(backup))


def salvage(source: Path, target: Path) -> int:
    """Write every row of *source* that can be read into a new database *target*; count them.

    Raises:
        InputError: *source* is not there.
    """
    if not source.is_file():
        raise InputError(f"there is no database at {source}")
    database = open_database(target)
    saved = 0
    with closing(database.connection) as into, closing(_connect(source)) as connection:
        into.execute("PRAGMA foreign_keys = OFF")  # a lost session must not cost its messages
        with transaction(into):
            for table in _TABLES:
                columns = [str(row[1]) for row in into.execute(f"PRAGMA table_info({table})")]
                marks = ", ".join("?" * len(columns))
                for row in _readable(connection, table, columns):
                    with suppress(sqlite3.IntegrityError):  # a damaged row may break a rule
                        into.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)
                        saved += 1
            _invent_sessions(into)
            if database.searchable:
                into.execute("INSERT INTO search (search) VALUES ('rebuild')")
                note_indexed(into)
    return saved


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None)
    connection.text_factory = _text
    return connection


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _in_use(connection: sqlite3.Connection) -> bool:
    try:
        claims = connection.execute("SELECT DISTINCT claim FROM session").fetchall()
    except sqlite3.DatabaseError:
        return False  # who has it cannot be read either
    return not all(is_free(claim) for (claim,) in claims)


def _problems(connection: sqlite3.Connection) -> list[str]:
    try:
        told = connection.execute(f"PRAGMA integrity_check({_MOST})").fetchall()
    except sqlite3.DatabaseError as problem:
        return [describe_failure(problem)]
    found = [one_line(str(row[0]), 200) for row in told if row[0] != "ok"]
    if found:
        return found  # what stands on damaged pages cannot be looked at
    lost = len(connection.execute("PRAGMA foreign_key_check").fetchall())
    found += [f"rows that belong to nothing: {lost}"] if lost else []
    unused = connection.execute(f"SELECT count(*) {_UNUSED}").fetchone()[0]
    found += [f"files that belong to no session: {unused}"] if unused else []
    try:
        connection.execute("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as problem:
        # Any other failure: this SQLite has no full-text search, or the index is not made yet.
        if primary_code(problem) == sqlite3.SQLITE_CORRUPT:
            found.append("the search index does not fit the messages")
    return found


def _damaged(connection: sqlite3.Connection) -> list[str]:
    """Say how many messages cannot be read; there is nothing to put right in them."""
    count = 0
    for (body,) in connection.execute("SELECT body FROM message"):
        try:
            rows.unpack(body, lambda _: b"")
        except rows.UNREADABLE:
            count += 1
    return [f"damaged messages, shown as such: {count}"] if count else []


def _copy(path: Path) -> Path:
    target = path.with_name(f"{path.name}.backup-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    for ending in _JOURNALS:
        source = path.with_name(path.name + ending)
        if source.exists():
            # The bytes as they are: a copy by SQLite would stop at the damage.
            shutil.copy2(source, target.with_name(target.name + ending))
    return target


def _put_right(path: Path) -> list[str]:
    done: list[str] = []
    with closing(_connect(path)) as connection:
        with suppress(sqlite3.DatabaseError), transaction(connection):
            connection.execute("REINDEX")
            connection.execute(f"DELETE {_UNUSED}")
            done.append("indexes made anew, unused files removed")
        with suppress(sqlite3.DatabaseError), transaction(connection):
            connection.execute("INSERT INTO search (search) VALUES ('rebuild')")
            note_indexed(connection)
            done.append("search index made anew")
        sound = _sound(connection)
    if sound:
        return done
    fresh = path.with_name(f"{path.name}.new")
    for ending in _JOURNALS:
        fresh.with_name(fresh.name + ending).unlink(missing_ok=True)
    count = salvage(path, fresh)
    if not count:
        raise StoreError(f"nothing in {path} can be read")
    for ending in _JOURNALS[1:]:
        path.with_name(path.name + ending).unlink(missing_ok=True)
    fresh.replace(path)
    return [f"{count} readable rows moved to a new database"]


def _sound(connection: sqlite3.Connection) -> bool:
    try:
        told = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
        return told == ["ok"] and not connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError:
        return False


def _readable(
    connection: sqlite3.Connection, table: str, columns: list[str]
) -> Iterator[tuple[object, ...]]:
    """Yield the rows from the front up to the damage, then from the back down to it."""
    seen: set[int] = set()
    for order in ("ASC", "DESC"):
        query = f"SELECT rowid, {', '.join(columns)} FROM {table} ORDER BY rowid {order}"
        try:
            for number, *values in connection.execute(query):
                if number in seen:
                    return
                seen.add(number)
                yield tuple(values)
        except sqlite3.DatabaseError:
            continue
        return


def _invent_sessions(connection: sqlite3.Connection) -> None:
    """Give messages whose session was lost one of the same id."""
    connection.execute(
        "INSERT INTO session (id, title, system, folder, created, updated, used, head)"
        " SELECT session, '', '', '', min(at), max(at), 0,"
        " (SELECT id FROM message AS last WHERE last.session = message.session"
        "  ORDER BY seq DESC LIMIT 1)"
        " FROM message WHERE session NOT IN (SELECT id FROM session) GROUP BY session"
    )
    for table in ("draft", "blob_use"):
        connection.execute(f"DELETE FROM {table} WHERE session NOT IN (SELECT id FROM session)")

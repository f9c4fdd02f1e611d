"""Open the database: permissions, journal, damage, migration. Blocking; run in a thread."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from flux_tui.core.errors import StoreError

BUSY_MS = 5_000
"""How long a write waits for another process, in milliseconds."""

CACHE_KIB = 256
"""Pages of the file that SQLite keeps."""

CHECKED = 64 << 20
"""Bytes up to which a file is looked through at the opening: a millisecond each MB."""

MEMORY = ":memory:"

_UNUSED = re.compile(r"Page \d+(:| is) never used|")

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class DiskError(StoreError):
    """The file itself cannot be used, whatever is asked of it."""


class _DamagedError(Exception):
    """The trees of the file are not what SQLite wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open connection and what was found while opening it."""

    connection: sqlite3.Connection
    journal_mode: str
    version: int
    writable: bool
    searchable: bool  # the full-text index is at hand
    notice: str = ""


def schema_steps() -> list[list[str]]:
    """Return the statements of each numbered step of `schema.sql`."""
    text = files("flux_tui.storage").joinpath("schema.sql").read_text("utf-8")
    return [_statements(step) for step in re.split(r"^-- step \d+$", text, flags=re.MULTILINE)[1:]]


def open_database(path: Path | str, patience: int = BUSY_MS) -> Database:
    """Return the open database at *path*, made or migrated as needed; or ":memory:".

    It is waited for *patience* milliseconds if another program keeps it busy. What is no database
    is moved aside, never deleted, and a fresh one begun.

    Raises:
        DiskError: it can neither be written nor read.
    """
    if str(path) == MEMORY:
        return _opened(sqlite3.connect(MEMORY, isolation_level=None), None, "", patience)
    path = Path(path)
    notice = _prepare_folder(path)
    try:
        return _open_file(path, notice, patience)
    except (_DamagedError, UnicodeDecodeError):
        # The latter of SQLite's own message, which names what it found in a damaged schema.
        return _begin_again(path, notice)
    except sqlite3.Error as problem:
        if primary_code(problem) in _DAMAGE:
            return _begin_again(path, notice)
        if primary_code(problem) == sqlite3.SQLITE_BUSY:
            # Not opened for reading instead: that takes a file for unchanging, and it is not.
            raise DiskError(f"{describe_failure(problem)} ({path})", hint="try again") from problem
        readable = _open_read_only(path, problem)
        if readable is None:
            raise DiskError(
                f"the database {path} cannot be opened ({problem})",
                hint="put that right, or name another place with FLUX_HOME",
            ) from problem
        return readable


def primary_code(problem: sqlite3.Error) -> int:
    """Return SQLite's primary result code, 0 if the error did not come from SQLite."""
    return getattr(problem, "sqlite_errorcode", 0) & 0xFF


def describe_failure(problem: sqlite3.Error) -> str:
    """Return the failure in the user's words."""
    words = {
        sqlite3.SQLITE_FULL: "the disk is full",
        sqlite3.SQLITE_READONLY: "the database may only be read",
        sqlite3.SQLITE_IOERR: "the disk reported an error",
        sqlite3.SQLITE_BUSY: "another program keeps the database busy",
        sqlite3.SQLITE_CORRUPT: "the database is damaged",
        sqlite3.SQLITE_NOTADB: "the file is not a database",
        sqlite3.SQLITE_CANTOPEN: "the database cannot be opened",
    }
    return words.get(primary_code(problem), str(problem))


def _prepare_folder(path: Path) -> str:
    folder = path.parent
    try:
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        elif folder.stat().st_mode & 0o077:
            return f"{folder} can be read by others; run: chmod 700 {folder}"
    except OSError as problem:
        raise DiskError(
            f"the folder {folder} cannot be made ({problem.strerror or 'unknown reason'})",
            hint="put that right, or name another place with FLUX_HOME",
        ) from problem
    return ""


def _open_file(path: Path, notice: str, patience: int = BUSY_MS) -> Database:
    emptied = path.is_file() and path.stat().st_size == 0
    if emptied and (backups := sorted(path.parent.glob(f"{path.name}.backup-*"))):
        notice = f"the database {path} was empty; the latest backup is {backups[-1]}"
    if not path.exists():
        # Made by us, so that the first byte is already private; -wal and -shm take its mode.
        try:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as problem:
            raise sqlite3.OperationalError(problem.strerror or "cannot be made") from problem
    elif path.stat().st_mode & 0o077 and not notice:
        notice = f"{path} can be read by others; run: chmod 600 {path}"
    connection = sqlite3.connect(path, timeout=patience / 1000, isolation_level=None)
    try:
        if path.stat().st_size <= CHECKED:
            _look_through(connection)
        return _opened(connection, path, notice, patience)
    except BaseException:
        connection.close()
        raise


def _look_through(connection: sqlite3.Connection) -> None:
    """Read the pages once: a damaged tree takes new rows, and then gives none of them back.

    Raises:
        _DamagedError: there is one. Other findings, as of the search index, can be made good.
    """
    for (finding,) in connection.execute("PRAGMA quick_check(20)").fetchall():
        head, *lines = str(finding).split("\n")
        # A page that belongs to nothing takes room, and no row is read from it or written to it.
        if head.startswith("*** in database") and not all(map(_UNUSED.fullmatch, lines)):
            raise _DamagedError(finding)


def _opened(
    connection: sqlite3.Connection, path: Path | None, notice: str, patience: int
) -> Database:
    connection.text_factory = _text
    connection.execute(f"PRAGMA busy_timeout = {patience}")
    connection.execute("PRAGMA foreign_keys = ON")
    # Pages are read again from the system's cache: a copy of our own doubles what is at rest.
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    version = _version(connection)
    steps = schema_steps()
    if version > len(steps):
        connection.execute("PRAGMA query_only = ON")
        return Database(
            connection=connection,
            journal_mode=_pragma(connection, "journal_mode"),
            version=version,
            writable=False,
            searchable=False,
            notice=f"the database {path} was written by a newer version (schema {version}, this "
            f"one knows {len(steps)}); it is only read",
        )
    # Network file systems refuse WAL silently: what was set is read back.
    mode = str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
    if mode not in {"wal", "memory"}:
        mode = str(connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0])
    connection.execute("PRAGMA synchronous = NORMAL")
    if version < len(steps):
        if version and path is not None:
            _back_up(connection, path, version)
        _migrate(connection, steps)
    searchable = _index(connection)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    return Database(
        connection=connection,
        journal_mode=mode,
        version=_version(connection),
        writable=True,
        searchable=searchable,
        notice=notice,
    )


def _migrate(connection: sqlite3.Connection, steps: list[list[str]]) -> None:
    """Do the missing steps in one transaction; killed half-way, the old schema stands."""
    with transaction(connection):
        # Another process may have been faster while this one waited for the lock.
        for number in range(_version(connection), len(steps)):
            for statement in steps[number]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")


class transaction:  # noqa: N801 - reads as a statement
    """``with transaction(connection):`` one immediate transaction, rolled back on any error.

    Immediate, because a transaction that begins reading and then writes fails at once, without
    waiting, when another process wrote in between.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                self._roll_back()
                raise
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        # A full disk may have rolled back by itself.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _index(connection: sqlite3.Connection) -> bool:
    """Make the full-text index and bring it up to date; False if SQLite was built without."""
    exists = "SELECT 1 FROM sqlite_master WHERE name = 'search'"
    newest = "SELECT coalesce(max(seq), 0) FROM message"
    try:
        with transaction(connection):
            if connection.execute(exists).fetchone() is None:
                connection.execute(
                    "CREATE VIRTUAL TABLE search USING fts5 ("
                    "text, content = 'message', content_rowid = 'seq', tokenize = 'trigram')"
                )
            # A Python without FTS5 may have written rows that are not in the index yet.
            last = connection.execute("SELECT value FROM state WHERE key = 'indexed'").fetchone()
            done = int(last[0]) if last and str(last[0]).isdecimal() else 0
            if done < connection.execute(newest).fetchone()[0]:
                connection.execute("INSERT INTO search (search) VALUES ('rebuild')")
                note_indexed(connection)
    except sqlite3.OperationalError as problem:
        if primary_code(problem) == sqlite3.SQLITE_ERROR:  # no such module or tokenizer
            return False
        raise
    return True


def note_indexed(connection: sqlite3.Connection) -> None:
    """Remember that the index holds every message."""
    connection.execute(
        "INSERT OR REPLACE INTO state SELECT 'indexed', coalesce(max(seq), 0) FROM message"
    )


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    target = path.with_name(f"{path.name}.backup-v{version}-{_now()}")
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    connection.execute("VACUUM INTO ?", (str(target),))


def _begin_again(path: Path, notice: str) -> Database:
    """Move a damaged database aside with its journals and open a fresh one."""
    aside = f".corrupt-{_now()}"
    moved = path.with_name(path.name + aside)
    try:
        for ending in ("", "-wal", "-shm", "-journal"):
            source = path.with_name(path.name + ending)
            if source.exists():
                source.rename(path.with_name(path.name + aside + ending))
        fresh = _open_file(path, notice)
    except (OSError, sqlite3.Error) as problem:
        raise DiskError(
            f"the database {path} is damaged and cannot be moved aside ({problem})",
            hint="put that right, or name another place with FLUX_HOME",
        ) from problem
    told = (
        f"the database was damaged; it was moved to {moved} and a new one begun; what can be read "
        f"of it comes back with: flux-tui sessions repair {moved}"
    )
    return Database(
        connection=fresh.connection,
        journal_mode=fresh.journal_mode,
        version=fresh.version,
        writable=True,
        searchable=fresh.searchable,
        notice=told,
    )


def _open_read_only(path: Path, problem: sqlite3.Error) -> Database | None:
    """Open what cannot be written, for reading; None if that fails too."""
    if not path.is_file() or path.stat().st_size == 0:
        return None
    # Beside a write-ahead log SQLite wants to write its index, which a folder that may only be
    # read forbids; taken as unchanging it can be read, without what is only in that log.
    for option in ("mode=ro", "immutable=1"):
        connection = None
        try:
            uri = f"{path.absolute().as_uri()}?{option}"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None)
            connection.text_factory = _text
            connection.execute("PRAGMA query_only = ON")
            version = _version(connection)
            connection.execute("SELECT count(*) FROM session").fetchone()
        except sqlite3.Error:
            if connection is not None:
                connection.close()
        else:
            return _reading(connection, version, path, problem)
    return None


def _reading(
    connection: sqlite3.Connection, version: int, path: Path, problem: sqlite3.Error
) -> Database:
    return Database(
        connection=connection,
        journal_mode="off",
        version=version,
        writable=False,
        searchable=False,
        notice=f"{describe_failure(problem)} ({path})",
    )


def _text(value: bytes) -> str:
    """Decode a column; a damaged one must not make the whole query fail."""
    return value.decode("utf-8", "replace")


def _version(connection: sqlite3.Connection) -> int:
    return int(_pragma(connection, "user_version"))


def _pragma(connection: sqlite3.Connection, name: str) -> str:
    with closing(connection.execute(f"PRAGMA {name}")) as rows:
        return str(rows.fetchone()[0])


def _statements(script: str) -> list[str]:
    """Split *script*; `executescript` would commit the migration's transaction."""
    found: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending.strip())
            pending = ""
    return found


def _now() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S")

"""What is read from and written to an open database. Blocking; callers bring the transaction."""
# ruff: noqa: S608 - the pieces put into statements are constants of this file, values are bound

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from flux_tui.core.errors import StoreError
from flux_tui.core.messages import Conversation, Message, new_id
from flux_tui.core.sanitize import one_line
from flux_tui.core.usage import Cost, sum_costs
from flux_tui.storage import rows
from flux_tui.storage.claims import is_free
from flux_tui.storage.database import note_indexed
from flux_tui.storage.store import SessionInfo, UsageRow

_NEXT_USE = "(SELECT coalesce(max(used), 0) + 1 FROM session)"
_INTERRUPTED = "the program ended before the answer was complete"


def create(
    connection: sqlite3.Connection, words: tuple[str, str, str], now: str, claim: str
) -> str:
    """Make a session of title, system prompt and folder; return its id."""
    session_id = new_id()
    values = (session_id, *(rows.storable(word) for word in words), now, now, claim)
    connection.execute(
        "INSERT INTO session (id, title, system, folder, created, updated, claim, used)"
        f" VALUES (?, ?, ?, ?, ?, ?, ?, {_NEXT_USE})",
        values,
    )
    return session_id


def append(
    connection: sqlite3.Connection, session_id: str, message: Message, *, searchable: bool
) -> None:
    """Store *message*, make it the head, drop its draft.

    Storing a message again that is already there changes nothing but the head.
    """
    _insert(connection, session_id, message, searchable=searchable)
    connection.execute("DELETE FROM draft WHERE session = ? AND id = ?", (session_id, message.id))
    _touch(connection, session_id, message.id)


def draft(connection: sqlite3.Connection, session_id: str, message: Message) -> None:
    """Store the reply in flight, unless its message is already stored."""
    _require(connection, session_id)
    body, blobs = rows.pack(message)
    _keep_blobs(connection, session_id, blobs)
    connection.execute(
        "INSERT OR REPLACE INTO draft (session, id, body) SELECT ?, ?, ?"
        " WHERE NOT EXISTS (SELECT 1 FROM message WHERE session = ? AND id = ?)",
        (session_id, message.id, body, session_id, message.id),
    )


def set_head(connection: sqlite3.Connection, session_id: str, message_id: str | None) -> None:
    """Make a stored message, or the place before the first one, the head."""
    _require(connection, session_id)
    found = connection.execute(
        "SELECT 1 FROM message WHERE session = ? AND id = ?", (session_id, message_id)
    ).fetchone()
    if message_id is not None and found is None:
        raise StoreError(f"no message {message_id!r} in session {session_id!r}")
    _touch(connection, session_id, message_id)


def has_drafts(connection: sqlite3.Connection, session_id: str) -> bool:
    """Return whether replies of the session stand unfinished."""
    query = "SELECT 1 FROM draft WHERE session = ? LIMIT 1"
    return connection.execute(query, (session_id,)).fetchone() is not None


def settle_drafts(
    connection: sqlite3.Connection, session_id: str, mine: frozenset[str], *, searchable: bool
) -> None:
    """Turn drafts that nobody writes any more into messages that were interrupted."""
    if not is_free(claim_of(connection, session_id)):
        return
    for message in _orphans(connection, session_id, mine):
        _insert(connection, session_id, message, searchable=searchable)
        connection.execute(
            "DELETE FROM draft WHERE session = ? AND id = ?", (session_id, message.id)
        )
        # It is the tip only if the user has not gone on elsewhere since.
        connection.execute(
            "UPDATE session SET head = ? WHERE id = ? AND head IS ?",
            (message.id, session_id, message.parent),
        )


def load(
    connection: sqlite3.Connection, session_id: str, mine: frozenset[str], *, settled: bool
) -> Conversation:
    """Return the conversation; damaged rows and lost parents cost no other message.

    Drafts are shown too when they could not be settled because the database is only read.
    """
    head, system = _require(connection, session_id)

    def blob(digest: str) -> bytes | None:
        row = connection.execute("SELECT data FROM blob WHERE sha256 = ?", (digest,)).fetchone()
        return bytes(row[0]) if row else None

    messages: list[Message] = []
    seen: dict[str, str] = {}  # the ids; a parent's is kept once
    query = "SELECT id, parent, role, at, body FROM message WHERE session = ? ORDER BY seq"
    for message_id, parent, role, at, body in connection.execute(query, (session_id,)):
        try:
            message = rows.unpack(body, blob, seen)
        except rows.UNREADABLE:
            message = rows.damaged_message(message_id, parent, role, at)
        if message.id != message_id or message.parent != parent:
            message = replace(message, id=message_id, parent=parent)
        if parent is not None and parent not in seen:
            message = replace(message, parent=messages[-1].id if messages else None)
        seen[message_id] = message.id
        messages.append(message)
    if not settled:
        for message in _orphans(connection, session_id, mine):
            if message.id not in seen and (message.parent is None or message.parent in seen):
                head = message.id if head == message.parent else head
                seen[message.id] = message.id
                messages.append(message)
    if head is not None and head not in seen:
        head = messages[-1].id if messages else None
    return Conversation(system, tuple(messages), head)


def sessions(
    connection: sqlite3.Connection, query: str, limit: int, *, searchable: bool
) -> list[SessionInfo]:
    """List sessions whose title or text holds *query*, the last used first."""
    where, values = _matching(query, searchable=searchable)
    return _infos(connection, f"{where} ORDER BY used DESC, rowid DESC LIMIT ?", (*values, limit))


def find(connection: sqlite3.Connection, part: str) -> list[SessionInfo]:
    """Return the session of that id, else those whose id begins or ends with *part*."""
    if not part:
        return []
    ends = "WHERE substr(id, 1, length(?)) = ? OR substr(id, -length(?)) = ?"
    found = _infos(connection, f"{ends} ORDER BY id = ? DESC, used DESC LIMIT 20", (part,) * 5)
    return found[:1] if found and found[0].id == part else found


def _infos(
    connection: sqlite3.Connection, clauses: str, values: tuple[object, ...]
) -> list[SessionInfo]:
    query = f"SELECT id, title, created, updated, folder FROM session {clauses}"
    found = connection.execute(query, values).fetchall()
    counts, models, costs = _totals(connection, [row[0] for row in found])
    return [
        SessionInfo(
            id=session_id,
            title=title or _first_words(connection, session_id),
            created=rows.moment(created),
            updated=rows.moment(updated),
            messages=counts.get(session_id, 0),
            models=tuple(models[session_id]),
            cost=sum_costs(costs[session_id]),
            folder=folder,
        )
        for session_id, title, created, updated, folder in found
    ]


def latest(connection: sqlite3.Connection) -> str | None:
    """Return the session used last."""
    row = connection.execute("SELECT id FROM session ORDER BY used DESC LIMIT 1").fetchone()
    return row[0] if row else None


def rename(connection: sqlite3.Connection, session_id: str, title: str) -> None:
    """Set the title."""
    _require(connection, session_id)
    connection.execute(
        "UPDATE session SET title = ? WHERE id = ?", (rows.storable(title), session_id)
    )


def delete(connection: sqlite3.Connection, session_id: str, *, searchable: bool) -> None:
    """Remove a session with all that belongs to it alone."""
    _require(connection, session_id)
    if searchable:
        connection.execute(
            "INSERT INTO search (search, rowid, text)"
            " SELECT 'delete', seq, text FROM message WHERE session = ?",
            (session_id,),
        )
    connection.execute("DELETE FROM session WHERE id = ?", (session_id,))
    connection.execute("DELETE FROM notice WHERE session = ?", (session_id,))
    # What is remembered for one session ends with its id: an unsent draft, what stays private.
    connection.execute("DELETE FROM state WHERE key LIKE 'user:%:' || ?", (session_id,))
    connection.execute("DELETE FROM blob WHERE sha256 NOT IN (SELECT sha256 FROM blob_use)")


def usage(connection: sqlite3.Connection, since: datetime | None) -> list[UsageRow]:
    """Return the answers in the order they were stored."""
    found = connection.execute(
        "SELECT session, id, at, model, input, cache_read, cache_write, output, reasoning,"
        " cost_usd, cost_basis, cost_as_of FROM message"
        " WHERE model IS NOT NULL AND input IS NOT NULL AND at >= ? ORDER BY seq",
        (rows.stamp(since) if since is not None else "",),
    )
    # A branch copied into a session of its own was paid for once, where it first stood.
    once: dict[str, UsageRow] = {}
    for row in found:
        if row[1] not in once:
            once[row[1]] = UsageRow(
                session=row[0],
                message=row[1],
                at=rows.moment(row[2]),
                model=row[3],
                input=row[4],
                cache_read=row[5],
                cache_write=row[6],
                output=row[7],
                reasoning=row[8],
                cost=rows.cost_of(*row[9:]),
            )
    return list(once.values())


def get_state(connection: sqlite3.Connection, key: str) -> str | None:
    """Return a remembered value."""
    row = connection.execute("SELECT value FROM state WHERE key = ?", (f"user:{key}",)).fetchone()
    return row[0] if row else None


def set_state(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Remember a value."""
    connection.execute(
        "INSERT OR REPLACE INTO state VALUES (?, ?)", (f"user:{key}", rows.storable(value))
    )


def claim_of(connection: sqlite3.Connection, session_id: str) -> str:
    """Return who has the session, empty if nobody."""
    row = connection.execute("SELECT claim FROM session WHERE id = ?", (session_id,)).fetchone()
    if row is None:
        raise _missing(session_id)
    return row[0]


def set_claim(connection: sqlite3.Connection, session_id: str, claim: str) -> None:
    """Note who has the session."""
    connection.execute("UPDATE session SET claim = ? WHERE id = ?", (claim, session_id))


def release(connection: sqlite3.Connection, session_ids: Sequence[str], claim: str) -> None:
    """Give sessions back that *claim* has."""
    connection.executemany(
        "UPDATE session SET claim = '' WHERE id = ? AND claim = ?",
        [(session_id, claim) for session_id in session_ids],
    )


def prompts(connection: sqlite3.Connection, limit: int) -> list[str]:
    """Return users' texts, newest first, each once."""
    found = connection.execute(
        "SELECT text FROM message WHERE role = 'user' AND text <> ''"
        " GROUP BY text ORDER BY max(seq) DESC LIMIT ?",
        (limit,),
    )
    return [row[0] for row in found]


def adopt(
    connection: sqlite3.Connection,
    info: SessionInfo,
    conversation: Conversation,
    claim: str,
    *,
    searchable: bool,
) -> None:
    """Store a whole session of another database under its own id."""
    connection.execute(
        "INSERT INTO session (id, title, system, folder, created, updated, claim, used)"
        f" VALUES (?, ?, ?, ?, ?, ?, ?, {_NEXT_USE})",
        (
            info.id,
            info.title,
            conversation.system,
            info.folder,
            rows.stamp(info.created),
            rows.stamp(info.updated),
            claim,
        ),
    )
    for message in conversation.messages:
        _insert(connection, info.id, message, searchable=searchable)
    connection.execute("UPDATE session SET head = ? WHERE id = ?", (conversation.head, info.id))


def _insert(
    connection: sqlite3.Connection, session_id: str, message: Message, *, searchable: bool
) -> None:
    _require(connection, session_id)
    body, blobs = rows.pack(message)
    _keep_blobs(connection, session_id, blobs)
    values = rows.message_values(message, body)
    marks = ", ".join("?" * (len(values) + 1))
    done = connection.execute(
        f"INSERT INTO message (session, {rows.COLUMNS}) VALUES ({marks})"
        " ON CONFLICT (session, id) DO NOTHING",
        (session_id, *values),
    )
    if searchable and done.rowcount == 1:
        connection.execute(
            "INSERT INTO search (rowid, text) SELECT seq, text FROM message"
            " WHERE session = ? AND id = ?",
            (session_id, message.id),
        )
        note_indexed(connection)


def _keep_blobs(connection: sqlite3.Connection, session_id: str, blobs: dict[str, bytes]) -> None:
    for digest, data in blobs.items():
        connection.execute("INSERT OR IGNORE INTO blob VALUES (?, ?)", (digest, data))
        connection.execute("INSERT OR IGNORE INTO blob_use VALUES (?, ?)", (session_id, digest))


def _touch(connection: sqlite3.Connection, session_id: str, head: str | None) -> None:
    connection.execute(
        f"UPDATE session SET head = ?, updated = ?, used = {_NEXT_USE} WHERE id = ?",
        (head, rows.stamp(datetime.now(UTC)), session_id),
    )


def _orphans(
    connection: sqlite3.Connection, session_id: str, mine: frozenset[str]
) -> list[Message]:
    """Return the drafts that are not *mine* as answers that were interrupted."""

    def blob(digest: str) -> bytes | None:
        row = connection.execute("SELECT data FROM blob WHERE sha256 = ?", (digest,)).fetchone()
        return bytes(row[0]) if row else None

    found: list[Message] = []
    query = "SELECT id, body FROM draft WHERE session = ? ORDER BY rowid"
    for draft_id, body in connection.execute(query, (session_id,)).fetchall():
        if draft_id in mine:
            continue
        try:
            message = rows.unpack(body, blob)
        except rows.UNREADABLE:
            head, _system = _require(connection, session_id)
            message = rows.damaged_message(draft_id, head, "assistant", "")
        error = message.error or _INTERRUPTED
        found.append(replace(message, id=draft_id, stop="interrupted", error=error))
    return found


def _require(connection: sqlite3.Connection, session_id: str) -> tuple[str | None, str]:
    """Return head and system prompt of a session that must be there."""
    query = "SELECT head, system FROM session WHERE id = ?"
    row = connection.execute(query, (session_id,)).fetchone()
    if row is None:
        raise _missing(session_id)
    return row[0], row[1]


def _missing(session_id: str) -> StoreError:
    return StoreError(f"no session {session_id!r}", hint='see "flux-tui sessions list"')


def _matching(query: str, *, searchable: bool) -> tuple[str, tuple[str, ...]]:
    if not query:
        return "", ()
    escaped = query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    like = f"%{escaped}%"
    title = "title LIKE ? ESCAPE '\\'"
    if searchable and len(query) >= 3:  # the index knows nothing shorter than a trigram
        quoted = '"' + query.replace('"', '""') + '"'
        inner = "SELECT session FROM message WHERE seq IN"
        inner += " (SELECT rowid FROM search WHERE search MATCH ?)"
        return f"WHERE {title} OR id IN ({inner})", (like, quoted)
    inner = "SELECT session FROM message WHERE text LIKE ? ESCAPE '\\'"
    return f"WHERE {title} OR id IN ({inner})", (like, like)


def _totals(
    connection: sqlite3.Connection, ids: list[str]
) -> tuple[dict[str, int], dict[str, list[str]], dict[str, list[Cost]]]:
    """Return by session: messages, models by first use, costs of the answers."""
    counts: dict[str, int] = {}
    models: dict[str, list[str]] = defaultdict(list)
    costs: dict[str, list[Cost]] = defaultdict(list)
    for session_id in ids:
        count = "SELECT count(*) FROM message WHERE session = ?"
        counts[session_id] = connection.execute(count, (session_id,)).fetchone()[0]
        answers = connection.execute(
            "SELECT model, cost_usd, cost_basis, cost_as_of FROM message"
            " WHERE session = ? AND model IS NOT NULL ORDER BY seq",
            (session_id,),
        )
        for model, usd, basis, as_of in answers:
            if model not in models[session_id]:
                models[session_id].append(model)
            costs[session_id].append(rows.cost_of(usd, basis, as_of))
    return counts, models, costs


def _first_words(connection: sqlite3.Connection, session_id: str) -> str:
    row = connection.execute(
        "SELECT substr(text, 1, 200) FROM message WHERE session = ? AND role = 'user'"
        " ORDER BY seq LIMIT 1",
        (session_id,),
    ).fetchone()
    return one_line(row[0], 80) if row else ""

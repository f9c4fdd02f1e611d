"""What the database promises: nothing stored is lost, and nothing blocks or breaks the rest."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import stat
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from flux_tui.core.errors import StoreError
from flux_tui.core.messages import (
    Conversation,
    Document,
    Image,
    Message,
    Text,
    ToolResult,
    user_message,
)
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import Cost, Usage
from flux_tui.storage.database import schema_steps
from flux_tui.storage.memory import MemoryStore
from flux_tui.storage.repair import salvage
from flux_tui.storage.rows import DAMAGED
from flux_tui.storage.safe import SafeStore
from flux_tui.storage.sqlite import SqliteStore

MODEL = ModelRef("anthropic", "claude-x")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "flux.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    async with aclosing(SqliteStore(path)) as opened:
        yield opened


def answer(text: str, parent: str | None = None, **fields: object) -> Message:
    usage = Usage(input=10, cache_read=5, cache_write=2, output=7, reasoning=3)
    cost = Cost(amount=Decimal("0.0123"), basis="computed", as_of="2026-11-01")
    message = Message(
        role="assistant", parts=(Text(text),), parent=parent, model=MODEL, usage=usage, cost=cost,
        stop="end",
    )  # fmt: skip
    return replace(message, **fields)  # type: ignore[arg-type]


async def talk(store: SqliteStore, turns: int = 2, title: str = "") -> tuple[str, Conversation]:
    session = await store.create(title=title, system="Be brief.", folder="/x")
    conversation = Conversation("Be brief.")
    for number in range(turns):
        for message in (user_message(f"question {number}"), answer(f"reply {number}")):
            conversation = conversation.plus(message)
            await store.append(session, conversation.path[-1])
    return session, conversation


def raw(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


async def test_what_was_stored_is_loaded_again(store: SqliteStore, path: Path) -> None:
    session, conversation = await talk(store)
    await store.aclose()

    async with aclosing(SqliteStore(path)) as again:
        loaded = await again.load(session)

    assert loaded == conversation
    assert [m.usage for m in loaded] == [m.usage for m in conversation]


async def test_files_come_back_byte_for_byte_and_are_kept_once(
    store: SqliteStore, path: Path
) -> None:
    data = bytes(range(256)) * 10
    picture = Image(data, "image/png", "a.png", 4, 5)
    paper = Document(b"%PDF", "application/pdf", "b.pdf", "words")
    session = await store.create()
    first = user_message("look", (picture, paper))
    result = Message(
        role="tool", parent=first.id, parts=(ToolResult("c", "t", (Text("x"), picture)),)
    )
    await store.append(session, first)
    await store.append(session, result)

    loaded = await store.load(session)

    assert loaded.path == (first, result)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM blob").fetchone() == (2,)


async def test_lost_bytes_leave_a_note_in_their_place(store: SqliteStore, path: Path) -> None:
    session = await store.create()
    await store.append(session, user_message("look", (Image(b"data", "image/png", "a.png"),)))
    raw(path, "DELETE FROM blob")

    (message,) = (await store.load(session)).path

    assert "a.png" in message.text
    assert "look" in message.text


async def test_folder_and_files_are_private(store: SqliteStore, path: Path) -> None:
    await talk(store)

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(f.stat().st_mode) for f in path.parent.iterdir()} == {0o600}


async def test_the_journal_is_a_write_ahead_log(store: SqliteStore) -> None:
    health = await store.health()

    assert (health.journal_mode, health.schema_version, health.writable) == (
        "wal",
        len(schema_steps()),
        True,
    )
    assert health.notice == ""


async def test_a_folder_others_can_read_is_named(path: Path) -> None:
    path.parent.mkdir(mode=0o755)

    async with aclosing(SqliteStore(path)) as store:
        assert "chmod 700" in (await store.health()).notice


async def test_a_database_others_can_read_is_named(store: SqliteStore, path: Path) -> None:
    await talk(store)
    await store.aclose()
    path.chmod(0o644)

    async with aclosing(SqliteStore(path)) as again:
        assert "chmod 600" in (await again.health()).notice


async def test_a_locked_database_is_waited_for_once_and_opened_later(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    async with aclosing(SqliteStore(path)) as store:
        store._patience = 400
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            path.chmod(0o600)
            other.execute("CREATE TABLE t (a)")
            other.execute("BEGIN EXCLUSIVE")
            seconds: list[float] = []
            for _ in range(2):
                began = time.perf_counter()
                with pytest.raises(StoreError, match="busy"):
                    await store.health()
                seconds.append(time.perf_counter() - began)
            other.execute("COMMIT")

        assert seconds[0] >= 0.4
        assert store._patience < 400
        assert (await store.health()).writable


async def test_a_draft_is_replaced_by_its_message(store: SqliteStore, path: Path) -> None:
    session, _ = await talk(store, 1)
    final = answer("one two three", (await store.load(session)).head)
    await store.draft(session, replace(final, parts=(Text("one"),)))
    await store.draft(session, replace(final, parts=(Text("one two"),)))
    await store.append(session, final)
    await store.draft(session, replace(final, parts=(Text("late"),)))

    loaded = await store.load(session)

    assert loaded.path[-1] == final
    assert len(loaded.messages) == 3
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM draft").fetchone() == (0,)


async def test_an_orphan_draft_comes_back_interrupted_and_stays(
    store: SqliteStore, path: Path
) -> None:
    session, conversation = await talk(store, 1)
    await store.draft(session, answer("half an ans", conversation.head, stop=None))
    await store.aclose()

    for _ in range(2):
        async with aclosing(SqliteStore(path)) as again:
            loaded = await again.load(session)
            assert loaded.path[-1].text == "half an ans"
            assert loaded.path[-1].stop == "interrupted"
            assert len(loaded.messages) == 3


async def test_a_draft_in_flight_is_left_alone_by_a_load(store: SqliteStore) -> None:
    session, conversation = await talk(store, 1)
    reply = answer("half", conversation.head)
    await store.draft(session, reply)

    assert len((await store.load(session)).messages) == 2
    await store.append(session, reply)
    assert (await store.load(session)).path[-1] == reply


async def test_storing_a_message_twice_stores_it_once(store: SqliteStore) -> None:
    session, conversation = await talk(store, 1)

    await store.append(session, conversation.path[-1])

    assert await store.load(session) == conversation


async def test_branches_and_the_head_are_kept(store: SqliteStore) -> None:
    session, conversation = await talk(store, 2)
    fork = conversation.path[1].id
    await store.set_head(session, fork)
    other = replace(user_message("another way"), parent=fork)
    await store.append(session, other)

    loaded = await store.load(session)

    assert [m.text for m in loaded] == ["question 0", "reply 0", "another way"]
    assert len(loaded.messages) == 5
    with pytest.raises(StoreError):
        await store.set_head(session, "nowhere")
    await store.set_head(session, None)
    assert (await store.load(session)).path == ()


@pytest.mark.parametrize("body", ["{", "null", '{"role": 5}', "\x00\x01", "[" * 5000])
async def test_a_damaged_row_costs_only_itself(store: SqliteStore, path: Path, body: str) -> None:
    session, conversation = await talk(store, 2)
    raw(path, "UPDATE message SET body = ? WHERE id = ?", body, conversation.path[1].id)

    loaded = await store.load(session)

    assert [m.text for m in loaded] == ["question 0", DAMAGED, "question 1", "reply 1"]


async def test_bytes_that_are_no_text_cost_only_their_row(store: SqliteStore, path: Path) -> None:
    session, conversation = await talk(store, 2)
    broken = conversation.path[1].id
    raw(path, "UPDATE message SET body = CAST(x'fffe00' AS TEXT) WHERE id = ?", broken)
    raw(path, "UPDATE message SET text = CAST(x'fffe00' AS TEXT), at = 'x'")

    loaded = await store.load(session)

    assert [m.text for m in loaded] == ["question 0", DAMAGED, "question 1", "reply 1"]
    assert len(await store.usage()) == 2
    assert len(await store.sessions()) == 1


@pytest.mark.parametrize("seed", range(12))
async def test_random_damage_ends_in_an_answer_or_one_sentence(
    store: SqliteStore, path: Path, seed: int
) -> None:
    session, _ = await talk(store, 100)
    await store.aclose()
    noise = random.Random(seed)
    content = bytearray(path.read_bytes())
    for _ in range(40):
        content[noise.randrange(100, len(content))] = noise.randrange(256)
    path.write_bytes(content)

    async with aclosing(SafeStore(path)) as damaged:
        await damaged.health()
        for reading in (damaged.sessions("reply"), damaged.usage(), damaged.prompts()):
            await reading
        with contextlib.suppress(StoreError):
            await damaged.load(session)
        with contextlib.suppress(StoreError):
            await damaged.append(session, user_message("more"))
        fresh, conversation = await talk(damaged)  # type: ignore[arg-type]
        assert (await damaged.load(fresh)).path[-1] == conversation.path[-1]


async def test_a_lost_row_does_not_cut_the_conversation(store: SqliteStore, path: Path) -> None:
    session, conversation = await talk(store, 2)
    raw(path, "DELETE FROM message WHERE id = ?", conversation.path[1].id)

    loaded = await store.load(session)

    assert [m.text for m in loaded] == ["question 0", "question 1", "reply 1"]


async def test_order_is_by_sequence_when_the_clock_jumps_back(store: SqliteStore) -> None:
    session = await store.create()
    now = datetime.now(UTC)
    first = replace(user_message("first"), at=now)
    second = replace(answer("second", first.id), at=now - timedelta(days=400))
    await store.append(session, first)
    await store.append(session, second)

    assert [m.text for m in await store.load(session)] == ["first", "second"]


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"\x00\xff" * 5000])
async def test_what_is_no_database_is_moved_aside_and_told(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(content)

    async with aclosing(SqliteStore(path)) as store:
        health = await store.health()
        session, conversation = await talk(store)
        assert await store.load(session) == conversation

    (aside,) = path.parent.glob("*.corrupt-*")
    assert aside.read_bytes() == content
    assert str(aside) in health.notice


async def test_a_damaged_tree_is_moved_aside_before_it_takes_new_rows(
    store: SqliteStore, path: Path
) -> None:
    old, conversation = await talk(store, 100)
    await store.aclose()
    content = bytearray(path.read_bytes())
    leaf = max(at for at in range(0, len(content), 4096) if content[at] == 13)
    content[leaf + 1 : leaf + 3] = (4000).to_bytes(2, "big")  # its free room lies in its rows
    path.write_bytes(content)

    async with aclosing(SqliteStore(path)) as fresh:
        health = await fresh.health()
        session, said = await talk(fresh)
        assert await fresh.load(session) == said

    (aside,) = path.parent.glob("*.corrupt-*")
    assert f"flux-tui sessions repair {aside}" in health.notice
    saved = path.with_name("saved.db")
    salvage(aside, saved)
    async with aclosing(SqliteStore(saved)) as again:
        assert (await again.load(old)).path[-1] == conversation.path[-1]


async def test_a_page_that_belongs_to_nothing_is_no_reason_to_begin_anew(
    store: SqliteStore, path: Path
) -> None:
    session, conversation = await talk(store)
    await store.aclose()
    content = bytearray(path.read_bytes())
    pages = int.from_bytes(content[28:32], "big")
    content[28:32] = (pages + 1).to_bytes(4, "big")
    path.write_bytes(content + bytes(4096))

    async with aclosing(SqliteStore(path)) as again:
        assert (await again.health()).notice == ""
        assert await again.load(session) == conversation

    assert not list(path.parent.glob("*.corrupt-*"))


async def test_a_search_index_at_fault_is_made_anew_and_nothing_moved(
    store: SqliteStore, path: Path
) -> None:
    session, conversation = await talk(store)
    await store.aclose()
    raw(path, "UPDATE search_data SET block = x'00'")
    raw(path, "UPDATE state SET value = '{00' WHERE key = 'indexed'")

    async with aclosing(SqliteStore(path)) as again:
        assert await again.load(session) == conversation
        assert [info.id for info in await again.sessions("reply")] == [session]

    assert not list(path.parent.glob("*.corrupt-*"))


async def test_an_empty_database_beside_a_backup_is_told(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch()
    backup = path.with_name("flux.db.backup-v1-20260101T000000")
    backup.touch()

    async with aclosing(SqliteStore(path)) as store:
        assert str(backup) in (await store.health()).notice


async def test_a_newer_schema_is_read_and_never_written(store: SqliteStore, path: Path) -> None:
    session, conversation = await talk(store)
    await store.aclose()
    raw(path, "PRAGMA user_version = 99")

    async with aclosing(SqliteStore(path)) as newer:
        health = await newer.health()
        assert not health.writable
        assert "newer version" in health.notice
        assert await newer.load(session) == conversation
        with pytest.raises(StoreError, match="newer version"):
            await newer.append(session, user_message("more"))


async def test_what_cannot_be_written_is_told_at_the_start_and_not_again(
    store: SqliteStore, path: Path
) -> None:
    await talk(store)
    await store.aclose()
    raw(path, "PRAGMA user_version = 99")

    async with aclosing(SafeStore(path)) as safe:
        told = (await safe.health()).notice
        assert told.count("in memory only") == 1
        await talk(safe)  # type: ignore[arg-type]
        assert safe.problem == told


async def test_a_migration_backs_up_first_and_does_each_step(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, conversation = await talk(store)
    await store.aclose()
    steps = [*schema_steps(), ["CREATE TABLE extra (a)", "INSERT INTO extra VALUES (1)"]]
    monkeypatch.setattr("flux_tui.storage.database.schema_steps", lambda: steps)

    async with aclosing(SqliteStore(path)) as migrated:
        assert (await migrated.health()).schema_version == len(steps)
        assert await migrated.load(session) == conversation

    (backup,) = path.parent.glob(f"flux.db.backup-v{len(steps) - 1}-*")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (4,)


async def test_a_migration_that_fails_leaves_the_old_schema(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, conversation = await talk(store)
    await store.aclose()
    steps = [*schema_steps(), ["CREATE TABLE extra (a)", "INSERT INTO missing VALUES (1)"]]
    with monkeypatch.context() as patch:
        patch.setattr("flux_tui.storage.database.schema_steps", lambda: steps)
        async with aclosing(SqliteStore(path)) as failed:
            health = await failed.health()
            assert not health.writable
            assert "missing" in health.notice

    async with aclosing(SqliteStore(path)) as again:
        assert (await again.health()).schema_version == len(steps) - 1
        assert await again.load(session) == conversation


async def test_a_full_disk_is_told_and_keeps_what_was_stored(
    store: SqliteStore, path: Path
) -> None:
    session, conversation = await talk(store)
    database = store._database
    assert database is not None
    pages = "PRAGMA max_page_count = 1"
    await store._run(lambda opened: opened.connection.execute(pages).fetchone())

    with pytest.raises(StoreError, match="disk is full"):
        await store.append(session, user_message("x" * 1_000_000))

    assert await store.load(session) == conversation


async def test_sessions_are_listed_the_last_used_first(store: SqliteStore) -> None:
    first, _ = await talk(store, 1, "One")
    second, _ = await talk(store, 2)
    await store.append(first, user_message("again"))

    one, two = await store.sessions()

    assert (one.id, one.title, one.messages, one.models) == (first, "One", 3, (str(MODEL),))
    assert (two.id, two.title, two.folder) == (second, "question 0", "/x")
    assert two.cost == Cost(amount=Decimal("0.0246"), basis="computed", as_of="2026-11-01")
    assert await store.latest() == first
    assert [s.id for s in await store.sessions(limit=1)] == [first]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("naïve ÜBER", True),
        ("über", True),
        ("100%", True),
        ("0%", True),
        ('say "hi', True),
        ("OR", False),
        ("漢字", True),
        ("Titel", True),
        ("nothing like it", False),
        ("_", False),
    ],
)
async def test_search_finds_text_and_titles(store: SqliteStore, query: str, found: bool) -> None:
    session = await store.create(title="Ein Titel")
    await store.append(session, user_message('a naïve ÜBER-test 100% "say "hi" 漢字'))

    hits = await store.sessions(query.replace("ÜBER", "ÜBER"))

    assert [hit.id for hit in hits] == ([session] if found else [])


async def test_a_deleted_session_is_gone_with_its_files(store: SqliteStore, path: Path) -> None:
    kept, conversation = await talk(store)
    session = await store.create()
    await store.append(session, user_message("wombat", (Image(b"data", "image/png"),)))
    for of in (session, kept):
        await store.set_state(f"draft:{of}", "half a wombat")

    await store.delete(session)

    assert await store.get_state(f"draft:{session}") is None
    assert await store.get_state(f"draft:{kept}") == "half a wombat"
    assert [s.id for s in await store.sessions()] == [kept]
    assert await store.sessions("wombat") == []
    assert await store.load(kept) == conversation
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM blob").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (4,)
    with pytest.raises(StoreError, match="no session"):
        await store.load(session)


async def test_usage_is_listed_with_its_cost(store: SqliteStore) -> None:
    session, conversation = await talk(store, 2)

    rows = await store.usage()

    assert [row.message for row in rows] == [m.id for m in conversation if m.model]
    assert (rows[0].session, rows[0].input, rows[0].reasoning) == (session, 10, 3)
    assert rows[0].cost.amount == Decimal("0.0123")
    assert await store.usage(datetime.now(UTC) + timedelta(hours=1)) == []


async def test_prompts_come_newest_first_without_repeats(store: SqliteStore) -> None:
    session = await store.create()
    for text in ("a", "b", "a", "c"):
        await store.append(session, user_message(text))

    assert await store.prompts() == ["c", "a", "b"]
    assert await store.prompts(1) == ["c"]


async def test_small_values_are_remembered(store: SqliteStore) -> None:
    assert await store.get_state("model") is None
    await store.set_state("model", "a/b")
    await store.set_state("model", "a/c")

    assert await store.get_state("model") == "a/c"
    assert await store.get_state("indexed") is None


async def test_text_that_sqlite_cannot_encode_is_stored(store: SqliteStore) -> None:
    session = await store.create(title="\ud800")
    await store.append(session, user_message("lone \ud800 and nul \x00 end"))

    (message,) = (await store.load(session)).path

    assert "end" in message.text


async def test_memory_keeps_sessions_without_a_file(tmp_path: Path) -> None:
    async with aclosing(MemoryStore()) as store:
        session, conversation = await talk(store)
        assert await store.load(session) == conversation
        assert (await store.health()).journal_mode == "memory"

    assert [p.name for p in tmp_path.iterdir()] == ["home"]


async def test_a_closed_store_says_so_and_closes_again(store: SqliteStore) -> None:
    await store.aclose()
    await store.aclose()

    with pytest.raises(StoreError, match="closed"):
        await store.sessions()


async def test_ten_thousand_messages_load_fast(store: SqliteStore) -> None:
    session = await store.create()
    parent: str | None = None
    messages: list[Message] = []
    for number in range(5_000):
        question = replace(user_message(f"question {number} " * 10), parent=parent)
        reply = answer(f"reply {number} " * 20, question.id)
        messages += [question, reply]
        parent = reply.id
    await bulk(store, session, messages)

    began = time.process_time()
    loaded = await store.load(session)
    took = time.process_time() - began

    assert len(loaded) == 10_000
    assert took < 2.0, f"{took:.2f} s"  # about 0.2 s of processor time; the machine may be busy


async def bulk(store: SqliteStore, session: str, messages: list[Message]) -> None:
    from flux_tui.storage import queries
    from flux_tui.storage.database import Database, transaction

    def write(database: Database) -> None:
        with transaction(database.connection):
            for message in messages:
                queries._insert(
                    database.connection, session, message, searchable=database.searchable
                )
            queries.set_head(database.connection, session, messages[-1].id)

    await store._run(write)


async def test_a_loaded_history_holds_each_id_once(store: SqliteStore) -> None:
    session, _ = await talk(store, 3)

    path = (await store.load(session)).path

    assert all(after.parent is before.id for before, after in pairwise(path))

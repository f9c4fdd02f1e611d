"""When the disk fails the chat goes on in memory, and the user is told."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flux_tui.core.errors import StoreError
from flux_tui.core.messages import user_message
from flux_tui.storage.safe import SafeStore
from flux_tui.storage.sqlite import SqliteStore
from flux_tui.storage.store import VoteRow
from tests.storage.test_sqlite import answer, raw, talk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "flux.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SafeStore]:
    async with aclosing(SafeStore(path)) as opened:
        yield opened


async def fill_disk(store: SafeStore) -> None:
    pages = "PRAGMA max_page_count = 1"
    await store._disk._run(lambda opened: opened.connection.execute(pages).fetchone())


async def test_while_the_disk_works_everything_is_on_it(store: SafeStore, path: Path) -> None:
    session, conversation = await talk(store)  # type: ignore[arg-type]
    await store.set_state("a", "b")
    await store.aclose()

    assert store.problem == ""
    async with aclosing(SqliteStore(path)) as disk:
        assert await disk.load(session) == conversation
        assert await disk.get_state("a") == "b"


async def test_a_disk_that_fills_up_moves_the_session_to_memory(
    store: SafeStore, path: Path
) -> None:
    session, conversation = await talk(store)  # type: ignore[arg-type]
    other, _ = await talk(store)  # type: ignore[arg-type]
    await fill_disk(store)
    big = replace(user_message("x" * 1_000_000), parent=conversation.head)

    await store.append(session, big)
    await store.draft(session, answer("half", big.id))
    reply = answer("whole", big.id)
    await store.append(session, reply)

    assert (await store.load(session)).path == (*conversation.path, big, reply)
    health = await store.health()
    assert "disk is full" in health.notice
    assert "your next message writes all of it" in health.notice
    assert not health.writable
    assert [info.id for info in await store.sessions()] == [session, other]
    assert await store.latest() == session
    assert len(await store.usage()) == 5
    assert (await store.prompts())[0] == big.text
    assert await store.claim(session)
    await store.aclose()
    async with aclosing(SqliteStore(path)) as disk:
        assert await disk.load(session) == conversation


async def free_disk(store: SafeStore) -> None:
    pages = "PRAGMA max_page_count = 1000000"
    await store._disk._run(lambda opened: opened.connection.execute(pages).fetchone())


async def test_with_room_on_the_disk_the_next_message_writes_what_was_in_memory_only(
    store: SafeStore, path: Path
) -> None:
    session, conversation = await talk(store)  # type: ignore[arg-type]
    await fill_disk(store)
    big = replace(user_message("x" * 1_000_000), parent=conversation.head)
    await store.append(session, big)
    reply = answer("whole", big.id)
    await store.append(session, reply)
    await store.append(session, still := replace(user_message("full?"), parent=reply.id))
    assert store.problem

    await free_disk(store)
    await store.append(session, last := replace(user_message("room"), parent=still.id))

    assert store.problem == ""
    assert (await store.health()).writable
    assert len([info for info in await store.sessions() if info.id == session]) == 1
    async with aclosing(SqliteStore(path)) as disk:
        stored = await disk.load(session)
    assert stored.path == (*conversation.path, big, reply, still, last)


async def test_a_session_that_began_on_a_full_disk_is_written_at_the_end(
    store: SafeStore, path: Path
) -> None:
    await store.health()
    await fill_disk(store)
    session = await store.create(title="t", system="x" * 1_000_000)
    await store.append(session, said := user_message("hi"))
    assert store.problem

    await free_disk(store)
    await store.aclose()

    async with aclosing(SqliteStore(path)) as disk:
        assert (await disk.load(session)).path == (said,)
        assert [info.title for info in await disk.sessions()] == ["t"]


async def test_what_another_program_took_over_meanwhile_is_left_to_it(
    store: SafeStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, conversation = await talk(store)  # type: ignore[arg-type]
    await fill_disk(store)
    big = replace(user_message("x" * 1_000_000), parent=conversation.head)
    await store.append(session, big)
    await free_disk(store)
    raw(path, "UPDATE session SET claim = 'somebody else'")
    monkeypatch.setattr("flux_tui.storage.sqlite.is_free", lambda claim: False)

    await store.append(session, more := replace(user_message("more"), parent=big.id))

    assert (await store.load(session)).path == (*conversation.path, big, more)
    assert store.problem


async def test_a_new_session_on_a_full_disk_lives_in_memory(store: SafeStore) -> None:
    await store.health()
    await fill_disk(store)
    session = await store.create(system="x" * 1_000_000)
    await store.append(session, user_message("hi"))
    await store.set_state("big", "y" * 1_000_000)

    assert [m.text for m in await store.load(session)] == ["hi"]
    assert len(await store.get_state("big") or "") == 1_000_000
    assert store.problem


async def test_a_place_where_no_database_can_be_made(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    async with aclosing(SafeStore(blocked / "data" / "flux.db")) as store:
        health = await store.health()
        assert not health.writable
        assert "memory" in health.notice
        assert await store.latest() is None
        assert await store.usage() == []
        session, conversation = await talk(store)  # type: ignore[arg-type]
        assert await store.load(session) == conversation
        assert [info.id for info in await store.sessions()] == [session]


async def test_a_newer_database_is_read_and_what_is_new_stays_in_memory(
    store: SafeStore, path: Path
) -> None:
    session, conversation = await talk(store)  # type: ignore[arg-type]
    await store.aclose()
    raw(path, "PRAGMA user_version = 99")

    async with aclosing(SafeStore(path)) as newer:
        assert "newer version" in (await newer.health()).notice
        assert await newer.claim(session)
        more = replace(user_message("more"), parent=conversation.head)
        await newer.append(session, more)
        assert (await newer.load(session)).path == (*conversation.path, more)
        assert await newer.get_state("nothing") is None


async def test_a_wrong_request_is_no_fault_of_the_disk(store: SafeStore) -> None:
    session, conversation = await talk(store)  # type: ignore[arg-type]

    with pytest.raises(StoreError, match="no message"):
        await store.set_head(session, "nowhere")
    with pytest.raises(StoreError, match="no session"):
        await store.append("nowhere", user_message("x"))

    assert store.problem == ""
    assert await store.load(session) == conversation


async def test_after_a_moment_of_being_locked_all_is_well_again(
    store: SafeStore, path: Path
) -> None:
    session, _ = await talk(store)  # type: ignore[arg-type]
    patience = "PRAGMA busy_timeout = 0"
    await store._disk._run(lambda opened: opened.connection.execute(patience).fetchone())
    vote = VoteRow(
        at=datetime(2026, 11, 1, tzinfo=UTC), session="s", models=("a/b",), outcome="bad"
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        await store.set_state("last", "kept")
        await store.add_vote(vote)
        assert "keeps the database busy" in store.problem
        assert await store.get_state("last") == "kept"
        assert await store.votes() == [vote]
        other.execute("ROLLBACK")

    await store.append(session, user_message("Go on"))

    assert store.problem == ""
    assert await store.votes() == [vote]
    await store.aclose()
    async with aclosing(SqliteStore(path)) as disk:
        assert await disk.get_state("last") == "kept"
        assert await disk.votes() == [vote]


async def test_what_a_full_disk_refused_is_offered_once_more_at_the_end(
    store: SafeStore, path: Path
) -> None:
    await store.health()
    await fill_disk(store)
    await store.set_state("big", "x" * 100_000)
    assert store.problem
    await free_disk(store)

    await store.aclose()

    async with aclosing(SqliteStore(path)) as disk:
        assert await disk.get_state("big") == "x" * 100_000

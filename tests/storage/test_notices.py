"""Notices stay with their session, whatever happens to the disk."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from flux_tui.core.messages import user_message
from flux_tui.core.notices import Notice
from flux_tui.storage.database import DiskError, schema_steps
from flux_tui.storage.repair import salvage
from flux_tui.storage.safe import SafeStore
from flux_tui.storage.sqlite import SqliteStore

SWITCH = Notice(None, "switch", "a/b → c/d   everything kept")
ERROR = Notice("m1", "error", "the key is refused\nset another one")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "flux.db"


async def test_notices_come_back_in_their_order_and_go_with_their_session(path: Path) -> None:
    async with aclosing(SqliteStore(path)) as store:
        session, other = await store.create(), await store.create()
        for notice in (SWITCH, ERROR):
            await store.add_notice(session, notice)

        assert await store.notices(session) == [SWITCH, ERROR]
        assert await store.notices(other) == []

        await store.delete(session)
        assert await store.notices(session) == []


async def test_a_database_of_the_step_before_is_backed_up_and_gets_the_table(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = schema_steps()
    with monkeypatch.context() as patch:
        patch.setattr("flux_tui.storage.database.schema_steps", lambda: steps[:2])
        async with aclosing(SqliteStore(path)) as old:
            session = await old.create(title="kept")
            await old.append(session, user_message("hello"))
            assert await old.notices(session) == []

    async with aclosing(SqliteStore(path)) as store:
        await store.add_notice(session, ERROR)
        assert (await store.load(session)).path[0].text == "hello"
        assert await store.notices(session) == [ERROR]
    assert len(list(path.parent.glob("flux.db.backup-v2-*"))) == 1


async def test_what_the_disk_refuses_is_there_in_this_run_and_written_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(self: SqliteStore, session_id: str, notice: Notice) -> None:
        raise DiskError("the disk is full")

    async with aclosing(SafeStore(path)) as store:
        session = await store.create()
        with monkeypatch.context() as patch:
            patch.setattr(SqliteStore, "add_notice", full)
            await store.add_notice(session, ERROR)
            assert await store.notices(session) == [ERROR]
            assert "the disk is full" in store.problem

    async with aclosing(SqliteStore(path)) as again:
        assert await again.notices(session) == [ERROR]


async def test_sessions_that_find_the_disk_well_together_write_each_notice_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(self: SqliteStore, session_id: str, notice: Notice) -> None:
        raise DiskError("the disk is full")

    async with aclosing(SafeStore(path)) as store:
        sessions = [await store.create() for _ in range(3)]
        with monkeypatch.context() as patch:
            patch.setattr(SqliteStore, "add_notice", full)
            for notice in (SWITCH, ERROR):
                await store.add_notice(sessions[0], notice)

        await asyncio.gather(*(store.append(each, user_message("hello")) for each in sessions))
        assert store.problem == ""

    async with aclosing(SqliteStore(path)) as again:
        assert await again.notices(sessions[0]) == [SWITCH, ERROR]


async def test_a_row_of_a_kind_that_nobody_knows_is_left_out(path: Path) -> None:
    async with aclosing(SqliteStore(path)) as store:
        session = await store.create()
        await store.add_notice(session, SWITCH)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO notice (session, kind, text) VALUES (?, 'later', 'x')", (session,)
        )

    async with aclosing(SqliteStore(path)) as again:
        assert await again.notices(session) == [SWITCH]


async def test_notices_are_saved_from_a_damaged_database(path: Path, tmp_path: Path) -> None:
    async with aclosing(SqliteStore(path)) as store:
        session = await store.create()
        await store.add_notice(session, ERROR)

    salvage(path, tmp_path / "saved.db")

    async with aclosing(SqliteStore(tmp_path / "saved.db")) as saved:
        assert await saved.notices(session) == [ERROR]

"""What is put right in a damaged database, and that the state before is kept."""

from __future__ import annotations

import sqlite3
from contextlib import aclosing, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flux_tui.core.errors import InputError, StoreError
from flux_tui.core.messages import Image, user_message
from flux_tui.storage.repair import repair, salvage
from flux_tui.storage.sqlite import SqliteStore
from flux_tui.storage.store import VoteRow


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A database of forty sessions, with nothing left in its journal."""
    file = tmp_path / "data" / "flux.db"
    async with aclosing(SqliteStore(file)) as store:
        for number in range(40):
            session = await store.create(title=f"session {number}")
            await store.append(session, user_message(f"text {number} " * 50))
    return file


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


async def titles(path: Path) -> list[str]:
    async with aclosing(SqliteStore(path)) as store:
        return [info.title for info in await store.sessions() if await store.load(info.id)]


def test_a_sound_database_is_left_alone(path: Path) -> None:
    before = path.read_bytes()

    found = repair(path)

    assert (found.problems, found.done, found.backup) == ((), (), "")
    assert path.read_bytes() == before


async def test_a_page_of_garbage_costs_what_stood_on_it_and_no_more(path: Path) -> None:
    data = bytearray(path.read_bytes())
    size = 4096
    pages = len(data) // size
    data[(pages // 2) * size : (pages // 2 + 1) * size] = b"\x5a" * size
    path.write_bytes(data)

    found = repair(path)

    assert found.problems
    assert Path(found.backup).read_bytes() == bytes(data)
    assert repair(path).problems == ()
    assert len(await titles(path)) >= 20


async def test_a_search_index_that_does_not_fit_is_made_anew(path: Path) -> None:
    change(path, "UPDATE message SET text = 'zebra crossing' WHERE seq = 1")

    found = repair(path)

    assert found.problems == ("the search index does not fit the messages",)
    assert repair(path).problems == ()
    async with aclosing(SqliteStore(path)) as store:
        assert len(await store.sessions("zebra")) == 1


async def test_files_of_no_session_are_removed(path: Path) -> None:
    async with aclosing(SqliteStore(path)) as store:
        session = await store.create()
        await store.append(session, user_message("look", (Image(b"png", "image/png"),)))
    change(path, "DELETE FROM blob_use")

    found = repair(path)

    assert found.problems == ("files that belong to no session: 1",)
    assert repair(path).problems == ()


def test_a_damaged_message_is_counted(path: Path) -> None:
    change(path, "UPDATE message SET body = '{' WHERE seq = 3")

    found = repair(path)

    assert (found.problems, found.backup) == (("damaged messages, shown as such: 1",), "")


def test_what_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "flux.db"
    file.write_bytes(b"nothing of the kind" * 1000)

    with pytest.raises(StoreError):
        repair(file)

    assert file.read_bytes() == b"nothing of the kind" * 1000
    with pytest.raises(InputError, match="there is no database"):
        repair(tmp_path / "none.db")


async def test_messages_survive_the_loss_of_their_session(path: Path, tmp_path: Path) -> None:
    change(path, "DELETE FROM session WHERE title = 'session 7'")

    saved = salvage(path, tmp_path / "saved.db")

    assert saved > 79
    async with aclosing(SqliteStore(tmp_path / "saved.db")) as store:
        assert len(await store.sessions()) == 40
        assert len(await store.sessions("text 7")) == 1


async def test_votes_are_saved_from_a_damaged_database(path: Path) -> None:
    votes = [
        VoteRow(at=datetime(2026, 11, day, tzinfo=UTC), session="s", models=("a/b", "c/d"),
                outcome="win", winner="a/b")
        for day in (1, 2, 3)
    ]  # fmt: skip
    async with aclosing(SqliteStore(path)) as store:
        for vote in votes:
            await store.add_vote(vote)
    data = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'message'"
        page = connection.execute(query).fetchone()[0]
    data[(page - 1) * 4096 : page * 4096] = b"\x5a" * 4096
    path.write_bytes(data)

    found = repair(path)

    assert "moved to a new database" in found.done[0]
    async with aclosing(SqliteStore(path)) as store:
        assert await store.votes() == votes


async def test_a_database_from_before_the_votes_is_saved_as_well(
    path: Path, tmp_path: Path
) -> None:
    change(path, "DROP TABLE vote")

    saved = salvage(path, tmp_path / "saved.db")

    assert saved
    assert len(await titles(tmp_path / "saved.db")) == 40

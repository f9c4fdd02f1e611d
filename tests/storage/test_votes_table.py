"""Votes in the database: kept in order, through a migration, without a disk."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flux_tui.storage.database import schema_steps
from flux_tui.storage.safe import SafeStore
from flux_tui.storage.sqlite import SqliteStore
from flux_tui.storage.store import VoteRow

VOTE = VoteRow(
    at=datetime(2026, 11, 1, 12, tzinfo=UTC),
    session="s",
    models=("a/one", "b/two"),
    outcome="win",
    winner="b/two",
    tag="code",
)


async def test_votes_come_back_in_order_and_a_damaged_one_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "flux.db"
    store = SqliteStore(path)
    other = VoteRow(at=VOTE.at, session="s", models=("a/one", "c/x"), outcome="tie", blind=False)

    await store.add_vote(VOTE)
    await store.add_vote(other)
    with sqlite3.connect(path) as raw:
        raw.execute("INSERT INTO vote SELECT NULL, at, session, '{', outcome, '', '', 1 FROM vote")
        raw.execute("INSERT INTO vote SELECT NULL, at, session, '7', outcome, '', '', 1 FROM vote")
    raw.close()

    assert await store.votes() == [VOTE, other]
    await store.aclose()


async def test_a_database_of_the_first_version_gets_votes_and_keeps_its_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "flux.db"
    with monkeypatch.context() as patch:
        first = schema_steps()[:1]
        patch.setattr("flux_tui.storage.database.schema_steps", lambda: first)
        old = SqliteStore(path)
        session_id = await old.create(title="kept")
        assert await old.votes() == []
        await old.aclose()

    store = SqliteStore(path)
    await store.add_vote(VOTE)

    assert await store.votes() == [VOTE]
    assert [info.id for info in await store.sessions()] == [session_id]
    assert len(list(tmp_path.glob("flux.db.backup-v1-*"))) == 1
    await store.aclose()


async def test_a_vote_that_no_disk_takes_counts_for_this_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = SafeStore(tmp_path / "file" / "flux.db")

    await store.add_vote(VOTE)

    assert await store.votes() == [VOTE]
    assert store.problem
    await store.aclose()

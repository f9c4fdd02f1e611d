"""The session a person means, in a store of many."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from flux_tui.core.errors import InputError
from flux_tui.core.messages import user_message
from flux_tui.storage import queries
from flux_tui.storage.database import Database, transaction
from flux_tui.storage.lookup import find_session
from flux_tui.storage.safe import SafeStore
from flux_tui.storage.sqlite import SqliteStore
from tests.storage.test_sqlite import answer, talk


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SafeStore]:
    async with aclosing(SafeStore(tmp_path / "data" / "flux.db")) as opened:
        yield opened


async def test_an_id_a_part_of_it_and_last_find_a_session(store: SafeStore) -> None:
    first, _ = await talk(store)  # type: ignore[arg-type]
    second, _ = await talk(store)  # type: ignore[arg-type]

    for wanted, found in ((first, first), (first[-8:], first), ("last", second)):
        assert (await find_session(store, wanted)).id == found
    assert (await find_session(store, f" {second} ")).messages == 4


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("", "no session ''"),
        ("zzzz", "no session 'zzzz'"),
        ("%", "no session '%'"),
        ("0", "no session"),
        ("\x1b[31m", "no session"),
    ],
)
async def test_what_fits_nothing_is_one_sentence(store: SafeStore, wanted: str, words: str) -> None:
    await talk(store)  # type: ignore[arg-type]
    await talk(store)  # type: ignore[arg-type]

    with pytest.raises(InputError) as caught:
        await find_session(store, wanted)

    assert words in str(caught.value)
    assert "\x1b" not in str(caught.value)


async def test_an_empty_store_has_no_last_session(store: SafeStore) -> None:
    with pytest.raises(InputError, match="no session yet"):
        await find_session(store, "last")


async def test_a_session_that_went_to_memory_is_found_there_once(store: SafeStore) -> None:
    session, conversation = await talk(store)  # type: ignore[arg-type]
    pages = "PRAGMA max_page_count = 1"
    await store._disk._run(lambda opened: opened.connection.execute(pages).fetchone())
    await store.append(session, replace(user_message("x" * 1_000_000), parent=conversation.head))

    (found,) = await store.find(session[-8:])

    assert found.messages == 5


@pytest.mark.slow
async def test_two_thousand_sessions_are_listed_and_searched_fast(tmp_path: Path) -> None:
    def fill(database: Database) -> None:
        connection = database.connection
        with transaction(connection):
            for number in range(2_000):
                session = queries.create(connection, ("", "", ""), "2026-11-01T00:00:00+00:00", "")
                parent: str | None = None
                for turn in range(3):
                    question = replace(user_message(f"question {number} {turn}"), parent=parent)
                    reply = answer("reply " * 20, question.id)
                    for message in (question, reply):
                        queries.append(connection, session, message, searchable=database.searchable)
                    parent = reply.id

    async with aclosing(SqliteStore(tmp_path / "flux.db")) as store:
        await store._run(fill)
        took: list[float] = []
        for listing in (store.sessions(), store.sessions("question 1999"), store.find("ffffffff")):
            began = time.process_time()
            await listing
            took.append(time.process_time() - began)

    # About 20, 5 and 2 ms of processor time on a machine of 2024.
    assert max(took) < 0.5, took

"""Several processes on one database, and processes that are killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from flux_tui.core.messages import user_message
from flux_tui.storage.claims import is_free, own_claim
from flux_tui.storage.database import BUSY_MS
from flux_tui.storage.safe import SafeStore
from flux_tui.storage.sqlite import SqliteStore

DRAFTER = """
import asyncio, sys
from dataclasses import replace
from flux_tui.core.messages import Message, Text, user_message
from flux_tui.storage.sqlite import SqliteStore

async def main():
    store = SqliteStore(sys.argv[1])
    session = await store.create()
    question = user_message("count")
    await store.append(session, question)
    reply = Message(role="assistant", parts=(Text("0"),), parent=question.id)
    number = 0
    while True:
        number += 1
        await store.draft(session, replace(reply, parts=(Text(f"counted to {number}"),)))
        print(session, number, flush=True)

asyncio.run(main())
"""

WRITER = """
import asyncio, sys
from flux_tui.core.messages import user_message
from flux_tui.storage.sqlite import SqliteStore

async def main():
    store = SqliteStore(sys.argv[1])
    session = await store.create(title=sys.argv[2])
    for number in range(50):
        await store.append(session, user_message(f"{sys.argv[2]} {number}"))
        await store.sessions()
    await store.aclose()

asyncio.run(main())
"""

READ_ONLY = """
import urllib.parse  # needed later, when this process may no longer read Python's own files
import asyncio, os, sys
from flux_tui.core.messages import user_message
from flux_tui.storage.safe import SafeStore

from flux_tui.storage import database

steps = database.schema_steps()
database.schema_steps = lambda: steps  # another user may not be allowed to read the checkout

async def main():
    if os.getuid() == 0:  # root may write everywhere
        os.setgid(65534)
        os.setuid(65534)
    store = SafeStore(sys.argv[1])
    health = await store.health()
    assert not health.writable, health
    (info,) = await store.sessions()
    await store.append(info.id, user_message("more"))
    print([message.text for message in (await store.load(info.id)).messages])
    print((await store.health()).notice)
    await store.aclose()

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "flux.db"


def start(script: str, *words: object) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", script, *map(str, words)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_process_loses_no_draft_that_was_stored(path: Path) -> None:
    with start(DRAFTER, path) as child:
        assert child.stdout is not None
        acknowledged = [child.stdout.readline().split() for _ in range(30)]
        assert not is_free(asyncio.run(_claim(path, acknowledged[0][0])))
        child.kill()
        acknowledged += [line.split() for line in child.stdout.read().splitlines()]
    session = acknowledged[0][0]
    last = max(int(words[1]) for words in acknowledged if len(words) == 2)

    question, reply = asyncio.run(_load(path, session))

    assert question.text == "count"
    assert reply.stop == "interrupted"
    # One more may have been written and not yet acknowledged.
    assert int(reply.text.split()[-1]) in {last, last + 1}


async def _load(path: Path, session: str) -> tuple:  # type: ignore[type-arg]
    async with aclosing(SqliteStore(path)) as store:
        assert await store.claim(session)
        return (await store.load(session)).path


async def _claim(path: Path, session: str) -> str:
    from flux_tui.storage import queries

    async with aclosing(SqliteStore(path)) as store:
        return await store._run(lambda opened: queries.claim_of(opened.connection, session))


def test_the_reply_of_a_live_process_is_left_to_it(path: Path) -> None:
    async def look(session: str) -> None:
        async with aclosing(SqliteStore(path)) as store:
            assert not await store.claim(session)
            assert len((await store.load(session)).messages) == 1

    with start(DRAFTER, path) as child:
        assert child.stdout is not None
        session = child.stdout.readline().split()[0]
        asyncio.run(look(session))
        child.kill()
        child.stdout.read()


def test_two_processes_write_at_once_and_lose_nothing(path: Path) -> None:
    children = [start(WRITER, path, name) for name in ("one", "two")]
    for child in children:
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors

    async def look() -> list[list[str]]:
        async with aclosing(SqliteStore(path)) as store:
            infos = sorted(await store.sessions(), key=lambda info: info.title)
            return [[m.text for m in (await store.load(info.id)).messages] for info in infos]

    assert asyncio.run(look()) == [
        [f"{name} {number}" for number in range(50)] for name in ("one", "two")
    ]


def test_a_database_that_may_only_be_read_is_shown_and_the_chat_goes_on() -> None:
    # Pytest's own folders are closed to the other user that root becomes in the child.
    with tempfile.TemporaryDirectory() as home:
        path = Path(home, "data", "flux.db")

        async def fill() -> None:
            async with aclosing(SqliteStore(path)) as store:
                await store.append(await store.create(), user_message("kept"))

        asyncio.run(fill())
        Path(home).chmod(0o755)
        path.parent.chmod(0o555)
        path.chmod(0o444)
        try:
            with start(READ_ONLY, path) as child:
                out, errors = child.communicate(timeout=60)
        finally:
            path.parent.chmod(0o755)

    assert child.returncode == 0, errors
    texts, notice = out.splitlines()
    assert texts == "['kept', 'more']"
    assert "only be read" in notice or "cannot be opened" in notice


def test_a_session_given_back_may_be_taken(path: Path) -> None:
    async def take() -> None:
        async with aclosing(SqliteStore(path)) as one:
            session = await one.create()
            await one.append(session, user_message("x"))
        assert await _claim(path, session) == ""
        async with aclosing(SafeStore(path)) as two:
            assert await two.claim(session)

    asyncio.run(take())


def test_the_claim_of_a_dead_process_or_another_one_of_that_number_is_free() -> None:
    with subprocess.Popen(["sleep", "30"]) as child:
        from flux_tui.storage import claims

        live = f"{child.pid} {claims._started(child.pid)}"
        assert not is_free(live)
        assert is_free(f"{child.pid} another start")
        child.kill()
        child.wait()
        assert is_free(live)
    assert is_free("")
    assert is_free("rubbish")
    assert is_free(own_claim())
    assert own_claim().startswith(f"{os.getpid()} ")


async def test_the_event_loop_runs_while_the_store_waits(path: Path) -> None:
    import sqlite3
    from contextlib import closing

    async with aclosing(SqliteStore(path)) as store:
        session = await store.create()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            writing = asyncio.create_task(store.append(session, user_message("x")))
            began = time.perf_counter()
            for _ in range(10):
                await asyncio.sleep(0.01)
            assert time.perf_counter() - began < BUSY_MS / 1000
            assert not writing.done()
            other.execute("COMMIT")
        await writing

        assert len((await store.load(session)).messages) == 1

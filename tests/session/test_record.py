"""What a session writes is there once and in its order, whoever stops waiting for it."""

from __future__ import annotations

import asyncio

from flux_tui.core.messages import Conversation, user_message
from flux_tui.core.notices import Notice
from flux_tui.session.record import Record
from flux_tui.storage.sqlite import SqliteStore


async def test_a_write_that_nobody_waits_for_any_more_disturbs_no_later_one(
    store: SqliteStore,
) -> None:
    known: list[str] = []

    async def begin() -> str:
        if not known:
            made = await store.create()
            known.append(made)
        return known[0]

    told: list[str] = []
    record = Record(store, begin, told.append)
    first = Conversation().plus(user_message("first"))
    second = first.plus(user_message("second"))
    third = second.plus(user_message("third"))
    notice = Notice(second.head, "notice", "asked again once")

    quitting = asyncio.ensure_future(record.add(first.messages[-1]))
    await asyncio.sleep(0)  # it has begun
    quitting.cancel()
    await asyncio.gather(
        record.add(second.messages[-1]), record.note(notice), quitting, return_exceptions=True
    )
    await record.add(third.messages[-1])

    (session,) = await store.sessions()
    stored = await store.load(session.id)
    assert [message.text for message in stored.path] == ["first", "second", "third"]
    assert await store.notices(session.id) == [notice]
    assert told == []

"""What happened to a conversation beside its messages is there again, and no model reads it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from flux_tui.core.errors import ProviderError
from flux_tui.core.events import ReplyStarted, RetryScheduled, ToolStarted
from flux_tui.core.notices import Notice
from flux_tui.session.session import ChatSession
from flux_tui.storage.sqlite import SqliteStore
from tests.session.helpers import (
    PlainTool,
    ScriptedProvider,
    calls,
    drain,
    drain_stopping,
    make_session,
    model,
    says,
)


async def stored(chat: ChatSession, store: SqliteStore) -> list[Notice]:
    assert chat.id is not None
    return await store.notices(chat.id)


async def test_a_change_of_model_is_stored_with_the_message_that_follows_it(
    store: SqliteStore, tmp_path: Path
) -> None:
    chat = make_session(store, ScriptedProvider(says("hello")), root=tmp_path)
    await drain(chat.send("hi"))
    head = chat.conversation.head
    line = chat.swap(model("beta")).line()

    assert chat.told == (Notice(head, "switch", line),)
    assert await stored(chat, store) == []

    await drain(chat.send("and now?"))

    assert await stored(chat, store) == [Notice(head, "switch", line)]
    assert chat.told == (Notice(head, "switch", line),)


async def test_a_change_before_anything_was_said_is_none(
    store: SqliteStore, tmp_path: Path
) -> None:
    chat = make_session(store, ScriptedProvider(says("hello")), root=tmp_path)
    chat.swap(model("beta"))

    await drain(chat.send("hi"))

    assert chat.told == ()


async def test_what_a_second_try_left_out_is_stored_and_sent_to_nobody(
    store: SqliteStore, tmp_path: Path
) -> None:
    again = RetryScheduled("reasoning left out", 0.0, 2, 2, repaired=True)
    provider = ScriptedProvider((again, *says("hello")), says("fine"))
    chat = make_session(store, provider, root=tmp_path)

    await drain(chat.send("hi"))
    question = chat.conversation.path[0].id
    await drain(chat.send("more"))

    expected = Notice(question, "notice", "Asked again once: reasoning left out")
    assert await stored(chat, store) == [expected]
    assert not any("Asked again" in m.text for r in provider.requests for m in r.messages)
    assert chat.id is not None
    assert (await store.load(chat.id)).path == chat.conversation.path


async def test_a_failure_that_no_message_tells_is_stored_with_its_hint(
    store: SqliteStore, tmp_path: Path
) -> None:
    refused = ProviderError("the key is refused", hint="set another one", kind="auth", provider="a")
    chat = make_session(store, ScriptedProvider((refused,)), root=tmp_path)

    await drain(chat.send("hi"))

    head = chat.conversation.head
    assert await stored(chat, store) == [
        Notice(head, "error", "the key is refused\nset another one")
    ]


async def test_a_failure_that_a_message_tells_is_not_stored_twice(
    store: SqliteStore, tmp_path: Path
) -> None:
    broke = ProviderError("the connection broke", kind="connection", provider="a")
    chat = make_session(store, ScriptedProvider((says("half")[0], broke)), root=tmp_path)

    await drain(chat.send("hi"))

    assert chat.conversation.path[-1].error
    assert await stored(chat, store) == []


async def test_passing_news_and_refusals_are_not_stored(store: SqliteStore, tmp_path: Path) -> None:
    chat = make_session(store, ScriptedProvider(says("hello")), root=tmp_path)
    chat.notices.append("a file could not be read")
    await drain(chat.send("hi"))
    await drain(chat.send("  "))
    await drain(chat.run_line("ls"))

    assert await stored(chat, store) == []


async def test_what_one_column_was_told_is_not_shown_with_the_answer_of_another(
    store: SqliteStore, tmp_path: Path
) -> None:
    again = RetryScheduled("reasoning left out", 0.0, 2, 2, repaired=True)
    chat = make_session(store, ScriptedProvider(says("x"), (again, *says("y"))), root=tmp_path)
    await drain(chat.send("hi"))
    column = chat.branch(model("beta"))
    await drain(column.send("more"))

    await chat.adopt(column.conversation)

    assert [notice.kind for notice in column.told] == ["notice"]
    assert chat.told == ()
    assert await stored(chat, store) == []


async def test_a_stop_before_anything_came_is_stored(store: SqliteStore, tmp_path: Path) -> None:
    chat = make_session(store, ScriptedProvider((asyncio.Event(),)), root=tmp_path)

    await drain_stopping(chat, "hi", ReplyStarted)

    (told,) = await stored(chat, store)
    assert (told.after, told.kind) == (chat.conversation.path[0].id, "notice")
    assert "Stopped" in told.text


async def test_a_stop_among_the_tools_of_an_answer_does_not_deny_that_answer(
    store: SqliteStore, tmp_path: Path
) -> None:
    provider = ScriptedProvider(calls(("look", "{}")))
    chat = make_session(store, provider, PlainTool(seconds=60), root=tmp_path)

    await drain_stopping(chat, "hi", ToolStarted)

    (told,) = await stored(chat, store)
    assert [message.role for message in chat.conversation.path] == ["user", "assistant", "tool"]
    assert told.text == "Stopped before the answer went on"

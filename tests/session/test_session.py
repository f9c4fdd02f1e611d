"""The session: one turn at a time, swaps, branches, and a store that may fail."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flux_tui.core.errors import InputError, StoreError
from flux_tui.core.events import Committed, Noted, ReplyDelta, TextDelta
from flux_tui.core.messages import Image, Message
from flux_tui.storage.sqlite import SqliteStore
from tests.session.helpers import (
    ScriptedProvider,
    Wait,
    committed,
    drain,
    drain_stopping,
    ended,
    make_session,
    model,
    says,
)


class FailingStore(SqliteStore):
    """A real store whose disk is full while `full` is set."""

    full = True

    async def append(self, session_id: str, message: Message) -> None:
        if self.full:
            raise StoreError("the disk is full", hint="make room")
        await super().append(session_id, message)

    async def set_head(self, session_id: str, message_id: str | None) -> None:
        raise StoreError("the disk is full")


async def test_only_one_turn_runs_at_a_time(store: SqliteStore, tmp_path: Path) -> None:
    session = make_session(store, ScriptedProvider((TextDelta(0, "Half"), Wait(30))), root=tmp_path)

    async for event in session.send("First"):
        if isinstance(event, ReplyDelta):
            assert session.busy
            second = await drain(session.send("Second"))
            assert ended(second).error == "an answer is still running"
            with pytest.raises(InputError, match="still running"):
                await session.rewind("x")
            session.stop()

    assert not session.busy
    assert [m.text for m in session.conversation] == ["First", "Half"]


async def test_stop_without_a_turn_does_nothing(store: SqliteStore, tmp_path: Path) -> None:
    session = make_session(store, ScriptedProvider(says("Hello")), root=tmp_path)

    session.stop()

    assert ended(await drain(session.send("Hi"))).reason == "end"


async def test_nothing_to_send_is_said_and_not_sent(store: SqliteStore, tmp_path: Path) -> None:
    session = make_session(store, ScriptedProvider(says("Hello")), root=tmp_path)

    assert ended(await drain(session.send(" \n"))).error == "there is nothing to send"
    assert ended(await drain(session.retry())).error == "there is nothing to answer yet"
    assert session.id is None


async def test_a_picture_alone_can_be_sent_and_text_is_cleaned(
    store: SqliteStore, tmp_path: Path
) -> None:
    provider = ScriptedProvider(says("Nice"))
    session = make_session(store, provider, root=tmp_path)

    await drain(session.send("a\x1b[31mb\ud800", [Image(b"x", "image/png")]))

    picture, words = session.conversation.path[0].parts
    assert isinstance(picture, Image)
    assert words.text == "ab\ufffd"


async def test_a_swap_counts_from_the_next_message_on(store: SqliteStore, tmp_path: Path) -> None:
    provider = ScriptedProvider(says("One"), says("Two"))
    session = make_session(store, provider, root=tmp_path)

    async for event in session.send("Hi"):
        if isinstance(event, ReplyDelta) and isinstance(event.event, TextDelta):
            before = session.conversation
            switch = session.swap(model("beta", "openai"), "high")
            assert session.conversation is before
    await drain(session.send("Again"))

    assert [str(m.model) for m in session.conversation if m.role == "assistant"] == [
        "anthropic/alpha",
        "openai/beta",
    ]
    assert (str(switch.before), str(switch.after)) == ("anthropic/alpha", "openai/beta")
    assert switch.new_reader == ""
    assert session.swap(model("gamma", "third")).line().endswith("third will read the history")
    assert session.effort == "high"
    assert "You are beta of the provider openai" in provider.requests[1].system


async def test_retry_asks_the_same_question_on_a_new_branch(
    store: SqliteStore, tmp_path: Path
) -> None:
    session = make_session(store, ScriptedProvider(says("One"), says("Two")), root=tmp_path)
    await drain(session.send("Hi"))

    await drain(session.retry())

    assert [m.text for m in session.conversation] == ["Hi", "Two"]
    question = session.conversation.path[0].id
    assert [m.text for m in session.conversation.children(question)] == ["One", "Two"]
    assert session.id is not None
    assert await store.load(session.id) == session.conversation


async def test_retry_after_a_failure_answers_the_question_that_stands(
    store: SqliteStore, tmp_path: Path
) -> None:
    session = make_session(store, ScriptedProvider((), says("Two")), root=tmp_path)
    await drain(session.send("Hi"))

    events = await drain(session.retry())

    assert committed(events)[0].text == "Two"
    assert committed(events, "user") == []


async def test_rewind_stands_before_a_message_and_gives_its_text(
    store: SqliteStore, tmp_path: Path
) -> None:
    session = make_session(store, ScriptedProvider(says("One")), root=tmp_path)
    await drain(session.send("First"))
    await drain(session.send("Second"))
    second = session.conversation.path[2]

    text = await session.rewind(second.id)

    assert text == "Second"
    assert [m.text for m in session.conversation] == ["First", "One"]
    assert len(session.conversation.messages) == 4
    assert session.id is not None
    assert (await store.load(session.id)).head == session.conversation.head
    with pytest.raises(InputError, match="messages of the user"):
        await session.rewind(session.conversation.path[1].id)


async def test_the_first_message_can_be_edited(store: SqliteStore, tmp_path: Path) -> None:
    session = make_session(store, ScriptedProvider(says("One")), root=tmp_path)
    await drain(session.send("First"))

    await session.rewind(session.conversation.path[0].id)
    await drain(session.send("Better"))

    assert [m.text for m in session.conversation] == ["Better", "One"]
    assert session.id is not None
    assert await store.load(session.id) == session.conversation


async def test_a_full_disk_keeps_the_chat_in_memory_and_stores_it_later(tmp_path: Path) -> None:
    store = FailingStore(tmp_path / "flux.db")
    session = make_session(store, ScriptedProvider(says("Hello")), root=tmp_path)

    events = await drain(session.send("Hi"))
    assert ended(events).reason == "end"
    (notice,) = [event.text for event in events if isinstance(event, Noted)]
    assert "kept in memory only: the disk is full; make room" in notice
    await session.rewind(session.conversation.path[0].id)

    store.full = False
    await drain(session.send("Once more"))

    assert session.id is not None
    assert {m.text for m in (await store.load(session.id)).messages} == {"Hi", "Hello", "Once more"}
    await session.rewind(session.conversation.path[0].id)
    assert len(session.notices) == 1
    await store.aclose()


async def test_a_session_that_another_program_holds_is_not_written(
    store: SqliteStore, tmp_path: Path
) -> None:
    session = make_session(store, ScriptedProvider(says("Hello")), root=tmp_path)
    session.read_only = True

    end = ended(await drain(session.send("Hi")))

    assert end.error == "this session can only be read here"
    assert len(session.conversation) == 0


async def test_an_endpoint_that_cannot_be_opened_ends_the_turn_with_its_sentence(
    store: SqliteStore, tmp_path: Path
) -> None:
    session = make_session(store, ScriptedProvider(says("Hello")), root=tmp_path)

    async def refuse(info):
        raise InputError("there is no key for Anthropic", hint="set ANTHROPIC_API_KEY")

    object.__setattr__(session._services, "open_provider", refuse)

    end = ended(await drain(session.send("Hi")))

    assert (end.error, end.hint) == ("there is no key for Anthropic", "set ANTHROPIC_API_KEY")
    assert not session.busy


async def test_a_slow_key_command_can_be_stopped(store: SqliteStore, tmp_path: Path) -> None:
    session = make_session(store, ScriptedProvider(says("Hello")), root=tmp_path)

    async def wait(info):
        await asyncio.sleep(30)

    object.__setattr__(session._services, "open_provider", wait)

    events = await drain_stopping(session, "Hi", Committed)

    assert ended(events).reason == "aborted"


async def test_a_session_can_be_renamed(store: SqliteStore, tmp_path: Path) -> None:
    session = make_session(store, ScriptedProvider(says("Hello")), root=tmp_path)
    await session.rename("Before\nit is stored")
    await drain(session.send("Hi"))

    await session.rename("Afterwards")

    assert [info.title for info in await store.sessions()] == ["Afterwards"]


async def test_context_is_counted_and_then_reported(store: SqliteStore, tmp_path: Path) -> None:
    session = make_session(store, ScriptedProvider(says("Hello")), root=tmp_path)
    assert session.context().tokens == 0

    await drain(session.send("Hi"))

    use = session.context()
    assert (use.tokens, use.window, use.estimated) == (15, 1_000, False)
    assert use.share == 0.015
    assert session.context() is use

"""A long conversation becomes a summary on a branch of its own; the original stays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flux_tui.core.errors import ProviderError
from flux_tui.core.events import Noted, ReplyDelta, TextDelta, TurnEvent
from flux_tui.core.messages import Message, Text, ToolCall, ToolResult, user_message
from flux_tui.core.models import ModelRef
from flux_tui.session.compact import INSTRUCTION, gather
from flux_tui.session.privacy import Privacy
from flux_tui.storage.sqlite import SqliteStore
from tests.session.helpers import (
    CENT,
    ScriptedProvider,
    Wait,
    calls,
    committed,
    drain,
    ended,
    make_session,
    model,
    says,
)


def weigh(messages: tuple[Message, ...]) -> int:
    return sum(
        len(part.text)
        for message in messages
        for part in message.parts
        if isinstance(part, Text | ToolResult)
    )


def said(text: str) -> Message:
    return Message(role="assistant", parts=(Text(text),), model=ModelRef("anthropic", "alpha"))


async def test_the_conversation_goes_on_from_the_summary_alone(
    store: SqliteStore, tmp_path: Path
) -> None:
    provider = ScriptedProvider(says("One"), says("They talked of plums."), says("Two"))
    session = make_session(store, provider, root=tmp_path)
    await drain(session.send("Plums?"))
    original = session.conversation.path

    events = await drain(session.compact())
    await drain(session.send("And now?"))

    assert (ended(events).reason, ended(events).error) == ("end", "")
    (notice,) = [event.text for event in events if isinstance(event, Noted)]
    assert notice == "2 messages summarised; the original stays as another branch"
    assert provider.requests[1].messages[-1].text == INSTRUCTION
    summary, question = provider.requests[2].messages
    assert "They talked of plums." in summary.text
    assert "anthropic/alpha" in summary.text
    assert question.text == "And now?"
    assert session.conversation.path[0].parent is None
    assert session.needs_consent(model("gpt", "openai")) == "openai"
    assert set(original) <= set(session.conversation.messages)
    assert session.ledger.session.amount == 3 * CENT
    assert session.id is not None
    assert await store.load(session.id) == session.conversation


@pytest.mark.parametrize(
    "script",
    [
        (ProviderError("no", kind="context", provider="anthropic"),),
        says("cut", stop="length"),
        says(""),
        calls(("look", "{}")),
    ],
)
async def test_without_a_summary_everything_stays_as_it_was(
    store: SqliteStore, tmp_path: Path, script: object
) -> None:
    provider = ScriptedProvider(says("One"), script, says("Two"))  # type: ignore[arg-type]
    session = make_session(store, provider, root=tmp_path)
    await drain(session.send("Plums?"))
    path = session.conversation.path

    events = await drain(session.compact())

    assert ended(events).error
    assert session.conversation.path == path
    await drain(session.send("And now?"))
    assert [m.text for m in provider.requests[2].messages] == ["Plums?", "One", "And now?"]
    assert session.id is not None
    assert await store.load(session.id) == session.conversation


async def test_stopping_a_summary_leaves_the_conversation(
    store: SqliteStore, tmp_path: Path
) -> None:
    provider = ScriptedProvider(says("One"), (TextDelta(0, "Half"), Wait(30)))
    session = make_session(store, provider, root=tmp_path)
    await drain(session.send("Plums?"))
    path = session.conversation.path

    events: list[TurnEvent] = []
    async for event in session.compact():
        events.append(event)
        if isinstance(event, ReplyDelta):
            asyncio.get_running_loop().call_later(0.05, session.stop)

    assert ended(events).reason == "aborted"
    assert session.conversation.path == path
    assert [answer.text for answer in committed(events)] == ["Half"]


async def test_nothing_is_compacted_before_an_answer(store: SqliteStore, tmp_path: Path) -> None:
    provider = ScriptedProvider(says("One"))
    session = make_session(store, provider, root=tmp_path)

    assert "nothing to compact" in ended(await drain(session.compact())).error
    assert provider.requests == []


def test_what_fits_is_summarised_whole() -> None:
    history = (user_message("a" * 10), said("b" * 10))

    assert gather(history, Privacy(), None, weigh).messages == history
    assert gather(history, Privacy(), 100, weigh).messages == history


def test_tool_results_are_cut_before_messages_are_left_out() -> None:
    call = Message(role="assistant", parts=(ToolCall("c", "look"),))
    result = Message(role="tool", parts=(ToolResult("c", "look", (Text("x" * 5_000),)),))
    history = (user_message("a" * 10), call, result, said("b" * 10))

    cut = gather(history, Privacy(), 2_000, weigh)

    assert (len(cut.messages), cut.left_out) == (4, 0)
    assert weigh(cut.messages) < 1_200


def test_the_oldest_turns_are_left_out_when_nothing_else_helps() -> None:
    turns = [(user_message(str(n) * 100), said("b" * 100)) for n in range(5)]
    history = tuple(message for turn in turns for message in turn)

    found = gather(history, Privacy(), 600, weigh)

    assert found.messages == history[-4:]
    assert found.left_out == 6
    assert "6 messages left out because the window is too small" in found.told()
    assert gather(history, Privacy(), 10, weigh).messages == history[-2:]


def test_marked_turns_are_in_no_summary() -> None:
    history = (user_message("plum"), said("hush"), user_message("b"), said("c"))

    found = gather(history, Privacy(frozenset({history[1].id})), None, weigh)

    assert found.messages == history[2:]
    assert "2 messages left out as not to be handed over" in found.told()

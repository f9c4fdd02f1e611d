"""Every fault of the network, through a whole turn: adapters, SDKs, store, and what is shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.core.events import (
    Noted,
    ReplyDelta,
    RetryScheduled,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEvent,
)
from flux_tui.core.messages import Message, Text, Thinking, ToolCall, ToolResult
from flux_tui.providers import transport
from flux_tui.session.approvals import Answer
from flux_tui.session.session import ChatSession
from flux_tui.session.wiring import SIMULATOR_KEY, Runtime
from flux_tui.sim.app import Simulator
from flux_tui.sim.faults import FAULTS
from flux_tui.tools.base import Preview, Tool
from tests.session.helpers import PlainTool, Says, committed, drain, ended

MODELS = {
    "anthropic": "anthropic/claude-sonnet-5-5",
    "openai": "openai/gpt-5.5",
    "openai-chat": "openai-chat/gpt-5.5",
    "gemini": "gemini/gemini-3.8-flash",
    "mistral": "mistral/mistral-medium-3-5",
    "cohere": "cohere/command-a-reasoning-08-2025",
}
HARMLESS = {
    *("unknown-event", "comment", "retry", "id", "empty-data", "duplicate-start", "huge-event"),
    *("no-usage", "split", "crlf", "gzip", "duplicate"),
}
PASSING = {
    *("refused", "disconnect", "request-timeout", "server-error", "bad-gateway", "unavailable"),
    *("gateway-timeout", "overloaded", "rate-limit-zero", "rate-limit-negative", "rate-limit-ms"),
    *("rate-limit-bare", "error-first"),
}
LASTING = {  # and a word that the sentence for the user must hold
    "dns": "cannot be found",
    "tls": "certificate",
    "bad-request": "asked to refuse",
    "context": "does not fit",
    "too-large": "too large",
    "unauthorized": "_API_KEY",
    "forbidden": "another",
    "not-found": "another model",
    "quota": "credit",
    "rate-limit-huge": "wait",
    "html": "web page",
    "empty": "empty answer",
}
BREAKING = {"reset", "eof", "truncate", "error", "bad-json"}
SILENT = {"no-headers", "stall", "stall-first"}
WAITING = {"rate-limit", "rate-limit-date"}  # two seconds by the server's word
ELSEWHERE = {
    "drip",  # a byte at a time takes minutes; see the simulator's tests
    "out-of-order",  # not every format has an order; see the adapters' tests
    "invalid-signature",  # healed: below
}


@pytest.fixture
async def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runtime]:
    monkeypatch.setattr(transport, "FIRST_WAIT", 0.01)
    settings = load_settings({"sim_speed": "0"}, {"FLUX_HOME": str(tmp_path / "f")}, tmp_path)
    made = Runtime(settings, root=tmp_path)
    await made.start()
    await made.open_provider(made.find_model(MODELS["openai"]))
    yield made
    await made.aclose()


@pytest.fixture(params=list(MODELS))
def session(runtime: Runtime, request: pytest.FixtureRequest) -> ChatSession:
    return runtime.new_session(runtime.find_model(MODELS[request.param]))


def inject(runtime: Runtime, fault: str, times: int = 99) -> None:
    """Let the simulator's next answers fail."""
    assert isinstance(runtime._simulator, Simulator)
    runtime._simulator._injected.clear()
    if fault:
        runtime._simulator.inject(fault, times)


def retries(events: list[TurnEvent]) -> list[RetryScheduled]:
    found = [event.event for event in events if isinstance(event, ReplyDelta)]
    return [event for event in found if isinstance(event, RetryScheduled)]


async def stored(runtime: Runtime, session: ChatSession) -> None:
    """What the session has is what the store has."""
    assert session.id is not None
    assert await runtime.store.load(session.id) == session.conversation


async def goes_on(runtime: Runtime, session: ChatSession) -> None:
    """The next message is answered as if nothing had happened."""
    inject(runtime, "")
    assert ended(await drain(session.send("Go on"))).error == ""


def signed(message: Message) -> list[str]:
    """What the model signed or sealed in its reasoning."""
    parts = [part for part in message.parts if isinstance(part, Text | Thinking)]
    data = [part.metadata.data for part in parts if part.metadata is not None]
    names = ("signature", "encrypted_content", "thoughtSignature")
    return [str(each[name]) for each in data for name in names if each.get(name)]


def test_every_fault_of_the_simulator_is_here() -> None:
    here = HARMLESS | PASSING | LASTING.keys() | BREAKING | SILENT | WAITING | ELSEWHERE
    assert here == FAULTS.keys()


@pytest.mark.parametrize("fault", sorted(HARMLESS))
async def test_oddities_do_no_harm(runtime: Runtime, session: ChatSession, fault: str) -> None:
    inject(runtime, fault)

    events = await drain(session.send("sim: tokens=6"))

    (answer,) = committed(events)
    assert (ended(events).reason, ended(events).error) == ("end", "")
    assert answer.parts
    assert answer.usage is not None
    assert answer.usage.estimated == (fault == "no-usage")
    assert answer.usage.output > 0
    await stored(runtime, session)


@pytest.mark.parametrize("fault", sorted(PASSING))
async def test_what_passes_is_tried_again_in_sight(
    runtime: Runtime, session: ChatSession, fault: str
) -> None:
    inject(runtime, fault, times=2)

    events = await drain(session.send("sim: tokens=6"))

    assert [retry.attempt for retry in retries(events)] == [2, 3]
    assert all(retry.attempts == 4 and retry.reason for retry in retries(events))
    assert (ended(events).reason, ended(events).error) == ("end", "")
    assert len(committed(events)) == 1
    await stored(runtime, session)


@pytest.mark.parametrize("fault", sorted(LASTING))
async def test_what_does_not_pass_is_told_at_once(
    runtime: Runtime, session: ChatSession, fault: str
) -> None:
    inject(runtime, fault)

    events = await drain(session.send("Hello"))

    end = ended(events)
    assert retries(events) == []
    assert committed(events) == []
    assert not end.retryable or fault == "rate-limit-huge"
    assert LASTING[fault] in f"{end.error} {end.hint}"
    assert session.model.ref.provider in end.error
    assert SIMULATOR_KEY not in end.error
    await stored(runtime, session)
    await goes_on(runtime, session)


@pytest.mark.parametrize("fault", sorted(BREAKING))
async def test_a_broken_stream_keeps_its_part_and_is_not_asked_again(
    runtime: Runtime, session: ChatSession, fault: str
) -> None:
    inject(runtime, f"{fault}@4")

    events = await drain(session.send("sim: tokens=60 think=0"))

    (answer,) = committed(events)
    assert retries(events) == []
    assert answer.parts
    assert answer.stop in {"interrupted", "error"}
    assert answer.error
    assert answer.usage is not None
    assert answer.usage.output > 0
    assert ended(events).error
    await stored(runtime, session)
    await goes_on(runtime, session)


@pytest.mark.parametrize("fault", sorted(SILENT))
async def test_silence_can_be_left_at_once(
    runtime: Runtime, session: ChatSession, fault: str
) -> None:
    began = 0.0

    def stop() -> None:
        nonlocal began
        began = time.monotonic()
        session.stop()

    inject(runtime, f"{fault}@4")
    later = asyncio.get_running_loop().call_later
    if fault != "stall":
        later(0.5, stop)

    events: list[TurnEvent] = []
    async with aclosing(session.send("sim: tokens=60 think=0")) as stream:
        async for event in stream:
            events.append(event)
            if fault == "stall" and not began and isinstance(event, ReplyDelta):
                began = time.monotonic()
                later(0.3, stop)

    assert time.monotonic() - began < 15
    assert ended(events).reason == "aborted"
    assert [bool(answer.parts) for answer in committed(events)] == ([True] * (fault == "stall"))
    await stored(runtime, session)
    await goes_on(runtime, session)


@pytest.mark.parametrize("fault", sorted(WAITING))
async def test_a_wait_the_server_asks_for_is_kept_and_can_be_left(
    runtime: Runtime, session: ChatSession, fault: str
) -> None:
    inject(runtime, fault)

    events: list[TurnEvent] = []
    async for event in session.send("Hello"):
        events.append(event)
        if isinstance(event, ReplyDelta) and isinstance(event.event, RetryScheduled):
            session.stop()
            began = time.monotonic()

    assert 0 < retries(events)[0].seconds <= 2
    assert time.monotonic() - began < 15
    assert ended(events).reason == "aborted"
    assert committed(events) == []
    await stored(runtime, session)


async def test_refused_reasoning_is_left_out_once_and_that_is_said(
    runtime: Runtime, session: ChatSession
) -> None:
    await drain(session.send("sim: think=20 text=hi"))

    inject(runtime, "invalid-signature", times=1)

    events = await drain(session.send("sim: think=20 text=fine"))

    if session.model.api in {"openai-chat", "mistral", "cohere"}:  # they sign no reasoning
        assert ended(events).error
        return
    assert ended(events).error == ""
    (notice,) = [event.text for event in events if isinstance(event, Noted)]
    assert "of earlier turns" in notice
    assert "not sent" in notice
    assert [(retry.repaired, retry.unreasoned) for retry in retries(events)] == [(True, True)]
    await stored(runtime, session)
    first, second = (signed(m) for m in session.conversation.path if m.role == "assistant")
    await goes_on(runtime, session)
    assert isinstance(runtime._simulator, Simulator)
    body = runtime._simulator.requests[-1].body.decode()
    assert first
    assert not [text for text in first if text in body]
    assert second
    assert [text for text in second if text not in body] == []


async def test_a_second_refusal_of_the_repaired_request_ends_the_turn(
    runtime: Runtime, session: ChatSession
) -> None:
    await drain(session.send("sim: think=20 text=hi"))

    inject(runtime, "invalid-signature")

    events = await drain(session.send("sim: text=fine"))

    assert ended(events).error
    assert len(retries(events)) <= 1
    await goes_on(runtime, session)


async def test_a_full_window_is_told_with_the_models_that_have_room(
    runtime: Runtime, session: ChatSession
) -> None:
    small = replace(session.model, context_window=100)
    inject(runtime, "context")

    session.swap(small)
    end = ended(await drain(session.send("Hello")))

    larger = runtime.catalog.larger(small)
    assert len(larger) == 3
    assert end.reason == "context"
    assert "compact the conversation" in end.hint
    assert [str(ref) for ref in larger if str(ref) not in end.hint] == []
    assert not end.retryable


async def test_stop_in_the_middle_of_a_tool_leaves_a_whole_history(
    runtime: Runtime, session: ChatSession
) -> None:
    slow = PlainTool("read_file", seconds=30)
    runtime.tools["read_file"] = slow
    session = runtime.new_session(session.model)
    session.policy.mode = "all"

    events: list[TurnEvent] = []
    async for event in session.send('sim: tool=read_file:{"path":"a"} tool=read_file:{"path":"b"}'):
        events.append(event)
        if isinstance(event, ToolStarted):
            session.stop()

    assert ended(events).reason == "aborted"
    states = [event.state for event in events if isinstance(event, ToolFinished)]
    assert states == ["cancelled", "cancelled"]
    results = [p for m in committed(events, "tool") for p in m.parts if isinstance(p, ToolResult)]
    assert len(results) == 2
    await stored(runtime, session)
    await goes_on(runtime, session)


async def test_stop_while_approval_is_asked_leaves_a_whole_history(
    runtime: Runtime, session: ChatSession
) -> None:
    class Leaving(Says):
        async def ask(self, call: ToolCall, tool: Tool, preview: Preview | None) -> Answer:
            session.stop()
            return await super().ask(call, tool, preview)

    approver = Leaving(Answer.ONCE, seconds=30)
    session.approver = approver

    events = await drain(session.send('sim: tool=write_file:{"path":"a","content":"b"}'))

    assert any(isinstance(event, ToolStarted) and event.waiting for event in events)
    assert ended(events).reason == "aborted"
    assert approver.cancelled
    assert not (runtime.root / "a").exists()
    await stored(runtime, session)
    await goes_on(runtime, session)


async def test_stop_between_two_words_keeps_what_was_said(
    runtime: Runtime, session: ChatSession
) -> None:
    events: list[TurnEvent] = []
    async for event in session.send("sim: tokens=500 speed=100 think=0"):
        events.append(event)
        if isinstance(event, ReplyDelta) and isinstance(event.event, TextDelta):
            session.stop()

    (answer,) = committed(events)
    assert (answer.stop, answer.error) == ("aborted", "")
    assert answer.parts
    assert answer.timing is not None
    assert answer.timing.first is not None
    await stored(runtime, session)


async def test_a_conversation_with_tools_and_reasoning_can_be_compacted(
    runtime: Runtime, session: ChatSession
) -> None:
    session.policy.mode = "read"
    await drain(session.send('sim: think=20 tool=list_files:{"path":"."}'))

    events = await drain(session.compact())

    assert (ended(events).reason, ended(events).error) == ("end", "")
    assert len(session.conversation.path) == 1
    other = "anthropic" if session.model.ref.provider != "anthropic" else "openai"
    assert session.needs_consent(runtime.find_model(MODELS[other])) is not None
    await goes_on(runtime, session)
    await stored(runtime, session)

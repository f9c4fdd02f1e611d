"""What a turn yields, keeps and stores, whatever the provider does."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import aclosing, closing
from decimal import Decimal
from pathlib import Path

import pytest

from flux_tui.core.errors import ProviderError
from flux_tui.core.events import (
    Committed,
    ReplyDelta,
    ReplyStarted,
    RetryScheduled,
    Stopped,
    TextDelta,
    ThinkingDelta,
    TurnEvent,
    UsageUpdate,
)
from flux_tui.core.messages import Text, Thinking
from flux_tui.core.usage import Cost, Usage
from flux_tui.session.ledger import CostLedger
from flux_tui.session.turn import run_turn
from flux_tui.storage.sqlite import SqliteStore
from tests.session.helpers import (
    CENT,
    PlainTool,
    ScriptedProvider,
    Wait,
    calls,
    committed,
    drain,
    drain_stopping,
    ended,
    make_session,
    says,
)


def failure(kind: str = "overloaded") -> ProviderError:
    return ProviderError("anthropic is overloaded", kind=kind, provider="anthropic", hint="wait")


async def test_an_answer_is_streamed_stored_and_priced(store: SqliteStore, tmp_path: Path) -> None:
    session = make_session(store, ScriptedProvider(says("Hello")), root=tmp_path)

    events = await drain(session.send("Hi there"))

    kinds = [type(event).__name__ for event in events]
    assert kinds == ["Committed", "ReplyStarted", *["ReplyDelta"] * 3, "Committed", "TurnEnded"]
    assert ended(events).reason == "end"
    (answer,) = committed(events)
    assert answer.text == "Hello"
    assert answer.cost == Cost(amount=CENT, basis="computed", as_of="2026-11-01")
    assert answer.timing is not None
    assert answer.timing.first is not None
    assert answer.timing.total >= answer.timing.first
    assert session.id is not None
    assert await store.load(session.id) == session.conversation
    assert session.title == "Hi there"
    assert not session.busy


async def test_a_message_is_stored_before_it_is_shown(store: SqliteStore, tmp_path: Path) -> None:
    session = make_session(store, ScriptedProvider(says("Hello")), root=tmp_path)

    async for event in session.send("Hi"):
        if isinstance(event, Committed):
            assert session.id is not None
            assert event.message in (await store.load(session.id)).messages


async def test_how_long_the_model_thought_is_kept_with_its_reasoning(
    store: SqliteStore, tmp_path: Path
) -> None:
    seen = asyncio.Event()
    script = (ThinkingDelta(0, "hm"), seen, ThinkingDelta(0, " so"), *says("Yes"))
    session = make_session(store, ScriptedProvider(script), root=tmp_path)
    begun = time.monotonic()

    async for event in session.send("Hi"):
        if isinstance(event, ReplyDelta) and not seen.is_set():
            await asyncio.sleep(0.1)
            seen.set()
    passed = time.monotonic() - begun

    assert session.id is not None
    thought = (await store.load(session.id)).path[-1].parts[0]
    assert isinstance(thought, Thinking)
    assert thought.text == "hm so"
    assert thought.seconds is not None
    assert 0.09 < thought.seconds < passed


async def test_stop_keeps_the_partial_answer_and_waits_for_nothing(
    store: SqliteStore, tmp_path: Path
) -> None:
    provider = ScriptedProvider((TextDelta(0, "Half"), Wait(30), TextDelta(0, " more")))
    session = make_session(store, provider, root=tmp_path)
    stopped = 0.0

    events = []
    async for event in session.send("Hi"):
        events.append(event)
        if isinstance(event, ReplyDelta):
            asyncio.get_running_loop().call_later(0.05, session.stop)
            stopped = time.monotonic() + 0.05

    assert time.monotonic() - stopped < 15
    assert ended(events).reason == "aborted"
    (answer,) = committed(events)
    assert (answer.text, answer.stop, answer.error) == ("Half", "aborted", "")
    assert answer.usage is not None
    assert answer.usage.estimated
    assert answer.usage.input > 0
    assert provider.closed == 1


async def test_stop_before_anything_came_commits_no_answer(
    store: SqliteStore, tmp_path: Path
) -> None:
    session = make_session(store, ScriptedProvider((), preparing=30), root=tmp_path)

    events = await drain_stopping(session, "Hi", ReplyStarted)

    assert ended(events).reason == "aborted"
    assert committed(events) == []


async def test_what_arrived_by_the_time_of_the_stop_is_kept_even_if_unshown(
    store: SqliteStore, tmp_path: Path
) -> None:
    script = (*[TextDelta(0, f"{n} ") for n in range(50)], Wait(30))
    session = make_session(store, ScriptedProvider(script), root=tmp_path)

    events = []
    async for event in session.send("Hi"):
        events.append(event)
        if isinstance(event, ReplyDelta):
            session.stop()

    assert sum(isinstance(event, ReplyDelta) for event in events) == 1
    assert committed(events)[0].text.startswith("0 1 2 ")
    assert committed(events)[0].text.endswith("49 ")


async def test_an_error_before_the_first_byte_leaves_only_the_question(
    store: SqliteStore, tmp_path: Path
) -> None:
    session = make_session(store, ScriptedProvider((failure(),)), root=tmp_path)

    events = await drain(session.send("Hi"))

    end = ended(events)
    assert (end.reason, end.error, end.hint) == ("error", "anthropic is overloaded", "wait")
    assert end.retryable
    assert committed(events) == []
    assert len(session.conversation) == 1


@pytest.mark.parametrize(("kind", "stop"), [("server", "error"), ("incomplete", "interrupted")])
async def test_an_error_in_the_middle_keeps_what_has_arrived(
    store: SqliteStore, tmp_path: Path, kind: str, stop: str
) -> None:
    begun = UsageUpdate(Usage(input=10, output=1))
    script = (begun, TextDelta(0, "Half an answer"), failure(kind))
    session = make_session(store, ScriptedProvider(script), root=tmp_path)

    events = await drain(session.send("Hi"))

    (answer,) = committed(events)
    assert (answer.text, answer.stop) == ("Half an answer", stop)
    assert "anthropic is overloaded" in answer.error
    assert answer.usage == Usage(input=10, output=len("Half an answer"), estimated=True)
    assert ended(events).reason == stop


async def test_reported_tokens_of_a_broken_answer_are_never_lowered(
    store: SqliteStore, tmp_path: Path
) -> None:
    script = (UsageUpdate(Usage(input=10, output=900)), TextDelta(0, "Half"), failure())
    session = make_session(store, ScriptedProvider(script), root=tmp_path)

    events = await drain(session.send("Hi"))

    assert committed(events)[0].usage == Usage(input=10, output=900)


async def test_a_provider_that_breaks_its_contract_ends_the_turn_with_a_sentence(
    store: SqliteStore, tmp_path: Path
) -> None:
    script = (TextDelta(0, "Half"), RuntimeError("boom"))
    session = make_session(store, ScriptedProvider(script), root=tmp_path)

    events = await drain(session.send("Hi"))

    assert "failed unexpectedly (RuntimeError)" in ended(events).error
    assert committed(events)[0].text == "Half"


async def test_a_stream_that_just_ends_counts_as_interrupted(
    store: SqliteStore, tmp_path: Path
) -> None:
    session = make_session(store, ScriptedProvider((TextDelta(0, "Half"),)), root=tmp_path)

    events = await drain(session.send("Hi"))

    assert ended(events).reason == "interrupted"


async def test_a_retry_is_shown_and_is_no_part_of_the_answer(
    store: SqliteStore, tmp_path: Path
) -> None:
    retry = RetryScheduled("overloaded", 0.0, 2, 3)
    opening = ThinkingDelta(0, "")  # of the first try, that broke off then
    script = (opening, retry, *says("Hello"))
    session = make_session(store, ScriptedProvider(script), root=tmp_path)

    events = await drain(session.send("Hi"))

    assert any(isinstance(e, ReplyDelta) and e.event is retry for e in events)
    assert committed(events)[0].parts == (Text("Hello"),)


@pytest.mark.parametrize("stop", ["length", "context", "refusal"])
async def test_an_unusual_stop_is_named_and_says_what_to_do(
    store: SqliteStore, tmp_path: Path, stop: str
) -> None:
    session = make_session(store, ScriptedProvider(says("Hm", stop=stop)), root=tmp_path)

    end = ended(await drain(session.send("Hi")))

    assert end.reason == stop
    assert end.error
    assert end.hint


async def test_the_vendors_explanation_of_a_refusal_is_told(
    store: SqliteStore, tmp_path: Path
) -> None:
    script = (TextDelta(0, "No"), Stopped("refusal", detail="against the rules"))
    session = make_session(store, ScriptedProvider(script), root=tmp_path)

    end = ended(await drain(session.send("Hi")))

    assert end.error == "the model declined to answer: against the rules"


async def test_an_empty_answer_is_named(store: SqliteStore, tmp_path: Path) -> None:
    session = make_session(store, ScriptedProvider((Stopped("end"),)), root=tmp_path)

    end = ended(await drain(session.send("Hi")))

    assert (end.reason, end.error) == ("end", "the model gave an empty answer")


async def test_a_paused_turn_is_resent_as_it_is(store: SqliteStore, tmp_path: Path) -> None:
    provider = ScriptedProvider(says("First", stop="pause"), says("Second"))
    session = make_session(store, provider, root=tmp_path)

    events = await drain(session.send("Hi"))

    assert [answer.text for answer in committed(events)] == ["First", "Second"]
    assert [message.text for message in provider.requests[1].messages] == ["Hi", "First"]


async def test_steps_have_a_hard_end(store: SqliteStore, tmp_path: Path) -> None:
    scripts = [calls(("look", f'{{"n": {n}}}'), ids=(f"c{n}",)) for n in range(30)]
    session = make_session(store, ScriptedProvider(*scripts), PlainTool(), root=tmp_path)

    events = await drain(session.send("Hi"))

    assert ended(events).reason == "max_steps"
    assert sum(isinstance(event, ReplyStarted) for event in events) == 25


async def test_a_budget_stops_before_the_next_request(store: SqliteStore, tmp_path: Path) -> None:
    provider = ScriptedProvider(calls(("look", "{}")), says("never asked"))
    session = make_session(store, provider, PlainTool(), root=tmp_path)
    session.budget = Decimal("0.005")

    events = await drain(session.send("Hi"))

    assert ended(events).reason == "budget"
    assert len(provider.requests) == 1
    assert "budget" in committed(events, "tool")[0].parts[0].text


async def test_a_budget_cannot_be_kept_without_a_price(store: SqliteStore, tmp_path: Path) -> None:
    unpriced = CostLedger(lambda info, usage, at: Cost())
    provider = ScriptedProvider(calls(("look", "{}")), says("never asked"))
    session = make_session(store, provider, PlainTool(), root=tmp_path, ledger=unpriced)
    session.budget = Decimal(1)

    end = ended(await drain(session.send("Hi")))

    assert end.reason == "budget"
    assert "price" in end.error


async def test_the_reply_in_flight_is_drafted_while_it_streams_and_while_it_is_silent(
    store: SqliteStore, tmp_path: Path
) -> None:
    looked = asyncio.Event()
    script = (TextDelta(0, "Half"), looked, *says(" and whole"))
    session = make_session(store, ScriptedProvider(script), root=tmp_path)

    async def look() -> None:
        with closing(sqlite3.connect(tmp_path / "data" / "flux.db")) as database:
            async with asyncio.timeout(60):
                while '"Half"' not in str(database.execute("SELECT body FROM draft").fetchall()):
                    await asyncio.sleep(0.02)
        looked.set()

    events: list[TurnEvent] = []
    looking: asyncio.Task[None] | None = None
    async for event in session.send("Hi"):
        events.append(event)
        if looking is None and isinstance(event, ReplyDelta):
            looking = asyncio.create_task(look())

    assert looking is not None
    assert committed(events)[0].text == "Half and whole"
    assert session.id is not None
    assert await store.load(session.id) == session.conversation


async def test_a_cancelled_turn_leaves_its_last_words_as_a_draft(
    store: SqliteStore, tmp_path: Path
) -> None:
    session = make_session(store, ScriptedProvider((TextDelta(0, "Half"), Wait(90))), root=tmp_path)
    begun = asyncio.Event()

    async def run() -> None:
        async with aclosing(session.send("Hi")) as events:
            async for event in events:
                if isinstance(event, ReplyDelta):
                    begun.set()

    running = asyncio.create_task(run())
    await begun.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert session.id is not None
    await store.aclose()
    next_start = SqliteStore(tmp_path / "data" / "flux.db")
    tip = (await next_start.load(session.id)).path[-1]
    await next_start.aclose()
    assert (tip.text, tip.stop) == ("Half", "interrupted")
    assert not session.busy


async def test_a_slow_disk_does_not_hold_up_the_stream(tmp_path: Path) -> None:
    class Slow(SqliteStore):
        writing = 0
        drafted = False

        async def draft(self, session_id, message):
            assert self.writing == 0
            self.writing += 1
            self.drafted = True
            await arrived.wait()
            await super().draft(session_id, message)
            self.writing -= 1

    arrived = asyncio.Event()
    store = Slow(tmp_path / "flux.db")
    script = [step for n in range(12) for step in (TextDelta(0, f"{n} "), Wait(0.1))]
    session = make_session(store, ScriptedProvider((*script, *says("end"))), root=tmp_path)

    async with asyncio.timeout(60):
        async for event in session.send("Hi"):
            if isinstance(event, ReplyDelta) and event.event == TextDelta(0, "end"):
                arrived.set()

    assert store.drafted
    assert session.id is not None
    assert await store.load(session.id) == session.conversation
    await store.aclose()


async def test_a_turn_that_is_stopped_before_it_begins_asks_nobody(
    store: SqliteStore, tmp_path: Path
) -> None:
    provider = ScriptedProvider(says("Hello"))
    session = make_session(store, provider, root=tmp_path)
    stop = asyncio.Event()
    deps = await session._deps(stop)
    stop.set()

    events = await drain(run_turn(session.conversation, deps))

    assert [ended(events).reason] == ["aborted"]
    assert provider.requests == []


async def test_a_connection_that_is_slow_to_close_does_not_hold_up_the_stop(
    store: SqliteStore, tmp_path: Path
) -> None:
    class Slow(ScriptedProvider):
        async def stream(self, request):
            try:
                yield TextDelta(0, "Half")
                await asyncio.sleep(30)
            finally:
                await closed.wait()

    closed = asyncio.Event()
    session = make_session(store, Slow(), root=tmp_path)
    begun = time.monotonic()

    async for event in session.send("Hi"):
        if isinstance(event, ReplyDelta):
            session.stop()

    assert time.monotonic() - begun < 15
    closed.set()
    await asyncio.sleep(0.05)

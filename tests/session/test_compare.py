"""Several models side by side: own histories, one store, no waiting for each other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.core.errors import InputError
from flux_tui.core.events import ReplyDelta, TextDelta, TurnEnded, TurnEvent
from flux_tui.core.messages import Conversation, Text, ToolResult
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import Budgets, Usage
from flux_tui.session.compare import USUAL_ANSWER, Comparison
from flux_tui.session.wiring import Runtime
from flux_tui.sim.app import SimSettings, Simulator
from flux_tui.sim.server import serve

MODELS = (
    "anthropic/claude-opus-5",
    "openai/gpt-5.5",
    "openai-chat/gpt-5.1",
    "gemini/gemini-3.5-flash",
)


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    environ = {"FLUX_HOME": str(tmp_path / "home"), "FLUX_SIM_SPEED": "1000000"}
    made = Runtime(load_settings({"demo": "true"}, environ, tmp_path), root=tmp_path)
    await made.start()
    yield made
    await made.aclose()


def compared(runtime: Runtime, *names: str) -> Comparison:
    models = [runtime.find_model(name) for name in names]
    return Comparison(runtime.new_session(models[0]), models)


async def drained(
    events: AsyncGenerator[tuple[int, TurnEvent]],
) -> list[tuple[int, TurnEvent]]:
    async with aclosing(events) as going:
        return [event async for event in going]


def texts(conversation: Conversation) -> list[str]:
    return [message.text for message in conversation.path]


async def test_each_column_hears_the_question_and_only_its_own_answers(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:3])

    await drained(comparison.ask("bench n=3 r=1000000 k=prose id=ONE"))
    await drained(comparison.ask("bench n=3 r=1000000 k=prose id=TWO"))

    ids = [[m.id for m in column.session.conversation.path] for column in comparison.columns]
    assert [len(path) for path in ids] == [4, 4, 4]
    shared = set(ids[0]) & set(ids[1]) & set(ids[2])
    assert shared == {ids[0][0]}  # the first question alone
    for column in comparison.columns:
        spoken = {m.model for m in column.session.conversation.path if m.model}
        assert spoken == {column.session.model.ref}


async def test_all_columns_are_stored_as_branches_of_one_session(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])

    await drained(comparison.ask("hello"))

    (info,) = await runtime.store.sessions()
    assert info.id == comparison.base.id
    stored = await runtime.store.load(info.id)
    question, *answers = stored.messages
    assert [answer.parent for answer in answers] == [question.id, question.id]
    assert {str(answer.model) for answer in answers} == set(MODELS[:2])


async def test_the_session_goes_on_with_the_column_that_is_adopted(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])
    await drained(comparison.ask("hello"))

    await comparison.adopt(1)

    base = comparison.base
    assert str(base.model.ref) == MODELS[1]
    assert base.conversation.path == comparison.columns[1].session.conversation.path
    assert len(base.conversation.messages) == 3
    assert base.id is not None
    assert (await runtime.store.load(base.id)).head == base.conversation.head
    assert set(map(str, base.ledger.by_model())) == set(MODELS[:2])
    async with aclosing(base.send("and on")) as events:
        assert [event async for event in events][-1] == TurnEnded("end")


async def test_all_may_go_on_from_the_winner(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])
    await drained(comparison.ask("hello"))
    winner = texts(comparison.columns[0].session.conversation)

    comparison.go_on_from(0)
    await drained(comparison.ask("and now?"))

    for column in comparison.columns:
        assert texts(column.session.conversation)[:2] == winner
    one, two = (column.session.conversation.path for column in comparison.columns)
    assert one[2] is two[2]


async def test_one_column_can_be_asked_alone_and_answer_again(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])
    await drained(comparison.ask("hello"))

    await drained(comparison.ask("just you", only=[1]))
    await drained(comparison.retry(1))

    assert [len(column.session.conversation.path) for column in comparison.columns] == [2, 4]
    last = comparison.columns[1].session.conversation
    assert len(last.children(last.path[-2].id)) == 2


async def test_a_column_may_change_its_model(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])
    await drained(comparison.ask("hello"))

    comparison.change(0, runtime.find_model(MODELS[2]))
    await drained(comparison.ask("again"))

    assert str(comparison.columns[0].session.conversation.path[-1].model) == MODELS[2]


async def test_progress_tells_times_tokens_and_cost(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])

    await drained(comparison.ask("hello"))

    for column in comparison.columns:
        progress = column.progress
        usage = column.session.conversation.path[-1].usage
        assert usage is not None
        assert (progress.state, progress.tokens, progress.counted) == ("done", usage.output, True)
        assert progress.first is not None
        assert 0 <= progress.first <= progress.seconds
        assert progress.cost.basis == "simulated"
        assert progress.cost.amount is not None
        assert progress.cost.amount > 0


async def test_stopping_one_column_leaves_the_others_alone(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])
    events = comparison.ask("bench n=4000 r=50 k=prose id=S")
    ended: list[int] = []
    async with aclosing(events) as going:
        async for index, event in going:
            if isinstance(event, ReplyDelta) and index == 0:
                comparison.stop(0)
            if isinstance(event, TurnEnded):
                ended.append(index)
                assert comparison.columns[1].session.busy == (ended == [0])
                comparison.stop()

    assert ended == [0, 1]
    assert [column.progress.state for column in comparison.columns] == ["stopped", "stopped"]
    assert not comparison.busy


async def test_leaving_in_the_middle_keeps_what_arrived_and_stops_all(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])
    begun: set[int] = set()
    async with aclosing(comparison.ask("bench n=4000 r=50 k=prose id=S")) as going:
        async for index, event in going:
            if isinstance(event, ReplyDelta) and isinstance(event.event, TextDelta):
                begun.add(index)
            if len(begun) == 2:
                break

    assert not comparison.busy
    assert {column.progress.state for column in comparison.columns} == {"stopped"}
    answers = [column.session.conversation.path[-1] for column in comparison.columns]
    assert [answer.stop for answer in answers] == ["aborted", "aborted"]


async def test_what_cannot_be_compared_is_refused(runtime: Runtime) -> None:
    with pytest.raises(InputError, match="2 to 4 models, not 1"):
        compared(runtime, MODELS[0])
    comparison = compared(runtime, *MODELS[:2])
    with pytest.raises(InputError, match="nothing to send"):
        await drained(comparison.ask("  "))
    async with aclosing(comparison.ask("bench n=4000 r=50 k=prose id=S")) as going:
        async for _, event in going:
            if isinstance(event, ReplyDelta):
                with pytest.raises(InputError, match="still running"):
                    await drained(comparison.ask("more"))
                with pytest.raises(InputError, match="still running"):
                    await comparison.adopt(0)
                with pytest.raises(InputError, match="still running"):
                    comparison.go_on_from(0)
                break


async def test_a_forecast_sends_nothing_and_counts_every_column(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS)
    await drained(comparison.ask("hello"))
    sent = len(comparison.base.conversation.messages)

    forecast = await comparison.forecast()

    assert forecast.requests == 4
    assert forecast.cost.amount == sum(
        (flight.cost.amount or Decimal(0) for flight in forecast.flights), Decimal(0)
    )
    assert len(comparison.base.conversation.messages) == sent


async def test_a_budget_is_shared_by_the_columns(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])
    comparison.budgets = Budgets(turn=Decimal("0.000002"))

    await drained(comparison.ask("hello"))

    assert [column.session.budget for column in comparison.columns] == [Decimal("0.000001")] * 2


async def test_a_stalled_column_holds_up_nobody_and_can_be_asked_again(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])
    await drained(comparison.ask("hello"))
    ended: list[int] = []

    async def stall() -> None:
        async for index, event in comparison.ask("sim: fault=stall hello", only=[0]):
            if isinstance(event, TurnEnded):
                ended.append(index)

    stalled = asyncio.create_task(stall())
    while not comparison.columns[0].session.busy:
        await asyncio.sleep(0)
    await drained(comparison.ask("and you?", only=[1]))
    assert ended == []
    assert comparison.columns[0].progress.running

    again = comparison.retry(0)  # ends the answer that stalls
    async with aclosing(again) as events:
        async for _ in events:
            break
    await stalled

    assert ended == [0]
    assert len(comparison.columns[1].session.conversation.path) == 4


async def test_no_column_writes_even_when_those_that_read_are_allowed(runtime: Runtime) -> None:
    models = [runtime.find_model(name) for name in MODELS[:2]]
    base = runtime.new_session(models[0])
    base.policy.mode = "all"
    comparison = Comparison(base, models, reads=True)

    await drained(comparison.ask('sim: tool=write_file:{"path":"a.txt","content":"x"} write'))
    await drained(comparison.ask('sim: tool=run_shell:{"command":"touch b.txt"} run'))

    results = [
        part
        for column in comparison.columns
        for message in column.session.conversation.path
        for part in message.parts
        if isinstance(part, ToolResult)
    ]
    assert len(results) == 4
    assert all(result.is_error for result in results)
    assert not list(runtime.root.glob("*.txt"))


async def test_each_may_keep_its_own_thread_after_all(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])
    await drained(comparison.ask("hello"))
    own = [texts(column.session.conversation) for column in comparison.columns]
    with pytest.raises(InputError, match="own thread"):
        comparison.keep_own()

    comparison.go_on_from(0)
    comparison.go_on_from(1)
    assert comparison.shared
    comparison.keep_own()

    assert [texts(column.session.conversation) for column in comparison.columns] == own
    assert not comparison.shared
    comparison.go_on_from(0)
    await drained(comparison.ask("and now?"))
    with pytest.raises(InputError, match="was asked since"):
        comparison.keep_own()


async def test_the_forecast_counts_what_is_to_be_said_and_answered(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])

    bare = await comparison.forecast()
    short = await comparison.forecast("why?")
    long = await comparison.forecast("why? " * 4000)
    one = await comparison.forecast("why?", only=[1])

    amounts = [each.total.amount for each in (bare, short, long)]
    assert amounts == sorted(amounts, key=lambda amount: amount or 0)
    assert len(set(amounts)) == 3
    assert (one.requests, one.lengths, one.measured) == (1, (USUAL_ANSWER,), False)
    assert comparison.columns[0].session.conversation.path == ()

    await drained(comparison.ask("hello"))
    after = await comparison.forecast("why?")

    assert after.measured
    assert await comparison.forecast("why?") is after
    assert after.lengths != (USUAL_ANSWER, USUAL_ANSWER)


async def test_a_running_answer_tells_about_what_it_costs(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])
    await comparison.forecast("hello")
    told: list[Decimal] = []
    async with aclosing(comparison.ask("hello")) as events:
        async for index, event in events:
            cost = comparison.columns[index].cost
            if isinstance(event, ReplyDelta) and index == 0 and cost.amount is not None:
                assert cost.basis == "simulated"
                told.append(cost.amount)

    assert told == sorted(told)
    assert len(set(told)) > 3
    assert comparison.columns[0].cost == comparison.columns[0].progress.cost


async def test_a_question_that_does_not_fit_is_a_reason_to_ask(runtime: Runtime) -> None:
    comparison = compared(runtime, *MODELS[:2])
    small = replace(comparison.columns[1].session.model, context_window=500)
    comparison.columns[1].session.model = small

    fits = comparison.reasons_to_ask(await comparison.forecast("why?"))
    long = comparison.reasons_to_ask(await comparison.forecast("why? " * 4000))

    assert fits == ()
    assert len(long) == 1
    assert "gpt-5.5" in long[0]


async def test_what_is_left_of_a_budget_is_shared_too_unless_the_user_agreed(
    runtime: Runtime,
) -> None:
    comparison = compared(runtime, *MODELS[:2])
    await drained(comparison.ask("hello"))
    spent = comparison.base.ledger.session.amount
    assert spent is not None
    comparison.budgets = Budgets(session=spent)

    await drained(comparison.ask("again"))
    assert {column.progress.state for column in comparison.columns} == {"failed"}
    assert "budget" in comparison.columns[0].progress.problem

    await drained(comparison.ask("again", beyond=True))
    assert {column.progress.state for column in comparison.columns} == {"done"}


VENDORS = ("anthropic", "openai", "gemini", "mistral")
_WAYS = ("anthropic", "openai/v1", "gemini", "mistral/v1")
_NAMES = ("ANTHROPIC", "OPENAI", "GEMINI", "MISTRAL")
_TURNS = 3


class Wires:
    """Four simulated vendors behind sockets of this machine, and a program that knows them."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.vendors = {name: Simulator(SimSettings(speed=100_000)) for name in VENDORS}

    async def __aenter__(self) -> Wires:
        self._servers = [await serve(self.vendors[name]) for name in VENDORS]
        environ = {"FLUX_HOME": str(self._home)}
        for name, server, way in zip(_NAMES, self._servers, _WAYS, strict=True):
            environ |= {f"{name}_API_KEY": "sk-test", f"{name}_BASE_URL": f"{server.url}/{way}"}
        root = self._home.parent  # the same in every run: a model is told it
        self.runtime = Runtime(load_settings({}, environ, root), root=root)
        await self.runtime.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.runtime.aclose()
        for server in self._servers:
            await server.aclose()

    def models(self) -> list[ModelInfo]:
        """The first model of each vendor."""
        choices = self.runtime.choices()
        return [next(c.info for c in choices if c.info.ref.provider == v) for v in VENDORS]

    def disturb(self) -> None:
        """Let one vendor be slow, one fail and one limit the rate, in the coming turn."""
        self.vendors["anthropic"].settings = SimSettings(speed=60)
        self.vendors["openai"].inject("server-error", times=9)
        self.vendors["gemini"].inject("rate-limit-ms", times=1)

    def calm(self) -> None:
        """End the faults that are left."""
        self.vendors["openai"]._injected.clear()  # pyright: ignore[reportPrivateUsage]

    def bodies(self, vendor: str, session_id: str | None) -> list[bytes]:
        """Every body that *vendor* got, to the byte but for the id of the session."""
        assert session_id is not None
        found = [r.body for r in self.vendors[vendor].requests if r.method == "POST"]
        return [body.replace(session_id.encode(), b"SESSION") for body in found]


async def alone(home: Path, index: int) -> list[bytes]:
    """What a vendor is sent when its model has the conversation for itself."""
    async with Wires(home) as wires:
        session = wires.runtime.new_session(wires.models()[index]).branch(wires.models()[index])
        for turn in range(_TURNS):
            wires.disturb()
            async with aclosing(session.send(f"hello, turn {turn}")) as events:
                assert [event async for event in events]
            wires.calm()
        return wires.bodies(VENDORS[index], session.id)


@pytest.mark.slow
async def test_four_columns_over_loopback_one_slow_one_failing_one_rate_limited(
    tmp_path: Path,
) -> None:
    """Three turns; every request is, to the byte, what the model would be sent without others."""
    ended: list[list[int]] = []
    async with Wires(tmp_path / "compared") as wires:
        models = wires.models()
        comparison = Comparison(wires.runtime.new_session(models[0]), models)
        for turn in range(_TURNS):
            wires.disturb()
            events = await drained(comparison.ask(f"hello, turn {turn}"))
            ended.append([index for index, event in events if isinstance(event, TurnEnded)])
            assert [c.progress.state for c in comparison.columns] == [
                "done",
                "failed",
                "done",
                "done",
            ]
            wires.calm()
        sent = {name: wires.bodies(name, comparison.base.id) for name in VENDORS}
        paths = [column.session.conversation.path for column in comparison.columns]

    assert all(sorted(order) == [0, 1, 2, 3] for order in ended)
    assert all(order[-1] != 3 for order in ended)  # the one that nothing holds up
    assert [[m.role for m in path] for path in paths] == [
        ["user", "assistant"] * _TURNS if index != 1 else [m.role for m in paths[1]]
        for index in range(4)
    ]
    for index, vendor in enumerate(VENDORS):
        assert sent[vendor] == await alone(tmp_path / f"alone-{vendor}", index)
    assert len(sent["anthropic"]) == len(sent["mistral"]) == _TURNS
    assert len(sent["gemini"]) == 2 * _TURNS  # each question once more after the limit
    assert len(sent["openai"]) > _TURNS
    for index, vendor in enumerate(VENDORS):
        own = [m.text for m in paths[index] if m.role == "assistant" and m.text]
        others = [
            m.text
            for other in range(4)
            if other != index
            for m in paths[other]
            if m.role == "assistant" and m.text
        ]
        last = sent[vendor][-1].decode()
        assert all(json.dumps(text)[1:-1] in last for text in own[:-1])
        # The simulator names the model that speaks, so no two answers are alike.
        assert not any(json.dumps(text)[1:-1] in last for text in others)
        assert all(last.count(f"hello, turn {turn}") == 1 for turn in range(_TURNS))


async def test_an_answer_that_was_cut_off_by_a_crash_is_as_long_as_what_is_left(
    runtime: Runtime,
) -> None:
    comparison = compared(runtime, *MODELS[:2])
    await drained(comparison.ask("hello"))
    for column, told in zip(comparison.columns, (Usage(input=9, output=1), None), strict=True):
        conversation = column.session.conversation
        whole = conversation.path[-1]
        cut = replace(whole, parts=(Text("word " * 40),), usage=told, stop="interrupted")
        kept = tuple(m for m in conversation.messages if m.id != whole.id)
        column.session.conversation = replace(conversation, messages=(*kept, cut))

        column.recall()

        progress = column.progress
        assert (progress.state, progress.tokens, progress.counted) == ("stopped", 50, False)

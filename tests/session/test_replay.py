"""A session once more on another model: same questions, recorded results, nothing run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.core.errors import InputError
from flux_tui.core.events import ReplyDelta, TurnEnded, TurnEvent
from flux_tui.core.messages import ToolCall, ToolResult
from flux_tui.session.approvals import Answer, Unattended
from flux_tui.session.compare import Comparison
from flux_tui.session.replay import NOT_RECORDED, Replay
from flux_tui.session.session import ChatSession
from flux_tui.session.wiring import Runtime
from flux_tui.tools.base import Preview, Tool

OTHER = "openai/gpt-5.5"
MODEL = "anthropic/claude-opus-5"
LOOK = 'sim: tool=list_files:{"path":"."} look'


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    (tmp_path / "first.txt").write_text("1")
    environ = {"FLUX_HOME": str(tmp_path / "home"), "FLUX_SIM_SPEED": "1000000"}
    made = Runtime(load_settings({"demo": "true"}, environ, tmp_path), root=tmp_path)
    await made.start()
    yield made
    await made.aclose()


async def drained(events: AsyncGenerator[TurnEvent]) -> list[TurnEvent]:
    async with aclosing(events) as going:
        return [event async for event in going]


async def said(runtime: Runtime, *texts: str) -> ChatSession:
    session = runtime.new_session(runtime.find_model("anthropic/claude-opus-5"))
    session.policy.mode = "read"
    for text in texts:
        await drained(session.send(text))
    return session


def results(session: ChatSession) -> list[ToolResult]:
    return [p for m in session.conversation.path for p in m.parts if isinstance(p, ToolResult)]


async def test_all_questions_are_asked_again_and_stand_beside_the_original(
    runtime: Runtime,
) -> None:
    base = await said(runtime, "one", "two", "three")
    before = base.conversation
    replay = Replay(base, runtime.find_model(OTHER), runtime.tools)

    await drained(replay.run())

    path = replay.column.session.conversation.path
    assert replay.finished
    assert [m.text for m in path if m.role == "user"] == ["one", "two", "three"]
    assert {str(m.model) for m in path if m.model} == {OTHER}
    assert not {m.id for m in path} & {m.id for m in before.path}
    assert base.conversation == before

    await replay.leave()

    assert base.id is not None
    stored = await runtime.store.load(base.id)
    assert stored.head == before.head
    assert len(stored.messages) == 2 * len(before.messages)


async def test_tools_give_what_they_gave_and_are_not_run(runtime: Runtime) -> None:
    base = await said(runtime, LOOK)
    (runtime.root / "second.txt").write_text("2")
    replay = Replay(base, runtime.find_model(OTHER), runtime.tools)

    await drained(replay.run())

    (original,), (again,) = results(base), results(replay.column.session)
    assert "first.txt" in again.text
    assert "second.txt" not in again.text
    assert again.text == original.text


async def test_tools_that_read_may_run_again(runtime: Runtime) -> None:
    base = await said(runtime, LOOK)
    (runtime.root / "second.txt").write_text("2")
    replay = Replay(base, runtime.find_model(OTHER), runtime.tools, run_again=True)

    await drained(replay.run())

    assert "second.txt" in results(replay.column.session)[0].text


async def test_a_tool_that_writes_runs_again_only_after_a_question(runtime: Runtime) -> None:
    class Asked(Unattended):
        calls = 0

        async def ask(self, call: ToolCall, tool: Tool, preview: Preview | None) -> Answer:
            self.calls += 1
            return Answer.NO

    base = await said(runtime, 'sim: tool=write_file:{"path":"a.txt","content":"x"} write')
    base.approver = asked = Asked()
    replay = Replay(base, runtime.find_model(OTHER), runtime.tools, run_again=True)

    await drained(replay.run())

    assert asked.calls == 1
    assert not (runtime.root / "a.txt").exists()


async def test_a_call_that_was_not_made_before_is_answered_with_a_sentence(
    runtime: Runtime,
) -> None:
    base = await said(runtime, LOOK)
    replay = Replay(base, runtime.find_model(OTHER), runtime.tools)
    tool = replay.column.session._services.tools["list_files"]  # pyright: ignore[reportPrivateUsage]

    with pytest.raises(Exception, match=NOT_RECORDED[:30]):
        await tool.run({"path": "elsewhere"}, None)  # type: ignore[arg-type]

    assert "write_file" not in replay.column.session._services.tools  # pyright: ignore[reportPrivateUsage]


async def test_a_stopped_replay_goes_on_with_the_same_question(runtime: Runtime) -> None:
    base = await said(runtime, "one", "two")
    replay = Replay(base, runtime.find_model(OTHER), runtime.tools)
    async with aclosing(replay.run()) as events:
        async for event in events:
            if isinstance(event, ReplyDelta):
                replay.stop()
    assert replay.done == 0
    assert replay.column.progress.state == "stopped"

    events_again = await drained(replay.run())

    assert replay.finished
    assert sum(isinstance(event, TurnEnded) for event in events_again) == 2
    path = replay.column.session.conversation.path
    assert [m.text for m in path if m.role == "user"] == ["one", "two"]


async def test_the_session_can_go_on_with_the_replay(runtime: Runtime) -> None:
    base = await said(runtime, "one")
    replay = Replay(base, runtime.find_model(OTHER), runtime.tools)
    await drained(replay.run())

    await replay.adopt()

    assert str(base.model.ref) == OTHER
    assert base.conversation.path == replay.column.session.conversation.path
    assert len(base.conversation.children(None)) == 2


async def test_what_it_takes_is_told_before(runtime: Runtime) -> None:
    base = await said(runtime, "one", "two", "three")
    model = runtime.find_model(OTHER)
    once = (await base.preflight(model)).cost

    about = await Replay(base, model, runtime.tools).about()

    assert once.amount is not None
    assert about.amount == once.amount * 2
    assert about.basis == once.basis


async def test_an_empty_session_cannot_be_replayed(runtime: Runtime) -> None:
    base = runtime.new_session()

    with pytest.raises(InputError, match="nothing to replay"):
        Replay(base, runtime.find_model(OTHER), runtime.tools)


async def test_a_columns_thread_is_replayed_beside_a_chat_that_stays_empty(
    runtime: Runtime,
) -> None:
    base = runtime.new_session(runtime.find_model(MODEL))
    models = [runtime.find_model(name) for name in (MODEL, OTHER)]
    comparison = Comparison(base, models)
    for text in ("one", "two"):
        async with aclosing(comparison.ask(text)) as events:
            async for _ in events:
                pass
    thread = comparison.columns[0].session

    replay = Replay(base, runtime.find_model(OTHER), runtime.tools, thread=thread)
    assert (await replay.about()).amount
    await drained(replay.run())
    await replay.leave()

    path = replay.column.session.conversation.path
    assert [m.text for m in path if m.role == "user"] == ["one", "two"]
    assert base.conversation.path == ()
    assert len(base.conversation.children(None)) == 2
    stored = await runtime.resume(base.id or "")
    known = {message.id for message in stored.conversation.messages}
    assert known >= {m.id for m in (*path, *thread.conversation.path)}

    await replay.adopt()
    assert base.conversation.path == path

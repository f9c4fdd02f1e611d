"""Tool calls: who is asked, in what order they run, and that each gets its one answer."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from flux_tui.core.errors import ToolError
from flux_tui.core.events import ToolFinished, ToolOutput, ToolStarted, TurnEvent
from flux_tui.core.messages import Message, ToolResult
from flux_tui.session import calls as calls_module
from flux_tui.session.approvals import Answer, ApprovalPolicy
from flux_tui.storage.sqlite import SqliteStore
from flux_tui.tools.base import Preview
from tests.session.helpers import (
    PlainTool,
    Says,
    ScriptedProvider,
    calls,
    committed,
    drain,
    drain_stopping,
    ended,
    make_session,
    says,
)


def results(message: Message) -> list[ToolResult]:
    return [part for part in message.parts if isinstance(part, ToolResult)]


def states(events: list[TurnEvent]) -> list[str]:
    return [event.state for event in events if isinstance(event, ToolFinished)]


async def test_results_are_one_message_in_the_order_of_the_calls(
    store: SqliteStore, tmp_path: Path
) -> None:
    slow = PlainTool("slow", seconds=0.1, work=lambda a, c: "late")
    fast = PlainTool("fast", work=lambda a, c: "early")
    provider = ScriptedProvider(calls(("slow", "{}"), ("fast", "{}")), says("Done"))
    session = make_session(store, provider, slow, fast, root=tmp_path)

    events = await drain(session.send("Go"))

    (message,) = committed(events, "tool")
    assert [(r.call_id, r.text, r.is_error) for r in results(message)] == [
        ("c0", "late", False),
        ("c1", "early", False),
    ]
    finished = [e.result.call_id for e in events if isinstance(e, ToolFinished)]
    assert finished == ["c1", "c0"]
    assert results(message)[0].seconds >= 0.1
    assert ended(events).reason == "end"
    assert provider.requests[1].messages[-1].parts[0].call_id == "c0"


async def test_reads_run_beside_each_other_and_writes_in_their_turn(
    store: SqliteStore, tmp_path: Path
) -> None:
    class Counted(PlainTool):
        running = 0
        most = 0

        async def run(self, arguments, context):
            self.running += 1
            self.most = max(self.most, self.running)
            if self.most == together[self.name]:
                met[self.name].set()
            await asyncio.wait_for(met[self.name].wait(), 60)
            answer = await super().run(arguments, context)
            self.running -= 1
            return answer

    together = {"read": 3, "write": 1}
    met = {name: asyncio.Event() for name in together}
    read = Counted("read")
    write = Counted("write", risk="write", seconds=0.02)
    wanted = calls(*[("read", f'{{"n": {n}}}') for n in range(3)], ("write", "{}"), ("write", "{}"))
    session = make_session(
        store, ScriptedProvider(wanted, says("Done")), read, write, root=tmp_path
    )

    events = await drain(session.send("Go"))

    assert (read.most, write.most) == (3, 1)
    assert states(events) == ["done"] * 5


async def test_a_call_that_asks_waits_and_carries_the_previews_fingerprint(
    store: SqliteStore, tmp_path: Path
) -> None:
    approved = []
    preview = Preview("diff", "+ new", fingerprint="abc")

    def work(arguments, context):
        approved.append(context.approved)
        context.emit("wri\x1b[31mting")
        return "written"

    tool = PlainTool("write", risk="write", shown=preview, work=work)
    provider = ScriptedProvider(calls(("write", "{}")), says("Done"))
    policy = ApprovalPolicy("ask")
    session = make_session(store, provider, tool, root=tmp_path, policy=policy)
    session.approver = approver = Says(Answer.ONCE)

    events = await drain(session.send("Go"))

    told = [e for e in events if isinstance(e, ToolStarted | ToolOutput | ToolFinished)]
    assert [getattr(event, "waiting", None) for event in told] == [True, False, None, None]
    assert isinstance(told[2], ToolOutput)
    assert told[2].text == "writing"
    assert approver.asked == [("write", preview)]
    assert approved == ["abc"]
    assert policy.granted == frozenset()


async def test_a_grant_for_the_session_is_asked_once(store: SqliteStore, tmp_path: Path) -> None:
    tool = PlainTool("write", risk="write")
    provider = ScriptedProvider(calls(("write", '{"n": 1}'), ("write", '{"n": 2}')), says("Done"))
    session = make_session(store, provider, tool, root=tmp_path, policy=ApprovalPolicy("ask"))
    session.approver = approver = Says(Answer.SESSION)

    await drain(session.send("Go"))

    assert len(approver.asked) == 1
    assert tool.started == ["1", "2"]


async def test_a_refused_call_is_answered_and_never_run(store: SqliteStore, tmp_path: Path) -> None:
    tool = PlainTool("write", risk="write")
    provider = ScriptedProvider(calls(("write", "{}")), says("Then not"))
    session = make_session(store, provider, tool, root=tmp_path, policy=ApprovalPolicy("ask"))

    events = await drain(session.send("Go"))

    assert states(events) == ["denied"]
    assert tool.started == []
    assert results(committed(events, "tool")[0])[0].is_error
    assert committed(events)[-1].text == "Then not"


async def test_a_policy_that_denies_asks_nobody(store: SqliteStore, tmp_path: Path) -> None:
    provider = ScriptedProvider(calls(("look", "{}")), says("Fine"))
    session = make_session(
        store, provider, PlainTool(), root=tmp_path, policy=ApprovalPolicy("none")
    )
    session.approver = approver = Says(Answer.ONCE)

    events = await drain(session.send("Go"))

    assert states(events) == ["denied"]
    assert approver.asked == []


async def test_a_preview_that_fails_answers_the_call_unasked(
    store: SqliteStore, tmp_path: Path
) -> None:
    tool = PlainTool("write", risk="write", shown=ToolError("no such file"))
    provider = ScriptedProvider(calls(("write", "{}")), says("Fine"))
    session = make_session(store, provider, tool, root=tmp_path, policy=ApprovalPolicy("ask"))
    session.approver = approver = Says(Answer.ONCE)

    events = await drain(session.send("Go"))

    assert results(committed(events, "tool")[0])[0].text == "Error: no such file"
    assert approver.asked == []


async def test_bad_json_and_unknown_tools_are_answered_with_an_error(
    store: SqliteStore, tmp_path: Path
) -> None:
    tool = PlainTool()
    wanted = calls(("look", '{"path": '), ("fly", "{}"), ("look", "[1]"))
    session = make_session(store, ScriptedProvider(wanted, says("Oh")), tool, root=tmp_path)

    events = await drain(session.send("Go"))

    texts = [result.text for result in results(committed(events, "tool")[0])]
    assert "not valid JSON" in texts[0]
    assert "there is no tool 'fly'; the tools are: look" in texts[1]
    assert "not a JSON object" in texts[2]
    assert states(events) == ["failed"] * 3
    assert tool.started == []


async def test_a_tool_with_a_bug_does_not_end_the_conversation(
    store: SqliteStore, tmp_path: Path
) -> None:
    def crash(arguments, context):
        raise ZeroDivisionError

    provider = ScriptedProvider(calls(("look", "{}")), says("Oh"))
    session = make_session(store, provider, PlainTool(work=crash), root=tmp_path)

    events = await drain(session.send("Go"))

    assert results(committed(events, "tool")[0])[0].text == (
        "Error: the tool failed (ZeroDivisionError)."
    )
    assert ended(events).reason == "end"


async def test_a_tool_that_hangs_is_given_up(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "GRACE_SECONDS", -119.9)
    provider = ScriptedProvider(calls(("look", "{}")), says("Oh"))
    session = make_session(store, provider, PlainTool(seconds=30), root=tmp_path)

    events = await drain(session.send("Go"))

    assert "took too long" in results(committed(events, "tool")[0])[0].text


async def test_stop_cancels_running_tools_and_answers_every_call(
    store: SqliteStore, tmp_path: Path
) -> None:
    tool = PlainTool("write", risk="write", seconds=30)
    provider = ScriptedProvider(calls(("write", "{}"), ("write", '{"n": 2}')), says("never"))
    session = make_session(store, provider, tool, root=tmp_path)
    begun = time.monotonic()

    events = await drain_stopping(session, "Go", ToolStarted)

    assert time.monotonic() - begun < 15
    assert states(events) == ["cancelled", "cancelled"]
    assert [r.is_error for r in results(committed(events, "tool")[0])] == [True, True]
    assert ended(events).reason == "aborted"
    assert len(provider.requests) == 1
    assert tool.started == [""]


async def test_stop_closes_an_open_question(store: SqliteStore, tmp_path: Path) -> None:
    tool = PlainTool("write", risk="write")
    provider = ScriptedProvider(calls(("write", "{}")), says("never"))
    session = make_session(store, provider, tool, root=tmp_path, policy=ApprovalPolicy("ask"))
    session.approver = approver = Says(Answer.ONCE, seconds=30)

    events = await drain_stopping(session, "Go", ToolStarted)

    assert approver.cancelled
    assert states(events) == ["cancelled"]


async def test_a_tool_that_will_not_stop_reports_into_the_void(
    store: SqliteStore, tmp_path: Path
) -> None:
    class Stubborn(PlainTool):
        async def run(self, arguments, context):
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                await asyncio.sleep(0.2)
                context.emit("still here")
            return "too late"

    provider = ScriptedProvider(calls(("look", "{}")), says("never"))
    session = make_session(store, provider, Stubborn(), root=tmp_path)

    events = await drain_stopping(session, "Go", ToolStarted)
    await asyncio.sleep(0.3)

    assert states(events) == ["cancelled"]


@pytest.mark.parametrize("circle", [("A",), ("A", "B")])
async def test_a_model_that_goes_in_circles_is_stopped(
    store: SqliteStore, tmp_path: Path, circle: tuple[str, ...]
) -> None:
    tool = PlainTool()
    scripts = [
        calls(("look", f'{{"n": "{name}"}}'), ids=(f"c{round_}{name}",))
        for round_ in range(5)
        for name in circle
    ]
    session = make_session(store, ScriptedProvider(*scripts), tool, root=tmp_path)

    events = await drain(session.send("Go"))

    assert ended(events).reason == "max_steps"
    assert "3 times with the same arguments" in ended(events).error
    assert len(tool.started) == 3 * len(circle) - 1
    assert states(events)[-1] == "failed"


async def test_call_ids_are_made_unique_within_the_conversation(
    store: SqliteStore, tmp_path: Path
) -> None:
    twice = calls(("look", '{"n": 1}'), ("look", '{"n": 2}'), ids=("same", "same"))
    again = calls(("look", '{"n": 3}'), ids=("same",))
    provider = ScriptedProvider(twice, again, says("Done"))
    session = make_session(store, provider, PlainTool(), root=tmp_path)

    events = await drain(session.send("Go"))

    ids = [call.id for answer in committed(events) for call in answer.tool_calls]
    assert len(set(ids)) == 3
    answered = [r.call_id for message in committed(events, "tool") for r in results(message)]
    assert answered == ids


async def test_calls_of_a_cut_answer_are_not_run(store: SqliteStore, tmp_path: Path) -> None:
    tool = PlainTool()
    *deltas, usage, _ = calls(("look", '{"n": 1}'))
    *_, cut = says("", stop="length")
    session = make_session(store, ScriptedProvider((*deltas, usage, cut)), tool, root=tmp_path)

    events = await drain(session.send("Go"))

    assert ended(events).reason == "length"
    assert tool.started == []


async def test_a_command_that_nobody_can_approve_is_refused_with_the_reason_in_every_mode(
    store: SqliteStore, tmp_path: Path
) -> None:
    shell = PlainTool("shell", risk="execute")
    provider = ScriptedProvider(calls(("shell", "{}")), says("Done"))
    session = make_session(store, provider, shell, root=tmp_path, policy=ApprovalPolicy("all"))

    events = await drain(session.send("Go"))

    assert states(events) == ["denied"]
    assert shell.started == []
    (message,) = committed(events, "tool")
    assert "nobody can be asked" in results(message)[0].text
    assert ended(events).reason == "end"

"""A shell line of the user's own: approval, output, and what the model gets to see of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flux_tui.core.events import Committed, ToolFinished, ToolOutput, ToolStarted
from flux_tui.session.approvals import Answer, ApprovalPolicy
from flux_tui.session.shell_line import report
from flux_tui.storage.sqlite import SqliteStore
from flux_tui.tools.registry import builtin_tools
from tests.session.helpers import (
    PlainTool,
    Says,
    ScriptedProvider,
    drain,
    ended,
    make_session,
    model,
    says,
)


def shell() -> PlainTool:
    return PlainTool(
        "run_shell", "execute", lambda arguments, context: f"ran {arguments['command']}\n"
    )


async def test_an_allowed_line_is_run_and_its_output_goes_with_the_next_message(
    store: SqliteStore, tmp_path: Path
) -> None:
    provider = ScriptedProvider(says("I see"))
    session = make_session(store, provider, shell(), root=tmp_path)
    session.approver = approver = Says(Answer.ONCE)

    events = await drain(session.run_line("git status"))

    assert [type(event) for event in events[:-1]] == [
        ToolStarted,
        ToolStarted,
        ToolFinished,
        Committed,
    ]
    assert ended(events).reason == "end"
    assert [name for name, _ in approver.asked] == ["run_shell"]
    assert provider.requests == []

    await drain(session.send("what does it say?"))
    asked = "\n".join(message.text for message in provider.requests[0].messages)
    assert "`$ git status` printed:\n\n```\nran git status\n```" in asked


async def test_a_refused_line_adds_nothing(store: SqliteStore, tmp_path: Path) -> None:
    tool = shell()
    session = make_session(store, ScriptedProvider(says("")), tool, root=tmp_path)
    session.approver = Says(Answer.NO)

    events = await drain(session.run_line("rm -rf x"))

    assert ended(events).reason == "aborted"
    assert tool.started == []
    assert session.conversation.path == ()


async def test_a_stopped_line_adds_nothing_and_ends(store: SqliteStore, tmp_path: Path) -> None:
    tool = shell()
    tool.seconds = 30
    session = make_session(store, ScriptedProvider(says("")), tool, root=tmp_path)
    session.approver = Says(Answer.ONCE)
    running = asyncio.create_task(drain(session.run_line("sleep 30")))
    while not tool.started:
        await asyncio.sleep(0.01)

    session.stop()

    assert ended(await running).reason == "aborted"
    assert not session.busy
    assert session.conversation.path == ()


@pytest.mark.parametrize("has_shell", [True, False])
async def test_where_no_tool_may_run_no_line_does(
    store: SqliteStore, tmp_path: Path, has_shell: bool
) -> None:
    tool = shell()
    session = make_session(
        store,
        ScriptedProvider(says("")),
        *([tool] if has_shell else []),
        root=tmp_path,
        policy=ApprovalPolicy("none" if has_shell else "all"),
    )

    events = await drain(session.run_line("ls"))

    assert ended(events).error == "shell lines are not allowed here"
    assert tool.started == []


async def test_the_real_tool_prints_while_it_runs(store: SqliteStore, tmp_path: Path) -> None:
    made = make_session(store, ScriptedProvider(says("")), root=tmp_path)
    session = made.branch(model(), tools=builtin_tools())
    session.approver = Says(Answer.ONCE)

    events = await drain(session.run_line("echo one; exit 3"))

    assert "one" in "".join(event.text for event in events if isinstance(event, ToolOutput))
    assert "exit status 3" in session.conversation.path[0].text


def test_the_fence_is_longer_than_any_in_the_output() -> None:
    assert report("cat x", "````\nhi\n````\n").splitlines()[2] == "`````"

"""A shell line of the user's own: asked about, run as the tool would, and told to the model."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from flux_tui.core.events import Committed, ToolFinished, TurnEnded, TurnEvent
from flux_tui.core.messages import Message, ToolCall, new_id, user_message
from flux_tui.session.approvals import ApprovalPolicy, Approver
from flux_tui.session.calls import ToolRound
from flux_tui.session.services import Services
from flux_tui.tools.base import Tool

SHELL = "run_shell"
"""The tool that runs the line."""

_TICKS = re.compile("`+")


@dataclass(frozen=True, slots=True)
class LineDeps:
    """What a line is run with; the same that a tool call of a model gets."""

    services: Services
    policy: ApprovalPolicy
    approver: Approver
    stop: asyncio.Event

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The session's tools."""
        return self.services.tools

    @property
    def root(self) -> Path:
        """The folder that the line runs in."""
        return self.services.root


async def run_line(
    line: str, deps: LineDeps, commit: Callable[[Message], Awaitable[Message]]
) -> AsyncGenerator[TurnEvent]:
    """Run *line* if the user allows it, and add what it printed to the conversation.

    No model is asked: the next message takes the output along. A line that was refused or
    stopped adds nothing. The last event is `TurnEnded`.
    """
    if SHELL not in deps.tools or deps.policy.mode == "none":
        yield TurnEnded("error", "shell lines are not allowed here", "/approvals ask allows them")
        return
    calls = ToolRound((ToolCall(new_id(), SHELL, {"command": line}),), deps)
    finished: ToolFinished | None = None
    async with aclosing(calls.events()) as events:
        async for event in events:
            if isinstance(event, ToolFinished):
                finished = event
            yield event
    if finished is None or finished.state not in {"done", "failed"}:
        yield TurnEnded("aborted")
        return
    yield Committed(await commit(user_message(report(line, finished.result.text))))
    yield TurnEnded("end")


def report(line: str, printed: str) -> str:
    """Return what the model is told of a line and its output; no output ends the fence."""
    longest = max((len(ticks) for ticks in _TICKS.findall(printed)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"`$ {line}` printed:\n\n{fence}\n{printed.rstrip()}\n{fence}"

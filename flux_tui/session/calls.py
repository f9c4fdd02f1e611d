"""The tool calls of one answer: judged, asked about, run, and answered in their order."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from itertools import groupby
from typing import TypeAlias

from flux_tui.core.errors import ToolError
from flux_tui.core.events import ToolFinished, ToolOutput, ToolStarted
from flux_tui.core.messages import (
    CANCELLED,
    DENIED,
    Message,
    Text,
    ToolCall,
    ToolResult,
    ToolState,
)
from flux_tui.core.sanitize import Sanitizer, sanitize
from flux_tui.session.approvals import Answer, Unattended, Verdict
from flux_tui.session.deps import CallDeps
from flux_tui.session.reply import settle
from flux_tui.tools.base import Preview, Tool, ToolContext

CallEvent: TypeAlias = ToolStarted | ToolOutput | ToolFinished

GRACE_SECONDS = 5.0
"""How much longer than its own limit a tool may run before the turn gives up on it."""

REPEATS = 3
"""So many times in a row may a model make the same call, or the same round of calls."""

_log = logging.getLogger(__name__)


class Repeats:
    """Notices a model that goes in circles: A, A, A or A, B, A, B, A, B."""

    def __init__(self) -> None:
        self._seen: list[str] = []

    def add(self, call: ToolCall) -> bool:
        """Note *call*; return True if it is the third of its kind in a row, or closes a circle."""
        arguments = call.raw or json.dumps(call.arguments, sort_keys=True, ensure_ascii=True)
        self._seen.append(f"{call.name} {arguments}")
        return any(self._circle(length) for length in (1, 2, 3))

    def _circle(self, length: int) -> bool:
        last = self._seen[-length * REPEATS :]
        return len(last) == length * REPEATS and last == last[:length] * REPEATS


class ToolRound:
    """Runs the calls of one answer. Drain `events`, then take `message`."""

    def __init__(self, calls: Sequence[ToolCall], deps: CallDeps, refused: str = "") -> None:
        """Take up *calls*; with *refused*, all are answered with that sentence instead of run."""
        self._calls = calls
        self._deps = deps
        self._refused = refused
        self._results: dict[str, ToolResult] = {}
        self._started: dict[str, float] = {}
        self._queue: deque[CallEvent] = deque()
        self._news = asyncio.Event()

    @property
    def message(self) -> Message:
        """All results as one message, in the order of the calls."""
        return Message(role="tool", parts=tuple(self._results[call.id] for call in self._calls))

    async def events(self) -> AsyncGenerator[CallEvent]:
        """Yield what happens; every call has its result afterwards, however this ends."""
        running = asyncio.create_task(self._run_all())
        running.add_done_callback(lambda _: self._news.set())
        watching = asyncio.create_task(self._watch())
        try:
            while not (running.done() or self._deps.stop.is_set()):
                await self._news.wait()
                self._news.clear()
                while self._queue:
                    yield self._queue.popleft()
        finally:
            watching.cancel()
            await settle(running)
            self._cancel_rest()
        while self._queue:
            yield self._queue.popleft()

    async def _watch(self) -> None:
        await self._deps.stop.wait()
        self._news.set()

    def _put(self, event: CallEvent) -> None:
        self._queue.append(event)
        self._news.set()

    def _cancel_rest(self) -> None:
        for call in self._calls:
            if call.id not in self._results:
                self._finish(call, "cancelled", f"{CANCELLED} before it was done.")

    def _finish(self, call: ToolCall, state: ToolState, text: str) -> None:
        # A tool that was slow to stop may still report: the first result stands.
        if call.id in self._results:
            return
        seconds = time.monotonic() - self._started.get(call.id, time.monotonic())
        result = ToolResult(
            call.id, call.name, (Text(text),), is_error=state != "done", seconds=seconds
        )
        self._results[call.id] = result
        self._put(ToolFinished(result, state))

    def _unasked(self, call: ToolCall) -> bool:
        """Whether *call* may run beside others: it only reads, and nobody is asked."""
        tool = self._deps.tools.get(call.name)
        return (
            tool is not None
            and tool.risk == "read"
            and self._deps.policy.judge(tool) is Verdict.ALLOW
        )

    async def _run_all(self) -> None:
        for together, calls in groupby(self._calls, self._unasked):
            if together:
                async with asyncio.TaskGroup() as group:
                    for call in calls:
                        group.create_task(self._answer(call))
            else:
                for call in calls:
                    await self._answer(call)

    async def _answer(self, call: ToolCall) -> None:
        tool = self._deps.tools.get(call.name)
        problem = self._refused or (f"Error: {call.error}." if call.error else "")
        if tool is None and not problem:
            known = ", ".join(sorted(self._deps.tools)) or "none"
            problem = f"Error: there is no tool {call.name!r}; the tools are: {known}."
        if tool is None or problem:
            self._put(ToolStarted(call))
            self._finish(call, "failed", problem)
            return
        try:
            await self._judge_and_run(call, tool)
        except ToolError as error:
            self._finish(call, "failed", f"Error: {sanitize(str(error))}")
        except TimeoutError:
            self._finish(call, "failed", "Error: the tool took too long and was stopped.")
        except Exception as error:  # noqa: BLE001 - a tool's bug must not end the conversation
            _log.exception("tool %s", call.name)
            self._finish(call, "failed", f"Error: the tool failed ({type(error).__name__}).")

    async def _judge_and_run(self, call: ToolCall, tool: Tool) -> None:
        verdict = self._deps.policy.judge(tool)
        self._put(ToolStarted(call, waiting=verdict is Verdict.ASK))
        if verdict is Verdict.DENY:
            self._finish(call, "denied", f"{DENIED}the user's settings do not allow this tool.")
            return
        approved = ""
        if verdict is Verdict.ASK:
            preview = await tool.preview(call.arguments, self._context(call))
            if not await self._agreed(call, tool, preview):
                self._finish(call, "denied", self._refusal())
                return
            approved = preview.fingerprint if preview is not None else ""
            self._put(ToolStarted(call))
        await self._run(call, tool, approved)

    def _refusal(self) -> str:
        if isinstance(self._deps.approver, Unattended):
            return f"{DENIED}this call needs the user's approval, and nobody can be asked here."
        return f"{DENIED}the user did not allow this call."

    async def _agreed(self, call: ToolCall, tool: Tool, preview: Preview | None) -> bool:
        answer = await self._deps.approver.ask(call, tool, preview)
        if answer is Answer.SESSION:
            self._deps.policy.grant(tool)
        return answer is not Answer.NO

    async def _run(self, call: ToolCall, tool: Tool, approved: str) -> None:
        self._started[call.id] = time.monotonic()
        context = self._context(call, approved)
        async with asyncio.timeout(context.timeout + GRACE_SECONDS):
            text = await tool.run(call.arguments, context)
        self._finish(call, "done", sanitize(text))

    def _context(self, call: ToolCall, approved: str = "") -> ToolContext:
        sanitizer = Sanitizer()

        def emit(text: str) -> None:
            if call.id not in self._results and (clean := sanitizer.feed(text)):
                self._put(ToolOutput(call.id, clean))

        return ToolContext(root=self._deps.root, emit=emit, approved=approved)

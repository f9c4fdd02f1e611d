"""A provider that follows a script, tools that do as told, and a session on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from flux_tui.core.events import (
    Committed,
    Stopped,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    TurnEnded,
    TurnEvent,
    UsageUpdate,
)
from flux_tui.core.messages import Message, StopReason, ToolCall
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.usage import JSON, Cost, Usage
from flux_tui.providers.base import ChatRequest, Endpoint, ToolSpec
from flux_tui.providers.tokens import Calibration, TokenCount
from flux_tui.session.approvals import Answer, ApprovalPolicy
from flux_tui.session.ledger import CostLedger, PriceFunction
from flux_tui.session.meter import Meter
from flux_tui.session.services import Services
from flux_tui.session.session import ChatSession
from flux_tui.storage.store import SessionStore
from flux_tui.tools.base import Preview, Risk, Tool, ToolContext

CENT = Decimal("0.01")


def model(name: str = "alpha", provider: str = "anthropic") -> ModelInfo:
    return ModelInfo(
        ref=ModelRef(provider, name),
        api="anthropic",
        base_url="http://example.invalid",
        context_window=1_000,
    )


@dataclass(frozen=True)
class Wait:
    """In a script: silence for so many seconds."""

    seconds: float


Script = Sequence[StreamEvent | Exception | Wait | asyncio.Event]  # an event is waited for


def says(text: str, *, stop: StopReason = "end", usage: Usage | None = None) -> Script:
    spent = usage or Usage(input=10, output=5)
    return (TextDelta(0, text), UsageUpdate(spent), Stopped(stop))


def calls(*wanted: tuple[str, str], ids: Sequence[str] = ()) -> Script:
    """An answer that calls tools: pairs of name and JSON arguments."""
    deltas = [
        ToolCallDelta(place, id=ids[place] if ids else f"c{place}", name=name, json=json)
        for place, (name, json) in enumerate(wanted)
    ]
    return (*deltas, UsageUpdate(Usage(input=10, output=5)), Stopped("tool_calls"))


class ScriptedProvider:
    """Answers the n-th request with the n-th script, the last one again and again."""

    def __init__(self, *scripts: Script, preparing: float = 0.0) -> None:
        self.endpoint = Endpoint(
            provider="anthropic", label="A", api="anthropic", base_url="http://example.invalid"
        )
        self.requests: list[ChatRequest] = []
        self.closed = 0
        self._scripts = scripts
        self._preparing = preparing

    async def prepare(self) -> None:
        await asyncio.sleep(self._preparing)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamEvent]:
        self.requests.append(request)
        script = self._scripts[min(len(self.requests), len(self._scripts)) - 1]
        try:
            for step in script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, Wait):
                    await asyncio.sleep(step.seconds)
                elif isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield step
        finally:
            self.closed += 1

    async def models(self) -> list[str]:
        return []

    def body(self, request: ChatRequest) -> dict[str, JSON]:
        return {}

    async def aclose(self) -> None:
        self.closed += 1


@dataclass
class PlainTool:
    """A tool that answers with what its function returns."""

    name: str = "look"
    risk: Risk = "read"
    work: Callable[[Mapping[str, JSON], ToolContext], str] = field(
        default=lambda arguments, context: "seen"
    )
    seconds: float = 0.0
    shown: Preview | Exception | None = None
    description: str = "Does what it is told."
    schema: Mapping[str, JSON] = field(default_factory=lambda: {"type": "object"})
    started: list[str] = field(default_factory=list)

    def summary(self, arguments: Mapping[str, JSON]) -> str:
        return str(dict(arguments))

    async def preview(self, arguments: Mapping[str, JSON], context: ToolContext) -> Preview | None:
        if isinstance(self.shown, Exception):
            raise self.shown
        return self.shown

    async def run(self, arguments: Mapping[str, JSON], context: ToolContext) -> str:
        self.started.append(str(arguments.get("n", "")))
        await asyncio.sleep(self.seconds)
        return self.work(arguments, context)


class Says:
    """An approver that always gives the same answer and remembers what it was asked."""

    def __init__(self, answer: Answer, seconds: float = 0.0) -> None:
        self.asked: list[tuple[str, Preview | None]] = []
        self.cancelled = False
        self._answer = answer
        self._seconds = seconds

    async def ask(self, call: ToolCall, tool: Tool, preview: Preview | None) -> Answer:
        self.asked.append((call.name, preview))
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return self._answer


def one_cent(info: ModelInfo, usage: Usage, at: datetime) -> Cost:
    return Cost(amount=CENT, basis="computed", as_of="2026-11-01")


def count(
    messages: tuple[Message, ...],
    system: str,
    tools: tuple[ToolSpec, ...],
    *,
    quick: bool = False,
) -> TokenCount:
    characters = sum(len(message.text) for message in messages) + len(system)
    return TokenCount(characters, "estimate")


def make_session(
    store: SessionStore,
    provider: ScriptedProvider,
    *tools: PlainTool,
    root: Path,
    policy: ApprovalPolicy | None = None,
    ledger: CostLedger | None = None,
    price: PriceFunction = one_cent,
) -> ChatSession:
    async def opened(info: ModelInfo) -> ScriptedProvider:
        return provider

    services = Services(
        store=store,
        open_provider=opened,
        blueprint=lambda info: provider,
        meter=Meter(count, Calibration()),
        price=price,
        root=root,
        tools={tool.name: tool for tool in tools},
    )
    return ChatSession(
        services,
        model(),
        ledger=ledger or CostLedger(one_cent),
        policy=policy or ApprovalPolicy("all"),
    )


async def drain(events: AsyncGenerator[TurnEvent]) -> list[TurnEvent]:
    seen: list[TurnEvent] = []
    async with aclosing(events) as stream:
        async for event in stream:
            seen.append(event)
    return seen


async def drain_stopping(session: ChatSession, text: str, at: type[object]) -> list[TurnEvent]:
    """Send *text*, and stop a moment after the first event of the kind *at*."""
    seen: list[TurnEvent] = []
    async with aclosing(session.send(text)) as stream:
        async for event in stream:
            seen.append(event)
            if isinstance(event, at):
                asyncio.get_running_loop().call_later(0.05, session.stop)
    return seen


def ended(events: Sequence[TurnEvent]) -> TurnEnded:
    last = events[-1]
    assert isinstance(last, TurnEnded)
    assert not any(isinstance(event, TurnEnded) for event in events[:-1])
    return last


def committed(events: Sequence[TurnEvent], role: str = "assistant") -> list[Message]:
    return [e.message for e in events if isinstance(e, Committed) and e.message.role == role]

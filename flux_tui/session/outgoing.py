"""What a request to one model is made of: history, prompt, tools and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from flux_tui.core.messages import Message, Text, Thinking, ToolCall
from flux_tui.core.models import Effort, ModelInfo
from flux_tui.core.prefix import head_digest
from flux_tui.core.report import SwapReport
from flux_tui.providers.base import ChatRequest, ToolSpec
from flux_tui.session.meter import ContextUse, Meter
from flux_tui.session.privacy import Privacy, project
from flux_tui.session.prompts import system_prompt
from flux_tui.session.services import Services
from flux_tui.tools.base import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """Everything of a request but the history. Limits are in tokens.

    `stale` are the ids of answers whose reasoning the model has refused to read again.
    """

    model: ModelInfo
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    max_output: int | None = None
    effort: Effort | None = None
    temperature: float | None = None
    cache_key: str = ""
    privacy: Privacy = field(default_factory=Privacy)
    stale: frozenset[str] = frozenset()

    @property
    def head(self) -> str:
        """The digest of prompt and tools, which some models' reasoning is bound to."""
        tools = ((tool.name, tool.description, tool.schema) for tool in self.tools)
        return head_digest(self.system, tools)

    def request(self, history: tuple[Message, ...]) -> tuple[ChatRequest, SwapReport]:
        """Return the request that carries *history*, and what it loses. Pure; call it in a thread.

        Converting a long history takes a while.
        """
        if self.stale:
            history = tuple(_unsigned(m) if m.id in self.stale else m for m in history)
        messages, report = project(history, self.model, self.privacy, self.head)
        return ChatRequest(
            model=self.model,
            messages=messages,
            system=self.system,
            tools=self.tools,
            max_output=self.max_output,
            effort=self.effort,
            temperature=self.temperature,
            cache_key=self.cache_key,
        ), report

    def use(self, history: tuple[Message, ...], meter: Meter) -> ContextUse:
        """Return how much of the window *history* takes up, as the model would get it."""
        last = next((m for m in reversed(history) if m.usage is not None), None)
        if last is not None and last.model != self.model.ref:
            # What another model has read, this one may get in another form: notes for pictures.
            history = self.request(history)[0].messages
        return meter.measure(history, self.model, self.system, self.tools)


def compose(
    services: Services,
    model: ModelInfo,
    *,
    own: str,
    notes: str,
    effort: Effort | None,
    cache_key: str,
    privacy: Privacy,
    stale: frozenset[str],
) -> Outgoing:
    """Return what a session's next request to *model* is made of, but for the history.

    *own* is the session's own prompt, *notes* are those of the folder; *effort* is snapped to what
    the model knows.
    """
    tools = tool_specs(services.tools, model)
    return Outgoing(
        model=model,
        system=system_prompt(model, root=services.root, tools=bool(tools), notes=notes, own=own),
        tools=tools,
        max_output=services.max_output,
        effort=model.snap_effort(effort),
        temperature=services.temperature,
        cache_key=cache_key,
        privacy=privacy,
        stale=stale,
    )


def tool_specs(tools: Mapping[str, Tool], model: ModelInfo) -> tuple[ToolSpec, ...]:
    """Return *tools* as *model* sees them; none if it calls no tools."""
    if not model.abilities.tools:
        return ()
    return tuple(ToolSpec(tool.name, tool.description, tool.schema) for tool in tools.values())


def _unsigned(message: Message) -> Message:
    """Return *message* without what its model signed: then nothing of it is given back."""
    parts = (
        replace(part, metadata=None) if isinstance(part, Text | Thinking | ToolCall) else part
        for part in message.parts
    )
    return replace(message, parts=tuple(parts))

"""Anthropic Messages: a request as its JSON body, and the provider that sends it.

Facts from the request types of the anthropic package 2.12 and the API reference, 2026-11-22.
What is replayed, and under which keys, is told in `anthropic_stream`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from flux_tui.core.errors import ProviderError
from flux_tui.core.events import StreamEvent
from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from flux_tui.core.models import Effort, ModelInfo
from flux_tui.core.usage import JSON
from flux_tui.providers import sdk
from flux_tui.providers.anthropic_stream import Decoder
from flux_tui.providers.base import ChatRequest, Endpoint
from flux_tui.providers.encoding import (
    CLOSED,
    arguments,
    base64_text,
    document_text,
    image_note,
    names_called,
    object_schema,
    replay,
    safe_id,
)
from flux_tui.providers.failures import stale_reasoning
from flux_tui.providers.healing import Healing, drop_parameter
from flux_tui.providers.json_values import items, mapping, plain, string
from flux_tui.providers.transport import (
    Body,
    Connection,
    Exchange,
    client_options,
    confined,
    post_stream,
    stream_reply,
)

if TYPE_CHECKING:
    import httpx2

__all__ = ["Anthropic", "Decoder", "encode"]

_OUTPUT = 8192  # max_tokens, which must be sent, for a model whose limit nobody told us
_SMALLEST_BUDGET = 1024
_BUDGETS: dict[Effort, int] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 24576,
    "max": 32768,
}
_LONGEST_ID = 64
_HOTTEST = 1.0  # the API takes no higher temperature
SAMPLING_VERSION = "2023-06-01"  # the newest API version refuses temperature even at its default
_OPTIONAL = {
    "temperature": ("temperature",),
    "output_config": ("output_config",),
    "effort": ("output_config", "effort"),
    "display": ("thinking", "display"),
}
Block = dict[str, JSON]


def encode(request: ChatRequest) -> Body:
    """Return the body for *request*; the same bytes for the same request."""
    model = request.model
    turns = _turns(request.messages, model)
    body: Body = {
        "model": model.ref.name,
        "max_tokens": _max_tokens(request),
        "messages": [{"role": role, "content": list[JSON](blocks)} for role, blocks in turns],
        "stream": True,
    }
    if request.system.strip():
        body["system"] = [{"type": "text", "text": request.system}]
    if request.tools:
        body["tools"] = [
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": object_schema(tool.schema),
            }
            for tool in request.tools
        ]
    elif called := names_called(request.messages):
        # Blocks of tools are refused, by proxies above all, where no tool is declared.
        body["tools"] = [
            {"name": name, "description": CLOSED, "input_schema": object_schema({})}
            for name in called
        ]
        body["tool_choice"] = {"type": "none"}
    body.update(_thinking(request))
    _settle_thinking(body)
    if request.temperature is not None and model.abilities.sampling and "thinking" not in body:
        body["temperature"] = min(request.temperature, _HOTTEST)
    if model.source != "unknown" or "anthropic.com" in model.base_url:
        _mark_cache(body)
    return body


def _max_tokens(request: ChatRequest) -> int:
    most = request.model.max_output
    wanted = request.max_output or most or _OUTPUT
    return min(wanted, most) if most else wanted


def _thinking(request: ChatRequest) -> Body:
    model = request.model
    effort = model.snap_effort(request.effort)
    if model.thinking == "budget":
        return _budget(effort, _max_tokens(request))
    if model.thinking == "none":
        return {}
    if effort == "off":
        if not model.thinking_default:
            return {}
        # The 5.5 line refuses "disabled" and still thinks between tool calls (2026-11-22).
        kind = "between_tools" if model.ref.name.startswith("claude-sonnet-5-5") else "disabled"
        return {"thinking": {"type": kind}}
    body: Body = {}
    if model.thinking_default or effort is not None:
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
    if effort is not None:
        body["output_config"] = {"effort": effort}
    return body


def _settle_thinking(body: Body) -> None:
    """Ask for no thinking by budget where the answer that called the tools has none to give back.

    "When `thinking` is enabled, a final `assistant` message must start with a thinking block":
    so after another model's calls, or when the earlier thinking is refused.
    """
    turns = map(mapping, reversed(items(body["messages"])))
    last = next((turn for turn in turns if turn.get("role") == "assistant"), Body())
    kinds = [string(mapping(block).get("type")) for block in items(last.get("content"))]
    enabled = mapping(body.get("thinking")).get("type") == "enabled"
    if enabled and "tool_use" in kinds and "thinking" not in kinds[0]:
        del body["thinking"]


def _budget(effort: Effort | None, max_tokens: int) -> Body:
    if effort is None or effort == "off":
        return {}
    budget = min(_BUDGETS[effort], max_tokens - _SMALLEST_BUDGET)
    if budget < _SMALLEST_BUDGET:
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _turns(messages: Iterable[Message], model: ModelInfo) -> list[tuple[str, list[Block]]]:
    """Return the turns: neighbours of one role merged, results first, calls last."""
    turns: list[tuple[str, list[Block]]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = [block for part in message.parts for block in _blocks(part, role, model)]
        if not blocks:
            continue
        if not turns or turns[-1][0] != role:
            turns.append((role, []))
        turns[-1][1].extend(blocks)
    for role, blocks in turns:
        if role == "user":
            blocks.sort(key=lambda block: block["type"] != "tool_result")
        else:
            blocks.sort(key=lambda block: block["type"] == "tool_use")
    return turns


def _blocks(part: Part, role: str, model: ModelInfo) -> list[Block]:
    match part:
        case Text():
            return _text(part, role, model)
        case Thinking():
            data = replay(part, model)
            signature = string(data.get("signature"))
            if role != "assistant" or not signature:
                return []
            thinking = string(data.get("raw")) or part.text
            return [{"type": "thinking", "thinking": thinking, "signature": signature}]
        case Image():
            return [_image(part) if role == "user" else _words(image_note(part))]
        case Document():
            return [_document(part, model) if role == "user" else _words(document_text(part))]
        case ToolCall():
            call: Block = {
                "type": "tool_use",
                "id": safe_id(part.id, _LONGEST_ID, wordlike=True),
                "name": part.name or "unnamed",
                "input": arguments(part),
            }
            if caller := mapping(replay(part, model).get("caller")):
                call["caller"] = plain(caller)
            return [call]
        case ToolResult():
            return [_result(part, model)]
        case Opaque():
            block = mapping(replay(part, model).get("block"))
            if block:
                return [mapping(plain(block))]
            return [_words(part.note)] if part.note.strip() else []


def _words(text: str) -> Block:
    return {"type": "text", "text": text}


def _text(part: Text, role: str, model: ModelInfo) -> list[Block]:
    data = replay(part, model)
    text = string(data.get("raw")) or part.text
    if not text.strip():
        return []
    block = _words(text)
    citations = items(data.get("citations"))
    if citations and role == "assistant":
        block["citations"] = plain(citations)
    return [block]


def _image(image: Image) -> Block:
    source: Block = {
        "type": "base64",
        "media_type": image.mime,
        "data": base64_text(image.data),
    }
    return {"type": "image", "source": source}


def _document(document: Document, model: ModelInfo) -> Block:
    if document.mime == "application/pdf" and model.abilities.documents:
        source: Block = {
            "type": "base64",
            "media_type": "application/pdf",
            "data": base64_text(document.data),
        }
        block: Block = {"type": "document", "source": source}
        if document.name:
            block["title"] = document.name
        return block
    return _words(document_text(document))


def _result(result: ToolResult, model: ModelInfo) -> Block:
    content: list[JSON] = []
    for part in result.parts:
        match part:
            case Text():
                if part.text.strip():
                    content.append(_words(part.text))
            case Image():
                content.append(_image(part))
            case Document():
                content.append(_document(part, model))
    block: Block = {
        "type": "tool_result",
        "tool_use_id": safe_id(result.call_id, _LONGEST_ID, wordlike=True),
        "content": content or "",
    }
    if result.is_error:
        block["is_error"] = True
    return block


def _mark_cache(body: Body) -> None:
    """Set breakpoints after the tools, the system prompt and the last two user turns."""
    marks = [items(body.get("tools"))[-1:], items(body.get("system"))[-1:]]
    turns = map(mapping, reversed(items(body["messages"])))
    users = (turn for turn in turns if turn.get("role") == "user")
    marks.extend(items(turn.get("content"))[-1:] for turn in islice(users, 2))
    for mark in marks:
        for block in mark:
            mapping(block)["cache_control"] = {"type": "ephemeral"}


def repair(problem: ProviderError, body: Body) -> tuple[Body, str] | None:
    """Return a body that heals the refusal *problem* of *body*, and why; None if nothing does."""
    if stale_reasoning(problem):
        less = _without_thinking(body)
        return (less, "the reasoning of earlier turns is not sent") if less != body else None
    return drop_parameter(problem, body, _OPTIONAL)


def _without_thinking(body: Body) -> Body:
    kept: list[JSON] = []
    for message in map(mapping, items(body["messages"])):
        content = message.get("content")
        if isinstance(content, list):
            content = [b for b in content if "thinking" not in string(mapping(b).get("type"))]
        if content:
            kept.append({**message, "content": content})
    less: Body = {**body, "messages": kept}
    _settle_thinking(less)
    return less


def _make(endpoint: Endpoint, timeout: httpx2.Timeout) -> Any:
    return confined(
        sdk.load("anthropic").AsyncAnthropic(**client_options(endpoint, timeout)), endpoint
    )


class Anthropic:
    """Implements `Provider` for Anthropic Messages."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._connection = Connection(endpoint, _make)
        self._healing = Healing(repair)

    async def prepare(self) -> None:
        """See `Provider.prepare`."""
        await self._connection.client()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamEvent]:
        """See `Provider.stream`."""
        client = await self._connection.client()
        streams = sdk.load("anthropic").AsyncStream

        def send(body: Body) -> Any:
            sampled = {"headers": {"anthropic-version": SAMPLING_VERSION}}
            options = sampled if "temperature" in body else {}
            return post_stream(client, streams, "/v1/messages", body, options)

        exchange = Exchange(request.model.ref.name, send, Decoder, self._healing)
        async for event in stream_reply(self.endpoint, exchange, self.body(request)):
            yield event

    async def models(self) -> list[str]:
        """See `Provider.models`."""

        async def names(client: Any) -> list[str]:
            return [model.id async for model in client.models.list(limit=1000)]

        return await self._connection.ask(names)

    def body(self, request: ChatRequest) -> Body:
        """See `Provider.body`."""
        return self._healing.fit(request.model.ref.name, encode(request))

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._connection.aclose()

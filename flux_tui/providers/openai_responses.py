"""OpenAI Responses: a request as its JSON body, and the provider that sends it.

Facts from the request types of the openai package 3.54 and the API reference, 2026-11-22. Nothing
is stored at the vendor: reasoning comes back to it as ciphertext that we keep. What is replayed,
and under which keys, is told in `responses_stream`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
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
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import JSON
from flux_tui.providers import sdk
from flux_tui.providers.base import ChatRequest, Endpoint
from flux_tui.providers.encoding import (
    arguments_text,
    data_url,
    document_text,
    image_note,
    object_schema,
    replay,
    safe_id,
)
from flux_tui.providers.failures import stale_reasoning
from flux_tui.providers.healing import Healing, drop_parameter
from flux_tui.providers.json_values import items, mapping, plain, string
from flux_tui.providers.responses_stream import Decoder
from flux_tui.providers.transport import (
    BEARER,
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

__all__ = ["Decoder", "OpenAIResponses", "encode"]

_LONGEST_ID = 64
_LEAST_OUTPUT = 16  # tokens; less is refused
_CIPHERTEXT = "reasoning.encrypted_content"
_OPTIONAL = {
    "reasoning.summary": ("reasoning", "summary"),
    "reasoning.effort": ("reasoning", "effort"),
    "prompt_cache_key": ("prompt_cache_key",),
    "temperature": ("temperature",),
    "include": ("include",),
}
Item = dict[str, JSON]


def encode(request: ChatRequest) -> Body:
    """Return the body for *request*; the same bytes for the same request."""
    model = request.model
    body: Body = {
        "model": model.ref.name,
        "input": [item for message in request.messages for item in _items(message, model)],
        "store": False,
        "stream": True,
    }
    if request.system.strip():
        body["instructions"] = request.system
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": object_schema(tool.schema),
                "strict": False,
            }
            for tool in request.tools
        ]
    if request.max_output is not None:
        most = min(request.max_output, model.max_output or request.max_output)
        body["max_output_tokens"] = max(_LEAST_OUTPUT, most)
    body.update(_reasoning(request))
    if request.temperature is not None and model.abilities.sampling:
        body["temperature"] = request.temperature
    if request.cache_key:
        body["prompt_cache_key"] = safe_id(request.cache_key, _LONGEST_ID)
    return body


def _reasoning(request: ChatRequest) -> Body:
    model = request.model
    if model.thinking == "none":
        return {}
    effort = model.snap_effort(request.effort)
    reasoning: Item = {}
    if effort is not None:
        reasoning["effort"] = "none" if effort == "off" else effort
    if effort != "off" and (effort is not None or model.thinking_default):
        reasoning["summary"] = "auto"
    body: Body = {"include": [_CIPHERTEXT]}
    if reasoning:
        body["reasoning"] = reasoning
    return body


def _items(message: Message, model: ModelInfo) -> list[Item]:
    if message.role == "assistant":
        return _assistant(message, model)
    found: list[Item] = []
    content: list[JSON] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            found.append(_output(part, model))
        elif (piece := _input(part, model)) is not None:
            content.append(piece)
    if content:
        found.append({"role": "user", "content": content})
    return found


def _input(part: Part, model: ModelInfo) -> Item | None:
    match part:
        case Text():
            return {"type": "input_text", "text": part.text} if part.text.strip() else None
        case Image():
            url = data_url(part.data, part.mime)
            return {"type": "input_image", "image_url": url, "detail": "auto"}
        case Document():
            if part.mime == "application/pdf" and model.abilities.documents:
                return {
                    "type": "input_file",
                    "filename": part.name or "document.pdf",
                    "file_data": data_url(part.data, part.mime),
                }
            return {"type": "input_text", "text": document_text(part)}
        case Opaque():
            return {"type": "input_text", "text": part.note} if part.note.strip() else None
        case Thinking() | ToolCall() | ToolResult():
            return None  # none of them is a user's input


def _output(result: ToolResult, model: ModelInfo) -> Item:
    pieces = [piece for part in result.parts if (piece := _input(part, model)) is not None]
    output: JSON
    if all(piece["type"] == "input_text" for piece in pieces):
        text = "\n".join(string(piece["text"]) for piece in pieces)
        # The format has no error flag.
        output = f"Error: {text}" if result.is_error else text
    else:
        mark: list[Item] = [{"type": "input_text", "text": "Error:"}] if result.is_error else []
        output = [*mark, *pieces]
    return {
        "type": "function_call_output",
        "call_id": safe_id(result.call_id, _LONGEST_ID),
        "output": output,
    }


def _assistant(message: Message, model: ModelInfo) -> list[Item]:
    replayed = _replayable(message.parts, model)
    found: list[Item] = []
    for index, part in enumerate(message.parts):
        native = replayed is not None and index in replayed
        item = _spoken(part, model, native=native)
        if item is None:
            continue
        last = found[-1] if found else {}
        if native and item.get("type") == "message" and last.get("id") == item["id"]:
            items(last["content"]).extend(items(item["content"]))
        else:
            found.append(item)
    return found


def _replayable(parts: tuple[Part, ...], model: ModelInfo) -> frozenset[int] | None:
    """The places of the parts that go back as the vendor's own items, None for none of them.

    A reasoning item must be followed by the very item that followed it, under its id; and an item
    whose reasoning is gone is refused under its old id. So one gap turns all ids of a reply off.
    """
    native: set[int] = set()
    followed = False
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if isinstance(part, Thinking):
            if not followed or not _has_ciphertext(part, model):
                if part.text or part.metadata:
                    return None
                continue
            native.add(index)
        elif isinstance(part, (Text, ToolCall, Opaque)):
            if isinstance(part, Text) and not part.text.strip() and not part.metadata:
                continue
            followed = _has_id(part, model)
            if followed:
                native.add(index)
    return frozenset(native)


def _has_ciphertext(part: Thinking, model: ModelInfo) -> bool:
    data = replay(part, model)
    return bool(string(data.get("id")) and string(data.get("encrypted_content")))


def _has_id(part: Text | ToolCall | Opaque, model: ModelInfo) -> bool:
    data = replay(part, model)
    if isinstance(part, ToolCall) and part.error:
        return False  # its arguments do not go back as they came
    if isinstance(part, Text) and not part.text:
        return False
    return bool(string(data.get("id")) or string(mapping(data.get("item")).get("id")))


def _spoken(part: Part, model: ModelInfo, *, native: bool) -> Item | None:
    match part:
        case Thinking():
            return _thinking(part, model) if native else None
        case Text():
            return _text(part, model, native=native)
        case ToolCall():
            call: Item = {
                "type": "function_call",
                "call_id": safe_id(part.id, _LONGEST_ID),
                "name": part.name or "unnamed",
                "arguments": arguments_text(part),
            }
            if native:
                call.update({k: plain(v) for k, v in replay(part, model).items()})
            return call
        case Opaque():
            if native:
                return mapping(plain(mapping(replay(part, model).get("item"))))
            return _said(part.note) if part.note.strip() else None
        case Image():
            return _said(image_note(part))
        case Document():
            return _said(document_text(part))
        case ToolResult():
            return None  # never an assistant's


def _said(text: str) -> Item:
    return {"role": "assistant", "content": text}


def _thinking(part: Thinking, model: ModelInfo) -> Item:
    data = replay(part, model)
    return {
        "type": "reasoning",
        "id": data["id"],
        "summary": plain(items(data.get("summary"))),
        "encrypted_content": data["encrypted_content"],
    }


def _text(part: Text, model: ModelInfo, *, native: bool) -> Item | None:
    data = replay(part, model)
    if not part.text.strip():
        return None
    told = string(data.get("phase"))
    phase: Item = {"phase": told} if told else {}
    if not native:
        return {**_said(part.text), **phase}
    piece: Item = (
        {"type": "refusal", "refusal": part.text}
        if data.get("refusal")
        else {"type": "output_text", "text": part.text, "annotations": []}
    )
    return {
        "type": "message",
        "id": data["id"],
        "role": "assistant",
        "status": "completed",
        "content": [piece],
        **phase,
    }


def repair(problem: ProviderError, body: Body) -> tuple[Body, str] | None:
    """Return a body that heals the refusal *problem* of *body*, and why; None if nothing does."""
    if stale_reasoning(problem):
        less = _without_reasoning(body)
        return (less, "the reasoning of earlier turns is not sent") if less != body else None
    return drop_parameter(problem, body, _OPTIONAL)


def _without_reasoning(body: Body) -> Body:
    """Return *body* with no reasoning items, and no ids that would miss theirs."""
    kept: list[JSON] = []
    for item in map(mapping, items(body["input"])):
        match item.get("type"):
            case "reasoning":
                pass
            case "message":
                texts = [mapping(piece) for piece in items(item.get("content"))]
                said = "".join(string(t.get("text") or t.get("refusal")) for t in texts)
                kept.append(_said(said))
            case "function_call":
                kept.append({name: value for name, value in item.items() if name != "id"})
            case _:
                kept.append(item)
    return {**body, "input": kept}


def _make(endpoint: Endpoint, timeout: httpx2.Timeout) -> Any:
    return confined(sdk.load("openai").AsyncOpenAI(**client_options(endpoint, timeout)), endpoint)


class OpenAIResponses:
    """Implements `Provider` for OpenAI Responses."""

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
        streams = sdk.load("openai").AsyncStream

        def send(body: Body) -> Any:
            return post_stream(client, streams, "/responses", body, BEARER)

        exchange = Exchange(request.model.ref.name, send, Decoder, self._healing)
        async for event in stream_reply(self.endpoint, exchange, self.body(request)):
            yield event

    async def models(self) -> list[str]:
        """See `Provider.models`."""

        async def names(client: Any) -> list[str]:
            return [model.id async for model in client.models.list()]

        return await self._connection.ask(names)

    def body(self, request: ChatRequest) -> Body:
        """See `Provider.body`."""
        return self._healing.fit(request.model.ref.name, encode(request))

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._connection.aclose()

"""Mistral chat completions, its native API: a request as its JSON body, and who sends it.

Facts from the API reference, the request types of the mistralai package 3.7 and error bodies in
public issue reports, 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from hashlib import sha256
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
from flux_tui.providers.base import ChatRequest, Endpoint
from flux_tui.providers.encoding import (
    arguments_text,
    data_url,
    document_text,
    image_note,
    object_schema,
    replay,
    without_thinking,
)
from flux_tui.providers.healing import Healing, drop_parameter
from flux_tui.providers.json_values import items, mapping, plain, string
from flux_tui.providers.mistral_stream import Decoder, read_error
from flux_tui.providers.transport import (
    Body,
    Connection,
    Exchange,
    stream_reply,
)

if TYPE_CHECKING:
    import httpx2

__all__ = ["Decoder", "Mistral", "encode"]

_ID = re.compile("[a-zA-Z0-9]{9}")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ACKNOWLEDGED = "OK."
_HOTTEST = 1.5  # the API takes no higher temperature
_OPTIONAL = {
    name: (name,)
    for name in ("reasoning_effort", "temperature", "prompt_cache_key", "parallel_tool_calls")
}
Entry = dict[str, JSON]


class _Ids:
    """Call ids as the API wants them, nine letters and digits, within one request.

    An id that must change becomes a hash of itself, so that it is the same in every request.
    """

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def __getitem__(self, call_id: str) -> str:
        if call_id not in self._given:
            made = call_id if _ID.fullmatch(call_id) else _hashed(call_id)
            while made in self._taken:
                made = _hashed(f"{made} {call_id}")
            self._given[call_id] = made
            self._taken.add(made)
        return self._given[call_id]


def _hashed(call_id: str) -> str:
    number = int.from_bytes(sha256(call_id.encode("utf-8", "surrogatepass")).digest(), "big")
    digits: list[str] = []
    for _ in range(9):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)


def encode(request: ChatRequest) -> Body:
    """Return the body for *request*; the same bytes for the same request."""
    model = request.model
    messages = list(_messages(request))
    if messages and messages[-1]["role"] == "assistant" and not messages[-1].get("tool_calls"):
        messages[-1]["prefix"] = True  # the API lets an answer stand last only to be continued
    if request.system.strip():
        messages.insert(0, {"role": "system", "content": request.system})
    body: Body = {"model": model.ref.name, "messages": list[JSON](messages), "stream": True}
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": object_schema(tool.schema),
                },
            }
            for tool in request.tools
        ]
    if request.max_output is not None:
        body["max_tokens"] = min(request.max_output, model.max_output or request.max_output)
    effort = model.snap_effort(request.effort)
    if effort is not None:
        body["reasoning_effort"] = "none" if effort == "off" else effort
    if request.temperature is not None and model.abilities.sampling:
        body["temperature"] = min(request.temperature, _HOTTEST)
    if request.cache_key:
        body["prompt_cache_key"] = request.cache_key
    return body


def _messages(request: ChatRequest) -> list[Entry]:
    found: list[Entry] = []
    model = request.model
    ids = _Ids()
    for message in request.messages:
        if message.role == "assistant":
            _append(found, _assistant(message, model, ids))
            continue
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        found.extend(_result(result, ids) for result in results)
        _append(found, _user([*_moved(results, model), *_spoken(message, model)]))
    return found


def _append(found: list[Entry], entry: Entry | None) -> None:
    """Add *entry*, merged into a neighbour of its role."""
    if entry is None:
        return
    last = found[-1] if found else {}
    if last.get("role") == "tool" and entry["role"] == "user":
        # "Unexpected role 'user' after role 'tool'" (code 3230, still seen in December 2025).
        found.append({"role": "assistant", "content": _ACKNOWLEDGED})
    elif last.get("role") == entry["role"] and not last.get("tool_calls"):
        pieces = [*_pieces(last.get("content")), *_pieces(entry.get("content"))]
        last.update(entry)
        last["content"] = _content(pieces)
        return
    found.append(entry)


def _pieces(content: JSON) -> list[Entry]:
    if isinstance(content, str):
        return [_words(content)] if content else []
    return [mapping(piece) for piece in items(content)]


def _words(text: str) -> Entry:
    return {"type": "text", "text": text}


def _content(pieces: list[Entry]) -> JSON:
    if all(piece["type"] == "text" for piece in pieces):
        return "\n\n".join(string(piece["text"]) for piece in pieces)
    return list[JSON](pieces)


def _user(pieces: list[Entry]) -> Entry | None:
    return {"role": "user", "content": _content(pieces)} if pieces else None


def _spoken(message: Message, model: ModelInfo) -> list[Entry]:
    found: list[Entry] = []
    for part in message.parts:
        match part:
            case Text():
                if part.text.strip():
                    found.append(_words(part.text))
            case Image():
                found.append(_image(part))
            case Document():
                found.append(_document(part, model))
            case Opaque():
                if part.note.strip():
                    found.append(_words(part.note))
            case Thinking() | ToolCall() | ToolResult():
                pass  # results have messages of their own; a user says neither of the others
    return found


def _image(image: Image) -> Entry:
    return {"type": "image_url", "image_url": {"url": data_url(image.data, image.mime)}}


def _document(document: Document, model: ModelInfo) -> Entry:
    if document.mime == "application/pdf" and model.abilities.documents:
        return {
            "type": "document_url",
            "document_url": data_url(document.data, document.mime),
            "document_name": document.name or "document.pdf",
        }
    return _words(document_text(document))


def _result(result: ToolResult, ids: _Ids) -> Entry:
    lines: list[str] = []
    for part in result.parts:
        match part:
            case Text():
                lines.append(part.text)
            case Image():
                lines.append(f"{image_note(part)} (in the next message)")
            case Document():
                lines.append(document_text(part))
    text = "\n".join(lines)
    return {
        "role": "tool",
        "tool_call_id": ids[result.call_id],
        "name": result.name or "unnamed",
        "content": f"Error: {text}" if result.is_error else text,
    }


def _moved(results: list[ToolResult], model: ModelInfo) -> list[Entry]:
    """The pictures of *results*, for a user message: a tool message is not proven to take any."""
    found: list[Entry] = []
    for result in results:
        images = [part for part in result.parts if isinstance(part, Image)]
        if images and model.abilities.images:
            found.append(_words(f"Images from the result of {result.name}:"))
            found.extend(_image(image) for image in images)
    return found


def _assistant(message: Message, model: ModelInfo, ids: _Ids) -> Entry | None:
    calls: list[JSON] = [_call(call, ids) for call in message.tool_calls]
    pieces = [piece for part in message.parts for piece in _said(part, model)]
    if not pieces and not calls:
        return None
    entry: Entry = {"role": "assistant", "content": _content(pieces)}
    if calls:
        entry["tool_calls"] = calls
    return entry


def _said(part: Part, model: ModelInfo) -> Iterator[Entry]:
    """The content chunks of an assistant's part; no part of it may be a file."""
    text = ""
    match part:
        case Text():
            text = part.text
        case Thinking():
            if replay(part, model):
                yield _thought(part, model)
        case Opaque():
            if chunk := mapping(replay(part, model).get("chunk")):
                yield mapping(plain(chunk))
            else:
                text = part.note
        case Image():
            text = image_note(part)
        case Document():
            text = document_text(part)
        case ToolCall() | ToolResult():
            pass
    if text.strip():
        yield _words(text)


def _thought(part: Thinking, model: ModelInfo) -> Entry:
    data = replay(part, model)
    extra = {name: plain(data[name]) for name in ("signature", "closed") if name in data}
    return {"type": "thinking", "thinking": [_words(part.text)], **extra}


def _call(call: ToolCall, ids: _Ids) -> Entry:
    return {
        "id": ids[call.id],
        "type": "function",
        "function": {"name": call.name or "unnamed", "arguments": arguments_text(call)},
    }


def repair(problem: ProviderError, body: Body) -> tuple[Body, str] | None:
    """Return a body without what the API refused: an optional parameter, or earlier thinking."""
    healed = drop_parameter(problem, body, _OPTIONAL)
    if healed is None and problem.status in {400, 422} and "thinking" in problem.detail:
        less = without_thinking(body)
        healed = (less, "earlier thinking is left out") if less != body else None
    return healed


def _make(endpoint: Endpoint, timeout: httpx2.Timeout) -> Any:
    from flux_tui.providers.plain_http import PlainClient

    key = endpoint.key.get_secret_value() if endpoint.key else "none"
    bare = replace(endpoint, base_url=endpoint.base_url.rstrip("/").removesuffix("/v1"))
    return PlainClient(bare, timeout, {"authorization": f"Bearer {key}"}, read_error)


class Mistral:
    """Implements `Provider` for Mistral's API."""

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

        def send(body: Body) -> Any:
            return client.stream("/v1/chat/completions", body)

        exchange = Exchange(request.model.ref.name, send, Decoder, self._healing)
        async for event in stream_reply(self.endpoint, exchange, self.body(request)):
            yield event

    async def models(self) -> list[str]:
        """See `Provider.models`: the models that chat."""

        async def names(client: Any) -> list[str]:
            listed = items(mapping(await client.get("/v1/models")).get("data"))
            chatting = (string(model["id"]) for model in map(mapping, listed) if _chats(model))
            return list(dict.fromkeys(chatting))  # an alias may be listed once for each model

        return await self._connection.ask(names)

    def body(self, request: ChatRequest) -> Body:
        """See `Provider.body`."""
        return self._healing.fit(request.model.ref.name, encode(request))

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._connection.aclose()


def _chats(model: Entry) -> bool:
    able = mapping(model.get("capabilities"))
    return bool(string(model.get("id"))) and able.get("completion_chat") is not False

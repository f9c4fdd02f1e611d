"""Cohere v2 chat: a request as its JSON body, and who sends it.

Facts from the API reference and the request types of the cohere package 7.3, 2026-11-22.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
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
from flux_tui.providers.base import ChatRequest, Endpoint
from flux_tui.providers.cohere_stream import Decoder, read_error
from flux_tui.providers.encoding import (
    arguments_text,
    data_url,
    document_text,
    image_note,
    object_schema,
    replay,
    safe_id,
    without_thinking,
)
from flux_tui.providers.healing import Healing, drop_parameter
from flux_tui.providers.json_values import items, mapping, string
from flux_tui.providers.transport import (
    Body,
    Connection,
    Exchange,
    stream_reply,
)

if TYPE_CHECKING:
    import httpx2

__all__ = ["Cohere", "Decoder", "encode"]

_LONGEST_ID = 256  # no limit is documented
_NOTHING = "[no output]"  # a message must be at least one token long
_GO_ON = "Go on."
_OPTIONAL = {name: (name,) for name in ("thinking", "temperature")}
# Tokens of thinking; the vendor advises to leave a thousand for the answer.
_BUDGETS: dict[Effort, int] = {"minimal": 1_000, "low": 2_000, "medium": 8_000}
_FOR_THE_ANSWER = 1_000
_PAGES = 5  # of the list of models; a list that never ends must not keep us
Entry = dict[str, JSON]


def encode(request: ChatRequest) -> Body:
    """Return the body for *request*; the same bytes for the same request."""
    model = request.model
    messages = _messages(request)
    if messages and messages[-1]["role"] == "assistant":
        messages.append({"role": "user", "content": _GO_ON})  # no answer can be begun for the API
    if request.system.strip():
        messages.insert(0, {"role": "system", "content": request.system})
    body: Body = {"model": model.ref.name, "messages": list[JSON](messages), "stream": True}
    if request.tools and model.abilities.tools:
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
    if (thinking := _thinking(request)) is not None:
        body["thinking"] = thinking
    if request.temperature is not None and model.abilities.sampling:
        body["temperature"] = request.temperature
    return body


def _thinking(request: ChatRequest) -> Entry | None:
    effort = request.model.snap_effort(request.effort)
    if effort is None:
        return None
    if effort == "off":
        return {"type": "disabled"}
    limits = [most for most in (request.max_output, request.model.max_output) if most]
    room = min(limits) - _FOR_THE_ANSWER if limits else None
    budget = min((tokens for tokens in (_BUDGETS.get(effort), room) if tokens), default=None)
    if budget is None or budget <= 0:
        return {"type": "enabled"}
    return {"type": "enabled", "token_budget": budget}


def _messages(request: ChatRequest) -> list[Entry]:
    found: list[Entry] = []
    model = request.model
    for message in request.messages:
        if message.role == "assistant":
            _append(found, _assistant(message, model))
            continue
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        found.extend(_result(result) for result in results)
        pieces = _spoken(message)
        _append(found, {"role": "user", "content": _content(pieces)} if pieces else None)
    return found


def _append(found: list[Entry], entry: Entry | None) -> None:
    """Add *entry*; a user's goes into the one before.

    An answer after an answer gets between them what it got when the first one stood last: a
    longer history must begin like the shorter one.
    """
    if entry is None:
        return
    last = found[-1] if found else {}
    if last.get("role") != entry["role"]:
        found.append(entry)
    elif entry["role"] == "user":
        pieces = [*_pieces(last["content"]), *_pieces(entry["content"])]
        last["content"] = _content(pieces)
    else:
        found.extend(({"role": "user", "content": _GO_ON}, entry))


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


def _spoken(message: Message) -> list[Entry]:
    found: list[Entry] = []
    for part in message.parts:
        match part:
            case Text():
                if part.text.strip():
                    found.append(_words(part.text))
            case Image():
                url = data_url(part.data, part.mime)
                found.append({"type": "image_url", "image_url": {"url": url}})
            case Document():
                found.append(_words(document_text(part)))
            case Opaque():
                if part.note.strip():
                    found.append(_words(part.note))
            case Thinking() | ToolCall() | ToolResult():
                pass  # results have messages of their own; a user says neither of the others
    return found


def _result(result: ToolResult) -> Entry:
    """A tool's message: text, and files as documents that an answer can cite."""
    lines = [_read(part) for part in result.parts if not isinstance(part, Document)]
    text = "\n".join(line for line in lines if line.strip())
    if result.is_error:
        text = f"Error: {text}"
    files = [part for part in result.parts if isinstance(part, Document)]
    content: JSON = text or _NOTHING
    if files:
        content = [*([_words(text)] if text else []), *map(_document, files)]
    return {
        "role": "tool",
        "tool_call_id": safe_id(result.call_id, _LONGEST_ID),
        "content": content,
    }


def _read(part: Text | Image) -> str:
    return part.text if isinstance(part, Text) else image_note(part)


def _document(document: Document) -> Entry:
    data: Entry = {"title": document.name or "document", "text": document_text(document)}
    return {"type": "document", "document": {"data": data}}


def _assistant(message: Message, model: ModelInfo) -> Entry | None:
    calls: list[JSON] = [_call(call) for call in message.tool_calls]
    plans: list[str] = []
    pieces: list[Entry] = []
    for part in message.parts:
        if calls and isinstance(part, Text) and replay(part, model).get("tool_plan"):
            plans.append(part.text)
        elif isinstance(part, Thinking):
            if replay(part, model) and part.text.strip():
                pieces.append({"type": "thinking", "thinking": part.text})
        elif (text := _said(part)).strip():
            pieces.append(_words(text))
    if not any(piece["type"] == "text" for piece in pieces) and not calls:
        return None
    entry: Entry = {"role": "assistant"}
    if pieces:
        entry["content"] = _content(pieces)
    if calls:
        entry["tool_calls"] = calls
    if plans:
        entry["tool_plan"] = "\n\n".join(plans)
    return entry


def _said(part: Part) -> str:
    """The words of an assistant's part; no part of it may be a file."""
    match part:
        case Text():
            return part.text
        case Opaque():
            return part.note
        case Image():
            return image_note(part)
        case Document():
            return document_text(part)
        case Thinking() | ToolCall() | ToolResult():
            return ""


def _call(call: ToolCall) -> Entry:
    return {
        "id": safe_id(call.id, _LONGEST_ID),
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
    # Models are listed by the older version of the API alone.
    both = replace(endpoint, base_url=endpoint.base_url.rstrip("/").removesuffix("/v2"))
    return PlainClient(both, timeout, {"authorization": f"Bearer {key}"}, read_error)


class Cohere:
    """Implements `Provider` for Cohere's API."""

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
            return client.stream("/v2/chat", body)

        exchange = Exchange(request.model.ref.name, send, Decoder, self._healing)
        async for event in stream_reply(self.endpoint, exchange, self.body(request)):
            yield event

    async def models(self) -> list[str]:
        """See `Provider.models`: the models that chat."""

        async def names(client: Any) -> list[str]:
            found: list[str] = []
            token = ""
            for _ in range(_PAGES):
                query = {"endpoint": "chat", "page_size": "200"}
                if token:
                    query["page_token"] = token
                page = mapping(await client.get("/v1/models", **query))
                listed = [string(mapping(row).get("name")) for row in items(page.get("models"))]
                found += [name for name in listed if name]
                token = string(page.get("next_page_token"))
                if not token:
                    break
            return list(dict.fromkeys(found))

        return await self._connection.ask(names)

    def body(self, request: ChatRequest) -> Body:
        """See `Provider.body`."""
        return self._healing.fit(request.model.ref.name, encode(request))

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._connection.aclose()

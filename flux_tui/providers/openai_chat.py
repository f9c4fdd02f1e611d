"""OpenAI Chat Completions and servers like it: a request as its JSON body, and who sends it.

Facts from the request types of the openai package 3.54 and the API reference, 2026-11-22. The
built-in providers get OpenAI's own dialect, every other endpoint the common one that most servers
take. `Endpoint.options` of a compatible server may change it:
    output_limit    "max_tokens" (default) or "max_completion_tokens"
    system_role     "system" (default) or "developer"
    stream_options  false for a server that refuses the parameter
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from functools import partial
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
from flux_tui.providers.chat_stream import Decoder
from flux_tui.providers.encoding import (
    CLOSED,
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

__all__ = ["Decoder", "OpenAIChat", "encode"]

_LONGEST_ID = 40
_LONGEST_CACHE_KEY = 64
_OWN = frozenset({"openai", "openai-chat"})
_OPTIONAL = {
    "stream_options": ("stream_options",),
    "include_usage": ("stream_options",),
    "reasoning_effort": ("reasoning_effort",),
    "temperature": ("temperature",),
    "prompt_cache_key": ("prompt_cache_key",),
}
# Ollama, OpenRouter and vLLM, as their refusals word it (2026-11).
_NO_TOOLS = re.compile(
    r"does(n't| not) support (tools|tool use|function)|found that support tool use"
    r"|tool choice requires --enable-auto-tool-choice|tools param requires --jinja",
    re.IGNORECASE,
)
# Gateways to Anthropic and Bedrock, of a history with calls: LiteLLM, OpenRouter (2026-11).
_TOOLS_WANTED = re.compile(
    r"must define tools|expects the `?tools=?`? param|toolConfig field must be defined",
    re.IGNORECASE,
)
# DeepSeek and Moonshot of calls that they, or other models, made without thinking (2026-11).
_REASONING_WANTED = re.compile(
    r"reasoning_content.{0,40} (is missing|must be passed)"
    r"|(missing|requires?).{0,20}reasoning_content",
    re.IGNORECASE,
)
_REASONING = frozenset({"reasoning_content", "reasoning_details"})
_NO_REASONING = " "  # an empty text is none to Moonshot
Entry = dict[str, JSON]


@dataclass(frozen=True, slots=True)
class _Dialect:
    own: bool  # OpenAI's own API
    output_limit: str
    system_role: str
    stream_options: bool


def _dialect(model: ModelInfo, options: Mapping[str, JSON]) -> _Dialect:
    own = model.ref.provider in _OWN or "//api.openai.com" in model.base_url
    system = "developer" if own and model.thinking != "none" else "system"
    return _Dialect(
        own,
        string(options.get("output_limit")) or ("max_completion_tokens" if own else "max_tokens"),
        string(options.get("system_role")) or system,
        options.get("stream_options") is not False,
    )


def encode(request: ChatRequest, options: Mapping[str, JSON] | None = None) -> Body:
    """Return the body for *request*; the same bytes for the same request and options."""
    model = request.model
    dialect = _dialect(model, options or {})
    messages: list[JSON] = list(_messages(request, dialect))
    if request.system.strip():
        messages.insert(0, {"role": dialect.system_role, "content": request.system})
    body: Body = {"model": model.ref.name, "messages": messages, "stream": True}
    if dialect.stream_options:
        body["stream_options"] = {"include_usage": True}
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
        body[dialect.output_limit] = min(request.max_output, model.max_output or request.max_output)
    if (effort := _effort(request)) is not None:
        body["reasoning_effort"] = effort
    if request.temperature is not None and model.abilities.sampling:
        body["temperature"] = request.temperature
    if request.cache_key and dialect.own:
        body["prompt_cache_key"] = safe_id(request.cache_key, _LONGEST_CACHE_KEY)
    return body


def _effort(request: ChatRequest) -> str | None:
    if request.model.thinking == "none":
        return None
    effort = request.model.snap_effort(request.effort)
    if effort == "off":
        return "none"
    if effort == "max":  # the Responses API alone takes it
        return "xhigh" if "xhigh" in request.model.efforts else "high"
    return effort


def _messages(request: ChatRequest, dialect: _Dialect) -> list[Entry]:
    found: list[Entry] = []
    model = request.model
    last_user = max(
        (at for at, message in enumerate(request.messages) if message.role == "user"), default=-1
    )
    for at, message in enumerate(request.messages):
        if message.role == "assistant":
            entry = _assistant(message, model, dialect, in_turn=at > last_user)
            _append(found, entry)
            continue
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        found.extend(_result(result) for result in results)
        _append(found, _user([*_moved(results, model), *_spoken(message, model)]))
    return found


def _append(found: list[Entry], entry: Entry | None) -> None:
    """Add *entry*, merged into a neighbour of its role: many templates demand alternation."""
    if entry is None:
        return
    last = found[-1] if found else {}
    if last.get("role") != entry["role"] or last.get("tool_calls"):
        found.append(entry)
        return
    if entry["role"] == "user":
        pieces = [*_pieces(last["content"]), *_pieces(entry["content"])]
        last["content"] = _user_content(pieces)
    else:
        texts = [string(last.get("content")), string(entry.get("content"))]
        last.update(entry)
        last["content"] = "\n\n".join(text for text in texts if text) or entry.get("content")


def _pieces(content: JSON) -> list[Entry]:
    if isinstance(content, str):
        return [_words(content)]
    return [mapping(piece) for piece in items(content)]


def _words(text: str) -> Entry:
    return {"type": "text", "text": text}


def _user(pieces: list[Entry]) -> Entry | None:
    return {"role": "user", "content": _user_content(pieces)} if pieces else None


def _user_content(pieces: list[Entry]) -> JSON:
    if all(piece["type"] == "text" for piece in pieces):
        return "\n\n".join(string(piece["text"]) for piece in pieces)
    return list[JSON](pieces)


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
        file: Entry = {
            "filename": document.name or "document.pdf",
            "file_data": data_url(document.data, document.mime),
        }
        return {"type": "file", "file": file}
    return _words(document_text(document))


def _result(result: ToolResult) -> Entry:
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
        "tool_call_id": safe_id(result.call_id, _LONGEST_ID),
        "content": f"Error: {text}" if result.is_error else text,
    }


def _moved(results: list[ToolResult], model: ModelInfo) -> list[Entry]:
    """The pictures of *results*, for a user message: a tool message takes text alone."""
    found: list[Entry] = []
    for result in results:
        images = [part for part in result.parts if isinstance(part, Image)]
        if images and model.abilities.images:
            call_id = safe_id(result.call_id, _LONGEST_ID)
            found.append(_words(f"Images from the result of {result.name} ({call_id}):"))
            found.extend(_image(image) for image in images)
    return found


def _assistant(
    message: Message, model: ModelInfo, dialect: _Dialect, *, in_turn: bool
) -> Entry | None:
    calls: list[JSON] = [_call(call) for call in message.tool_calls]
    extra: Entry = {}
    for part in message.parts:
        if isinstance(part, Thinking):
            extra.update(_reasoning(part, model))
    text = "\n\n".join(said for part in message.parts if (said := _said(part)).strip())
    if not text and not calls:
        return None
    if "details" in extra:
        extra = {"reasoning_details": extra["details"]}
    elif not (calls and in_turn):
        extra = {}  # servers that want reasoning back want it within the running turn
    entry: Entry = {"role": "assistant", "content": text or (None if dialect.own else "")}
    if calls:
        entry["tool_calls"] = calls
    return {**entry, **extra}


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


def _reasoning(part: Thinking, model: ModelInfo) -> Entry:
    data = replay(part, model)
    if details := items(data.get("details")):
        return {"details": plain(details)}
    # Only the older name is known to be required back.
    return {"reasoning_content": part.text} if data.get("field") == "reasoning_content" else {}


def _call(call: ToolCall) -> Entry:
    return {
        "id": safe_id(call.id, _LONGEST_ID),
        "type": "function",
        "function": {"name": call.name or "unnamed", "arguments": arguments_text(call)},
    }


def repair(problem: ProviderError, body: Body) -> tuple[Body, str] | None:
    """Return a body without what a server refused and can do without; None if there is nothing."""
    refused = problem.status in {400, 404, 422, 500}  # 500 is llama.cpp's
    if refused and "tools" in body and _NO_TOOLS.search(problem.detail):
        less = {name: value for name, value in body.items() if name != "tools"}
        return less, f"{problem.provider} takes no tools for {string(body.get('model'))}"
    if refused and "tools" not in body and _TOOLS_WANTED.search(problem.detail):
        return _with_closed_tools(problem, body)
    if problem.status not in {400, 422}:
        return None
    if stale_reasoning(problem):
        less = _with_reasoning(body, None)
        return (less, "the reasoning of earlier turns is not sent") if less != body else None
    if _REASONING_WANTED.search(problem.detail):
        more = _with_reasoning(body, _NO_REASONING)
        words = f"{problem.provider} wants a place for reasoning in earlier calls"
        return (more, words) if more != body else None
    renamed = _renamed_limit(problem, body) or _renamed_role(problem, body)
    return renamed or drop_parameter(problem, body, _OPTIONAL)


def _with_reasoning(body: Body, blank: str | None) -> Body:
    """Return *body* with *blank* as the reasoning of calls that have none, or without any."""
    messages: list[JSON] = []
    for message in map(mapping, items(body.get("messages"))):
        if blank is None:
            kept = {name: value for name, value in message.items() if name not in _REASONING}
            messages.append(kept)
        elif message.get("tool_calls") and not message.get("reasoning_content"):
            messages.append({**message, "reasoning_content": blank})
        else:
            messages.append(message)
    return {**body, "messages": messages}


def _with_closed_tools(problem: ProviderError, body: Body) -> tuple[Body, str] | None:
    calls = (
        mapping(mapping(call).get("function"))
        for message in map(mapping, items(body.get("messages")))
        for call in items(message.get("tool_calls"))
    )
    tools: list[JSON] = [
        {
            "type": "function",
            "function": {"name": name, "description": CLOSED, "parameters": object_schema({})},
        }
        for name in dict.fromkeys(string(call.get("name")) for call in calls)
    ]
    if not tools:
        return None
    words = f"{problem.provider} wants the tools of earlier calls declared; none can be called"
    return {**body, "tools": tools, "tool_choice": "none"}, words


def _renamed_limit(problem: ProviderError, body: Body) -> tuple[Body, str] | None:
    if "max_completion_tokens" in problem.detail:
        for told, other in (
            ("max_tokens", "max_completion_tokens"),
            ("max_completion_tokens", "max_tokens"),
        ):
            if told in body:
                less = {name: value for name, value in body.items() if name != told}
                return {**less, other: body[told]}, f"{problem.provider} wants {other}"
    return None


def _renamed_role(problem: ProviderError, body: Body) -> tuple[Body, str] | None:
    lead, *rest = items(body.get("messages")) or [None]
    if "developer" not in problem.detail or mapping(lead).get("role") != "developer":
        return None
    messages: list[JSON] = [{**mapping(lead), "role": "system"}, *rest]
    return {**body, "messages": messages}, f"{problem.provider} does not know the role developer"


def _make(endpoint: Endpoint, timeout: httpx2.Timeout) -> Any:
    return confined(sdk.load("openai").AsyncOpenAI(**client_options(endpoint, timeout)), endpoint)


class OpenAIChat:
    """Implements `Provider` for OpenAI Chat Completions and servers like it."""

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
            return post_stream(client, streams, "/chat/completions", body, BEARER)

        tagged = not _dialect(request.model, {}).own
        decoder = partial(Decoder, tagged=tagged)
        exchange = Exchange(request.model.ref.name, send, decoder, self._healing)
        async for event in stream_reply(self.endpoint, exchange, self.body(request)):
            yield event

    async def models(self) -> list[str]:
        """See `Provider.models`."""

        async def names(client: Any) -> list[str]:
            return [model.id async for model in client.models.list()]

        return await self._connection.ask(names)

    def body(self, request: ChatRequest) -> Body:
        """See `Provider.body`."""
        return self._healing.fit(request.model.ref.name, encode(request, self.endpoint.options))

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._connection.aclose()

"""Google Gemini: a request as its JSON body, and the provider that sends it.

Facts from the API reference of v1beta, the request types of google-genai 3.4 and recorded
requests, 2026-11-22. What is replayed, and under which keys, is told in `gemini_stream`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

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
from flux_tui.core.repair import EMPTY
from flux_tui.core.usage import JSON
from flux_tui.providers.base import ChatRequest, Endpoint
from flux_tui.providers.encoding import (
    arguments,
    base64_text,
    document_text,
    image_note,
    replay,
)
from flux_tui.providers.gemini_errors import read_error
from flux_tui.providers.gemini_schema import accepted_schema
from flux_tui.providers.gemini_stream import Decoder
from flux_tui.providers.healing import Healing, drop_parameter
from flux_tui.providers.json_values import count, items, mapping, plain, string
from flux_tui.providers.transport import Body, Connection, Exchange, stream_reply

if TYPE_CHECKING:
    import httpx2

__all__ = ["Decoder", "Gemini", "encode", "request_path"]

UNSIGNED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""The signature that Google gives out for calls which another vendor's model made."""

_BUDGETS: dict[Effort, int] = {
    "off": 0,
    "minimal": 512,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 24576,
    "max": 24576,
}
_LEVELS: dict[Effort, str] = {
    "off": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
_PICTURES = frozenset({"image/png", "image/jpeg", "image/webp"})
_UNSIGNED_SERIES = ("gemini-1", "gemini-2", "gemma", "learnlm")  # nothing is signed, or need be
_VERSIONS = ("/v1beta", "/v1alpha", "/v1")
_THINKING = ("generationConfig", "thinkingConfig")
_OPTIONAL = {
    "thinkingConfig": _THINKING,
    "thinking_config": _THINKING,
    "thinking level": _THINKING,
    "Thinking level": _THINKING,
    "thinking budget": _THINKING,
    "Thinking is not": _THINKING,
    "temperature": ("generationConfig", "temperature"),
    "maxOutputTokens": ("generationConfig", "maxOutputTokens"),
    "max_output_tokens": ("generationConfig", "maxOutputTokens"),
}
_MOST_PAGES = 50  # of the list of models
Entry = dict[str, JSON]


def encode(request: ChatRequest) -> Body:
    """Return the body for *request*; the same bytes for the same request.

    The model and the wish for a stream stand in the path, not in the body.
    """
    model = request.model
    body: Body = {"contents": list[JSON](_contents(request.messages, model))}
    if request.system.strip():
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    if request.tools:
        body["tools"] = [
            {
                "functionDeclarations": [
                    {
                        "name": tool.name,
                        "description": tool.description,
                        "parametersJsonSchema": accepted_schema(tool.schema),
                    }
                    for tool in request.tools
                ]
            }
        ]
    if config := _config(request):
        body["generationConfig"] = config
    return body


def _config(request: ChatRequest) -> Entry:
    model = request.model
    config: Entry = {}
    if request.max_output is not None:
        most = model.max_output
        config["maxOutputTokens"] = min(request.max_output, most) if most else request.max_output
    if request.temperature is not None and model.abilities.sampling:
        config["temperature"] = request.temperature
    if thinking := _thinking(model, model.snap_effort(request.effort)):
        config["thinkingConfig"] = thinking
    return config


def _thinking(model: ModelInfo, effort: Effort | None) -> Entry:
    if model.thinking == "none":
        return {}
    if effort is None:
        return {"includeThoughts": True} if model.thinking_default else {}
    if model.thinking == "budget":
        budget = _BUDGETS[effort]
        return {"includeThoughts": budget > 0, "thinkingBudget": budget}
    return {"includeThoughts": True, "thinkingLevel": _LEVELS[effort]}


def _contents(messages: Iterable[Message], model: ModelInfo) -> list[Entry]:
    """Return the contents: neighbours merged, but results of tools always by themselves."""
    contents: list[Entry] = []
    before = ""
    for message in messages:
        parts = [entry for part in message.parts for entry in _parts(part, message, model)]
        if not parts:
            continue
        if message.role != before:
            role = "model" if message.role == "assistant" else "user"
            contents.append({"role": role, "parts": list[JSON]()})
            before = message.role
        items(contents[-1]["parts"]).extend(parts)
    if contents and contents[0]["role"] == "model":
        contents.insert(0, {"role": "user", "parts": [{"text": EMPTY}]})
    if not model.ref.name.rpartition("/")[2].startswith(_UNSIGNED_SERIES):
        _sign_calls(contents)
    return contents


def _sign_calls(contents: list[Entry]) -> bool:
    """Give the first call of each turn the sentinel if it has no signature; whether one did."""
    changed = False
    for content in contents:
        if content.get("role") != "model":
            continue
        calls = [part for part in map(mapping, items(content["parts"])) if "functionCall" in part]
        if calls and "thoughtSignature" not in calls[0]:
            calls[0]["thoughtSignature"] = UNSIGNED
            changed = True
    return changed


def _parts(part: Part, message: Message, model: ModelInfo) -> list[Entry]:
    assistant = message.role == "assistant"
    match part:
        case Text():
            return _text(part, model)
        case Thinking():
            return _thought(part, model) if assistant else []
        case Image():
            return [_words(image_note(part)) if assistant else _image(part)]
        case Document():
            return [_words(document_text(part)) if assistant else _document(part, model)]
        case ToolCall():
            called: Entry = {"id": part.id, "name": part.name or "unnamed", "args": arguments(part)}
            return [_signed({"functionCall": called}, replay(part, model).get("signature"))]
        case ToolResult():
            return [_result(part, model)]
        case Opaque():
            whole = mapping(replay(part, model).get("part"))
            if whole:
                return [mapping(plain(whole))]
            return [_words(part.note)] if part.note.strip() else []


def _words(text: str) -> Entry:
    return {"text": text}


def _signed(entry: Entry, signature: JSON) -> Entry:
    return {**entry, "thoughtSignature": signature} if signature else entry


def _text(part: Text, model: ModelInfo) -> list[Entry]:
    data = replay(part, model)
    signature = string(data.get("signature"))
    if not signature:
        return [_words(part.text)] if part.text.strip() else []
    begin = min(count(data.get("from")), len(part.text))
    head = part.text[:begin]
    signed = _signed(_words(part.text[begin:]), signature)
    return [_words(head), signed] if head.strip() else [signed]


def _thought(part: Thinking, model: ModelInfo) -> list[Entry]:
    data = replay(part, model)
    if part.metadata is None or part.metadata.origin != model.origin:
        return []
    signature = data.get("signature")
    if data.get("bare") is True:
        return [_signed(_words(""), signature)]
    if not part.text.strip() and not signature:
        return []
    return [_signed({"text": part.text, "thought": True}, signature)]


def _image(image: Image) -> Entry:
    if image.mime not in _PICTURES:
        return _words(image_note(image))
    return _inline(image.data, image.mime)


def _document(document: Document, model: ModelInfo) -> Entry:
    if document.mime == "application/pdf" and model.abilities.documents:
        return _inline(document.data, document.mime)
    return _words(document_text(document))


def _inline(data: bytes, mime: str) -> Entry:
    return {"inlineData": {"mimeType": mime, "data": base64_text(data)}}


def _result(result: ToolResult, model: ModelInfo) -> Entry:
    lines: list[str] = []
    files: list[JSON] = []
    for part in result.parts:
        entry: Entry = {}
        match part:
            case Text():
                lines.append(part.text)
            case Image():
                entry = _image(part)
            case Document():
                entry = _document(part, model)
        if "inlineData" in entry and model.abilities.tool_result_images:
            files.append(entry)
        elif isinstance(part, Image):
            lines.append(image_note(part))
        elif isinstance(part, Document):
            lines.append(document_text(part))
    # As one text: an object could hold "$ref", which Google takes for a reference to a file.
    said: Entry = {"error" if result.is_error else "output": "\n".join(lines)}
    response: Entry = {"id": result.call_id, "name": result.name or "unnamed", "response": said}
    if files:
        response["parts"] = files
    return {"functionResponse": response}


def repair(problem: ProviderError, body: Body) -> tuple[Body, str] | None:
    """Return a body that heals the refusal *problem* of *body*, and why; None if nothing does."""
    words = problem.detail.lower().replace("_", " ")
    if "thought signature" not in words and "missing_thought_signature" not in str(problem).lower():
        return drop_parameter(problem, body, _OPTIONAL)
    contents = [mapping(plain(content)) for content in items(body["contents"])]
    changed = False
    if "missing" not in words:
        for content in contents:
            changed = _unsign(content) or changed
    contents = [content for content in contents if content["parts"]]
    changed = _sign_calls(contents) or changed
    if not changed:
        return None
    return {
        **body,
        "contents": list[JSON](contents),
    }, "the signatures of earlier turns are not sent"


def _unsign(content: Entry) -> bool:
    """Take the signatures from *content*, and parts that were nothing else; whether any was."""
    parts = [mapping(part) for part in items(content["parts"])]
    signed = [part for part in parts if part.get("thoughtSignature") not in {None, UNSIGNED}]
    for part in signed:
        del part["thoughtSignature"]
    content["parts"] = [part for part in parts if part and part != {"text": ""}]
    return bool(signed)


def _make(endpoint: Endpoint, timeout: httpx2.Timeout) -> Any:
    from flux_tui.providers.plain_http import PlainClient

    key = endpoint.key.get_secret_value() if endpoint.key else ""
    return PlainClient(endpoint, timeout, {"x-goog-api-key": key} if key else {}, read_error)


def request_path(base_url: str, name: str) -> str:
    """Return what follows *base_url* in the address of a request to the model *name*."""
    # A tuned model's name brings its own collection along.
    place = quote(name if "/" in name else f"models/{name}")
    return f"{_root(base_url)}/{place}:streamGenerateContent?alt=sse"


def _root(base_url: str) -> str:
    """The version of the API, unless *base_url* ends with one."""
    path = urlsplit(base_url).path.rstrip("/")
    return "" if path.endswith(_VERSIONS) else "/v1beta"


class Gemini:
    """Implements `Provider` for the Gemini API."""

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
        path = request_path(self.endpoint.base_url, request.model.ref.name)

        def send(body: Body) -> Any:
            return client.stream(path, body)

        exchange = Exchange(request.model.ref.name, send, Decoder, self._healing)
        async for event in stream_reply(self.endpoint, exchange, self.body(request)):
            yield event

    async def models(self) -> list[str]:
        """See `Provider.models`."""
        return await self._connection.ask(self._list)

    async def _list(self, client: Any) -> list[str]:
        path = f"{_root(self.endpoint.base_url)}/models"
        names: list[str] = []
        more: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            page = mapping(await client.get(path, pageSize="1000", **more))
            for row in map(mapping, items(page.get("models"))):
                methods = items(row.get("supportedGenerationMethods"))
                if not methods or "generateContent" in methods:
                    names.append(string(row.get("name")).removeprefix("models/"))
            token = string(page.get("nextPageToken"))
            if not token:
                break
            more = {"pageToken": token}
        return [name for name in names if name]

    def body(self, request: ChatRequest) -> Body:
        """See `Provider.body`."""
        return self._healing.fit(request.model.ref.name, encode(request))

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._connection.aclose()

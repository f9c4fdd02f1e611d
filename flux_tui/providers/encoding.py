"""What the encoders share: replay data, identifiers, bytes as text, words for what has no form."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

from flux_tui.core.messages import Document, Image, Message, Opaque, Text, Thinking, ToolCall
from flux_tui.core.models import ModelInfo
from flux_tui.core.repair import clean
from flux_tui.core.usage import JSON
from flux_tui.providers.json_values import items, mapping, plain

_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_NOTHING: Mapping[str, JSON] = {}


def replay(part: Text | Thinking | ToolCall | Opaque, model: ModelInfo) -> Mapping[str, JSON]:
    """Return the replay data of *part* if *model* itself wrote it there, else nothing.

    Its texts can be sent; what is nested in it goes through `plain`.
    """
    metadata = part.metadata
    if metadata is None or metadata.origin != model.origin:
        return _NOTHING
    data = metadata.data.items()
    return {key: clean(value) if isinstance(value, str) else value for key, value in data}


def safe_id(call_id: str, longest: int, *, wordlike: bool = False) -> str:
    """Return *call_id* as a vendor accepts it: the same each time, and never two for one.

    At most *longest* characters; *wordlike* allows only letters, digits, ``_`` and ``-``. An id
    that must change gets a hash of the original, because a plain cut makes different ids equal.
    """
    fitting = _UNSAFE.sub("_", call_id) if wordlike else call_id
    if fitting == call_id and 0 < len(call_id) <= longest:
        return call_id
    digest = sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()
    if wordlike and call_id:
        return f"{fitting[: longest - 9]}_{digest[:8]}"
    return f"call_{digest[:24]}"


def names_called(messages: Iterable[Message]) -> tuple[str, ...]:
    """Return the names of all tools that *messages* call, in the order of their first call."""
    calls = (call for message in messages for call in message.tool_calls)
    return tuple(dict.fromkeys(call.name or "unnamed" for call in calls))


CLOSED = "Not available any more."
"""What is said of a tool that stands in the history and cannot be called now."""


def base64_text(data: bytes) -> str:
    """Return *data* in base64."""
    return base64.b64encode(data).decode("ascii")


def data_url(data: bytes, mime: str) -> str:
    """Return *data* as a data URL."""
    return f"data:{mime};base64,{base64_text(data)}"


def arguments(call: ToolCall) -> dict[str, JSON]:
    """Return the argument object to replay; what could not be parsed goes as one string."""
    if call.error and call.raw:
        return {"INVALID_JSON": call.raw}
    # They are clean since they were normalised; only what is nested must be copied.
    return {
        key: value if isinstance(value, (str, int)) else plain(value)
        for key, value in call.arguments.items()
    }


def arguments_text(call: ToolCall) -> str:
    """Return the arguments as JSON text, the same for the same call."""
    return _COMPACT.encode(arguments(call))


def object_schema(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return *schema* as all vendors accept that of a tool: an object with its properties.

    OpenAI: "object schema missing properties", even of a tool that takes no arguments.
    """
    return {"type": "object", "properties": {}, **mapping(plain(schema))}


def document_text(document: Document) -> str:
    """Return *document* as text for a model that takes no such file."""
    name = document.name or "document"
    if document.text is None:
        return f"[{name}: {document.mime}, {len(document.data)} bytes, not shown]"
    fence = "```"
    while fence in document.text:
        fence += "`"
    return f"{name}:\n{fence}\n{document.text}\n{fence}"


def image_note(image: Image) -> str:
    """Return the words that stand for *image* where no picture may stand."""
    size = f", {image.width}x{image.height}" if image.width and image.height else ""
    return f"[image {image.name or 'without a name'}{size}, {image.mime}]"


def without_thinking(body: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return *body* without the thinking chunks of the answers among its messages.

    An answer that was nothing else stays in its place: the vendors mind the order of roles.
    """
    kept: list[JSON] = []
    for message in map(mapping, items(body.get("messages"))):
        content = message.get("content")
        if not isinstance(content, list):
            kept.append(message)
            continue
        rest: list[JSON] = [part for part in content if mapping(part).get("type") != "thinking"]
        if not (rest or message.get("tool_calls")):
            rest = [{"type": "text", "text": "[thinking left out]"}]
        kept.append({**message, "content": rest or ""})
    return {**body, "messages": kept} if kept else dict(body)

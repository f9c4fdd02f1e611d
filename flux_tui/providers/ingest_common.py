"""What the readers of foreign bodies share: typed access with paths, media, tools."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from flux_tui.core.builder import parse_arguments
from flux_tui.core.errors import CodecError
from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Part,
    ProviderMetadata,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from flux_tui.core.models import Api, ModelRef, Origin
from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.core.usage import JSON
from flux_tui.providers.base import ToolSpec
from flux_tui.providers.json_values import items, mapping, string
from flux_tui.providers.registry import PROVIDERS

Object = dict[str, JSON]
_LISTS: dict[Api, str] = {"openai-responses": "input", "gemini": "contents"}
_DATA_URL = re.compile(r"data:([^;,]*)[^,]*?;base64,(.*)", re.DOTALL)


@dataclass(slots=True)
class Reading:
    """One body being read: what it holds, and what was made of it so far."""

    body: Object
    given: list[JSON]  # the messages or items
    key: str  # where they stand
    origin: Origin
    turns: list[tuple[Role, list[Part]]] = field(default_factory=list[tuple[Role, list[Part]]])
    system: list[str] = field(default_factory=list[str])
    tools: list[ToolSpec] = field(default_factory=list[ToolSpec])
    notes: list[str] = field(default_factory=list[str])
    calls: dict[str, str] = field(default_factory=dict[str, str])  # id -> tool name

    @classmethod
    def of(cls, data: object, api: Api, model: str) -> Reading:
        """Open *data*, a body or a bare list."""
        name = _LISTS.get(api, "messages")
        body: Object = {}
        key = ""
        given = data
        if isinstance(data, dict):
            body = cast("Object", data)  # JSON objects have text keys
            key = name
            if name not in body:
                raise CodecError("is missing", path=name)
            given = body[name]
        if api == "openai-responses" and isinstance(given, str):
            given = [{"role": "user", "content": given}]
        provider = next(spec for spec in PROVIDERS.values() if spec.api == api)
        wrote = string(body.get("model")) or model or "unknown"
        origin = Origin(provider.id, api, provider.base_url, wrote)
        return cls(body, as_list(given, key), key, origin)

    def at(self, index: int) -> str:
        """The path of one of the messages."""
        return f"{self.key}[{index}]"

    def data(self, data: Mapping[str, JSON]) -> ProviderMetadata | None:
        """Replay data of the model that answered, None if there is none."""
        return ProviderMetadata(self.origin, dict(data)) if data else None

    def add(self, role: Role, *parts: Part) -> None:
        """Append *parts*, to the last message if *role* goes on."""
        if self.turns and self.turns[-1][0] == role:
            self.turns[-1][1].extend(parts)
        elif parts:
            self.turns.append((role, list(parts)))

    def messages(self) -> list[Message]:
        """Return what was read so far."""
        wrote = ModelRef(self.origin.provider, self.origin.model)
        return [
            Message(
                role=role,
                parts=tuple(parts),
                id=f"message-{number}",
                model=wrote if role == "assistant" else None,
            )
            for number, (role, parts) in enumerate(self.turns)
        ]

    def instruct(self, texts: Iterable[str], path: str) -> None:
        """Take a system message."""
        if not self.turns:
            self.system.extend(texts)
            return
        # In the middle it speaks from there on; the neutral form has no such place.
        self.notes.append(f"{path}: a later system message is told as the user's")
        self.add("user", *(Text(f"<system>{text}</system>") for text in texts))

    def call(self, call_id: str, name: str, raw: JSON, data: Mapping[str, JSON]) -> ToolCall:
        """Make a call of its arguments, JSON text or an object."""
        self.calls[call_id] = name
        if isinstance(raw, dict):
            return ToolCall(call_id, name, raw, metadata=self.data(data))
        text = string(raw)
        arguments, error = parse_arguments(text)
        broken = text if error else ""
        return ToolCall(call_id, name, arguments, broken, error, metadata=self.data(data))

    def result(
        self, call_id: str, parts: tuple[Text | Image | Document, ...], *, error: bool = False
    ) -> None:
        """Append a tool's answer."""
        self.add("tool", ToolResult(call_id, self.calls.get(call_id, ""), parts, is_error=error))

    def read_tools(self) -> None:
        """Take the function tools; hosted ones exist at their vendor only."""
        for index, entry in enumerate(items(self.body.get("tools"))):
            tool = mapping(entry)
            inner = mapping(tool.get("function")) or tool
            schema = inner.get("input_schema") or inner.get("parameters")
            name = string(inner.get("name"))
            kind = string(tool.get("type"))
            if name and kind in {"", "function", "custom"} and isinstance(schema, dict):
                words = sanitize(string(inner.get("description")))
                self.tools.append(ToolSpec(name, words, schema))
            else:
                self.notes.append(f"tools[{index}]: {one_line(kind or name)!r} is not carried over")

    def media(self, source: str, name: str, path: str) -> Text | Image | Document:
        """Make a picture or a document of the data URL *source*; a note of any other address."""
        found = _DATA_URL.fullmatch(source)
        if found is None:
            self.notes.append(f"{path}: the file itself is not in the request")
            return Text(f"[file not included: {one_line(source, 200) or name or 'unnamed'}]")
        return picture(found[1].strip().lower(), found[2], name, path)


def picture(mime: str, data: str, name: str, path: str) -> Image | Document:
    """Make a picture or a document of base64 *data*."""
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except ValueError as problem:
        raise CodecError("is not base64", path=path) from problem
    if mime.startswith("image/"):
        return Image(content, mime, sanitize(name))
    text = content.decode("utf-8", "replace") if mime.startswith("text/") else None
    return Document(content, mime, sanitize(name), None if text is None else sanitize(text))


def as_object(value: object, path: str) -> Object:
    """Return *value* if it is an object.

    Raises:
        CodecError: it is not.
    """
    if not isinstance(value, dict):
        raise CodecError("expected an object", path=path)
    return cast("Object", value)  # JSON objects have text keys


def as_list(value: object, path: str) -> list[JSON]:
    """Return *value* if it is a list.

    Raises:
        CodecError: it is not.
    """
    if not isinstance(value, list):
        raise CodecError("expected a list", path=path or "the document")
    return cast("list[JSON]", value)  # JSON lists hold JSON


def text_of(item: Object, key: str, path: str) -> str:
    """Return the text under *key*, sanitised.

    Raises:
        CodecError: there is none.
    """
    value = item.get(key)
    if not isinstance(value, str):
        found = "is missing" if value is None else "expected text"
        raise CodecError(found, path=f"{path}.{key}")
    return sanitize(value)


def parts_of(value: JSON, kind: str, path: str) -> list[tuple[str, Object]]:
    """Return content parts with their paths; bare text is one part of type *kind*.

    Raises:
        CodecError: *value* is neither text nor a list of objects.
    """
    if value is None:
        return []
    if isinstance(value, str):
        return [(path, {"type": kind, "text": value})]
    return [
        (f"{path}[{index}]", as_object(part, f"{path}[{index}]"))
        for index, part in enumerate(as_list(value, path))
    ]

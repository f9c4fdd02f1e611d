"""Cohere v2 chat request -> conversation; see `ingest`."""

from __future__ import annotations

from dataclasses import replace

from flux_tui.core.errors import CodecError
from flux_tui.core.messages import Document, Image, Text, Thinking
from flux_tui.core.sanitize import sanitize
from flux_tui.core.usage import JSON
from flux_tui.providers.cohere_stream import content_text
from flux_tui.providers.ingest_common import (
    Object,
    Reading,
    as_list,
    as_object,
    parts_of,
    text_of,
)
from flux_tui.providers.json_values import items, mapping, plain, string

_TYPES: dict[str, JSON] = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}


def read_cohere(reading: Reading) -> None:
    """Read the whole body."""
    reading.read_tools()
    reading.tools = [
        replace(tool, schema=mapping(_standard(plain(tool.schema)))) for tool in reading.tools
    ]
    for index, entry in enumerate(reading.given):
        path = reading.at(index)
        message = as_object(entry, path)
        role = message.get("role")
        parts = parts_of(message.get("content"), "text", f"{path}.content")
        match role:
            case "system":
                reading.instruct((text_of(part, "text", at) for at, part in parts), path)
            case "user":
                reading.add("user", *(_shown(reading, part, at) for at, part in parts))
            case "assistant":
                _assistant(reading, message, parts, path)
            case "tool":
                call_id = text_of(message, "tool_call_id", path)
                words = sanitize(content_text(message.get("content")))
                reading.result(call_id, (Text(words),))
            case _:
                raise CodecError(
                    f"{role!r} is none of: system, user, assistant, tool", path=f"{path}.role"
                )
    _documents(reading)


def _standard(schema: JSON) -> JSON:
    """Return *schema* with the types that JSON Schema knows: the vendor takes Python's as well."""
    if isinstance(schema, list):
        return [_standard(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        # A parameter may itself be called "type".
        key: _TYPES.get(value, value)
        if key == "type" and isinstance(value, str)
        else _standard(value)
        for key, value in schema.items()
    }


def _documents(reading: Reading) -> None:
    """Put the documents beside the messages into the last question."""
    given = items(reading.body.get("documents"))
    texts = [content_text([{"document": entry}]) for entry in given]
    if texts:
        reading.notes.append("documents: told as the user's words")
        reading.add("user", *(Text(f"Document:\n{sanitize(text)}") for text in texts))


def _assistant(
    reading: Reading, message: Object, parts: list[tuple[str, Object]], path: str
) -> None:
    for at, part in parts:
        if part.get("type") == "thinking":
            thought = text_of(part, "thinking", at)
            reading.add("assistant", Thinking(thought, reading.data({"chunk": "thinking"})))
        else:
            reading.add("assistant", Text(text_of(part, "text", at)))
    if plan := string(message.get("tool_plan")):
        reading.add("assistant", Text(sanitize(plan), reading.data({"tool_plan": True})))
    _calls(reading, message.get("tool_calls"), f"{path}.tool_calls")
    if message.get("citations"):
        reading.notes.append(f"{path}.citations: not carried over")


def _calls(reading: Reading, calls: JSON, path: str) -> None:
    for place, entry in enumerate(as_list(calls or [], path)):
        at = f"{path}[{place}]"
        call = as_object(entry, at)
        function = mapping(call.get("function"))
        name = text_of(function, "name", f"{at}.function")
        made = reading.call(text_of(call, "id", at), name, function.get("arguments"), {})
        reading.add("assistant", made)


def _shown(reading: Reading, part: Object, path: str) -> Text | Image | Document:
    kind = string(part.get("type"))
    match kind:
        case "text":
            return Text(text_of(part, "text", path))
        case "image_url":
            image = part.get("image_url")
            url = string(image) or string(mapping(image).get("url"))
            return reading.media(url, "", path)
        case _:
            reading.notes.append(f"{path}: {kind!r} is not carried over")
            return Text(f"[{kind or 'unknown part'}]")

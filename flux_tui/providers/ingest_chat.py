"""OpenAI Chat Completions request -> conversation; see `ingest`."""

from __future__ import annotations

from flux_tui.core.errors import CodecError
from flux_tui.core.messages import Document, Image, Text, Thinking
from flux_tui.core.sanitize import sanitize
from flux_tui.providers.ingest_common import (
    Object,
    Reading,
    as_list,
    as_object,
    parts_of,
    text_of,
)
from flux_tui.providers.json_values import mapping, string

_REASONING = ("reasoning_content", "reasoning")


def read_chat(reading: Reading) -> None:
    """Read the whole body."""
    reading.read_tools()
    for index, entry in enumerate(reading.given):
        path = reading.at(index)
        message = as_object(entry, path)
        role = message.get("role")
        parts = parts_of(message.get("content"), "text", f"{path}.content")
        match role:
            case "system" | "developer":
                reading.instruct((text_of(part, "text", at) for at, part in parts), path)
            case "user":
                reading.add("user", *(_shown(reading, part, at) for at, part in parts))
            case "assistant":
                _assistant(reading, message, parts, path)
            case "tool":
                call_id = text_of(message, "tool_call_id", path)
                reading.result(call_id, tuple(_shown(reading, part, at) for at, part in parts))
            case _:
                known = "system, developer, user, assistant, tool"
                raise CodecError(f"{role!r} is none of: {known}", path=f"{path}.role")


def _assistant(
    reading: Reading, message: Object, parts: list[tuple[str, Object]], path: str
) -> None:
    for key in _REASONING:
        if text := string(message.get(key)):
            reading.add("assistant", Thinking(sanitize(text), reading.data({"field": key})))
            break
    for at, part in parts:
        refused = part.get("type") == "refusal"
        words = text_of(part, "refusal" if refused else "text", at)
        reading.add("assistant", Text(words, reading.data({"refusal": True} if refused else {})))
    if refusal := string(message.get("refusal")):
        reading.add("assistant", Text(sanitize(refusal), reading.data({"refusal": True})))
    calls = message.get("tool_calls")
    for place, entry in enumerate(as_list(calls or [], f"{path}.tool_calls")):
        at = f"{path}.tool_calls[{place}]"
        call = as_object(entry, at)
        function = mapping(call.get("function"))
        raw = function.get("arguments")
        if not function:
            function = mapping(call.get("custom"))
            raw = {"input": function.get("input")}
        name = text_of(function, "name", f"{at}.function")
        reading.add("assistant", reading.call(text_of(call, "id", at), name, raw, {}))


def _shown(reading: Reading, part: Object, path: str) -> Text | Image | Document:
    kind = string(part.get("type"))
    match kind:
        case "text":
            return Text(text_of(part, "text", path))
        case "image_url":
            image = part.get("image_url")
            url = string(image) or string(mapping(image).get("url"))
            return reading.media(url, "", path)
        case "file":
            file = mapping(part.get("file"))
            url = string(file.get("file_data")) or string(file.get("file_id"))
            return reading.media(url, string(file.get("filename")), path)
        case _:
            reading.notes.append(f"{path}: {kind!r} is not carried over")
            return Text(f"[{kind or 'unknown part'}]")

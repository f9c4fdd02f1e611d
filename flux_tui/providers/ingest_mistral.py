"""Mistral chat completions request -> conversation; see `ingest`."""

from __future__ import annotations

from flux_tui.core.errors import CodecError
from flux_tui.core.messages import Document, Image, Opaque, ProviderMetadata, Text, Thinking
from flux_tui.core.sanitize import sanitize
from flux_tui.core.usage import JSON
from flux_tui.providers.ingest_common import (
    Object,
    Reading,
    as_list,
    as_object,
    parts_of,
    text_of,
)
from flux_tui.providers.json_values import items, mapping, string
from flux_tui.providers.mistral_stream import REPLAYABLE


def read_mistral(reading: Reading) -> None:
    """Read the whole body."""
    reading.read_tools()
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
                for at, part in parts:
                    reading.add("assistant", _said(reading, part, at))
                _calls(reading, message.get("tool_calls"), f"{path}.tool_calls")
            case "tool":
                call_id = text_of(message, "tool_call_id", path)
                reading.result(call_id, tuple(_shown(reading, part, at) for at, part in parts))
            case _:
                raise CodecError(
                    f"{role!r} is none of: system, user, assistant, tool", path=f"{path}.role"
                )


def _calls(reading: Reading, calls: JSON, path: str) -> None:
    for place, entry in enumerate(as_list(calls or [], path)):
        at = f"{path}[{place}]"
        call = as_object(entry, at)
        function = mapping(call.get("function"))
        name = text_of(function, "name", f"{at}.function")
        made = reading.call(text_of(call, "id", at), name, function.get("arguments"), {})
        reading.add("assistant", made)


def _said(reading: Reading, part: Object, path: str) -> Text | Thinking | Opaque:
    kind = string(part.get("type"))
    if kind == "thinking":
        told = part.get("thinking")
        pieces = [string(mapping(piece).get("text")) for piece in items(told)]
        kept = {name: part[name] for name in ("signature", "closed") if name in part}
        metadata = reading.data({"chunk": "thinking", **kept})
        return Thinking(sanitize(string(told) or "".join(pieces)), metadata)
    if kind in REPLAYABLE:
        # What a reference points to is told by the words around it; the others were shown.
        note = "" if kind == "reference" else f"[{kind}]"
        return Opaque(kind, ProviderMetadata(reading.origin, {"chunk": part}), note)
    return Text(text_of(part, "text", path))


def _shown(reading: Reading, part: Object, path: str) -> Text | Image | Document:
    kind = string(part.get("type"))
    match kind:
        case "text":
            return Text(text_of(part, "text", path))
        case "image_url":
            image = part.get("image_url")
            url = string(image) or string(mapping(image).get("url"))
            return reading.media(url, "", path)
        case "document_url":
            name = string(part.get("document_name"))
            return reading.media(string(part.get("document_url")), name, path)
        case _:
            reading.notes.append(f"{path}: {kind!r} is not carried over")
            return Text(f"[{kind or 'unknown part'}]")

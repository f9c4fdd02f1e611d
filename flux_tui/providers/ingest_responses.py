"""OpenAI Responses request -> conversation; see `ingest`."""

from __future__ import annotations

from flux_tui.core.errors import CodecError
from flux_tui.core.messages import Document, Image, Opaque, ProviderMetadata, Text, Thinking
from flux_tui.core.sanitize import sanitize
from flux_tui.core.usage import JSON
from flux_tui.providers.ingest_common import Object, Reading, as_object, parts_of, text_of
from flux_tui.providers.json_values import items, mapping, string


def read_responses(reading: Reading) -> None:
    """Read the whole body."""
    if reading.body.get("instructions") is not None:
        reading.system.append(text_of(reading.body, "instructions", "body"))
    reading.read_tools()
    for index, entry in enumerate(reading.given):
        path = reading.at(index)
        item = as_object(entry, path)
        match string(item.get("type")) or "message":
            case "message":
                _message(reading, item, path)
            case "function_call" | "custom_tool_call":
                _call(reading, item, path)
            case "function_call_output" | "custom_tool_call_output":
                inner = parts_of(item.get("output"), "input_text", f"{path}.output")
                parts = tuple(_shown(reading, part, at) for at, part in inner)
                reading.result(text_of(item, "call_id", path), parts)
            case "reasoning":
                _reasoning(reading, item)
            case kind:
                data = ProviderMetadata(reading.origin, {"item": item})
                reading.add("assistant", Opaque(kind, data, _told(item)))


def _message(reading: Reading, item: Object, path: str) -> None:
    role = item.get("role")
    parts = parts_of(item.get("content"), "input_text", f"{path}.content")
    if string(role) in {"system", "developer"}:
        texts = [text_of(part, "text", at) for at, part in parts]
        if reading.turns:
            # In the middle it speaks from there on; the neutral form has no such place.
            reading.notes.append(f"{path}: a later {role} message is told as the user's")
            reading.add("user", *(Text(f"<system>{text}</system>") for text in texts))
        else:
            reading.system.extend(texts)
    elif role == "assistant":
        for at, part in parts:
            refused = part.get("type") == "refusal"
            data: Object = {key: item[key] for key in ("id", "phase") if item.get(key)}
            if refused:
                data["refusal"] = True
            words = text_of(part, "refusal" if refused else "text", at)
            reading.add("assistant", Text(words, reading.data(data)))
    elif role == "user":
        reading.add("user", *(_shown(reading, part, at) for at, part in parts))
    else:
        known = "user, assistant, system, developer"
        raise CodecError(f"{role!r} is none of: {known}", path=f"{path}.role")


def _call(reading: Reading, item: Object, path: str) -> None:
    data: Object = {key: item[key] for key in ("id", "namespace") if item.get(key)}
    raw: JSON = item.get("arguments")
    if item["type"] == "custom_tool_call":
        # Free text for a custom tool; a function takes an object.
        raw = {"input": item.get("input")}
        data = {}
    name = text_of(item, "name", path)
    reading.add("assistant", reading.call(text_of(item, "call_id", path), name, raw, data))


def _reasoning(reading: Reading, item: Object) -> None:
    summary = [string(mapping(part).get("text")) for part in items(item.get("summary"))]
    data: Object = {key: value for key, value in item.items() if key not in {"type", "status"}}
    text = sanitize("\n\n".join(filter(None, summary)))
    reading.add("assistant", Thinking(text, reading.data(data)))


def _told(item: Object) -> str:
    action = mapping(item.get("action"))
    query = string(action.get("query"))
    return f"[searched: {sanitize(query)}]" if query else ""


def _shown(reading: Reading, part: Object, path: str) -> Text | Image | Document:
    kind = string(part.get("type"))
    match kind:
        case "input_text" | "output_text" | "text":
            return Text(text_of(part, "text", path))
        case "input_image":
            url = string(part.get("image_url")) or string(part.get("file_id"))
            return reading.media(url, "", path)
        case "input_file":
            name = string(part.get("filename"))
            url = next(
                (
                    string(part[key])
                    for key in ("file_data", "file_url", "file_id")
                    if part.get(key)
                ),
                "",
            )
            return reading.media(url, name, path)
        case _:
            reading.notes.append(f"{path}: {kind!r} is not carried over")
            return Text(f"[{kind or 'unknown part'}]")

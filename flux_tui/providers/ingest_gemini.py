"""Google Gemini request -> conversation; see `ingest`.

The body does not name its model; google's servers take both spellings of a field's name, as in
inlineData and inline_data, and so does this.
"""

from __future__ import annotations

import json
import re

from flux_tui.core.errors import CodecError
from flux_tui.core.messages import (
    Document,
    Image,
    Opaque,
    Part,
    ProviderMetadata,
    Text,
    Thinking,
)
from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.core.usage import JSON
from flux_tui.providers.base import ToolSpec
from flux_tui.providers.gemini_stream import note_of
from flux_tui.providers.ingest_common import (
    Object,
    Reading,
    as_list,
    as_object,
    picture,
    text_of,
)
from flux_tui.providers.json_values import items, mapping, string

_SNAKE = re.compile(r"_([a-z])")
# What stands below these is the client's own data, not a field of Google's.
_FREE = frozenset({"args", "response", "parametersJsonSchema", "parameters", "responseJsonSchema"})
_CLOSED = frozenset({"thoughtSignature", "thought", "partMetadata", "mediaResolution"})
_ANSWERS = ("output", "result", "return_value")


def read_gemini(reading: Reading) -> None:
    """Read the whole body."""
    reading.body = mapping(_camel(reading.body))
    reading.given = [_camel(entry) for entry in reading.given]
    given = reading.body.get("systemInstruction")
    pieces = items(mapping(given).get("parts")) or ([given] if isinstance(given, dict) else [])
    for index, piece in enumerate(pieces):
        reading.system.append(text_of(mapping(piece), "text", f"systemInstruction.parts[{index}]"))
    _tools(reading)
    waiting: list[str] = []
    before: JSON = ""
    for index, entry in enumerate(reading.given):
        path = reading.at(index)
        content = as_object(entry, path)
        role = content.get("role") or "user"
        found = as_list(content.get("parts"), f"{path}.parts")
        parts = [
            (f"{path}.parts[{n}]", as_object(p, f"{path}.parts[{n}]")) for n, p in enumerate(found)
        ]
        if role == "model":
            open_calls = waiting if before == "model" else list[str]()
            spoken = [_spoken(reading, part, at) for at, part in parts]
            waiting = [*open_calls, *(call_id for call_id in spoken if call_id)]
        elif string(role) in {"user", "function"}:
            for at, part in parts:
                _told(reading, part, at, waiting)
        else:
            raise CodecError(f"{role!r} is none of: user, model", path=f"{path}.role")
        before = role


def _camel(value: JSON) -> JSON:
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {_SNAKE.sub(lambda found: found[1].upper(), key): item for key, item in value.items()}
    return {key: item if key in _FREE else _camel(item) for key, item in named.items()}


def _tools(reading: Reading) -> None:
    for index, entry in enumerate(items(reading.body.get("tools"))):
        tool = mapping(entry)
        for declared in map(mapping, items(tool.pop("functionDeclarations", None))):
            name = string(declared.get("name"))
            schema = mapping(declared.get("parametersJsonSchema")) or _lowered(
                declared.get("parameters")
            )
            words = sanitize(string(declared.get("description")))
            reading.tools.append(ToolSpec(name, words, mapping(schema) or {"type": "object"}))
        for kind in tool:
            reading.notes.append(f"tools[{index}]: {one_line(kind)!r} is not carried over")


def _lowered(schema: JSON) -> JSON:
    """A schema in Google's own dialect, which shouts the types, as JSON Schema."""
    if isinstance(schema, list):
        return [_lowered(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    read = {_SNAKE.sub(lambda found: found[1].upper(), k): _lowered(v) for k, v in schema.items()}
    if isinstance(kind := read.get("type"), str):
        read["type"] = kind.lower()
    if isinstance(properties := schema.get("properties"), dict):
        read["properties"] = {name: _lowered(value) for name, value in properties.items()}
    return read


def _told(reading: Reading, part: Object, path: str, waiting: list[str]) -> None:
    answer = part.get("functionResponse")
    if not isinstance(answer, dict):
        reading.add("user", _shown(reading, part, path))
        return
    name = text_of(answer, "name", f"{path}.functionResponse")
    call_id = string(answer.get("id")) or _unanswered(reading, name, waiting)
    if call_id in waiting:
        waiting.remove(call_id)
    response = as_object(answer.get("response", {}), f"{path}.functionResponse.response")
    texts, failed = _response(response)
    files = [
        _shown(reading, mapping(file), f"{path}.functionResponse.parts[{n}]")
        for n, file in enumerate(items(answer.get("parts")))
    ]
    told = [Text(texts)] if texts else list[Text]()
    reading.calls.setdefault(call_id, name)
    reading.result(call_id, (*told, *files), error=failed)


def _unanswered(reading: Reading, name: str, waiting: list[str]) -> str:
    """The first open call of that name: older models give their calls no id."""
    return next((one for one in waiting if reading.calls.get(one) == name), f"unknown-{name}")


def _response(response: Object) -> tuple[str, bool]:
    if isinstance(error := response.get("error"), str) and len(response) == 1:
        return sanitize(error), True
    for key in _ANSWERS:
        if isinstance(answer := response.get(key), str) and len(response) == 1:
            return sanitize(answer), False
    return sanitize(json.dumps(response, ensure_ascii=False)) if response else "", False


def _shown(reading: Reading, part: Object, path: str) -> Text | Image | Document:
    if isinstance(part.get("text"), str):
        return Text(text_of(part, "text", path))
    if inline := mapping(part.get("inlineData")):
        mime = text_of(inline, "mimeType", f"{path}.inlineData")
        # Both alphabets of base64 are taken.
        data = string(inline.get("data")).replace("-", "+").replace("_", "/")
        data += "=" * (-len(data) % 4)
        return picture(mime, data, string(inline.get("displayName")), f"{path}.inlineData.data")
    if file := mapping(part.get("fileData")):
        return reading.media(string(file.get("fileUri")), "", path)
    kind = next((key for key in part if key not in _CLOSED), "empty part")
    reading.notes.append(f"{path}: {one_line(kind)!r} is carried over as text only")
    return Text(note_of(part) or f"[{one_line(kind)}]")


def _spoken(reading: Reading, part: Object, path: str) -> str:
    """Add a part of an answer; return the id of the call that it is, or nothing."""
    signature = string(part.get("thoughtSignature"))
    signed: dict[str, JSON] = {"signature": signature} if signature else {}
    called = part.get("functionCall")
    if isinstance(called, dict):
        name = text_of(called, "name", f"{path}.functionCall")
        call_id = string(called.get("id")) or f"call_{len(reading.calls)}"
        given = called.get("args")
        arguments = {} if given is None else as_object(given, f"{path}.functionCall.args")
        reading.add("assistant", reading.call(call_id, name, arguments, signed))
        return call_id
    if isinstance(part.get("text"), str):
        reading.add("assistant", _prose(reading, text_of(part, "text", path), part, signed))
    elif part.keys() - _CLOSED:
        kind = next(key for key in part if key not in _CLOSED)
        metadata = ProviderMetadata(reading.origin, {"part": part})
        reading.add("assistant", Opaque(kind, metadata, note_of(part)))
    elif signature:
        reading.add("assistant", _prose(reading, "", {}, signed))
    else:
        raise CodecError("holds nothing", path=path)
    return ""


def _prose(reading: Reading, text: str, part: Object, signed: dict[str, JSON]) -> Part:
    if part.get("thought") is True:
        return Thinking(text, reading.data(signed))
    if signed and not text:
        return Thinking("", reading.data({**signed, "bare": True}))
    return Text(text, reading.data({**signed, "from": 0} if signed else {}))

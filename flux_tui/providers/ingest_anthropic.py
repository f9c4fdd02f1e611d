"""Anthropic Messages request -> conversation; see `ingest`."""

from __future__ import annotations

from flux_tui.core.errors import CodecError
from flux_tui.core.messages import (
    Document,
    Image,
    Opaque,
    Part,
    ProviderMetadata,
    Text,
    Thinking,
    ToolResult,
)
from flux_tui.core.sanitize import sanitize
from flux_tui.providers.ingest_common import (
    Object,
    Reading,
    as_object,
    parts_of,
    picture,
    text_of,
)
from flux_tui.providers.json_values import items, mapping, string


def read_anthropic(reading: Reading) -> None:
    """Read the whole body."""
    for path, block in parts_of(reading.body.get("system"), "text", "system"):
        reading.system.append(text_of(block, "text", path))
    reading.read_tools()
    for index, entry in enumerate(reading.given):
        path = reading.at(index)
        message = as_object(entry, path)
        role = message.get("role")
        blocks = parts_of(message.get("content"), "text", f"{path}.content")
        if role == "assistant":
            reading.add("assistant", *(_spoken(reading, block, at) for at, block in blocks))
        elif string(role) in {"user", "system"}:
            _user(reading, blocks)
        else:
            raise CodecError(f"{role!r} is none of: user, assistant, system", path=f"{path}.role")


def _user(reading: Reading, blocks: list[tuple[str, Object]]) -> None:
    for path, block in blocks:
        if block.get("type") == "tool_result":
            inner = parts_of(block.get("content"), "text", f"{path}.content")
            reading.result(
                text_of(block, "tool_use_id", path),
                tuple(_shown(reading, part, at) for at, part in inner),
                error=block.get("is_error") is True,
            )
        else:
            reading.add("user", _shown(reading, block, path))


def _shown(reading: Reading, block: Object, path: str) -> Text | Image | Document:
    kind = string(block.get("type"))
    if kind == "text":
        return Text(text_of(block, "text", path))
    if kind in {"image", "document"}:
        source = mapping(block.get("source"))
        name = string(block.get("title"))
        match source.get("type"):
            case "base64":
                mime = text_of(source, "media_type", f"{path}.source")
                return picture(mime, string(source.get("data")), name, f"{path}.source.data")
            case "text":
                words = text_of(source, "data", f"{path}.source")
                return Document(words.encode(), "text/plain", name, words)
            case _:
                address = string(source.get("url")) or string(source.get("file_id"))
                return reading.media(address, name, path)
    reading.notes.append(f"{path}: {kind!r} is carried over as text only")
    texts = [string(mapping(part).get("text")) for part in items(block.get("content"))]
    return Text(sanitize("\n".join(filter(None, texts))) or f"[{kind or 'unknown block'}]")


def _spoken(reading: Reading, block: Object, path: str) -> Part:
    kind = string(block.get("type"))
    match kind:
        case "text":
            citations = block.get("citations")
            return Text(
                text_of(block, "text", path),
                reading.data({"citations": citations} if citations else {}),
            )
        case "thinking":
            raw = string(block.get("thinking"))
            text = sanitize(raw)
            signature = string(block.get("signature"))
            # The signature covers the exact text.
            more = {"raw": raw} if text != raw else {}
            return Thinking(text, reading.data({"signature": signature, **more}))
        case "tool_use":
            caller = block.get("caller")
            return reading.call(
                text_of(block, "id", path),
                text_of(block, "name", path),
                block.get("input", {}),
                {"caller": caller} if caller else {},
            )
        case "image" | "document":
            return _shown(reading, block, path)
        case "tool_result":
            return ToolResult(text_of(block, "tool_use_id", path), "", ())
        case _:
            note = f"[{kind}]" if kind.endswith("_result") else ""
            return Opaque(kind, ProviderMetadata(reading.origin, {"block": block}), note)

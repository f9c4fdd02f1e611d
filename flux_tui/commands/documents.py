"""Conversations from files: a flux export, or a request body of any vendor, told apart."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from flux_tui.core.errors import CodecError, InputError
from flux_tui.core.jsontext import read_json

if TYPE_CHECKING:
    from flux_tui.core.models import Api
    from flux_tui.providers.ingest import Ingested

STDIN = "-"  # as a file's name
FORMATS = ("flux", "anthropic", "openai-responses", "openai-chat", "gemini", "mistral", "cohere")

# What only one of the formats with a list of `messages` has; the vendors' references, 2026-11.
_MEMBERS = {
    "anthropic": {"system", "stop_sequences", "mcp_servers", "context_management", "container"},
    "mistral": {"safe_prompt", "random_seed", "prompt_mode", "document_image_limit"},
    "cohere": {"safety_mode", "citation_options", "strict_tools", "documents", "p", "k"},
}
_MODELS = {
    "anthropic": ("claude",),
    "mistral": ("mistral", "ministral", "magistral", "codestral", "devstral", "pixtral"),
    "cohere": ("command", "c4ai"),
}
_PARTS = {
    "anthropic": {"tool_use", "tool_result", "redacted_thinking", "server_tool_use"},
    "openai-chat": {"input_audio", "file", "refusal"},
}
_ITEMS = {
    *("message", "reasoning", "function_call", "function_call_output", "item_reference"),
    *("input_text", "output_text", "input_image", "input_file"),
}


def load_json(name: str | None) -> object:
    """Return the parsed JSON of the file *name*, or of standard input. Blocks.

    Raises:
        InputError: it cannot be read, or is no JSON.
    """
    where = place_of(name)
    try:
        if name is None or name == STDIN:
            content = sys.stdin.buffer.read()
        else:
            content = Path(name).read_bytes()
    except OSError as problem:
        raise InputError(f"{where} cannot be read: {problem.strerror}") from problem
    return read_json(content, where)


def place_of(name: str | None) -> str:
    """Return how *name*, of a file or None, is told to the user."""
    return "standard input" if name in (None, STDIN) else str(name)


def read_document(data: object, source: str) -> Ingested:
    """Read *data*, parsed JSON in the format *source*.

    Raises:
        CodecError: *data* breaks the format.
    """
    from flux_tui.core.codec import load_conversation
    from flux_tui.providers.ingest import Ingested, ingest

    try:
        if source == "flux":
            return Ingested(load_conversation(data))
        return ingest(data, cast("Api", source))  # argparse lets no other format through
    except RecursionError as problem:
        raise CodecError("the document is nested too deeply") from problem


def detect(data: object) -> str:
    """Return the format that *data*, a body or a bare list of messages, is written in.

    Where several formats write the very same, as for text alone, it is "openai-chat".

    Raises:
        InputError: it is none of them.
    """
    if isinstance(data, dict):
        body = cast("dict[str, Any]", data)  # JSON objects have text keys
        for member, name in (("contents", "gemini"), ("input", "openai-responses")):
            if member in body:
                return name
        if body.get("format") == "flux":
            return "flux"
        if isinstance(body.get("messages"), list):
            return _of_body(body) or _of_messages(body["messages"])
    elif isinstance(data, list):
        given = cast("list[Any]", data)  # JSON lists hold JSON
        if any("parts" in item for item in _objects(given)):
            return "gemini"
        inner = (*_objects(given), *_parts(given))
        if any(item.get("type") in _ITEMS for item in inner):
            return "openai-responses"
        return _of_messages(given)
    raise InputError(
        "this is no conversation of a known format",
        hint=f"name it with --from; there are {', '.join(FORMATS)}",
    )


def _of_body(body: dict[str, Any]) -> str:
    model = str(body.get("model") or "").rpartition("/")[2].lower()
    for name, prefixes in _MODELS.items():
        if model.startswith(prefixes):
            return name
    for name, members in _MEMBERS.items():
        if not members.isdisjoint(body):
            return name
    tools = list(_objects(body.get("tools")))
    return "anthropic" if any("input_schema" in tool for tool in tools) else ""


def _of_messages(given: Iterable[Any]) -> str:
    messages = list(_objects(given))
    if any("tool_plan" in message for message in messages):
        return "cohere"
    for part in _parts(messages):
        kind = part.get("type")
        for name, kinds in _PARTS.items():
            if kind in kinds:
                return name
        if kind in ("image", "document") and "source" in part:
            return "anthropic"
        if kind == "thinking":
            # Mistral's is a list of chunks, Anthropic's is signed, Cohere's is bare text.
            if isinstance(part.get("thinking"), list):
                return "mistral"
            return "anthropic" if "signature" in part else "cohere"
        if kind == "document" or (kind == "image_url" and isinstance(part.get("image_url"), str)):
            return "cohere" if kind == "document" else "mistral"
        if kind in ("document_url", "reference"):
            return "mistral"
    return "openai-chat"


def _objects(value: object) -> Iterable[dict[str, Any]]:
    if isinstance(value, list):
        for item in cast("list[object]", value):  # JSON lists hold JSON
            if isinstance(item, dict):
                yield cast("dict[str, Any]", item)


def _parts(messages: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for message in _objects(list(messages)):
        yield from _objects(message.get("content"))

"""Messages, conversations and events to JSON and back: format "flux", version 1.

Objects carry their fields by name, parts and events a `type`; a field at its default is left out.
Bytes are base64, amounts decimal strings, times ISO 8601 with an offset. Unknown keys are ignored.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache, partial
from typing import Any, Literal, NamedTuple, Union, cast, get_args, get_origin, get_type_hints

from flux_tui.core import events, messages
from flux_tui.core.errors import CodecError
from flux_tui.core.events import TurnEvent
from flux_tui.core.messages import Conversation, Message, Part
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import JSON

FORMAT = "flux"
VERSION = 1

_TYPES: dict[str, type] = {
    "text": messages.Text,
    "thinking": messages.Thinking,
    "image": messages.Image,
    "document": messages.Document,
    "tool_call": messages.ToolCall,
    "tool_result": messages.ToolResult,
    "opaque": messages.Opaque,
    "text_delta": events.TextDelta,
    "thinking_delta": events.ThinkingDelta,
    "tool_call_delta": events.ToolCallDelta,
    "opaque_item": events.OpaqueItem,
    "usage_update": events.UsageUpdate,
    "retry_scheduled": events.RetryScheduled,
    "stopped": events.Stopped,
    "reply_started": events.ReplyStarted,
    "reply_delta": events.ReplyDelta,
    "tool_started": events.ToolStarted,
    "tool_output": events.ToolOutput,
    "tool_finished": events.ToolFinished,
    "committed": events.Committed,
    "turn_ended": events.TurnEnded,
}
_NAMES = {kind: name for name, kind in _TYPES.items()}


class _Codec(NamedTuple):
    dump: Callable[[Any], JSON]
    load: Callable[[object, str], Any]  # value and its path -> value; raises CodecError


def dump_message(message: Message) -> dict[str, JSON]:
    """Return *message* as a JSON object."""
    return _dump_object(message)


def load_message(data: object, path: str = "") -> Message:
    """Read what `dump_message` wrote.

    Raises:
        CodecError: *data* is no such object; it names the item below *path*.
    """
    return cast("Message", _load_object(Message, data, path))  # that class is what it makes


def dump_part(part: Part) -> dict[str, JSON]:
    """Return *part* as a JSON object with its `type`."""
    return _dump_tagged(part)


def load_part(data: object, path: str = "") -> Part:
    """Read what `dump_part` wrote.

    Raises:
        CodecError: *data* is no such object; it names the item below *path*.
    """
    return cast("Part", _load_tagged(get_args(Part), data, path))  # one of those classes


def dump_event(event: TurnEvent) -> dict[str, JSON]:
    """Return *event* as a JSON object with its `type`, as `tool_started`."""
    return _dump_tagged(event)


def load_event(data: object, path: str = "") -> TurnEvent:
    """Read what `dump_event` wrote.

    Raises:
        CodecError: *data* is no such object; it names the item below *path*.
    """
    return cast("TurnEvent", _load_tagged(get_args(TurnEvent), data, path))  # one of those classes


def dump_conversation(conversation: Conversation) -> dict[str, JSON]:
    """Return the whole tree as one document with its format and version."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "system": conversation.system,
        "head": conversation.head,
        "messages": [dump_message(message) for message in conversation.messages],
    }


def load_conversation(data: object, path: str = "") -> Conversation:
    """Read what `dump_conversation` wrote.

    Raises:
        CodecError: the document is of another format or a later version, an item is wrong, or
            the messages are no tree (an id twice, a parent that does not stand before).
    """
    document = _as_object(data, path)
    if document.get("format") != FORMAT:
        raise CodecError(f"is not {FORMAT!r}", path=_below(path, "format"))
    version = document.get("version")
    if version != VERSION:
        text = f"version {version!r} cannot be read, only {VERSION}"
        raise CodecError(text, path=_below(path, "version"))
    given = _as_list(document.get("messages", []), _below(path, "messages"))
    loaded: list[Message] = []
    seen: set[str | None] = {None}
    for index, item in enumerate(given):
        where = f"{_below(path, 'messages')}[{index}]"
        message = load_message(item, where)
        if message.id in seen:
            raise CodecError(f"{message.id!r} stands twice", path=f"{where}.id")
        if message.parent not in seen:
            raise CodecError(f"no message {message.parent!r} before it", path=f"{where}.parent")
        seen.add(message.id)
        loaded.append(message)
    head = document.get("head")
    if head is not None and (not isinstance(head, str) or head not in seen):
        raise CodecError(f"no message {head!r}", path=_below(path, "head"))
    system = _load_str(document.get("system", ""), _below(path, "system"))
    return Conversation(system, tuple(loaded), head)


def dumps(value: JSON | Mapping[str, JSON]) -> str:
    """Return compact JSON on one line; equal values with equal key order give equal text.

    Keys keep their order, because models see it. Text that UTF-8 cannot carry (a lone surrogate)
    is escaped, so the result can always be encoded.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _noun(value: object) -> str:
    names: dict[type, str] = {
        bool: "a boolean",
        dict: "an object",
        list: "a list",
        str: "text",
        type(None): "null",
    }
    return names.get(type(value), "a number")


def _wrong(expected: str, value: object, path: str) -> CodecError:
    return CodecError(f"expected {expected}, found {_noun(value)}", path=path)


def _as_object(value: object, path: str) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise _wrong("an object", value, path)
    return cast("dict[str, JSON]", value)  # JSON objects have text keys


def _as_list(value: object, path: str) -> list[JSON]:
    if not isinstance(value, list):
        raise _wrong("a list", value, path)
    return cast("list[JSON]", value)  # JSON lists hold JSON


def _load_str(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong("text", value, path)
    return value


def _load_int(value: object, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong("a whole number", value, path)
    return value


def _load_float(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong("a number", value, path)
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _load_bool(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong("true or false", value, path)
    return value


def _load_bytes(value: object, path: str) -> bytes:
    try:
        return base64.b64decode(_load_str(value, path), validate=True)
    except ValueError as problem:
        raise CodecError("is not base64", path=path) from problem


def _load_datetime(value: object, path: str) -> datetime:
    try:
        when = datetime.fromisoformat(_load_str(value, path))
    except ValueError as problem:
        raise CodecError("is not a time in ISO 8601", path=path) from problem
    if when.tzinfo is None:
        raise CodecError("the time has no offset from UTC", path=path)
    return when


def _load_decimal(value: object, path: str) -> Decimal:
    try:
        return Decimal(_load_str(value, path))
    except InvalidOperation as problem:
        raise CodecError("is not a decimal number", path=path) from problem


def _same(value: Any) -> JSON:
    return value


def _dump_bytes(value: bytes) -> JSON:
    return base64.b64encode(value).decode("ascii")


_PLAIN: dict[object, _Codec] = {
    str: _Codec(_same, _load_str),
    int: _Codec(_same, _load_int),
    float: _Codec(_same, _load_float),
    bool: _Codec(_same, _load_bool),
    bytes: _Codec(_dump_bytes, _load_bytes),
    datetime: _Codec(datetime.isoformat, _load_datetime),
    Decimal: _Codec(str, _load_decimal),
}


def _codec(hint: Any) -> _Codec:
    """How a field of that type is written and read."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if hint is ModelRef:
        return _Codec(_dump_object, _load_ref)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _Codec(_dump_object, partial(_load_object, hint))
    origin, choices = get_origin(hint), get_args(hint)
    if origin is tuple:
        return _tuple(_codec(choices[0]))
    if origin is Literal:
        return _Codec(_same, partial(_load_choice, choices))
    if origin in (Union, types.UnionType):
        return _union(choices)
    return _Codec(dict, _as_object)  # Mapping[str, JSON], the only kind left


def _tuple(item: _Codec) -> _Codec:
    def dump(values: tuple[Any, ...]) -> JSON:
        return [item.dump(value) for value in values]

    def load(data: object, path: str) -> tuple[Any, ...]:
        given = _as_list(data, path)
        return tuple(item.load(one, f"{path}[{index}]") for index, one in enumerate(given))

    return _Codec(dump, load)


def _load_choice(choices: tuple[object, ...], value: object, path: str) -> object:
    if not isinstance(value, str) or value not in choices:
        names = ", ".join(str(choice) for choice in choices)
        raise CodecError(f"{value!r} is none of: {names}", path=path)
    return choices[choices.index(value)]  # the one there is: a long history holds thousands


@lru_cache(maxsize=256)
def _shared(ref: ModelRef) -> ModelRef:
    return ref


def _load_ref(data: object, path: str) -> ModelRef:
    return _shared(_load_object(ModelRef, data, path))


def _union(choices: tuple[Any, ...]) -> _Codec:
    rest = tuple(choice for choice in choices if choice is not type(None))
    if len(rest) < len(choices):
        return _optional(_codec(rest[0]))
    if get_origin(rest[0]) is Literal:
        names = tuple(name for choice in rest for name in get_args(choice))
        return _Codec(_same, partial(_load_choice, names))
    return _Codec(_dump_tagged, partial(_load_tagged, rest))


def _optional(inner: _Codec) -> _Codec:
    def dump(value: Any) -> JSON:
        return None if value is None else inner.dump(value)

    def load(data: object, path: str) -> Any:
        return None if data is None else inner.load(data, path)

    return _Codec(dump, load)


class _Field(NamedTuple):
    name: str
    codec: _Codec
    default: object  # MISSING when there is none or it is made anew
    required: bool


@cache
def _fields(kind: type) -> tuple[_Field, ...]:
    hints = get_type_hints(kind)
    return tuple(
        _Field(
            field.name,
            _codec(hints[field.name]),
            {} if field.default_factory is dict[str, JSON] else field.default,
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in dataclasses.fields(kind)
    )


def _dump_object(value: Any) -> dict[str, JSON]:
    result: dict[str, JSON] = {}
    for field in _fields(type(value)):
        item = getattr(value, field.name)
        if field.default is MISSING or item != field.default:
            result[field.name] = field.codec.dump(item)
    return result


def _load_object(kind: type, data: object, path: str) -> Any:
    given = _as_object(data, path)
    values: dict[str, Any] = {}
    for field in _fields(kind):
        where = _below(path, field.name)
        if field.name in given:
            values[field.name] = field.codec.load(given[field.name], where)
        elif field.required:
            raise CodecError("is missing", path=where)
    return kind(**values)


def _dump_tagged(value: Any) -> dict[str, JSON]:
    return {"type": _NAMES[type(value)], **_dump_object(value)}


def _load_tagged(choices: tuple[Any, ...], data: object, path: str) -> Any:
    name = _as_object(data, path).get("type")
    kind = _TYPES.get(name) if isinstance(name, str) else None
    if kind not in choices:
        names = ", ".join(_NAMES[choice] for choice in choices)
        raise CodecError(f"{name!r} is none of: {names}", path=_below(path, "type"))
    return _load_object(cast("type[object]", kind), data, path)  # None is none of the choices

"""Messages as database rows: JSON bodies, with the bytes of files kept apart by their hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import cast, get_args

from flux_tui.core.codec import dump_message, dumps, load_message
from flux_tui.core.errors import CodecError
from flux_tui.core.messages import Document, Image, Message, Part, Role, Text, ToolResult
from flux_tui.core.usage import JSON, Cost, CostBasis

DAMAGED = "[This message is damaged in the database and cannot be shown.]"
"""What stands in place of a row that cannot be read."""

COLUMNS = (
    "id, parent, role, at, text, body, model, input, cache_read, cache_write, output, reasoning,"
    " cost_usd, cost_basis, cost_as_of"
)
"""The columns of `message_values`, in order."""


@dataclass(slots=True)
class Blobs:
    """The bytes found while a message was packed, by SHA-256 in hexadecimal."""

    found: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def keep(self, data: bytes) -> bytes:
        """Remember *data* and return its hash, which is stored in its place."""
        digest = hashlib.sha256(data).hexdigest()
        self.found[digest] = data
        return digest.encode("ascii")


def pack(message: Message) -> tuple[str, dict[str, bytes]]:
    """Return the JSON of *message* with hashes in place of bytes, and the bytes by hash."""
    blobs = Blobs()
    light = replace(message, parts=_with_data(message.parts, blobs.keep))
    return dumps(dump_message(light)), blobs.found


def unpack(
    body: str, blob: Callable[[str], bytes | None], ids: Mapping[str, str] | None = None
) -> Message:
    """Return the message of *body*; *blob* finds bytes by hash, None if they are lost.

    The parent's id is the very text of *ids*, if it is there: a history holds thousands.

    Raises:
        ValueError: *body* is not JSON.
        CodecError: it is not a message.
    """
    data: JSON = json.loads(body)
    if ids and isinstance(data, dict) and isinstance(parent := data.get("parent"), str):
        data["parent"] = ids.get(parent, parent)
    message = load_message(data)
    if not any(isinstance(part, (Image, Document, ToolResult)) for part in message.parts):
        return message
    return replace(message, parts=tuple(_restored(part, blob) for part in message.parts))


def message_values(message: Message, body: str) -> tuple[object, ...]:
    """Return the values of `COLUMNS` for *message*."""
    usage, cost = message.usage, message.cost
    tokens = (
        (usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning)
        if usage is not None
        else (None,) * 5
    )
    amount = str(cost.amount) if cost is not None and cost.amount is not None else None
    return (
        message.id,
        message.parent,
        message.role,
        stamp(message.at),
        storable(message.text),
        body,
        str(message.model) if message.model is not None else None,
        *tokens,
        amount,
        cost.basis if cost is not None else None,
        cost.as_of if cost is not None else None,
    )


def damaged_message(message_id: str, parent: str | None, role: str, at: str) -> Message:
    """Return what is shown in place of a row whose body cannot be read."""
    known = role if role in get_args(Role) else "assistant"
    return Message(
        role=cast("Role", "assistant" if known == "tool" else known),
        parts=(Text(DAMAGED),),
        id=message_id,
        parent=parent,
        at=moment(at),
        error=DAMAGED.strip("[]"),
    )


def storable(text: str) -> str:
    """Return *text* without lone surrogates, which SQLite cannot encode."""
    return text.encode("utf-8", "replace").decode("utf-8")


def stamp(at: datetime) -> str:
    """Return a moment as text that sorts by time: UTC, microseconds, ISO 8601."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    """Return the moment of *text*; the beginning of the epoch if it is damaged."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def cost_of(usd: str | None, basis: str | None, as_of: str | None) -> Cost:
    """Return the cost of three columns; unknown if they are empty or damaged."""
    if basis is None or basis not in get_args(CostBasis):
        return Cost()
    try:
        amount = Decimal(usd) if usd is not None else None
    except InvalidOperation:
        return Cost()
    return Cost(amount=amount, basis=cast("CostBasis", basis), as_of=as_of or "")


def _with_data(parts: tuple[Part, ...], keep: Callable[[bytes], bytes]) -> tuple[Part, ...]:
    return tuple(_light(part, keep) for part in parts)


def _light(part: Part, keep: Callable[[bytes], bytes]) -> Part:
    if isinstance(part, (Image, Document)):
        return replace(part, data=keep(part.data))
    if isinstance(part, ToolResult):
        light = tuple(
            item if isinstance(item, Text) else replace(item, data=keep(item.data))
            for item in part.parts
        )
        return replace(part, parts=light)
    return part


def _restored(part: Part, blob: Callable[[str], bytes | None]) -> Part:
    if isinstance(part, (Image, Document)):
        return _filled(part, blob)
    if isinstance(part, ToolResult):
        return replace(
            part,
            parts=tuple(
                item if isinstance(item, Text) else _filled(item, blob) for item in part.parts
            ),
        )
    return part


def _filled(item: Image | Document, blob: Callable[[str], bytes | None]) -> Image | Document | Text:
    data = blob(item.data.decode("ascii", "replace"))
    if data is None:
        return Text(f"[{item.name or item.mime}: the file's bytes are lost from the database]")
    return replace(item, data=data)


UNREADABLE = (ValueError, TypeError, CodecError, RecursionError)
"""What `unpack` raises for a damaged body."""

"""Narrowing of parsed JSON, whose shape the client chose and nobody has promised."""

from __future__ import annotations

import json
from typing import TypeAlias, cast

Object: TypeAlias = "dict[str, object]"


def is_object(value: object) -> bool:
    """Whether *value* is a JSON object; tells the type checker nothing, on purpose."""
    return isinstance(value, dict)


def is_array(value: object) -> bool:
    """Whether *value* is a JSON array."""
    return isinstance(value, list)


def mapping(value: object) -> Object:
    """*value* when it is a JSON object, else an empty one."""
    # json.loads makes str keys only, so the isinstance check is the whole proof.
    return cast("Object", value) if isinstance(value, dict) else {}


def sequence(value: object) -> list[object]:
    """*value* when it is a JSON array, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def string(value: object) -> str:
    """*value* when it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def objects(value: object) -> list[Object]:
    """The JSON objects among the items of *value*, in order."""
    return [mapping(item) for item in sequence(value) if is_object(item)]


def integer(value: object) -> int | None:
    """*value* when it is a JSON integer (true and false are not)."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def dumps(value: object) -> str:
    """Compact JSON, non-ASCII kept, lone surrogates replaced so that it can be encoded."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode("utf-8")

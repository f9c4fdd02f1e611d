"""Reading JSON that is not ours: a value of the wanted type, or an empty one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

from flux_tui.core.repair import clean
from flux_tui.core.usage import JSON

_DEEPEST = 100  # levels of a value; deeper ones come from no vendor and exhaust the stack


def mapping(value: object) -> dict[str, JSON]:
    """Return *value* if it is an object, else an empty one."""
    return cast("dict[str, JSON]", value) if isinstance(value, dict) else {}


def items(value: object) -> list[JSON]:
    """Return *value* if it is an array, else an empty one."""
    return cast("list[JSON]", value) if isinstance(value, list) else []


def string(value: object) -> str:
    """Return *value* if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def count(value: object) -> int:
    """Return *value* if it is a number of things, else 0; also for absurd ones.

    Some gateways write numbers as text, as Protocol Buffers do with long ones.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0
    return int(value) if 0 <= value < 1e15 else 0


def plain(value: Mapping[str, JSON] | Sequence[JSON] | JSON, depth: int = 0) -> JSON:
    """Return *value* as fresh lists and dictionaries: a body shares nothing with history.

    Whatever it holds, the result can be sent: half characters become U+FFFD, and what is no
    number in JSON, or lies too deep, null.
    """
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {clean(key): plain(inner, depth + 1) for key, inner in value.items()}
    return [plain(inner, depth + 1) for inner in value]

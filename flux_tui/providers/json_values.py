"""Reading JSON that is not ours: a value of the wanted type, or an empty one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from flux_tui.core.usage import JSON


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
    """Return *value* if it is a number of things, else 0; also for absurd ones."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0
    return int(value) if 0 <= value < 1e15 else 0


def plain(value: Mapping[str, JSON] | Sequence[JSON] | JSON) -> JSON:
    """Return *value* as fresh lists and dictionaries: a body shares nothing with history."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value]

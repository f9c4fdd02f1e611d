"""Reads a model's arguments: of the right type, in range, or a sentence that says what is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from flux_tui.core.errors import ToolError
from flux_tui.core.usage import JSON


def text(arguments: Mapping[str, JSON], name: str, default: str | None = None) -> str:
    """Return the string under *name*; *default* None makes it required.

    Raises:
        ToolError: it is missing, no string, or holds a NUL or half a surrogate pair.
    """
    value = arguments.get(name, default)
    if not isinstance(value, str):
        raise ToolError(f"the argument {name!r} must be a string")
    if "\0" in value:
        raise ToolError(f"the argument {name!r} holds a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError as problem:
        raise ToolError(f"the argument {name!r} is not valid Unicode") from problem
    return value


def whole(arguments: Mapping[str, JSON], name: str, default: int, low: int, high: int) -> int:
    """Return the whole number under *name*, cut to the range *low* to *high*.

    Raises:
        ToolError: it is not a whole number.
    """
    value = arguments.get(name)
    if value is None:
        return default
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ToolError(f"the argument {name!r} must be a whole number")
    return min(max(value, low), high)


def flag(arguments: Mapping[str, JSON], name: str) -> bool:
    """Return the truth value under *name*, False if it is absent.

    Raises:
        ToolError: it is neither true nor false.
    """
    value = arguments.get(name, False)
    if not isinstance(value, bool):
        raise ToolError(f"the argument {name!r} must be true or false")
    return value


def shown(arguments: Mapping[str, JSON], name: str, default: str = "?") -> str:
    """Return the string under *name* for a summary, *default* if there is none. Never raises."""
    value = arguments.get(name)
    return value if isinstance(value, str) and value else default

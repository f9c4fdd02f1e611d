"""JSON that somebody hands in, and what is wrong with it in words that are not Python's."""

from __future__ import annotations

import json

from flux_tui.core.errors import InputError


def read_json(content: bytes | str, where: str) -> object:
    """Return the value that *content* holds; *where* names it for the user, as a file's name does.

    Bytes may be UTF-8, with or without a mark of order, UTF-16 or UTF-32.

    Raises:
        InputError: it is empty, no text, no JSON, or more than can be read.
    """
    if not content.strip():
        raise InputError(f"{where} is empty")
    try:
        return json.loads(content)
    except RecursionError as problem:
        raise InputError(f"{where} is nested too deeply") from problem
    except UnicodeDecodeError as problem:
        raise InputError(f"{where} is not JSON (nor any other text)") from problem
    except json.JSONDecodeError as problem:
        spot = f"line {problem.lineno}, column {problem.colno}"
        raise InputError(f"{where} is not JSON ({problem.msg}: {spot})") from problem
    except ValueError as problem:  # Python refuses to read it, against attacks
        raise InputError(f"{where} holds a number of too many digits") from problem

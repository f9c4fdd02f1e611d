"""Arguments of a Gemini call that arrive in pieces, each with the JSON path it belongs to."""

from __future__ import annotations

import json
import re

from flux_tui.core.usage import JSON
from flux_tui.providers.json_values import items, mapping, plain, string

_STEP = re.compile(r"\.([A-Za-z_$][\w$-]*)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]")
_MOST_ITEMS = 10_000  # of one list: an index is the server's word, and memory is ours
_NUMBERS = ("numberValue", "boolValue")

Step = str | int


class PartialArguments:
    """Collects whole objects and pieces; `text` gives the JSON of all of it."""

    def __init__(self) -> None:
        self._value: dict[str, JSON] = {}
        self._growing: set[str] = set()  # paths whose text goes on

    def take(self, whole: JSON, pieces: JSON) -> None:
        """Add an object of arguments, or pieces of them; either may be missing."""
        self._value.update(mapping(plain(whole)))
        for piece in map(mapping, items(pieces)):
            path = string(piece.get("jsonPath"))
            steps = steps_of(path)
            if steps and isinstance(steps[0], str):
                self._set(steps, self._read(path, piece, steps))
            if piece.get("willContinue") is True:
                self._growing.add(path)
            else:
                self._growing.discard(path)

    def text(self) -> str:
        """Return the arguments as JSON text."""
        return json.dumps(self._value, ensure_ascii=False)

    def _read(self, path: str, piece: dict[str, JSON], steps: list[Step]) -> JSON:
        if "stringValue" in piece:
            said = string(piece["stringValue"])
            before = self._at(steps) if path in self._growing else ""
            return string(before) + said
        return next((piece[key] for key in _NUMBERS if key in piece), None)

    def _at(self, steps: list[Step]) -> JSON:
        value: JSON = self._value
        for step in steps:
            value = _inner(value, step)
        return value

    def _set(self, steps: list[Step], new: JSON) -> None:
        value: JSON = self._value
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            inner: JSON = _inner(value, step)
            if following is None:
                inner = new
            elif not isinstance(inner, list if isinstance(following, int) else dict):
                inner = [] if isinstance(following, int) else {}
            if isinstance(value, dict) and isinstance(step, str):
                value[step] = inner
            elif isinstance(value, list) and isinstance(step, int) and step < _MOST_ITEMS:
                value.extend([None] * (step + 1 - len(value)))
                value[step] = inner
            value = inner


def _inner(value: JSON, step: Step) -> JSON:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def steps_of(path: str) -> list[Step]:
    """Return the names and indices of a JSON path like ``$.a[0].b``; empty if it is none."""
    if not path.startswith("$"):
        return []
    steps: list[Step] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            return []
        name, index, quoted = found.groups()
        steps.append(int(index) if index is not None else name or quoted or "")
        at = found.end()
    return steps

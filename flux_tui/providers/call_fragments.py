"""Fragments of tool calls as Chat Completions and Mistral stream them -> tool call deltas."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from flux_tui.core.events import ToolCallDelta
from flux_tui.core.messages import StopReason
from flux_tui.core.sanitize import sanitize
from flux_tui.core.usage import JSON
from flux_tui.providers.failures import StreamFailure
from flux_tui.providers.json_values import mapping, string


@dataclass(slots=True)
class _Call:
    index: int
    id: str
    named: bool = False
    pieces: list[str] = field(default_factory=list[str])  # of its arguments


class CallFragments:
    """Knows which call a fragment belongs to; *first* is the event index of the first call."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._calls: list[_Call] = []
        self._by_place: dict[int, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def feed(self, entry: dict[str, JSON]) -> ToolCallDelta:
        """Take one entry of `delta.tool_calls`."""
        function = mapping(entry.get("function"))
        call_id = string(entry.get("id"))
        if call_id == "null":  # what Mistral's continuations say
            call_id = ""
        name = sanitize(string(function.get("name")))
        arguments = function.get("arguments")
        text = arguments if isinstance(arguments, str) else ""
        if isinstance(arguments, dict):  # Ollama's older versions and Mistral may send an object
            text = json.dumps(arguments)
        call = self._call_of(entry.get("index"), call_id, name)
        if call is not None and name and call.named and text and _whole("".join(call.pieces)):
            call = None  # named again after its end: the next one, without a name of its own
        new = call is None
        if call is None:
            call = _Call(self._first + len(self._calls), call_id)
            self._calls.append(call)
            place = entry.get("index")
            self._by_place[place if isinstance(place, int) else len(self._calls) - 1] = call
        call.pieces.append(text)
        delta = ToolCallDelta(
            call.index,
            call_id if new and call_id else None,
            name if name and not call.named else None,
            text,
        )
        call.named = call.named or bool(name)
        return delta

    def _call_of(self, place: JSON, call_id: str, name: str) -> _Call | None:
        """The call that a fragment belongs to: by index, but a new id is always a new call.

        Some servers send index 0 for every call, or none at all; some give all calls one id.
        """
        known = self._by_place.get(place) if isinstance(place, int) else None
        if known is None and not isinstance(place, int) and not call_id:
            known = self._calls[-1] if self._calls else None
        if known is None and name and isinstance(place, int):
            return None
        if call_id and (known is None or known.id not in {"", call_id}):
            return next((call for call in self._calls if call.id == call_id), None)
        if known is not None and not known.id:
            known.id = call_id
        return known


def without_calls(*, begun: bool) -> StopReason:
    """How a reply ended that stopped for tool calls and holds none; *begun*: it holds something.

    Raises:
        StreamFailure: it holds nothing, and nobody would take a blank for an answer.
    """
    if not begun:
        raise StreamFailure("protocol", "announced tool calls and sent none")
    return "end"


def _whole(text: str) -> bool:
    """Whether *text* is one whole JSON object."""
    if not text.rstrip().endswith("}"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False

"""Server-sent events of Cohere's v2 chat -> stream events.

Replay data, in the metadata of parts:
    Text      {"tool_plan": true}: the plan before the calls, which has a field of its own
    Thinking  {"chunk": "thinking"}
and of the reply: {"id", "citations": [...]}: as they came, they point into the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from flux_tui.core.events import (
    Stopped,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UsageUpdate,
)
from flux_tui.core.messages import StopReason
from flux_tui.core.sanitize import Sanitizer, one_line, sanitize
from flux_tui.core.usage import JSON, Usage
from flux_tui.providers.call_fragments import without_calls
from flux_tui.providers.failures import StreamFailure, vendor_failure
from flux_tui.providers.json_values import count, items, mapping, string

STOP_REASONS: dict[str, StopReason] = {
    "COMPLETE": "end",
    "STOP_SEQUENCE": "end",
    "TOOL_CALL": "tool_calls",
    "MAX_TOKENS": "length",
}
_FAILED = {"ERROR", "TIMEOUT"}
_SILENT = frozenset({"citation-end", "content-end", "tool-call-end"})
# "Trial keys are limited to 1000 API calls / month": waiting a minute does not help.
_SPENT = ("/ month", "per month", "monthly")

_Kind: TypeAlias = Literal["text", "thinking", "plan", "call"]


@dataclass(slots=True)
class _Part:
    index: int
    kind: _Kind
    sanitizer: Sanitizer = field(default_factory=Sanitizer)


def read_error(body: JSON) -> JSON:
    """Return an error body, `{message, id}`, with a type where its words tell one."""
    error = mapping(body)
    words = string(error.get("message"))
    if any(sign in words for sign in _SPENT):
        return {**error, "type": "insufficient_quota"}
    return body


class Decoder:
    """Decodes one reply. `unknown` counts the events that were ignored."""

    def __init__(self) -> None:
        self.finished = False
        self.unknown = 0
        self._parts: dict[tuple[str, int], _Part] = {}
        self._citations: list[JSON] = []
        self._reply: dict[str, JSON] = {}
        self._reason = ""
        self._error: dict[str, JSON] = {}

    def feed(self, event_name: str, data: str) -> Iterator[StreamEvent]:
        """Take one event. See `transport.StreamDecoder`."""
        if data.strip() == "[DONE]":
            return  # it says nothing that the last event has not said
        try:
            event = mapping(json.loads(data))
        except (ValueError, RecursionError) as problem:
            raise StreamFailure("protocol", "sent an event that is not JSON") from problem
        kind = string(event.get("type")) or event_name
        delta = mapping(event.get("delta"))
        message = mapping(delta.get("message"))
        place = count(event.get("index"))
        match kind:
            case "message-start":
                self._reply["id"] = sanitize(string(event.get("id")))
            case "content-start" | "content-delta":
                yield from self._content(mapping(message.get("content")), kind, place)
            case "tool-plan-delta":
                yield from self._planned(string(message.get("tool_plan")))
            case "tool-call-start" | "tool-call-delta":
                yield self._called(mapping(message.get("tool_calls")), kind, place)
            case "citation-start":
                self._citations.append(message.get("citations"))
            case "message-end":
                yield from self._ended(delta)
            case "error":
                raise vendor_failure(mapping(event.get("error")) or event)
            case _:
                self._other(event, kind)

    def _other(self, event: Mapping[str, JSON], kind: str) -> None:
        if kind in _SILENT:
            return
        if "delta" not in event and string(event.get("message")):
            raise vendor_failure(event)
        self.unknown += 1

    def close(self) -> Iterator[StreamEvent]:
        """End the reply. See `transport.StreamDecoder`."""
        for part in self._parts.values():
            if rest := part.sanitizer.flush():
                yield _delta(part, rest)
        if not self.finished:
            raise StreamFailure("incomplete")
        if self._reason in _FAILED:
            words = string(self._error.get("error")) or f"finish_reason {self._reason}"
            kind = "timeout" if self._reason == "TIMEOUT" else "server"
            raise StreamFailure(kind, words=words)
        if self._citations:
            self._reply["citations"] = self._citations
        stop = STOP_REASONS.get(self._reason, "end")
        called = any(part.kind == "call" for part in self._parts.values())
        if stop == "end" and called:
            stop = "tool_calls"
        elif stop == "tool_calls" and not called:
            stop = without_calls(begun=bool(self._parts))
        known = self._reason in STOP_REASONS
        yield Stopped(stop, "" if known else one_line(self._reason), dict(self._reply))

    def _content(self, content: dict[str, JSON], kind: str, place: int) -> Iterator[StreamEvent]:
        thinking = "thinking" in content
        if kind == "content-start":
            self._open("thinking" if thinking else "text", "content", place)
        part = self._part("content", place)
        text = string(content.get("thinking" if thinking else "text"))
        if text:
            yield _delta(part, part.sanitizer.feed(text))

    def _planned(self, text: str) -> Iterator[StreamEvent]:
        if text:
            part = self._parts.get(("plan", 0)) or self._open("plan", "plan", 0)
            yield _delta(part, part.sanitizer.feed(text))

    def _called(self, call: dict[str, JSON], kind: str, place: int) -> ToolCallDelta:
        function = mapping(call.get("function"))
        arguments = string(function.get("arguments"))
        if kind == "tool-call-delta":
            return ToolCallDelta(self._part("call", place).index, json=arguments)
        part = self._open("call", "call", place)
        name = sanitize(string(function.get("name")))
        return ToolCallDelta(part.index, string(call.get("id")) or None, name or None, arguments)

    def _open(self, kind: _Kind, family: str, place: int) -> _Part:
        part = _Part(len(self._parts), kind)
        return self._parts.setdefault((family, place), part)

    def _part(self, family: str, place: int) -> _Part:
        part = self._parts.get((family, place))
        if part is None:
            raise StreamFailure("protocol", f"sent a piece of a {family} that had not begun")
        return part

    def _ended(self, delta: dict[str, JSON]) -> Iterator[StreamEvent]:
        self.finished = True
        self._reason = string(delta.get("finish_reason"))
        self._error = delta
        if usage := mapping(delta.get("usage")):
            yield UsageUpdate(usage_of(usage))


def _delta(part: _Part, text: str) -> TextDelta | ThinkingDelta:
    if part.kind == "thinking":
        return ThinkingDelta(part.index, text, {"chunk": "thinking"})
    return TextDelta(part.index, text, {"tool_plan": True} if part.kind == "plan" else None)


def usage_of(raw: Mapping[str, JSON]) -> Usage:
    """Return the tokens of *raw* that are billed: what was said, without the vendor's words.

    `tokens` counts those too, and `cached_tokens`, which stays in `raw` alone, is a part of them.
    """
    read = mapping(raw.get("tokens"))
    billed = mapping(raw.get("billed_units")) or read
    charged = count(billed.get("input_tokens"))
    return Usage(
        input=charged,
        uncharged=max(0, count(read.get("input_tokens")) - charged),
        output=count(billed.get("output_tokens")),
        raw=dict(raw),
    )


def content_text(content: JSON) -> str:
    """Return a tool result's content as text: documents as the JSON of their data."""
    if isinstance(content, str):
        return content
    return "\n".join(_piece(mapping(piece)) for piece in items(content))


def _piece(piece: Mapping[str, JSON]) -> str:
    if "text" in piece:
        return string(piece["text"])
    document = piece.get("document")
    data = mapping(document).get("data", document)
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)

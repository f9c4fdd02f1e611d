"""Server-sent events of Mistral chat completions -> stream events.

Replay data, in the metadata of parts:
    Thinking  {"chunk": "thinking", "signature": text, "closed": bool}: the last two if they came
    Opaque    {"chunk": {...}}: a content chunk without a neutral form, as it came
and of the reply: {"id", "model"}.

Text and thinking may take turns; each stretch is a part of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from flux_tui.core.events import (
    OpaqueItem,
    Stopped,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    UsageUpdate,
)
from flux_tui.core.messages import StopReason
from flux_tui.core.sanitize import Sanitizer, sanitize
from flux_tui.core.usage import JSON, Usage
from flux_tui.providers.call_fragments import CallFragments, without_calls
from flux_tui.providers.failures import StreamFailure, vendor_failure
from flux_tui.providers.json_values import count, items, mapping, string

STOP_REASONS: dict[str, StopReason] = {
    "stop": "end",
    "tool_calls": "tool_calls",
    "length": "length",
    "model_length": "context",
}
REPLAYABLE = frozenset(
    {"reference", "image_url", "document_url", "file", "input_audio", "resource", "resource_link"}
)
"""The content chunks, beside text and thinking, that an assistant message may send back."""

_CALLS = 1_000_000  # the index of the first call: behind all prose
# The vendor's names for kinds of failure, in the words that `failures` knows.
_TYPES = {
    "rate_limited": "rate_limit_error",
    "service_tier_capacity_exceeded": "overloaded_error",
    "service_unavailable": "overloaded_error",
    "internal_server_error": "server_error",
    "unauthorized": "authentication_error",
    "invalid_model": "model_not_found",
}


def read_error(body: JSON) -> JSON:
    """Return an error body as `{message, type, code, param}`.

    The API answers `{object: error, message, type, param, code}`, where the message may itself be
    `{detail: [...]}`; its gateways answer with a bare `{detail}`.
    """
    outer = mapping(body)
    told = outer.get("message")
    detail = mapping(told).get("detail", outer.get("detail"))
    error: dict[str, JSON] = {name: outer.get(name) for name in ("type", "code", "param")}
    error["type"] = _TYPES.get(string(error["type"]), error["type"])
    problems = [mapping(entry) for entry in items(detail)]
    error["message"] = string(told) or string(detail) or "; ".join(map(_sentence, problems))
    if problems:
        error["param"] = _place(problems[0])
    return error if error["message"] else body


def _sentence(problem: Mapping[str, JSON]) -> str:
    said = problem.get("msg")
    words = said if isinstance(said, str) else json.dumps(said)
    place = _place(problem)
    return f"{place}: {words}" if place else words


def _place(problem: Mapping[str, JSON]) -> str:
    steps = [str(step) for step in items(problem.get("loc")) if isinstance(step, (str, int))]
    return ".".join(steps[1:] if steps[:1] == ["body"] else steps)


class Decoder:
    """Decodes one reply. `unknown` counts the chunks that were ignored."""

    def __init__(self) -> None:
        self.finished = False
        self.unknown = 0
        self._sanitizer = Sanitizer()
        self._kind = ""  # of the stretch of prose that is being streamed
        self._index = -1
        self._calls = CallFragments(_CALLS)
        self._reply: dict[str, JSON] = {}
        self._reason = ""

    def feed(self, event_name: str, data: str) -> Iterator[StreamEvent]:
        """Take one event. See `transport.StreamDecoder`."""
        if data.strip() == "[DONE]":
            self.finished = True
            return
        try:
            chunk = mapping(json.loads(data))
        except (ValueError, RecursionError) as problem:
            raise StreamFailure("protocol", "sent an event that is not JSON") from problem
        if event_name == "error" or chunk.get("object") == "error" or chunk.get("error"):
            raise vendor_failure(mapping(read_error(mapping(chunk.get("error")) or chunk)))
        if "choices" not in chunk:
            self.unknown += 1
        for name in ("id", "model"):
            if isinstance(chunk.get(name), str):
                self._reply[name] = sanitize(string(chunk[name]))
        for choice in map(mapping, items(chunk.get("choices"))):
            if count(choice.get("index")) == 0:
                yield from self._choice(choice)
        if usage := mapping(chunk.get("usage")):
            yield UsageUpdate(usage_of(usage))

    def close(self) -> Iterator[StreamEvent]:
        """End the reply. See `transport.StreamDecoder`."""
        yield from self._flushed()
        if not (self._reason and self.finished):
            raise StreamFailure("incomplete")
        if self._reason == "error":
            raise StreamFailure("server", words="finish_reason error")
        stop = STOP_REASONS.get(self._reason, "end")
        if self._calls and stop == "end":
            stop = "tool_calls"
        elif stop == "tool_calls" and not self._calls:
            stop = without_calls(begun=self._index >= 0)
        yield Stopped(stop, "", dict(self._reply))

    def _choice(self, choice: dict[str, JSON]) -> Iterator[StreamEvent]:
        delta = mapping(choice.get("delta"))
        content = delta.get("content")
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        for chunk in map(mapping, items(content)):
            yield from self._chunk(chunk)
        for entry in map(mapping, items(delta.get("tool_calls"))):
            yield self._calls.feed(entry)
        self._reason = string(choice.get("finish_reason")) or self._reason

    def _chunk(self, chunk: dict[str, JSON]) -> Iterator[StreamEvent]:
        kind = string(chunk.get("type"))
        if kind == "text":
            if text := string(chunk.get("text")):
                yield from self._turn_to("text")
                yield TextDelta(self._index, self._sanitizer.feed(text))
        elif kind == "thinking":
            yield from self._thought(chunk)
        elif kind in REPLAYABLE:
            yield from self._turn_to("")
            yield OpaqueItem(self._index, kind, {"chunk": chunk})
        else:
            self.unknown += 1

    def _thought(self, chunk: dict[str, JSON]) -> Iterator[StreamEvent]:
        yield from self._turn_to("thinking")
        told = chunk.get("thinking")
        pieces = [string(mapping(piece).get("text")) for piece in items(told)]
        metadata: dict[str, JSON] = {"chunk": "thinking"}
        for name in ("signature", "closed"):
            if chunk.get(name) is not None:
                metadata[name] = chunk[name]
        text = self._sanitizer.feed(string(told) or "".join(pieces))
        yield ThinkingDelta(self._index, text, metadata)

    def _turn_to(self, kind: str) -> Iterator[StreamEvent]:
        """Begin a new part unless one of *kind* is open; "" is a part that is never open."""
        if kind and kind == self._kind:
            return
        yield from self._flushed()
        self._kind = kind
        self._index += 1

    def _flushed(self) -> Iterator[StreamEvent]:
        rest = self._sanitizer.flush()
        if rest and self._kind == "thinking":
            yield ThinkingDelta(self._index, rest)
        elif rest:
            yield TextDelta(self._index, rest)


def usage_of(raw: Mapping[str, JSON]) -> Usage:
    """Return the disjoint buckets of *raw*: prompt_tokens include what the cache gave."""
    inside = mapping(raw.get("prompt_tokens_details"))
    prompt = count(raw.get("prompt_tokens"))
    read = count(inside.get("cached_tokens")) or count(raw.get("num_cached_tokens"))
    return Usage(
        input=max(0, prompt - read),
        cache_read=min(read, prompt),
        output=count(raw.get("completion_tokens")),
        raw=dict(raw),
    )

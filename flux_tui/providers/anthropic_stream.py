"""Server-sent events of Anthropic Messages -> stream events.

Replay data, in the metadata of parts:
    Text      {"citations": [...]}, {"raw": str} when sanitising changed the text
    Thinking  {"signature": str}, {"raw": str} likewise: the signature covers the exact bytes
    ToolCall  {"caller": {...}} when it is not the model itself
    Opaque    {"block": {...}}: the whole block (redacted thinking, server tools, compaction)
and of the reply: {"id", "model", "stop_reason", "stop_details", "stop_sequence"}, what is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, cast

from flux_tui.core.events import (
    OpaqueItem,
    Stopped,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UsageUpdate,
)
from flux_tui.core.messages import StopReason
from flux_tui.core.repair import clean
from flux_tui.core.sanitize import Sanitizer, one_line, sanitize
from flux_tui.core.usage import JSON, Usage
from flux_tui.providers.call_fragments import without_calls
from flux_tui.providers.failures import StreamFailure, vendor_failure
from flux_tui.providers.json_values import count, items, mapping, string

STOP_REASONS: dict[str, StopReason] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "context",
    "refusal": "refusal",
    "pause_turn": "pause",
}
_Kind = Literal["text", "thinking", "tool_use", "opaque"]
_KINDS: dict[str, _Kind] = {"text": "text", "thinking": "thinking", "tool_use": "tool_use"}


@dataclass(slots=True)
class _Block:
    """A content block while it arrives; `index` is ours, counted over the whole reply."""

    index: int
    kind: _Kind
    raw: dict[str, JSON]
    text: list[str] = field(default_factory=list[str])
    json: list[str] = field(default_factory=list[str])
    citations: list[JSON] = field(default_factory=list["JSON"])
    sanitizer: Sanitizer = field(default_factory=Sanitizer)
    shown: list[str] = field(default_factory=list[str])


class Decoder:
    """Decodes one reply. `unknown` counts the events that were ignored."""

    def __init__(self) -> None:
        self.finished = False
        self.unknown = 0
        self._blocks: dict[int, _Block] = {}
        self._next = 0
        self._strange: set[int] = set()  # blocks that do not say what they are
        self._usage: dict[str, JSON] = {}
        self._reply: dict[str, JSON] = {}
        self._stop = ""
        self._called = False

    def feed(self, event_name: str, data: str) -> Iterator[StreamEvent]:
        """Take one event. See `transport.StreamDecoder`."""
        try:
            event = mapping(json.loads(data))
        except (ValueError, RecursionError) as problem:
            raise StreamFailure("protocol", "sent an event that is not JSON") from problem
        match string(event.get("type")) or event_name:
            case "message_start":
                yield from self._started(mapping(event.get("message")))
            case "content_block_start":
                yield from self._opened(event)
            case "content_block_delta":
                yield from self._grown(event)
            case "content_block_stop":
                yield from self._closed(event)
            case "message_delta":
                yield from self._delta(event)
            case "message_stop":
                self.finished = True
            case "error":
                raise vendor_failure(mapping(event.get("error")))
            case "ping":
                pass
            case _:
                self.unknown += 1

    def close(self) -> Iterator[StreamEvent]:
        """End the reply. See `transport.StreamDecoder`."""
        if not self.finished:
            raise StreamFailure("incomplete")
        for index in list(self._blocks):  # a block that was never closed: a proxy's doing
            yield from self._finish(self._blocks.pop(index))
        details = mapping(self._reply.get("stop_details"))
        reason = STOP_REASONS.get(self._stop, "end")
        if self._called and reason == "end":
            reason = "tool_calls"
        elif reason == "tool_calls" and not self._called:
            reason = without_calls(begun=self._next > 0)
        yield Stopped(reason, one_line(string(details.get("explanation")), 500), dict(self._reply))

    def _started(self, message: dict[str, JSON]) -> Iterator[StreamEvent]:
        # Proxies send it twice; the second says nothing new and must not undo what has arrived.
        for name in ("id", "model"):
            if isinstance(message.get(name), str):
                self._reply[name] = sanitize(string(message[name]))
        yield from self._counted(mapping(message.get("usage")))

    def _counted(self, usage: dict[str, JSON]) -> Iterator[StreamEvent]:
        told = {key: value for key, value in usage.items() if value is not None}
        if not told:
            return
        self._usage.update(told)  # counts are cumulative, so the last one holds
        yield UsageUpdate(usage_of(self._usage))

    def _opened(self, event: dict[str, JSON]) -> Iterator[StreamEvent]:
        at = _index(event)
        raw = mapping(event.get("content_block"))
        before = self._blocks.get(at)
        if before is not None:
            if before.raw == raw and not (before.text or before.json):
                return  # the same start once more
            yield from self._finish(self._blocks.pop(at))
        if not string(raw.get("type")):
            self.unknown += 1
            self._strange.add(at)  # what follows for it says nothing either
            return
        self._strange.discard(at)
        block = _Block(self._next, _KINDS.get(string(raw.get("type")), "opaque"), raw)
        self._next += 1
        self._blocks[at] = block
        match block.kind:
            case "tool_use":
                self._called = True
                yield ToolCallDelta(
                    block.index, string(raw.get("id")), sanitize(string(raw.get("name")))
                )
            case "text":
                if text := string(raw.get("text")):
                    yield self._said(block, text)
            case "thinking":
                yield self._said(block, string(raw.get("thinking")))
                if signature := string(raw.get("signature")):
                    yield ThinkingDelta(block.index, "", {"signature": signature})
            case "opaque":
                pass

    def _said(self, block: _Block, text: str) -> StreamEvent:
        clean = block.sanitizer.feed(text)
        block.text.append(text)
        block.shown.append(clean)
        if block.kind == "thinking":
            return ThinkingDelta(block.index, clean)
        return TextDelta(block.index, clean)

    def _grown(self, event: dict[str, JSON]) -> Iterator[StreamEvent]:
        at = _index(event)
        block = self._blocks.get(at)
        if block is None and at in self._strange:
            self.unknown += 1
            return
        if block is None:
            raise StreamFailure("protocol", "sent content for a block that it never began")
        delta = mapping(event.get("delta"))
        match string(delta.get("type")), block.kind:
            case "text_delta", "text":
                yield self._said(block, string(delta.get("text")))
            case "thinking_delta", "thinking":
                yield self._said(block, string(delta.get("thinking")))
            case "signature_delta", "thinking":
                yield ThinkingDelta(block.index, "", {"signature": string(delta.get("signature"))})
            case "input_json_delta", "tool_use":
                fragment = string(delta.get("partial_json"))
                block.json.append(fragment)
                yield ToolCallDelta(block.index, json=fragment)
            case "input_json_delta", "opaque":
                block.json.append(string(delta.get("partial_json")))
            case "citations_delta", "text":
                block.citations.append(delta.get("citation"))
            case _, "opaque":
                _merge(block.raw, delta)
            case _:
                self.unknown += 1

    def _closed(self, event: dict[str, JSON]) -> Iterator[StreamEvent]:
        block = self._blocks.pop(_index(event), None)
        if block is not None:
            yield from self._finish(block)

    def _finish(self, block: _Block) -> Iterator[StreamEvent]:
        match block.kind:
            case "text" | "thinking":
                rest = block.sanitizer.flush()
                exact = clean("".join(block.text))  # what was cut through its middle is whole now
                extra: dict[str, JSON] = {}
                if exact != "".join(block.shown) + rest:
                    extra["raw"] = exact
                if block.citations:
                    extra["citations"] = block.citations
                if rest or extra:
                    made = ThinkingDelta if block.kind == "thinking" else TextDelta
                    yield made(block.index, rest, extra or None)
            case "tool_use":
                yield from self._finish_call(block)
            case "opaque":
                if block.json:
                    block.raw["input"] = _parsed("".join(block.json))
                kind = one_line(string(block.raw.get("type"))) or "unknown"
                yield OpaqueItem(block.index, kind, {"block": block.raw}, _note(block.raw))

    def _finish_call(self, block: _Block) -> Iterator[StreamEvent]:
        given = mapping(block.raw.get("input"))
        if given and not "".join(block.json):
            # Some proxies send the whole input with the start of the block.
            yield ToolCallDelta(block.index, json=json.dumps(given))
        caller = mapping(block.raw.get("caller"))
        if caller and caller.get("type") != "direct":
            yield ToolCallDelta(block.index, metadata={"caller": caller})

    def _delta(self, event: dict[str, JSON]) -> Iterator[StreamEvent]:
        delta = mapping(event.get("delta"))
        self._stop = string(delta.get("stop_reason")) or self._stop
        for name in ("stop_reason", "stop_details", "stop_sequence", "container"):
            if delta.get(name) is not None:
                self._reply[name] = delta[name]
        yield from self._counted(mapping(event.get("usage")))


def usage_of(raw: dict[str, JSON]) -> Usage:
    """Return the disjoint buckets of *raw*: input_tokens already excludes both cache counts."""
    split = mapping(raw.get("cache_creation"))
    short = count(split.get("ephemeral_5m_input_tokens"))
    long = count(split.get("ephemeral_1h_input_tokens"))
    output = count(raw.get("output_tokens"))
    thought = count(mapping(raw.get("output_tokens_details")).get("thinking_tokens"))
    return Usage(
        input=count(raw.get("input_tokens")),
        cache_read=count(raw.get("cache_read_input_tokens")),
        cache_write=max(count(raw.get("cache_creation_input_tokens")), short + long),
        cache_write_1h=long,
        output=output,
        reasoning=min(thought, output),
        raw=dict(raw),
    )


def _index(event: dict[str, JSON]) -> int:
    index = event.get("index")
    if not isinstance(index, int):
        raise StreamFailure("protocol", "sent a content event without its index")
    return index


def _merge(block: dict[str, JSON], delta: dict[str, JSON]) -> None:
    for name, value in delta.items():
        before = block.get(name)
        if name == "type":
            continue
        if isinstance(value, str) and isinstance(before, str):
            block[name] = before + value
        elif value is not None:
            block[name] = value


def _parsed(text: str) -> JSON:
    try:
        return cast("JSON", json.loads(text or "{}"))  # json.loads gives nothing else
    except (ValueError, RecursionError):
        return {}


def _note(block: dict[str, JSON]) -> str:
    kind = string(block.get("type"))
    if kind == "server_tool_use":
        asked = mapping(block.get("input"))
        query = string(asked.get("query")) or string(asked.get("url"))
        return one_line(f"{string(block.get('name'))}: {query}".rstrip(": "), 200)
    if kind == "web_search_tool_result":
        found = [mapping(hit) for hit in items(block.get("content"))]
        lines = [f"{string(h.get('title'))} {string(h.get('url'))}" for h in found[:5]]
        return one_line("found: " + "; ".join(lines), 500) if lines else ""
    return ""

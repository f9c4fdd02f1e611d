"""Server-sent events of OpenAI Responses -> stream events.

Replay data, in the metadata of parts; item ids mean something only together with the items
before them, see `openai_responses.encode`:
    Thinking  {"id": "rs_...", "summary": [...], "encrypted_content": str, "content": [...]}
    Text      {"id": "msg_...", "phase": str, "refusal": true, "annotations": [...]}, what applies
    ToolCall  {"id": "fc_...", "namespace": str}
    Opaque    {"item": {...}}: the whole item (hosted tools)
and of the reply: {"id", "model", "service_tier"}.

Parts are ordered by the place of their item and of the content within it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

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
from flux_tui.core.sanitize import Sanitizer, one_line, sanitize
from flux_tui.core.usage import JSON, Usage
from flux_tui.providers.failures import StreamFailure, vendor_failure
from flux_tui.providers.json_values import count, items, mapping, string

_KINDS = frozenset({"message", "reasoning", "function_call"})
_PER_ITEM = 1000  # places for the contents of one item
_QUIET = frozenset(
    {
        "response.created",
        "response.in_progress",
        "response.queued",
        "response.content_part.done",
        "response.output_text.done",
        "response.output_text.annotation.added",
        "response.refusal.done",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.done",
        "response.reasoning_text.done",
        "response.function_call_arguments.done",
        "keepalive",
    }
)


@dataclass(slots=True)
class _Item:
    """An output item while it arrives."""

    index: int
    kind: str = ""  # until the server says what it is
    id: str = ""
    parts: dict[int, Sanitizer] = field(default_factory=dict[int, Sanitizer])
    text: dict[int, str] = field(default_factory=dict[int, str])  # as it came
    json: list[str] = field(default_factory=list[str])
    done: bool = False


class Decoder:
    """Decodes one reply. `unknown` counts the events that were ignored."""

    def __init__(self) -> None:
        self.finished = False
        self.unknown = 0
        self._last: dict[str, JSON] = {}
        self._items: dict[int, _Item] = {}
        self._reply: dict[str, JSON] = {}
        self._called = False
        self._refused = ""
        self._stop: StopReason = "end"

    def feed(self, event_name: str, data: str) -> Iterator[StreamEvent]:
        """Take one event. See `transport.StreamDecoder`."""
        if data.strip() == "[DONE]":  # some compatible servers add it
            return
        try:
            event = mapping(json.loads(data))
        except (ValueError, RecursionError) as problem:
            raise StreamFailure("protocol", "sent an event that is not JSON") from problem
        if "sequence_number" in event and event == self._last:
            return  # delivered twice: the vendor numbers its events
        self._last = event
        name = string(event.get("type")) or event_name
        match name:
            case "response.output_item.added":
                yield from self._added(event)
            case "response.output_item.done":
                yield from self._done(event)
            case "response.completed" | "response.incomplete" | "response.failed":
                yield from self._ended(name, mapping(event.get("response")))
            case "response.cancelled":
                raise StreamFailure("incomplete", "cancelled the reply")
            case "error":
                # Nested on the wire; the SDK's type says it is flat (recorded, 2026-11-22).
                raise vendor_failure(mapping(event.get("error")) or event)
            case _:
                yield from self._content(name, event)

    def _content(self, name: str, event: dict[str, JSON]) -> Iterator[StreamEvent]:
        match name:
            case "response.output_text.delta":
                yield from self._said(event, "content_index")
            case "response.refusal.delta":
                self._refused += string(event.get("delta"))
                yield from self._said(event, "content_index")
            case "response.reasoning_summary_text.delta":
                yield from self._thought(event, "summary_index")
            case "response.reasoning_text.delta":
                yield from self._thought(event, "content_index")
            case "response.function_call_arguments.delta":
                item = self._item(event)
                if item.kind == "function_call":
                    item.json.append(string(event.get("delta")))
                    yield ToolCallDelta(item.index, json=item.json[-1])
            case "response.content_part.added" | "response.reasoning_summary_part.added":
                self._item(event)
            case _ if name not in _QUIET:
                self.unknown += 1
            case _:
                pass

    def close(self) -> Iterator[StreamEvent]:
        """End the reply. See `transport.StreamDecoder`."""
        if not self.finished:
            raise StreamFailure("incomplete")
        for item in self._items.values():
            yield from self._flushed(item)
        stop = self._stop
        if stop == "end" and self._called:
            stop = "tool_calls"
        elif stop == "end" and self._refused:
            stop = "refusal"
        detail = one_line(self._refused, 500) if stop == "refusal" else ""
        yield Stopped(stop, detail, dict(self._reply))

    def _item(self, event: dict[str, JSON]) -> _Item:
        item = self._items.get(_place(event, "output_index"))
        if item is None:
            raise StreamFailure("protocol", "sent content for an item that it never began")
        return item

    def _added(self, event: dict[str, JSON]) -> Iterator[StreamEvent]:
        at = _place(event, "output_index")
        raw = mapping(event.get("item"))
        item = self._items.setdefault(at, _Item(at * _PER_ITEM))
        kind = string(raw.get("type"))
        if not kind or item.kind in _KINDS:
            return
        item.kind, item.id = kind, string(raw.get("id"))
        if item.kind == "function_call":
            self._called = True
            yield ToolCallDelta(
                item.index, string(raw.get("call_id")), sanitize(string(raw.get("name")))
            )

    def _said(self, event: dict[str, JSON], place: str) -> Iterator[StreamEvent]:
        item = self._item(event)
        part = min(_place(event, place), _PER_ITEM - 1)
        yield TextDelta(item.index + part, _grown(item, part, string(event.get("delta"))))

    def _thought(self, event: dict[str, JSON], place: str) -> Iterator[StreamEvent]:
        """Reasoning is one part however many paragraphs its summary has."""
        item = self._item(event)
        part = _place(event, place)
        text = string(event.get("delta"))
        if part not in item.parts:
            gap = "\n\n" if item.parts else ""
            item.parts[part] = Sanitizer()
            text = gap + text
        yield ThinkingDelta(item.index, item.parts[part].feed(text))

    def _backfilled(self, output: list[JSON]) -> Iterator[StreamEvent]:
        """The ends of items that the stream left out; the final response has them (recorded)."""
        final = {string(raw.get("id")): raw for raw in map(mapping, output)}
        if not self._items:
            places = enumerate(map(mapping, output))
        else:
            places = [
                (place, final[item.id])
                for place, item in self._items.items()
                if not item.done and item.id in final
            ]
        for place, raw in places:
            yield from self._done({"output_index": place, "item": raw})

    def _flushed(self, item: _Item) -> Iterator[StreamEvent]:
        for part, sanitizer in item.parts.items():
            rest = sanitizer.flush()
            if rest and item.kind == "reasoning":
                yield ThinkingDelta(item.index, rest)
            elif rest:
                yield TextDelta(item.index + part, rest)

    def _done(self, event: dict[str, JSON]) -> Iterator[StreamEvent]:
        yield from self._added(event)  # a server may send only the end
        item = self._item(event)
        if item.done:
            return
        item.done = True
        raw = mapping(event.get("item"))
        match item.kind:
            case "message":
                yield from self._message_done(item, raw)
            case "reasoning":
                yield from self._reasoning_done(item, raw)
            case "function_call":
                yield from self._call_done(item, raw)
            case kind if kind and raw.get("type") == kind:
                yield OpaqueItem(item.index, one_line(kind), {"item": raw}, _note(raw))
            case _:
                self.unknown += 1

    def _message_done(self, item: _Item, raw: dict[str, JSON]) -> Iterator[StreamEvent]:
        data = _kept(raw, "id", "phase")
        for part, content in enumerate(map(mapping, items(raw.get("content")))):
            refusal = content.get("type") == "refusal"
            whole = string(content.get("refusal" if refusal else "text"))
            got = item.text.get(part, "")
            late = whole[len(got) :] if whole.startswith(got) else ""
            if refusal:
                self._refused += late
            extra: dict[str, JSON] = {**data, "refusal": True} if refusal else data
            if cited := items(content.get("annotations")):
                extra = {**extra, "annotations": cited}
            yield TextDelta(item.index + part, _grown(item, part, late), extra)
        yield from self._flushed(item)

    def _reasoning_done(self, item: _Item, raw: dict[str, JSON]) -> Iterator[StreamEvent]:
        yield from self._flushed(item)
        late = ""
        if not item.parts:
            told = items(raw.get("summary")) or items(raw.get("content"))
            late = sanitize("\n\n".join(string(mapping(part).get("text")) for part in told))
        data = _kept(raw, "id", "summary", "encrypted_content", "content")
        yield ThinkingDelta(item.index, late, data)

    def _call_done(self, item: _Item, raw: dict[str, JSON]) -> Iterator[StreamEvent]:
        got, whole = "".join(item.json), string(raw.get("arguments"))
        rest = whole[len(got) :] if whole.startswith(got) else ""
        yield ToolCallDelta(item.index, json=rest, metadata=_kept(raw, "id", "namespace"))

    def _ended(self, name: str, response: dict[str, JSON]) -> Iterator[StreamEvent]:
        usage = mapping(response.get("usage"))
        if usage:
            yield UsageUpdate(usage_of(usage))
        if name == "response.failed":
            raise vendor_failure(mapping(response.get("error")))
        yield from self._backfilled(items(response.get("output")))
        self.finished = True
        self._reply = _kept(response, "id", "model", "service_tier")
        if name == "response.incomplete":
            why = string(mapping(response.get("incomplete_details")).get("reason"))
            self._stop = _INCOMPLETE.get(why, "pause")


_INCOMPLETE: dict[str, StopReason] = {"max_output_tokens": "length", "content_filter": "refusal"}


def usage_of(raw: dict[str, JSON]) -> Usage:
    """Return the disjoint buckets of *raw*: input_tokens include what the cache gave and took."""
    inside = mapping(raw.get("input_tokens_details"))
    prompt, output = count(raw.get("input_tokens")), count(raw.get("output_tokens"))
    read = min(count(inside.get("cached_tokens")), prompt)
    written = min(count(inside.get("cache_write_tokens")), prompt - read)
    thought = count(mapping(raw.get("output_tokens_details")).get("reasoning_tokens"))
    return Usage(
        input=prompt - read - written,
        cache_read=read,
        cache_write=written,
        output=output,
        reasoning=min(thought, output),
        raw=dict(raw),
    )


def _grown(item: _Item, part: int, text: str) -> str:
    """Add *text* to a text part and return what may be shown of it."""
    item.text[part] = item.text.get(part, "") + text
    return item.parts.setdefault(part, Sanitizer()).feed(text)


def _place(event: dict[str, JSON], name: str) -> int:
    place = event.get(name)
    if not isinstance(place, int) or place < 0:
        raise StreamFailure("protocol", f"sent an event without its {name}")
    return place


def _kept(raw: dict[str, JSON], *names: str) -> dict[str, JSON]:
    return {name: raw[name] for name in names if raw.get(name) is not None}


def _note(item: dict[str, JSON]) -> str:
    action = mapping(item.get("action"))
    asked = string(action.get("query")) or string(action.get("url"))
    kind = string(item.get("type")).removesuffix("_call").replace("_", " ")
    return one_line(f"{kind}: {asked}", 200) if asked else ""

"""Server-sent events of Google Gemini -> stream events.

Each event is a whole `GenerateContentResponse` with the parts that are new. There is no closing
event: the reply is whole when a candidate has told its finishReason, or the prompt was blocked.

Replay data, in the metadata of parts:
    Text      {"signature": str, "from": int}: the thought signature, and where in the text the
              part began that carried it; the end for a signature that came on an empty part
    Thinking  {"signature": str}; with {"bare": true} no thought but an empty part that carried it
    ToolCall  {"signature": str}
    Opaque    {"part": {...}}: the whole part (server-side tools, generated files)
and of the reply: {"id", "model", "finish", "citations": [...]}, what is known. Citations are the
`groundingChunks` of a search and the `citationSources` of what was quoted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

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
from flux_tui.providers.gemini_arguments import PartialArguments
from flux_tui.providers.gemini_errors import read_error
from flux_tui.providers.json_values import count, items, mapping, plain, string

STOP_REASONS: dict[str, StopReason] = {
    "STOP": "end",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "refusal",
    "RECITATION": "refusal",
    "BLOCKLIST": "refusal",
    "PROHIBITED_CONTENT": "refusal",
    "SPII": "refusal",
    "MODEL_ARMOR": "refusal",
    "ESCALATION": "refusal",
    "IMAGE_SAFETY": "refusal",
    "IMAGE_PROHIBITED_CONTENT": "refusal",
    "IMAGE_RECITATION": "refusal",
    "IMAGE_OTHER": "refusal",
    "NO_IMAGE": "refusal",
}
_FAILURES = {
    "MALFORMED_FUNCTION_CALL": "wrote a tool call that cannot be read",
    "UNEXPECTED_TOOL_CALL": "called a tool although none was on offer",
    "MISSING_THOUGHT_SIGNATURE": "misses a thought signature in the history",
    "TOO_MANY_TOOL_CALLS": "called tools too often",
    "MALFORMED_RESPONSE": "made a reply that cannot be read",
    "LANGUAGE": "does not speak this language",
    "OTHER": "broke off for a reason that it does not tell",
}
_COUNTS = (
    "promptTokenCount",
    "cachedContentTokenCount",
    "toolUsePromptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "totalTokenCount",
)
_EVERY_PART = frozenset({"text", "thought", "thoughtSignature", "partMetadata", "videoMetadata"})
_Kind = Literal["text", "thinking"]


@dataclass(slots=True)
class _Prose:
    """The stretch of text or of thoughts that grows at the moment."""

    index: int
    kind: _Kind
    length: int = 0  # characters that were passed on
    signed: bool = False
    sanitizer: Sanitizer = field(default_factory=Sanitizer)


@dataclass(slots=True)
class _Call:
    index: int
    arguments: PartialArguments = field(default_factory=PartialArguments)


class Decoder:
    """Decodes one reply. `unknown` counts the events and parts that were ignored.

    `finished` stays false: some models tell a finishReason in every event, so only the end of
    the stream is its end.
    """

    def __init__(self) -> None:
        self.finished = False
        self.unknown = 0
        self._next = 0
        self._prose: _Prose | None = None
        self._call: _Call | None = None  # one that arrives in pieces
        self._calls = 0
        self._usage: dict[str, JSON] = {}
        self._reply: dict[str, JSON] = {}
        self._cited: list[JSON] = []
        self._reason = ""
        self._detail = ""
        self._blocked = ""

    def feed(self, event_name: str, data: str) -> Iterator[StreamEvent]:
        """Take one event. See `transport.StreamDecoder`."""
        del event_name  # this vendor names none
        try:
            chunk = mapping(json.loads(data))
        except (ValueError, RecursionError) as problem:
            raise StreamFailure("protocol", "sent an event that is not JSON") from problem
        if "error" in chunk:
            raise vendor_failure(mapping(read_error(chunk)))
        if not chunk.keys() & {"candidates", "usageMetadata", "promptFeedback"}:
            self.unknown += 1
        for name, key in (("id", "responseId"), ("model", "modelVersion")):
            if isinstance(chunk.get(key), str):
                self._reply[name] = sanitize(string(chunk[key]))
        feedback = mapping(chunk.get("promptFeedback"))
        if reason := string(feedback.get("blockReason")):
            self._blocked = reason
            self._detail = string(feedback.get("blockReasonMessage")) or reason
        for candidate in map(mapping, items(chunk.get("candidates"))):
            if count(candidate.get("index")) == 0:
                yield from self._candidate(candidate)
        if usage := mapping(chunk.get("usageMetadata")):
            yield from self._counted(usage)

    def close(self) -> Iterator[StreamEvent]:
        """End the reply. See `transport.StreamDecoder`."""
        yield from self._closed()
        stop = self._stop()
        if self._cited:
            self._reply["citations"] = list(self._cited)
        yield Stopped(stop, one_line(self._detail, 500), dict(self._reply))

    def _stop(self) -> StopReason:
        if self._blocked and not self._reason:
            self._reply["finish"] = sanitize(self._blocked)
            return "refusal"
        if not self._reason:
            raise StreamFailure("incomplete")
        if what := _FAILURES.get(self._reason):
            words = self._detail or self._reason
            raise StreamFailure("server", f"{what} ({self._reason})", words=words)
        self._reply["finish"] = sanitize(self._reason)
        stop = STOP_REASONS.get(self._reason, "end")
        if stop == "end":
            self._detail = ""  # "Model generated function call(s)." explains nothing
            if not self._next:
                # Known of these models; nobody would take a blank for an answer.
                raise StreamFailure("server", "ended its reply without having said anything")
            return "tool_calls" if self._calls else "end"
        return stop

    def _candidate(self, candidate: dict[str, JSON]) -> Iterator[StreamEvent]:
        for part in map(mapping, items(mapping(candidate.get("content")).get("parts"))):
            yield from self._part(part)
        found = items(mapping(candidate.get("groundingMetadata")).get("groundingChunks"))
        quoted = items(mapping(candidate.get("citationMetadata")).get("citationSources"))
        # Later events may tell again what an earlier one has told.
        for entry in map(plain, [*found, *quoted]):
            if entry not in self._cited:
                self._cited.append(entry)
        reason = string(candidate.get("finishReason"))
        if reason and reason != "FINISH_REASON_UNSPECIFIED":
            self._reason = reason
            self._detail = string(candidate.get("finishMessage")) or self._detail

    def _part(self, part: dict[str, JSON]) -> Iterator[StreamEvent]:
        signature = string(part.get("thoughtSignature"))
        if isinstance(part.get("functionCall"), dict):
            yield from self._called(mapping(part["functionCall"]), signature)
        elif isinstance(part.get("text"), str):
            kind: _Kind = "thinking" if part.get("thought") is True else "text"
            yield from self._said(kind, string(part["text"]), signature)
        elif kind_name := _kind_of(part):
            yield from self._closed()
            told: JSON = {key: plain(value) for key, value in part.items() if value is not None}
            whole: dict[str, JSON] = {"part": told}
            yield OpaqueItem(self._number(), sanitize(kind_name), whole, note_of(part))
        elif signature:
            yield from self._said("text", "", signature)
        else:
            self.unknown += 1

    def _said(self, kind: _Kind, text: str, signature: str) -> Iterator[StreamEvent]:
        if not text and not signature:
            return  # the last event of a tool call carries an empty text
        prose = self._prose
        if not text and (prose is None or prose.signed):
            yield from self._closed()
            bare: dict[str, JSON] = {"signature": signature, "bare": True}
            yield ThinkingDelta(self._number(), "", bare)
            return
        # An empty part that carries a signature belongs to what stands before it.
        if prose is None or prose.signed or (text and prose.kind != kind):
            yield from self._closed()
            prose = self._prose = _Prose(self._number(), kind)
        data: dict[str, JSON] = {}
        if signature:
            data = {"signature": signature}
            if prose.kind == "text":
                data["from"] = prose.length
            prose.signed = True
        said = prose.sanitizer.feed(text)
        prose.length += len(said)
        yield _delta(prose, said, data)

    def _called(self, call: dict[str, JSON], signature: str) -> Iterator[StreamEvent]:
        name = sanitize(string(call.get("name")))
        going = self._call
        if going is None or name:
            yield from self._closed()
            going = self._call = _Call(self._number())
            self._calls += 1
            data: dict[str, JSON] | None = {"signature": signature} if signature else None
            yield ToolCallDelta(going.index, string(call.get("id")) or None, name, "", data)
        going.arguments.take(call.get("args"), call.get("partialArgs"))
        if call.get("willContinue") is not True:
            yield from self._closed()

    def _closed(self) -> Iterator[StreamEvent]:
        """End the part that grows at the moment."""
        prose, self._prose = self._prose, None
        if prose is not None and (rest := prose.sanitizer.flush()):
            yield _delta(prose, rest, {})
        call, self._call = self._call, None
        if call is not None:
            yield ToolCallDelta(call.index, json=call.arguments.text())

    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    def _counted(self, usage: dict[str, JSON]) -> Iterator[StreamEvent]:
        # Counts only grow, and later events may leave some out.
        before = dict(self._usage)
        for name, value in usage.items():
            if name in _COUNTS:
                self._usage[name] = max(count(value), count(self._usage.get(name)))
            else:
                self._usage[name] = value
        if self._usage != before and any(name in self._usage for name in _COUNTS):
            yield UsageUpdate(usage_of(self._usage))


def _delta(prose: _Prose, text: str, data: dict[str, JSON]) -> StreamEvent:
    if prose.kind == "text":
        return TextDelta(prose.index, text, data or None)
    return ThinkingDelta(prose.index, text, data or None)


def _kind_of(part: dict[str, JSON]) -> str:
    """The name of the one thing that *part* holds beside what belongs to any part; may be empty."""
    strange = (key for key, value in part.items() if isinstance(value, dict))
    return next((key for key in strange if key not in _EVERY_PART), "")


def note_of(part: dict[str, JSON]) -> str:
    """Return what to tell a reader of a part that has no neutral form; may be empty."""
    if code := mapping(part.get("executableCode")):
        return sanitize(f"```python\n{string(code.get('code'))}\n```")
    if ran := mapping(part.get("codeExecutionResult")):
        return sanitize(f"```\n{string(ran.get('output'))}\n```") if ran.get("output") else ""
    if call := mapping(part.get("toolCall")):
        queries = ", ".join(map(string, items(mapping(call.get("args")).get("queries"))))
        return f"[searched: {one_line(queries, 200)}]" if queries else ""
    if file := mapping(part.get("inlineData")):
        return f"[file made by the model: {one_line(string(file.get('mimeType')))}]"
    return ""


def usage_of(raw: dict[str, JSON]) -> Usage:
    """Return the disjoint buckets of *raw*.

    promptTokenCount includes what came from the cache but not what server-side tools put in;
    candidatesTokenCount does not include the thoughts.
    """
    prompt = count(raw.get("promptTokenCount")) + count(raw.get("toolUsePromptTokenCount"))
    read = min(count(raw.get("cachedContentTokenCount")), prompt)
    thoughts = count(raw.get("thoughtsTokenCount"))
    return Usage(
        input=prompt - read,
        cache_read=read,
        output=count(raw.get("candidatesTokenCount")) + thoughts,
        reasoning=thoughts,
        raw=dict(raw),
    )

"""Server-sent events of OpenAI Chat Completions, and of servers like it -> stream events.

Replay data, in the metadata of parts; OpenAI itself sends none of it:
    Thinking  {"field": "reasoning_content" | "reasoning" | "content"}: where the server put its
              reasoning; in the content it stood between tags,
              {"details": [...]}: `reasoning_details`, each put together from its fragments
    Text      {"refusal": true}
and of the reply: {"id", "model", "service_tier", "citations": [...], "unfinished": true}; the last
says that the server closed a text-only reply without a finish reason, as some do. Citations are
the `annotations` of search models (OpenAI, OpenRouter); without them the `search_results` of
Perplexity, or its and xAI's `citations`, which are addresses alone.

A reply has one reasoning part, one text part and its calls, in this order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from flux_tui.core.events import (
    Stopped,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    UsageUpdate,
)
from flux_tui.core.messages import StopReason
from flux_tui.core.sanitize import Sanitizer, one_line, sanitize
from flux_tui.core.usage import JSON, Usage
from flux_tui.providers.call_fragments import CallFragments, without_calls
from flux_tui.providers.failures import StreamFailure, vendor_failure
from flux_tui.providers.json_values import count, items, mapping, plain, string
from flux_tui.providers.think_tags import ThinkTags

STOP_REASONS: dict[str, StopReason] = {
    "stop": "end",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "model_length": "context",
    "content_filter": "refusal",
}
_THINKING, _TEXT, _CALLS = 0, 1, 2  # the index of the first part of each kind
_REASONING_FIELDS = ("reasoning_content", "reasoning")
_PIECEMEAL = frozenset({"reasoning.text", "reasoning.summary"})  # ciphertext comes whole


@dataclass(slots=True)
class _Prose:
    sanitizer: Sanitizer = field(default_factory=Sanitizer)
    begun: bool = False


class Decoder:
    """Decodes one reply. `unknown` counts the chunks that were ignored.

    With *tagged*, reasoning between tags at the beginning of the text is told apart.
    """

    def __init__(self, *, tagged: bool = False) -> None:
        self.finished = False
        self.unknown = 0
        self._text = _Prose()
        self._thinking = _Prose()
        self._tags = ThinkTags() if tagged else None
        self._calls = CallFragments(_CALLS)
        self._details: list[JSON] = []
        self._reply: dict[str, JSON] = {}
        self._annotations: list[JSON] = []
        self._found: list[JSON] = []
        self._reason = ""
        self._refusal: list[str] = []

    def feed(self, event_name: str, data: str) -> Iterator[StreamEvent]:
        """Take one event. See `transport.StreamDecoder`."""
        if data.strip() == "[DONE]":
            self.finished = True
            return
        try:
            chunk = mapping(json.loads(data))
        except (ValueError, RecursionError) as problem:
            raise StreamFailure("protocol", "sent an event that is not JSON") from problem
        if chunk.get("error"):
            error = chunk["error"]
            raise vendor_failure(mapping(error) or {"message": error})
        if event_name == "error":
            raise vendor_failure(chunk)
        if "choices" not in chunk and "usage" not in chunk:
            self.unknown += 1
        for name in ("id", "model", "service_tier"):
            if isinstance(chunk.get(name), str):
                self._reply[name] = sanitize(string(chunk[name]))
        # What was found comes with each chunk anew, or with the last one.
        found = items(chunk.get("search_results")) or items(chunk.get("citations"))
        self._found = found or self._found
        for choice in map(mapping, items(chunk.get("choices"))):
            if count(choice.get("index")) == 0:
                yield from self._choice(choice)
        usage = mapping(chunk.get("usage")) or mapping(mapping(chunk.get("x_groq")).get("usage"))
        if usage:
            yield UsageUpdate(usage_of(usage))

    def close(self) -> Iterator[StreamEvent]:
        """End the reply. See `transport.StreamDecoder`."""
        yield from self._flushed()
        if self._details:
            yield ThinkingDelta(_THINKING, "", {"details": self._details})
        stop = self._stop()
        if cited := self._annotations or self._found:
            self._reply["citations"] = [plain(entry) for entry in cited]
        yield Stopped(stop, one_line("".join(self._refusal), 500), dict(self._reply))

    def _stop(self) -> StopReason:
        if not self._reason:
            if not self.finished or self._calls or not self._text.begun:
                raise StreamFailure("incomplete")
            self._reply["unfinished"] = True
            return "end"
        reason = STOP_REASONS.get(self._reason)
        if reason == "tool_calls" and not self._calls:
            return without_calls(begun=self._text.begun)
        if reason is None and self._reason in {"error", "insufficient_system_resource"}:
            raise StreamFailure("server", words=f"finish_reason {self._reason}")
        if self._calls and reason in {"end", None}:
            return "tool_calls"  # some servers say "stop" with calls
        if self._refusal and reason in {"end", None}:
            return "refusal"
        return reason or "end"

    def _choice(self, choice: dict[str, JSON]) -> Iterator[StreamEvent]:
        delta = mapping(choice.get("delta"))
        if not (delta or self._text.begun or self._calls):
            delta = mapping(choice.get("message"))  # a gateway that sends the answer in one piece
        yield from self._reasoned(delta)
        for entry in items(delta.get("annotations")):
            if entry not in self._annotations:
                self._annotations.append(entry)
        content = delta.get("content")
        if isinstance(content, list):
            content = "".join(string(mapping(piece).get("text")) for piece in content)
        if isinstance(content, str) and content:
            yield from self._written(content)
        if refusal := string(delta.get("refusal")):
            self._refusal.append(refusal)
            yield TextDelta(_TEXT, self._text.sanitizer.feed(refusal), {"refusal": True})
        for entry in map(mapping, items(delta.get("tool_calls"))):
            yield self._calls.feed(entry)
        if legacy := mapping(delta.get("function_call")):
            yield self._calls.feed({"index": 0, "function": legacy})
        self._reason = string(choice.get("finish_reason")) or self._reason

    def _reasoned(self, delta: dict[str, JSON]) -> Iterator[StreamEvent]:
        for detail in items(delta.get("reasoning_details")):
            _take(self._details, detail)
        # Some servers fill both fields with the same words.
        for name in _REASONING_FIELDS:
            if text := string(delta.get(name)):
                yield self._thought(text, name)
                return

    def _thought(self, text: str, where: str) -> ThinkingDelta:
        mark: dict[str, JSON] | None = None if self._thinking.begun else {"field": where}
        self._thinking.begun = True
        return ThinkingDelta(_THINKING, self._thinking.sanitizer.feed(text), mark)

    def _written(self, content: str) -> Iterator[StreamEvent]:
        self._text.begun = True
        if self._tags is None:
            yield TextDelta(_TEXT, self._text.sanitizer.feed(content))
        else:
            yield from self._split(self._tags.feed(content))

    def _split(self, pieces: Iterator[tuple[bool, str]]) -> Iterator[StreamEvent]:
        for thinking, text in pieces:
            if thinking:
                yield self._thought(text, "content")
            else:
                yield TextDelta(_TEXT, self._text.sanitizer.feed(text))

    def _flushed(self) -> Iterator[StreamEvent]:
        if self._tags is not None:
            yield from self._split(self._tags.flush())
        if rest := self._thinking.sanitizer.flush():
            yield ThinkingDelta(_THINKING, rest)
        if rest := self._text.sanitizer.flush():
            yield TextDelta(_TEXT, rest)


def _take(details: list[JSON], piece: JSON) -> None:
    """Add a reasoning detail, or the next fragment of the last one, of the same index.

    A signature covers the whole text, so that fragments cannot go back as details of their own.
    """
    more, last = mapping(piece), mapping(details[-1] if details else None)
    goes_on = (
        more.get("type") in _PIECEMEAL
        and isinstance(more.get("index"), int)
        and all(more.get(name) == last.get(name) for name in ("type", "index"))
        and not last.get("signature")
    )
    if not goes_on:
        details.append(dict(more) if more else piece)
        return
    for name, value in more.items():
        if name in {"text", "summary"} and isinstance(value, str):
            last[name] = string(last.get(name)) + value
        elif value is not None:
            last[name] = value


def usage_of(raw: dict[str, JSON]) -> Usage:
    """Return the disjoint buckets of *raw*: prompt_tokens include what the cache gave and took."""
    inside = mapping(raw.get("prompt_tokens_details"))
    prompt, output = count(raw.get("prompt_tokens")), count(raw.get("completion_tokens"))
    read = count(inside.get("cached_tokens")) or count(raw.get("prompt_cache_hit_tokens"))
    read = min(read, prompt)
    written = min(count(inside.get("cache_write_tokens")), prompt - read)
    thought = count(mapping(raw.get("completion_tokens_details")).get("reasoning_tokens"))
    if count(raw.get("total_tokens")) == prompt + output + thought:
        output += thought  # xAI counts reasoning beside the completion, OpenAI within it
    return Usage(
        input=prompt - read - written,
        cache_read=read,
        cache_write=written,
        output=output,
        reasoning=min(thought, output),
        raw=dict(raw),
    )

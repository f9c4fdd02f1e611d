"""Makes a history well formed for any model: every call answered once, every id unique.

Nothing here depends on the model. What is made of a message depends only on messages before it
and on the tool results directly after it, so a longer history begins like the shorter one.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from flux_tui.core.messages import Message, Part, StopReason, Text, ToolCall, ToolResult
from flux_tui.core.report import Action, ReportItem, Subject
from flux_tui.core.usage import JSON

BROKEN: frozenset[StopReason] = frozenset({"aborted", "interrupted", "error", "refusal"})
"""The ways an answer ends before it was whole."""

NOT_RUN = "Interrupted: this tool call was not run."
EMPTY = "[empty message]"
DECLINED = "[The model declined to answer.]"

_DEEPEST = 64  # levels of arguments; deeper ones come from no sane model and exhaust the stack
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")  # UTF-8 or a vendor's database refuses them
_STRANGE = re.compile("[^a-zA-Z0-9_-]")


def clean(text: str) -> str:
    """Return *text* with NUL and lone surrogates as U+FFFD."""
    return _UNSENDABLE.sub("\ufffd", text)


def tool_name(name: str) -> str:
    """Return *name* as every vendor accepts it: at most 64 letters, digits, ``_`` and ``-``."""
    return _STRANGE.sub("_", name)[:64] or "unnamed"


class Repair:
    """One pass over a history; `items` collects what was changed."""

    def __init__(self) -> None:
        self.items: list[ReportItem] = []
        self._used: set[str] = set()

    def messages(self, messages: Sequence[Message]) -> Iterator[Message]:
        """Yield the repaired messages in order."""
        place = 0
        while place < len(messages):
            message = messages[place]
            place += 1
            if message.role != "assistant":
                self._orphans(message)
                if message.role == "user":
                    yield self._user(message)
                continue
            first = place
            while place < len(messages) and messages[place].role == "tool":
                place += 1
            yield from self._answer(message, messages[first:place])

    def _note(self, action: Action, what: Subject, reason: str, message: Message) -> None:
        self.items.append(ReportItem(action, what, reason, message.id))

    def _orphans(self, message: Message) -> None:
        for part in message.parts:
            if isinstance(part, ToolResult):
                self._note("dropped", "tool result", "no call asked for it", message)

    def _user(self, message: Message) -> Message:
        parts = tuple(
            replace(part, text=clean(part.text)) if isinstance(part, Text) else part
            for part in message.parts
            if not isinstance(part, (ToolCall, ToolResult))
            and not (isinstance(part, Text) and not part.text.strip())
        )
        # An empty turn must still be a turn, or the history would end with the model speaking.
        return replace(message, parts=parts or (Text(EMPTY),))

    def _answer(self, message: Message, replies: Sequence[Message]) -> Iterator[Message]:
        calls: list[tuple[str, ToolCall]] = []
        parts: list[Part] = []
        for index, part in enumerate(message.parts):
            if isinstance(part, ToolResult):
                self._note("dropped", "tool result", "it stood in an answer", message)
                continue
            if isinstance(part, ToolCall):
                if part.error and message.stop in BROKEN:
                    self._note("dropped", "tool call", "the answer broke off inside it", message)
                    continue
                call = self._call(part, message, index)
                calls.append((part.id, call))
                parts.append(call)
            elif not isinstance(part, Text):
                parts.append(part)
            elif part.text.strip():
                parts.append(replace(part, text=clean(part.text)))
        if not parts and message.stop == "refusal":
            parts.append(Text(DECLINED))
        yield replace(message, parts=tuple(parts))
        results = tuple(self._results(calls, replies, message))
        if results:
            base = replies[0] if replies else _made_after(message)
            yield replace(base, parts=results)

    def _call(self, call: ToolCall, message: Message, index: int) -> ToolCall:
        wanted = clean(call.id) or f"call_{message.id[-12:]}_{index}"
        name, count = wanted, 1
        while name in self._used:
            count += 1
            name = f"{wanted}#{count}"
        self._used.add(name)
        arguments = {clean(key): _clean_json(value) for key, value in call.arguments.items()}
        return replace(
            call, id=name, name=tool_name(call.name), arguments=arguments, raw=clean(call.raw)
        )

    def _results(
        self, calls: Sequence[tuple[str, ToolCall]], replies: Sequence[Message], message: Message
    ) -> Iterator[ToolResult]:
        """Yield one result a call, in the order of the calls."""
        found: defaultdict[str, list[ToolResult]] = defaultdict(list)
        for reply in replies:
            for part in reply.parts:
                if isinstance(part, ToolResult):
                    found[part.call_id].append(part)
        names = [name for name, _ in calls]
        for place, (name, call) in enumerate(calls):
            given = found[name]
            last = name not in names[place + 1 :]
            if not given:
                self._note("adapted", "tool call", "it had no result", message)
                yield ToolResult(call.id, call.name, (Text(NOT_RUN),), is_error=True)
                continue
            result = given.pop() if last else given.pop(0)
            yield replace(result, call_id=call.id, name=call.name)
        for _ in (result for rest in found.values() for result in rest):
            self._note("dropped", "tool result", "no call asked for it", message)


def _made_after(message: Message) -> Message:
    return Message(role="tool", parts=(), id=f"{message.id}-results", at=message.at)


def _clean_json(value: JSON, depth: int = 0) -> JSON:
    if depth > _DEEPEST:
        return "[nested too deeply]"
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_clean_json(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {clean(key): _clean_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no such number, though Python reads one
    return value

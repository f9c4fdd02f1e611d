"""Makes a history well formed for any model: every call answered once, every id unique.

Nothing here depends on the model. What is made of a message depends only on messages before it
and on the tool results directly after it, so a longer history begins like the shorter one. What
needs no repair comes out as the same object: that is most of any history.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from flux_tui.core.messages import Message, Part, StopReason, Text, ToolCall, ToolResult
from flux_tui.core.report import Action, ReportItem, Subject
from flux_tui.core.usage import JSON

BROKEN: frozenset[StopReason] = frozenset({"aborted", "interrupted", "error", "refusal"})
"""The ways an answer ends before it was whole."""

NOT_RUN = "Interrupted: this tool call was not run."
EMPTY = "[empty message]"
DECLINED = "[The model declined to answer.]"

_DEEPEST = 64  # levels of arguments; deeper ones come from no sane model and exhaust the stack
_LONGEST_NAME = 64
# UTF-8 or a vendor's database refuses them; two halves that belong together are a character.
_UNSENDABLE = re.compile("(?P<pair>[\ud800-\udbff][\udc00-\udfff])|[\x00\ud800-\udfff]")
_STRANGE = re.compile("[^a-zA-Z0-9_-]")
_NAME = re.compile("[a-zA-Z_][a-zA-Z0-9_-]{0,63}")


def clean(text: str) -> str:
    """Return *text* with NUL and lone surrogates as U+FFFD, and pairs of them as one character."""
    if (
        text.isascii() and "\0" not in text
    ):  # so it nearly always is, and this is faster than the search
        return text
    return _UNSENDABLE.sub(_sendable, text) if _UNSENDABLE.search(text) else text


def _sendable(found: re.Match[str]) -> str:
    pair = found["pair"]
    return pair.encode("utf-16", "surrogatepass").decode("utf-16") if pair else "\ufffd"


def blank(text: str) -> bool:
    """Whether *text* holds nothing to read; vendors refuse it as a message."""
    return not text or text.isspace()


def tool_name(name: str) -> str:
    """Return *name* as every vendor accepts it.

    At most 64 letters, digits, ``_`` and ``-``, the first no digit and no ``-``. A name that is
    too long ends in a hash of the whole, because a plain cut makes different names equal.
    """
    if _NAME.fullmatch(name):
        return name
    fitting = _STRANGE.sub("_", name) or "unnamed"
    if not _NAME.match(fitting):
        fitting = f"_{fitting}"
    if len(fitting) <= _LONGEST_NAME:
        return fitting
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{fitting[: _LONGEST_NAME - 9]}_{digest}"


def with_parts(message: Message, parts: tuple[Part, ...]) -> Message:
    """Return *message* holding *parts*; the very same object if it holds just these."""
    if parts == message.parts:
        return message
    # Written out, because `replace` takes twice as long and this is most of a conversion.
    return Message(
        role=message.role,
        parts=parts,
        id=message.id,
        parent=message.parent,
        at=message.at,
        model=message.model,
        usage=message.usage,
        cost=message.cost,
        stop=message.stop,
        error=message.error,
        timing=message.timing,
        metadata=message.metadata,
    )


def clean_text(part: Text) -> Text:
    """Return *part* with text that can be sent; the same object if it can be already."""
    text = clean(part.text)
    return part if text is part.text else Text(text, part.metadata)


class Repair:
    """One pass over a history; `items` collects what was changed."""

    def __init__(self) -> None:
        self.items: list[ReportItem] = []
        self._used: set[str] = set()
        self._repeats: dict[str, int] = {}  # some servers begin anew with call_0 in each answer

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
        parts: list[Part] = []
        for part in message.parts:
            if isinstance(part, Text):
                if not blank(part.text):
                    parts.append(clean_text(part))
            elif not isinstance(part, (ToolCall, ToolResult)):
                parts.append(part)
        # An empty turn must still be a turn, or the history would end with the model speaking.
        return with_parts(message, tuple(parts) or (Text(EMPTY),))

    def _answer(self, message: Message, replies: Sequence[Message]) -> Iterator[Message]:
        calls: list[tuple[str, ToolCall]] = []
        parts: list[Part] = []
        declined = message.stop == "refusal"
        for index, part in enumerate(self._declined(message) if declined else message.parts):
            if isinstance(part, ToolCall):
                if part.error and message.stop in BROKEN:
                    self._note("dropped", "tool call", "the answer broke off inside it", message)
                    continue
                call = self._call(part, message, index)
                calls.append((part.id, call))
                parts.append(call)
            elif not isinstance(part, Text):
                parts.append(part)
            elif not blank(part.text):
                parts.append(clean_text(part))
            elif part.metadata is not None:
                parts.append(part)  # it may carry a signature; whether that matters, the model says
        yield with_parts(message, tuple(parts))
        results = tuple(self._results(calls, replies, message)) if calls or replies else ()
        if results:
            yield with_parts(replies[0] if replies else _made_after(message), results)

    def _declined(self, message: Message) -> tuple[Part, ...]:
        """What goes on of an answer that was refused: the refusal, never what it cut off.

        A filter that stopped at these words once would stop at them again.
        """
        said = tuple(
            part
            for part in message.parts
            if isinstance(part, Text) and part.metadata and part.metadata.data.get("refusal")
        )
        said = said or (Text(DECLINED),)
        if any(part not in said for part in message.parts):
            reason = "the model declined; its unfinished answer is not sent"
            self._note("dropped", "answer", reason, message)
        return said

    def _call(self, call: ToolCall, message: Message, index: int) -> ToolCall:
        wanted = clean(call.id) or f"call_{message.id[-12:]}_{index}"
        unique, count = wanted, self._repeats.get(wanted, 1)
        while unique in self._used:
            count += 1
            unique = f"{wanted}#{count}"
        self._repeats[wanted] = count
        self._used.add(unique)
        arguments = _clean_arguments(call.arguments)
        name, raw = tool_name(call.name), clean(call.raw)
        if (
            unique == call.id
            and name == call.name
            and raw == call.raw
            and arguments is call.arguments
        ):
            return call
        return replace(call, id=unique, name=name, arguments=arguments, raw=raw)

    def _results(
        self, calls: Sequence[tuple[str, ToolCall]], replies: Sequence[Message], message: Message
    ) -> Iterator[ToolResult]:
        """Yield one result a call, in the order of the calls."""
        results = [part for reply in replies for part in reply.parts if type(part) is ToolResult]
        ids = [call_id for call_id, _ in calls]
        if ids == [result.call_id for result in results] and len(set(ids)) == len(ids):
            for (_, call), result in zip(calls, results, strict=True):  # nearly always
                yield _answering(result, call)
            return
        found: defaultdict[str, list[ToolResult]] = defaultdict(list)
        for result in results:
            found[result.call_id].append(result)
        asked = Counter(ids)
        for call_id, call in calls:
            given = found[call_id]
            asked[call_id] -= 1
            if given:
                yield _answering(given.pop(0) if asked[call_id] else given.pop(), call)
            else:
                self._note("adapted", "tool call", "it had no result", message)
                yield ToolResult(call.id, call.name, (Text(NOT_RUN),), is_error=True)
        for _ in (result for rest in found.values() for result in rest):
            self._note("dropped", "tool result", "no call asked for it", message)


def _answering(result: ToolResult, call: ToolCall) -> ToolResult:
    if result.call_id == call.id and result.name == call.name:
        return result
    return replace(result, call_id=call.id, name=call.name)


def _made_after(message: Message) -> Message:
    return Message(role="tool", parts=(), id=f"{message.id}-results", at=message.at)


def _clean_arguments(arguments: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """Return *arguments* as JSON can say them; the same object if it can already."""
    for key, value in arguments.items():
        kind = type(value)
        flat = (kind is str and clean(value) is value) or kind is int or kind is bool  # type: ignore[arg-type]
        if not flat or clean(key) is not key:
            return {clean(key): _clean_json(value) for key, value in arguments.items()}
    return arguments


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

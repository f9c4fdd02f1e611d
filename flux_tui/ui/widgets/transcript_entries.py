"""The entries of a transcript: messages, the reply in flight, dividers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from textual.content import Content

from flux_tui.core.events import (
    OpaqueItem,
    RetryScheduled,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from flux_tui.core.messages import Message, Text, Thinking, ToolCall, ToolResult
from flux_tui.core.models import ModelRef
from flux_tui.ui.render.labels import (
    assemble,
    footer,
    model_name,
    one_line,
    plain,
    seconds,
    speaker,
)
from flux_tui.ui.render.markdown import wrap
from flux_tui.ui.widgets.transcript_sections import (
    CallSection,
    NoteSection,
    Row,
    Section,
    TextSection,
    ThinkingSection,
    arguments_line,
    section_of,
)

DividerKind: TypeAlias = Literal["switch", "notice", "error"]
Role: TypeAlias = Literal["user", "assistant", "divider"]

_BLANK = Row(Content(""))


class Entry:
    """Something with rows. Rows are kept for one width until `changed` is called."""

    role: Role = "divider"

    def __init__(self, entry_id: str) -> None:
        self.id = entry_id
        self.version = 0
        self._rows: list[Row] = []
        self._width = 0

    def rows(self, width: int) -> list[Row]:
        """Return the lines at *width* cells, a blank one first."""
        if width != self._width:
            # Rows that look the same stay the same objects: the view repaints only new ones.
            self._rows = kept_rows(self._rows, [_BLANK, *self._build(width)])
            self._width = width
        return self._rows

    def changed(self) -> None:
        """Forget the rows: they are built anew when asked for."""
        self.version += 1
        self._width = 0

    def forget(self) -> None:
        """Free the rows of an entry that is out of sight."""
        self._rows, self._width = [], 0

    def estimate(self, width: int) -> int:
        """Guess how many rows there are without building them."""
        return len(self.rows(width))

    def source(self) -> str:
        """Return the text as it was written."""
        return ""

    def toggle(self, target: str) -> bool:
        """Fold or unfold what *target* names; say whether there was such a thing."""
        del target
        return False

    def _build(self, width: int) -> list[Row]:
        raise NotImplementedError


class Divider(Entry):
    """A line between messages: a change of model, a notice, an error."""

    def __init__(self, entry_id: str, text: str, kind: DividerKind) -> None:
        super().__init__(entry_id)
        self.text, self.kind = text, kind

    def source(self) -> str:
        """Return the divider's text."""
        return self.text

    def _build(self, width: int) -> list[Row]:
        if self.kind == "error":
            lines = wrap(plain(f"✗ {self.text}", ".transcript--error"), width)
        elif self.kind == "notice":
            lines = wrap(plain(f"• {self.text}", ".transcript--notice"), width)
        else:
            lines = self._rule(width)
        return [Row(line) for line in lines]

    def _rule(self, width: int) -> list[Content]:
        text = " ".join(self.text.split()).strip("─ ")
        words = plain(text, ".transcript--switch")
        if words.cell_length + 8 > width:
            return wrap(plain("⇄ ", ".transcript--switch") + words, width)
        rest = "─" * (width - words.cell_length - 4)
        return [
            assemble(("── ", ".transcript--rule")) + words + plain(f" {rest}", ".transcript--rule")
        ]


class Finished(Entry):
    """A message that will not change. Its sections are made when it comes into sight."""

    def __init__(self, message: Message, results: Mapping[str, ToolResult]) -> None:
        super().__init__(message.id)
        self.message = message
        self.role = "user" if message.role == "user" else "assistant"
        self._results = results
        self._opened: set[str] = set()

    def estimate(self, width: int) -> int:
        """Guess by the length of the text."""
        rows = 3
        for part in self.message.parts:
            if isinstance(part, Text):
                rows += part.text.count("\n") + len(part.text) // width + 1
            else:
                rows += 1
        return rows

    def source(self) -> str:
        """Return the Markdown of the message."""
        return self.message.text

    def toggle(self, target: str) -> bool:
        """Open or close a piece of reasoning."""
        known = any(
            isinstance(part, Thinking) and target == f"thinking:{number}"
            for number, part in enumerate(self.message.parts)
        )
        if known:
            self._opened ^= {target}
            self.changed()
        return known

    def _build(self, width: int) -> list[Row]:
        message = self.message
        if message.role == "user":
            rows = [Row(speaker("You", "user"))]
        else:
            rows = [
                Row(speaker(model_name(message.model)[0], "model", model_name(message.model)[1]))
            ]
        rows += section_rows(self._sections(), width)
        end = footer(message) if message.role == "assistant" else Content("")
        if message.error:
            rows += [
                Row(line) for line in wrap(plain(f"✗ {message.error}", ".transcript--error"), width)
            ]
        if end:
            rows += [Row(line) for line in wrap(end, width)]
        return clipped(rows, width)

    def _sections(self) -> list[Section]:
        sections: list[Section] = []
        for number, part in enumerate(self.message.parts):
            if self.role == "user" and isinstance(part, Text):
                sections.append(NoteSection(part.text.strip("\n"), "text"))
                continue
            result = self._results.get(part.id) if isinstance(part, ToolCall) else None
            section = section_of(part, number, result)
            if isinstance(section, ThinkingSection):
                section.open = section.target in self._opened
            if section is not None:
                sections.append(section)
        return sections


class Live(Entry):
    """A reply in flight."""

    role: Role = "assistant"

    def __init__(
        self, message_id: str, model: ModelRef, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(message_id)
        self._model = model
        self._clock = clock
        self._sections: dict[tuple[int, str], Section] = {}
        self._source: list[str] = []
        self._thinking_since = 0.0
        self._retry = ""

    @property
    def spent(self) -> dict[str, float]:
        """Seconds of each piece of reasoning."""
        thoughts = [part for part in self._sections.values() if isinstance(part, ThinkingSection)]
        return {thought.target: thought.spent for thought in thoughts}

    def source(self) -> str:
        """Return the Markdown so far."""
        return "".join(self._source)

    def feed(self, event: StreamEvent) -> None:
        """Take one event of the stream."""
        self._retry = ""
        match event:
            case TextDelta():
                self._end_thinking()
                section = self._sections.setdefault((event.index, "text"), TextSection())
                if isinstance(section, TextSection):
                    section.feed(event.text)
                self._source.append(event.text)
            case ThinkingDelta():
                self._think(event)
            case ToolCallDelta():
                self._end_thinking()
                self._call(event)
            case OpaqueItem():
                note = NoteSection(f"· {one_line(event.note or event.kind, 100)}")
                self._sections[event.index, "opaque"] = note
            case RetryScheduled():
                self._retry = (
                    f"{one_line(event.reason, 100)} · trying again in {seconds(event.seconds)}"
                    f" ({event.attempt} of {event.attempts})"
                )
            case _:
                pass  # usage and the end come with the committed message
        self.changed()

    def finish(self) -> None:
        """Close every open block: no more will come."""
        self._end_thinking()
        for section in self._sections.values():
            if isinstance(section, TextSection):
                section.finish()
        self.changed()

    def toggle(self, target: str) -> bool:
        """Open or close a piece of reasoning."""
        for section in self._sections.values():
            if isinstance(section, ThinkingSection) and section.target == target:
                section.open = not section.open
                self.changed()
                return True
        return False

    def _think(self, event: ThinkingDelta) -> None:
        key = (event.index, "thinking")
        section = self._sections.get(key)
        if not isinstance(section, ThinkingSection):
            self._thinking_since = self._clock()
            section = self._sections[key] = ThinkingSection(f"thinking:{event.index}")
        section.feed(event.text)

    def _end_thinking(self) -> None:
        for section in self._sections.values():
            if isinstance(section, ThinkingSection) and not section.finished:
                section.finished = True
                section.spent = self._clock() - self._thinking_since

    def _call(self, event: ToolCallDelta) -> None:
        key = (event.index, "call")
        section = self._sections.get(key)
        if not isinstance(section, CallSection):
            section = self._sections[key] = CallSection("", "")
        section.id = event.id or section.id
        section.name = event.name or section.name
        section.pieces.append(event.json)

    def _build(self, width: int) -> list[Row]:
        name, provider = model_name(self._model)
        sections = [self._sections[key] for key in sorted(self._sections)]
        rows = [Row(speaker(name, "model", provider)), *section_rows(sections, width)]
        if self._retry:
            rows += [
                Row(line) for line in wrap(plain(f"↻ {self._retry}", ".transcript--warning"), width)
            ]
        elif not sections:
            rows.append(Row(plain("…", ".transcript--quiet")))
        return clipped(rows, width)


class Answered(Finished):
    """A committed reply whose tool calls may still be running."""

    def __init__(
        self, message: Message, results: Mapping[str, ToolResult], spent: Mapping[str, float]
    ) -> None:
        super().__init__(message, results)
        self.calls = {
            call.id: CallSection(call.id, call.name, arguments_line(call), "running")
            for call in message.tool_calls
        }
        self._spent = spent

    def _sections(self) -> list[Section]:
        sections: list[Section] = []
        for section in super()._sections():
            if isinstance(section, CallSection):
                sections.append(self.calls.get(section.id, section))
                continue
            if isinstance(section, ThinkingSection):
                section.spent = self._spent.get(section.target, 0.0)
            sections.append(section)
        return sections


def kept_rows(before: list[Row], now: list[Row]) -> list[Row]:
    """Return *now*, with the row from *before* wherever both look the same."""
    kept = [
        old
        if old is new or (old.target == new.target and old.content.is_same(new.content))
        else new
        for old, new in zip(before, now, strict=False)
    ]
    return [*kept, *now[len(kept) :]]


def clipped(rows: list[Row], width: int) -> list[Row]:
    """Return *rows* no wider than *width*; a row that fits stays the same object."""
    return [
        row if row.content.cell_length <= width else Row(row.content.truncate(width), row.target)
        for row in rows
    ]


def section_rows(sections: list[Section], width: int) -> list[Row]:
    """Return the rows of *sections*, prose set apart by blank rows, chips close together."""
    rows: list[Row] = []
    before: Section | None = None
    for section in sections:
        added = section.rows(width)
        if not added:
            continue
        prose = isinstance(section, TextSection) or isinstance(before, TextSection)
        if before is not None and prose:
            rows.append(_BLANK)
        rows += added
        before = section
    return rows

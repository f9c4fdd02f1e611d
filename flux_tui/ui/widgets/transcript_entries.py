"""The entries of a transcript: messages, the reply in flight, dividers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
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
from flux_tui.core.messages import Message, Text, ToolCall, ToolResult
from flux_tui.core.models import ModelRef
from flux_tui.core.sources import sources, sources_text
from flux_tui.ui.render.labels import count, footer, model_name, one_line, plain, seconds, speaker
from flux_tui.ui.render.rows import Row
from flux_tui.ui.render.wrapping import PROSE, fit, wrap, wrap_facts
from flux_tui.ui.widgets.transcript_layout import Layout
from flux_tui.ui.widgets.transcript_pieces import (
    Lines,
    Piece,
    PieceKind,
    SourcesPiece,
    shortened,
)
from flux_tui.ui.widgets.transcript_sections import (
    CallSection,
    CallState,
    NoteSection,
    Section,
    TextSection,
    ThinkingSection,
    section_of,
)

Role: TypeAlias = Literal["user", "assistant", "divider"]

FOLD = "fold"
"""The target of a message's first line."""

_NO_TEXTS: Mapping[str, TextSection] = {}
_NOT_MEASURED: Mapping[str, float] = {}


class Entry:
    """Something with rows, in pieces.

    Ten thousand are made at once when a session is opened, and few of them are ever seen: they
    are small, and get what is needed for showing them when they are shown.
    """

    __slots__ = ("_layout", "_opened", "_stale", "folded", "id")

    role: Role = "divider"

    def __init__(self, entry_id: str) -> None:
        self.id = entry_id
        self._layout: Layout | None = None
        self.folded = False
        self._stale = True
        self._opened: frozenset[str] = frozenset()

    @property
    def layout(self) -> Layout:
        """The pieces and their heights, as they were last laid out."""
        if self._layout is None:
            self._layout = Layout()
        return self._layout

    @property
    def laid_out(self) -> bool:
        """Whether there are pieces."""
        return self._layout is not None and bool(self._layout.width)

    def lay_out(self, width: int) -> Layout:
        """Bring pieces and heights up to date for *width* cells."""
        if self._stale or width != self.layout.width:
            pieces = self._make()
            self.layout.update(pieces if self._whole else shortened(pieces, self._opened), width)
            self._stale = False
        return self.layout

    def changed(self) -> None:
        """Something about the entry is not as it was."""
        self._stale = True

    def forget(self) -> None:
        """Free the pieces of an entry that is out of sight."""
        self.layout.release()
        self._stale = True

    def estimate(self, width: int) -> int:
        """Guess how many rows there are without building them."""
        return self.lay_out(width).heights.total

    def source(self) -> str:
        """Return the text as it was written."""
        return ""

    def may_have(self, kind: PieceKind) -> bool:
        """Whether a piece of *kind* is likely: told without building any."""
        del kind
        return True

    def advance(self) -> bool:
        """Do some more of what is too much for one turn; say whether anything changed."""
        return False

    def toggle(self, target: str) -> bool:
        """Fold or unfold what *target* names; say whether there was such a thing."""
        if target == FOLD:
            self.folded = not self.folded
        elif target.startswith("more:"):
            self._opened = self._opened ^ {target}
        else:
            return False
        self.changed()
        return True

    @property
    def _whole(self) -> bool:
        """Whether giants are shown in full."""
        return False

    def _make(self) -> list[Piece]:
        raise NotImplementedError


class Speaking(Entry):
    """An entry with somebody who speaks, and what is said."""

    __slots__ = ("_own_head", "private")

    def __init__(self, entry_id: str) -> None:
        super().__init__(entry_id)
        self._own_head: Lines | None = None
        self.private = False

    @property
    def _head(self) -> Lines:
        if self._own_head is None:
            self._own_head = Lines("head", self._speaker, target=FOLD, gap=True)
        return self._own_head

    def toggle(self, target: str) -> bool:
        """Fold or unfold the message, its reasoning or a giant in it."""
        known = super().toggle(target)
        self._head.changed()
        return known

    def keep_private(self, private: bool) -> bool:
        """Say beside the name whether the turn stays here; whether that is new."""
        if private == self.private:
            return False
        self.private = private
        self._head.changed()
        self.changed()
        return True

    def _who(self) -> Content:
        """Return who speaks."""
        raise NotImplementedError

    def _speaker(self, width: int) -> list[Row]:
        words = self._who()
        if self.private:
            words += plain("  ⊘ private", ".transcript--warning")
        if self.folded:
            text = self.source()
            lines = f"  ▸ {count(text.count(chr(10)) + 1)} lines folded · " if text else "  ▸ "
            words += plain(lines + one_line(text, 60), ".transcript--quiet")
        return [Row(fit(words, width), FOLD)]

    def _joined(self, sections: Sequence[Section], after: list[Piece]) -> list[Piece]:
        """Return all pieces: prose set apart by blank rows, chips close together."""
        if self.folded:
            return [self._head]
        pieces: list[Piece] = [self._head]
        before: Section | None = None
        for section in sections:
            added = section.pieces()
            if not added:
                continue
            added[0].gap = before is not None and (section.prose or before.prose)
            pieces += added
            before = section
        return pieces + after


class Finished(Speaking):
    """A message that will not change. Its pieces are made when it comes into sight."""

    __slots__ = ("_after", "_results", "_sections", "_spent", "_texts", "message", "role")

    def __init__(
        self, message: Message, results: Mapping[str, ToolResult], before: Live | None = None
    ) -> None:
        super().__init__(message.id)
        self.message = message
        self.role = "user" if message.role == "user" else "assistant"
        self._results = results
        self._texts: Mapping[str, TextSection] = before.texts if before else _NO_TEXTS
        self._spent: Mapping[str, float] = before.spent if before else _NOT_MEASURED
        self._sections: list[Section] | None = None
        self._after: list[Piece] | None = None
        if before:
            self.folded = before.folded
            self._opened = self._opened | before.opened

    def estimate(self, width: int) -> int:
        """Guess by the length of the text."""
        if self.folded:
            return 2
        rows = 3
        for part in self.message.parts:
            if isinstance(part, Text):
                rows += part.text.count("\n") + len(part.text) // min(width, PROSE) + 1
            else:
                rows += 1
        return rows

    def source(self) -> str:
        """Return the Markdown of the message."""
        return "\n\n".join(filter(None, (self.message.text, sources_text(self.message))))

    def may_have(self, kind: PieceKind) -> bool:
        """Look into the message."""
        match kind:
            case "code":
                text = self.source()
                return "```" in text or "~~~" in text
            case "table":
                return "|" in self.source()
            case "error":
                return bool(self.message.error) or bool(self.message.tool_calls)
            case _:
                return True

    def advance(self) -> bool:
        """Split a giant text."""
        for section in self._sections or ():
            if isinstance(section, TextSection) and section.waiting:
                section.advance()
                self.changed()
                return True
        return False

    def toggle(self, target: str) -> bool:
        """Fold or unfold the message, its reasoning or a giant in it."""
        for section in self._sections or ():
            if isinstance(section, ThinkingSection) and section.target == target:
                self._opened = self._opened ^ {target}
                section.open = not section.open
                self.changed()
                return True
        return super().toggle(target)

    def change_call(
        self, call_id: str, state: CallState | None, result: ToolResult | None, output: int
    ) -> bool:
        """Take the news of a running call; say whether it is one of this message."""
        for section in self._all_sections():
            if isinstance(section, CallSection) and section.id == call_id:
                section.change(state, result, output)
                self.changed()
                return True
        return False

    def forget(self) -> None:
        """Free the pieces; a call that still runs keeps its state."""
        super().forget()
        running = {"writing", "queued", "waiting", "running"}
        if not any(
            isinstance(section, CallSection) and section.state in running
            for section in self._sections or ()
        ):
            self._sections = self._after = self._own_head = None
            self._texts = _NO_TEXTS

    def _who(self) -> Content:
        if self.role == "user":
            return speaker("You", "user")
        name, provider = model_name(self.message.model)
        return speaker(name, "model", provider)

    def _make(self) -> list[Piece]:
        if self._after is None:
            self._after = self._ending()
        return self._joined(self._all_sections(), self._after)

    def _all_sections(self) -> list[Section]:
        if self._sections is None:
            self._sections = self._built()
            self._texts = _NO_TEXTS
        return self._sections

    def _text(self, text: str) -> TextSection:
        # What streamed in is there already, rendered; nothing moves when the reply is over.
        return self._texts.get(text) or TextSection(text, finished=True)

    def _built(self) -> list[Section]:
        sections: list[Section] = []
        thoughts = 0
        for part in self.message.parts:
            if self.role == "user" and isinstance(part, Text):
                sections.append(NoteSection(part.text.strip("\n"), "text", prose=True))
                continue
            result = self._results.get(part.id) if isinstance(part, ToolCall) else None
            section = section_of(part, thoughts, result, self._text)
            if isinstance(section, ThinkingSection):
                thoughts += 1
                section.open = section.target in self._opened
                section.spent = self._spent.get(section.target, section.spent)
            if section is not None:
                sections.append(section)
        return sections

    def _ending(self) -> list[Piece]:
        message = self.message
        pieces: list[Piece] = []
        if cited := sources(message):
            pieces.append(SourcesPiece(cited, sources_text(message)))
        if message.error:
            words = plain(f"✗ {message.error}", ".transcript--error")
            error = message.error
            pieces.append(Lines("error", lambda width: wrap(words, min(width, PROSE)), error))
        if message.role == "assistant" and footer(message):
            pieces.append(Lines("note", lambda width: wrap_facts(footer(message), width)))
        return pieces


class Running(Finished):
    """A committed reply whose tool calls may still be running."""

    def _built(self) -> list[Section]:
        sections = super()._built()
        for section in sections:
            if isinstance(section, CallSection) and section.result is None:
                section.state = "queued"  # until it is taken up: others may have to be asked for
        return sections


class Live(Speaking):
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
        self._finished = False
        self._waiting = Lines("note", self._waiting_rows)
        self._retrying = Lines("note", self._retry_rows)

    @property
    def empty(self) -> bool:
        """Whether nothing of the answer is there yet."""
        return not self._sections

    @property
    def spent(self) -> dict[str, float]:
        """Seconds of each piece of reasoning."""
        thoughts = [part for part in self._sections.values() if isinstance(part, ThinkingSection)]
        return {thought.target: thought.spent for thought in thoughts}

    @property
    def opened(self) -> frozenset[str]:
        """The pieces of reasoning that are unfolded."""
        thoughts = [part for part in self._sections.values() if isinstance(part, ThinkingSection)]
        return frozenset(thought.target for thought in thoughts if thought.open)

    @property
    def texts(self) -> dict[str, TextSection]:
        """The prose so far, by its source."""
        texts = [part for part in self._sections.values() if isinstance(part, TextSection)]
        return {text.source: text for text in texts}

    def source(self) -> str:
        """Return the Markdown so far."""
        return "".join(self._source)

    def feed(self, event: StreamEvent) -> None:
        """Take one event of the stream."""
        self._retry = ""
        match event:
            case TextDelta():
                self._end_thinking()
                self._say(event)
            case ThinkingDelta():
                self._think(event)
            case ToolCallDelta():
                self._end_thinking()
                self._call(event)
            case OpaqueItem():
                note = NoteSection(f"· {one_line(event.note or event.kind, 100)}")
                self._sections[event.index, "opaque"] = note
            case RetryScheduled():
                when = f"in {seconds(event.seconds)}" if event.seconds >= 0.05 else "now"
                self._retry = (
                    f"{one_line(event.reason, 100)} · trying again {when}"
                    f" ({event.attempt} of {event.attempts})"
                )
                self._retrying.changed()
            case _:
                pass  # usage and the end come with the committed message
        self.changed()

    def finish(self) -> None:
        """Close every open block: no more will come."""
        self._finished, self._retry = True, ""
        self._waiting.changed()
        self._end_thinking()
        for section in self._sections.values():
            if isinstance(section, TextSection):
                section.finish()
        self.changed()

    def toggle(self, target: str) -> bool:
        """Fold or unfold the reply or a piece of reasoning."""
        for section in self._sections.values():
            if isinstance(section, ThinkingSection) and section.target == target:
                section.open = not section.open
                self.changed()
                return True
        return super().toggle(target)

    @property
    def _whole(self) -> bool:
        return True

    def _who(self) -> Content:
        name, provider = model_name(self._model)
        return speaker(name, "model", provider)

    def _say(self, event: TextDelta) -> None:
        key = (event.index, "text")
        section = self._sections.get(key)
        if not isinstance(section, TextSection):
            section = self._sections[key] = TextSection()
        section.feed(event.text)
        self._source.append(event.text)

    def _think(self, event: ThinkingDelta) -> None:
        key = (event.index, "thinking")
        section = self._sections.get(key)
        if not isinstance(section, ThinkingSection):
            self._thinking_since = self._clock()
            number = sum(kind == "thinking" for _, kind in self._sections)
            section = self._sections[key] = ThinkingSection(f"thinking:{number}")
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
            section = self._sections[key] = CallSection(event.id or "", event.name or "")
        section.write(event.id or "", event.name or "", event.json)

    def _waiting_rows(self, _: int) -> list[Row]:
        words = "nothing arrived" if self._finished else "…"
        return [Row(plain(words, ".transcript--quiet"))]

    def _retry_rows(self, width: int) -> list[Row]:
        return wrap(plain(f"↻ {self._retry}", ".transcript--warning"), min(width, PROSE))

    def _make(self) -> list[Piece]:
        sections = [self._sections[key] for key in sorted(self._sections)]
        after: list[Piece] = []
        if self._retry:
            after = [self._retrying]
        elif not sections:
            after = [self._waiting]
        return self._joined(sections, after)

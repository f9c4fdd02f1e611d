"""The pieces of a message as rows: prose, thinking, tool calls, attachments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from rich.cells import cell_len
from textual.content import Content

from flux_tui.core.messages import (
    Document,
    Image,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from flux_tui.ui.render.blocks import BlockSplitter
from flux_tui.ui.render.labels import assemble, one_line, plain, seconds, size
from flux_tui.ui.render.markdown import render_block, wrap

TAIL_LINES = 40
RICH_CHARACTERS = 100_000
"""Prose beyond this is shown as it was written: the event loop must not wait for it."""

CallState: TypeAlias = Literal[
    "writing", "waiting", "running", "done", "failed", "denied", "cancelled"
]

_GLYPHS: dict[CallState, tuple[str, str, str]] = {
    "writing": ("…", "quiet", "being written"),
    "waiting": ("?", "warning", "asks for approval"),
    "running": ("▸", "tool", "running"),
    "done": ("✓", "success", ""),
    "failed": ("✗", "error", "failed"),
    "denied": ("⊘", "warning", "refused by you"),
    "cancelled": ("◌", "quiet", "cancelled"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line on the screen. A click on it or Enter acts on `target`, if it has one."""

    content: Content
    target: str = ""


class Section(Protocol):
    """A piece of a message."""

    def rows(self, width: int) -> list[Row]:
        """Return the lines at *width* cells."""
        ...


def quick_wrap(text: str, width: int) -> list[str]:
    """Return *text* cut at line ends and at *width* cells, without looking for words."""
    lines: list[str] = []
    for line in text.split("\n"):
        if line.isascii() or cell_len(line) <= width:
            lines.extend(line[at : at + width] for at in range(0, max(len(line), 1), width))
        else:
            half = max(width // 2, 1)  # no character is wider than two cells
            lines.extend(line[at : at + half] for at in range(0, len(line), half))
    return lines


class TextSection:
    """Prose: finished blocks rendered once per width, the open one plain."""

    def __init__(self, text: str = "", *, finished: bool = False) -> None:
        self._splitter = BlockSplitter()
        self._done: list[Row] = []
        self._width = 0
        self._rendered = 0
        self._characters = 0
        self.feed(text)
        if finished:
            self._splitter.finish()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        return not self._splitter.closed and not self._splitter.open.strip()

    def feed(self, text: str) -> None:
        """Take more text."""
        self._splitter.feed(text)

    def finish(self) -> None:
        """No more text comes."""
        self._splitter.finish()

    def rows(self, width: int) -> list[Row]:
        """Return the finished lines and the end of the open block."""
        if width != self._width:
            self._width, self._rendered, self._characters, self._done = width, 0, 0, []
        for block in self._splitter.closed[self._rendered :]:
            self._add(block, width)
        self._rendered = len(self._splitter.closed)
        tail = self._tail(width)
        return [*self._done, *self._parting(tail), *tail]

    def _parting(self, following: list[Row]) -> list[Row]:
        return [Row(Content(""))] if self._done and following else []

    def _add(self, block: str, width: int) -> None:
        self._characters += len(block)
        if self._characters > RICH_CHARACTERS:
            lines = [plain(line) for line in quick_wrap(block.rstrip("\n"), width)]
        else:
            lines = render_block(block, width)
        rows = [Row(line) for line in lines]
        self._done.extend(self._parting(rows))
        self._done.extend(rows)

    def _tail(self, width: int) -> list[Row]:
        source = self._splitter.open[-TAIL_LINES * width * 2 :]
        if not source.strip():
            return []
        lines = quick_wrap(plain(source.rstrip("\n")).plain, width)[-TAIL_LINES:]
        if self._splitter.in_fence:
            return [Row(plain(line, ".transcript--code")) for line in lines]
        wrapped = [
            row for line in source.strip("\n").split("\n") for row in wrap(plain(line), width)
        ]
        return [Row(line) for line in wrapped[-TAIL_LINES:]]


class ThinkingSection:
    """Reasoning: one line until it is opened."""

    def __init__(self, target: str, text: str = "", *, finished: bool = False) -> None:
        self.target = target
        self.open = False
        self.finished = finished
        self.spent = 0.0  # seconds, 0 if nobody measured
        self._pieces = [text]

    @property
    def text(self) -> str:
        """The reasoning as shown by the vendor."""
        return "".join(self._pieces)

    def feed(self, text: str) -> None:
        """Take more text."""
        self._pieces.append(text)

    def rows(self, width: int) -> list[Row]:
        """Return the summary line, and the text when open."""
        text = self.text.strip()
        if not text and self.finished and not self.spent:
            return []
        glyph = ("▾ " if self.open else "▸ ") if text else "· "
        words = self._words(len(text))
        head = Row(assemble((glyph + words, ".transcript--thinking")).truncate(width), self.target)
        if not self.open or not text:
            return [head]
        bar = plain("┆ ", ".transcript--rule")
        body = wrap(plain(text, ".transcript--thinking"), max(width - 2, 4))
        return [head, *(Row(bar + line) for line in body)]

    def _words(self, characters: int) -> str:
        if not self.finished:
            return f"thinking… {size(characters)}" if characters else "thinking…"
        length = f" for {seconds(self.spent)}" if self.spent >= 0.05 else ""
        return f"thought{length} · {size(characters)}" if characters else f"thought{length}"


@dataclass(slots=True)
class CallSection:
    """A tool call: one line with its state, its arguments and the size of its result."""

    id: str
    name: str
    arguments: str = ""
    state: CallState = "writing"
    result: ToolResult | None = None
    output: int = 0  # characters of running output
    pieces: list[str] = field(default_factory=list[str])

    def rows(self, width: int) -> list[Row]:
        """Return the one line."""
        glyph, style, words = _GLYPHS[self.state]
        facts = [words] if words else []
        if self.result is not None:
            facts.append(size(len(self.result.text)))
            if self.result.seconds >= 0.05:
                facts.append(seconds(self.result.seconds))
        elif self.output:
            facts.append(size(self.output))
        tail = " · ".join(facts)
        name = one_line(self.name, 40) or "tool"
        room = width - cell_len(name) - cell_len(tail) - 6
        shown = one_line(self.arguments or "".join(self.pieces), max(room, 0)) if room > 8 else ""
        line = assemble(
            (f"{glyph} ", f".transcript--{style}"),
            (name, ".transcript--tool"),
            (f" {shown}" if shown else "", ".transcript--quiet"),
            (f"  {tail}" if tail else "", f".transcript--{style if words else 'quiet'}"),
        )
        return [Row(line.truncate(width, ellipsis=True), f"call:{self.id}")]


class NoteSection:
    """Text in one style, shown as it is: an attachment, a vendor's own item, what the user said."""

    def __init__(self, text: str, style: str = "quiet") -> None:
        self._text = text
        self._style = f".transcript--{style}"

    def rows(self, width: int) -> list[Row]:
        """Return the text, wrapped; a huge one is cut without looking for words."""
        if len(self._text) > RICH_CHARACTERS:
            lines = quick_wrap(plain(self._text).plain, width)
            return [Row(plain(line, self._style)) for line in lines]
        return [Row(line) for line in wrap(plain(self._text, self._style), width)]


def arguments_line(call: ToolCall) -> str:
    """Return the arguments of a call in short: the values, with names when there are several."""
    if call.raw:
        return call.raw
    if len(call.arguments) == 1:
        return str(next(iter(call.arguments.values())))
    return " ".join(f"{name}={value}" for name, value in call.arguments.items())


def section_of(part: Part, number: int, result: ToolResult | None = None) -> Section | None:
    """Return the finished section of a message's part; None if there is nothing to see."""
    match part:
        case Text():
            return TextSection(part.text, finished=True) if part.text.strip() else None
        case Thinking():
            return ThinkingSection(f"thinking:{number}", part.text, finished=True)
        case ToolCall():
            state: CallState = "cancelled" if result is None else "done"
            if result is not None and result.is_error:
                state = "failed"
            return CallSection(part.id, part.name, arguments_line(part), state, result)
        case Image():
            pixels = f" {part.width}×{part.height}" if part.width else ""
            return NoteSection(f"▣ {one_line(part.name or 'image', 60)}{pixels}")
        case Document():
            return NoteSection(f"▤ {one_line(part.name or 'document', 60)}")
        case Opaque():
            return NoteSection(f"· {one_line(part.note or part.kind, 100)}")
        case ToolResult():
            return None

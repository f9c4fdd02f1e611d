"""The parts of a message as pieces: prose, thinking, tool calls, attachments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from rich.cells import cell_len

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
from flux_tui.ui.render.blocks import Block, BlockSplitter
from flux_tui.ui.render.labels import assemble, one_line, seconds, size
from flux_tui.ui.render.rows import Row
from flux_tui.ui.widgets.transcript_pieces import (
    BlockPiece,
    Fence,
    Lines,
    OpenPiece,
    Piece,
    chunks,
    raw_pieces,
)

GIANT = 200_000
"""Characters of a finished text that are split into blocks at once; more take several turns."""

TURN = 64_000
"""Characters that such a turn takes: some 5 ms."""

CallState: TypeAlias = Literal[
    "writing", "queued", "waiting", "running", "done", "failed", "denied", "cancelled"
]

_GLYPHS: dict[CallState, tuple[str, str, str]] = {
    "writing": ("…", "quiet", "being written"),
    "queued": ("·", "quiet", "waiting"),
    "waiting": ("?", "warning", "waiting for approval"),
    "running": ("▸", "tool", "running"),
    "done": ("✓", "success", ""),
    "failed": ("✗", "error", "failed"),
    "denied": ("⊘", "warning", "refused by you"),
    "cancelled": ("◌", "quiet", "cancelled"),
}


SHORTEST = 0.05
"""Seconds of thinking that are worth telling."""


class Section(Protocol):
    """A part of a message."""

    prose: bool
    """Whether an empty line sets it apart from its neighbours."""

    def pieces(self) -> list[Piece]:
        """Return what there is to see; pieces that did not change stay the same objects."""
        ...


class TextSection:
    """Prose: finished blocks rendered once per width, the open one while it is small."""

    prose = True

    def __init__(self, text: str = "", *, finished: bool = False) -> None:
        self._splitter = BlockSplitter()
        self._closed: list[Piece] = []
        self._taken = 0  # blocks that have become pieces
        self._open: OpenPiece | None = None
        self._fence: Fence | None = None
        self._waiting: list[Piece] = []  # text of a giant that is still to be split, as it is
        if finished and len(text) > GIANT:
            self._waiting = [
                piece for turn in chunks(text, TURN) for piece in raw_pieces(turn, "text")
            ]
            return
        self.feed(text)
        if finished:
            self.finish()

    @property
    def source(self) -> str:
        """The text so far."""
        return "".join((*(b.source for b in self._splitter.closed), self._splitter.open.source))

    @property
    def waiting(self) -> bool:
        """Whether `advance` has something to do."""
        return bool(self._waiting)

    def feed(self, text: str) -> None:
        """Take more text."""
        self._splitter.feed(text)

    def finish(self) -> None:
        """No more text comes."""
        self._splitter.finish()

    def advance(self) -> None:
        """Split some more of a giant into blocks."""
        taken = 0
        while self._waiting and taken < TURN:
            piece = self._waiting.pop(0)
            taken += len(piece.source)
            self._splitter.feed(piece.source)
        if not self._waiting:
            self.finish()

    def pieces(self) -> list[Piece]:
        """Return finished blocks, the open one, and what a giant has left."""
        for block in self._splitter.closed[self._taken :]:
            self._take(block)
        if self._taken < len(self._splitter.closed):
            self._taken = len(self._splitter.closed)
            self._open = None
        opened = self._splitter.open
        if not (opened.glued and opened.kind == "code"):
            self._end_fence()
        if opened.blank:
            return [*self._closed, *self._waiting]
        if self._open is None:
            self._open = OpenPiece(opened)
        self._open.grow(opened)
        self._open.gap = self._parted(opened)
        return [*self._closed, self._open, *self._waiting]

    def _take(self, block: Block) -> None:
        if block.blank and block.kind != "code":
            return
        if block.kind == "code":
            if not block.glued or self._fence is None:
                self._end_fence()
                self._fence = Fence()
        else:
            self._end_fence()
        piece = BlockPiece(block, self._fence)
        piece.gap = self._parted(block)
        self._closed.append(piece)

    def _end_fence(self) -> None:
        if self._fence:
            self._fence.closed, self._fence = True, None

    def _parted(self, block: Block) -> bool:
        return bool(self._closed) and not block.glued


class ThinkingSection:
    """Reasoning: one line until it is opened."""

    prose = False

    def __init__(self, target: str, text: str = "", *, finished: bool = False) -> None:
        self.target = target
        self.open = False
        self.finished = finished
        self.spent = 0.0  # seconds, 0 if nobody measured
        self._texts = [text]
        self._characters = len(text)
        self._head = Lines("thinking", self._line, target=target)
        self._body: list[Piece] = []
        self._shown: tuple[object, ...] = ()

    @property
    def text(self) -> str:
        """The reasoning as shown by the vendor."""
        return "".join(self._texts)

    def feed(self, text: str) -> None:
        """Take more text."""
        self._texts.append(text)
        self._characters += len(text)

    def pieces(self) -> list[Piece]:
        """Return the summary line, and the text when open."""
        visible = any(text.strip() for text in self._texts[:50])
        if not visible and self.finished and not self.spent:
            return []
        state = (self.open, self.finished, self.spent, self._characters)
        if state != self._shown:
            self._shown = state
            self._head.source = "" if self.open else self.text
            self._head.changed()
            self._body = self._reasoning() if self.open and visible else []
        return [self._head, *self._body]

    def _reasoning(self) -> list[Piece]:
        fresh = raw_pieces(
            self.text.strip(), "thinking", kind="thinking", bar="┆ ", target=self.target
        )
        for piece in fresh:
            piece.glued = True
        same = 0
        for old, new in zip(self._body, fresh, strict=False):
            if old.source != new.source:
                break
            same += 1
        return [*self._body[:same], *fresh[same:]]

    def _line(self, width: int) -> list[Row]:
        text = self._characters
        glyph = ("▾ " if self.open else "▸ ") if text else "· "
        words = assemble((glyph + self._words(text), ".transcript--thinking"))
        return [Row(words.truncate(width), self.target)]

    def _words(self, characters: int) -> str:
        if not self.finished:
            return f"thinking… {size(characters)}" if characters else "thinking…"
        length = f" for {seconds(self.spent)}" if self.spent >= SHORTEST else ""
        return f"thought{length} · {size(characters)}" if characters else f"thought{length}"


class CallSection:
    """A tool call: one line with its state, its arguments and the size of its result."""

    prose = False

    def __init__(
        self,
        call_id: str,
        name: str,
        arguments: str = "",
        state: CallState = "writing",
        result: ToolResult | None = None,
    ) -> None:
        self.id = call_id
        self.name = name
        self.arguments = arguments
        self.state: CallState = state
        self.result = result
        self.output = 0  # characters of running output
        self._piece = Lines("call", self._line, target=f"call:{call_id}")

    def write(self, call_id: str, name: str, json: str) -> None:
        """Take more of a call that is being written."""
        self.id = call_id or self.id
        self.name = name or self.name
        self.arguments = (self.arguments + json)[:2_000]
        self._piece.target = f"call:{self.id}"
        self._piece.changed()

    def change(self, state: CallState | None, result: ToolResult | None, output: int) -> None:
        """Take the news of a running call."""
        self.state = state or self.state
        self.result = result or self.result
        self.output += output
        self._piece.changed()

    def pieces(self) -> list[Piece]:
        """Return the one line."""
        failed = self.state in {"failed", "denied"}
        self._piece.kind = "error" if failed else "call"
        self._piece.source = f"{self.name} {self.arguments}"
        return [self._piece]

    def _line(self, width: int) -> list[Row]:
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
        shown = one_line(self.arguments, max(room, 0)) if room > 8 else ""
        line = assemble(
            (f"{glyph} ", f".transcript--{style}"),
            (name, ".transcript--tool"),
            (f" {shown}" if shown else "", ".transcript--quiet"),
            (f"  {tail}" if tail else "", f".transcript--{style if words else 'quiet'}"),
        )
        return [Row(line.truncate(width, ellipsis=True), f"call:{self.id}")]


class NoteSection:
    """Text in one style, shown as it is: an attachment, a vendor's own item, what the user said."""

    def __init__(self, text: str, style: str = "quiet", *, prose: bool = False) -> None:
        self.prose = prose
        self._pieces = raw_pieces(text, style, kind="prose" if prose else "note")

    def pieces(self) -> list[Piece]:
        """Return the text, a giant in windows."""
        return self._pieces


def arguments_line(call: ToolCall) -> str:
    """Return the arguments of a call in short: the values, with names when there are several."""
    if call.raw:
        return call.raw
    if len(call.arguments) == 1:
        return str(next(iter(call.arguments.values())))
    return " ".join(f"{name}={value}" for name, value in call.arguments.items())


def section_of(
    part: Part, number: int, result: ToolResult | None, text: Callable[[str], TextSection]
) -> Section | None:
    """Return the finished section of a message's part; None if there is nothing to see."""
    match part:
        case Text():
            return text(part.text) if part.text.strip() else None
        case Thinking():
            thought = ThinkingSection(f"thinking:{number}", part.text, finished=True)
            thought.spent = part.seconds or 0.0
            return thought
        case ToolCall():
            state: CallState = "cancelled" if result is None else result.state
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

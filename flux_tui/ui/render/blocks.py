"""Splits Markdown that is still coming in into blocks that will not change any more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

CODE_LINES = 100
TABLE_LINES = 24
LIST_CHARACTERS = 1_500
CHARACTERS = 8_000
LINE = 4_096
"""A longer line goes on in the next block: a megabyte without a line end is shown in windows."""

BlockKind: TypeAlias = Literal["prose", "code", "table"]

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_INDENTED = re.compile(r"[ \t]+\S")
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
_DELIMITERS = re.compile(r" {0,3}(?=[^\n]*\|)\|?[ \t:|-]*-[ \t:|-]*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of Markdown that can be rendered alone.

    Giants come as several blocks: one that is `glued` goes on where the one before it ended, and
    `head` repeats what it takes to understand it: the opening of a fence; the head of a table and
    a row of the longest cells so far, so that its columns stay where they were.
    """

    source: str
    kind: BlockKind = "prose"
    glued: bool = False
    head: str = ""

    @property
    def blank(self) -> bool:
        """Whether there is nothing to see."""
        return not self.source.strip()


class BlockSplitter:
    """Closes a block at a blank line outside a fence, or at the closing line of a fence.

    Blocks keep their source, blank lines included, so that joining `closed` and `open` gives
    back all that was fed. How the input was cut into chunks makes no difference. A line that is
    indented goes on with the block before it: lists keep their paragraphs together.
    """

    def __init__(self) -> None:
        self.closed: list[Block] = []
        self._lines: list[str] = []  # whole lines of the open block
        self._size = 0  # characters in them
        self._tail: list[str] = []  # pieces of the line without an end so far
        self._tail_size = 0
        self._fence = ""
        self._nested = False  # the fence stands within a list
        self._blank = False  # the open block ends with a blank line
        self._inside_line = False  # a long line was cut, and goes on
        self._kind: BlockKind = "prose"
        self._glued = False
        self._head = ""
        self._list = False

    @property
    def open(self) -> Block:
        """The block that may still change."""
        return self._block("".join((*self._lines, *self._tail)))

    def feed(self, text: str) -> int:
        """Take more text; return how many blocks it closed."""
        before = len(self.closed)
        *whole, rest = text.split("\n")
        for line in whole:
            self._tail.append(line)
            self._end_line("\n")
        if rest:
            self._tail.append(rest)
            self._tail_size += len(rest)
            if self._tail_size >= LINE:
                self._tail = [self._windows("".join(self._tail))]
                self._tail_size = len(self._tail[0])
            elif self._blank and not self._fence and not self._tail[0][0].isspace():
                self._close()
        return len(self.closed) - before

    def finish(self) -> int:
        """Close what is open, because no more will come; return how many blocks it closed."""
        before = len(self.closed)
        if self._tail:
            self._end_line("")
        self._close()
        return len(self.closed) - before

    def _end_line(self, end: str) -> None:
        line = "".join(self._tail)
        self._tail.clear()
        self._tail_size = 0
        if len(line) >= LINE:
            line = self._windows(line)
        self._take(line + end)
        self._inside_line = False

    def _windows(self, line: str) -> str:
        while len(line) >= LINE:
            at = LINE if self._fence else line.rfind(" ", 0, LINE) + 1
            at = at if at > LINE // 2 else LINE
            self._take(line[:at])
            self._inside_line = True
            line = line[at:]
        return line

    def _take(self, line: str) -> None:
        if self._inside_line:
            self._add(line)
        elif self._fence:
            self._add(line)
            self._end_fence(line)
        elif not line.strip():
            self._add(line)
            self._blank = True
        else:
            self._text(line)
        if self._full():
            self._break()

    def _text(self, line: str) -> None:
        inside = _INDENTED.match(line) is not None
        if self._blank and not inside:
            self._close()
        fence = _FENCE.match(line.rstrip("\n")) or _FENCE.match(line.strip())
        item = fence is None and _ITEM.match(line) is not None
        if fence and not inside:
            self._close()
            self._kind, self._head = "code", line
        elif item and self._list and self._size >= LIST_CHARACTERS:
            self._break()
        if not self._lines:
            self._list = item or (self._list and self._glued)
        elif len(self._lines) == 1 and not self._glued and self._begins_table(line):
            self._kind, self._head = "table", self._lines[0] + line
        if fence:
            self._fence = fence[1]
            self._nested = inside
        self._add(line)
        self._blank = False

    def _begins_table(self, line: str) -> bool:
        return "|" in self._lines[0] and _DELIMITERS.match(line.rstrip("\n")) is not None

    def _end_fence(self, line: str) -> None:
        bare = line.strip()
        if len(bare) < len(self._fence) or bare.strip(self._fence[0]):
            return
        self._fence = ""
        self._blank = False
        if not self._nested:
            self._close()

    def _add(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line)

    def _full(self) -> bool:
        most = {"code": CODE_LINES, "table": TABLE_LINES}.get(self._kind, CHARACTERS)
        return len(self._lines) >= most or self._size >= CHARACTERS

    def _break(self) -> None:
        """Close the block although it goes on: the next one is glued to it."""
        kind, head, listed = self._kind, self._head, self._list
        apart = self._blank and not self._fence
        if kind == "table" and not apart:
            head = _sized(head, self._lines)
        if self._fence and self._nested:
            # A giant fence within a list goes on as a fence of its own.
            kind, head, self._nested = "code", f"{self._fence}\n", False
        self._close()
        if not apart:
            self._kind, self._head, self._list, self._glued = kind, head, listed, True

    def _close(self) -> None:
        if self._lines:
            self.closed.append(self._block("".join(self._lines)))
        self._lines.clear()
        self._size = 0
        self._blank = False
        self._kind = "prose"
        self._glued = False
        self._head = ""
        self._list = False

    def _block(self, source: str) -> Block:
        return Block(source, self._kind, self._glued, self._head if self._glued else "")


def _sized(head: str, lines: list[str]) -> str:
    """Return the head of a table with one row below it: the longest cell of each column."""
    first, delimiters, *rest = head.splitlines()
    longest: list[str] = []
    for line in [*rest, *lines]:
        cells = _cells(line)
        longest += [""] * (len(cells) - len(longest))
        longest = [
            max(old, cells[at] if at < len(cells) else "", key=len)
            for at, old in enumerate(longest)
        ]
    return f"{first}\n{delimiters}\n|{'|'.join(longest)}|\n"


def _cells(line: str) -> list[str]:
    bare = line.strip().removeprefix("|").removesuffix("|")
    return [] if _DELIMITERS.match(line.strip()) else [cell.strip() for cell in bare.split("|")]


def split_blocks(text: str) -> list[Block]:
    """Return the blocks of a whole text; joined they are the text."""
    splitter = BlockSplitter()
    splitter.feed(text)
    splitter.finish()
    return splitter.closed

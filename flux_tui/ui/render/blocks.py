"""Splits Markdown that is still coming in into blocks that will not change any more."""

from __future__ import annotations

import re

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_INDENTED = re.compile(r"[ \t]+\S")


class BlockSplitter:
    """Closes a block at a blank line outside a fence, or at the closing line of a fence.

    Blocks keep their source, blank lines included, so that joining `closed` and `open` gives
    back all that was fed. How the input was cut into chunks makes no difference. A line that is
    indented goes on with the block before it: lists keep their paragraphs together.
    """

    def __init__(self) -> None:
        self.closed: list[str] = []
        self._lines: list[str] = []  # whole lines of the open block
        self._tail: list[str] = []  # pieces of the line without an end so far
        self._fence = ""
        self._blank = False  # the open block ends with a blank line
        self._nested = False  # the fence stands within a list

    @property
    def open(self) -> str:
        """The source of the block that may still change."""
        return "".join((*self._lines, *self._tail))

    @property
    def in_fence(self) -> bool:
        """Whether the open block is a fence that has not been closed."""
        return bool(self._fence)

    def feed(self, text: str) -> int:
        """Take more text; return how many blocks it closed."""
        before = len(self.closed)
        *whole, rest = text.split("\n")
        for line in whole:
            self._tail.append(line)
            complete = "".join(self._tail)
            self._tail.clear()
            self._take(complete + "\n")
        if rest:
            self._tail.append(rest)
            if self._blank and not self._fence and not self._tail[0][0].isspace():
                self._close()
        return len(self.closed) - before

    def finish(self) -> int:
        """Close what is open, because no more will come; return how many blocks it closed."""
        before = len(self.closed)
        if self._tail:
            complete = "".join(self._tail)
            self._tail.clear()
            self._take(complete)
        self._close()
        return len(self.closed) - before

    def _take(self, line: str) -> None:
        if self._fence:
            self._lines.append(line)
            self._end_fence(line)
            return
        if not line.strip():
            self._lines.append(line)
            self._blank = True
            return
        inside = _INDENTED.match(line) is not None
        if self._blank and not inside:
            self._close()
        fence = _FENCE.match(line.rstrip("\n")) or _FENCE.match(line.strip())
        if fence and not inside:
            self._close()
        if fence:
            self._fence = fence[1]
            self._nested = inside
        self._lines.append(line)
        self._blank = False

    def _end_fence(self, line: str) -> None:
        bare = line.strip()
        if len(bare) < len(self._fence) or bare.strip(self._fence[0]):
            return
        self._fence = ""
        self._blank = False
        if not self._nested:
            self._close()

    def _close(self) -> None:
        if self._lines:
            self.closed.append("".join(self._lines))
        self._lines.clear()
        self._blank = False


def split_blocks(text: str) -> list[str]:
    """Return the blocks of a whole text; joined they are the text."""
    splitter = BlockSplitter()
    splitter.feed(text)
    splitter.finish()
    return splitter.closed

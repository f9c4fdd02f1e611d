"""The pieces of a message that are built and measured one by one: no giant is laid out at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from textual.content import Content

from flux_tui.core.sources import Source
from flux_tui.ui.render.blocks import Block
from flux_tui.ui.render.code import (
    AT_ONCE,
    COLOURED,
    code_rows,
    colour,
    fence_parts,
    language_of,
    plain_code,
)
from flux_tui.ui.render.inline import address
from flux_tui.ui.render.labels import count, plain
from flux_tui.ui.render.markdown import raw_rows, render_block
from flux_tui.ui.render.rows import BLANK, Row, kept_rows
from flux_tui.ui.render.wrapping import PROSE, fit, wrap

CHUNK = 4_000
"""Characters of plain text that are wrapped together."""

OPEN_RICH = 2_500
"""Characters of an open block that are rendered with every frame; a longer one is shown raw."""

RUN = 20
"""Glued pieces beyond which the middle is left out until it is asked for."""

PieceKind: TypeAlias = Literal[
    "head", "prose", "code", "table", "thinking", "call", "error", "note"
]


class Piece:
    """Rows that are built together, kept for one width until `changed` is called.

    The height outlives the rows: they can be freed and built again.
    """

    def __init__(
        self,
        kind: PieceKind,
        source: str = "",
        *,
        target: str = "",
        gap: bool = False,
        glued: bool = False,
    ) -> None:
        self.kind: PieceKind = kind
        self.source = source
        self.target = target
        self.glued = glued
        self.height = 0
        self._gap = gap
        self._rows: list[Row] = []
        self._width = 0
        self._measured = 0  # the width that the height is known for

    @property
    def gap(self) -> bool:
        """Whether an empty row comes first."""
        return self._gap

    @gap.setter
    def gap(self, gap: bool) -> None:
        if gap != self._gap:
            self._gap = gap
            self.changed()

    @property
    def built(self) -> int:
        """How many rows are in memory."""
        return len(self._rows)

    def rows(self, width: int) -> list[Row]:
        """Return the lines at *width* cells."""
        if width != self._width:
            rows = [BLANK, *self._build(width)] if self._gap else self._build(width)
            # Rows that look the same stay the same objects: only new ones are painted.
            self._rows = kept_rows(self._rows, rows)
            self._width = self._measured = width
            self.height = len(rows)
        return self._rows

    def known(self, width: int) -> bool:
        """Whether `height` is exact for *width*."""
        return self._measured == width

    def recall(self, height: int, width: int) -> None:
        """Take a height that was measured before."""
        self.height, self._measured = height, width

    def guess(self, width: int) -> int:
        """Return about how many rows there are, without building them."""
        lines = self.source.count("\n") + 1
        return max(lines, len(self.source) // max(min(width, PROSE), 1)) + self._gap

    def changed(self) -> None:
        """Forget rows and height: they are built anew when asked for."""
        self._width = self._measured = 0

    def forget(self) -> None:
        """Free the rows of a piece that is out of sight."""
        self._rows, self._width = [], 0

    def job(self) -> Callable[[], Callable[[], None]] | None:
        """Return work for a thread; its result, called on the event loop, puts it in place."""
        return None

    def _build(self, width: int) -> list[Row]:
        raise NotImplementedError


class Lines(Piece):
    """A line or a few, made by a function of the width."""

    def __init__(
        self,
        kind: PieceKind,
        build: Callable[[int], list[Row]],
        source: str = "",
        *,
        target: str = "",
        gap: bool = False,
    ) -> None:
        super().__init__(kind, source, target=target, gap=gap)
        self._builder = build

    def guess(self, width: int) -> int:
        """Nearly always one line."""
        del width
        return 1 + self.gap

    def _build(self, width: int) -> list[Row]:
        return self._builder(width)


class Raw(Piece):
    """Plain text in one style, shown as it was written."""

    def __init__(
        self,
        text: str,
        style: str,
        *,
        kind: PieceKind = "prose",
        bar: str = "",
        target: str = "",
        glued: bool = False,
    ) -> None:
        super().__init__(kind, text, target=target, glued=glued)
        self._style = f".transcript--{style}"
        self._bar = plain(bar, ".transcript--rule")

    def _build(self, width: int) -> list[Row]:
        text = plain(self.source.removesuffix("\n"), self._style)
        bar, indent = self._bar, len(self._bar.plain)
        rows = wrap(text, min(max(width - indent, 4), PROSE))
        if not indent:
            return rows
        return [Row(fit(bar + row.content, width), self.target, indent, row.join) for row in rows]


class SourcesPiece(Piece):
    """What an answer cites, numbered; an address that may be opened is a link."""

    def __init__(self, cited: Sequence[Source], source: str) -> None:
        super().__init__("note", source, gap=True)
        self._cited = cited

    def _build(self, width: int) -> list[Row]:
        rows = [Row(plain("Sources", ".transcript--quiet"))]
        for number, each in enumerate(self._cited, 1):
            mark = f"{number}. "
            line = plain(each.title, ".transcript--quiet")
            if each.url:
                line += plain(" — " if each.title else "", ".transcript--quiet") + address(each.url)
            first, *more = wrap(line, min(width, PROSE) - len(mark))
            rows.append(Row(plain(mark, ".transcript--quiet") + first.content, join=first.join))
            blank = plain(" " * len(mark))
            rows += [Row(blank + row.content, indent=len(mark), join=row.join) for row in more]
        return rows


class _Breath:
    """Rests twice as long as it worked: lexers are Python, and keep the event loop waiting."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self) -> None:
        spent = time.monotonic() - self._began
        if spent > 0.003:
            time.sleep(2 * spent)
            self._began = time.monotonic()


class Fence:
    """A fence that may be spread over several blocks; coloured as a whole, in a thread if large."""

    def __init__(self) -> None:
        self.pieces: list[BlockPiece] = []
        self.closed = False
        self._lines: list[Content] | None = None
        self._started = False

    def lines_of(self, piece: BlockPiece) -> list[Content] | None:
        """Return the coloured lines of one piece; None while there are no colours."""
        if self._lines is None:
            return None
        start = 0
        for other in self.pieces:
            end = start + other.code.count("\n") + 1 if other.code else start
            if other is piece:
                return self._lines[start:end]
            start = end
        return None

    def job(self) -> Callable[[], Callable[[], None]] | None:
        """Return the colouring of a large fence, once."""
        codes = [piece.code for piece in self.pieces if piece.code]
        size = sum(map(len, codes))
        language = language_of(self.pieces[0].info) if self.pieces else ""
        if self._started or not self.closed or not language or not AT_ONCE < size <= COLOURED:
            return None
        self._started = True

        def work() -> Callable[[], None]:
            lines = colour("\n".join(codes), language, _Breath())
            return lambda: self._take(lines)

        return work

    def _take(self, lines: list[Content]) -> None:
        self._lines = lines
        for piece in self.pieces:
            piece.forget()


class BlockPiece(Piece):
    """A block of Markdown that will not change."""

    def __init__(self, block: Block, fence: Fence | None = None) -> None:
        kind: PieceKind = block.kind
        super().__init__(kind, block.source, glued=block.glued)
        self._block = block
        self._fence = fence
        self.info, self.code = fence_parts(block) if fence else ("", "")
        if fence:
            fence.pieces.append(self)

    def job(self) -> Callable[[], Callable[[], None]] | None:
        """Colour the fence that this is a part of."""
        return self._fence.job() if self._fence else None

    def _build(self, width: int) -> list[Row]:
        if self._fence is None:
            return render_block(self._block, width)
        lines = self._fence.lines_of(self)
        if lines is None and (len(self._fence.pieces) > 1 or len(self.code) > AT_ONCE):
            lines = plain_code(self.code).split("\n", allow_blank=True)
        named = not self._block.glued
        if not named and not self.code:
            return []
        return code_rows(self.info, self.code, width, named=named, coloured=lines)


class OpenPiece(Piece):
    """The block that still grows."""

    def __init__(self, block: Block) -> None:
        super().__init__(block.kind, block.source, glued=block.glued)
        self._block = block
        self._folded: list[Row] = []  # the rows of complete lines of code
        self._complete = 0  # how many lines those are
        self._folded_width = 0

    def grow(self, block: Block) -> None:
        """Take the block as it is now."""
        if block.source != self.source:
            self.kind, self.source, self._block = block.kind, block.source, block
            self.changed()

    def _build(self, width: int) -> list[Row]:
        if self.kind == "code":
            return self._code(width)
        if len(self.source) <= OPEN_RICH:
            return render_block(self._block, width)
        return raw_rows(self.source, width)

    def _code(self, width: int) -> list[Row]:
        info, code = fence_parts(self._block)
        named = not self._block.glued
        if width != self._folded_width:
            self._folded, self._complete, self._folded_width = [], 0, width
        lines = code.split("\n")
        fresh = lines[self._complete : -1]
        if fresh:
            name = named and not self._complete
            content = [plain_code(line) for line in fresh]
            self._folded += code_rows(info, "", width, named=name, coloured=content)
            self._complete = len(lines) - 1
        name = named and not self._complete
        last = [plain_code(lines[-1])]
        return [*self._folded, *code_rows(info, "", width, named=name, coloured=last)]


class More(Piece):
    """Stands for the middle of a giant until it is asked for."""

    def __init__(self, hidden: list[Piece], target: str) -> None:
        super().__init__("note", target=target, glued=True)
        self.hidden = hidden

    def guess(self, width: int) -> int:
        """It is one line."""
        del width
        return 1

    def _build(self, width: int) -> list[Row]:
        lines = sum(piece.source.count("\n") for piece in self.hidden)
        size = sum(len(piece.source) for piece in self.hidden)
        many = f"{count(lines)} more lines" if lines > 1 else f"{count(size)} more characters"
        words = plain(f"⋯ {many} — Enter or a click shows them", ".transcript--link")
        return [Row(fit(words, width), self.target)]


def shortened(pieces: list[Piece], opened: frozenset[str]) -> list[Piece]:
    """Return *pieces* with the middle of every giant left out, unless it is in *opened*."""
    if len(pieces) <= RUN:
        return pieces
    shown: list[Piece] = []
    run: list[Piece] = []
    runs = 0
    for piece in [*pieces, None]:
        if piece is not None and piece.glued and run:
            run.append(piece)
            continue
        if len(run) > RUN and (target := f"more:{runs}") not in opened:
            run = [*run[:2], More(run[2:-1], target), run[-1]]
        runs += bool(run)
        shown += run
        run = [piece] if piece is not None else []
    return shown


def raw_pieces(
    text: str, style: str, *, kind: PieceKind = "prose", bar: str = "", target: str = ""
) -> list[Piece]:
    """Return plain text as pieces, cut at line ends where there are any."""
    pieces: list[Piece] = []
    for chunk in chunks(text):
        pieces.append(Raw(chunk, style, kind=kind, bar=bar, target=target, glued=bool(pieces)))
    return pieces


def chunks(text: str, most: int = CHUNK) -> list[str]:
    """Cut *text* into pieces of at most *most* characters: at line ends, at spaces, anywhere."""
    pieces: list[str] = []
    start = 0
    while len(text) - start > most:
        end = start + most
        at = text.rfind("\n", start + 1, end) + 1
        if at <= start:
            at = text.rfind(" ", start + most // 2, end) + 1
        at = at if at > start else end
        pieces.append(text[start:at])
        start = at
    if start < len(text) or not pieces:
        pieces.append(text[start:])
    return pieces

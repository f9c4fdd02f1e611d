"""Reading a transcript: choosing messages and blocks, selecting, finding, copying."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from textual.message import Message as Notice
from textual.reactive import reactive
from textual.selection import Selection

from flux_tui.ui.render.blocks import Block
from flux_tui.ui.render.code import fence_parts
from flux_tui.ui.render.markdown import fences, tables
from flux_tui.ui.render.rows import Row, copied
from flux_tui.ui.widgets.transcript_entries import FOLD, Entry
from flux_tui.ui.widgets.transcript_lines import GUTTER, NOTHING, Line, Span
from flux_tui.ui.widgets.transcript_pieces import More, Piece, PieceKind
from flux_tui.ui.widgets.transcript_search import Search, piece_of
from flux_tui.ui.widgets.transcript_view import EntryView, Place

Goal: TypeAlias = Literal["message", "block", "code", "table", "error"]


class ReadingView(EntryView):
    """Adds to the entries what a reader does with them."""

    selected: reactive[str | None] = reactive(None, repaint=False)
    """The id of the message chosen with the keys."""

    class Found(Notice):
        """A search moved: `number` of `count` hits, from 1; 0 when there is none.

        A `count` of -1 says that the search is over.
        """

        def __init__(self, number: int, count: int) -> None:
            super().__init__()
            self.number, self.count = number, count

    _block: int | None = None  # the piece chosen within the selected message
    _search: Search | None = None
    _hit: tuple[Place, int] | None = None  # the row of the hit that is shown, and which one there

    # ── lines ──

    def line(self, y: int) -> Line:
        """Return what line *y* of the window shows."""
        line = self.scroll_offset.y + y
        if not 0 <= line < self._heights.total:
            return NOTHING
        place = self._place_of(line)
        entry = self._entries[place.at]
        piece = entry.layout.pieces[place.number]
        rows = self._rows_of(piece)
        if place.within >= len(rows):
            return NOTHING
        row = rows[place.within]
        top = piece.gap and place.within == 0
        gutter = "" if top else self._gutter(entry, place, piece)
        return Line(row, gutter, self._spans(line, row, place))

    def _gutter(self, entry: Entry, place: Place, piece: Piece) -> str:
        if entry.id == self.selected and self._in_block(entry, place.number):
            return "┃ .transcript--marked"
        if entry.role == "user" and piece.kind != "error":
            return "▌ .transcript--user-bar"
        return ""

    def _in_block(self, entry: Entry, number: int) -> bool:
        block = self._block
        if block is None:
            return True
        return block <= number < _block_end(entry.layout.pieces, block)

    def _spans(self, line: int, row: Row, place: Place) -> tuple[Span, ...]:
        spans: list[Span] = []
        if self._search is not None:
            shown = self._hit[1] if self._hit and self._hit[0] == place else -1
            for number, (start, end) in enumerate(self._search.spans(row)):
                style = ".transcript--hit" if number == shown else ".transcript--match"
                spans.append((start, end, style))
        selection = self.text_selection
        span = selection.get_span(line) if selection is not None else None
        if span is not None:
            start, end = span
            start, end = max(start - GUTTER, 0), end if end < 0 else max(end - GUTTER, 0)
            spans.append((start, end, ".transcript--selection"))
        return tuple(spans)

    def row_at(self, y: int) -> tuple[Entry, Row, Piece] | None:
        """Return what is shown in line *y* of the window."""
        line = self.scroll_offset.y + y
        if not 0 <= line < self._heights.total:
            return None
        place = self._place_of(line)
        entry = self._entries[place.at]
        piece = entry.layout.pieces[place.number]
        rows = self._rows_of(piece)
        return (entry, rows[place.within], piece) if place.within < len(rows) else None

    # ── going about ──

    def watch_selected(self, selected: str | None) -> None:
        """Show which message is chosen."""
        del selected
        self._block = None
        if self.is_attached:
            self.update_window()

    def go(self, goal: Goal, step: int = 1) -> bool:
        """Choose the next (*step* 1) or previous (-1) message, block, code, table or error.

        Returns whether there was one. Without a choice the search begins at the window's edge.
        """
        for place in self._candidates(goal, step):
            entry = self._entries[place.at]
            self.selected = entry.id
            self._block = None if goal == "message" else place.number
            self._show(place, whole=goal == "message")
            return True
        return False

    def _candidates(self, goal: Goal, step: int) -> Iterator[Place]:
        at, number = self._standing(step)
        kinds: tuple[PieceKind, ...] = ("prose", "code", "table", "thinking", "call", "error")
        if goal in {"code", "table", "error"}:
            kinds = tuple(kind for kind in kinds if kind == goal)
        while 0 <= at < len(self._entries):
            entry = self._entries[at]
            if goal == "message":
                if entry.role != "divider" and entry.id != self.selected:
                    yield Place(at, 0, 0)
            elif goal == "block" or entry.may_have(kinds[0]):
                pieces = self._layout(at).pieces
                numbers = range(len(pieces)) if step > 0 else range(len(pieces) - 1, -1, -1)
                for each in numbers:
                    beyond = number is None or (each - number) * step > 0
                    if beyond and pieces[each].kind in kinds and not pieces[each].glued:
                        yield Place(at, each, 0)
            at, number = at + step, None

    def _standing(self, step: int) -> tuple[int, int | None]:
        at = self._index.get(self.selected or "")
        if at is not None:
            # From a whole message its own blocks are the next ones, and those before it.
            return at, self._block if self._block is not None else (-1 if step > 0 else 0)
        if step < 0 and self.follow:
            return len(self._entries) - 1, None
        top = self._top_place()
        return (top.at, None) if top else (0, None)

    def _show(self, place: Place, *, whole: bool) -> None:
        """Bring a piece, or a *whole* entry, into the window."""
        entry = self._entries[place.at]
        pieces = self._layout(place.at).pieces
        end = len(pieces) if whole else _block_end(pieces, place.number)
        height = 0
        for number in range(place.number, end):
            self._measure(place.at, number)
            height += entry.layout.heights[number]
            if height >= self.size.height:
                break
        top, window = self._line_of(place), self.size.height
        first = self.scroll_offset.y
        if top < first or height >= window:
            self._go(top)
        elif top + height > first + window:
            self._go(top + height - window)
        self._measure_visible()
        self.follow = self._ended
        self.update_window()

    # ── finding ──

    @property
    def searching(self) -> bool:
        """Whether hits are marked."""
        return self._search is not None

    def search(self, query: str) -> int:
        """Mark *query* everywhere, upper and lower case alike; return how often it is there.

        The last hit at or before the end of the window is shown first. An empty query ends it.
        """
        if not query:
            if self._search is not None:
                self.post_message(self.Found(0, -1))
            self._search = self._hit = None
            self.update_window()
            return 0
        self._search = Search(query, self._entries)
        top = self._top_place()
        limit = len(self._entries) if self.follow or top is None else top.at + 1
        before = [
            number
            for number, hit in enumerate(self._search.hits)
            if self._index[hit.entry_id] < limit
        ]
        self._search.at = before[-1] if before else (0 if self._search.hits else -1)
        self._show_hit()
        return len(self._search.hits)

    def next_hit(self, step: int = 1) -> bool:
        """Show the next hit, or the previous one; say whether there is any."""
        if self._search is None or self._search.step(step) is None:
            return False
        self._show_hit()
        return True

    def _show_hit(self) -> None:
        search = self._search
        hit = search.current if search else None
        self._hit = None
        if search is None or hit is None:
            self.update_window()
            self.post_message(self.Found(0, 0))
            return
        at = self._index[hit.entry_id]
        entry = self._entries[at]
        if entry.folded:
            entry.toggle(FOLD)
        number, nth = piece_of(self._layout(at).pieces, search.query, hit.nth)
        piece = entry.layout.pieces[number]
        if isinstance(piece, More):
            entry.toggle(piece.target)
            number, nth = piece_of(self._layout(at).pieces, search.query, hit.nth)
            piece = entry.layout.pieces[number]
        self._measure(at, number)
        rows = self._rows_of(piece)
        lines = [within for within, row in enumerate(rows) for _ in search.spans(row)]
        nth = min(nth, len(lines) - 1)
        within = lines[nth] if lines else 0
        place = Place(at, number, within)
        self._hit = (place, nth - lines.index(within)) if lines else None
        line = self._line_of(place)
        first, window = self.scroll_offset.y, self.size.height
        if not first + 1 <= line < first + window - 1:
            self._go(max(line - window // 3, 0))
        self._measure_visible()
        self.follow = self._ended
        self.update_window()
        self.post_message(self.Found(search.at + 1, len(search.hits)))

    # ── copying ──

    def source_text(self, message_id: str) -> str:
        """Return a message as it was written; empty if there is no such message."""
        entry = self._entry(message_id)
        return entry.source() if entry else ""

    def session_text(self) -> str:
        """Return the whole conversation as Markdown, each message below its speaker's name."""
        parts: list[str] = []
        for at, entry in enumerate(self._entries):
            if entry.role != "divider" and (source := entry.source().strip()):
                head = "You" if entry.role == "user" else self._name_of(at)
                parts.append(f"## {head}\n\n{source}")
        return "\n\n".join(parts) + "\n" if parts else ""

    def _name_of(self, at: int) -> str:
        head = self._layout(at).pieces[0]
        return head.rows(self.text_width)[-1].content.plain.strip()

    def code_blocks(self, message_id: str) -> list[str]:
        """Return the code of each fence of a message, in order."""
        return fences(self.source_text(message_id))

    def tables(self, message_id: str) -> list[str]:
        """Return each table of a message as tab-separated values, a row a line."""
        return [tsv(rows) for rows in tables(self.source_text(message_id))]

    def chosen(self) -> tuple[str, str]:
        """Return what to copy and what it is: of the chosen block, else of the message.

        Code comes without its fence, a table as tab-separated values, prose as its source.
        The second is "code", "table", "block" or "message", or empty when nothing is chosen.
        """
        entry = self._entry(self.selected or "")
        if entry is None:
            return "", ""
        if self._block is None:
            return entry.source(), "message"
        pieces = self._layout(self._index[entry.id]).pieces
        run: list[Piece] = []
        for piece in pieces[self._block : _block_end(pieces, self._block)]:
            run += piece.hidden if isinstance(piece, More) else [piece]
        source = "".join(piece.source for piece in run)
        kind = run[0].kind if run else "note"
        if kind == "code":
            return fence_parts(Block(source, "code"))[1] + "\n", "code"
        if kind == "table":
            return "".join(tsv(rows) for rows in tables(source)), "table"
        return source.strip("\n"), "block"

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the source of whole blocks and messages, and the visible text of parts."""
        total = self._heights.total
        if not total:
            return None
        first = max(selection.start.y if selection.start else 0, 0)
        last = min(selection.end.y if selection.end else total - 1, total - 1)
        if first > last:
            return None
        texts: list[str] = []
        at, _ = self._heights.find(first)
        while at < len(self._entries) and self._heights.top(at) <= last:
            if text := self._selected_of(at, selection, first, last):
                texts.append(text)
            at += 1
        return "\n\n".join(texts), "\n"

    def _selected_of(self, at: int, selection: Selection, first: int, last: int) -> str:
        entry, layout = self._entries[at], self._layout(at)
        top = self._heights.top(at)
        texts: list[tuple[Piece, str]] = []
        whole = first <= top + 1 and last >= top + layout.heights.total - 1
        for number, piece in enumerate(layout.pieces):
            start = top + layout.heights.top(number)
            end = start + layout.heights[number]
            if end <= first or start > last:
                whole = whole and piece.kind in {"head", "note"}
                continue
            text, complete = self._selected_rows(piece, selection, start)
            whole = whole and (complete or piece.kind in {"head", "note"})
            if complete and piece.kind in {"code", "table", "prose"}:
                text = piece.source.rstrip("\n")
            if text.strip():
                texts.append((piece, text))
        if whole and (source := entry.source()):
            return source
        joined = ""
        for number, (piece, text) in enumerate(texts):
            parting = "\n" if piece.glued or not piece.gap else "\n\n"
            joined += (parting if number else "") + text
        return joined

    def _selected_rows(self, piece: Piece, selection: Selection, top: int) -> tuple[str, bool]:
        """Return the selected text of a piece, and whether that is all of it."""
        rows: list[Row] = []
        complete = True
        for within, row in enumerate(self._rows_of(piece)):
            span = selection.get_span(top + within)
            text = row.content.plain
            start, end = span if span is not None else (0, 0)
            end = len(text) if end == -1 else max(end - GUTTER, 0)
            start = max(start - GUTTER, 0)
            body = text[row.indent :].strip()
            complete = complete and (not body or text[start:end].strip().endswith(body))
            if span is not None:
                cut = row.content[start:end]
                indent = max(row.indent - start, 0)
                rows.append(Row(cut, row.target, indent, row.join))
        return copied(rows).strip("\n"), complete


def _block_end(pieces: list[Piece], number: int) -> int:
    """Return the end of the run of glued pieces that begins with *number*."""
    end = number + 1
    while end < len(pieces) and pieces[end].glued:
        end += 1
    return end


def tsv(rows: list[list[str]]) -> str:
    """Return a table as tab-separated values; tabs and line ends within a cell become spaces."""
    return "".join("\t".join(" ".join(cell.split()) for cell in row) + "\n" for row in rows)

"""The lines between messages: a change of model, a notice, an error."""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual.content import Content

from flux_tui.core.messages import new_id
from flux_tui.core.notices import Notice, NoticeKind
from flux_tui.ui.render.labels import assemble, plain
from flux_tui.ui.render.rows import BLANK, Row
from flux_tui.ui.render.wrapping import PROSE, fit, wrap
from flux_tui.ui.widgets.transcript_entries import Entry
from flux_tui.ui.widgets.transcript_pieces import Lines, Piece, PieceKind

_RULE = ".transcript--rule"
_APART = re.compile(r"\s{2,}|\n")


class Divider(Entry):
    """A line between messages."""

    def __init__(self, entry_id: str, text: str, kind: NoticeKind) -> None:
        super().__init__(entry_id)
        self.text = text
        self.kind: NoticeKind = kind

    def source(self) -> str:
        """Return the divider's text."""
        return self.text

    def may_have(self, kind: PieceKind) -> bool:
        """A divider is an error or nothing."""
        return kind == "error" and self.kind == "error"

    def _make(self) -> list[Piece]:
        kind: PieceKind = "error" if self.kind == "error" else "note"
        return [Lines(kind, self._rows, self.text)]

    def _rows(self, width: int) -> list[Row]:
        width = min(width, PROSE)
        match self.kind:
            case "error":
                return [BLANK, *_marked("✗ ", self.text, "error", width)]
            case "notice":
                return [BLANK, *_marked("• ", self.text, "notice", width)]
            case "switch":
                return [BLANK, *_switch(self.text, width)]


def dividers(notices: Iterable[Notice]) -> list[Entry]:
    """Return the lines for *notices*; changes of model one after the other are one change."""
    lines: list[Divider] = []
    for notice in notices:
        last = lines[-1] if lines else None
        if last is not None and last.kind == notice.kind == "switch":
            lines[-1] = Divider(last.id, joined(last.text, notice.text), "switch")
        else:
            lines.append(Divider(new_id(), notice.text, notice.kind))
    return [*lines]


def joined(first: str, second: str) -> str:
    """Return the text of two changes of model, one after the other, as that of one change."""
    start, _, there = first.partition(" → ")
    _, arrow, after = second.partition(" → ")
    name, space, facts = after.partition("   ")
    if not arrow or not there:
        return second
    back = name.strip() == start.strip()
    return f"{start}{space}as before · {facts}" if back else f"{start}{arrow}{after}"


def _marked(mark: str, text: str, style: str, width: int) -> list[Row]:
    """Return a mark and the first line of *text*, and quiet lines below it."""
    first, _, rest = text.strip().partition("\n")
    rows = _behind(plain(mark, f".transcript--{style}"), first, style, width)
    return rows + (_behind(Content("  "), rest, "quiet", width) if rest.strip() else [])


def _behind(mark: Content, text: str, style: str, width: int) -> list[Row]:
    indent = mark.cell_length
    rows = wrap(plain(text, f".transcript--{style}"), max(width - indent, 4))
    starts = [mark, *[Content(" " * indent)] * (len(rows) - 1)]
    return [
        Row(fit(start + row.content, width), "", len(start.plain), row.join)
        for start, row in zip(starts, rows, strict=True)
    ]


def _switch(text: str, width: int) -> list[Row]:
    """Return a rule around the names, and the details below it; names break at the arrow."""
    names, *rest = _APART.split(text.strip("─ \n"), maxsplit=1)
    words = assemble(("⇄ ", ".transcript--switch"), (names, ".transcript--switch"))
    room = width - words.cell_length - 5
    if room >= 2:
        rows = [Row(plain("─── ", _RULE) + words + plain(f" {'─' * room}", _RULE))]
    else:
        before, arrow, after = names.partition(" → ")
        rows = [Row(plain("─" * width, _RULE))]
        rows += _behind(plain("⇄ ", ".transcript--switch"), before, "switch", width)
        if arrow:
            rows += _behind(plain("→ ", ".transcript--switch"), after, "switch", width)
    details = rest[0].strip(" ·─") if rest else ""
    if details:
        rows += _behind(Content("    " if room >= 2 else "  "), details, "quiet", width)
    return rows

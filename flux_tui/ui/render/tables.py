"""Tables: columns shared out over the width, cells wrapped, thin rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from flux_tui.ui.render.inline import inline_content
from flux_tui.ui.render.labels import plain
from flux_tui.ui.render.rows import Row
from flux_tui.ui.render.wrapping import fit, wrap

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

_RULE = ".transcript--rule"
_GAP = 3

_WORD = 16
"""Cells of a word that a column must hold whole; longer ones, as of addresses, may be broken."""


def table_rows(node: SyntaxTreeNode, width: int, *, headless: bool = False) -> list[Row]:
    """Return a table of at most *width* cells; where it would break words, ``name: value`` lines.

    A *headless* one goes on below an earlier part: its head names the columns, and its first row
    gives their widths; neither is shown.
    """
    return [Row(line) for line in _lines(node, width, headless=headless)]


def _lines(node: SyntaxTreeNode, width: int, *, headless: bool) -> list[Content]:
    rows = [_cells(row) for part in node.children for row in part.children]
    if not rows or not rows[0]:
        return []
    shares = _share(rows, width)
    widths = [size for size, _ in shares]
    if any(squeezed and size < _least(rows, at) for at, (size, squeezed) in enumerate(shares)):
        return _listed([rows[0], *rows[2:]] if headless else rows, width)
    aligns = [str(cell.attrs.get("style", "")) for cell in node.children[0].children[0].children]
    lines: list[Content] = []
    for number, row in enumerate(rows):
        if headless and number < 2:
            continue
        lines.extend(_row(row, widths, aligns, bold=number == 0))
        if number == 0:
            lines.append(plain("─┼─".join("─" * each for each in widths), _RULE))
    return lines


def _cells(row: SyntaxTreeNode) -> list[Content]:
    return [inline_content(cell) for cell in row.children]


def _share(rows: list[list[Content]], width: int) -> list[tuple[int, bool]]:
    """Return the size of each column, and whether that is less than it wants."""
    columns = len(rows[0])
    wanted = [
        max(1, *(row[at].cell_length for row in rows if at < len(row))) for at in range(columns)
    ]
    room = width - _GAP * (columns - 1)
    # Narrow columns get what they want; the wide ones share what is left.
    given = [0] * columns
    open_columns = sorted(range(columns), key=lambda at: wanted[at])
    for done, at in enumerate(open_columns):
        given[at] = min(wanted[at], room // (columns - done))
        room -= given[at]
    return [(size, size < want) for size, want in zip(given, wanted, strict=True)]


def _least(rows: list[list[Content]], column: int) -> int:
    """Return the cells that a column needs to break none of its words."""
    words = (word for row in rows if column < len(row) for word in row[column].plain.split())
    return max(3, min(_WORD, max(map(cell_len, words), default=0)))


def _row(row: list[Content], widths: list[int], aligns: list[str], *, bold: bool) -> list[Content]:
    cells = [
        [piece.content for piece in wrap(cell, size)]
        for cell, size in zip(row, widths, strict=False)
    ]
    cells += [[Content("")] for _ in widths[len(cells) :]]
    bar = plain(" │ ", _RULE)
    lines: list[Content] = []
    for at in range(max(len(cell) for cell in cells)):
        pieces = [
            _aligned(cell[at] if at < len(cell) else Content(""), size, align, bold)
            for cell, size, align in zip(cells, widths, aligns, strict=False)
        ]
        lines.append(bar.join(pieces))
    return lines


def _aligned(cell: Content, size: int, align: str, bold: bool) -> Content:
    cell = fit(cell, size)
    cell = cell.stylize("bold") if bold and cell else cell
    spare = size - cell.cell_length
    left = spare if "right" in align else spare // 2 if "center" in align else 0
    return " " * left + cell + " " * (spare - left)


def _listed(rows: list[list[Content]], width: int) -> list[Content]:
    names = rows[0]
    lines: list[Content] = []
    for row in rows[1:] or [names]:
        if lines:
            lines.append(plain("─" * width, _RULE))
        for name, cell in zip(names, row, strict=False):
            words = name.stylize("bold") + ": " + cell if name else cell
            lines.extend(piece.content for piece in wrap(words, width))
    return [fit(line, width) for line in lines]

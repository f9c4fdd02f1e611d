"""Folds text into rows of a width in cells: at words, or anywhere. No character is ever lost."""

from __future__ import annotations

import re

from rich.cells import cell_len, split_graphemes
from textual.content import Content

from flux_tui.ui.render.rows import Row

PROSE = 100
"""Cells of a line of prose at the most: longer lines are hard to read on wide screens."""

_WORD = re.compile(r"\s*\S+\s*")


def fold_cuts(text: str, width: int) -> list[int]:
    """Return where to cut one line of *text* so that no piece is wider than *width* (at least 2).

    Marks stay with the letter they belong to, and the parts of an emoji together.
    """
    width = max(width, 2)
    if text.isascii():
        return list(range(width, len(text), width))
    cuts: list[int] = []
    used = 0
    for start, _, size in split_graphemes(text)[0]:
        if used + size > width:
            cuts.append(start)
            used = 0
        used += size
    return cuts


def word_cuts(text: str, width: int) -> list[int]:
    """Return where to cut one line of *text* between words; a word that is too long is folded.

    The spaces after a word belong to it and may hang over the edge: they are not shown.
    """
    width = max(width, 2)
    cuts: list[int] = []
    used = 0
    for match in _WORD.finditer(text):
        word, start = match[0], match.start()
        bare = cell_len(word.rstrip())
        if used and used + bare > width:
            cuts.append(start)
            used = 0
        if bare > width:
            folds = [start + cut for cut in fold_cuts(word.rstrip(), width)]
            cuts += folds
            word = word[folds[-1] - start :]
        used += cell_len(word)
    return cuts


def wrap(content: Content, width: int, target: str = "") -> list[Row]:
    """Return *content* folded at words, one row at least for each of its lines."""
    width = max(width, 2)
    rows: list[Row] = []
    for line in content.split("\n", allow_blank=True):
        cuts = word_cuts(line.plain, width) if line.cell_length > width else []
        rows += _rows(line, cuts, target)
    return rows


def wrap_facts(content: Content, width: int) -> list[Row]:
    """Return one line of facts parted by ``·``, broken between facts where that is possible."""
    text = content.plain
    places = [match.start() for match in re.finditer(" · ", text)]
    if content.cell_length <= width or not places:
        return wrap(content, width)
    rows: list[Row] = []
    start = 0
    for end, following in zip(
        [*places, len(text)], [*places[1:], len(text), len(text)], strict=False
    ):
        if end > start and cell_len(text[start:following]) > width:
            rows += wrap(content[start:end], width)
            start = end + len(" · ")
    return rows + (wrap(content[start:], width) if start < len(text) else [])


def fold(content: Content, width: int, bar: Content) -> list[Row]:
    """Return *content* folded anywhere, each row behind *bar*, which is not copied."""
    width = max(width - bar.cell_length, 2)
    indent = len(bar.plain)
    rows: list[Row] = []
    for line in content.split("\n", allow_blank=True):
        cuts = fold_cuts(line.plain, width) if line.cell_length > width else []
        for number, piece in enumerate(line.divide(cuts)):
            rows.append(Row(bar + piece, "", indent, "" if number else "\n"))
    return rows


def _rows(line: Content, cuts: list[int], target: str) -> list[Row]:
    if not cuts:
        return [Row(line, target)]
    rows: list[Row] = []
    for number, piece in enumerate(line.divide(cuts)):
        join = "\n"
        if number:
            join = " " if line.plain[cuts[number - 1] - 1].isspace() else ""
        rows.append(Row(piece.rstrip(), target, 0, join))
    return rows


def fit(content: Content, width: int) -> Content:
    """Return *content* cut at *width* cells, if it is wider."""
    return content if content.cell_length <= width else content.truncate(width)

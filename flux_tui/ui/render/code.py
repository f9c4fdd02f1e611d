"""Fenced code as rows behind a bar, coloured once it is complete."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from textual.content import Content, Span

from flux_tui.ui.render.blocks import Block
from flux_tui.ui.render.labels import plain
from flux_tui.ui.render.rows import Row
from flux_tui.ui.render.wrapping import fold

if TYPE_CHECKING:
    from pygments.lexer import Lexer

AT_ONCE = 3_000
"""Characters of code that are coloured where they are drawn; more of them take a thread."""

COLOURED = 500_000
"""Longer fences are shown without colours."""

_BAR = plain("│ ", ".transcript--code-bar")
_OPENING = re.compile(r"( {0,3})(`{3,}|~{3,})([^\n]*)\n?")


def fence_parts(block: Block) -> tuple[str, str]:
    """Return the info string and the code that a block of a fence holds."""
    source = block.source
    opening = _OPENING.match(block.head or source)
    if opening is None:
        return "", source.removesuffix("\n")
    body = source if block.head else source[opening.end() :]
    last = body.removesuffix("\n").rpartition("\n")[2]
    bare, mark = last.strip(), opening[2]
    if len(bare) >= len(mark) and not bare.strip(mark[0]):
        body = body[: body.rindex(last)]
    if opening[1]:
        body = re.sub(rf"^ {{1,{len(opening[1])}}}", "", body, flags=re.MULTILINE)
    return opening[3].strip(), body.removesuffix("\n")


def language_of(info: str) -> str:
    """Return the language that the info string of a fence names."""
    return info.split(maxsplit=1)[0][:40] if info.strip() else ""


def code_rows(
    info: str, code: str, width: int, *, named: bool = True, coloured: list[Content] | None = None
) -> list[Row]:
    """Return the lines of a fence behind a bar, long lines folded.

    Short code is coloured here; pass the *coloured* lines when that was done elsewhere.
    """
    language = language_of(info)
    lines = coloured
    if lines is None:
        small = bool(language) and len(code) <= AT_ONCE
        lines = colour(code, language) if small else None
        lines = lines or plain_code(code).split("\n", allow_blank=True)
    rows: list[Row] = []
    if language and named:
        name = plain(language[: max(width - 2, 0)], ".transcript--code-name")
        rows.append(Row(_BAR + name, "", 2))
    for line in lines:
        rows += fold(line, width, _BAR)
    return rows


def plain_code(code: str) -> Content:
    """Return *code* without colours."""
    return plain(code, ".transcript--code")


def colour(code: str, language: str, breathe: Callable[[], None] | None = None) -> list[Content]:
    """Return the lines of *code* coloured; without colours where the lexer would change the text.

    *breathe* is called now and then: a thread can let others run.
    """
    clean = plain(code).plain
    lines: list[Content] = []
    texts: list[str] = []
    spans: list[Span] = []
    size = 0

    def end_line() -> None:
        nonlocal size
        lines.append(Content("".join(texts), spans=[Span(0, size, ".transcript--code"), *spans]))
        texts.clear()
        spans.clear()
        size = 0

    for number, (kind, text) in enumerate(_lexer(language).get_tokens(clean + "\n")):
        if breathe and number % 64 == 0:
            breathe()
        style = _style_of(kind)
        for part, piece in enumerate(text.split("\n")):
            if part:
                end_line()
            if piece:
                texts.append(piece)
                if style:
                    spans.append(Span(size, size + len(piece), style))
                size += len(piece)
    # The lexer ends every text with a line end; anything else it changed must not be shown.
    same = "\n".join(line.plain for line in lines) == clean
    return lines if same and not texts else plain_code(code).split("\n", allow_blank=True)


@lru_cache(maxsize=32)
def _lexer(language: str) -> Lexer:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=True, tabsize=0)
    except ClassNotFound:
        return get_lexer_by_name("text", stripnl=False, ensurenl=True, tabsize=0)


@lru_cache(maxsize=512)
def _style_of(kind: tuple[str, ...]) -> str:
    from textual.highlight import HighlightTheme

    # A token type is the tuple of its names; the shorter one is the more general one.
    while kind and kind not in HighlightTheme.STYLES:
        kind = kind[:-1]
    return HighlightTheme.STYLES.get(kind, "")

"""Fenced code as rows behind a bar, coloured once it is complete."""

from __future__ import annotations

import re

from textual.content import Content
from textual.highlight import highlight

from flux_tui.ui.render.blocks import Block
from flux_tui.ui.render.labels import plain
from flux_tui.ui.render.rows import Row
from flux_tui.ui.render.wrapping import fold

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
        body = colour(code, language) if small else plain_code(code)
        lines = body.split("\n", allow_blank=True)
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


def colour(code: str, language: str) -> Content:
    """Return *code* coloured; without colours where the lexer would change the text."""
    clean = plain(code).plain
    coloured = highlight(clean, language=language, tab_size=4)
    # Lexers may add or drop a line end; the text itself must stay what the model wrote.
    return coloured if coloured.plain == clean else plain_code(code)

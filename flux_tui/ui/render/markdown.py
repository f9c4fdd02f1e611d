"""One block of Markdown source to rows that fit a width.

Never raises on any text: what is not Markdown is shown as it was written.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from textual.content import Content

from flux_tui.ui.render.blocks import Block
from flux_tui.ui.render.code import code_rows, colour, fence_parts
from flux_tui.ui.render.inline import inline_content
from flux_tui.ui.render.labels import plain
from flux_tui.ui.render.rows import BLANK, Row
from flux_tui.ui.render.tables import table_rows
from flux_tui.ui.render.wrapping import PROSE, fit, wrap

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

NESTING = 18
"""Deeper blocks are shown as they were written."""

_BULLETS = ("•", "◦", "▪")


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def warm_up() -> None:
    """Import what rendering needs, before it is needed: nothing of it is on the first screen."""
    _tree("warm")
    colour("warm = 1", "python")


def _tree(source: str) -> SyntaxTreeNode | None:
    """Return *source* parsed; None if it is nested deeper than the parser follows."""
    from markdown_it.tree import SyntaxTreeNode

    tokens = _parser().parse(source)
    # The parser drops what is nested deeper; nothing may get lost.
    return SyntaxTreeNode(tokens) if all(token.level < NESTING for token in tokens) else None


def render_block(block: Block | str, width: int) -> list[Row]:
    """Return the rows of *block*, none wider than *width* cells (at least 4).

    Parts of a block are set apart by an empty row; there is none at the beginning or the end.
    """
    width = max(width, 4)
    if isinstance(block, str):
        block = Block(block)
    if block.kind == "code":
        return code_rows(*fence_parts(block), width, named=not block.glued)
    if block.blank:
        return []
    source = block.head + block.source
    try:
        tree = _tree(source)
        if tree is not None:
            nodes = tree.children
            if block.kind == "table" and nodes and nodes[0].type == "table":
                return _table_block(block, nodes, width)
            rows = _blocks(nodes, width, 0)
            if rows:
                return rows
    except RecursionError:
        return raw_rows(block.source, width)
    return raw_rows(block.source, width)


def raw_rows(source: str, width: int) -> list[Row]:
    """Return *source* as it was written, folded at words."""
    return wrap(plain(source.strip("\n")), min(width, PROSE))


def _table_block(block: Block, nodes: list[SyntaxTreeNode], width: int) -> list[Row]:
    """Return a table, or the part of a giant one that *block* holds, and what may follow it."""
    rows = table_rows(nodes[0], width, headless=bool(block.head))
    if len(nodes) > 1:
        rows += [BLANK, *_blocks(nodes[1:], width, 0)]
    return rows


def _blocks(nodes: list[SyntaxTreeNode], width: int, depth: int, tight: bool = False) -> list[Row]:
    rows: list[Row] = []
    for node in nodes:
        if rows and not tight:
            rows.append(BLANK)
        rows.extend(_block(node, max(width, 4), depth))
    return rows


def _block(node: SyntaxTreeNode, width: int, depth: int) -> list[Row]:
    match node.type:
        case "heading":
            return _heading(node, width)
        case "paragraph" | "inline":
            return wrap(inline_content(node), min(width, PROSE))
        case "fence" | "code_block":
            info = node.info if node.type == "fence" else ""
            return code_rows(info, node.content.removesuffix("\n"), width)
        case "bullet_list" | "ordered_list":
            return _list(node, width, depth)
        case "blockquote":
            return _quote(node, width, depth)
        case "hr":
            return [Row(plain("─" * min(width, PROSE), ".transcript--rule"))]
        case "table":
            return table_rows(node, width)
        case _:
            return wrap(plain(node.content), min(width, PROSE))


def _heading(node: SyntaxTreeNode, width: int) -> list[Row]:
    level = node.tag[1:]
    style = f".transcript--h{level}" if level in {"1", "2"} else ".transcript--h3"
    return wrap(inline_content(node).stylize(style), min(width, PROSE))


def _quote(node: SyntaxTreeNode, width: int, depth: int) -> list[Row]:
    bar = plain("▎ ", ".transcript--quote-bar")
    inner = _blocks(node.children, width - 2, depth)
    return [_before(bar, row, width, ".transcript--quote", 2) for row in inner]


def _before(start: Content, row: Row, width: int, style: str = "", indent: int = 0) -> Row:
    body = row.content.stylize(style) if style else row.content
    return Row(fit(start + body, width), row.target, row.indent + indent, row.join)


def _list(node: SyntaxTreeNode, width: int, depth: int) -> list[Row]:
    ordered = node.type == "ordered_list"
    first = int(node.attrs.get("start", 1)) if ordered else 0
    last = first + len(node.children) - 1
    loose = any(
        child.type == "paragraph" and not child.hidden
        for item in node.children
        for child in item.children
    )
    rows: list[Row] = []
    for number, item in enumerate(node.children, first):
        bullet = f"{number}.".rjust(len(f"{last}.")) if ordered else _BULLETS[depth % 3]
        body = _blocks(item.children, width - len(bullet) - 1, depth + 1, tight=not loose)
        marker, body = _task(body or [BLANK], bullet)
        if rows and loose:
            rows.append(BLANK)
        indent = plain(" " * (len(marker) + 1))
        start = plain(marker + " ", ".transcript--bullet")
        rows.append(_before(start, body[0], width))
        rows.extend(_before(indent, row, width) if row.content else row for row in body[1:])
    return rows


def _task(body: list[Row], bullet: str) -> tuple[str, list[Row]]:
    start = body[0].content.plain[:4].lower()
    if start not in {"[ ] ", "[x] "}:
        return bullet, body
    box = "☐" if start == "[ ] " else "☑"
    return box, [Row(body[0].content[4:], body[0].target), *body[1:]]


def fences(source: str) -> list[str]:
    """Return the code of every fence and indented block in *source*, in order."""
    tokens = _parser().parse(source)
    return [token.content for token in tokens if token.type in {"fence", "code_block"}]


def tables(source: str) -> list[list[list[str]]]:
    """Return every table in *source*: its rows, each a list of the cells' plain text."""
    tree = _tree(source)
    if tree is None:
        return []
    return [
        [
            [inline_content(cell).plain for cell in row.children]
            for part in node.children
            for row in part.children
        ]
        for node in tree.walk()
        if node.type == "table"
    ]

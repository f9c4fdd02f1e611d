"""One block of Markdown source to lines of `Content` that fit a width.

Never raises on any text: what is not Markdown is shown as it was written.
"""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from textual.content import Content
from textual.highlight import highlight

from flux_tui.ui.render.inline import inline_content
from flux_tui.ui.render.labels import plain
from flux_tui.ui.render.tables import table_lines

CODE_LINES = 400
"""Fences with more lines than this are shown without colours."""

CODE_LINE_BYTES = 5_000
"""So are fences with a longer line than this."""

NESTING = 18
"""Deeper blocks are shown as they were written."""

_BULLETS = ("•", "◦", "▪")


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def render_block(source: str, width: int) -> list[Content]:
    """Return the lines of *source*, none wider than *width* cells (at least 4).

    Blocks are parted by an empty line; there is none at the beginning or the end.
    """
    width = max(width, 4)
    if not source.strip():
        return []
    try:
        tokens = _parser().parse(source)
        # The parser drops what is nested deeper than it follows; nothing may get lost.
        if all(token.level < NESTING for token in tokens):
            lines = _blocks(SyntaxTreeNode(tokens).children, width, 0)
            if lines:
                return lines
    except RecursionError:
        return wrap(plain(source.strip("\n")), width)
    return wrap(plain(source.strip("\n")), width)


def wrap(content: Content, width: int) -> list[Content]:
    """Return *content* folded at words into lines of at most *width* cells."""
    return [_fit(line, width) for line in content.wrap(max(width, 2))]


def _fit(line: Content, width: int) -> Content:
    return line if line.cell_length <= width else line.truncate(width)


def _blocks(
    nodes: list[SyntaxTreeNode], width: int, depth: int, tight: bool = False
) -> list[Content]:
    lines: list[Content] = []
    for node in nodes:
        if lines and not tight:
            lines.append(Content(""))
        lines.extend(_block(node, max(width, 4), depth))
    return lines


def _block(node: SyntaxTreeNode, width: int, depth: int) -> list[Content]:
    match node.type:
        case "heading":
            return _heading(node, width)
        case "paragraph" | "inline":
            return wrap(inline_content(node), width)
        case "fence" | "code_block":
            return code_lines(node.content, node.info if node.type == "fence" else "", width)
        case "bullet_list" | "ordered_list":
            return _list(node, width, depth)
        case "blockquote":
            inner = _blocks(node.children, width - 2, depth)
            bar = plain("▎ ", ".transcript--quote-bar")
            return [_fit(bar + line.stylize(".transcript--quote"), width) for line in inner]
        case "hr":
            return [plain("─" * width, ".transcript--rule")]
        case "table":
            return table_lines(node, width)
        case _:
            return wrap(plain(node.content), width)


def _heading(node: SyntaxTreeNode, width: int) -> list[Content]:
    level = node.tag[1:]
    style = ".transcript--h1" if level == "1" else ".transcript--h2"
    style = style if level in {"1", "2"} else ".transcript--h3"
    return [line.stylize(style) for line in wrap(inline_content(node), width)]


def _list(node: SyntaxTreeNode, width: int, depth: int) -> list[Content]:
    ordered = node.type == "ordered_list"
    first = int(node.attrs.get("start", 1)) if ordered else 0
    last = first + len(node.children) - 1
    loose = any(
        child.type == "paragraph" and not child.hidden
        for item in node.children
        for child in item.children
    )
    lines: list[Content] = []
    for number, item in enumerate(node.children, first):
        bullet = f"{number}.".rjust(len(f"{last}.")) if ordered else _BULLETS[depth % 3]
        body = _blocks(item.children, width - len(bullet) - 1, depth + 1, tight=not loose)
        marker, body = _task(body or [Content("")], bullet)
        if lines and loose:
            lines.append(Content(""))
        indent = " " * (len(marker) + 1)
        lines.append(plain(marker + " ", ".transcript--bullet") + body[0])
        lines.extend(indent + line if line else line for line in body[1:])
    return [_fit(line, width) for line in lines]


def _task(body: list[Content], bullet: str) -> tuple[str, list[Content]]:
    start = body[0].plain[:4].lower()
    if start not in {"[ ] ", "[x] "}:
        return bullet, body
    box = "☐" if start == "[ ] " else "☑"
    return box, [body[0][4:], *body[1:]]


def code_lines(code: str, info: str, width: int) -> list[Content]:
    """Return the lines of a finished fence behind a bar, long lines folded."""
    code = plain(code.removesuffix("\n")).plain
    raw = code.split("\n")
    small = len(raw) <= CODE_LINES and all(len(line) <= CODE_LINE_BYTES for line in raw)
    language = info.split(maxsplit=1)[0] if info.strip() else ""
    body = plain(code, ".transcript--code")
    if small and language:
        body = _coloured(code, language)
    bar = plain("│ ", ".transcript--code-bar")
    lines: list[Content] = []
    if language:
        lines.append(bar + plain(language[: width - 2], ".transcript--code-name"))
    for line in body.split("\n", allow_blank=True):
        lines.extend(bar + _fit(piece, width - 2) for piece in line.fold(width - 2))
    return lines


def _coloured(code: str, language: str) -> Content:
    coloured = highlight(code, language=language, tab_size=4)
    # Lexers may add or drop a line end; the text itself must stay what the model wrote.
    return coloured if coloured.plain == code else plain(code, ".transcript--code")


def fences(source: str) -> list[str]:
    """Return the code of every fence and indented block in *source*, in order."""
    tokens = _parser().parse(source)
    return [token.content for token in tokens if token.type in {"fence", "code_block"}]

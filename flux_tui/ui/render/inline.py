"""The inline part of Markdown: emphasis, code, links, as one piece of `Content`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.cells import split_graphemes
from textual.content import Content, Span
from textual.style import Style

from flux_tui.ui.render.labels import plain

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

_STYLES = {
    "strong": "bold",
    "em": "italic",
    "s": "strike",
    "link": ".transcript--link",
}


_BARE = re.compile(r"https?://[^\s<>\"'`()\[\]]+")
_WORD = re.compile(r"\S+")
_PART = 12  # characters; shorter words in an address may be words of the text


def openable(target: str) -> bool:
    """Whether a link may ever be handed to a browser: http and https only."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    return parts.scheme.lower() in {"http", "https"} and bool(parts.netloc)


def link_at(content: Content, cell: int | None = None) -> str:
    """Return the target of the link at a *cell* of a line, or of its first link; empty if none.

    Only targets that may be opened are there at all.
    """
    place = None if cell is None else _character(content.plain, cell)
    for span in content.spans:
        here = place is None or span.start <= place < span.end
        if here and isinstance(span.style, Style) and "link" in span.style.meta:
            return str(span.style.meta["link"])
    return ""


def address(url: str) -> Content:
    """Return *url* as text, and as a link if it may be opened."""
    if not openable(url):
        return plain(url, ".transcript--quiet")
    return plain(url, _STYLES["link"]).stylize(Style.from_meta({"link": url}))


def bare_links(text: str) -> list[str]:
    """Return the addresses that *text* names without being links, in order."""
    found = (address.rstrip(".,;:!?*_") for address in _BARE.findall(text))
    return [address for address in found if openable(address)]


def bare_link_at(content: Content, cell: int, text: str) -> str:
    """Return the address of *text* that a *cell* of one of its lines shows a part of."""
    at = _character(content.plain, cell)
    for word in _WORD.finditer(content.plain):
        if word.start() <= at < word.end():
            shown = word[0].strip(".,;:!?*_()[]<>\"'")
            links = bare_links(text)
            whole = next((link for link in links if link in shown or shown == link), "")
            # An address that is longer than a line goes on in the next one.
            part = len(shown) >= _PART and next((link for link in links if shown in link), "")
            return whole or part or ""
    return ""


def _character(text: str, cell: int) -> int:
    cells = 0
    for start, _, size in split_graphemes(text)[0]:
        cells += size
        if cells > cell:
            return start
    return -1


def inline_content(node: SyntaxTreeNode) -> Content:
    """Return the text of *node* with its emphasis; targets of links follow in brackets."""
    writer = _Writer()
    writer.walk(node)
    return writer.content()


class _Writer:
    def __init__(self) -> None:
        self._text: list[str] = []
        self._length = 0
        self._spans: list[Span] = []

    def content(self) -> Content:
        return Content("".join(self._text), spans=self._spans)

    def walk(self, node: SyntaxTreeNode) -> None:
        if node.type in {"text", "html_inline", "text_special"}:
            self._write(node.content)
        elif node.type == "code_inline":
            self._styled(node.content, ".transcript--inline-code")
        elif node.type == "softbreak":
            self._write(" ")
        elif node.type == "hardbreak":
            self._write("\n")
        elif node.type == "image":
            self._styled(f"[image: {node.content or 'untitled'}]", ".transcript--link")
            self._target(str(node.attrs.get("src", "")), node.content)
        else:
            self._nested(node)

    def _nested(self, node: SyntaxTreeNode) -> None:
        start = self._length
        for child in node.children:
            self.walk(child)
        style = _STYLES.get(node.type)
        if style and self._length > start:
            self._spans.append(Span(start, self._length, style))
        if node.type == "link":
            target = str(node.attrs.get("href", ""))
            shown = "".join(self._text)[start:]
            self._target(target, shown)
            if openable(target):
                meta = Style.from_meta({"link": target})
                self._spans.append(Span(start, self._length, meta))

    def _target(self, target: str, shown: str) -> None:
        if target and target != shown and target.removeprefix("mailto:") != shown:
            self._styled(f" ({target})", ".transcript--quiet")

    def _styled(self, text: str, style: str) -> None:
        start = self._length
        self._write(text)
        self._spans.append(Span(start, self._length, style))

    def _write(self, text: str) -> None:
        clean = plain(text).plain
        self._text.append(clean)
        self._length += len(clean)

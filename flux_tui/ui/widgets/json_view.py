"""A page of JSON of any size: only the rows in sight are made, and giants are shortened."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeAlias

from rich.cells import chop_cells
from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from flux_tui.core.sanitize import sanitize
from flux_tui.core.usage import JSON
from flux_tui.ui.widgets.chips import size_words

Kind: TypeAlias = Literal["", "adapted", "dropped", "added"]

LONGEST_BLOB = 400
"""Characters of base64 or ciphertext above which only the beginning and the size are shown."""

_BLOB = re.compile(r"(?:data:[^,;]{1,80};base64,)?[A-Za-z0-9+/_=-]+")
_DATA_URL = re.compile(r"^data:[^,;]{1,80};base64,")
_TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*"?)|'
    r"(?P<number>-?\b\d[\d.eE+-]*|\btrue\b|\bfalse\b|\bnull\b)"
)
_GLYPHS: dict[Kind, str] = {"": " ", "adapted": "≈", "dropped": "✗", "added": "+"}


@dataclass(frozen=True, slots=True)
class JsonLine:
    """One line of JSON; `path` is like ``messages[3].parts[0]``, `note` says why it is marked."""

    text: str
    path: str
    mark: Kind = ""
    note: str = ""
    continued: bool = False


def json_lines(value: JSON) -> Iterator[JsonLine]:
    """Yield *value* as indented JSON, one line after the other."""
    yield from _lines(value, "", "", 0, "")


def _lines(value: JSON, path: str, lead: str, depth: int, end: str) -> Iterator[JsonLine]:
    pad = "  " * depth
    if isinstance(value, dict) and value:
        yield JsonLine(f"{pad}{lead}{{", path)
        last = len(value) - 1
        for index, (name, inner) in enumerate(value.items()):
            below = f"{path}.{name}" if path else name
            comma = "," if index < last else ""
            yield from _lines(inner, below, f"{_scalar(name)}: ", depth + 1, comma)
        yield JsonLine(f"{pad}}}{end}", path)
    elif isinstance(value, list) and value:
        yield JsonLine(f"{pad}{lead}[", path)
        last = len(value) - 1
        for index, inner in enumerate(value):
            comma = "," if index < last else ""
            yield from _lines(inner, f"{path}[{index}]", "", depth + 1, comma)
        yield JsonLine(f"{pad}]{end}", path)
    else:
        yield JsonLine(f"{pad}{lead}{_scalar(value)}{end}", path)


def _scalar(value: JSON) -> str:
    if isinstance(value, str) and len(value) > LONGEST_BLOB and _BLOB.fullmatch(value):
        value = f"{value[:40]} … {size_words(len(value))}"
    # Control characters are escapes in JSON; what else a terminal obeys is taken out.
    return sanitize(json.dumps(value, ensure_ascii=False))


def marked(
    lines: Sequence[JsonLine], marks: Mapping[str, tuple[Kind, str]]
) -> tuple[JsonLine, ...]:
    """Return *lines* with those at or below the paths of *marks* marked; the first says why."""
    told: set[str] = set()
    found: list[JsonLine] = []
    for line in lines:
        path = next((path for path in _above(line.path) if path in marks), None)
        if path is None:
            found.append(line)
            continue
        mark, note = marks[path]
        found.append(replace(line, mark=mark, note="" if path in told else note))
        told.add(path)
    return tuple(found)


def _above(path: str) -> Iterator[str]:
    """Yield *path* and every path above it."""
    while path:
        yield path
        path = path[: max(path.rfind("."), path.rfind("["), 0)]


def added_texts(body: JSON, history: JSON) -> dict[str, tuple[Kind, str]]:
    """Return the paths of texts in *body* that stand nowhere in *history*."""
    known = {text for _, text in _texts(history, "")}
    return {
        path: ("added", "")
        for path, text in _texts(body, "")
        if len(text) > 24 and _DATA_URL.sub("", text, count=1) not in known
    }


def _texts(value: JSON, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{index}]")


def wrapped(lines: Sequence[JsonLine], width: int) -> list[JsonLine]:
    """Return *lines* cut into rows of *width* cells, one of them the mark."""
    room = max(width - 2, 8)
    rows: list[JsonLine] = []
    for line in lines:
        text = f"{line.text}   ← {line.note}" if line.note else line.text
        if len(text) * 2 <= room or (text.isascii() and len(text) <= room):
            rows.append(replace(line, text=text) if line.note else line)
            continue
        pieces = _chopped(text, room)
        rows += [replace(line, text=pieces[0])]
        rows += [replace(line, text=piece, continued=True) for piece in pieces[1:]]
    return rows


def _chopped(text: str, room: int) -> list[str]:
    if not text.isascii():
        return chop_cells(text, room)
    return [text[start : start + room] for start in range(0, len(text), room)]


class JsonView(ScrollView, can_focus=True):
    """Shows lines of JSON with marks in front; searches them."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "json--key",
        "json--text",
        "json--number",
        "json--adapted",
        "json--dropped",
        "json--added",
        "json--hit",
    }
    DEFAULT_CSS = """
    JsonView {
        width: 1fr; height: 1fr; overflow-x: hidden; overflow-y: scroll; color: $foreground;
        & .json--key { color: $primary; }
        & .json--text { color: $foreground; }
        & .json--number { color: $secondary; }
        & .json--adapted { color: $warning; }
        & .json--dropped { color: $error; }
        & .json--added { color: $success; }
        & .json--hit { background: $warning; color: $background; text-style: bold; }
        &:nocolor .json--hit { text-style: reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", show=False),
        Binding("j", "scroll_down", show=False),
        Binding("space", "page_down", show=False),
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.lines: tuple[JsonLine, ...] = ()
        self._rows: list[JsonLine] = []
        self._width = 0
        self._wanted = ""
        self._hits: list[int] = []
        self._hit = -1

    @property
    def row_count(self) -> int:
        """How many rows there are at the present width."""
        return len(self._rows)

    def show(self, lines: Sequence[JsonLine]) -> None:
        """Show *lines* from the first one on."""
        self.lines = tuple(lines)
        self._width = 0
        self.scroll_home(animate=False)
        self._fit()

    def on_resize(self, event: events.Resize) -> None:
        """Cut the lines anew."""
        del event
        self._fit()

    def _fit(self) -> None:
        width = self.scrollable_content_region.width
        if width and width != self._width:
            self._width = width
            self._cut(width)

    @work(exclusive=True, group="cut", exit_on_error=False)
    async def _cut(self, width: int) -> None:
        self._rows = await asyncio.to_thread(wrapped, self.lines, width)
        self.virtual_size = Size(width, len(self._rows))
        self._find_all()
        self.refresh()

    def next_mark(self, step: int) -> bool:
        """Go to the next place that is marked, or the one before; False if there is none."""
        places = [
            index
            for index, row in enumerate(self._rows)
            if row.mark and (index == 0 or self._rows[index - 1].mark != row.mark)
        ]
        here = round(self.scroll_y)
        ahead = [place for place in places if (place > here if step > 0 else place < here)]
        if not ahead:
            return False
        self.scroll_to(y=ahead[0] if step > 0 else ahead[-1], animate=False)
        return True

    def search(self, words: str) -> int:
        """Mark every row with *words* and go to the first one from here; return how many."""
        self._wanted = words.lower()
        self._find_all()
        here = round(self.scroll_y)
        self._hit = next((n for n, row in enumerate(self._hits) if row >= here), 0) - 1
        self.next_hit(1)
        self.refresh()
        return len(self._hits)

    def next_hit(self, step: int) -> tuple[int, int]:
        """Go to another row that was found; return its number and how many there are."""
        if not self._hits:
            return 0, 0
        self._hit = (self._hit + step) % len(self._hits)
        row = self._hits[self._hit]
        self.scroll_to(y=max(row - self.size.height // 2, 0), animate=False)
        self.refresh()
        return self._hit + 1, len(self._hits)

    def _find_all(self) -> None:
        wanted = self._wanted
        found = enumerate(self._rows) if wanted else ()
        self._hits = [index for index, row in found if wanted in row.text.lower()]

    def render_line(self, y: int) -> Strip:
        """Return one row."""
        index = round(self.scroll_y) + y
        width = self.scrollable_content_region.width
        base = self.rich_style
        if index >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[index]
        hit = bool(self._hits) and self._hits[self._hit] == index
        segments = [self._glyph(row, base), *self._coloured(row, base, hit=hit)]
        return Strip(segments).adjust_cell_length(width, base)

    def _glyph(self, row: JsonLine, base: Style) -> Segment:
        style = self._style(f"json--{row.mark}", base) if row.mark else base
        return Segment(f"{_GLYPHS[row.mark]} ", style)

    def _coloured(self, row: JsonLine, base: Style, *, hit: bool) -> Iterator[Segment]:
        text = row.text
        if hit:
            yield Segment(text, self._style("json--hit", base))
            return
        if row.mark:
            yield Segment(text, self._style(f"json--{row.mark}", base))
            return
        if row.continued:
            yield Segment(text, self._style("json--text", base))
            return
        at = 0
        for found in _TOKEN.finditer(text):
            yield Segment(text[at : found.start()], base)
            yield Segment(found[0], self._style(f"json--{found.lastgroup}", base))
            at = found.end()
        yield Segment(text[at:], base)

    def _style(self, name: str, base: Style) -> Style:
        return base + self.get_component_rich_style(name, partial=True)

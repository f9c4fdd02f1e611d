"""A scrolling view of lines that writes to the terminal only what is not there already."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, TypeAlias, cast

from rich.segment import Segment
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from flux_tui.ui.render.rows import BLANK, Row

if TYPE_CHECKING:
    from textual.reactive import Reactive
    from textual.selection import Selection

STRIPS = 600
"""Painted lines that are kept for when they come back."""

GUTTER = 2
"""Cells before the text of a line: who speaks, what is chosen."""

UNSURE = 1 << 16
"""More cells than any line has."""

# Marks, joiners, symbols that some fonts draw twice as wide, flags, emoji, tags.
_UNSURE = re.compile(
    "[\u0300-\u036f\u200b-\u200f\u20d0-\u20ff\u2600-\u27bf\ufe00-\ufe0f\U0001f000-\U000e0fff]"
)

EIGHTHS = 8
"""Parts of a cell that a scrollbar can show."""

Span: TypeAlias = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Line:
    """What one line of the window shows."""

    row: Row = BLANK
    gutter: str = ""
    """`mark style`, or empty."""

    spans: tuple[Span, ...] = ()
    """Marked characters of the row: from, to, style."""

    def same(self, other: Line) -> bool:
        """Whether both look the same."""
        return (
            self.gutter == other.gutter
            and self.spans == other.spans
            and (self.row is other.row or self.row.content.is_same(other.row.content))
        )

    @property
    def cells(self) -> int:
        """How wide the line is; what follows is empty.

        Terminals do not agree on the width of some characters: such a line is painted to its end,
        so that nothing of it is left behind.
        """
        content = self.row.content
        return UNSURE if _UNSURE.search(content.plain) else GUTTER + content.cell_length


NOTHING = Line()


class LineView(ScrollView):
    """Asks for `line` after `line`, and repaints those that differ from what is on the screen.

    Textual repaints a scroll view as a whole whenever it scrolls, pads every line to the full
    width and lays the screen out again when the content grows. Following a stream of 200 tokens a
    second that is a megabyte in ten seconds; comparing lines leaves about a tenth of it.
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._strips: OrderedDict[tuple[object, ...], tuple[Row, Strip]] = OrderedDict()
        self._painted: dict[int, Line] = {}  # what Textual's cache holds, line by line
        self._wanted: dict[int, Line] = {}  # what a repaint was asked for
        self._painting = False
        self._thumb: tuple[int, int] = (0, 0)
        self.rough = False  # the bar may be a cell off: the end of the text runs ahead anyway

    @property
    def columns(self) -> int:
        """Cells of a line of the window, the scrollbar left out."""
        return self.scrollable_content_region.width

    def line(self, y: int) -> Line:
        """Return what line *y* of the window shows."""
        del y
        return NOTHING

    def update_window(self) -> None:
        """Paint the lines of the window that are not as they were."""
        changed: list[Region] = []
        for y in range(self.size.height):
            before, now = self._painted.get(y), self.line(y)
            self._wanted[y] = now
            if before is None:
                changed.append(Region(0, y, self.columns, 1))
            elif not before.same(now):
                changed.append(Region(0, y, min(max(before.cells, now.cells), self.columns), 1))
        if changed:
            self.refresh(*changed)

    def grow(self, height: int) -> None:
        """Tell how many lines there are, without a layout of the whole screen."""
        size = Size(self.columns, height)
        if size != self.virtual_size:
            # Assigning it would lay the whole screen out again.
            self.set_reactive(cast("Reactive[Size]", Widget.virtual_size), size)
            self.update_scrollbar()

    def update_scrollbar(self) -> None:
        """Bring the bar up to date; it is painted only when its thumb has moved."""
        if not self.is_attached or not self.show_vertical_scrollbar:
            return
        bar, window, total = self.vertical_scrollbar, self.size.height, self.virtual_size.height
        bar.set_reactive(ScrollBar.window_virtual_size, total)
        bar.set_reactive(ScrollBar.window_size, window)
        bar.set_reactive(ScrollBar.position, int(self.scroll_y * 8) / 8)
        thumb = _thumb(window, total, bar.position)
        moved = max(abs(now - before) for now, before in zip(thumb, self._thumb, strict=True))
        if moved > (EIGHTHS if self.rough else 0):
            self._thumb = thumb
            bar.refresh()

    def _scroll_update(self, virtual_size: Size) -> None:
        """Paint the bar when it changed: Textual does so after every layout of the screen."""
        del virtual_size
        self._refresh_scrollbars()
        self.update_scrollbar()
        self.scroll_y = self.validate_scroll_y(self.scroll_y)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Paint what scrolling changes."""
        self.update_scrollbar()
        if round(old_value) != round(new_value):
            self.update_window()

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint what a selection changes."""
        del selection
        self.update_window()

    def notify_style_update(self) -> None:
        """Forget strips of another theme."""
        super().notify_style_update()
        self._strips.clear()
        self._painted.clear()
        self._wanted.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips to paint."""
        self._painting = True
        try:
            return super().render_lines(crop)
        finally:
            self._painting = False

    def render_line(self, y: int) -> Strip:
        """Return one line of the window."""
        line = self.line(y)
        strip = self._strip_of(line)
        if self._painting:
            if line.same(self._wanted.get(y, line)):
                self._painted[y] = line
            else:
                # It changed since: only as much is written as what was asked for is wide.
                self._painted.pop(y, None)
            return strip
        # Asked for by Textual to find the character below the mouse.
        return strip.apply_offsets(0, self.scroll_offset.y + y)

    def _strip_of(self, line: Line) -> Strip:
        key = (id(line.row), line.gutter, line.spans, self.columns)
        kept = self._strips.get(key)
        if kept is not None and kept[0] is line.row:
            self._strips.move_to_end(key)
            return kept[1]
        strip = self._draw(line)
        self._strips[key] = (line.row, strip)
        if len(self._strips) > STRIPS:
            self._strips.popitem(last=False)
        return strip

    def _draw(self, line: Line) -> Strip:
        content = line.row.content
        for start, end, style in line.spans:
            content = content.stylize(style, start, len(content.plain) if end < 0 else end)
        mark, _, style = line.gutter.partition(" ")
        gutter = Content.styled(f"{mark} ", style) if mark else Content(" " * GUTTER)
        width = self.columns
        content = gutter + content
        content += " " * max(width - content.cell_length, 0)
        base = self.get_visual_style("transcript--text")
        segments = [
            Segment(text, style.rich_style)
            for text, style in content.render(base, end="", parse_style=self._style)
        ]
        strip = Strip(segments, content.cell_length).simplify()
        return strip.adjust_cell_length(width, base.rich_style)

    def _style(self, style: str | Style) -> Style:
        if isinstance(style, Style):
            return style
        if style.startswith("."):
            visual = self.get_visual_style(style[1:], partial=True)
            own = self.get_component_styles(style[1:])
            # Textual 8.2.8 drops this text style, and every background that is not seen through.
            if own.text_style.reverse:
                visual += Style(reverse=True)
            return replace(visual, background=own.background) if own.background.a else visual
        return Style.parse(style)


def _thumb(window: int, total: int, position: float) -> tuple[int, int]:
    """Return where the thumb of a scrollbar begins and ends, in eighths of a cell."""
    if total <= window or not window:
        return 0, 0
    size = max(1.0, window * window / total)
    start = int((window - size) * position / (total - window) * EIGHTHS)
    return start, start + ceil(size * EIGHTHS)

"""The line view below the transcript: entries, heights, painting, following the end."""

from __future__ import annotations

import time
from collections import OrderedDict

from rich.segment import Segment
from textual.content import Content
from textual.events import Resize
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from flux_tui.ui.clock import FrameClock
from flux_tui.ui.widgets.transcript_entries import Entry
from flux_tui.ui.widgets.transcript_heights import Heights
from flux_tui.ui.widgets.transcript_sections import Row

GUTTER = 2
SLACK = 4
"""Rows scrolled at once when a stream reaches the bottom: rows that stay put cost no bytes."""

SLICE = 0.008
"""Seconds spent at once on measuring what is out of sight."""

SLICE_EVERY = 0.05
"""Seconds between two such slices."""

STRIPS = 2_000
KEPT = 64
"""Entries whose rows are kept; the others are built again when they come into sight."""


class EntryView(ScrollView):
    """Shows entries one below the other, and builds only what is in sight.

    Heights are guessed until an entry comes into sight or there is time to measure it; the entry
    at the top of the window stays where it is when a guess above it is corrected.
    """

    follow: reactive[bool] = reactive(True)
    """Whether the view stays at the end as text comes in."""

    def __init__(
        self,
        clock: FrameClock,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._clock = clock
        self._entries: list[Entry] = []
        self._index: dict[str, int] = {}
        self._heights = Heights()
        self._measured: set[str] = set()
        self._strips: OrderedDict[tuple[object, ...], tuple[Row, Strip]] = OrderedDict()
        self._shown: dict[str, list[Row]] = {}  # rows of the last frame, of entries that change
        self._recent: OrderedDict[str, Entry] = OrderedDict()
        self._dirty: set[str] = set()
        self._slack = 0
        self._unmeasured = -1  # entries above this one may be measured when there is time
        self._idling = False
        self._placing = False
        self._wrapped = 0
        self._marked: str | None = None

    # ── content ──

    @property
    def text_width(self) -> int:
        """Cells for text in one row."""
        return max(self.scrollable_content_region.width - GUTTER - 1, 4)

    def _set_entries(self, entries: list[Entry]) -> None:
        self._entries = entries
        self._index = {entry.id: at for at, entry in enumerate(entries)}
        self._recent.clear()
        self._dirty.clear()
        self._rewrap()
        self.follow = True
        self._place_end()

    def _add(self, entry: Entry) -> None:
        self._index[entry.id] = len(self._entries)
        self._entries.append(entry)
        self._heights.append(0)
        self._touch(entry)

    def _replace(self, entry: Entry) -> None:
        at = self._index[entry.id]
        entry.version = self._entries[at].version + 1
        self._entries[at] = entry
        self._recent.pop(entry.id, None)
        self._touch(entry)

    def _touch(self, entry: Entry) -> None:
        self._dirty.add(entry.id)
        self._measured.discard(entry.id)
        self._clock.request()

    def _entry(self, entry_id: str) -> Entry | None:
        at = self._index.get(entry_id)
        return None if at is None else self._entries[at]

    # ── geometry ──

    def _rewrap(self) -> None:
        width = self.text_width
        self._wrapped = width
        self._strips.clear()
        self._measured.clear()
        self._slack = 0
        self._heights = Heights(entry.estimate(width) for entry in self._entries)
        self._measure_end()
        self._unmeasured = len(self._entries) - 1
        self._idle_soon()

    def _measure(self, at: int) -> int:
        entry = self._entries[at]
        if entry.id in self._measured:
            return 0
        self._measured.add(entry.id)
        return self._heights.set(at, len(self._rows(entry)))

    def _measure_end(self) -> None:
        height, at = 0, len(self._entries) - 1
        while at >= 0 and height <= self.size.height:
            self._measure(at)
            height += self._heights[at]
            at -= 1

    def _measure_visible(self) -> None:
        """Measure what the window shows, and keep its first entry where it is."""
        if not self._heights.total:
            return
        line = min(max(self.scroll_offset.y, 0), self._heights.total - 1)
        at, within = self._heights.find(line)
        left = self.size.height + within
        top = at
        self._measure(at)
        while at < len(self._entries) and left > 0:
            self._measure(at)
            left -= self._heights[at]
            at += 1
        self._place(self._heights.top(top) + min(within, self._heights[top] - 1))

    def _rows(self, entry: Entry) -> list[Row]:
        rows = entry.rows(self.text_width)
        self._recent[entry.id] = entry
        self._recent.move_to_end(entry.id)
        if len(self._recent) > KEPT:
            _, old = self._recent.popitem(last=False)
            old.forget()
        return rows

    def _set_height(self) -> None:
        self.virtual_size = Size(self.size.width, self._heights.total + self._slack)

    def _place(self, y: int) -> None:
        self._placing = True
        try:
            self._set_height()
            self.scroll_to(y=y, animate=False, immediate=True, force=True)
        finally:
            self._placing = False

    def _place_end(self) -> None:
        self._place(max(self._heights.total + self._slack - self.size.height, 0))

    # ── frames ──

    def on_mount(self) -> None:
        """Join the clock."""
        self._clock.add(self.paint)

    def on_unmount(self) -> None:
        """Leave the clock."""
        self._clock.remove(self.paint)

    def paint(self) -> None:
        """Bring heights and the window up to date with what has come in."""
        if not self._dirty or not self.size.width:
            return
        before = self._heights.total
        touched = sorted(self._index[key] for key in self._dirty if key in self._index)
        self._dirty.clear()
        for at in touched:
            self._measure(at)
        if self.follow:
            self._follow_end(before)
        elif self._heights.total != before:
            self._set_height()
        self._refresh_entries(touched)

    def _follow_end(self, before: int) -> None:
        grown = self._heights.total - before
        if 0 <= grown <= self._slack:
            self._slack -= grown
            return
        self._slack = SLACK if self._heights.total > self.size.height > 3 * SLACK and before else 0
        self._place_end()

    def _measure_more(self) -> None:
        """Measure entries out of sight, nearest the end first, while nothing else is to do."""
        self._idling = False
        if self._dirty or not self.is_attached or self.text_selection is not None:
            return
        until = time.monotonic() + SLICE
        at = self._unmeasured
        first = self.scroll_offset.y
        shift = 0
        while at >= 0 and time.monotonic() < until:
            above = self._heights.top(at) + self._heights[at] <= first + shift
            grown = self._measure(at)
            shift += grown if above else 0
            at -= 1
        self._unmeasured = at
        if self.follow:
            self._place_end()
        else:
            self._place(first + shift)
        self._idle_soon()

    def _idle_soon(self) -> None:
        if self._unmeasured >= 0 and not self._idling and self.is_running:
            self._idling = True
            self.set_timer(SLICE_EVERY, self._measure_more)

    def _refresh_entries(self, touched: list[int]) -> None:
        first, height = self.scroll_offset.y, self.size.height
        for at in touched:
            top = self._heights.top(at) - first + self._same_rows(self._entries[at])
            bottom = self._heights.top(at) - first + self._heights[at]
            if bottom > 0 and top < height:
                self.refresh(Region(0, max(top, 0), self.size.width, height - max(top, 0)))

    def _same_rows(self, entry: Entry) -> int:
        """Return how many rows at its beginning an entry kept since the last frame."""
        rows, before = self._rows(entry), self._shown.get(entry.id, [])
        self._shown = {entry.id: rows}
        same = 0
        for row, old in zip(rows, before, strict=False):
            if row is not old:
                break
            same += 1
        return same

    def _settle(self) -> None:
        """Take back the empty rows at the end when a stream is over."""
        if self._slack:
            self._slack = 0
            if self.follow:
                self._place_end()
            else:
                self._set_height()

    def on_resize(self, event: Resize) -> None:
        """Wrap what is in sight for the new width; the first entry in sight stays first."""
        del event
        if self.text_width == self._wrapped:
            if self.follow:
                self._place_end()
            return
        at = within = 0
        if self._heights.total:
            at, within = self._heights.find(
                min(max(self.scroll_offset.y, 0), self._heights.total - 1)
            )
        self._rewrap()
        if self.follow or not self._entries:
            self._place_end()
        else:
            self._place(self._heights.top(at) + min(within, self._heights[at] - 1))
            self._measure_visible()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Leave the end on any scroll upwards, and stay there again when it is reached."""
        super().watch_scroll_y(old_value, new_value)
        if not self._placing and round(old_value) != round(new_value):
            self.follow = round(new_value) >= self.max_scroll_y
            self._measure_visible()

    # ── painting ──

    def notify_style_update(self) -> None:
        """Forget strips of another theme."""
        super().notify_style_update()
        if hasattr(self, "_strips"):
            self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """Return one line of the window."""
        line = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if not 0 <= line < self._heights.total:
            return Strip.blank(width, self.rich_style)
        at, within = self._heights.find(line)
        entry = self._entries[at]
        rows = self._rows(entry)
        row = rows[within] if within < len(rows) else Row(Content(""))
        selection = self.text_selection
        span = selection.get_span(line) if selection is not None else None
        # Rows outlive frames: a reply that grows keeps the strips of its closed blocks.
        key = (id(row), width, self._gutter(entry, within).plain)
        kept = self._strips.get(key) if span is None else None
        if kept is not None and kept[0] is row:
            self._strips.move_to_end(key)
            return kept[1].apply_offsets(0, line)
        strip = self._strip(entry, row, width, within, span)
        if span is None:
            self._strips[key] = (row, strip)
            if len(self._strips) > STRIPS:
                self._strips.popitem(last=False)
        return strip.apply_offsets(0, line)

    def _strip(
        self, entry: Entry, row: Row, width: int, within: int, span: tuple[int, int] | None
    ) -> Strip:
        content = self._gutter(entry, within) + row.content
        if span is not None:
            start, end = span
            end = len(content.plain) if end == -1 else end
            content = content.stylize(
                ".transcript--selection", max(start, GUTTER), max(end, GUTTER)
            )
        base = self.get_visual_style("transcript--text")
        segments = [
            Segment(text, style.rich_style)
            for text, style in content.render(base, end="", parse_style=self._style)
        ]
        return Strip(segments, content.cell_length).adjust_cell_length(width, base.rich_style)

    def _gutter(self, entry: Entry, within: int) -> Content:
        if not within:
            return Content("  ")
        if entry.id == self._marked:
            return Content.styled("┃ ", ".transcript--marked")
        if entry.role == "user":
            return Content.styled("▌ ", ".transcript--user-bar")
        return Content("  ")

    def _style(self, style: str | Style) -> Style:
        if isinstance(style, Style):
            return style
        if style.startswith("."):
            return self.get_visual_style(style[1:], partial=True)
        return Style.parse(style)

    # ── selection ──

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the source of whole messages and the visible text of parts of them."""
        total = self._heights.total
        if not total:
            return None
        first = max(selection.start.y if selection.start else 0, 0)
        last = min(selection.end.y if selection.end else total - 1, total - 1)
        if first > last:
            return None
        pieces: list[str] = []
        at, _ = self._heights.find(first)
        while at < len(self._entries) and self._heights.top(at) <= last:
            self._measure(at)
            if piece := self._selected(at, selection):
                pieces.append(piece)
            at += 1
        return "\n\n".join(pieces), "\n"

    def _selected(self, at: int, selection: Selection) -> str:
        entry, top = self._entries[at], self._heights.top(at)
        lines: list[str] = []
        whole = True
        for within, row in enumerate(self._rows(entry)):
            text = row.content.plain
            span = selection.get_span(top + within)
            start, end = (0, 0) if span is None else span
            end = len(text) if end == -1 else end - GUTTER
            start = max(start - GUTTER, 0)
            piece = text[start : max(end, 0)]
            whole = whole and piece.strip() == text.strip()
            if span is not None:
                lines.append(piece.rstrip())
        source = entry.source()
        return source if whole and source else "\n".join(lines).strip("\n")

"""The line view below the transcript: entries, heights, following the end, keeping its place."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from textual.events import Resize
from textual.message import Message as Notice
from textual.reactive import reactive

from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.rows import Row
from flux_tui.ui.widgets.transcript_entries import Entry
from flux_tui.ui.widgets.transcript_heights import Heights
from flux_tui.ui.widgets.transcript_layout import Layout
from flux_tui.ui.widgets.transcript_lines import GUTTER, LineView
from flux_tui.ui.widgets.transcript_pieces import Piece

SLACK = 8
"""Rows scrolled at once when a stream reaches the bottom: rows that stay put cost no bytes."""

SLICE = 0.008
"""Seconds spent at once on measuring what is out of sight."""

SLICE_EVERY = 0.05
"""Seconds between two such slices."""

AHEAD = 1_000
"""Rows above and below the window that are measured in advance, while nothing else is to do."""

ROWS = 2_000
"""Rows in memory, at the least those in sight; what is freed is built again."""

ENTRIES = 200
"""Entries whose pieces are kept."""


@dataclass(frozen=True, slots=True)
class Place:
    """A row: of which entry, of which of its pieces, and where in that."""

    at: int
    number: int
    within: int


class EntryView(LineView):
    """Shows entries one below the other, and builds only what is in sight.

    Heights are guessed until a piece comes into sight or there is time to measure it; the row at
    the top of the window stays where it is when a guess above it is corrected.
    """

    class Measured(Notice):
        """What is around the window is no longer guessed."""

    follow: reactive[bool] = reactive(True, repaint=False)
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
        self._dirty: set[str] = set()
        self._pieces: OrderedDict[int, Piece] = OrderedDict()  # those with rows, oldest first
        self._rows = 0
        self._used: OrderedDict[str, Entry] = OrderedDict()
        self._slack = 0
        self._reach = 0  # a line beyond the end that may stand at the top of the window, too
        self._ahead: Iterator[None] | None = None  # measures around the window, step by step
        self._idling = False
        self._placing = False
        self._wrapped = 0
        self.streaming = False

    # ── content ──

    @property
    def text_width(self) -> int:
        """Cells for text in one row; after a resize the old ones, until all is wrapped anew."""
        return self._wrapped or self._room

    @property
    def _room(self) -> int:
        return max(self.columns - GUTTER - 1, 4)

    def _set_entries(self, entries: list[Entry]) -> None:
        self._entries = entries
        self._index = {entry.id: at for at, entry in enumerate(entries)}
        self._dirty.clear()
        self._used.clear()
        self._pieces.clear()
        self._rows = self._reach = 0
        self.follow = True
        self._rewrap()
        self._place_end()
        self.update_window()

    def _add(self, entry: Entry) -> None:
        self._index[entry.id] = len(self._entries)
        self._entries.append(entry)
        self._heights.append(0)
        self._touch(entry)

    def _replace(self, entry: Entry) -> None:
        self._entries[self._index[entry.id]] = entry
        self._used.pop(entry.id, None)
        self._touch(entry)

    def _touch(self, entry: Entry) -> None:
        self._dirty.add(entry.id)
        self._clock.request()

    def _entry(self, entry_id: str) -> Entry | None:
        at = self._index.get(entry_id)
        return None if at is None else self._entries[at]

    # ── geometry ──

    def _rewrap(self) -> None:
        width = self._wrapped = self._room
        self._slack = 0
        self._heights = Heights(
            entry.lay_out(width).heights.total if entry.laid_out else entry.estimate(width)
            for entry in self._entries
        )
        self._measure_end()
        self._look_ahead()

    def _layout(self, at: int) -> Layout:
        entry = self._entries[at]
        layout = entry.lay_out(self.text_width)
        self._heights.set(at, layout.heights.total)
        self._used[entry.id] = entry
        self._used.move_to_end(entry.id)
        if len(self._used) > ENTRIES:
            _, old = self._used.popitem(last=False)
            old.forget()
        return layout

    def _measure(self, at: int, number: int) -> None:
        """Make the height of one piece exact."""
        layout = self._layout(at)
        piece = layout.pieces[number]
        if not piece.known(layout.width):
            self._rows_of(piece)
        layout.measure(number)
        self._heights.set(at, layout.heights.total)

    def _measure_end(self) -> None:
        height, at = 0, len(self._entries) - 1
        while at >= 0 and height <= self.size.height:
            layout = self._layout(at)
            for number in range(len(layout.pieces) - 1, -1, -1):
                self._measure(at, number)
                height += layout.heights[number]
                if height > self.size.height:
                    break
            at -= 1

    def _measure_down(self, place: Place, rows: int) -> int:
        """Measure *rows* rows from the piece of *place* on; return how many are missing."""
        at, number = place.at, place.number
        rows += place.within
        while rows > 0 and at < len(self._entries):
            layout = self._layout(at)
            while rows > 0 and number < len(layout.pieces):
                self._measure(at, number)
                rows -= layout.heights[number]
                number += 1
            at, number = at + 1, 0
        return max(rows, 0)

    def _place_of(self, line: int) -> Place:
        """Return what covers a line; its piece may be guessed."""
        at, within = self._heights.find(line)
        layout = self._layout(at)
        number, within = layout.heights.find(min(within, layout.heights.total - 1))
        return Place(at, number, within)

    def _line_of(self, place: Place) -> int:
        heights = self._layout(place.at).heights
        within = min(place.within, max(heights[place.number] - 1, 0))
        return self._heights.top(place.at) + heights.top(place.number) + within

    def _top_place(self) -> Place | None:
        total = self._heights.total
        return self._place_of(min(max(self.scroll_offset.y, 0), total - 1)) if total else None

    def _measure_visible(self) -> None:
        """Measure what the window shows, and keep its first row where it is."""
        top = self._top_place()
        if top is None:
            return
        missing = self._measure_down(top, self.size.height)
        if missing and self._heights.total > self.size.height:
            self._measure_end()
        self._go(self._line_of(top))

    def _rows_of(self, piece: Piece) -> list[Row]:
        before = piece.built
        rows = piece.rows(self.text_width)
        key = id(piece)
        if key in self._pieces:
            self._rows += len(rows) - before
            self._pieces.move_to_end(key)
        else:
            self._rows += len(rows)
            self._pieces[key] = piece
            if job := piece.job():
                self._colour(job)
        while self._rows > ROWS and len(self._pieces) > 2 * self.size.height:
            _, old = self._pieces.popitem(last=False)
            self._rows -= old.built
            old.forget()
        return rows

    def _colour(self, job: Callable[[], Callable[[], None]]) -> None:
        def work() -> None:
            take = job()
            self.app.call_from_thread(self._coloured, take)

        self.run_worker(work, thread=True, exit_on_error=False, group="colour")

    def _coloured(self, take: Callable[[], None]) -> None:
        take()
        self.update_window()

    @property
    def _last_top(self) -> int:
        """The line at the top of the window when the text ends at its bottom."""
        return max(self._heights.total + self._slack - self.size.height, 0)

    @property
    def _ended(self) -> bool:
        """Whether the window stands at the end, and not in the room that `_reach` makes below."""
        below = max(self._reach - self._last_top, 0)
        y, end = round(self.scroll_y), self.max_scroll_y - below
        return y == end if below else y >= end

    def _set_height(self) -> None:
        text = self._heights.total + self._slack
        self.grow(self._reach + self.size.height if self._reach > self._last_top else text)

    def _go(self, y: int) -> None:
        """Scroll to a line without taking it for the reader's own wish."""
        self._placing = True
        # What is measured above moves all lines, those in the room below the end as well.
        self._reach = max(self._reach, y) if self._reach else 0
        try:
            self._set_height()
            self.scroll_to(y=y, animate=False, immediate=True, force=True)
        finally:
            self._placing = False

    def _scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> bool:
        # An animated scroll that is placed anew on its way makes Textual's animator fail.
        options.update(animate=False)
        return super()._scroll_to(x, y, **options)

    def _place_end(self) -> None:
        self._go(self._last_top)

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
        top = None if self.follow else self._top_anchor()
        touched = sorted(self._index[key] for key in self._dirty if key in self._index)
        self._dirty.clear()
        for at in touched:
            self._layout(at)
        if self.follow:
            self._measure_end()
            self._follow_end(before)
        else:
            self._slack = self._slack if self.streaming else 0
            self._restore(top)
        self.update_window()

    def _top_anchor(self) -> tuple[Place, Piece] | None:
        """Return the row at the top of the window, by the piece it belongs to."""
        top = self._line_anchor()
        if top is None:
            return None
        return top, self._entries[top.at].layout.pieces[top.number]

    def _line_anchor(self) -> Place | None:
        total = self._heights.total
        if not total:
            return None
        at, within = self._heights.find(min(max(self.scroll_offset.y, 0), total - 1))
        # The entry as it was painted: it may have changed since, and is laid out after this.
        layout = self._entries[at].layout
        if not layout.pieces or not layout.heights.total:
            layout = self._layout(at)
        number, within = layout.heights.find(min(within, layout.heights.total - 1))
        return Place(at, number, within)

    def _restore(self, anchor: tuple[Place, Piece] | None) -> None:
        """Put the row that was at the top of the window there again."""
        if anchor is None:
            self._set_height()
            return
        place, piece = anchor
        pieces = self._layout(place.at).pieces
        number = next((n for n, other in enumerate(pieces) if other is piece), -1)
        if number < 0:
            number = min(place.number, len(pieces) - 1)
        place = Place(place.at, number, place.within)
        self._measure_down(place, self.size.height)
        self._go(self._line_of(place))

    def _follow_end(self, before: int) -> None:
        grown = self._heights.total - before
        if self.streaming and 0 <= grown <= self._slack:
            self._slack -= grown
            return
        # Rows that stay put cost no bytes: leave some empty below the text, and scroll seldom.
        more = self.streaming and grown and before and self._heights.total > self.size.height
        self._slack = min(SLACK, self.size.height // 4) if more else 0
        self.rough = self.streaming
        self._place_end()
        self.update_scrollbar()

    def _stream(self, going_on: bool) -> None:
        """Tell whether text comes in; afterwards the empty rows at the end are taken back."""
        self.streaming = going_on
        if not going_on and self._entries:
            self._touch(self._entries[-1])

    # ── idle time ──

    def _look_ahead(self) -> None:
        """Measure around the window and split giants while nothing else is to do."""
        self._ahead = self._steps()
        self._idle_soon()

    def _steps(self) -> Iterator[None]:
        top = self._top_place()
        if top is None:
            return
        visible = range(top.at, min(top.at + 3, len(self._entries)))
        for at in [*visible, *range(top.at - 1, max(top.at - 3, -1), -1)]:
            while at < len(self._entries) and self._entries[at].advance():
                self._layout(at)
                yield
        yield from self._steps_up(top)

    def _steps_up(self, top: Place, first: int = 0) -> Iterator[None]:
        at, number, rows = top.at, top.number, AHEAD
        while rows > 0 and first <= at < len(self._entries):
            pieces = self._layout(at).pieces
            number = min(number, len(pieces)) - 1
            while number >= 0 and rows > 0:
                if number < len(self._layout(at).pieces):
                    self._measure(at, number)
                    rows -= self._entries[at].layout.heights[number]
                number -= 1
                yield
            at, number = at - 1, 1 << 30

    def _measure_more(self) -> None:
        self._idling = False
        if not self.is_attached or self._ahead is None or not self.size.width:
            return
        if not self._dirty and self.text_selection is None:
            until = time.monotonic() + SLICE
            anchor = self._top_anchor()
            for _ in self._ahead:
                if time.monotonic() >= until:
                    break
            else:
                self._ahead = None
                self.post_message(self.Measured())
            self._dirty.clear()
            if self.follow:
                self._measure_end()
                self._place_end()
            else:
                self._restore(anchor)
            self.update_window()
        self._idle_soon()

    def _idle_soon(self) -> None:
        if self._ahead is not None and not self._idling and self.is_running:
            self._idling = True
            self.set_timer(SLICE_EVERY, self._measure_more)

    # ── the reader ──

    def on_resize(self, event: Resize) -> None:
        """Wrap what is in sight for the new width; the first row in sight stays first."""
        del event
        self._painted.clear()
        if self._room == self._wrapped:
            if self.follow:
                self._measure_end()
                self._place_end()
            else:
                self._measure_visible()
        else:
            anchor = None if self.follow else self._line_anchor()
            share = self._share_of(anchor) if anchor else 0.0
            self._rewrap()
            if anchor is None:
                self._place_end()
            else:
                self._measure(anchor.at, anchor.number)
                height = self._entries[anchor.at].layout.heights[anchor.number]
                place = Place(anchor.at, anchor.number, int(share * height))
                self._measure_down(place, self.size.height)
                self._go(self._line_of(place))
        self.refresh()
        if self._dirty:  # what came while there was no room was not painted
            self._clock.request()

    def _share_of(self, place: Place) -> float:
        """Return how far into its piece a row is, 0 to 1."""
        height = self._entries[place.at].layout.heights[place.number]
        return place.within / height if height else 0.0

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Leave the end on any scroll upwards, and stay there again when it is reached."""
        if not self._placing and round(old_value) != round(new_value):
            self.rough = False
            self._measure_visible()
            self.follow = self._ended  # once the rows in sight are no longer guessed
            self._look_ahead()
        super().watch_scroll_y(old_value, new_value)

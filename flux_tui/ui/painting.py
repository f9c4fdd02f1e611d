"""Gets what has changed onto the terminal: soon, and with no more work than it takes.

Private names of Textual 8.2.8 are used here, hence the exact pin and the test of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from textual import events
from textual import screen as textual_screen
from textual._compositor import ChopsUpdate, Compositor
from textual._context import visible_screen_stack
from textual.geometry import Region
from textual.strip import Strip

if TYPE_CHECKING:
    from textual.widget import Widget

UPDATE = 1 / 120
"""Seconds between two updates of the screen at the least, whatever asks for them."""

Chops: TypeAlias = dict[int, Strip | None]
"""A line of the screen: its parts, by the cell where each begins."""

Span: TypeAlias = tuple[int, int]
"""Cells of a line: from, to."""


def quicken() -> None:
    """Let screens made from now on be updated sooner and cheaper than Textual does by itself.

    What comes just after one of its updates waits for up to two of its periods, 33 ms. Streams
    keep the pace of their `FrameClock`, so nothing is painted more often for it.
    """
    textual_screen.UPDATE_PERIOD = UPDATE
    textual_screen.Compositor = LeanCompositor  # pyright: ignore[reportPrivateImportUsage]


def paint_now(widget: Widget) -> None:
    """Paint what has changed of *widget* before anything else is done, as far as its place allows.

    A key would else wait for a dozen messages and the next update of the screen. A widget whose
    size is about to change is painted again by that update; so is one that has more keys to take.
    """
    screen: Any = widget.screen
    app: Any = widget.app
    if not app.screen_stack or screen is not app.screen or app._batch_count:
        return
    if isinstance(getattr(widget, "_pending_message", None), events.Key):
        return
    compositor = screen._compositor
    waiting, compositor._dirty_regions = compositor._dirty_regions, set()
    try:
        compositor.update_widgets({widget})
        visible_screen_stack.set(app._background_screens)
        app._display(screen, compositor.render_partial_update())
    finally:
        compositor._dirty_regions = waiting


class LeanCompositor(Compositor):
    """Renders the lines that have changed, of the widgets that show there, and no others.

    Textual renders every widget in whole that overlaps the rectangle around all changes: for a
    character in the last line and a word in the first that is the screen, though only the two are
    written.
    """

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return what writes the changes to the terminal; None if there are none."""
        screen = self.size.region
        regions = {region.intersection(screen) for region in self._dirty_regions}
        self._dirty_regions.clear()
        spans = list(self._regions_to_spans(region for region in regions if region))
        if not spans:
            return None
        wanted: dict[int, list[Span]] = {}
        for y, left, right in spans:
            wanted.setdefault(y, []).append((left, right))
        return ChopsUpdate(self._chops(wanted), spans, [cuts[1:] for cuts in self.cuts])

    def _chops(self, wanted: dict[int, list[Span]]) -> Sequence[Chops]:
        """Return the parts of every line that overlap what is *wanted* of it."""
        cuts = self.cuts
        chops: list[Chops] = [
            cast("Chops", dict.fromkeys(cuts[y][:-1])) if y in wanted else {}
            for y in range(len(cuts))
        ]
        empty = {y: _overlapped(cuts[y], spans) for y, spans in wanted.items()}
        for widget, (region, clip) in self.visible_widgets.items():  # front to back
            shown = region.intersection(clip)
            rows = [y for y in shown.line_range if empty.get(y)] if shown else []
            rows = [y for y in rows if any(shown.x <= x < shown.right for x in empty[y])]
            for first, last in _runs(rows):
                crop = Region(shown.x - region.x, first - region.y, shown.width, last - first)
                for y, strip in zip(range(first, last), widget.render_lines(crop), strict=False):
                    self._put(strip, shown, cuts[y], chops[y], empty[y])
        return chops

    def _put(
        self, strip: Strip, shown: Region, cuts: list[int], chops: Chops, empty: set[int]
    ) -> None:
        """Fill the empty parts of a line that a widget covers: what is in front was there first."""
        own = [cut for cut in cuts if shown.x <= cut <= shown.right]
        parts = strip.divide([cut - shown.x for cut in own[1:]])
        for cut, part in zip(own, parts, strict=False):
            if cut in empty:
                chops[cut] = part
                empty.discard(cut)


def _overlapped(cuts: list[int], spans: list[Span]) -> set[int]:
    """Return where the parts of a line begin that overlap one of *spans*."""
    return {
        begin
        for begin, end in pairwise(cuts)
        if any(begin < right and end > left for left, right in spans)
    }


def _runs(rows: list[int]) -> list[Span]:
    """Return consecutive *rows* as ranges."""
    runs: list[Span] = []
    for y in rows:
        if runs and runs[-1][1] == y:
            runs[-1] = (runs[-1][0], y + 1)
        else:
            runs.append((y, y + 1))
    return runs

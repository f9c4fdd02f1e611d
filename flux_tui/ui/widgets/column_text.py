"""The transcript of one column, which can stand at the same place as another's; and a diff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message as Notice

from flux_tui.session.answer_diff import Span
from flux_tui.ui.render.labels import assemble, plain
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.transcript import Transcript
from flux_tui.ui.widgets.transcript_reading import Goal


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that means the same in every column.

    `turn` counts the user's messages from 1, `heading` those of the answer's Markdown, 0 before
    the first one; `rows` are below that. `end` says that the reader stays at the end.
    """

    turn: int
    heading: int
    rows: int
    end: bool = False


class ColumnText(Transcript):
    """A transcript that tells where its reader goes, and goes where another one is."""

    class Moved(Notice):
        """The reader has scrolled."""

        def __init__(self, text: ColumnText) -> None:
            super().__init__()
            self.text = text

    class AdoptWished(Notice):
        """Enter where nothing is chosen."""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell of the reader's own scrolling."""
        super().watch_scroll_y(old_value, new_value)
        if not self._placing and round(old_value) != round(new_value):
            self.post_message(self.Moved(self))

    def action_first(self) -> None:
        """Go to the beginning, and tell."""
        super().action_first()
        self.post_message(self.Moved(self))

    def action_last(self) -> None:
        """Go to the end, and tell."""
        super().action_last()
        self.post_message(self.Moved(self))

    def action_go(self, goal: Goal, step: int) -> None:
        """Choose the next or previous message or block, and tell."""
        super().action_go(goal, step)
        self.post_message(self.Moved(self))

    def action_open(self) -> None:
        """Open what is chosen; nothing is: the user wants this column."""
        if self.selected is None:
            self.post_message(self.AdoptWished())
        else:
            super().action_open()

    def spot(self) -> Spot | None:
        """Return where the window begins."""
        top = self._top_place()
        if top is None:
            return None
        line = self._line_of(top)
        starts = self._turns()
        turn = sum(at <= top.at for at in starts)
        if not turn:
            return Spot(0, 0, line, self.follow)
        begin = self._heights.top(starts[turn - 1])
        heads = [head for head in self._headings(turn) if head <= line]
        base = heads[-1] if heads else begin
        return Spot(turn, len(heads), line - base, self.follow)

    def stand(self, spot: Spot, *, by_heading: bool) -> None:
        """Go to *spot*, or as near as this column has; *by_heading* also within a turn."""
        if spot.end:
            super().action_last()
            return
        starts = self._turns()
        if spot.turn > len(starts):
            super().action_last()
            return
        begin = self._heights.top(starts[spot.turn - 1]) if spot.turn else 0
        after = starts[spot.turn] if spot.turn < len(starts) else len(self._entries)
        end = self._heights.top(after) if after < len(self._entries) else self._heights.total
        rows = spot.rows
        heads = self._headings(spot.turn) if by_heading and spot.turn else []
        if heads and spot.heading:
            number = min(spot.heading, len(heads))
            begin = heads[number - 1]
            end = heads[number] if number < len(heads) else end
        self.follow = False
        self._go(max(min(begin + rows, end - 1), 0))
        self._measure_visible()
        self.follow = self.scroll_offset.y >= self.max_scroll_y
        self.update_window()

    def rows_above(self, spot: Spot) -> int:
        """Return how many rows of the turn lie above *spot*, headings or not."""
        starts = self._turns()
        if not 0 < spot.turn <= len(starts):
            return spot.rows
        heads = self._headings(spot.turn)
        begin = self._heights.top(starts[spot.turn - 1])
        base = heads[spot.heading - 1] if 0 < spot.heading <= len(heads) else begin
        return base + spot.rows - begin

    def _turns(self) -> list[int]:
        """Return the places of the user's messages."""
        return [at for at, entry in enumerate(self._entries) if entry.role == "user"]

    def _headings(self, turn: int) -> list[int]:
        """Return the lines of the headings of a turn's answers."""
        starts = self._turns()
        end = starts[turn] if turn < len(starts) else len(self._entries)
        found: list[int] = []
        for at in range(starts[turn - 1] + 1, end):
            layout = self._layout(at)
            for number, piece in enumerate(layout.pieces):
                if piece.kind == "prose" and piece.source.lstrip("\n").startswith("#"):
                    found.append(self._heights.top(at) + layout.heights.top(number))
        return found


class DiffText(VerticalScroll, can_focus=True):
    """An answer as it was written, with marks on what another one does not have."""

    class Moved(Notice):
        """The reader has scrolled: `share` of the way, 0 to 1."""

        def __init__(self, view: DiffText, share: float) -> None:
            super().__init__()
            self.view, self.share = view, share

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(Plain(classes="diff-text"), classes=classes)
        self._led = False

    def show(self, title: str, text: str, spans: Sequence[Span]) -> None:
        """Show *text* below *title*, with *spans* of it marked."""
        content = Content(text)
        for span in spans:
            content = content.stylize("bold underline $warning", span.start, span.end)
        head = assemble((f"{title}\n\n", "$secondary"))
        self.query_one(Plain).update(head + content)
        self.scroll_home(animate=False)

    def stand(self, share: float) -> None:
        """Scroll as far as another one is, without telling."""
        self._led = True
        self.scroll_to(y=round(share * self.max_scroll_y), animate=False, immediate=True)
        self._led = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell of the reader's own scrolling."""
        super().watch_scroll_y(old_value, new_value)
        if not self._led and round(old_value) != round(new_value) and self.max_scroll_y:
            self.post_message(self.Moved(self, new_value / self.max_scroll_y))


def clean(text: str) -> str:
    """Return *text* as a diff shows it, so that places in it are places on the screen."""
    return plain(text).plain

"""The transcript of one column, which can stand at the same place as another's; and a diff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message as Notice

from flux_tui.session.answer_diff import Span
from flux_tui.ui.render.labels import assemble, plain
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.transcript import Transcript
from flux_tui.ui.widgets.transcript_reading import Goal
from flux_tui.ui.widgets.transcript_view import Place

Together: TypeAlias = Literal["turn", "heading", "block", "off"]
"""What is kept level in all columns while one is scrolled."""

_BLOCKS = frozenset({"prose", "code", "table"})
"""Kinds of pieces that answers have in common; what only one vendor sends would shift the rest."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that means the same in every column.

    Attributes:
        turn: counts the user's messages from 1; 0 before the first.
        rows: below the beginning of the turn.
        heading: counts those of the answer's Markdown from 1; 0 before the first.
        below: rows below that heading, or the turn's beginning.
        block: counts paragraphs, lists, tables and code below the heading from 0; -1 before them.
        share: how much of that block lies above, 0 to 1.
        end: whether the reader stays at the end.
    """

    turn: int
    rows: int
    heading: int = 0
    below: int = 0
    block: int = -1
    share: float = 0.0
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
            return Spot(0, line, below=line, end=self.follow)
        begin = self._heights.top(starts[turn - 1])
        groups = self._groups(turn)
        heading = sum(self._line_of(group[0]) <= line for group in groups[1:])
        base = self._line_of(groups[heading][0]) if heading else begin
        above = [place for place in groups[heading] if self._line_of(place) <= line]
        share = 0.0
        if above:
            height = self._layout(above[-1].at).heights[above[-1].number]
            share = (line - self._line_of(above[-1])) / max(height, 1)
        return Spot(
            turn=turn,
            rows=line - begin,
            heading=heading,
            below=line - base,
            block=len(above) - 1,
            share=min(share, 1.0),
            end=self.follow,
        )

    def stand(self, spot: Spot, by: Together) -> None:
        """Go to *spot*, or as near as this column has, with its turn, heading or block level."""
        starts = self._turns()
        if spot.end or spot.turn > len(starts):
            super().action_last()
            return
        self.follow = False
        self._go(max(self._line_at(spot, by, starts), 0))
        self._measure_visible()
        self.follow = self.scroll_offset.y >= self.max_scroll_y
        self.update_window()

    def _line_at(self, spot: Spot, by: Together, starts: list[int]) -> int:
        begin = self._heights.top(starts[spot.turn - 1]) if spot.turn else 0
        after = starts[spot.turn] if spot.turn < len(starts) else len(self._entries)
        end = self._heights.top(after) if after < len(self._entries) else self._heights.total
        if by == "turn" or not spot.turn:
            return min(begin + spot.rows, end - 1)
        groups = self._groups(spot.turn)
        number = min(spot.heading, len(groups) - 1)
        if number:
            begin = self._line_of(groups[number][0])
            end = self._line_of(groups[number + 1][0]) if number + 1 < len(groups) else end
        if by == "heading" or spot.block < 0 or not groups[number]:
            return min(begin + spot.below, end - 1)
        place = groups[number][min(spot.block, len(groups[number]) - 1)]
        self._measure(place.at, place.number)
        height = self._layout(place.at).heights[place.number]
        share = spot.share if spot.block < len(groups[number]) else 1.0
        return self._line_of(place) + min(round(share * height), max(height - 1, 0))

    def _turns(self) -> list[int]:
        """Return the places of the user's messages."""
        return [at for at, entry in enumerate(self._entries) if entry.role == "user"]

    def _groups(self, turn: int) -> list[list[Place]]:
        """Return the blocks of a turn: those before its first heading, then heading by heading."""
        starts = self._turns()
        end = starts[turn] if turn < len(starts) else len(self._entries)
        groups: list[list[Place]] = [[]]
        for at in range(starts[turn - 1], end):
            answer = self._entries[at].role != "user"
            for number, piece in enumerate(self._layout(at).pieces):
                if piece.kind not in _BLOCKS:
                    continue
                prose = answer and piece.kind == "prose"
                if prose and piece.source.lstrip("\n").startswith("#"):
                    groups.append([])
                groups[-1].append(Place(at, number, 0))
        return groups


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

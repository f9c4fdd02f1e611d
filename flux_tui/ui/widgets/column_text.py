"""The transcript of one column, which can stand at the same place as another's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from textual import events
from textual.message import Message as Notice

from flux_tui.ui.widgets.transcript import Transcript
from flux_tui.ui.widgets.transcript_reading import Goal
from flux_tui.ui.widgets.transcript_view import Place

Together: TypeAlias = Literal["turn", "heading", "block", "off"]
"""What is kept level in all columns while one is scrolled."""

_BLOCKS = frozenset({"prose", "code", "table"})
"""Kinds of pieces that answers have in common; what only one vendor sends would shift the rest."""

_TRIES = 6
"""How often a line is looked for whose place moves as the rows around it are measured."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that means the same in every column.

    Attributes:
        turn: counts the user's messages from 1; 0 before the first.
        rows: below the beginning of the turn.
        heading: counts those of the answer's Markdown from 1; 0 before the first.
        below: rows below that heading, or the turn's beginning.
        left: rows to the end of the turn.
        remains: rows to the next heading, or the end of the turn.
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
    left: int = 0
    remains: int = 0
    end: bool = False


class ColumnText(Transcript):
    """A transcript that tells where its reader goes, and goes where another one is."""

    class Moved(Notice):
        """The reader has scrolled; *to_end*: has asked for the end."""

        def __init__(self, text: ColumnText, *, to_end: bool = False) -> None:
            super().__init__()
            self.text, self.to_end = text, to_end

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
        self.post_message(self.Moved(self, to_end=True))

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
        self._measure_turn()
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
        end = self._end_of(turn)
        last = heading + 1 == len(groups)
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
            left=end - line,
            remains=(end if last else self._line_of(groups[heading + 1][0])) - line,
            end=self.follow,
        )

    def stand(self, spot: Spot, by: Together, *, to_end: bool = False) -> None:
        """Go to *spot*, with its turn, heading or block level, though nothing may be below.

        What this column does not have is stood near to. *to_end* goes to the end instead, if that
        is where *spot* is.
        """
        if spot.turn > len(self._turns()) or (spot.end and to_end):
            super().action_last()
            return
        self.follow = False
        before, line = round(self.scroll_y), -1
        for _ in range(_TRIES):
            last, line = line, max(self._line_at(spot, by), 0)
            if line == last == round(self.scroll_y):
                break  # else what was measured above has moved the window
            self._reach = line if line > self._last_top else 0
            self._go(line)
            self._measure_visible()
            self._measure_turn()
        self.follow = self._ended
        if round(self.scroll_y) != before:
            self._look_ahead()
        self.update_window()

    def _measure_turn(self) -> None:
        """Make the rows above the window exact that are counted from the turn's beginning.

        As many of them as can be wrapped at once: the rest is measured in idle time.
        """
        top = self._top_place()
        if top is None:
            return
        first = max((at for at in self._turns() if at <= top.at), default=0)
        for _ in self._steps_up(top, first):
            pass
        self._go(self._line_of(top))

    @property
    def below(self) -> int:
        """How many rows of the last turn stand above the window at the end of the text."""
        starts = self._turns()
        return max(self._last_top - self._heights.top(starts[-1]), 0) if starts else 0

    def make_room(self, rows: int) -> None:
        """Let the reader go on until *rows* of the last turn are above, though nothing is below."""
        starts = self._turns()
        line = self._heights.top(starts[-1]) + rows if starts else 0
        line = max(min(line, self._heights.total - 1), round(self.scroll_y))
        self._reach = line if line > self._last_top else 0
        self._set_height()

    def end_room(self) -> None:
        """Have nothing below the end any more."""
        if self._reach:
            self._reach = 0
            self._go(min(round(self.scroll_y), self._last_top))
            self.follow = self._ended
            self.update_window()

    def on_resize(self, event: events.Resize) -> None:
        """Forget the room below the end: it was counted in rows of another width."""
        del event
        self._reach = 0

    def _line_at(self, spot: Spot, by: Together) -> int:
        begin = self._heights.top(self._turns()[spot.turn - 1]) if spot.turn else 0
        end = self._end_of(spot.turn)
        if by == "turn" or not spot.turn:
            return begin + self._held(spot.rows, end - begin, spot.left)
        groups = self._groups(spot.turn)
        number = min(spot.heading, len(groups) - 1)
        last = number + 1 == len(groups)
        if number:
            begin = self._line_of(groups[number][0])
        end = end if last else self._line_of(groups[number + 1][0])
        if by == "heading" or spot.block < 0 or not groups[number]:
            rows = spot.below if number == spot.heading else end - begin
            left = spot.left if last else spot.remains
            return begin + self._held(rows, end - begin, left)
        place = groups[number][min(spot.block, len(groups[number]) - 1)]
        self._measure(place.at, place.number)
        height = self._layout(place.at).heights[place.number]
        share = spot.share if spot.block < len(groups[number]) else 1.0
        return self._line_of(place) + min(round(share * height), max(height - 1, 0))

    def _held(self, rows: int, size: int, left: int) -> int:
        """Return how far to go into a part of *size* rows where another column is at *rows*.

        It is as far; but of a shorter part half a window stays in sight, until only *left* rows
        are ahead in the other column: what follows comes level then.
        """
        waits = max(size - self.size.height // 2, 0)
        return min(rows, max(waits, size - left))

    def _end_of(self, turn: int) -> int:
        """Return the line after a turn, 0 for what stands before the first."""
        starts = self._turns()
        return self._heights.top(starts[turn]) if turn < len(starts) else self._heights.total

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

"""Two answers as they were written, line beside line, with marks on what only one of them has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from textual import events
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message as Notice

from flux_tui.session.answer_diff import AnswerDiff, Span
from flux_tui.ui.render.labels import plain
from flux_tui.ui.render.wrapping import wrap
from flux_tui.ui.widgets.plain import Plain

_MARKED = "bold underline $warning"


class DiffText(VerticalScroll, can_focus=True):
    """One of the two sides; `Aligned` says what stands in it."""

    class Moved(Notice):
        """The reader has scrolled: `line` is the first one in sight."""

        def __init__(self, view: DiffText, line: int) -> None:
            super().__init__()
            self.view, self.line = view, line

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(Plain(classes="diff-text"), classes=classes)
        self._led = False
        self._aligned: Aligned | None = None

    def show(self, aligned: Aligned) -> None:
        """Be one of the sides of *aligned*, from its beginning."""
        self._aligned = aligned
        self.scroll_home(animate=False)

    def paint(self, lines: Content) -> None:
        """Show *lines*, none of which is wider than `room`."""
        self.query_one(Plain).update(lines)

    @property
    def room(self) -> int:
        """Cells for text in one line; 0 while it is not shown."""
        return self.scrollable_content_region.width if self.region else 0

    def on_resize(self, event: events.Resize) -> None:
        """Wrap both sides anew: a line is as high as the higher of the two."""
        del event
        if self._aligned is not None:
            self._aligned.paint()

    def stand(self, line: int) -> None:
        """Scroll to where another one is, without telling."""
        self._led = True
        self.scroll_to(y=line, animate=False, immediate=True)
        self._led = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell of the reader's own scrolling."""
        super().watch_scroll_y(old_value, new_value)
        if not self._led and round(old_value) != round(new_value):
            self.post_message(self.Moved(self, round(new_value)))


@dataclass(frozen=True, slots=True)
class Side:
    """An answer, its title, and where both are shown."""

    view: DiffText
    title: str
    text: str


class Aligned:
    """Two answers whose lines stand at the same height; blank rows where one side has nothing."""

    def __init__(self, diff: AnswerDiff, left: Side, right: Side) -> None:
        self._sides = (left, right)
        lefts = _lines(left.text, diff.left, [row.left for row in diff.rows])
        rights = _lines(right.text, diff.right, [row.right for row in diff.rows])
        self._rows = [(_titled(left), _titled(right)), *zip(lefts, rights, strict=True)]

    def show(self) -> None:
        """Take both places."""
        for side in self._sides:
            side.view.show(self)
        # They may have been as large before, and hear of no resize then.
        self._sides[0].view.call_after_refresh(self.paint)

    def paint(self) -> None:
        """Lay both sides out for the widths that they have; one that is not shown has none."""
        rooms = [side.view.room for side in self._sides]
        if any(rooms):
            widths = [room or max(rooms) for room in rooms]
            shown: tuple[list[Content], list[Content]] = ([], [])
            for row in self._rows:
                wrapped = [_wrapped(line, width) for line, width in zip(row, widths, strict=True)]
                for pair in zip_longest(*wrapped, fillvalue=Content("")):
                    for lines, piece in zip(shown, pair, strict=True):
                        lines.append(piece)
            for side, lines in zip(self._sides, shown, strict=True):
                side.view.paint(Content("\n").join(lines))


def _titled(side: Side) -> Content:
    return plain(side.title, "$secondary") + "\n"


def _lines(text: str, marks: Sequence[Span], lines: Sequence[Span | None]) -> list[Content | None]:
    """Return *lines* of *text*, with *marks*; both in their order, so that each is met once."""
    found: list[Content | None] = []
    at = 0
    for line in lines:
        if line is None:
            found.append(None)
            continue
        content = Content(text[line.start : line.end].rstrip())
        while at < len(marks) and marks[at].end <= line.start:
            at += 1
        near = at  # not `at` itself: the last mark may go on in the next line
        while near < len(marks) and marks[near].start < line.end:
            begin = max(marks[near].start - line.start, 0)
            content = content.stylize(_MARKED, begin, marks[near].end - line.start)
            near += 1
        found.append(content)
    return found


def _wrapped(line: Content | None, width: int) -> list[Content]:
    return [] if line is None else [row.content for row in wrap(line, width)]

"""A few rows to choose from while one writes: commands, models, files, programs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.message import Message

from flux_tui.ui.render.labels import assemble, count, one_line
from flux_tui.ui.widgets.completing import Offer, Wanted
from flux_tui.ui.widgets.plain import Plain

SHOWN = 7
"""Rows at the most; fewer in a low window."""

_NOTE_FROM = 24  # cells at the most; the notes begin in one column


class Menu(Plain):
    """Rows with the cursor on one; hidden when there is none. It covers what is above it.

    A *willing* list is meant by Enter as soon as it is there; any other one only when the cursor
    was moved in it.
    """

    DEFAULT_CSS = """
    Menu {
        overlay: screen; display: none; width: 100%; height: auto; padding: 0 1;
        background: $panel; color: $foreground;
    }
    """

    class Clicked(Message):
        """The row under the cursor was clicked."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.word: Wanted | None = None  # what the rows were offered for
        self._rows: tuple[Offer, ...] = ()
        self._at = 0
        self._first = 0
        self._more = ""
        self._willing = False
        self._moved = False

    @property
    def chosen(self) -> str | None:
        """What the row under the cursor puts into the text."""
        return self._rows[self._at].text if self._rows else None

    @property
    def meant(self) -> bool:
        """Whether Enter takes the row."""
        return bool(self._rows) and (self._willing or self._moved)

    def show(
        self,
        rows: Sequence[Offer],
        word: Wanted | None = None,
        *,
        more: str = "",
        willing: bool = False,
    ) -> None:
        """Offer *rows* for *word*; none hides the list. *more* is said of those without a place."""
        before, self.word = self.chosen, word
        rows = tuple(rows)
        if (rows, more) == (self._rows, self._more):
            return
        self._rows, self._more, self._willing = rows, more, willing
        texts = [row.text for row in rows]
        # A list that grows while its folder is read keeps the row that was chosen.
        self._moved = self._moved and before in texts
        self._at = texts.index(before) if self._moved and before else 0
        self.display = bool(rows)
        self._paint()

    def move(self, step: int) -> None:
        """Move the cursor, round the ends."""
        if self._rows:
            self._at = (self._at + step) % len(self._rows)
            self._moved = True
            self._paint()

    def on_click(self, event: events.Click) -> None:
        """Take the row that was clicked."""
        event.stop()
        at = self._first + event.y
        if at < min(len(self._rows), self._first + self._shown):
            self._at = at
            self.post_message(self.Clicked())

    @property
    def _shown(self) -> int:
        return max(min(SHOWN, self.screen.size.height // 2 - 3), 2)

    def _paint(self) -> None:
        shown = self._shown
        self._first = min(max(self._at - shown // 2, 0), max(len(self._rows) - shown, 0))
        rows = self._rows[self._first : self._first + shown]
        parts: list[str | tuple[str, str]] = []
        room = max(self.screen.size.width - 6, 10)
        for index, row in enumerate(rows, self._first):
            here = index == self._at
            text = one_line(row.text.strip(), room)
            parts.append("\n" if parts else "")
            parts.append((f"{'▸' if here else ' '} {text}", "bold $accent" if here else "bold"))
            space = max(min(_NOTE_FROM, room // 3) - cell_len(text), 2)
            left = room - cell_len(text) - space
            if row.note and left > 8:
                parts.append(" " * space + one_line(row.note, left))
        if len(self._rows) > shown:
            parts.append((f"\n  {count(len(self._rows))} {self._more}", "dim"))
        height = len(rows) + (len(self._rows) > shown)
        self.styles.offset = (0, -height)
        self.update(assemble(*parts))

"""The text of a message: Enter sends, big pastes become chips, Up and Down bring back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text as RichText
from textual import events
from textual.binding import Binding, BindingType
from textual.document._document import EditResult, Location, Selection
from textual.document._edit import Edit
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from flux_tui.core.sanitize import sanitize
from flux_tui.ui.painting import paint_now
from flux_tui.ui.widgets.completing import Kind, Wanted, still_fits, wanted, written
from flux_tui.ui.widgets.menu import Menu
from flux_tui.ui.widgets.pastes import LARGEST, Pastes
from flux_tui.ui.widgets.recalling import Recalling

_NEWLINE_KEYS = frozenset({"shift+enter", "alt+enter", "ctrl+j", "ctrl+enter"})
_LONG = 100_000  # characters of a paste that are cleaned in a thread


class Prompt(TextArea):
    """Posts `Submitted` with the whole text; the text on the screen may hold chips for pastes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+z", "undo", "Undo", show=False),
        Binding("alt+shift+z", "redo", "Redo", show=False),
    ]

    class Submitted(Message):
        """The user sends *text*."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class QuitWished(Message):
        """Ctrl+D in an empty composer."""

    class DetachWished(Message):
        """Backspace in an empty composer."""

    class TakeBackWished(Message):
        """Up in an empty composer while messages wait."""

    class PageWished(Message):
        """PageUp or PageDown where all of the text shows: *step* is -1 or 1."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Taken(Message):
        """The user chose *text* for the word of that *kind*."""

        def __init__(self, kind: Kind, text: str) -> None:
            super().__init__()
            self.kind: Kind = kind
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        self.pastes = Pastes()  # before the first selection, which looks for chips
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            soft_wrap=True,
            show_line_numbers=False,
        )
        self._hints: tuple[str, ...] = ()
        self.menu: Menu | None = None  # of what the word may become
        self.declined: Wanted | None = None  # the word whose menu was closed
        self.may_send_nothing = False  # files go without words
        self.discarded = float("-inf")  # when the text was last thrown away
        self.others_wait = False  # messages that Up takes back
        self.claim: Callable[[str], Awaitable[bool]] | None = None  # takes a paste of paths
        self.recalling = Recalling()

    @property
    def whole_text(self) -> str:
        """The text with every chip replaced by what was pasted."""
        return self.pastes.whole(self.text)

    @property
    def wanted(self) -> Wanted | None:
        """The word before the cursor, if it can be completed."""
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        return wanted(before, first=row == 0, only=self.document.line_count == 1)

    def invite(self, model: str, help_: str) -> None:
        """Say, while nothing is written, what can be: with the keys of these two, if there are."""
        keys = (f"{model} model" if model else "", f"{help_} help" if help_ else "")
        self._hints = tuple(filter(None, ("Ask anything", "/ commands", *keys)))
        self._hint()

    def on_resize(self) -> None:
        """Leave out what no longer fits, in whole pieces."""
        self._hint()

    def _hint(self) -> None:
        shown = self._hints
        while len(shown) > 1 and cell_len(" · ".join(shown)) > self.content_size.width - 1:
            # The model's key is in the last line too, at any width.
            shown = (*shown[:2], *shown[3:]) if len(shown) > 3 else shown[:-1]
        self.placeholder = " · ".join(shown)

    def fill(self, text: str) -> None:
        """Show *text*, ready to edit, as one step that can be undone."""
        shown = self.pastes.chip(text) if len(text) > LARGEST else text
        self.replace(shown, self.document.start, self.document.end)
        self.move_cursor(self.document.end)

    def bring(self, text: str) -> None:
        """Show *text* in place of what is being written; Up and undo bring that back."""
        if self.text and not self.recalling.among(self.text):
            self.recalling.add(self.whole_text)
        self.fill(text)

    def empty(self) -> None:
        """Take the text away; undo brings it back."""
        self.fill("")
        self.pastes.tidy("")

    def discard(self) -> None:
        """Take the text away; undo brings it back, and so does Up."""
        if self.text:
            self.discarded = time.monotonic()
            self.recalling.add(self.whole_text)
        self.empty()

    def expand_chip(self) -> bool | None:
        """Show in full what the chip at the cursor, or the last one, stands for.

        Returns False when it is too much for that, None when there is no chip.
        """
        row, column = self.cursor_location
        places = [
            (number, start, end)
            for number in range(self.document.line_count)
            for start, end in self.pastes.spans(self.document.get_line(number))
        ]
        if not places:
            return None
        here = (place for place in places if place[0] == row and place[1] <= column <= place[2])
        number, start, end = next(here, places[-1])
        text = self.pastes.text_of(self.document.get_line(number)[start:end])
        if len(text) > LARGEST:
            return False
        self.replace(text, (number, start), (number, end), maintain_selection_offset=False)
        return True

    # ── what Textual does, done with chips and without waste ──

    def edit(self, edit: Edit) -> EditResult:
        """Do an edit; what cuts into a chip takes all of it."""
        if self.pastes and edit.from_location != edit.to_location:
            edit.from_location, edit.to_location = (
                self._whole_chip(edit.top, 0),
                self._whole_chip(edit.bottom, 1),
            )
        return super().edit(edit)

    def _whole_chip(self, location: Location, side: int) -> Location:
        row, column = location
        for span in self.pastes.spans(self.document.get_line(row)):
            if span[0] < column < span[1]:
                return row, span[side]
        return location

    def _validate_selection(self, selection: Selection) -> Selection:
        """Keep the cursor out of chips."""
        start, end = super()._validate_selection(selection)
        if self.pastes:
            side = int(end > self.selection.end)
            start, end = self._whole_chip(start, side), self._whole_chip(end, side)
        return Selection(start, end)

    def get_line(self, line_index: int) -> RichText:
        """Return a line, its chips in bold."""
        line = super().get_line(line_index)
        for start, end in self.pastes.spans(line.plain):
            line.stylize("bold", start, end)
        return line

    def render_line(self, y: int) -> Strip:
        """Return one line; nothing while there is no room: Textual cannot wrap into no columns."""
        return super().render_line(y) if self.content_size.width else Strip.blank(0)

    def on_show(self) -> None:
        """Take the keyboard again that was lost while there was no room."""
        if self.screen.focused is None:
            self.focus()

    def _toggle_cursor_blink_visible(self) -> None:
        if self.screen.is_active:
            self._cursor_visible = not self._cursor_visible

    def _watch__cursor_visible(self) -> None:
        # The cursor alone: Textual writes the whole line anew, twice a second.
        x, y = self._cursor_offset
        self.refresh(Region(x, y - self.scroll_offset.y, 2, 1))

    # ── keys ──

    def awaits(self, word: Wanted) -> bool:
        """Whether *word* is still being written, and its menu was not closed."""
        return self.wanted == word and self.declined != word

    def close_menu(self) -> bool:
        """Close the menu until another word is written; whether it was open."""
        if self.menu is None or self.menu.chosen is None:
            return False
        self.declined = self.wanted
        self.menu.show(())
        return True

    async def _on_key(self, event: events.Key) -> None:
        if self._own(event.key):
            event.stop()
            event.prevent_default()
        else:
            if await self._bound(event.key):
                event.stop()
                event.prevent_default()
            else:
                await super()._on_key(event)
            paint_now(self)

    async def _bound(self, key: str) -> bool:
        """Do at once what *key* is bound to here; whether it is.

        Left to bubble, it would be acted on after the letters that were typed behind it.
        """
        for binding in self._bindings.key_to_bindings.get(key, ()):
            if not binding.priority and await self.app.run_action(binding.action, self):
                return True
        return False

    def _own(self, key: str) -> bool:
        """Do what a key means here and not in other text areas; whether it means something."""
        if self._in_menu(key):
            return True
        match key:
            case "enter":
                self._enter()
            case key if key in _NEWLINE_KEYS:
                self.insert("\n")
            case "ctrl+d" if not self.text:
                self.post_message(self.QuitWished())
            case "backspace" if not self.text:
                self.post_message(self.DetachWished())
            case "up" if self.others_wait and not self.text:
                self.post_message(self.TakeBackWished())
            case "pageup" | "pagedown" if not self.max_scroll_y:
                self.post_message(self.PageWished(-1 if key == "pageup" else 1))
            case "up" | "down" if self._at_edge(key):
                return self._recall(1 if key == "up" else -1)
            case _:
                return False
        return True

    @property
    def _row(self) -> str | None:
        """The row of the menu under its cursor, unless it is one for what was written before."""
        row = self.menu.chosen if self.menu else None
        fits = row and self.menu and still_fits(row, self.menu.word, self.wanted)
        return row if fits else None

    def _in_menu(self, key: str) -> bool:
        """Move in the menu or take its row; whether *key* does."""
        menu = self.menu
        if menu is None or self._row is None:
            return False
        match key:
            case "up" | "down":
                menu.move(1 if key == "down" else -1)
            case "tab":
                self.take()
            case "enter" if menu.meant:
                word = self.wanted
                if word is None or self._row.strip() == word.text:
                    return False  # written in full
                self.take()
                whole = word.kind == "command" and not self.text.endswith(" ")
                if whole or (word.kind == "model" and self.text.startswith("/")):
                    self._enter()
            case _:
                return False
        return True

    def take(self) -> None:
        """Write the chosen row of the menu in the place of the word."""
        word, text = self.wanted, self._row
        if word is None or text is None:
            return
        row, column = self.cursor_location
        new = written(word.kind, text)
        self.replace(new, (row, word.begin), (row, column), maintain_selection_offset=False)
        self.post_message(self.Taken(word.kind, text))

    def _enter(self) -> None:
        row, column = self.cursor_location
        if column and self.document.get_line(row)[:column].endswith("\\"):
            self.replace("\n", (row, column - 1), (row, column))
            return
        text = self.whole_text
        if not text.strip() and not self.may_send_nothing:
            return
        self.recalling.add(text)
        self.empty()
        self.post_message(self.Submitted(text))

    def _at_edge(self, key: str) -> bool:
        row, _ = self.cursor_location
        if key == "up":
            return row == 0 and self.navigator.is_first_wrapped_line(self.cursor_location)
        last = row == self.document.line_count - 1
        return last and self.navigator.is_last_wrapped_line(self.cursor_location)

    def _recall(self, step: int) -> bool:
        text = self.recalling.step(step, self.text)
        if text is None:
            return False
        self.fill(text)
        self.recalling.showing(self.text)
        self.move_cursor(self.document.start if step > 0 else self.document.end)
        return True

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        from flux_tui.session.files import looks_like_paths

        text = event.text.replace("\r\n", "\n").replace("\r", "\n")
        text = await asyncio.to_thread(sanitize, text) if len(text) > _LONG else sanitize(text)
        if self.claim is not None and looks_like_paths(text) and await self.claim(text):
            return
        start, end = self.selection
        self.replace(
            self.pastes.shown(text),
            min(start, end),
            max(start, end),
            maintain_selection_offset=False,
        )

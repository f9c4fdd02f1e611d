"""The composer: Enter sends, big pastes become chips, Up and Down bring back what was said."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from flux_tui.core.sanitize import sanitize
from flux_tui.ui.painting import paint_now
from flux_tui.ui.widgets.chips import Menu

CHIP_SIZE = 2_000
"""Characters above which a paste is shown as a chip."""

CHIP_LINES = 20
"""Lines above which it is, however short they are."""

_NEWLINE_KEYS = frozenset({"shift+enter", "alt+enter", "ctrl+j", "ctrl+enter"})
_CHIP = re.compile(r"\[pasted [\d,]+ (?:lines|characters)(?: #\d+)?\]")


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

    class Mentioned(Message):
        """The user chose the file *path* for what follows an @."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            soft_wrap=True,
            show_line_numbers=False,
            placeholder="Ask anything · / commands · F2 model · F1 help",
        )
        self.completion = ""  # what Tab puts in place of the text; empty: Tab moves the focus
        self.menu: Menu | None = None  # of the files that @ may mean
        self.declined: str | None = None  # the mention whose menu was closed
        self.may_send_nothing = False  # files go without words
        self.claim: Callable[[str], Awaitable[bool]] | None = None  # takes a paste of paths
        self._pasted: dict[str, str] = {}
        self._history: list[str] = []
        self._at: int | None = None
        self._draft = ""

    @property
    def whole_text(self) -> str:
        """The text with every chip replaced by what was pasted."""
        return _CHIP.sub(lambda m: self._pasted.get(m.group(), m.group()), self.text)

    @property
    def text_before(self) -> str:
        """The line with the cursor, up to the cursor."""
        row, column = self.cursor_location
        return self.document.get_line(row)[:column]

    @property
    def mention(self) -> str | None:
        """What follows the @ that the cursor stands behind; None if there is none."""
        before = self.text_before
        if "@" not in before:
            return None
        from flux_tui.session.files import mention_at

        return mention_at(before)

    def remember(self, prompts: Sequence[str]) -> None:
        """Take what was said before, newest first, for Up and Down."""
        self._history = list(prompts)

    def fill(self, text: str) -> None:
        """Show *text*, ready to edit, as one step that can be undone."""
        shown = self._chipped(text) if len(text) > 20 * CHIP_SIZE else text
        self.replace(shown, self.document.start, self.document.end)
        self.move_cursor(self.document.end)

    def empty(self) -> None:
        """Throw the text away."""
        self.fill("")
        self._pasted.clear()

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

    def close_menu(self) -> bool:
        """Close the menu of files until something else is mentioned; whether it was open."""
        if self.menu is None or self.menu.chosen is None:
            return False
        self.declined = self.mention
        self.menu.show(())
        return True

    async def _on_key(self, event: events.Key) -> None:
        if self.menu is not None and self.menu.chosen is not None and self._in_menu(event.key):
            event.stop()
            event.prevent_default()
            return
        match event.key:
            case "enter":
                event.stop()
                event.prevent_default()
                self._enter()
            case key if key in _NEWLINE_KEYS:
                event.stop()
                event.prevent_default()
                self.insert("\n")
            case "tab" if self.completion:
                event.stop()
                event.prevent_default()
                self.fill(self.completion)
            case "ctrl+d" if not self.text:
                event.stop()
                event.prevent_default()
                self.post_message(self.QuitWished())
            case "backspace" if not self.text:
                event.stop()
                self.post_message(self.DetachWished())
            case "up" | "down" if self._at_edge(event.key):
                event.stop()
                event.prevent_default()
                self._recall(1 if event.key == "up" else -1)
            case _:
                await super()._on_key(event)
                paint_now(self)

    def _in_menu(self, key: str) -> bool:
        """Move in the menu of files or take its row; whether *key* does."""
        menu = self.menu
        if menu is None or menu.chosen is None:
            return False
        match key:
            case "up" | "down":
                menu.move(1 if key == "down" else -1)
            case "enter" if menu.chosen == self.mention:
                return False  # written in full: it is attached when the message is sent
            case "tab" | "enter":
                self._mention(menu.chosen)
            case _:
                return False
        return True

    def _mention(self, path: str) -> None:
        """Write *path* where the mention is."""
        row, column = self.cursor_location
        begin = column - len(self.mention or "")
        name = f'"{path}"' if " " in path else path
        self.replace(f"{name} ", (row, begin), (row, column))
        self.post_message(self.Mentioned(path))

    def _enter(self) -> None:
        row, column = self.cursor_location
        if column and self.document.get_line(row)[:column].endswith("\\"):
            self.replace("\n", (row, column - 1), (row, column))
            return
        text = self.whole_text
        if not text.strip() and not self.may_send_nothing:
            return
        if text.strip():
            self._history.insert(0, text)
        self._at, self._draft = None, ""
        self.empty()
        self.post_message(self.Submitted(text))

    def _at_edge(self, key: str) -> bool:
        row, _ = self.cursor_location
        if key == "up":
            return (
                bool(self._history)
                and row == 0
                and self.navigator.is_first_wrapped_line(self.cursor_location)
            )
        return self._at is not None and row == self.document.line_count - 1

    def _recall(self, step: int) -> None:
        if self._at is None:
            self._draft = self.text
        at = (-1 if self._at is None else self._at) + step
        if at >= len(self._history):
            return
        self._at = at if at >= 0 else None
        self.fill(self._history[at] if at >= 0 else self._draft)
        self.move_cursor(self.document.start if step > 0 else self.document.end)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        from flux_tui.session.files import looks_like_paths

        text = sanitize(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        if self.claim is not None and looks_like_paths(text) and await self.claim(text):
            return
        big = len(text) > CHIP_SIZE or text.count("\n") > CHIP_LINES
        self.insert(self._chipped(text) if big else text)

    def _chipped(self, text: str) -> str:
        lines = text.count("\n") + 1
        words = f"{lines:,} lines" if lines > 1 else f"{len(text):,} characters"
        chip = f"[pasted {words}]"
        number = 2
        while self._pasted.get(chip, text) != text:
            chip = f"[pasted {words} #{number}]"
            number += 1
        self._pasted[chip] = text
        return chip

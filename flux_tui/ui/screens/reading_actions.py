"""What the keys and commands of reading and writing do: choose, find, copy, undo, expand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from flux_tui.core.errors import InputError
from flux_tui.ui.widgets.composer import Composer
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.transcript import Transcript
from flux_tui.ui.widgets.transcript_reading import Goal

if TYPE_CHECKING:
    from flux_tui.ui.screens.chat import ChatScreen


class ReadingActions:
    """Acts on the transcript and the composer of one chat screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self.table: Mapping[str, Callable[[str], None]] = {
            "read.next_message": lambda _: self._go("message", 1),
            "read.previous_message": lambda _: self._go("message", -1),
            "read.next_block": lambda _: self._go("block", 1),
            "read.previous_block": lambda _: self._go("block", -1),
            "read.next_code": lambda _: self._go("code", 1),
            "read.previous_code": lambda _: self._go("code", -1),
            "read.next_error": lambda _: self._go("error", 1),
            "read.previous_error": lambda _: self._go("error", -1),
            "read.next_hit": lambda _: self._hit(1),
            "read.previous_hit": lambda _: self._hit(-1),
            "read.open": lambda _: self._chosen().action_open(),
            "read.fold": lambda _: self._chosen().action_fold(),
            "read.link": lambda _: self._chosen().action_open_link(),
            "read.copy_block": lambda _: self._chosen().action_copy(),
            "read.copy_table": lambda _: self._copy_table(),
            "read.copy_session": lambda _: self._copy_session(),
            "prompt.undo": lambda _: self._prompt.undo(),
            "prompt.redo": lambda _: self._prompt.redo(),
            "prompt.expand": lambda _: self._expand(),
            "prompt.take_back": lambda _: self._take_back(),
        }

    @property
    def _prompt(self) -> Prompt:
        return self._screen.query_one(Prompt)

    def _reading(self) -> Transcript:
        """Let the keys go to the transcript, and return it."""
        transcript = self._screen.transcript
        if not transcript.has_focus:
            self._screen.show_tab("chat")
            self._screen.set_focus(transcript)
        return transcript

    def _chosen(self) -> Transcript:
        """Return the transcript with something chosen: the last message if nothing was."""
        transcript = self._reading()
        if transcript.selected is None and not transcript.go("message", -1):
            raise InputError("there is no message yet")
        return transcript

    def _go(self, goal: Goal, step: int) -> None:
        transcript = self._reading()
        if not transcript.size.height:  # it was hidden, and has no place yet
            self._screen.call_after_refresh(transcript.go, goal, step)
        elif not transcript.go(goal, step):
            words = {"code": "code block", "error": "error", "block": "block"}.get(goal, "message")
            raise InputError(f"there is no {'next' if step > 0 else 'previous'} {words}")

    def _hit(self, step: int) -> None:
        if not self._reading().next_hit(step):
            raise InputError("nothing is being searched, or it was not found", hint="/find words")

    def _copy_table(self) -> None:
        transcript = self._screen.transcript
        chosen = [transcript.selected] if transcript.selected else []
        path = self._screen.open_session.conversation.path
        for message_id in chosen or [message.id for message in reversed(path)]:
            if tables := transcript.tables(message_id):
                self._screen.flux.copy(tables[-1], "the table, tab-separated")
                return
        raise InputError("there is no table here")

    def _copy_session(self) -> None:
        text = self._screen.transcript.session_text()
        if not text:
            raise InputError("there is nothing to copy yet")
        self._screen.flux.copy(text, "the whole session")

    def _expand(self) -> None:
        expanded = self._prompt.expand_chip()
        if expanded is False:
            raise InputError(
                "this is too long to be shown here", hint="Ctrl+G opens it in the editor"
            )
        if expanded is None and not self._screen.query_one(Composer).expand_file():
            raise InputError("there is no pasted text here, and no attached one")

    def _take_back(self) -> None:
        if not self._screen.sending.take_back():
            raise InputError("no message waits")

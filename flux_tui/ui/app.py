"""The application: one chat screen, themes, the palette, signals, and the way out.

Only what the first paint needs is imported here; `starting` loads the rest in a thread.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.worker import Worker

from flux_tui.core.errors import FluxError, InputError
from flux_tui.core.sanitize import sanitize
from flux_tui.ui.commands import ActionCommands
from flux_tui.ui.starting import StartingApp
from flux_tui.ui.terminal import (
    Signals,
    crash_report,
    guard_input,
    refusal,
    terminal_gone,
)
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from flux_tui.config.settings import Settings
    from flux_tui.session.session import ChatSession

INTERNAL_ERROR = 70
_QUIT_SECONDS = 2.0


class FluxApp(StartingApp):
    """Runs one chat. *session* is an id to resume, *continue_* resumes the one used last."""

    CSS_PATH: ClassVar[Any] = "styles/base.tcss"
    TITLE = "Flux TUI"
    COMMANDS: ClassVar[Any] = {ActionCommands}
    PAUSE_GC_ON_SCROLL = True
    ENABLE_COMMAND_PALETTE = False  # its key is ours, so that a keymap can change it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave(0)", "Quit", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "Copy or quit", show=False, priority=True),
    ]

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared by Textual as an instance variable
        (0, "-tiny"),
        (40, "-narrow"),
        (100, "-wide"),
        (160, "-extra"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - idem
        (0, "-flat"),
        (10, "-short"),
        (20, "-tall"),
    ]

    def __init__(
        self,
        settings: Settings,
        *,
        root: Path | None = None,
        continue_: bool = False,
        session: str | None = None,
    ) -> None:
        """Make an application that works in the folder *root*, the current one by default."""
        super().__init__(settings, root=root, continue_=continue_, session=session)
        self.use_command_palette = True
        self._signals = Signals(self.leave)
        self._interrupted = float("-inf")
        self.crash: Path | None = None

    def on_mount(self) -> None:
        """Take keys and signals; everything slow starts after the first paint."""
        self.set_keymap(dict(self.keymap_overrides))
        if not self.is_headless:
            self._signals.install()
            self.set_interval(1.0, self._watch_input)
        self.call_after_refresh(self.begin)

    def _watch_input(self) -> None:
        # A terminal that went away gives end-of-file for ever: Textual would spin on it.
        if terminal_gone():
            self.leave(129)

    def do(self, action_id: str) -> None:
        """Do an action of the keymap, for the palette."""
        self.call_later(self.chat.run_command, action_id, "")

    def program_action(self, action_id: str) -> Awaitable[None] | None:
        """Do what concerns the program and not the conversation.

        Raises:
            InputError: no such action.
        """
        match action_id:
            case "app.quit":
                self.leave(0)
            case "app.palette":
                self.action_command_palette()
            case "app.suspend":
                self.action_suspend_process()
            case "prompt.editor":
                self.edit_prompt()
            case _:
                raise InputError(f"there is no action {action_id!r}")
        return None

    def action_interrupt(self) -> None:
        """Copy what is selected, else clear the composer, else quit at the second press."""
        # The chat, or what lies over it: never a place that is hidden.
        place = next((s for s in reversed(self.screen_stack) if s.query(StatusLine)), None)
        if place is None:
            return  # before the first paint, or when all is closed
        prompt = next(iter(place.query(Prompt)), None)
        selected = self.screen.get_selected_text() or (prompt.selected_text if prompt else "")
        now = time.monotonic()
        if selected:
            self.copy(selected, "the selection")
            self.screen.clear_selection()  # else no press would ever quit
        elif now - self._interrupted < _QUIT_SECONDS and not (prompt and prompt.text):
            self.leave(0)
        else:
            self._interrupted = now
            if prompt is not None:
                prompt.discard()
            place.query_one(StatusLine).say("Press Ctrl+C again to quit", "!", "$warning")

    def copy_to_clipboard(self, text: str) -> None:
        """Copy *text* without control characters, by the terminal (OSC 52)."""
        super().copy_to_clipboard(sanitize(text))

    @work(group="copy", exit_on_error=False)
    async def copy(self, text: str, what: str) -> None:
        """Copy *text* by the terminal and by a program of this desk, and say where it went."""
        from flux_tui.ui.outside import copy_locally

        self.copy_to_clipboard(text)
        program = await copy_locally(sanitize(text), os.environ)
        place = f"with {program}" if program else "by the terminal (OSC 52)"
        self.notify(f"Copied {what} {place}", timeout=3, markup=False)

    @work(group="link", exit_on_error=False)
    async def use_link(self, how: str, target: str) -> None:
        """Open or copy a link: *how* is what the user chose."""
        from flux_tui.ui.outside import open_link

        if how == "copy":
            self.copy(target, "the link")
        elif how == "open":
            try:
                await open_link(target, os.environ)
            except InputError as problem:
                self.warn(problem)

    def action_leave(self, status: int) -> None:
        """Leave with *status*."""
        self.leave(status)

    def leave(self, status: int) -> None:
        """Stop the running answer, keep it, and end with *status*."""
        self._finish(status)

    def _answering(self) -> list[ChatSession]:
        """Return the chat's session and those of columns, as far as they answer."""
        chat = self.chat
        sessions = [chat.session] if chat.session is not None else []
        sessions += chat.actions.comparing.sessions if chat.furnished else []
        return [session for session in sessions if session.busy]

    @work(exclusive=True, group="leave", exit_on_error=False)
    async def _finish(self, status: int) -> None:
        running = self._answering()
        for session in running:
            session.stop()
        for _ in range(40):
            if not any(session.busy for session in running):
                break
            await asyncio.sleep(0.05)  # the store takes what has arrived of the answers
        try:
            if self._runtime is not None:
                await self.chat.drafts.leave()
                await asyncio.wait_for(self._runtime.aclose(), 3)
        except TimeoutError:
            self.log.warning("the store was slow to close")
        self.exit(status, return_code=status)

    @work(exclusive=True, group="editor", exit_on_error=False)
    async def edit_prompt(self) -> None:
        """Write the message in $EDITOR while everything else goes on."""
        from flux_tui.ui.outside import Draft

        prompt = self.chat.query_one(Prompt)
        try:
            async with Draft(prompt.whole_text, os.environ) as draft:
                # Batched: what is painted meanwhile would fill the queue of a writer that is gone.
                with self.batch_update(), self.suspend():
                    text = await draft.edit()
            prompt.fill(text)
        except SuspendNotSupported:
            self.warn(InputError("the editor cannot be used in this terminal"))
        except (FluxError, OSError) as problem:
            self.warn(problem)
        self.refresh(layout=True)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show a worker's failure in the transcript; it is written to a crash report too."""
        error = event.worker.error
        if isinstance(error, Exception):
            path = self._report(error)
            words = f"internal error: {type(error).__name__}; report: {path or 'not written'}"
            if self.chat.furnished and self.chat.is_attached:
                self.chat.transcript.divider(words, "error")
            else:
                self.warn(words)

    def _report(self, error: Exception) -> Path | None:
        secrets = self._runtime.secrets() if self._runtime is not None else ()
        return crash_report(error, self.settings.paths.state_dir, secrets)[1]

    def _fatal_error(self) -> None:
        # Textual's own prints local variables, which may hold keys.
        error = self._exception
        if error is not None:
            self.crash = self._report(error)
        self._return_code = INTERNAL_ERROR
        self._close_messages_no_wait()


def run_app(settings: Settings, continue_: bool = False, session: str | None = None) -> int:
    """Run the full screen and return the exit status."""
    why = refusal(os.environ)
    if why:
        sys.stderr.write(f"flux-tui: {why}\n")
        return 2
    guard_input()
    app = FluxApp(settings, continue_=continue_, session=session)
    app.run()
    if app.return_code == INTERNAL_ERROR:
        where = f"; a report is in {app.crash}" if app.crash else ""
        sys.stderr.write(f"flux-tui: an internal error ended the program{where}\n")
    return app.return_code or 0

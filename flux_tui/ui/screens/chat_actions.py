"""What the keys, the palette and the slash commands of the chat do."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from flux_tui.core.errors import InputError
from flux_tui.session.approvals import APPROVAL_MODES, ApprovalMode
from flux_tui.session.session import ChatSession
from flux_tui.ui import themes
from flux_tui.ui.render.labels import plain
from flux_tui.ui.screens.compare_open import CompareOpening
from flux_tui.ui.screens.listing import AskLine, ListScreen, Row, TextScreen, help_text, page_width
from flux_tui.ui.screens.model_actions import ModelActions
from flux_tui.ui.screens.prompt_search import PromptSearch
from flux_tui.ui.screens.reading_actions import ReadingActions
from flux_tui.ui.screens.request_actions import RequestActions
from flux_tui.ui.screens.sessions import NEW, SessionsScreen
from flux_tui.ui.typed import as_typed
from flux_tui.ui.widgets.cost_meter import CostMeter
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine
from flux_tui.ui.widgets.tool_pane import CallRow, ToolPane
from flux_tui.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from flux_tui.ui.screens.chat import ChatScreen

_TWICE_SECONDS = 0.8
APPROVAL_WORDS: dict[ApprovalMode, str] = {
    "ask": "every tool asks",
    "read": "reading runs, the rest asks",
    "all": "tools run, commands ask",
    "none": "tools are refused",
}


class ChatActions:
    """One method for each action of the keymap, found by its id."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._escaped = 0.0
        self.models = ModelActions(screen)
        self.comparing = CompareOpening(screen)
        self._table: dict[str, Callable[[str], Awaitable[None] | None]] = {
            "chat.stop": self._stop,
            "chat.retry": self._retry,
            "chat.edit": self._edit,
            "chat.copy": self._copy,
            "chat.copy_code": self._copy_code,
            "chat.find": self._find,
            "chat.follow": self._follow,
            "pane.chat": lambda _: self._chat_pane(),
            "pane.tools": lambda _: self._pane("tools"),
            "pane.cost": lambda _: self._pane("cost"),
            "pane.details": self._details,
            "pane.jump": self._jump,
            "tools.mode": self._mode,
            "session.new": self._new,
            "session.list": self._sessions,
            "session.rename": self._rename,
            "prompt.search": self._search,
            "app.help": self._help,
            "app.theme": self._theme,
            **self.models.table,
            **self.comparing.table,
            **RequestActions(screen, self.models).table,
            **ReadingActions(screen).table,
        }

    async def run(self, action_id: str, argument: str) -> None:
        """Do it.

        Raises:
            FluxError: it cannot be done now.
        """
        action = self._table.get(action_id)
        result = action(argument) if action else self._screen.flux.program_action(action_id)
        if inspect.isawaitable(result):
            await result

    @property
    def _session(self) -> ChatSession:
        return self._screen.open_session

    def _stop(self, argument: str) -> Awaitable[None] | None:
        del argument
        if self._screen.query_one(Prompt).close_menu():
            return None
        if self._screen.sending.busy:
            self._session.stop()
            return None
        transcript = self._screen.query_one(Transcript)
        chosen = transcript.has_focus and transcript.selected is not None
        if chosen or transcript.searching:
            transcript.action_release()
            return None
        now, before = time.monotonic(), self._escaped
        self._escaped = now
        self._chat_pane()
        return self._edit("") if now - before < _TWICE_SECONDS else None

    def _retry(self, argument: str) -> None:
        del argument
        if self._screen.sending.busy:
            raise InputError("an answer is still running", hint="stop it first")
        self._screen.sending.again()

    async def _edit(self, argument: str) -> None:
        del argument
        session, transcript = self._session, self._screen.query_one(Transcript)
        users = [m for m in session.conversation.path if m.role == "user"]
        if not users:
            raise InputError("there is no message to edit yet")
        chosen = next((m for m in users if m.id == transcript.selected), users[-1])
        text = await session.rewind(chosen.id)
        self._screen.show_conversation()
        self._chat_pane()
        self._screen.query_one(Prompt).bring(as_typed(text))

    def _copied_from(self) -> str:
        """Return the id of the focused message, or of the last answer."""
        path = self._session.conversation.path
        last = next((m.id for m in reversed(path) if m.role == "assistant"), None)
        message_id = self._screen.query_one(Transcript).selected or last
        if message_id is None:
            raise InputError("there is nothing to copy yet")
        return message_id

    def _copy(self, argument: str) -> None:
        del argument
        text = self._screen.query_one(Transcript).source_text(self._copied_from())
        self._screen.flux.copy(text, "the message")

    def _copy_code(self, argument: str) -> None:
        del argument
        blocks = self._screen.query_one(Transcript).code_blocks(self._copied_from())
        if not blocks:
            raise InputError("there is no code in this message", hint="choose one with Tab, Up")
        self._screen.flux.copy(blocks[-1], "the last code block")

    def _find(self, argument: str) -> None:
        transcript = self._screen.query_one(Transcript)

        def find(words: str | None) -> None:
            if words:
                self._screen.show_tab("chat")
                transcript.focus()
                transcript.search(words)

        if argument:
            find(argument)
        else:
            self._screen.app.push_screen(AskLine("Find in this conversation"), find)

    def _follow(self, argument: str) -> None:
        del argument
        self._screen.query_one(Transcript).action_last()

    def _chat_pane(self) -> None:
        self._screen.show_tab("chat")
        self._screen.set_focus(self._screen.query_one(Prompt))

    def _pane(self, name: Literal["tools", "cost"]) -> None:
        screen = self._screen
        if not screen.has_class("-narrow"):
            screen.toggle_class(f"hide-{name}")
            screen.set_focus(screen.query_one(Prompt))
        elif screen.tab == name:
            self._chat_pane()
        else:
            screen.show_tab(name)
            pane = screen.query_one(ToolPane if name == "tools" else CostMeter)
            # What was hidden can take the focus only when it is shown.
            screen.call_after_refresh(pane.take_focus)

    def _row(self) -> CallRow:
        row = self._screen.query_one(ToolPane).selected
        if row is None:
            raise InputError("no tool was called yet")
        return row

    def _details(self, argument: str) -> None:
        del argument
        self._screen.open_call(self._row())

    def _jump(self, argument: str) -> None:
        del argument
        self._screen.jump(self._row().call.id)

    def _mode(self, argument: str) -> None:
        policy = self._session.policy
        if argument and argument not in APPROVAL_MODES:
            raise InputError(f"{argument!r} is no mode", hint="one of " + ", ".join(APPROVAL_MODES))
        after: ApprovalMode = APPROVAL_MODES[
            (APPROVAL_MODES.index(policy.mode) + 1) % len(APPROVAL_MODES)
        ]
        policy.mode = after
        for mode in APPROVAL_MODES:
            if mode == argument:
                policy.mode = mode
        self._screen.refresh_session()
        self._screen.query_one(StatusLine).say(f"Approvals: {APPROVAL_WORDS[policy.mode]}")

    def _new(self, argument: str) -> None:
        del argument
        if self._screen.sending.busy:
            raise InputError("an answer is still running", hint="stop it first")
        self._screen.take(self._screen.flux.runtime.new_session(self._session.model))
        self._chat_pane()

    def _sessions(self, argument: str) -> None:
        del argument
        runtime = self._screen.flux.runtime

        async def rename(session_id: str, title: str) -> None:
            if session_id == self._session.id:
                await self._renamed(title)
            else:
                await runtime.store.rename(session_id, title)

        async def open_session(session_id: str) -> None:
            if self._screen.sending.busy:
                raise InputError("an answer is still running", hint="stop it first")
            if session_id == NEW:
                self._new("")
            elif session_id != self._session.id:
                self._screen.take(await runtime.resume(session_id))
                self._chat_pane()

        async def chosen(session_id: str | None) -> None:
            if session_id is not None:
                await self._screen.attempt(open_session(session_id))

        screen = SessionsScreen(runtime.store, self._session.id, rename)
        self._screen.app.push_screen(screen, chosen)

    def _rename(self, argument: str) -> Awaitable[None] | None:
        if argument:
            return self._renamed(argument)
        screen = AskLine("Title of this session", self._session.title)
        self._screen.app.push_screen(screen, self._renamed)
        return None

    async def _renamed(self, title: str | None) -> None:
        if title:
            await self._session.rename(title)
            self._screen.refresh_session()

    def _search(self, argument: str) -> None:
        del argument
        store, prompt = self._screen.flux.runtime.store, self._screen.query_one(Prompt)

        async def earlier() -> list[str]:
            return [as_typed(text) for text in await store.prompts()]

        def chosen(text: str | None) -> None:
            if text is not None:
                prompt.bring(text)

        self._screen.app.push_screen(PromptSearch(prompt.recalling.prompts, earlier), chosen)

    def _help(self, argument: str) -> None:
        del argument
        own = self._screen.flux.keymap_overrides
        text = help_text(own, page_width(self._screen.size.width))
        self._screen.app.push_screen(TextScreen("Help", text))

    def _theme(self, argument: str) -> None:
        app = self._screen.app
        names = themes.names()
        if argument:
            if argument not in names:
                raise InputError(f"there is no theme {argument!r}", hint=themes.near(argument))
            app.theme = argument
            return

        async def find(wanted: str) -> list[Row]:
            return [(name, plain(name)) for name in names if wanted in name]

        def chosen(name: str | None) -> None:
            if name is not None:
                app.theme = name

        app.push_screen(ListScreen("Theme", "Search themes", find), chosen)

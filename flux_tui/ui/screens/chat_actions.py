"""What the keys, the palette and the slash commands of the chat do."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Literal

from flux_tui.core.errors import InputError
from flux_tui.core.models import EFFORTS, Effort, ModelInfo
from flux_tui.session.approvals import APPROVAL_MODES, ApprovalMode
from flux_tui.session.session import ChatSession
from flux_tui.ui import themes
from flux_tui.ui.render.labels import plain
from flux_tui.ui.screens.listing import AskLine, ListScreen, Row, TextScreen, help_text, rows_of
from flux_tui.ui.screens.model_picker import ModelPicker
from flux_tui.ui.screens.sessions import NEW, SessionsScreen
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
        self._table: dict[str, Callable[[str], Awaitable[None] | None]] = {
            "chat.stop": self._stop,
            "chat.retry": self._retry,
            "chat.edit": self._edit,
            "chat.copy": self._copy,
            "chat.copy_code": self._copy_code,
            "chat.find": self._find,
            "chat.follow": self._follow,
            "model.pick": self._pick,
            "model.next_provider": lambda _: self._next_provider(),
            "model.next_favourite": lambda _: self._favourite(1),
            "model.previous_favourite": lambda _: self._favourite(-1),
            "model.effort": self._effort,
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
        }
        for slot in range(9):
            self._table[f"model.slot{slot + 1}"] = lambda _, at=slot: self._slot(at)

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
        if self._screen.session is None:
            raise InputError("the program is still starting", hint="try again in a moment")
        return self._screen.session

    def _stop(self, argument: str) -> Awaitable[None] | None:
        del argument
        if self._session.busy:
            self._session.stop()
            return None
        transcript = self._screen.query_one(Transcript)
        if transcript.has_focus and transcript.selected is not None:
            transcript.action_release()
            return None
        now, before = time.monotonic(), self._escaped
        self._escaped = now
        self._chat_pane()
        return self._edit("") if now - before < _TWICE_SECONDS else None

    def _retry(self, argument: str) -> None:
        del argument
        if self._session.busy:
            raise InputError("an answer is still running", hint="stop it first")
        self._screen.turn(None)

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
        self._screen.query_one(Prompt).fill(text)

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

    def _pick(self, argument: str) -> None:
        if argument:
            self._use(self._screen.flux.runtime.find_model(argument))
            return
        flux = self._screen.flux
        picker = ModelPicker(flux.runtime.choices(), self._session.model.ref, flux.prices)

        async def pick(model: ModelInfo | None) -> None:
            for ref, on in picker.starred.items():
                await flux.runtime.favourite(ref, on)
            if model is not None:
                self._use(model)

        async def picked(model: ModelInfo | None) -> None:
            await self._screen.attempt(pick(model))

        self._screen.app.push_screen(picker, picked)
        flux.load_prices()

    def _use(self, model: ModelInfo) -> None:
        session = self._session
        if model.ref == session.model.ref:
            return
        switch = session.swap(model)
        if session.conversation.path:
            self._screen.query_one(Transcript).divider(switch.line(), "switch")
        self._screen.refresh_session()
        later = "; the running answer ends with its own model" if session.busy else ""
        self._screen.query_one(StatusLine).say(f"Next message: {model.ref}{later}", "⇄")
        self._screen.flux.prepare(model)

    def _next_provider(self) -> None:
        found = [c.info for c in self._screen.flux.runtime.choices() if c.available]
        names = list(dict.fromkeys(info.ref.provider for info in found))
        here = self._session.model.ref.provider
        if len(names) < 2:
            raise InputError("there is only one provider", hint="set a key for another one")
        following = names[(names.index(here) + 1) % len(names) if here in names else 0]
        used = [m.model for m in self._session.conversation.path if m.model is not None]
        # Coming back to a provider means its model that was talked to last.
        last = next((ref for ref in reversed(used) if ref.provider == following), None)
        mine = [info for info in found if info.ref.provider == following]
        self._use(next((info for info in mine if info.ref == last), mine[0]))

    def _favourites(self) -> Sequence[ModelInfo]:
        found = self._screen.flux.runtime.choices()
        return [c.info for c in found if c.favourite and c.available]

    def _favourite(self, step: int) -> None:
        models = self._favourites()
        if not models:
            raise InputError("there are no favourites yet", hint="F2, then Ctrl+F on a model")
        refs = [info.ref for info in models]
        here = self._session.model.ref
        at = refs.index(here) + step if here in refs else 0
        self._use(models[at % len(models)])

    def _slot(self, at: int) -> None:
        models = self._favourites()
        if at >= len(models):
            raise InputError(f"favourite {at + 1} is not set", hint="F2, then Ctrl+F on a model")
        self._use(models[at])

    def _effort(self, argument: str) -> None:
        session = self._session
        levels = session.model.efforts
        if argument and argument not in EFFORTS:
            raise InputError(f"{argument!r} is no effort", hint="one of " + ", ".join(EFFORTS))
        if not levels:
            raise InputError(f"{session.model.ref.name} has no effort to set")
        wanted: Effort | None = next((level for level in EFFORTS if level == argument), None)
        if wanted is None:
            now = session.model.snap_effort(session.effort)
            wanted = levels[(levels.index(now) + 1) % len(levels)] if now in levels else levels[0]
        session.effort = wanted
        self._screen.refresh_session()
        self._screen.query_one(StatusLine).say(f"Effort: {wanted}")

    def _chat_pane(self) -> None:
        self._screen.show_tab("chat")
        self._screen.query_one(Prompt).focus()

    def _pane(self, name: Literal["tools", "cost"]) -> None:
        screen = self._screen
        if not screen.has_class("-narrow"):
            screen.toggle_class(f"hide-{name}")
            screen.query_one(Prompt).focus()
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
        if self._session.busy:
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
            if self._session.busy:
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
        store = self._screen.flux.runtime.store

        async def find(wanted: str) -> list[Row]:
            said = await store.prompts()
            return rows_of([text for text in said if wanted.lower() in text.lower()][:100])

        def chosen(text: str | None) -> None:
            if text is not None:
                self._screen.query_one(Prompt).fill(text)

        self._screen.app.push_screen(ListScreen("Said before", "Search prompts", find), chosen)

    def _help(self, argument: str) -> None:
        del argument
        own = self._screen.flux.keymap_overrides
        width = min(self._screen.size.width * 9 // 10, 96) - 5  # of the dialog, within its border
        self._screen.app.push_screen(TextScreen("Help", help_text(own, width)))

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

"""How the application starts: paint, load what a conversation needs in a thread, open it."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work

from flux_tui.core.errors import FluxError, InputError
from flux_tui.ui import themes
from flux_tui.ui.screens.chat import ChatScreen
from flux_tui.ui.terminal import GuardedApp
from flux_tui.ui.typed import as_typed
from flux_tui.ui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from flux_tui.config.settings import Settings
    from flux_tui.core.models import ModelInfo, ModelRef
    from flux_tui.session.session import ChatSession
    from flux_tui.session.wiring import Runtime

_LATER = (
    "flux_tui.session.wiring",
    "flux_tui.ui.screens.chat_actions",
    "flux_tui.ui.screens.chat_drafts",
    "flux_tui.ui.screens.chat_sending",
    "flux_tui.ui.screens.approval",
)
"""Modules that a conversation needs, and the first paint does not; they import all others."""

_STYLES = Path(__file__).parent / "styles"
_LATER_STYLES = ("later.tcss", "request.tcss")
_SLICE = 0.0005  # seconds


def _load_markdown() -> None:
    from flux_tui.ui.render.markdown import warm_up

    warm_up()


def _keymap(settings: Settings) -> tuple[Mapping[str, str], tuple[str, ...]]:
    if not settings.keymap:
        return {}, ()
    from flux_tui.ui.keymap_check import check_keymap

    return check_keymap(settings.keymap, settings.keymap_places)


class StartingApp(GuardedApp):
    """Has a `runtime` and a session soon after the first paint."""

    def __init__(
        self,
        settings: Settings,
        *,
        root: Path | None = None,
        continue_: bool = False,
        session: str | None = None,
    ) -> None:
        """Make an application that works in the folder *root*, the current one by default.

        Raises:
            ConfigError: the keymap is wrong.
        """
        super().__init__()
        self.settings = settings
        # Before the styles are read: with every other theme they would be read again.
        for theme in themes.OWN:
            self.register_theme(theme)
        self.set_reactive(StartingApp.theme, settings.theme or themes.DEFAULT)
        self.stylesheet.set_variables(self.get_css_variables())
        self._fresh = True  # the styles are those of the theme
        self.root = (root or Path.cwd()).resolve()
        self._chat: ChatScreen | None = None
        self._runtime: Runtime | None = None
        self._loaded = asyncio.Event()
        self.prices: dict[ModelRef, str] = {}
        self.keymap_overrides, self._keymap_notes = _keymap(settings)
        self._continue = continue_
        self._wanted = session
        self._awake = False

    def refresh_css(self, animate: bool = True) -> None:
        """Leave out the first: Textual refreshes also what it has only just read."""
        fresh, self._fresh = self._fresh, False
        if not fresh:
            super().refresh_css(animate)

    @property
    def runtime(self) -> Runtime:
        """Providers, tools, store and sessions.

        Raises:
            InputError: the program is still starting.
        """
        if self._runtime is None:
            raise InputError("the program is still starting", hint="try again in a moment")
        return self._runtime

    @property
    def chat(self) -> ChatScreen:
        """The chat screen, below any dialog; also when the screens are closed at the end.

        Raises:
            InputError: there is none yet.
        """
        if self._chat is None:
            raise InputError("the program is still starting", hint="try again in a moment")
        return self._chat

    def get_default_screen(self) -> ChatScreen:
        """Return the chat."""
        self._chat = ChatScreen()
        return self._chat

    def warn(self, problem: Exception | str) -> None:
        """Show what could not be done."""
        words = str(problem)
        self.notify(words[:1].upper() + words[1:], severity="warning", markup=False)

    @work(group="start", exit_on_error=False)
    async def begin(self) -> None:
        """Load what the first paint did without, then open the store and the session."""
        try:
            self._runtime = runtime = await asyncio.to_thread(self._load)
        finally:
            self._spare_modules()
            gc.enable()
        self._loaded.set()
        chat = self.chat
        self.stylesheet.read_all([_STYLES / name for name in _LATER_STYLES])
        await chat.furnish()
        notices = [*self._keymap_notes, *await runtime.start()]
        try:
            session = await self._open()
        except FluxError as problem:
            notices.append(str(problem))
            session = runtime.new_session(runtime.choices()[0].info)
        chat.take(session, notices)
        chat.do_what_waits()
        self._wake()
        if runtime.demo and not self.settings.demo:
            self.look_for_servers()
        chat.query_one(Prompt).recalling.remember(
            [as_typed(text) for text in await runtime.store.prompts()]
        )

    @work(group="lookout", exit_on_error=False)
    async def look_for_servers(self) -> None:
        """Offer the model servers of this machine where no key is set."""
        from flux_tui.ui.widgets.welcome import Welcome

        found = await self.runtime.lookout.local()
        key = self.chat.key_of("model.pick")
        words = [
            f"{one.label}: {one.models[0]}{' and others' if one.models[1:] else ''} · {key} chooses"
            for one in found
        ]
        self.chat.query_one(Welcome).offer(words)

    def _spare_modules(self) -> None:
        # What is loaded stays to the end: a collection that looks at it stops a tenth of a second.
        if not self.is_headless:
            gc.freeze()

    def _load(self) -> Runtime:
        before = sys.getswitchinterval()
        # Imports are one long computation: keys typed meanwhile must not wait for it.
        sys.setswitchinterval(_SLICE)
        try:
            for name in _LATER:
                importlib.import_module(name)
        finally:
            sys.setswitchinterval(before)
        from flux_tui.session.wiring import Runtime

        if self._continue or self._wanted:
            importlib.import_module("markdown_it.tree")  # the first thing to be painted then
        return Runtime(self.settings, root=self.root)

    @on(Prompt.Changed)
    def _wake(self) -> None:
        # SDK and price table are two thirds of the program's memory: looking costs neither.
        # The news of a last change may come when the screens are gone.
        chat = next((s for s in self.screen_stack if isinstance(s, ChatScreen)), None)
        session = chat.session if chat is not None else None
        if self._awake or chat is None or session is None:
            return
        if chat.query_one(Prompt).text:
            self._awake = True
            self.prepare(session.model)
            self.run_worker(_load_markdown, thread=True, exit_on_error=False, group="warm-up")
            self.load_prices()

    @work(exclusive=True, group="prices", exit_on_error=False)
    async def load_prices(self) -> None:
        """Find the models' prices in a thread; an open list of models shows them then."""
        await self._loaded.wait()
        from flux_tui.ui.screens.model_picker import ModelPicker, price_texts

        if not self.prices:
            self.prices.update(await asyncio.to_thread(price_texts, self.runtime))
            self._spare_modules()
            for screen in self.screen_stack:
                if isinstance(screen, ModelPicker):
                    screen.show_prices()

    async def _open(self) -> ChatSession:
        wanted = self._wanted
        if wanted is None and self._continue:
            wanted = await self.runtime.store.latest()
        return await self.runtime.resume(wanted) if wanted else self.runtime.new_session()

    @work(exclusive=True, group="prepare", exit_on_error=False)
    async def prepare(self, model: ModelInfo) -> None:
        """Import the SDK of *model* in a thread; a missing key is said at once."""
        try:
            await self.runtime.prepare(model)
            self._spare_modules()
        except FluxError as problem:
            self.warn(problem)

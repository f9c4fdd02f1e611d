"""The frame of the chat: what the first paint shows, and the panes that come after it.

Nothing is imported here that the first paint does without: people type sooner then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from flux_tui.core.errors import InputError
from flux_tui.ui import keymap
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.widgets.composer import Composer
from flux_tui.ui.widgets.model_bar import ModelBar
from flux_tui.ui.widgets.pane_tabs import TABS, PaneTabs, Tab
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from flux_tui.ui.app import FluxApp
    from flux_tui.ui.screens.chat import ChatScreen
    from flux_tui.ui.screens.chat_actions import ChatActions
    from flux_tui.ui.widgets.cost_meter import CostMeter
    from flux_tui.ui.widgets.tool_pane import ToolPane
    from flux_tui.ui.widgets.transcript import Transcript


class Shell(Screen[None]):
    """Header, welcome, composer and status at once; the other panes after `furnish`."""

    def __init__(self) -> None:
        super().__init__(classes="tab-chat")
        self.clock = FrameClock(self)
        self.furnished = False
        self._early: list[tuple[str, str]] = []  # what was wished before anything could do it

    @property
    def flux(self) -> FluxApp:
        """The application."""
        return cast("FluxApp", self.app)

    def compose(self) -> ComposeResult:
        """Yield header, panes, composer and status."""
        yield ModelBar(id="bar")
        with Horizontal(id="main"):
            yield Vertical(id="chat")
            yield Vertical(id="side")
        yield Composer(lambda: self.flux.root, id="composer", bare=True)
        yield StatusLine(self.clock, id="status")

    async def furnish(self) -> None:
        """Mount the panes that the first paint does without; the modules should be loaded."""
        from flux_tui.ui.screens.chat_actions import ChatActions
        from flux_tui.ui.widgets.cost_meter import CostMeter
        from flux_tui.ui.widgets.tool_pane import ToolPane
        from flux_tui.ui.widgets.transcript import Transcript
        from flux_tui.ui.widgets.welcome import Welcome

        chat = cast("ChatScreen", self)
        self._actions = ChatActions(chat)
        transcript = Transcript(self.clock, id="transcript")
        transcript.display = False
        transcript.again = f"{self.key_of('chat.retry')} or /retry".removeprefix(" or ")
        with self.app.batch_update():
            await self.query_one(ModelBar).furnish()
            composer = self.query_one(Composer)
            composer.models, composer.takes_shell_lines = chat.sending.models, True
            await composer.furnish()
            words = "The terminal is too small.\nFlux TUI needs 40×10."
            await self.mount(Plain(words, id="too-small"), before="#bar")
            await self.mount(PaneTabs(id="tabs"), after="#bar")
            await self.query_one("#chat").mount(Welcome(id="welcome"), transcript)
            tools, cost = ToolPane(self.clock, id="tools"), CostMeter(self.clock, id="cost")
            await self.query_one("#side").mount(tools, cost)
        self.clock.add(self._paint_behind)
        self.watch(transcript, "scroll_y", self._paint_behind, init=False)
        self.watch(transcript, "follow", self._paint_behind, init=False)
        self.furnished = True
        self.show_tab(self.tab)

    def on_screen_suspend(self) -> None:
        """Let the status line see that something lies over it."""
        self.clock.request()

    def on_screen_resume(self) -> None:
        """Let the status line see that nothing lies over it."""
        self.clock.request()

    @property
    def actions(self) -> ChatActions:
        """What keys and commands do.

        Raises:
            InputError: the program is still starting.
        """
        if not self.furnished:
            raise InputError("the program is still starting", hint="try again in a moment")
        return self._actions

    @property
    def transcript(self) -> Transcript:
        """The conversation."""
        return cast("Transcript", self.query_one("#transcript"))

    @property
    def tools(self) -> ToolPane:
        """The tool calls."""
        return cast("ToolPane", self.query_one("#tools"))

    @property
    def cost(self) -> CostMeter:
        """Money and tokens."""
        return cast("CostMeter", self.query_one("#cost"))

    def later(self, action_id: str, argument: str) -> None:
        """Remember an action that nothing can do yet."""
        self._early.append((action_id, argument))

    def taken(self) -> list[tuple[str, str]]:
        """Return the actions that were remembered, once."""
        early, self._early = self._early, []
        return early

    def key_of(self, action_id: str) -> str:
        """Return the key of an action, empty if it has none."""
        return next(iter(keymap.keys_of(action_id, self.flux.keymap_overrides)), "")

    @property
    def tab(self) -> Tab:
        """The pane that is shown where there is room for one only."""
        chosen: Tab = "chat"
        for tab in TABS:
            chosen = tab if self.has_class(f"tab-{tab}") else chosen
        return chosen

    def show_tab(self, chosen: Tab) -> None:
        """Show another pane where there is room for one only."""
        for tab in TABS:
            self.set_class(tab == chosen, f"tab-{tab}")
        keys: dict[Tab, str] = {tab: self.key_of(f"pane.{tab}") for tab in TABS}
        self.query_one(PaneTabs).show(chosen, self.tools.calls, keys)

    def _paint_behind(self) -> None:
        transcript = self.transcript
        below = round(transcript.max_scroll_y - transcript.scroll_y)
        lines = 0 if transcript.follow or not transcript.display else below
        self.query_one(StatusLine).behind(self.key_of("chat.follow"), lines)

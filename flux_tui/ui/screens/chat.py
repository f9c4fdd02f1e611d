"""The chat: one conversation, its panes, and the worker that drains a turn."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.worker import Worker

from flux_tui.core.errors import FluxError, InputError
from flux_tui.core.events import Committed, TurnEnded
from flux_tui.session.session import ChatSession
from flux_tui.ui import keymap
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.labels import assemble
from flux_tui.ui.screens.approval import ScreenApprover
from flux_tui.ui.screens.chat_actions import ChatActions
from flux_tui.ui.screens.listing import TextScreen, call_text
from flux_tui.ui.widgets.cost_meter import CostMeter
from flux_tui.ui.widgets.model_bar import ModelBar, ModelButton
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine
from flux_tui.ui.widgets.tool_pane import ToolPane
from flux_tui.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from flux_tui.ui.app import FluxApp


class ChatScreen(Screen[None]):
    """Shows `session`; every decision is the session's, every key an action of `actions`."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings()]
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

    def __init__(self) -> None:
        super().__init__()
        self.clock = FrameClock(self)
        self.session: ChatSession | None = None
        self.actions = ChatActions(self)

    @property
    def flux(self) -> FluxApp:
        """The application."""
        return cast("FluxApp", self.app)

    def compose(self) -> ComposeResult:
        """Yield header, panes, composer and status."""
        yield Plain("The terminal is too small.\nFlux TUI needs 40×10.", id="too-small")
        yield ModelBar(id="bar")
        with Horizontal(id="main"):
            with Vertical(id="chat"):
                yield Plain("", id="welcome")
                yield Transcript(self.clock, id="transcript")
            with Vertical(id="side"):
                yield ToolPane(self.clock, id="tools")
                yield CostMeter(self.clock, id="cost")
        yield Prompt(id="prompt")
        yield StatusLine(self.clock, id="status")

    def on_mount(self) -> None:
        """Be ready to type at once; the session comes after the first paint."""
        self.query_one(Prompt).focus()
        self.query_one("#transcript").display = False
        self.refresh_hints()

    def take(self, session: ChatSession) -> None:
        """Show another session."""
        self.session = session
        session.approver = ScreenApprover(self.app)
        self.query_one(Transcript).show(session.conversation)
        self.query_one(ToolPane).show(session.conversation)
        self.refresh_session()
        for notice in session.notices:
            self.query_one(Transcript).divider(notice, "notice")
        session.notices.clear()

    def refresh_session(self) -> None:
        """Bring header, cost and hints up to date."""
        session = self.session
        if session is None:
            return
        bar, use = self.query_one(ModelBar), session.context()
        bar.show_title(session.title, demo=session.model.simulated)
        bar.show_model(session.model, session.effort)
        bar.show_use(use, session.ledger.session)
        self.query_one(CostMeter).show(session.ledger, use)
        self.query_one(Prompt).border_title = str(session.model.ref)
        self.query_one(Prompt).border_subtitle = f"approvals: {session.policy.mode}"
        empty = not session.conversation.path
        self.query_one("#transcript").display = not empty
        self.query_one("#welcome").display = empty
        if empty:
            self._welcome(demo=session.model.simulated)
        self.refresh_hints()

    def _welcome(self, *, demo: bool) -> None:
        parts: list[str | tuple[str, str]] = [
            ("◆ Flux TUI\n", "bold $primary"),
            ("One conversation, any model of any vendor.\n\n", "dim"),
        ]
        if demo:
            parts += [
                ("No key is set: the built-in simulator answers. Nothing is spent.\n", "$warning"),
                "To use a real model, put a key where you start the program:\n",
                (
                    "  ANTHROPIC_API_KEY=… or OPENAI_API_KEY=… in the environment or .env\n\n",
                    "$accent",
                ),
            ]
        parts += ["Type a first message below, for instance\n", ("  What can you do?\n\n", "bold")]
        for key, words in (("F2", "choose a model"), ("F3", "next provider"), ("F1", "all keys")):
            parts += [(f"  {key}", "bold $accent"), f" {words}\n"]
        self.query_one("#welcome", Plain).update(assemble(*parts))

    def refresh_hints(self) -> None:
        """Show the keys that are useful next."""
        own = self.flux.keymap_overrides
        busy = self.session is not None and self.session.busy
        ids = ["chat.stop", "chat.follow"] if busy else ["model.pick", "model.next_provider"]
        ids += ["app.help", "pane.tools", "pane.cost", "session.list", "app.quit"]
        hints = [(keymap.keys_of(i, own)[:1], keymap.BY_ID[i].label) for i in ids]
        self.query_one(StatusLine).hints([(keys[0], label) for keys, label in hints if keys])

    async def action_do(self, action_id: str) -> None:
        """Do an action of the keymap."""
        await self.run_command(action_id, "")

    async def run_command(self, action_id: str, argument: str) -> None:
        """Do an action, and say what is wrong when it cannot be done."""
        try:
            await self.actions.run(action_id, argument)
        except FluxError as problem:
            self.flux.notify(str(problem), severity="warning", markup=False)

    @on(Prompt.Submitted)
    async def _submitted(self, event: Prompt.Submitted) -> None:
        event.stop()
        text = event.text
        word, _, argument = text.strip().partition(" ")
        if word.startswith("/") and word[1:] in keymap.BY_SLASH:
            await self.run_command(keymap.BY_SLASH[word[1:]].id, argument.strip())
        elif self.session is None or self.session.busy:
            self.query_one(Prompt).fill(text)
            self.flux.notify("An answer is still running: wait, or stop it with Esc", markup=False)
        else:
            self.turn(text)

    @on(Prompt.QuitWished)
    async def _quit_wished(self) -> None:
        await self.run_command("app.quit", "")

    @on(ModelButton.Clicked)
    async def _model_clicked(self) -> None:
        await self.run_command("model.pick", "")

    @on(ToolPane.Opened)
    def _call_opened(self, event: ToolPane.Opened) -> None:
        self.app.push_screen(TextScreen(f"Tool call: {event.row.call.name}", call_text(event.row)))

    @on(Transcript.CallPicked)
    def _call_picked(self, event: Transcript.CallPicked) -> None:
        row = self.query_one(ToolPane).row(event.call_id)
        if row is not None:
            self.app.push_screen(TextScreen(f"Tool call: {row.call.name}", call_text(row)))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Let the application report a failed turn: the news does not bubble."""
        self.flux.on_worker_state_changed(event)

    @work(exclusive=True, group="turn", exit_on_error=False)
    async def turn(self, text: str | None) -> None:
        """Send *text*, or ask again when it is None, and show what happens."""
        session = self.session
        if session is None:
            raise InputError("no session is open yet")
        panes = (
            self.query_one(Transcript),
            self.query_one(ToolPane),
            self.query_one(CostMeter),
            self.query_one(StatusLine),
        )
        stream = session.retry() if text is None else session.send(text)
        async with aclosing(stream) as events:
            async for event in events:
                for pane in panes:
                    pane.apply(event)
                if isinstance(event, Committed | TurnEnded):
                    self.refresh_session()
        for notice in session.notices:
            panes[0].divider(notice, "notice")
        session.notices.clear()
        self.refresh_session()

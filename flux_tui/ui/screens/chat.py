"""The chat: one conversation, its panes, and the worker that drains a turn.

Only what the first paint shows is imported here; `furnish` brings the rest.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.binding import BindingType
from textual.worker import Worker, WorkerState

from flux_tui.core.errors import FluxError, InputError
from flux_tui.ui import keymap
from flux_tui.ui.render.labels import one_line, plain
from flux_tui.ui.screens.shell import Shell
from flux_tui.ui.widgets.chips import Attachment, Attachments
from flux_tui.ui.widgets.composer import Composer
from flux_tui.ui.widgets.model_bar import ModelBar
from flux_tui.ui.widgets.plain import ActionText
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine
from flux_tui.ui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from flux_tui.core.events import TurnEnded, TurnEvent
    from flux_tui.core.models import ModelInfo
    from flux_tui.session.session import ChatSession
    from flux_tui.ui.screens.chat_drafts import Drafts
    from flux_tui.ui.screens.chat_sending import Sending
    from flux_tui.ui.widgets.tool_pane import CallRow, ToolPane
    from flux_tui.ui.widgets.transcript import Transcript

_BROKEN = frozenset({"error", "aborted", "interrupted"})  # what ended so can be asked again
_NOT_OVER = _BROKEN | {"context", "budget", "max_steps"}  # no message follows by itself


class ChatScreen(Shell):
    """Shows `session`; every decision is the session's, every key an action of `actions`."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings()]

    def __init__(self) -> None:
        super().__init__()
        self.session: ChatSession | None = None
        self._ended: TurnEnded | None = None
        self._notices: tuple[str, ...] = ()

    @cached_property
    def sending(self) -> Sending:
        """What becomes of what was typed."""
        from flux_tui.ui.screens.chat_sending import Sending

        return Sending(self)

    @cached_property
    def drafts(self) -> Drafts:
        """What was not sent yet."""
        from flux_tui.ui.screens.chat_drafts import Drafts

        return Drafts(self)

    @property
    def open_session(self) -> ChatSession:
        """The session.

        Raises:
            InputError: none is open yet.
        """
        if self.session is None:
            raise InputError("the program is still starting", hint="try again in a moment")
        return self.session

    def on_mount(self) -> None:
        """Be ready to type at once; the session comes after the first paint."""
        prompt = self.query_one(Prompt)
        prompt.cursor_blink = self.flux.settings.cursor_blink
        prompt.invite(self.key_of("model.pick"), self.key_of("app.help"))
        prompt.focus()
        self.refresh_hints()

    def take(self, session: ChatSession, notices: Sequence[str] = ()) -> None:
        """Show another session; *notices* are sentences for the user."""
        from flux_tui.ui.screens.approval import ScreenApprover
        from flux_tui.ui.screens.budget import ask_beyond

        self.session = session
        self._ended = None
        session.approver = ScreenApprover(self.app, self.tools.asked)
        session.purse.ask = partial(ask_beyond, self.app)
        transcript = self.transcript
        notices, session.notices = (*notices, *session.notices), []
        self._notices = notices
        self.show_conversation()
        if session.conversation.path:
            for notice in notices:
                transcript.divider(notice, "notice")
        self.query_one(StatusLine).say("Ready")
        self.drafts.open(session)

    def show_conversation(self) -> None:
        """Show the session's conversation again, in all panes."""
        if self.session is not None:
            self.transcript.show(self.session.conversation, self.session.told)
            self.transcript.keep_private(self.session.privacy.private)
            self.tools.show(self.session.conversation)
            self.refresh_session()

    def refresh_session(self) -> None:
        """Bring header, cost and hints up to date."""
        session = self.session
        if session is None:
            return
        bar, use = self.query_one(ModelBar), session.context()
        bar.show_title(session.title, demo=session.model.simulated)
        saved = not self.flux.runtime.store.problem
        bar.show_kept(saved=saved, read_only=session.read_only)
        bar.show_model(session.model, session.effort)
        bar.show_use(use, session.ledger.session)
        self.cost.show(session.ledger, use)
        self.refresh_composer()
        empty = not session.conversation.path
        self.transcript.display = not empty
        self.query_one(Welcome).display = empty
        if empty:
            keys = [("model.pick", "choose a model"), ("model.next_provider", "next provider")]
            keys += [("app.help", "all keys"), ("session.list", "earlier sessions")]
            shown = [(self.key_of(action), words) for action, words in keys]
            demo = session.model.simulated
            self.query_one(Welcome).show(demo=demo, notices=self._notices, keys=shown)
        self.show_tab(self.tab)
        self.refresh_hints()

    def refresh_composer(self) -> None:
        """Show below the composer which tools ask."""
        prompt = self.query_one(Prompt)
        if self.session is not None:
            from flux_tui.ui.screens.chat_actions import APPROVAL_WORDS

            words = APPROVAL_WORDS[self.session.policy.mode]
            prompt.border_subtitle = plain(f"{words} · {self.key_of('tools.mode')}")

    # ── panes ──

    def refresh_hints(self) -> None:
        """Show the keys that are useful next."""
        busy = self.session is not None and self.session.busy
        failed = self._ended is not None and self._ended.reason in _BROKEN
        full = self._ended is not None and self._ended.reason == "context"
        ids = ["chat.stop"] if busy else ["chat.retry"] if failed else []
        ids += ["chat.compact"] if full and not busy else []
        ids += ["model.pick", "model.next_provider", "app.help", "pane.tools", "pane.cost"]
        ids += ["session.list", "app.palette", "app.quit"]
        hints = [(self.key_of(action), keymap.BY_ID[action].label) for action in ids]
        self.query_one(StatusLine).hints([hint for hint in hints if hint[0]])

    async def action_do(self, action_id: str) -> None:
        """Do an action of the keymap."""
        await self.run_command(action_id, "")

    async def run_command(self, action_id: str, argument: str) -> None:
        """Do an action, and say what is wrong when it cannot be done."""
        if not self.furnished or self.session is None:
            self.later(action_id, argument)
            return
        await self.attempt(self.actions.run(action_id, argument))

    async def attempt(self, doing: Awaitable[None]) -> None:
        """Await something, and say what is wrong when it cannot be done."""
        try:
            await doing
        except FluxError as problem:
            self.flux.warn(problem)

    @on(Composer.Sent)
    async def _sent(self, event: Composer.Sent) -> None:
        event.stop()
        await self.sending.take(event.text, event.files)

    @on(Prompt.Changed)
    def _typed(self) -> None:
        self.drafts.changed()

    @on(Prompt.TakeBackWished)
    def _take_back_wished(self, event: Prompt.TakeBackWished) -> None:
        event.stop()
        self.sending.take_back()

    @on(Prompt.PageWished)
    def _page_wished(self, event: Prompt.PageWished) -> None:
        event.stop()
        page = (
            self.transcript.scroll_page_up if event.step < 0 else self.transcript.scroll_page_down
        )
        page(animate=False)

    @on(Composer.Trouble)
    def _trouble(self, event: Composer.Trouble) -> None:
        self.query_one(StatusLine).say(one_line(event.words, 160), "✗", "$error")

    @on(Attachments.Changed)
    def _files_changed(self) -> None:
        self.drafts.changed()
        files = self.query_one(Composer).files
        if self.session is None or not files:
            return
        from flux_tui.core.messages import Image

        model, last = self.session.model, files[-1]
        if isinstance(last, Image) and not model.abilities.images:
            name = one_line(model.ref.name, 40)
            words = f"{name} sees no pictures: it gets a note that names this one"
            self.query_one(StatusLine).say(words, "!", "$warning")

    @on(Prompt.QuitWished)
    async def _quit_wished(self) -> None:
        await self.run_command("app.quit", "")

    @on(ActionText.Clicked)
    async def _clicked(self, event: ActionText.Clicked) -> None:
        await self.run_command(event.action_id, "")

    def on_key(self, event: events.Key) -> None:
        """Write what is typed elsewhere and means nothing there.

        Letters that are keys of the whole screen count only in the transcript: a message begun in
        a pane must not run what it spells.
        """
        focused, letter, prompt = self.focused, event.character, self.query_one(Prompt)
        # What the composer has not taken was on its way elsewhere when the focus went there.
        if focused is None or letter is None or not event.is_printable:
            return
        bound = self.active_bindings.get(event.key)
        everywhere = bound is not None and bound.node is self
        if bound and not (everywhere and letter.isalnum() and focused is not self.transcript):
            return
        self.set_focus(prompt)
        prompt.insert(letter)
        event.stop()

    def _on_tool_pane_opened(self, event: ToolPane.Opened) -> None:
        self.open_call(event.row)

    def _on_tool_pane_jump_wished(self, event: ToolPane.JumpWished) -> None:
        self.jump(event.call_id)

    def _on_transcript_call_picked(self, event: Transcript.CallPicked) -> None:
        row = self.tools.row(event.call_id)
        if row is not None:
            self.open_call(row)

    def _on_transcript_copy_asked(self, event: Transcript.CopyAsked) -> None:
        self.flux.copy(event.text, event.what)

    def _on_transcript_link_picked(self, event: Transcript.LinkPicked) -> None:
        from flux_tui.ui.screens.listing import LinkScreen

        if not event.target:
            self.flux.warn("There is no link in what is chosen")
            return

        def chosen(answer: tuple[str, str] | None) -> None:
            self.flux.use_link(*answer or ("", ""))

        self.app.push_screen(LinkScreen(event.target), chosen)

    def _on_reading_view_found(self, event: Transcript.Found) -> None:
        words = f"Found {event.number} of {event.count} · n next · N previous · Esc end"
        if event.count < 0:
            self.query_one(StatusLine).say("Ready")
        else:
            self.query_one(StatusLine).say(words if event.count else "Not found", "⌕")

    def open_call(self, row: CallRow) -> None:
        """Show the details of a tool call; the way out may be its place in the transcript."""
        from flux_tui.ui.screens.listing import CallScreen

        def closed(jump: bool | None) -> None:
            if jump:
                self.jump(row.call.id)

        self.app.push_screen(CallScreen(row), closed)

    def jump(self, call_id: str) -> None:
        """Show a tool call's place in the transcript."""
        transcript = self.transcript
        self.show_tab("chat")

        def go() -> None:
            if transcript.jump_to_call(call_id):
                transcript.focus()
            else:
                self.flux.warn("That call is not in the transcript any more")

        self.call_after_refresh(go)  # a transcript that was hidden has no size before

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Let the application report a failed turn: the news does not bubble."""
        self.flux.on_worker_state_changed(event)
        if event.worker.group == "turn" and event.state is WorkerState.ERROR:
            self.sending.next(broken=True)

    @work(exclusive=True, group="turn", exit_on_error=False)
    async def turn(
        self, text: str | None, files: Sequence[Attachment] = (), model: ModelInfo | None = None
    ) -> None:
        """Send *text*, or ask again when it is None, and show what happens.

        A *model* answers this message only.
        """
        session = self.open_session
        with self.sending.for_once(model):
            await self._follow(session.retry() if text is None else session.send(text, files))
        self._say_what_waits()

    @work(exclusive=True, group="turn", exit_on_error=False)
    async def run_line(self, line: str) -> None:
        """Run a shell line of the user's, and show what it prints."""
        await self._follow(self.open_session.run_line(line))
        self.sending.said()
        if self._ended is not None and self._ended.reason == "aborted":
            self.query_one(StatusLine).say(
                "Not run, or stopped: nothing was added", "■", "$warning"
            )
        self._say_what_waits()
        self._ended = None  # there is nothing to ask again
        self.refresh_hints()

    @work(exclusive=True, group="turn", exit_on_error=False)
    async def compact(self) -> None:
        """Let the model summarise the conversation, and show what it goes on from."""
        await self._follow(self.open_session.compact())
        if self._ended is not None and self._ended.reason == "end":
            self.show_conversation()
            words = "Compacted: the model goes on from this summary; the rest stays in the session"
            self.query_one(StatusLine).say(words)
        self._say_what_waits()

    async def _follow(self, stream: AsyncGenerator[TurnEvent]) -> None:
        from flux_tui.core.events import Committed, ReplyStarted, TurnEnded

        panes = (
            self.transcript,
            self.tools,
            self.cost,
            self.query_one(StatusLine),
        )
        self._ended = None
        async with aclosing(stream) as events:
            async for event in events:
                for pane in panes:
                    pane.apply(event)
                if isinstance(event, TurnEnded):
                    self._ended = event
                elif isinstance(event, Committed) and event.message.role == "user":
                    self.sending.said()
                if isinstance(event, Committed | ReplyStarted | TurnEnded):
                    self.refresh_session()
        self.refresh_session()

    def do_what_waits(self) -> None:
        """Do what the user wished while the program was starting."""
        for action_id, argument in self.taken():
            self.call_later(self.run_command, action_id, argument)
        self._say_what_waits()

    def _say_what_waits(self) -> None:
        """Go on with what the user said meanwhile; after a failure it goes back to the composer."""
        self.sending.next(broken=self._ended is not None and self._ended.reason in _NOT_OVER)

"""The split view: one question, two to four models side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from flux_tui.core.errors import FluxError, InputError
from flux_tui.core.events import Committed, ReplyStarted, TurnEnded, TurnEvent
from flux_tui.session.compare import Comparison, Forecast
from flux_tui.session.comparing import remember
from flux_tui.ui import keymap
from flux_tui.ui.render.labels import assemble, money, one_line, plain
from flux_tui.ui.screens.compare_actions import CompareActions
from flux_tui.ui.screens.compare_columns import TOGETHER, ColumnsScreen
from flux_tui.ui.screens.compare_dialogs import QuestionScreen, forecast_text
from flux_tui.ui.screens.compare_keys import BY_ID, BY_SLASH, column_bindings
from flux_tui.ui.screens.compare_queue import Queue, Waiting
from flux_tui.ui.screens.consent import ConsentScreen, consent_text
from flux_tui.ui.widgets.chips import Attachment, Attachments
from flux_tui.ui.widgets.column_composer import ColumnComposer
from flux_tui.ui.widgets.column_pane import ColumnPane
from flux_tui.ui.widgets.column_text import ColumnText
from flux_tui.ui.widgets.composer import Composer
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from textual.timer import Timer

_PAUSE = 0.4
"""Seconds without a key after which the cost of what is written is found out."""


class CompareScreen(ColumnsScreen):
    """Shows `comparison`. What follows from it is told to the chat by `actions`."""

    BINDINGS: ClassVar[list[BindingType]] = [*column_bindings()]

    def __init__(self, comparison: Comparison, *, draft: str = "") -> None:
        super().__init__(comparison.columns, blind=comparison.blind)
        self.comparison = comparison
        for pane in self.panes:
            pane.common = comparison.common
        self.alone: ColumnPane | None = None  # the only one that is asked
        self.actions = CompareActions(self)
        self.waiting = Queue()
        self._draft = draft
        self._going: set[int] = set()  # columns whose turn is not over
        self._agreed: frozenset[str] = frozenset()  # reasons not to ask that did not count
        self._estimating: Timer | None = None

    def compose(self) -> ComposeResult:
        """Yield a bar, the columns, composer and status."""
        yield Plain("The terminal is too small.\nFlux TUI needs 40×10.", id="too-small")
        yield Plain(id="compare-bar")
        yield Plain(id="compare-tabs")
        with Horizontal(id="columns"):
            yield from self.panes
        yield ColumnComposer(lambda: self.flux.runtime.root, id="composer")
        yield StatusLine(self.clock, id="status")

    def on_mount(self) -> None:
        """Be ready to type."""
        prompt = self.query_one(Prompt)
        prompt.cursor_blink = self.flux.settings.cursor_blink
        prompt.invite(self.key("model"), self.key("help"))
        prompt.focus()
        if self._draft:
            prompt.fill(self._draft)
        self.clock.add(self._paint_state)
        self._seconds = self.set_interval(1.0, self.clock.request, pause=True)
        for pane in self.panes:
            pane.text.again = self.key("again")
        self.order_columns(shuffle=self.blind)
        self.choose(self.current)
        self.call_after_refresh(self.refresh_bar)
        self.estimate()
        self.flux.load_prices()
        if not any(pane.turns for pane in self.panes):
            self.say("Ask something: every column gets it")

    @property
    def busy(self) -> bool:
        """Whether any column answers or is about to."""
        return bool(self._going) or super().busy

    # ── looks ──

    def order_columns(self, *, shuffle: bool = False) -> None:
        """See `ColumnsScreen`; what the user has arranged is kept."""
        super().order_columns(shuffle=shuffle)
        arranged = [pane.index for pane in self.panes]
        if arranged != self.comparison.order and not shuffle:
            self.comparison.order = arranged
            if any(pane.turns for pane in self.panes):
                self.remember()

    def refresh_bar(self) -> None:
        """Say what is compared, and how the columns go on."""
        if not self.is_mounted:
            return
        for pane in self.panes:
            pane.held = self.blind and self.busy
        self.query_one(Prompt).border_title = plain(f"to {self._asked_words()}")
        title = one_line(self.comparison.base.title, 40)
        facts = [TOGETHER[self.together]]
        facts.append("tools that read" if self.comparison.reads else "no tools")
        facts += ["all from one answer"] if self.comparison.shared else []
        facts += [f"tag {self.actions.votes.tag}"] if self.actions.votes.tag else []
        demo = self.comparison.base.model.simulated
        bar = assemble(
            ("◆ Compare", "bold $primary"),
            (" DEMO", "bold $warning") if demo else "",
            ("  ◩ blind", "bold $warning") if self.blind else "",
            (f"  {title}" if title else "", ""),
            (f"  {' · '.join(facts)}", "dim"),
            ("  names, times and costs are hidden" if self.blind else "", "dim"),
        )
        self.query_one("#compare-bar", Plain).update(bar)
        self.query_one(StatusLine).hints(self._hints())
        self.clock.request()

    def _asked_words(self) -> str:
        return "all columns" if self.alone is None else f"only {self.alone.name}"

    def _hints(self) -> list[tuple[str, str]]:
        """Return the keys that are useful next, those of the present step first."""
        answered = any(pane.turns for pane in self.panes) and not self.busy
        states = {pane.column.progress.state for pane in self.panes}
        if self.busy:
            names = ["stop", "stop_one", "zoom", "back", "help"]
        elif self.blind:
            names = ["vote", "diff", "blind", "zoom", "back", "help"]
        elif answered:
            names = ["again"] if states & {"failed", "stopped"} else []
            names += ["adopt", "diff", "vote", "winner", "judge", "merge", "zoom", "back", "help"]
        else:
            names = ["model", "blind", "tools", "commands", "back", "help"]
        return [(self.key(name), BY_ID[f"compare.{name}"].label) for name in names]

    def _paint_state(self) -> None:
        self.paint_tabs()
        if not self.busy:
            return
        running = [p for p in self.panes if p.column.progress.running]
        among = f" of {len(self.panes)}" if len(self._going) != 1 else ""
        words = f"{len(running)}{among} answering"
        later = [p for p in running if p.column.progress.countdown(p.column.now()) is not None]
        if later and not self.blind:
            words += f" · {', '.join(pane.letter for pane in later)} tries again later"
        if self.blind:
            words = "Answers appear when all are there"
        self.query_one(StatusLine).say(words, "◉", "$success")

    def action_only(self, place: int) -> None:
        """Ask one column alone, or all again."""
        if place >= len(self.panes):
            return
        pane = self.panes[place]
        self.alone = None if self.alone is pane else pane
        self.choose(pane)
        self.estimate()

    @on(ColumnText.AdoptWished)
    async def _adopt_wished(self) -> None:
        await self.action_do("compare.adopt")

    def must_show_names(self) -> None:
        """Refuse what would tell whose answers these are.

        Raises:
            InputError: the columns are blind.
        """
        if self.blind:
            hint = f"vote first, or {self.key('blind')} shows names"
            raise InputError("the columns are blind", hint=hint)

    def close(self, note: str) -> None:
        """Go to the chat, which shows *note*; there is no way back to these columns."""
        self.app.pop_screen()
        self.app.uninstall_screen(self)
        self.remove()
        chat = self.flux.chat
        chat.show_conversation()
        chat.transcript.divider(note, "notice")

    # ── asking ──

    async def action_do(self, action_id: str) -> None:
        """Do an action of the split view."""
        await self.attempt(self.actions.run(action_id, ""))

    @on(Composer.Sent)
    async def _sent(self, event: Composer.Sent) -> None:
        event.stop()
        text, files = event.text, event.files
        word, _, argument = text.strip().partition(" ")
        composer = self.query_one(Composer)
        action = BY_SLASH.get(word[1:]) if word.startswith("/") else None
        if action is not None:
            self.query_one(Attachments).restore(files)
            await self.attempt(self.actions.run(action.id, argument.strip()))
        elif word.startswith("/") and word[1:].isalnum():
            composer.give_back(text, files)
            known = word[1:] in keymap.BY_SLASH
            chat = f"is a command of the chat: {self.key('back')} goes there"
            place = chat if known else "is no command"
            self.flux.warn(f"{word} {place}; {self.key('help')} shows those of the split view")
        else:
            self.ask(text, files)

    @on(Composer.Trouble)
    def _trouble(self, event: Composer.Trouble) -> None:
        self.say(one_line(event.words, 160), "✗", "$error")

    @on(Prompt.Changed)
    def _typed(self, event: Prompt.Changed) -> None:
        event.stop()
        if self._estimating is not None:
            self._estimating.stop()
        if not self.busy:
            self._estimating = self.set_timer(_PAUSE, self.estimate)

    @on(Prompt.QuitWished)
    def _quit_wished(self) -> None:
        self.flux.leave(0)

    @work(group="ask", exit_on_error=False)
    async def ask(self, text: str, files: Sequence[Attachment] = ()) -> None:
        """Say *text* to the columns that are asked, after what must be agreed to.

        A column that still answers gets it afterwards; the others do not wait for it.
        """
        asked = list(self.panes) if self.alone is None else [self.alone]
        forecast = await self.comparison.forecast(text, files, only=[p.index for p in asked])
        reasons = self.comparison.reasons_to_ask(forecast)
        problem = "The chat itself is still answering" if self.comparison.base.busy else ""
        if not problem and reasons and not await self._meant(forecast, reasons):
            problem = "Not sent"
        problem = problem or await self.allowed(asked)
        if problem:
            self.query_one(Composer).give_back(text, files)
            self.say(problem, "⊘", "$warning")
            return
        item = Waiting(text, tuple(files), {pane.index for pane in asked}, bool(reasons))
        self.waiting.add(item)
        if self.blind and self.busy:
            self.show_waiting()  # who is ready first must not be seen
        else:
            self.send_waiting()

    def send_waiting(self) -> None:
        """Let every column that is free have what waits for it."""
        free = {pane.index for pane in self.panes if not pane.column.session.busy} - self._going
        while found := self.waiting.next_for(free):
            item, indexes = found
            free -= set(indexes)
            self._going |= set(indexes)
            self.actions.asked()
            self.actions.reading.end_diff()
            stream = self.comparison.ask(item.text, item.files, only=indexes, beyond=item.beyond)
            following = partial(self.follow, stream, indexes)
            self.run_worker(following, group="ask", exit_on_error=False)
        self.show_waiting()

    def show_waiting(self) -> None:
        """Show above the composer what waits, and for whom."""
        letters = {pane.index: pane.letter for pane in self.panes}
        rows: list[str] = []
        for item in self.waiting:
            whom = ", ".join(sorted(letters[index] for index in item.columns))
            said = item.text or f"{len(item.files)} files"
            rows.append(said if self.blind else f"{whom}: {said}")
        self.query_one(Composer).show_waiting(rows)

    @on(Prompt.TakeBackWished)
    def take_back(self, event: Prompt.TakeBackWished) -> None:
        """Have what was said last in the composer again, as far as it is not out yet."""
        event.stop()
        item = self.waiting.take_back()
        if item is None:
            return
        self.query_one(Composer).give_back(item.text, item.files)
        self.show_waiting()
        have = [pane.letter for pane in self.panes if pane.index not in item.columns]
        if have and self.alone is None:
            self.say(f"Taken back; {', '.join(have)} got it already", "!", "$warning")

    def give_back_all(self) -> None:
        """Have all that waits in the composer again."""
        if self.waiting:
            self.query_one(Composer).give_back(*self.waiting.take_all())
            self.show_waiting()

    async def _meant(self, forecast: Forecast, reasons: Sequence[str]) -> bool:
        """Ask, once for the same reasons, whether a question shall go out all the same."""
        told = frozenset(one_line(reason, 30) for reason in reasons)
        if told <= self._agreed:
            return True
        words = forecast_text(forecast, reasons, blind=self.blind)
        yes = await self.app.push_screen_wait(QuestionScreen("Ask all the same?", words, "Send"))
        self._agreed |= told if yes else frozenset()
        return bool(yes)

    async def allowed(self, asked: Sequence[ColumnPane]) -> str:
        """Ask about every vendor that would read others' words for the first time.

        Returns why nothing may be sent, or nothing.
        """
        # While it is blind nobody's vendor is told apart from the others'.
        for pane in self.panes if self.blind else asked:
            session = pane.column.session
            reader = session.needs_consent(session.model)
            if reader is None:
                continue
            text = consent_text(session, session.model, reader)
            if not await self.app.push_screen_wait(ConsentScreen(reader, text)):
                return f"Not sent: {reader} does not get this conversation"
            await self.comparison.consent(session.model)
        return ""

    async def follow(
        self, stream: AsyncGenerator[tuple[int, TurnEvent]], indexes: Sequence[int]
    ) -> None:
        """Show what happens in the columns *indexes* until it is over."""
        panes = {pane.index: pane for pane in self.panes}
        self._going |= set(indexes)
        self._seconds.resume()  # waits are counted though nothing is heard
        try:
            async with aclosing(stream) as happening:
                async for index, event in happening:
                    panes[index].apply(event)
                    if isinstance(event, ReplyStarted | Committed):
                        self.remember()
                    if isinstance(event, ReplyStarted | TurnEnded):
                        self.refresh_bar()
                    if isinstance(event, TurnEnded):
                        await panes[index].column.over()
                        self._going.discard(index)
                        if not self.blind:
                            self.send_waiting()
        except FluxError as problem:
            self.flux.warn(problem)
        finally:
            self._going -= set(indexes)
        if self.is_attached and not self.busy:
            self._over()

    def _over(self) -> None:
        """Everybody has answered: show what was held back, and say what can be done next."""
        self._seconds.pause()
        if self.blind:
            self.give_back_all()  # these answers are to be voted on first
            for pane in self.panes:
                pane.show()
        self.say(*self._outcome())
        if not self.is_current:
            key = self.flux.chat.key_of("compare.open") or "/compare"
            self.flux.notify(f"Columns: {self._outcome()[0]} · {key}", timeout=5, markup=False)
        self.refresh_bar()
        self.estimate()
        self.remember()

    def _outcome(self) -> tuple[str, str, str]:
        """Return what came of the turn in words, with a sign and its style."""
        failed = [pane.letter for pane in self.panes if pane.column.progress.state == "failed"]
        stopped = [pane.letter for pane in self.panes if pane.column.progress.state == "stopped"]
        if self.blind:
            return f"All are there: {self.key('vote')} votes and shows who is who", "◩", "$warning"
        if failed:
            words = f"{', '.join(failed)} failed: {self.key('again')} asks the column again"
            return words, "✗", "$error"
        if stopped:
            whole = len(stopped) == len(self.panes)
            return "Stopped" if whole else f"{', '.join(stopped)} stopped", "■", "$warning"
        return "All have answered", "●", "$success"

    @work(exclusive=True, group="estimate", exit_on_error=False)
    async def estimate(self) -> None:
        """Show below the composer what sending what is written there takes."""
        prompt, files = self.query_one(Prompt), self.query_one(Composer).files
        only = None if self.alone is None else [self.alone.index]
        text = prompt.whole_text
        said = "" if text.startswith("/") else text
        forecast = await self.comparison.forecast(said, files, only=only)
        if not self.is_attached:
            return
        number = f"{forecast.requests} request{'s' if forecast.requests != 1 else ''}"
        told = self.comparison.reasons_to_ask(forecast)
        prompt.border_subtitle = assemble(
            number,
            f" · about {money(forecast.total)}",
            (f" · {one_line(told[0], 60)}", "$warning") if told else "",
        )

    @work(exclusive=True, group="remember", exit_on_error=False)
    async def remember(self) -> None:
        """Keep models and places of the columns with the session."""
        # It may come after the store was closed, when the program is left while columns answer.
        await asyncio.shield(self.attempt(remember(self.flux.runtime.store, self.comparison)))

"""The split view: one question, two to four models side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from flux_tui.core.errors import FluxError
from flux_tui.core.events import ReplyStarted, TurnEnded, TurnEvent
from flux_tui.session.compare import Comparison
from flux_tui.session.comparing import remember
from flux_tui.ui.render.labels import assemble, money, one_line, plain
from flux_tui.ui.screens.compare_actions import CompareActions
from flux_tui.ui.screens.compare_columns import TOGETHER, ColumnsScreen
from flux_tui.ui.screens.compare_dialogs import QuestionScreen, forecast_text
from flux_tui.ui.screens.compare_keys import BY_ID, BY_SLASH, column_bindings
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
    pass

_HINTS = ("adopt", "diff", "zoom", "model", "vote", "blind", "back", "help")


class CompareScreen(ColumnsScreen):
    """Shows `comparison`. What follows from it is told to the chat by `actions`."""

    BINDINGS: ClassVar[list[BindingType]] = [*column_bindings()]

    def __init__(self, comparison: Comparison, *, blind: bool = False) -> None:
        super().__init__(comparison.columns, blind=blind)
        self.comparison = comparison
        self.alone: ColumnPane | None = None  # the only one that is asked
        self.actions = CompareActions(self)
        self._agreed = False  # to what the first question takes

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
        self.query_one(Prompt).focus()
        self.clock.add(self._paint_state)
        self.order_columns(shuffle=self.blind)
        self.choose(self.current)
        self.call_after_refresh(self.refresh_bar)
        self.estimate()
        self.flux.load_prices()

    # ── looks ──

    def refresh_bar(self) -> None:
        """Say what is compared, and how the columns go on."""
        if not self.is_mounted:
            return
        asked = "all columns" if self.alone is None else f"only {self.alone.name}"
        prompt = self.query_one(Prompt)
        prompt.border_title = plain(f"to {asked}")
        title = one_line(self.comparison.base.title, 40)
        facts = [TOGETHER[self.together]]
        facts.append("tools that read" if self.comparison.reads else "no tools")
        facts += [f"tag {self.actions.votes.tag}"] if self.actions.votes.tag else []
        demo = self.comparison.base.model.simulated
        bar = assemble(
            ("◆ Compare", "bold $primary"),
            (" DEMO", "bold $warning") if demo else "",
            (f"  {title}" if title else "", ""),
            (f"  {' · '.join(facts)}", "dim"),
            ("  ◩ blind: names, times and costs are hidden" if self.blind else "", "bold $warning"),
        )
        self.query_one("#compare-bar", Plain).update(bar)
        ids = ["stop", *_HINTS] if self.busy else _HINTS
        hints = [BY_ID[f"compare.{name}"] for name in ids]
        names = {"escape": "Esc", "f1": "F1", "f2": "F2", "f6": "F6"}
        self.query_one(StatusLine).hints(
            [(names.get(h.keys[0]) or h.keys[0].title(), h.label) for h in hints]
        )
        self.clock.request()

    def _paint_state(self) -> None:
        self.paint_tabs()
        if not self.busy:
            return
        running = [p for p in self.panes if p.column.progress.running]
        words = f"{len(running)} of {len(self.panes)} answering"
        self.query_one(StatusLine).say(words, "◉", "$success")

    def action_only(self, place: int) -> None:
        """Ask one column alone, or all again."""
        if place >= len(self.panes):
            return
        pane = self.panes[place]
        self.alone = None if self.alone is pane else pane
        self.choose(pane)

    @on(ColumnText.AdoptWished)
    async def _adopt_wished(self) -> None:
        await self.action_do("compare.adopt")

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
            self.flux.warn(f"There is no command {word} in the split view: F1 shows all")
        else:
            self.ask(text, files)

    @on(Composer.Trouble)
    def _trouble(self, event: Composer.Trouble) -> None:
        self.say(one_line(event.words, 160), "✗", "$error")

    @on(Prompt.Changed)
    def _typed(self, event: Prompt.Changed) -> None:
        event.stop()

    @on(Prompt.QuitWished)
    def _quit_wished(self) -> None:
        self.flux.leave(0)

    @work(group="ask", exit_on_error=False)
    async def ask(self, text: str, files: Sequence[Attachment] = ()) -> None:
        """Say *text* to the columns that are asked, after what must be agreed to."""
        asked = list(self.panes) if self.alone is None else [self.alone]
        problem = self._why_not(asked)
        if not problem:
            self._agreed = self._agreed or await self._foretold()
            problem = "" if self._agreed else "Not sent"
        if not problem:
            problem = await self.allowed(asked)
        if problem:
            self.query_one(Composer).give_back(text, files)
            self.say(problem, "⊘", "$warning")
            return
        self.actions.asked()
        self.actions.reading.end_diff()
        only = None if self.alone is None else self.alone.index
        await self.follow(self.comparison.ask(text, files, only=only))

    def _why_not(self, asked: Sequence[ColumnPane]) -> str:
        if any(pane.column.session.busy for pane in asked):
            return "An answer is still running: wait for it, or Esc stops all"
        if self.comparison.base.busy:
            return "The chat itself is still answering"
        return ""

    async def _foretold(self) -> bool:
        """Show what the first question takes, and return whether it may go out."""
        forecast = await self.comparison.forecast()
        text = forecast_text(forecast, self.flux.prices, self.actions.budget())
        return bool(
            await self.app.push_screen_wait(QuestionScreen("Ask all columns?", text, "Send"))
        )

    async def allowed(self, asked: Sequence[ColumnPane]) -> str:
        """Ask about every vendor that would read others' words for the first time.

        Returns why nothing may be sent, or nothing.
        """
        for pane in asked:
            session = pane.column.session
            reader = session.needs_consent(session.model)
            if reader is None:
                continue
            text = consent_text(session, session.model, reader)
            if not await self.app.push_screen_wait(ConsentScreen(reader, text)):
                return f"Not sent: {reader} does not get this conversation"
            await self.comparison.consent(session.model)
        return ""

    async def follow(self, stream: AsyncGenerator[tuple[int, TurnEvent]]) -> None:
        """Show what happens in the columns until it is over."""
        panes = {pane.index: pane for pane in self.panes}
        try:
            async with aclosing(stream) as happening:
                async for index, event in happening:
                    panes[index].apply(event)
                    if isinstance(event, ReplyStarted | TurnEnded):
                        self.refresh_bar()
        except FluxError as problem:
            self.flux.warn(problem)
        if self.is_attached and not self.busy:
            self._over()

    def _over(self) -> None:
        """Everybody has answered: show what was held back, and say what can be done next."""
        if self.blind:
            for pane in self.panes:
                pane.show()
        failed = [pane.letter for pane in self.panes if pane.column.progress.state == "failed"]
        if failed:
            self.say(
                f"{', '.join(failed)} failed: r or F5 in the column tries again", "✗", "$error"
            )
        elif self.blind:
            self.say("All have answered: Alt+V votes and shows who is who", "◩", "$warning")
        else:
            self.say("All have answered")
        self.refresh_bar()
        self.estimate()
        self.remember()

    @work(exclusive=True, group="estimate", exit_on_error=False)
    async def estimate(self) -> None:
        """Show below the composer what the next question to all takes."""
        forecast = await self.comparison.forecast()
        if self.is_attached:
            cost = money(forecast.cost) if forecast.cost.basis != "free" else ""
            words = f"{forecast.requests} requests{f' · {cost} to read' if cost else ''}"
            self.query_one(Prompt).border_subtitle = plain(words)

    @work(exclusive=True, group="remember", exit_on_error=False)
    async def remember(self) -> None:
        """Keep models and places of the columns with the session."""
        await asyncio.shield(remember(self.flux.runtime.store, self.comparison))

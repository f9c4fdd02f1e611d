"""What the keys and slash commands of the split view do."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from flux_tui.core.errors import InputError
from flux_tui.core.models import ModelInfo
from flux_tui.session.comparing import forget
from flux_tui.ui.render.labels import assemble, one_line
from flux_tui.ui.screens.compare_dialogs import QuestionScreen, forecast_text, key_table
from flux_tui.ui.screens.compare_keys import COLUMN_ACTIONS, key_rows, keys_of
from flux_tui.ui.screens.compare_reading import ReadingActions
from flux_tui.ui.screens.compare_refine import Refining
from flux_tui.ui.screens.compare_votes import Votes
from flux_tui.ui.screens.listing import ListScreen, Row, TextScreen, page_width
from flux_tui.ui.screens.model_picker import ModelPicker
from flux_tui.ui.screens.scoreboard import ScoreboardScreen
from flux_tui.ui.widgets.column_pane import ColumnPane
from flux_tui.ui.widgets.composer import Composer
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from flux_tui.ui.screens.compare import CompareScreen


class CompareActions:
    """One method for each action of `COLUMN_ACTIONS`, found by its id."""

    def __init__(self, screen: CompareScreen) -> None:
        self._screen = screen
        self.votes = Votes(screen)
        self.reading = ReadingActions(screen)
        self.refining = Refining(screen)
        self._table: dict[str, Callable[[str], Awaitable[None] | None]] = {
            "stop": lambda _: self._stop(),
            "stop_one": lambda _: screen.comparison.stop(self._pane.index),
            "again": lambda _: self._again(),
            "model": self._model,
            "only": self._only,
            **self.reading.table,
            "adopt": lambda _: self._adopt(),
            "winner": lambda _: self._winner(),
            "own": lambda _: self._own(),
            "blind": lambda _: self.votes.toggle_blind(),
            "vote": lambda _: self.votes.vote(),
            "tag": self.votes.set_tag,
            "tools": lambda _: self._tools(),
            "forecast": lambda _: self._forecast(),
            "merge": self.refining.merge,
            "judge": self.refining.judge,
            "replay": self.refining.replay,
            "scoreboard": lambda _: self._scoreboard(),
            "commands": lambda _: self._commands(),
            "help": lambda _: self._help(),
            "back": lambda _: self._back(),
        }

    async def run(self, action_id: str, argument: str) -> None:
        """Do it.

        Raises:
            FluxError: it cannot be done now.
        """
        result = self._table[action_id.removeprefix("compare.")](argument)
        if inspect.isawaitable(result):
            await result

    @property
    def _pane(self) -> ColumnPane:
        return self._screen.current

    def asked(self) -> None:
        """A new question is out."""
        self.votes.asked()

    # ── answers ──

    def _stop(self) -> None:
        screen = self._screen
        prompt = screen.query_one(Prompt)
        if prompt.close_menu():
            return
        if screen.busy:
            screen.give_back_all()
            screen.comparison.stop()
        elif self.refining.stop():
            return
        elif self.reading.comparing:
            self.reading.end_diff(told=True)
        elif self._pane.text.selected is not None and not prompt.has_focus:
            self._pane.text.action_release()
        else:
            prompt.focus()

    def _again(self) -> None:
        """Ask one column again; an answer that runs, or stalls, is ended first."""
        screen, pane = self._screen, self._pane
        if not pane.turns:
            raise InputError("there is nothing to answer yet")

        async def again() -> None:
            problem = await screen.allowed([pane])
            if problem:
                screen.say(problem, "⊘", "$warning")
                return
            screen.comparison.stop(pane.index)
            await pane.column.over()
            self.asked()
            pane.show_before_answer()
            stream = screen.comparison.retry(pane.index)
            await screen.follow(stream, [pane.index])

        screen.run_worker(again, group="ask", exit_on_error=False)

    def _only(self, argument: str) -> None:
        """Ask one column alone: the chosen one, or that with the letter *argument*."""
        screen = self._screen
        letters = [pane.letter for pane in screen.panes]
        wanted = argument.upper() or self._pane.letter
        if wanted not in letters:
            raise InputError(f"there is no column {wanted}", hint="one of " + ", ".join(letters))
        screen.action_only(letters.index(wanted))

    def _model(self, argument: str) -> None:
        screen, pane = self._screen, self._pane
        if screen.blind:
            raise InputError("models cannot be changed while their names are hidden")
        flux, session = screen.flux, pane.column.session

        def change(model: ModelInfo | None) -> None:
            if model is not None and model.ref != session.model.ref:
                screen.comparison.change(pane.index, model)
                flux.prepare(model)
                pane.text.divider(f"{one_line(str(model.ref), 60)} answers from here", "switch")
                now = f"{screen.key('again')} asks it now"
                later = "from the next question on" if pane.column.session.busy else now
                screen.say(f"{pane.letter} is {one_line(model.ref.name, 40)}: {later}", "⇄")
                screen.refresh_bar()
                screen.estimate()

        if argument:
            change(flux.runtime.find_model(argument))
            return
        choices = flux.runtime.choices()
        screen.app.push_screen(
            ModelPicker(choices, session.model.ref, flux.prices, session.preflight), change
        )

    def _tools(self) -> None:
        screen = self._screen
        screen.comparison.allow_reading(not screen.comparison.reads)
        words = "the tools that only read" if screen.comparison.reads else "no tools"
        screen.say(f"From the next question on the columns have {words}")
        screen.refresh_bar()

    async def _forecast(self) -> None:
        screen = self._screen
        prompt, files = screen.query_one(Prompt), screen.query_one(Composer).files
        said = "" if prompt.text.startswith("/") else prompt.whole_text
        forecast = await screen.comparison.forecast(said, files)
        reasons = screen.comparison.reasons_to_ask(forecast)
        text = forecast_text(forecast, reasons, blind=screen.blind)
        screen.app.push_screen(TextScreen("The next question to all columns", text))

    # ── choosing ──

    def _only_when_known(self) -> None:
        self._screen.must_show_names()
        if self._screen.busy:
            raise InputError("an answer is still running", hint="stop it first")

    def _adopt(self) -> None:
        self._only_when_known()
        screen, pane = self._screen, self._pane
        others = [each for each in screen.panes if each is not pane]
        text = assemble(
            "The session goes on with ",
            (one_line(str(pane.column.session.model.ref), 60), "bold"),
            f" and what it said.\nThe {'other stays' if len(others) == 1 else 'others stay'} in the"
            " session as branches beside it.",
        )

        async def answered(yes: bool | None) -> None:
            if yes:
                await screen.attempt(adopt())

        async def adopt() -> None:
            base = screen.comparison.base
            await screen.comparison.adopt(pane.index)
            if base.id is not None:
                await forget(screen.flux.runtime.store, base.id)
            names = [one_line(each.column.session.model.ref.name, 30) for each in others]
            note = f"{pane.column.session.model.ref} goes on · beside it as branches: "
            screen.close(note + ", ".join(names))

        screen.app.push_screen(QuestionScreen("Adopt this column?", text, "Adopt"), answered)

    def _winner(self) -> None:
        self._only_when_known()
        screen, pane = self._screen, self._pane
        text = assemble(
            "All columns go on from what ",
            (one_line(pane.column.author.name, 40), "bold"),
            " said, and read its words\nas their own history. Their own answers stay as branches.",
        )

        def answered(yes: bool | None) -> None:
            if not yes:
                return
            screen.comparison.go_on_from(pane.index)
            self.reading.end_diff()
            for each in screen.panes:
                each.show()
                words = f"all go on from {one_line(pane.column.author.name, 40)}"
                each.text.divider(words, "notice")
            screen.say(f"All columns go on from {pane.letter}; {screen.key('own')} takes that back")
            screen.refresh_bar()
            screen.estimate()
            screen.remember()

        screen.app.push_screen(QuestionScreen("All from here?", text, "Go on"), answered)

    def _own(self) -> None:
        screen = self._screen
        if screen.busy:
            raise InputError("an answer is still running", hint="stop it first")
        screen.comparison.keep_own()
        self.reading.end_diff()
        for each in screen.panes:
            each.show()
        screen.say("Each column goes on with its own answers")
        screen.refresh_bar()
        screen.estimate()
        screen.remember()

    # ── elsewhere ──

    def _scoreboard(self) -> None:
        runtime = self._screen.flux.runtime
        self._screen.app.push_screen(ScoreboardScreen(runtime.store, runtime.root))

    def _commands(self) -> None:
        overrides = self._screen.flux.keymap_overrides

        async def find(wanted: str) -> list[Row]:
            return [
                (
                    a.id,
                    assemble(
                        f"{a.label:<16}",
                        (f" {keys_of(a, overrides):<14} ", "$accent"),
                        (f"/{a.slash:<12} ", "$secondary"),
                        a.help,
                    ),
                )
                for a in COLUMN_ACTIONS
                if wanted.lower() in f"{a.label} /{a.slash} {a.help}".lower()
            ]

        async def chosen(action_id: str | None) -> None:
            if action_id is not None:
                await self._screen.action_do(action_id)

        self._screen.app.push_screen(
            ListScreen("Commands of the split view", "Search commands", find), chosen
        )

    def _help(self) -> None:
        screen = self._screen
        rows = key_table(key_rows(screen.flux.keymap_overrides), page_width(screen.size.width))
        screen.app.push_screen(TextScreen("Keys of the split view", rows))

    def _back(self) -> None:
        screen = self._screen
        screen.app.pop_screen()
        if screen.busy:
            chat = screen.flux.chat
            words = f"The columns go on answering: {chat.key_of('compare.open') or '/compare'}"
            chat.query_one(StatusLine).say(f"{words} shows them", "◉")

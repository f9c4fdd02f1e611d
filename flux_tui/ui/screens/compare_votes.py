"""Blind mode and votes in the split view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flux_tui.core.errors import InputError
from flux_tui.core.sanitize import one_line
from flux_tui.session.ratings import Outcome, Vote
from flux_tui.session.votes import keep_vote
from flux_tui.ui.screens.compare_dialogs import VoteScreen
from flux_tui.ui.screens.listing import AskLine
from flux_tui.ui.widgets.column_pane import ColumnPane

if TYPE_CHECKING:
    from flux_tui.ui.screens.compare import CompareScreen

_TAG = 24  # characters


class Votes:
    """Takes at most one vote on the same answers."""

    def __init__(self, screen: CompareScreen) -> None:
        self._screen = screen
        self.tag = ""

    def asked(self) -> None:
        """A new question is out: what came of the vote before is not told of it."""
        for pane in self._screen.panes:
            pane.note = ""

    def set_tag(self, argument: str) -> None:
        """Name the kind of question."""

        def named(tag: str | None) -> None:
            if tag is not None:
                self.tag = one_line(tag, _TAG)
                self._screen.refresh_bar()

        if argument:
            named(argument)
        else:
            self._screen.app.push_screen(AskLine("Tag of your votes", self.tag), named)

    def toggle_blind(self) -> None:
        """Hide who is who, in a new order; or show it without a vote."""
        screen = self._screen
        if screen.busy:
            raise InputError("an answer is still running", hint="wait for it or stop it")
        screen.actions.reading.end_diff()  # it would tell which letters the columns had
        screen.blind = not screen.blind
        if screen.blind:
            screen.comparison.blind = True
            screen.comparison.named |= screen.comparison.tips()
            self.asked()
        else:
            screen.comparison.reveal()
        screen.order_columns(shuffle=screen.blind)
        screen.remember()
        words = "Names are shown again"
        if screen.blind:
            words = f"Blind: shuffled; vote with {screen.key('vote')}"
        screen.say(words, "◩" if screen.blind else "●", "$warning" if screen.blind else "$success")

    def vote(self) -> None:
        """Ask which answer is best, keep it, and show who is who."""
        screen, comparison = self._screen, self._screen.comparison
        if screen.busy:
            raise InputError("an answer is still running", hint="wait for it or stop it")
        panes = [pane for pane in screen.panes if pane.column.progress.state in {"done", "stopped"}]
        if len({pane.column.author for pane in panes}) < 2:
            raise InputError("there are no two answers to compare yet")
        if comparison.tips() <= comparison.voted:
            raise InputError("you have voted on these answers", hint="ask something new")
        names = [(p.letter, "" if screen.blind else p.column.author.name) for p in panes]

        async def voted(choice: str | None) -> None:
            if choice is not None:
                await screen.attempt(self._keep(panes, choice))

        known = screen.blind and not self._blind
        screen.app.push_screen(VoteScreen(names, self.tag, known=known), voted)

    @property
    def _blind(self) -> bool:
        """Whether a vote is given without knowing whose answers these are."""
        comparison = self._screen.comparison
        return self._screen.blind and not comparison.tips() & comparison.named

    async def _keep(self, panes: list[ColumnPane], choice: str) -> None:
        screen = self._screen
        best = next((pane for pane in panes if pane.letter == choice), None)
        outcome: Outcome = "win" if best else "tie" if choice == "tie" else "bad"
        vote = Vote(
            models=tuple(str(pane.column.author) for pane in panes),
            outcome=outcome,
            winner=str(best.column.author) if best else "",
            tag=self.tag,
            blind=self._blind,
        )
        await keep_vote(screen.flux.runtime.store, vote, screen.comparison.base.id or "")
        screen.comparison.voted = screen.comparison.tips()
        was_blind, screen.blind = screen.blind, False
        screen.comparison.reveal()
        screen.remember()
        for pane in panes:
            pane.note = "★ best" if pane is best else "tie" if outcome == "tie" else ""
            pane.note = "bad" if outcome == "bad" else pane.note
        if was_blind:
            screen.actions.reading.end_diff()
            screen.order_columns()
        if best is not None:
            screen.choose(best)
        name = one_line(best.column.author.name, 40) if best else ""
        told = f"Voted for {name}" if best else "Voted: " + ("a tie" if choice == "tie" else "bad")
        board, adopt = screen.key("scoreboard"), screen.key("adopt")
        screen.say(f"{told} · {board} scoreboard · {adopt} adopts a column", "★", "$warning")
        screen.refresh_bar()

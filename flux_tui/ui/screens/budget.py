"""Asks whether a turn may go beyond a budget; the way out is no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from flux_tui.session.approvals import Answer
from flux_tui.ui.render.labels import assemble
from flux_tui.ui.screens.guarded import Choice, GuardedDialog, Page, asked
from flux_tui.ui.widgets.plain import Plain, PlainButton


class BudgetScreen(GuardedDialog[Answer]):
    """Returns the user's answer; Escape and the default button say no."""

    AUTO_FOCUS = "#no"
    FREE = frozenset({"n", "escape"})  # a no that comes too soon does no harm
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('once')", "Go on"),
        Binding("s", "answer('session')", "Go on in this session"),
        Binding("n,escape", "answer('no')", "No"),
    ]

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__()
        self._reasons = reasons

    def compose(self) -> ComposeResult:
        """Yield which budgets speak against it, and three answers."""
        with Vertical(classes="dialog dialog-small question", id="budget") as box:
            box.border_title = "Go beyond the budget?"
            with Page(id="budget-what", can_focus=False):
                yield Plain(self._text(), id="budget-text")
            with Horizontal(classes="buttons"):
                yield Choice("n  No", id="no")
                yield Choice("y  Go on", id="once")
                yield Choice("s  Session", id="session")
            yield Plain("←→ choose · Enter take · Esc no", classes="keys")

    def action_answer(self, answer: Literal["once", "session", "no"]) -> None:
        """Close with *answer*."""
        self.dismiss(Answer(answer))

    @on(PlainButton.Pressed)
    def _pressed(self, event: PlainButton.Pressed) -> None:
        event.stop()
        self.dismiss(Answer(event.button.id))

    def _text(self) -> Content:
        lines = [
            assemble(("! ", "bold $warning"), f"{words[:1].upper()}{words[1:]}")
            for words in self._reasons
        ]
        lines.append(assemble(("Go on: this turn. Session: no more questions in it.", "dim")))
        return Content("\n").join(lines)


async def ask_beyond(app: App[Any], reasons: Sequence[str]) -> Answer:
    """Return what the user says to going beyond the budgets that *reasons* name."""
    return await asked(app, BudgetScreen(reasons)) or Answer.NO

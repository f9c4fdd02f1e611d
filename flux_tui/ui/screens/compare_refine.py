"""A further model on the answers of all columns: it grades them, or makes one of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import TextArea

from flux_tui.core.errors import InputError
from flux_tui.core.models import ModelInfo
from flux_tui.session.judge import RUBRIC
from flux_tui.session.judging import Judgement, judge_answers
from flux_tui.session.merge import merge_prompt
from flux_tui.ui.render.labels import assemble, money, one_line
from flux_tui.ui.screens.listing import Dialog, TextScreen
from flux_tui.ui.screens.model_picker import ModelPicker
from flux_tui.ui.widgets.column_pane import ColumnPane
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine
from flux_tui.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from flux_tui.ui.screens.compare import CompareScreen


class RubricScreen(Dialog[str | None]):
    """Shows what a judge goes by, to edit. Returns it, or None."""

    CSS_PATH: ClassVar[Any] = "../styles/compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", priority=True),
        Binding("ctrl+s", "send", "Send", priority=True),
    ]

    def __init__(self, words: Content) -> None:
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        """Yield the rubric and what is sent with it."""
        with Vertical(classes="dialog", id="rubric") as box:
            box.border_title = "Rubric of the judge"
            yield TextArea(RUBRIC, compact=True, soft_wrap=True)
            yield Plain(self._words, classes="question-text")
            yield Plain("Ctrl+S send · Esc close", classes="keys")

    def action_send(self) -> None:
        """Close with what is written."""
        self.dismiss(self.query_one(TextArea).text)


class Refining:
    """Takes the answers to the last question that every column has."""

    def __init__(self, screen: CompareScreen) -> None:
        self._screen = screen

    def merge(self, argument: str) -> None:
        """Ask which model merges, then have its prompt ready to edit in the chat."""
        screen = self._screen
        pane = screen.current
        self._quiet()
        texts = [text for each in screen.panes if (text := each.answer())]
        if len(texts) < 2:
            raise InputError("there are no two answers to merge yet")

        async def chosen(model: ModelInfo | None) -> None:
            if model is not None:
                await screen.attempt(write(model))

        async def write(model: ModelInfo) -> None:
            path = pane.column.session.conversation.path
            question = next(m.text for m in reversed(path) if m.role == "user")
            base = screen.comparison.base
            await screen.comparison.go_back(pane.index)
            base.model = model
            screen.app.pop_screen()
            chat = screen.flux.chat
            chat.show_conversation()
            names = ", ".join(p.column.session.model.ref.name for p in screen.panes)
            note = f"the answers of {one_line(names, 100)} stay beside this as branches"
            chat.query_one(Transcript).divider(note, "notice")
            chat.query_one(Prompt).fill(merge_prompt(question, texts))
            words = f"Enter sends this to {model.ref}: it gets all answers that stand in it"
            chat.query_one(StatusLine).say(words, "!", "$warning")

        self._choose(argument, chosen)

    def judge(self, argument: str) -> None:
        """Ask which model grades and by what, then show both verdicts."""
        screen = self._screen
        if screen.busy:
            raise InputError("an answer is still running", hint="stop it first")
        panes = [pane for pane in screen.panes if pane.answer()]
        if len(panes) < 2:
            raise InputError("there are no two answers to judge yet")

        async def chosen(model: ModelInfo | None) -> None:
            if model is None:
                return
            words = assemble(
                "2 requests to ",
                (one_line(str(model.ref), 60), "bold"),
                f": the question and {len(panes)} answers, without names, in two orders.",
            )

            def written(rubric: str | None) -> None:
                if rubric is not None:
                    judging = self._judge(model, rubric, panes)
                    screen.run_worker(screen.attempt(judging), group="judge", exit_on_error=False)

            screen.app.push_screen(RubricScreen(words), written)

        self._choose(argument, chosen)

    async def _judge(self, model: ModelInfo, rubric: str, panes: list[ColumnPane]) -> None:
        screen = self._screen
        path = panes[0].column.session.conversation.path
        question = next(m.text for m in reversed(path) if m.role == "user")
        screen.say(f"{one_line(model.ref.name, 40)} judges, twice", "◉")
        answers = [pane.answer() for pane in panes]
        found = await judge_answers(screen.comparison.base, model, rubric, question, answers)
        screen.remember()
        screen.say("Judged")
        text = verdict_text(found, [pane.name for pane in panes], str(model.ref))
        screen.app.push_screen(TextScreen("Verdict", text))

    def _quiet(self) -> None:
        if self._screen.blind:
            raise InputError("the columns are blind", hint="vote first, or Alt+Y shows names")
        if self._screen.busy:
            raise InputError("an answer is still running", hint="stop it first")

    def _choose(self, argument: str, then: Callable[[ModelInfo | None], Awaitable[None]]) -> None:
        screen, runtime = self._screen, self._screen.flux.runtime
        if argument:
            model = runtime.find_model(argument)
            screen.call_later(then, model)
            return
        session = screen.current.column.session
        picker = ModelPicker(
            runtime.choices(), session.model.ref, screen.flux.prices, session.preflight
        )
        screen.app.push_screen(picker, then)


def verdict_text(found: Judgement, names: list[str], judge: str) -> Content:
    """Return both verdicts with their reasons, whether the order decided, and the cost."""
    lines: list[Content] = []
    for order, verdict, pick in zip(found.shown, found.verdicts, found.picks, strict=True):
        shown = ", ".join(names[place].partition(" ")[0] for place in order)
        if verdict is None:
            said, reason = "could not be understood", ""
        else:
            said, reason = "a tie" if pick is None else names[pick], verdict.reason
        lines.append(assemble((f"In the order {shown}: ", "dim"), (said, "bold")))
        lines.append(assemble(f"  {reason}\n"))
    if found.agree:
        words = ("Both orders lead to the same verdict.", "$success")
    elif found.understood:
        words = ("The order decided, not the answers: this is no verdict.", "bold $warning")
    else:
        words = ("At least one reply was no verdict.", "bold $warning")
    lines += [assemble(words), assemble((f"\n{judge} · {money(found.cost)}", "dim"))]
    return Content("\n").join(lines)

"""A further model on the answers of all columns: it grades them, or makes one of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import TextArea
from textual.worker import Worker

from flux_tui.core.errors import InputError
from flux_tui.core.models import ModelInfo
from flux_tui.session.comparing import forget
from flux_tui.session.judge import RUBRIC, judge_prompt
from flux_tui.session.judging import Judgement, foretell, judge_answers
from flux_tui.session.merge import merge_prompt
from flux_tui.session.replay import Replay
from flux_tui.ui.render.labels import assemble, money, one_line, plain
from flux_tui.ui.screens.consent import ConsentScreen, consent_text
from flux_tui.ui.screens.listing import Dialog, ListScreen, Row, TextScreen
from flux_tui.ui.widgets.column_pane import ColumnPane
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine
from flux_tui.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from flux_tui.ui.screens.compare import CompareScreen

_KEPT = "rubric"  # the name under which the user's own is remembered


class RubricScreen(Dialog[str | None]):
    """Shows what a judge goes by, to edit. Returns it, or None.

    *whole* makes the prompt that is sent of a rubric.
    """

    CSS_PATH: ClassVar[Any] = "../styles/compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", priority=True),
        Binding("ctrl+s", "send", "Send", priority=True),
        Binding("ctrl+o", "whole", "Whole prompt", priority=True),
        Binding("ctrl+r", "default", "Ours", priority=True),
    ]

    def __init__(self, rubric: str, words: Content, whole: Callable[[str], str]) -> None:
        super().__init__()
        self._rubric = rubric
        self._words = words
        self._whole = whole

    def compose(self) -> ComposeResult:
        """Yield the rubric and what is sent with it."""
        with Vertical(classes="dialog", id="rubric") as box:
            box.border_title = "Rubric of the judge: yours to edit"
            yield TextArea(self._rubric, compact=True, soft_wrap=True)
            yield Plain(self._words, classes="question-text")
            yield Plain(
                "Ctrl+S send · Ctrl+O whole prompt · Ctrl+R our rubric · Esc close", classes="keys"
            )

    @property
    def rubric(self) -> str:
        """What is written."""
        return self.query_one(TextArea).text

    def action_send(self) -> None:
        """Close with what is written."""
        self.dismiss(self.rubric)

    def action_whole(self) -> None:
        """Show everything that the judge is sent the first time."""
        text = plain(self._whole(self.rubric))
        self.app.push_screen(TextScreen("What the judge is sent, in one of two orders", text))

    def action_default(self) -> None:
        """Have the rubric that comes with the program."""
        self.query_one(TextArea).text = RUBRIC


class Refining:
    """Takes the answers to the last question that every column has."""

    def __init__(self, screen: CompareScreen) -> None:
        self._screen = screen
        self._judging: Worker[None] | None = None

    def stop(self) -> bool:
        """End the judge's work; whether there was any."""
        if self._judging is None or self._judging.is_finished:
            return False
        self._judging.cancel()
        self._screen.say("The judge was stopped", "■", "$warning")
        return True

    def merge(self, argument: str) -> None:
        """Ask which model merges, then have its prompt ready to edit in the chat."""
        screen = self._screen
        pane = screen.current
        screen.must_show_names()
        texts = [each.answer() for each in self._answered("merge")]

        async def write(model: ModelInfo) -> None:
            question = self._question(pane)
            base = screen.comparison.base
            await screen.comparison.go_back(pane.index)
            base.model = model
            screen.app.pop_screen()
            chat = screen.flux.chat
            chat.show_conversation()
            names = ", ".join(p.column.author.name for p in screen.panes)
            note = f"the answers of {one_line(names, 100)} stay beside this as branches"
            chat.query_one(Transcript).divider(note, "notice")
            chat.query_one(Prompt).fill(merge_prompt(question, texts))
            words = f"Enter sends this to {model.ref}: it gets all answers that stand in it"
            chat.query_one(StatusLine).say(words, "!", "$warning")

        self._choose("Which model merges the answers?", argument, write)

    def judge(self, argument: str) -> None:
        """Ask which model grades and by what, then show both verdicts."""
        screen = self._screen
        panes = self._answered("judge")

        async def ask(model: ModelInfo) -> None:
            if not await self._may_read(model, panes):
                words = f"Not judged: {one_line(model.ref.provider, 30)} does not get the answers"
                screen.say(words, "⊘", "$warning")
                return
            question, answers = self._question(panes[0]), [pane.answer() for pane in panes]

            def whole(rubric: str) -> str:
                return judge_prompt(rubric, question, answers)

            kept = await screen.flux.runtime.store.get_state(_KEPT) or RUBRIC
            cost = await foretell(screen.comparison.base, model, whole(kept))
            words = assemble(
                "2 requests to ",
                (one_line(str(model.ref), 60), "bold"),
                f", about {money(cost)}: the question and {len(panes)} answers, without names,"
                " in two orders.",
            )
            rubric = await screen.app.push_screen_wait(RubricScreen(kept, words, whole))
            if rubric is None:
                return
            if rubric != kept:
                own = "" if rubric.strip() == RUBRIC.strip() else rubric
                await screen.flux.runtime.store.set_state(_KEPT, own)
            await self._judge(model, rubric, panes)

        def begin(model: ModelInfo) -> None:
            async def judging() -> None:
                await screen.attempt(ask(model))

            self._judging = screen.run_worker(
                judging, group="judge", exclusive=True, exit_on_error=False
            )

        self._choose("Which model judges?", argument, begin)

    async def _judge(self, model: ModelInfo, rubric: str, panes: list[ColumnPane]) -> None:
        screen = self._screen
        stop = screen.key("stop")
        screen.say(f"{one_line(model.ref.name, 40)} judges, twice · {stop} stops", "◉")
        answers = [pane.answer() for pane in panes]
        question, base = self._question(panes[0]), screen.comparison.base
        found = await judge_answers(base, model, rubric, question, answers)
        screen.remember()
        if found.agree:
            best = found.picks[0]
            for place, pane in enumerate(panes):
                pane.note = "⚖ best" if place == best else "⚖ tie" if best is None else ""
        screen.say(f"Judged: {money(found.cost)}")
        text = verdict_text(found, [_by(pane) for pane in panes], str(model.ref))
        screen.app.push_screen(TextScreen("Verdict", text))

    async def _may_read(self, model: ModelInfo, panes: list[ColumnPane]) -> bool:
        """Ask, if the judge's vendor has read none of it yet."""
        screen = self._screen
        for pane in panes:
            session = pane.column.session
            reader = session.needs_consent(model)
            if reader is not None:
                text = consent_text(session, model, reader)
                if not await screen.app.push_screen_wait(ConsentScreen(reader, text)):
                    return False
                await screen.comparison.consent(model)
        return True

    def replay(self, argument: str) -> None:
        """Ask which model repeats the column's thread, and show it beside that."""
        screen, pane = self._screen, self._screen.current
        screen.must_show_names()
        if screen.busy:
            raise InputError("an answer is still running", hint="stop it first")
        if not pane.turns:
            raise InputError("there is nothing to replay yet")
        base, tools = screen.comparison.base, screen.flux.runtime.tools

        async def left(note: str) -> None:
            await forget(screen.flux.runtime.store, base.id or "")
            screen.close(note)

        def gone(note: str, adopted: bool) -> None:
            if adopted:
                screen.call_later(left, note)
            else:
                screen.say(note[:1].upper() + note[1:])
                screen.remember()

        def begin(model: ModelInfo) -> None:
            def make(run_again: bool) -> Replay:
                return Replay(base, model, tools, thread=pane.column.session, run_again=run_again)

            async def ask() -> None:
                if await self._may_read(model, [pane]):
                    await screen.flux.chat.actions.comparing.replay(make, gone)
                else:
                    words = f"Not replayed: {one_line(model.ref.provider, 30)} does not get this"
                    screen.say(words, "⊘", "$warning")

            async def asking() -> None:
                await screen.attempt(ask())

            screen.run_worker(asking, group="replay", exit_on_error=False)

        self._choose("Which model repeats this column?", argument, begin)

    def _answered(self, doing: str) -> list[ColumnPane]:
        """Return the columns that answered the last question.

        Raises:
            InputError: there are no two, or one is still answering.
        """
        if self._screen.busy:
            raise InputError("an answer is still running", hint="stop it first")
        panes = [pane for pane in self._screen.panes if pane.answer()]
        if len(panes) < 2:
            raise InputError(f"there are no two answers to {doing} yet")
        return panes

    def _question(self, pane: ColumnPane) -> str:
        path = pane.column.session.conversation.path
        return next(m.text for m in reversed(path) if m.role == "user")

    def _choose(
        self,
        title: str,
        argument: str,
        then: Callable[[ModelInfo], Awaitable[None] | None],
    ) -> None:
        """Let the user choose the model that does it; it needs not be one of the columns'."""
        screen, runtime = self._screen, self._screen.flux.runtime

        async def chosen(name: str | None) -> None:
            if name is None:
                return
            doing = then(runtime.find_model(name))
            if doing is not None:
                await screen.attempt(doing)

        async def find(wanted: str) -> list[Row]:
            rows: list[Row] = []
            for choice in runtime.choices():
                ref = choice.info.ref
                if not choice.available or wanted.lower() not in str(ref).lower():
                    continue
                star = "★ " if choice.favourite else "  "
                price = screen.flux.prices.get(ref, "")
                label = assemble(
                    (star, "$warning"),
                    f"{one_line(ref.name, 30):<30} ",
                    (f"{one_line(ref.provider, 14):<14} {price}", "dim"),
                )
                rows.append((str(ref), label))
            return rows

        if argument:
            model = runtime.find_model(argument)
            screen.call_later(chosen, str(model.ref))
        else:
            screen.app.push_screen(ListScreen(title, "Type to find a model", find), chosen)


def _by(pane: ColumnPane) -> str:
    """Return the column's letter, and whose answer it is unless that is hidden."""
    return pane.letter if pane.blind else f"{pane.letter}  {one_line(pane.column.author.name, 40)}"


def verdict_text(found: Judgement, names: list[str], judge: str) -> Content:
    """Return both verdicts with their reasons, scores, whether the order decided, and the cost."""
    lines: list[Content] = []
    verdicts = zip(found.shown, found.verdicts, found.picks, found.replies, strict=True)
    for order, verdict, pick, reply in verdicts:
        shown = ", ".join(names[place].partition(" ")[0] for place in order)
        if verdict is None:
            said, reason = "could not be understood", f"It replied: {one_line(reply, 200)}"
        else:
            said, reason = "a tie" if pick is None else names[pick], verdict.reason
        lines.append(assemble((f"In the order {shown}: ", "dim"), (said, "bold")))
        lines.append(assemble(f"  {reason}\n"))
    scored = [(name, found.score(place)) for place, name in enumerate(names)]
    if any(scores for _, scores in scored):
        lines.append(assemble(("Scores of 10, in both orders", "dim")))
        for name, scores in scored:
            told = " and ".join(f"{score:g}" for score in scores)
            lines.append(assemble(f"  {one_line(name, 30):<30} ", (told, "bold")))
        lines.append(Content(""))
    if found.agree:
        lines.append(assemble(("Both orders lead to the same verdict.", "$success")))
    elif found.understood:
        words = "The order decided, not the answers: this is no verdict."
        lines.append(assemble((words, "bold $warning")))
    else:
        lines.append(assemble(("At least one reply was no verdict.", "bold $warning")))
    if found.bias is not None:
        side = "no advantage for either place"
        if found.bias:
            place = "first" if found.bias > 0 else "last"
            side = f"{abs(found.bias):g} points more for what is read {place}"
        lines.append(assemble(f"Position bias: {side}."))
    lines.append(assemble((f"\n{judge} · {money(found.cost)}", "dim")))
    return Content("\n").join(lines)

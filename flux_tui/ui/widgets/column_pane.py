"""One column of the split view: a head with how it is doing, and what is said below it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from flux_tui.core.events import Committed, TurnEvent
from flux_tui.core.messages import Conversation, Message, Opaque, Thinking
from flux_tui.core.models import ModelRef
from flux_tui.session.column import Column, ColumnState, Progress
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.labels import assemble, count, money, one_line, seconds
from flux_tui.ui.widgets.column_diff import DiffText
from flux_tui.ui.widgets.column_text import ColumnText
from flux_tui.ui.widgets.plain import Plain

STATES: dict[ColumnState, tuple[str, str, str]] = {
    "idle": ("○", "$foreground 65%", "ready"),
    "waiting": ("◌", "$warning", "waiting"),
    "thinking": ("◍", "$accent", "thinking"),
    "writing": ("◉", "$success", "writing"),
    "retrying": ("↻", "$warning", "retrying"),
    "done": ("●", "$success", "done"),
    "failed": ("✗", "$error", "failed"),
    "stopped": ("■", "$warning", "stopped"),
}
"""Mark, colour and word of each state."""

LETTERS = "ABCD"

_SLIM = 38  # cells below which the figures take a line more


class ColumnPane(Vertical):
    """Shows `column`, which is number `index` of its comparison.

    While it is `blind` it tells neither name nor figures, and shows answers only when `reveal`
    or `show` is called: how fast they come would tell as much as a name.
    """

    def __init__(self, index: int, column: Column, clock: FrameClock) -> None:
        super().__init__(classes="column")
        self.index = index
        self.column = column
        self.letter = LETTERS[index]
        self.blind = False
        self.held = False  # while it is blind and not all have answered
        self.common: Callable[[], Collection[str]] = tuple  # ids of messages that all share
        self.chosen = False
        self.note = ""  # beside the name: what came of a vote
        self._clock = clock
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """Yield the head and the two ways to read."""
        yield Plain(classes="column-head")
        yield ColumnText(self._clock, classes="column-text")
        yield DiffText(classes="column-diff")

    def on_mount(self) -> None:
        """Paint the head with the other panes."""
        self._clock.add(self.paint)
        self.query_one(DiffText).display = False
        self.show()

    def on_unmount(self) -> None:
        """Leave the clock."""
        self._clock.remove(self.paint)

    @property
    def text(self) -> ColumnText:
        """The transcript."""
        return self.query_one(ColumnText)

    @property
    def name(self) -> str:
        """What the column is called now: its model, or its letter alone."""
        ref = self.column.session.model.ref
        return self.letter if self.blind else f"{self.letter}  {one_line(ref.name, 40)}"

    def show(self) -> None:
        """Show the column's conversation from its end."""
        conversation = self.column.session.conversation
        if self.blind:
            conversation = _nameless(conversation, self.letter, self.common())
        self.text.show(conversation)
        self._clock.request()

    def apply(self, event: TurnEvent) -> None:
        """Take one event of the column's turn."""
        said = isinstance(event, Committed) and event.message.role == "user"
        if said or not self.blind:
            self.text.apply(event)
        self._clock.request()

    def show_before_answer(self) -> None:
        """Show what was said up to the last question: it is answered again."""
        conversation = self.column.session.conversation
        tip = next((m for m in reversed(conversation.path) if m.role == "user"), None)
        if tip is not None and not self.blind:
            self.text.show(conversation.at(tip.id))

    @property
    def turns(self) -> int:
        """How many questions were asked."""
        return sum(m.role == "user" for m in self.column.session.conversation.path)

    def answer(self, turn: int = 0) -> str:
        """Return what was answered to question *turn*, the last one by default, as written."""
        path = self.column.session.conversation.path
        turn = turn or self.turns
        asked = 0
        found: list[str] = []
        for message in path:
            asked += message.role == "user"
            if asked == turn and message.role == "assistant" and message.text:
                found.append(message.text)
        return "\n\n".join(found)

    def show_diff(self) -> DiffText:
        """Have a diff in the place of the transcript, and return where to show it."""
        diff = self.query_one(DiffText)
        diff.display, self.text.display = True, False
        return diff

    def end_diff(self) -> None:
        """Show the transcript again."""
        self.query_one(DiffText).display, self.text.display = False, True

    def focus(self, scroll_visible: bool = True) -> ColumnPane:
        """Give the focus to what is read."""
        diff = self.query_one(DiffText)
        (diff if diff.display else self.text).focus(scroll_visible)
        return self

    def on_click(self, event: events.Click) -> None:
        """Make this the column that keys are about."""
        del event
        self.focus()

    def on_resize(self, event: events.Resize) -> None:
        """Give the figures as many lines as they need."""
        self.set_class(event.size.width < _SLIM, "-slim")
        self._clock.request()

    def paint(self) -> None:
        """Bring the head up to date."""
        progress, now = self.column.progress, self.column.now()
        second = int(progress.elapsed(now))
        tip = self.column.session.conversation.head
        looks = (self.name, tip, self.chosen, self.note, self.blind, self.held, self.size.width)
        looks = (*looks, second)
        if (*looks, replace(progress)) != self._shown:
            self._shown = (*looks, replace(progress))
            lines = [self._title(), *self._facts(progress, now)]
            # The head has a fixed size: no layout of the screen with every frame.
            self.query_one(".column-head", Plain).update(Content("\n").join(lines), layout=False)

    def state(self) -> Content:
        """Return name and state in a few cells, for a row of tabs."""
        mark, style = ("○", "") if self.blind else STATES[self.column.progress.state][:2]
        return assemble((f" {self.name} ", "bold" if self.chosen else ""), (f"{mark} ", style))

    def _title(self) -> Content:
        mark = "▸ " if self.chosen else "  "
        letter, _, name = self.name.partition("  ")
        note = f" {self.note}" if self.note else ""
        style = "bold $primary" if self.chosen else "bold"
        parts = ((mark, "bold $primary"), (letter, style), (note, "bold $warning"))
        return assemble(*parts, (f"  {name}" if name else "", style))

    def _facts(self, progress: Progress, now: float) -> list[Content]:
        """Return the lines below the name, as many as the head has."""
        if self.blind:
            return [assemble(self._blind_words(progress)), Content("")]
        if progress.state != "idle" and not self.column.asked:
            author = one_line(self.column.author.name, 30)
            return [assemble("  ○ not asked yet"), _line([f"below answers {author}"])]
        mark, style, word = STATES[progress.state]
        word = _state_words(progress, now) or word
        short = self.screen.has_class("-short") and self.screen.has_class("-narrow")
        if progress.problem and progress.state in {"failed", "retrying"}:
            hint = " · r tries again" if progress.state == "failed" else ""
            room = max(self.size.width - 6, 10)
            told = textwrap.wrap(
                one_line(progress.problem, 160), room, max_lines=2, placeholder=" …"
            )
            return [assemble((f"  {mark} {word}", style), hint), *(_line([t]) for t in told)]
        first = [f"first {seconds(progress.first)}"] if progress.first is not None else []
        rate = [f"{progress.rate:.0f} tok/s"] if progress.rate is not None else []
        idle = progress.state == "idle"
        took = [] if idle or not progress.seconds else [seconds(progress.elapsed(now))]
        size = [] if idle else [f"{_about(progress)}{count(progress.tokens)} tok"]
        cost = self.column.cost
        price = [money(cost)] if cost.basis != "free" else []
        head = assemble((f"  {mark} {word}", style))
        if short:  # one line for all
            spare = [fact.removeprefix("first ").replace(" tok/s", "/s") for fact in first + rate]
            figures = [*spare, *size, *(text.partition(" ")[0] for text in price)]
            return [assemble((f"  {mark} ", style), " · ".join(figures) or word)]
        if self.has_class("-slim"):
            price = [text.replace(" simulated", " sim") for text in price]
            top = head + assemble(f" · {took[0]}" if took else "")
            return [top, _line([*first, *rate]), _line([*size, *price])]
        top = head + assemble("".join(f" · {fact}" for fact in first + rate))
        return [top, _line([*size, *price, *([] if progress.running else took)])]

    def _blind_words(self, progress: Progress) -> str:
        if self.held:
            return "  ○ answering"
        if progress.state == "failed":
            return "  ✗ failed"
        return "  ○ ready" if progress.state == "idle" else "  ○ answered"


def _line(facts: Sequence[str]) -> Content:
    return assemble("  " + " · ".join(facts))


def _about(progress: Progress) -> str:
    return "" if progress.counted or not progress.tokens else "≈ "


def _state_words(progress: Progress, now: float) -> str:
    """Return what a column waits for, counted in seconds; nothing while it gets on."""
    left, quiet = progress.countdown(now), progress.silent(now)
    if left is not None:
        return f"tries again in {left:.0f} s" if left >= 1 else "tries again now"
    if quiet:
        return f"silent for {quiet:.0f} s · s stops"
    if progress.state == "waiting" and progress.elapsed(now) >= 1:
        return f"waiting {progress.elapsed(now):.0f} s"
    return ""


def _nameless(conversation: Conversation, letter: str, shared: Collection[str]) -> Conversation:
    """Return *conversation* without who answered, how long it took and what it cost.

    The messages *shared* by all columns stay as they are: they tell no column from another.
    """
    return Conversation(
        conversation.system,
        tuple(m if m.id in shared else _hidden(m, letter) for m in conversation.messages),
        conversation.head,
    )


def _hidden(message: Message, letter: str) -> Message:
    if message.role != "assistant":
        return message
    return replace(
        message,
        # Whether a model thinks, and what its vendor adds, would tell which one it is.
        parts=tuple(p for p in message.parts if not isinstance(p, Thinking | Opaque)),
        model=ModelRef("", letter),
        usage=None,
        cost=None,
        timing=None,
        metadata=None,
        error="the answer failed" if message.error else "",
    )

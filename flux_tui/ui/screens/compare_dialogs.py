"""The questions of the split view: what it will take, is it meant, which answer is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from flux_tui.core.models import ModelRef
from flux_tui.session.compare import Forecast
from flux_tui.ui.render.labels import assemble, count, money, one_line
from flux_tui.ui.screens.guarded import Choice, GuardedDialog
from flux_tui.ui.screens.listing import Dialog
from flux_tui.ui.widgets.plain import Plain, PlainButton


class QuestionScreen(GuardedDialog[bool]):
    """Returns whether the user says yes to *text*; Escape says no."""

    AUTO_FOCUS = "#yes"
    CSS_PATH: ClassVar[Any] = "../styles/compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,escape", "dismiss(False)", "No"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: Content, yes: str) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._yes = yes

    def compose(self) -> ComposeResult:
        """Yield the text and two answers."""
        with Vertical(classes="dialog dialog-small question compare-question") as box:
            box.border_title = Content(self._title)
            yield Plain(self._text, classes="question-text")
            with Horizontal(classes="buttons"):
                yield Choice(f"y  {self._yes}", id="yes")
                yield Choice("n  No", id="no")
            yield Plain("←→ choose · Enter take · Esc no", classes="keys")

    @on(PlainButton.Pressed)
    def _pressed(self, event: PlainButton.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")


def forecast_text(forecast: Forecast, prices: Mapping[ModelRef, str], budget: str = "") -> Content:
    """Return how many requests the next question takes, and about what reading costs.

    *prices* are texts by model, per million tokens.
    """
    reading: tuple[str | tuple[str, str], ...] = (
        ("Reading what was said so far costs ", (money(forecast.cost), "bold"))
        if any(flight.tokens for flight in forecast.flights)
        else ("Nothing was said yet that they would read.",)
    )
    lines = [
        assemble((f"{forecast.requests} requests", "bold"), ", one to each model. ", *reading),
        assemble(("What you write and what they answer comes on top.\n", "dim")),
    ]
    for flight in forecast.flights:
        about = "≈ " if flight.estimated else ""
        fits = "" if flight.fits is not False else "  does not fit its window"
        price = prices.get(flight.model.ref, "")
        lines.append(
            assemble(
                (f"  {one_line(flight.model.ref.name, 28):<28} ", "bold"),
                f"{about}{count(flight.tokens)} tok  {money(flight.cost)}  "
                if flight.tokens
                else "",
                (price, "dim"),
                (fits, "bold $error"),
            )
        )
    if budget:
        lines.append(assemble((f"\nThe budget of {budget} a turn is shared by the columns.", "")))
    return Content("\n").join(lines)


class VoteScreen(Dialog[str | None]):
    """Returns the letter of the best column, "tie", "bad", or None."""

    CSS_PATH: ClassVar[Any] = "../styles/compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Not yet"),
        Binding("t", "dismiss('tie')", "Tie"),
        Binding("x", "dismiss('bad')", "All bad"),
        *(Binding(letter.lower(), f"best('{letter}')", show=False) for letter in "ABCD"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, columns: Sequence[tuple[str, str]], tag: str) -> None:
        """Ask about *columns*, letters with names (empty while blind)."""
        super().__init__()
        self._columns = columns
        self._tag = tag

    def compose(self) -> ComposeResult:
        """Yield one button for each outcome."""
        with Vertical(classes="dialog dialog-small question compare-question") as box:
            box.border_title = "Which answer is best?"
            about = f"counts for: {self._tag}" if self._tag else "no tag; /tag names the kind"
            yield Plain(assemble((about, "dim")), classes="question-text")
            with Vertical(classes="buttons rows"):
                for letter, name in self._columns:
                    label = f"{letter.lower()}  {letter}"
                    yield PlainButton(f"{label} {one_line(name, 20)}" if name else label, id=letter)
                yield PlainButton("t  Tie", id="tie")
                both = "Both" if len(self._columns) == 2 else "All"
                yield PlainButton(f"x  {both} bad", id="bad")
            yield Plain("press the letter · Esc not yet", classes="keys")

    def action_best(self, letter: str) -> None:
        """Close with a column's letter, if there is such a column."""
        if any(letter == each for each, _ in self._columns):
            self.dismiss(letter)

    @on(PlainButton.Pressed)
    def _pressed(self, event: PlainButton.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id)

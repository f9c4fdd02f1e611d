"""The questions of the split view: what it will take, is it meant, which answer is best."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from flux_tui.session.compare import Forecast
from flux_tui.session.forecast import USUAL_ANSWER
from flux_tui.session.preflight import Preflight
from flux_tui.ui.render.labels import assemble, count, money, one_line
from flux_tui.ui.screens.guarded import Choice, GuardedDialog
from flux_tui.ui.screens.listing import Dialog
from flux_tui.ui.widgets.plain import Plain, PlainButton


class QuestionScreen(GuardedDialog[bool]):
    """Returns whether the user says yes to *text*; Escape says no.

    *other* is another way to say yes, the key T: `otherwise` tells that it was chosen.
    """

    AUTO_FOCUS = "#yes"
    CSS_PATH: ClassVar[Any] = "../styles/compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,escape", "dismiss(False)", "No"),
        Binding("t", "otherwise", "Otherwise", show=False),
    ]

    def __init__(self, title: str, text: Content, yes: str, other: str = "") -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._yes = yes
        self._other = other
        self.otherwise = False

    def compose(self) -> ComposeResult:
        """Yield the text and two answers."""
        with Vertical(classes="dialog dialog-small question compare-question") as box:
            box.border_title = Content(self._title)
            yield Plain(self._text, classes="question-text")
            with Horizontal(classes="buttons"):
                yield Choice(f"y  {self._yes}", id="yes")
                if self._other:
                    yield Choice(f"t  {self._other}", id="other")
                yield Choice("n  No", id="no")
            yield Plain("←→ choose · Enter take · Esc no", classes="keys")

    @on(PlainButton.Pressed)
    def _pressed(self, event: PlainButton.Pressed) -> None:
        event.stop()
        if event.button.id == "other":
            self.action_otherwise()
        else:
            self.dismiss(event.button.id == "yes")

    def action_otherwise(self) -> None:
        """Say yes in the other way, if there is one."""
        if self._other:
            self.otherwise = True
            self.dismiss(True)


def forecast_text(
    forecast: Forecast, reasons: Sequence[str] = (), *, blind: bool = False
) -> Content:
    """Return what a question takes: requests, and about what reading and writing cost.

    *reasons* speak against sending it. While it is *blind* only sums are told: a model's figures
    would give its column away.
    """
    lines = [assemble(("! ", "bold $warning"), (f"{_sentence(reason)}", "")) for reason in reasons]
    lines += [Content("")] if reasons else []
    lines.append(
        assemble(
            (f"{forecast.requests} request{'s' if forecast.requests != 1 else ''}", "bold"),
            ", about ",
            (money(forecast.total), "bold"),
            f": {money(forecast.cost)} to read, {money(forecast.answers)} to write.",
        )
    )
    lines.append(assemble((_ANSWERS[forecast.measured], "dim")))
    if not blind:
        lines.append(Content(""))
        lines += [
            _flight_line(flight, length)
            for flight, length in zip(forecast.flights, forecast.lengths, strict=True)
        ]
    return Content("\n").join(lines)


_ANSWERS = {
    True: "Answers are taken to be as long as those so far.",
    False: f"Answers are taken to be {USUAL_ANSWER} tokens long; nobody knows that before.",
}


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _flight_line(flight: Preflight, length: int) -> Content:
    about = "≈ " if flight.estimated else ""
    fits = "" if flight.fits is not False else "  does not fit its window"
    return assemble(
        (f"  {one_line(flight.model.ref.name, 28):<28} ", "bold"),
        f"reads {about}{count(flight.tokens)}, writes ≈ {count(length)} tok",
        (fits, "bold $error"),
    )


_KEYS = 28  # cells


def key_table(rows: Sequence[tuple[str, str]], width: int) -> Content:
    """Return keys and what they do in *width* cells; long lines go on below themselves."""
    lines: list[Content] = []
    for keys, words in rows:
        if width < 2 * _KEYS + 10:
            lines.append(assemble((f"  {keys}", "$accent")))
            lines += [assemble(f"    {line}") for line in textwrap.wrap(words, max(width - 4, 20))]
            continue
        first, *rest = textwrap.wrap(words, width - _KEYS - 4)
        lines.append(assemble((f"  {keys:<{_KEYS}} ", "$accent"), first))
        lines += [assemble(" " * (_KEYS + 3), line) for line in rest]
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

    def __init__(
        self, columns: Sequence[tuple[str, str]], tag: str, *, known: bool = False
    ) -> None:
        """Ask about *columns*, letters with names (empty while blind).

        *known* tells that names which are hidden now were shown beside these answers before.
        """
        super().__init__()
        self._known = known
        self._columns = columns
        self._tag = tag

    def compose(self) -> ComposeResult:
        """Yield one button for each outcome."""
        with Vertical(classes="dialog dialog-small question compare-question") as box:
            box.border_title = "Which answer is best?"
            about = f"counts for: {self._tag}" if self._tag else "no tag; /tag names the kind"
            about += "\nnot counted as blind: names were shown before" if self._known else ""
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

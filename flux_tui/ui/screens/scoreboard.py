"""What all votes say: how strong each model is, and how sure that is."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from flux_tui.core.errors import FluxError
from flux_tui.session.ratings import Rating, Vote
from flux_tui.session.votes import board, load_votes, tags_of, write_board
from flux_tui.storage.store import SessionStore
from flux_tui.ui.render.labels import assemble, one_line, plain
from flux_tui.ui.screens.listing import AskLine, Dialog
from flux_tui.ui.widgets.plain import Plain

_BAR = 48  # cells of the plot at the most
_TABLE = 72  # cells below which a model takes two lines


class ScoreboardScreen(Dialog[None]):
    """Ratings with their intervals, over all votes or those of one tag."""

    KEYS = "t next tag · e export · ↑ ↓ scroll · Esc close"
    CSS_PATH: ClassVar[Any] = "../styles/compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close"),
        Binding("t", "tag", "Tag"),
        Binding("e", "export", "Export"),
    ]

    def __init__(self, store: SessionStore, root: Path) -> None:
        """Read the votes of *store*; exports go to *root* unless the user says otherwise."""
        super().__init__()
        self._store = store
        self._root = root
        self._votes: list[Vote] = []
        self._tag = ""

    def compose(self) -> ComposeResult:
        """Yield the page."""
        with Vertical(classes="dialog dialog-tall", id="scoreboard") as box:
            box.border_title = "Scoreboard"
            with VerticalScroll(can_focus=True):
                yield Plain(id="scoreboard-text")
            yield Plain(self.KEYS, classes="keys")

    def on_mount(self) -> None:
        """Read the votes."""
        self.query_one(VerticalScroll).focus()
        self._load()

    @work(exclusive=True, group="votes", exit_on_error=False)
    async def _load(self) -> None:
        try:
            self._votes = await load_votes(self._store)
        except FluxError as problem:
            self._say(str(problem), "$error")
            return
        await self._show()

    async def _show(self) -> None:
        every, tag = self._votes, self._tag
        ratings = await asyncio.to_thread(board, every, tag)
        if every is not self._votes or tag != self._tag:
            return  # there are newer ones, which are shown too
        votes = [v for v in every if not tag or tag == (v.tag or "untagged")]
        view = self.query_one(VerticalScroll)
        # The same with a scrollbar and without: the text decides whether there is one.
        width = view.outer_size.width - view.styles.gutter.width - 4
        text = board_text(ratings, votes, tag, width)
        self.query_one("#scoreboard-text", Plain).update(text)

    async def on_resize(self) -> None:
        """Lay the table out anew."""
        await self._show()

    def _say(self, words: str, style: str = "") -> None:
        self.query_one(".keys", Plain).update(plain(words, style))

    async def action_tag(self) -> None:
        """Show the votes of the next tag, then all of them again."""
        tags = ["", *tags_of(self._votes)]
        at = tags.index(self._tag) if self._tag in tags else 0
        self._tag = tags[(at + 1) % len(tags)]
        await self._show()

    def action_export(self) -> None:
        """Ask for a file, and write to it."""
        title = "Export to a file: .csv, .json or .md"

        def named(name: str | None) -> None:
            if name:
                self._export(name)

        self.app.push_screen(AskLine(title, str(self._root / "scoreboard.md")), named)

    @work(exclusive=True, group="export", exit_on_error=False)
    async def _export(self, name: str) -> None:
        def write() -> Path:
            path = self._root / Path(name).expanduser()
            write_board(self._votes, path)
            return path

        try:
            path = await asyncio.to_thread(write)
        except FluxError as problem:
            words = str(problem)
            self._say(words[:1].upper() + words[1:], "$error")
        else:
            self._say(f"Written: {path}", "$success")


def board_text(
    ratings: Sequence[Rating], votes: Sequence[Vote], tag: str, width: int = 90
) -> Content:
    """Return the table in *width* cells: rating, its interval as figures and as a bar, votes."""
    if not ratings:
        return assemble(
            "No votes yet. ", ("Compare models with /compare, and vote there with /vote.", "dim")
        )
    blind = sum(vote.blind for vote in votes)
    head = f"{tag or 'All tags'} · {len(votes)} vote{'s' if len(votes) != 1 else ''}, {blind} blind"
    lines = [assemble((head, "bold $primary")), plain("")]
    wide = width >= _TABLE
    if wide:
        counts = f"{'win':>4}{'tie':>4}{'loss':>5}{'bad':>4}"
        columns = f"    {'Model':<28}{'Rating':>6}  {'95 %':^12} {counts}"
        lines.append(assemble((columns, "dim")))
    low, high = min(each.low for each in ratings), max(each.high for each in ratings)
    for place, each in enumerate(ratings, 1):
        lines += _wide_row(place, each) if wide else _narrow_row(place, each, width)
        cells = max(min(_BAR, width - 5), 8)
        lines.append(assemble("    ", (_bar(each, low, high, cells), "$secondary")))
    lines.append(plain(""))
    lines += [assemble((line, "dim")) for line in textwrap.wrap(_MEANING, max(width - 1, 20))]
    return Content("\n").join(lines)


_MEANING = (
    "1000 is the average of your votes. 400 points more: ten times the chance of being chosen. "
    "Where two intervals overlap much, the votes do not tell the models apart."
)


def _wide_row(place: int, each: Rating) -> list[Content]:
    interval = f"{each.low:.0f} to {each.high:.0f}"
    return [
        assemble(
            (f"{place:>2}  ", "dim"),
            (f"{one_line(each.model, 27):<28}", "bold"),
            (f"{each.rating:>6.0f}", "$success"),
            f"  {interval:^12} ",
            f"{each.wins:>4}{each.ties:>4}{each.losses:>5}{each.bad:>4}",
        )
    ]


def _narrow_row(place: int, each: Rating, width: int) -> list[Content]:
    counts = f"{each.wins} won {each.ties} tied {each.losses} lost"
    counts += f" {each.bad} bad" if each.bad else ""
    return [
        assemble((f"{place:>2}  ", "dim"), (one_line(each.model, max(width - 5, 10)), "bold")),
        assemble(
            "    ",
            (f"{each.rating:.0f}", "$success"),
            f" ({each.low:.0f} to {each.high:.0f})  {counts}",
        ),
    ]


def _bar(rating: Rating, low: float, high: float, cells: int) -> str:
    """Return where the interval lies between *low* and *high*: ├──●──┤."""
    scale = (cells - 1) / (high - low) if high > low else 0.0
    begin, at, end = (
        round((value - low) * scale) for value in (rating.low, rating.rating, rating.high)
    )
    row = [" "] * cells
    for cell in range(begin, end + 1):
        row[cell] = "─"
    row[begin], row[end], row[at] = "├", "┤", "●"
    return "".join(row)

"""Which models to compare: two to four, marked in a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import Matcher
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option
from textual.worker import Worker

from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.session.choices import ModelChoice
from flux_tui.session.compare import FEWEST, MOST
from flux_tui.session.switch import short_count
from flux_tui.ui.render.labels import assemble, one_line
from flux_tui.ui.screens.listing import Dialog
from flux_tui.ui.widgets.plain import Plain


@dataclass(frozen=True, slots=True)
class Lineup:
    """What the user wants to compare, in this order."""

    models: tuple[ModelInfo, ...]
    reads: bool = False  # the tools that only read are allowed
    blind: bool = False


_DETAILS, _ALL = 72, 100
"""Cells of the window from which on there is room for provider and price, and for all words."""


class ComparePicker(Dialog[Lineup | None]):
    """Returns the models in the order they were marked; *marked* are marked at first.

    *prices* are ready texts by model, which *load* makes when there are none; *where* follows the
    title.
    """

    CSS_PATH: ClassVar[Any] = "../styles/compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "move(8)", show=False, priority=True),
        Binding("pageup", "move(-8)", show=False, priority=True),
        Binding("tab,ctrl+t,ctrl+@", "mark", "Mark", priority=True),
        Binding("alt+t", "tools", "Tools", priority=True),
        Binding("alt+y", "blind", "Blind", priority=True),
    ]

    def __init__(
        self,
        choices: Sequence[ModelChoice],
        marked: Sequence[ModelRef],
        prices: Mapping[ModelRef, str],
        load: Callable[[], Worker[None]],
        *,
        blind: bool = False,
        where: str = "",
    ) -> None:
        super().__init__()
        self._choices = {str(c.info.ref): c for c in choices if c.available}
        self._marked = [str(ref) for ref in marked if str(ref) in self._choices][:MOST]
        self._prices = prices
        self._load = load
        self._reads = False
        self._blind = blind
        self._where = where

    def compose(self) -> ComposeResult:
        """Yield search field, list, what is chosen and hints."""
        with Vertical(classes="dialog", id="compare-picker") as box:
            box.border_title = f"Compare models{self._where}"
            yield Input(placeholder="Type to find a model or provider")
            yield OptionList(markup=False)
            yield Plain(id="compare-chosen")
            yield Plain(
                "Tab mark · Enter start · Alt+T tools · Alt+Y blind · Esc close", classes="keys"
            )

    def on_mount(self) -> None:
        """Fill the list."""
        self.query_one(Input).focus()
        self._fill()
        self._show_prices()

    @work(group="prices", exit_on_error=False)
    async def _show_prices(self) -> None:
        if not self._prices:
            await self._load().wait()
            self._relabel()

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    def _fill(self, keep: str = "") -> None:
        wanted = self.query_one(Input).value
        matcher = Matcher(wanted)
        names = [name for name in self._choices if not wanted or matcher.match(name) > 0]
        if wanted:
            names.sort(key=lambda name: -matcher.match(name))
        else:
            names.sort(key=lambda name: name not in self._marked)
        self._list.clear_options()
        self._list.add_options([Option(self._line(name), id=name) for name in names])
        at = names.index(keep) if keep in names else 0
        self._list.highlighted = at if names else None
        self._tell()

    def _line(self, name: str) -> Content:
        info = self._choices[name].info
        number = f"{self._marked.index(name) + 1}" if name in self._marked else " "
        window = short_count(info.context_window) if info.context_window else "?"
        price = self._prices.get(info.ref, "")
        star = "★" if self._choices[name].favourite else " "
        width = self.app.size.width
        if width < _ALL:
            price = price.removesuffix(" per M")
        room = max(20, min(34, width - 55))
        details = f"{one_line(info.ref.provider, 12):<12} {window:>6}  {price}"
        return assemble(
            (f" {number} ", "bold $success" if name in self._marked else ""),
            (f"{star} ", "$warning"),
            f"{one_line(info.ref.name, room):<{room}} ",
            (details if width >= _DETAILS else f"{window:>6}", "dim"),
        )

    def _tell(self, problem: str = "") -> None:
        names = " · ".join(name.partition("/")[2] for name in self._marked) or "nothing marked"
        words = f"{len(self._marked)} of {FEWEST} to {MOST}: {one_line(names, 60)}"
        wishes = f"\ntools: {'those that only read' if self._reads else 'none'}"
        wishes += f" · {'blind' if self._blind else 'names shown'}"
        told = problem or words
        shown = assemble((told, "$warning" if problem else ""), (wishes, "dim"))
        self.query_one("#compare-chosen", Plain).update(shown)

    @on(Input.Changed)
    def _typed(self) -> None:
        self._fill()

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _start(self, event: Input.Submitted | OptionList.OptionSelected) -> None:
        event.stop()
        if len(self._marked) < FEWEST:
            self._tell(f"Mark at least {FEWEST} models with Tab")
            return
        models = tuple(self._choices[name].info for name in self._marked)
        self.dismiss(Lineup(models, self._reads, self._blind))

    def action_move(self, step: int) -> None:
        """Move the cursor, within the list."""
        if self._list.highlighted is not None:
            last = self._list.option_count - 1
            self._list.highlighted = min(max(self._list.highlighted + step, 0), last)

    def action_mark(self) -> None:
        """Mark the model under the cursor, or no longer."""
        at = self._list.highlighted
        name = self._list.get_option_at_index(at).id if at is not None else None
        if at is None or name is None:
            return
        if name in self._marked:
            self._marked.remove(name)
        elif len(self._marked) == MOST:
            self._tell(f"There is room for {MOST}: unmark one first")
            return
        else:
            self._marked.append(name)
        self._relabel()
        self._tell()

    def _relabel(self) -> None:
        for place in range(self._list.option_count):
            shown = self._list.get_option_at_index(place).id
            if shown is not None:
                self._list.replace_option_prompt_at_index(place, self._line(shown))

    def action_tools(self) -> None:
        """Allow the tools that only read, or none."""
        self._reads = not self._reads
        self._tell()

    def action_blind(self) -> None:
        """Begin without names, or with them."""
        self._blind = not self._blind
        self._tell()


def suggested(choices: Sequence[ModelChoice], here: ModelRef, number: int = 3) -> list[ModelRef]:
    """Return which models to mark at first: the present one, favourites, then other providers'."""
    usable = [choice for choice in choices if choice.available]
    found = [here]
    found += [choice.info.ref for choice in usable if choice.favourite]
    seen = {ref.provider for ref in found}
    for choice in usable:
        if choice.info.ref.provider not in seen:
            seen.add(choice.info.ref.provider)
            found.append(choice.info.ref)
    return list(dict.fromkeys(found))[:number]

"""The model list: type to find, Enter to take, Ctrl+F for a favourite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.fuzzy import Matcher
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.session.choices import ModelChoice
from flux_tui.session.switch import short_count
from flux_tui.session.wiring import Runtime
from flux_tui.ui.render.labels import assemble, one_line
from flux_tui.ui.screens.listing import Dialog
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.preflight_card import Check, PreflightCard

_PRICES = 42
"""Cells for a name from which on there is room for its price, too."""


class ModelPicker(Dialog[ModelInfo | None]):
    """Returns the chosen model, or None; a card says what a change to the highlighted one means.

    *prices* are ready texts by model, *check* makes the card.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("f2", "dismiss(None)", "Close", show=False, priority=True),
        Binding("down", "move(1)", "Next", show=False, priority=True),
        Binding("up", "move(-1)", "Previous", show=False, priority=True),
        Binding("pagedown", "move(8)", "Page", show=False, priority=True),
        Binding("pageup", "move(-8)", "Page", show=False, priority=True),
        Binding("ctrl+f", "star", "Favourite", priority=True),
        Binding("ctrl+t", "compare", "Compare", priority=True),
        Binding("tab", "card", "Card", priority=True),
    ]

    def __init__(
        self,
        choices: Sequence[ModelChoice],
        current: ModelRef,
        prices: Mapping[ModelRef, str],
        check: Check,
    ) -> None:
        super().__init__()
        self._choices = list(choices)
        self._current = current
        self._prices = prices
        self._check = check
        # Names in one column, unless the window is too narrow for that.
        self._name_width = max((min(len(c.info.ref.name), 30) for c in choices), default=0)
        self.starred: dict[ModelRef, bool] = {}
        self.beside: ModelInfo | None = None  # is to be compared with the present model

    def compose(self) -> ComposeResult:
        """Yield search field, list and hints."""
        with Vertical(classes="dialog", id="picker") as box:
            box.border_title = "Model of the next message"
            yield Input(placeholder="Type to find a model or provider", id="picker-find")
            with Container(id="picker-sides"):
                yield OptionList(id="picker-list", markup=False)
                yield PreflightCard(self._check, id="picker-card")
            yield Plain(
                "Enter use · Tab card · Ctrl+F favourite · Ctrl+T compare · Esc close",
                classes="keys",
            )

    def on_mount(self) -> None:
        """Fill the list and stand on the current model."""
        self._fill("")
        self.query_one(Input).focus()

    def show_prices(self) -> None:
        """Fill the list again: the prices are there."""
        if self.is_mounted:
            at = self._list.highlighted
            here = None if at is None else self._list.get_option_at_index(at).id
            self._fill(self.query_one(Input).value, keep=here or "")

    def offer(self, choices: Sequence[ModelChoice]) -> None:
        """Show other *choices*; the highlight stays on its model."""
        self._choices = list(choices)
        self.show_prices()

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    @on(Input.Submitted)
    def _entered(self) -> None:
        self._list.action_select()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        found = self._by_id(event.option_id)
        if found is not None and found.available:
            self.dismiss(found.info)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        found = self._by_id(event.option_id)
        self.query_one(PreflightCard).consider(found.info if found is not None else None)

    def action_card(self) -> None:
        """Show the card in the place of the list, or the list again."""
        self.toggle_class("card-only")

    def action_move(self, step: int) -> None:
        """Move the highlight by *step*, over the headings; or scroll the card that is alone."""
        if self.has_class("card-only"):
            self.query_one(PreflightCard).scroll_relative(y=step, animate=False)
            return
        for _ in range(abs(step)):
            if step > 0:
                self._list.action_cursor_down()
            else:
                self._list.action_cursor_up()

    def action_star(self) -> None:
        """Make the highlighted model a favourite, or no longer one."""
        at = self._list.highlighted
        if at is None:
            return
        found = self._by_id(self._list.get_option_at_index(at).id)
        if found is not None:
            self.starred[found.info.ref] = not self._is_favourite(found)
            self._fill(self.query_one(Input).value, keep=str(found.info.ref))

    def action_compare(self) -> None:
        """Close, to put the highlighted model beside the present one."""
        at = self._list.highlighted
        found = self._by_id(self._list.get_option_at_index(at).id) if at is not None else None
        if found is not None and found.available:
            self.beside = found.info
            self.dismiss(None)

    def _is_favourite(self, choice: ModelChoice) -> bool:
        return self.starred.get(choice.info.ref, choice.favourite)

    def _by_id(self, option_id: str | None) -> ModelChoice | None:
        return next((c for c in self._choices if str(c.info.ref) == option_id), None)

    def _fill(self, wanted: str, keep: str = "") -> None:
        matcher = Matcher(wanted)
        shown = [c for c in self._choices if not wanted or matcher.match(str(c.info.ref)) > 0]
        if wanted:
            shown.sort(key=lambda c: -matcher.match(str(c.info.ref)))
        options: list[Option | None] = []
        favourites = [c for c in shown if self._is_favourite(c)] if not wanted else []
        groups = {"★ Favourites": favourites} if favourites else {}
        for choice in shown:
            if choice not in favourites:
                groups.setdefault(choice.info.ref.provider, []).append(choice)
        for name, members in groups.items():
            options.append(Option(assemble((one_line(name, 40), "bold $primary")), disabled=True))
            options += [self._option(member) for member in members]
        self._list.clear_options()
        self._list.add_options(options or [Option("No model matches", disabled=True)])
        self._stand_on(keep or ("" if wanted else str(self._current)))

    def _stand_on(self, option_id: str) -> None:
        for index in range(self._list.option_count):
            option = self._list.get_option_at_index(index)
            if not option.disabled and (not option_id or option.id == option_id):
                self._list.highlighted = index
                return

    def _option(self, choice: ModelChoice) -> Option:
        info = choice.info
        return Option(self._line(choice), id=str(info.ref), disabled=not choice.available)

    def _line(self, choice: ModelChoice) -> Content:
        info = choice.info
        mark = "●" if info.ref == self._current else " "
        star = "★" if self._is_favourite(choice) else " "
        if not choice.available:
            return assemble(f"{mark}{star} ", (f"{info.ref.name}  {choice.why}", "dim"))
        window = short_count(info.context_window) if info.context_window else "?"
        price = self._prices.get(info.ref, "")
        room = self.app.size.width - 18  # for the name, where the window stands behind it
        name = one_line(info.ref.name, min(44, room)).ljust(min(self._name_width, room))
        details = f" {window:>6}" + (f"  {price}" if price and room > _PRICES else "")
        return assemble(
            (mark, "$success"),
            (star, "$warning"),
            " ",
            name,
            (details, "dim"),
        )


def price_texts(runtime: Runtime) -> dict[ModelRef, str]:
    """Return what each model costs, in words; slow the first time: call it in a thread."""
    found: dict[ModelRef, str] = {}
    for choice in runtime.choices():
        price = runtime.tariff.price_of(choice.info)
        if price is not None and price.input is not None and price.output is not None:
            found[choice.info.ref] = f"${price.input:f} in · ${price.output:f} out per M"
    return found

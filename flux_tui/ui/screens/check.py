"""What a change of model would mean, as a page of its own."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from flux_tui.core.models import ModelInfo
from flux_tui.ui.screens.listing import Dialog
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.preflight_card import Check, PreflightCard


class CheckScreen(Dialog[bool]):
    """Shows the card of *model*. Returns whether to use the model."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(False)", "Close"),
        Binding("enter", "dismiss(True)", "Use it"),
        Binding("down", "scroll(1)", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll(8)", show=False),
        Binding("pageup", "scroll(-8)", show=False),
    ]

    def __init__(self, model: ModelInfo, check: Check, *, current: bool) -> None:
        super().__init__()
        self._model = model
        self._check = check
        self._current = current

    def compose(self) -> ComposeResult:
        """Yield the card."""
        with Vertical(classes="dialog", id="check") as box:
            box.border_title = "What the next message would mean"
            yield PreflightCard(self._check, id="check-card")
            use = "" if self._current else "Enter use this model · "
            yield Plain(f"{use}↑ ↓ scroll · Esc close", classes="keys")

    def on_mount(self) -> None:
        """Work it out."""
        self.query_one(PreflightCard).consider(self._model)

    def action_scroll(self, rows: int) -> None:
        """Scroll the card."""
        self.query_one(PreflightCard).scroll_relative(y=rows, animate=False)

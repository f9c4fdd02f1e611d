"""Chat, tools and cost as tabs, where the window is too narrow for them side by side."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from textual.app import ComposeResult
from textual.containers import Horizontal

from flux_tui.ui.render.labels import assemble
from flux_tui.ui.widgets.plain import ActionText

Tab: TypeAlias = Literal["chat", "tools", "cost"]
TABS: tuple[Tab, ...] = get_args(Tab)


class PaneTabs(Horizontal):
    """One line of tabs; a click does the action of its pane."""

    def compose(self) -> ComposeResult:
        """Yield the tabs."""
        for tab in TABS:
            yield ActionText(f"pane.{tab}", id=f"tab-{tab}")

    def show(self, chosen: Tab, calls: int, keys: dict[Tab, str]) -> None:
        """Mark the chosen tab; *calls* is the number of tool calls, *keys* what opens a tab."""
        for tab in TABS:
            label = "Tools" + (f" ({calls})" if calls else "") if tab == "tools" else tab.title()
            text = self.query_one(f"#tab-{tab}", ActionText)
            text.set_class(tab == chosen, "-chosen")
            key = "" if tab == chosen else keys.get(tab, "")
            text.update(assemble(f" {label} ", (f"{key} " if key else "", "dim")))

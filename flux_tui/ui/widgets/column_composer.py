"""The composer of the split view: the same, with that place's own commands."""

from __future__ import annotations

from flux_tui.ui.screens.compare_keys import COLUMN_ACTIONS
from flux_tui.ui.widgets.completing import Offer
from flux_tui.ui.widgets.composer import Composer


class ColumnComposer(Composer):
    """Offers the slash commands of the split view."""

    def commands(self, text: str) -> list[Offer]:
        """Return the slash commands of the split view that begin with *text*."""
        return [
            Offer(
                f"{action.slash} " if action.argument else action.slash,
                f"[{action.argument}] {action.help}" if action.argument else action.help,
            )
            for action in COLUMN_ACTIONS
            if action.slash.startswith(text)
        ]

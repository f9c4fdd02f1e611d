"""The composer of the split view: the same, with that place's own commands."""

from __future__ import annotations

from flux_tui.ui.render.labels import assemble
from flux_tui.ui.screens.compare_keys import COLUMN_ACTIONS
from flux_tui.ui.widgets.composer import Composer
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt

_SHOWN = 6


class ColumnComposer(Composer):
    """Offers the slash commands of the split view."""

    def _show_commands(self, prompt: Prompt) -> None:
        commands = self.query_one("#commands", Plain)
        text = prompt.text
        typed = text.startswith("/") and " " not in text and "\n" not in text
        found = [a for a in COLUMN_ACTIONS if a.slash.startswith(text[1:])] if typed else []
        prompt.completion = f"/{found[0].slash} " if found else ""
        commands.display = bool(found)
        parts: list[str | tuple[str, str]] = []
        for action in found[:_SHOWN]:
            argument = f" [{action.argument}]" if action.argument else ""
            parts += ["\n" if parts else "", (f"/{action.slash}{argument}", "bold $accent")]
            parts += [f"  {action.help}"]
        more = len(found) - _SHOWN
        parts += [(f"\n… {more} more; Tab takes the first", "dim")] if more > 0 else []
        commands.update(assemble(*parts))

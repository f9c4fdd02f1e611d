"""The command palette: every action of the keymap, with its keys and its slash command."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from flux_tui.ui.keymap import ACTIONS, Action, keys_of

if TYPE_CHECKING:
    from flux_tui.ui.app import FluxApp


class ActionCommands(Provider):
    """Finds actions by label, help and slash command."""

    async def discover(self) -> Hits:
        """Yield everything."""
        for action in ACTIONS:
            yield DiscoveryHit(action.label, self._doing(action), help=self._help(action))

    async def search(self, query: str) -> Hits:
        """Yield what matches *query*."""
        matcher = self.matcher(query)
        for action in ACTIONS:
            words = f"{action.label} /{action.slash}"
            score = max(matcher.match(words), matcher.match(action.help) * 0.8)
            if score > 0:
                label = matcher.highlight(words)
                yield Hit(score, label, self._doing(action), help=self._help(action))

    def _doing(self, action: Action) -> partial[None]:
        return partial(cast("FluxApp", self.app).do, action.id)

    def _help(self, action: Action) -> str:
        overrides = cast("FluxApp", self.app).keymap_overrides
        return f"{', '.join(keys_of(action.id, overrides))}  /{action.slash}  {action.help}"

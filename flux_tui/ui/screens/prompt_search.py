"""The search in what was said before, in this and earlier sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from textual.content import Content

from flux_tui.ui.fuzzy import Spans, ranked
from flux_tui.ui.render.labels import assemble
from flux_tui.ui.screens.listing import ListScreen, Row

_SHOWN = 300  # characters of a prompt
_BEFORE = 30  # of them before the first letter that was found


class PromptSearch(ListScreen):
    """Returns the chosen prompt, or None: what is being written stays then as it is."""

    def __init__(self, said: Sequence[str], more: Callable[[], Awaitable[Sequence[str]]]) -> None:
        """Search *said*, newest first, and what *more* returns, once, behind it."""
        super().__init__("Said before", "Some letters or words of it", self._rows)
        self._said = dict.fromkeys(said)
        self._more = more
        self._flat: dict[str, str] | None = None  # in one line, with the prompt itself

    async def _rows(self, wanted: str) -> list[Row]:
        if self._flat is None:
            said = dict.fromkeys((*self._said, *await self._more()))
            self._flat = {" ".join(text.split()): text for text in said}
        flat = self._flat
        found = await asyncio.to_thread(ranked, flat, wanted)
        return [(flat[line], _label(line, spans)) for line, spans in found]


def _label(line: str, spans: Spans) -> Content:
    """Return the part of *line* around the letters that were found, those marked."""
    first = max(spans[0][0] - _BEFORE, 0) if spans and spans[0][1] > _SHOWN // 2 else 0
    parts: list[str | tuple[str, str]] = ["…" if first else ""]
    at, last = first, first + _SHOWN
    for start, end in spans:
        if start < last:
            parts += [line[at:start], (line[start:end], "bold underline")]
            at = end
    parts.append(line[at:last] if at < last else "")
    return assemble(*parts)

"""Finding text in a transcript: which entries have it, how often, and the hit that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flux_tui.ui.render.rows import Row
from flux_tui.ui.widgets.transcript_entries import Entry
from flux_tui.ui.widgets.transcript_pieces import More, Piece

MOST = 10_000
"""Hits that are counted; beyond them a search is of no use to anybody."""


@dataclass(frozen=True, slots=True)
class Hit:
    """The *nth* occurrence in the source of an entry, from 0."""

    entry_id: str
    nth: int


class Search:
    """The hits of one query, and where the reader is among them."""

    def __init__(self, query: str, entries: Sequence[Entry]) -> None:
        self.query = query.casefold()
        self.hits: list[Hit] = []
        self.at = -1
        for entry in entries:
            found = entry.source().casefold().count(self.query) if self.query else 0
            self.hits += [Hit(entry.id, nth) for nth in range(min(found, MOST - len(self.hits)))]

    @property
    def current(self) -> Hit | None:
        """The hit that is shown."""
        return self.hits[self.at] if 0 <= self.at < len(self.hits) else None

    def step(self, step: int) -> Hit | None:
        """Go to another hit, round and round."""
        if self.hits:
            self.at = (self.at + step) % len(self.hits)
        return self.current

    def spans(self, row: Row) -> list[tuple[int, int]]:
        """Return where the query stands in a row."""
        if not self.query:
            return []
        text = row.content.plain.casefold()
        spans: list[tuple[int, int]] = []
        # A character may fold to two: such a row is not marked rather than marked wrongly.
        at = text.find(self.query) if len(text) == len(row.content.plain) else -1
        while at >= 0:
            spans.append((at, at + len(self.query)))
            at = text.find(self.query, at + len(self.query))
        return spans


def piece_of(pieces: Sequence[Piece], query: str, nth: int) -> tuple[int, int]:
    """Return the piece that holds the *nth* occurrence of *query*, and which one it is there."""
    for number, piece in enumerate(pieces):
        if piece.kind in {"head", "thinking", "call"}:
            continue
        found = sum(each.source.casefold().count(query) for each in _all(piece))
        if nth < found:
            return number, nth
        nth -= found
    return 0, 0


def _all(piece: Piece) -> Sequence[Piece]:
    return piece.hidden if isinstance(piece, More) else (piece,)

"""What to leave out of a line that is too long: whole pieces, never half a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from textual.content import Content

Forms = Sequence[Content]
"""One piece in its forms, the longest first; an empty one leaves the piece out."""


def fitted(
    pieces: Mapping[str, Forms], steps: Sequence[str], width: int, gap: int = 2
) -> dict[str, Content]:
    """Return a form for each piece so that all fit in *width* cells, *gap* cells apart.

    *steps* names the piece that takes its next shorter form, one after the other, until the line
    fits; when all are used up, what remains may still be too long.
    """
    at = dict.fromkeys(pieces, 0)

    def chosen() -> dict[str, Content]:
        return {name: forms[at[name]] for name, forms in pieces.items()}

    for name in steps:
        if _length(chosen(), gap) <= width:
            break
        at[name] = min(at[name] + 1, len(pieces[name]) - 1)
    return chosen()


def _length(line: Mapping[str, Content], gap: int) -> int:
    widths = [piece.cell_length for piece in line.values() if piece]
    return sum(widths) + gap * max(len(widths) - 1, 0)


def whole_hints(
    hints: Sequence[tuple[str, str]], width: int, gap: int = 2
) -> list[tuple[str, str]]:
    """Return the first of the (key, label) *hints* that fit in *width* cells, each whole."""
    taken: list[tuple[str, str]] = []
    left = width
    for key, label in hints:
        left -= cell_len(key) + 1 + cell_len(label) + (gap if taken else 0)
        if left < 0:
            break
        taken.append((key, label))
    return taken

"""The rows of one entry: its pieces, their heights, and which piece covers a line."""

from __future__ import annotations

from flux_tui.ui.widgets.transcript_heights import Heights
from flux_tui.ui.widgets.transcript_pieces import Piece


class Layout:
    """Pieces one below the other at one width; heights are guessed until a piece is measured."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.heights = Heights()
        self._width = 0
        self._saved: tuple[int, list[int]] = (0, [])

    @property
    def width(self) -> int:
        """The width that the heights are for; 0 if there are none."""
        return self._width

    def update(self, pieces: list[Piece], width: int) -> None:
        """Take the pieces as they are now; those that stay keep their heights."""
        same = 0
        if width == self._width:
            for old, new in zip(self.pieces, pieces, strict=False):
                if old is not new:
                    break
                same += 1
            self.heights.truncate(same)
            for at in range(same):
                # A piece that changed in place has to be measured again.
                if not pieces[at].known(width):
                    self.heights.set(at, _height(pieces[at], width))
        else:
            self.heights = Heights()
            self._recall(pieces, width)
        for piece in pieces[same:]:
            self.heights.append(_height(piece, width))
        self.pieces, self._width = pieces, width

    def measure(self, number: int) -> None:
        """Make one height exact."""
        piece = self.pieces[number]
        if not piece.known(self._width):
            piece.rows(self._width)
        self.heights.set(number, piece.height)

    def release(self) -> None:
        """Let go of the pieces; their heights are remembered for when they come back."""
        known = [piece.height if piece.known(self._width) else -1 for piece in self.pieces]
        self._saved = (self._width, known)
        self.pieces, self._width = [], 0

    def _recall(self, pieces: list[Piece], width: int) -> None:
        saved_width, heights = self._saved
        if saved_width == width and len(heights) == len(pieces):
            for piece, height in zip(pieces, heights, strict=True):
                if height >= 0 and not piece.known(width):
                    piece.recall(height, width)
        self._saved = (0, [])


def _height(piece: Piece, width: int) -> int:
    return piece.height if piece.known(width) else piece.guess(width)

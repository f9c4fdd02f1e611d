"""Draw a terminal screen as a picture: cells to SVG, SVG to PNG."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

import cairosvg
import pyte
from PIL import Image
from pyte.screens import Char

WIDTH, HEIGHT, MARGIN, FONT, BASELINE = 9, 18, 12, 15, 14
BACKGROUND, FOREGROUND = "#121418", "#e0e0e0"
NAMES = {
    "black": "#1c1f26", "red": "#e06c75", "green": "#98c379", "brown": "#e5c07b",
    "yellow": "#e5c07b", "blue": "#61afef", "magenta": "#c678dd", "cyan": "#56b6c2",
    "white": "#dcdfe4", "brightblack": "#5c6370", "brightred": "#ff7a85",
    "brightgreen": "#b5e890", "brightbrown": "#ffd68a", "brightyellow": "#ffd68a",
    "brightblue": "#82c4ff", "brightmagenta": "#dd9bf0", "brightcyan": "#7fd8e4",
    "brightwhite": "#ffffff",
}  # fmt: skip


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return NAMES.get(name) or f"#{name}"


def svg(screen: pyte.Screen) -> str:
    """Return the screen as an SVG document: stretches of one background, then the characters."""
    width = screen.columns * WIDTH + 2 * MARGIN
    height = screen.lines * HEIGHT + 2 * MARGIN
    rows = [
        [_looks(screen.buffer[row][column]) for column in range(screen.columns)]
        for row in range(screen.lines)
    ]
    page = Counter(back for row in rows for _, back in row).most_common(1)[0][0]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">',
        f'<rect width="100%" height="100%" fill="{page}"/>',
        f'<g font-family="DejaVu Sans Mono" font-size="{FONT}" xml:space="preserve">',
    ]
    for row, looks in enumerate(rows):
        parts += _backgrounds([back for _, back in looks], row, page)
    for row, looks in enumerate(rows):
        for column, (front, _) in enumerate(looks):
            parts += _character(screen.buffer[row][column], front, column, row)
    return "".join([*parts, "</g></svg>"])


def _looks(cell: Char) -> tuple[str, str]:
    front, back = _colour(cell.fg, FOREGROUND), _colour(cell.bg, BACKGROUND)
    return (back, front) if cell.reverse else (front, back)


def _backgrounds(colours: Sequence[str], row: int, page: str) -> list[str]:
    drawn: list[str] = []
    column = 0
    for colour, stretch in groupby(colours):
        length = len(list(stretch))
        if colour != page:
            drawn.append(
                f'<rect x="{MARGIN + column * WIDTH}" y="{MARGIN + row * HEIGHT}" '
                f'width="{length * WIDTH}" height="{HEIGHT}" fill="{colour}"/>'
            )
        column += length
    return drawn


def _character(cell: Char, front: str, column: int, row: int) -> list[str]:
    if not cell.data.strip():
        return []
    style = ' font-weight="bold"' if cell.bold else ""
    style += ' font-style="italic"' if cell.italics else ""
    style += ' text-decoration="underline"' if cell.underscore else ""
    x, y = MARGIN + column * WIDTH, MARGIN + row * HEIGHT + BASELINE
    return [f'<text x="{x}" y="{y}" fill="{front}"{style}>{escape(cell.data)}</text>']


def save_png(screen: pyte.Screen, path: Path) -> None:
    """Write the screen as a PNG picture of few colours, so that it stays small."""
    drawn = cairosvg.svg2png(bytestring=svg(screen).encode("utf-8"))
    with Image.open(io.BytesIO(drawn)) as picture:
        picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)

"""Draw a terminal screen as a picture: cells to SVG, SVG to PNG."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import cairosvg
import pyte
from pyte.screens import Char

WIDTH, HEIGHT, MARGIN, FONT = 8.4, 18, 12, 14
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
    """Return the screen as an SVG document, cell by cell."""
    width = screen.columns * WIDTH + 2 * MARGIN
    height = screen.lines * HEIGHT + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}">',
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        f'<g font-family="DejaVu Sans Mono" font-size="{FONT}" xml:space="preserve">',
    ]
    for row in range(screen.lines):
        for column in range(screen.columns):
            parts += _cell(screen.buffer[row][column], column, row)
    return "".join([*parts, "</g></svg>"])


def _cell(cell: Char, column: int, row: int) -> list[str]:
    front, back = _colour(cell.fg, FOREGROUND), _colour(cell.bg, BACKGROUND)
    if cell.reverse:
        front, back = back, front
    x, y = MARGIN + column * WIDTH, MARGIN + row * HEIGHT
    drawn = []
    if back != BACKGROUND:
        drawn.append(
            f'<rect x="{x:.1f}" y="{y}" width="{WIDTH + 0.4:.1f}" height="{HEIGHT + 0.4:.1f}" '
            f'fill="{back}"/>'
        )
    if cell.data.strip():
        style = ' font-weight="bold"' if cell.bold else ""
        style += ' font-style="italic"' if cell.italics else ""
        style += ' text-decoration="underline"' if cell.underscore else ""
        drawn.append(
            f'<text x="{x:.1f}" y="{y + 13.5}" fill="{front}"{style}>{escape(cell.data)}</text>'
        )
    return drawn


def save_png(screen: pyte.Screen, path: Path) -> None:
    """Write the screen as a PNG picture."""
    cairosvg.svg2png(bytestring=svg(screen).encode("utf-8"), write_to=str(path))

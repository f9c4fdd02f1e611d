"""A unified diff as lines of `Content`: signs as well as colours tell what changes."""

from __future__ import annotations

from textual.content import Content

from flux_tui.ui.render.labels import plain

MOST_LINES = 2_000
"""Lines shown of a longer diff; the last line then tells how many are missing."""

_STYLES = {
    "+": "$text-success",
    "-": "$text-error",
    "@": "bold",
    "\\": "dim",
}


def diff_lines(diff: str, most: int = MOST_LINES) -> list[Content]:
    """Return one piece of content for each line of a unified *diff*, none of it wrapped."""
    raw = diff.removesuffix("\n").split("\n")
    lines = [_line(line) for line in raw[:most]]
    if len(raw) > most:
        lines.append(plain(f"… {len(raw) - most:,} more lines", "dim"))
    return lines


def diff_content(diff: str, most: int = MOST_LINES) -> Content:
    """Return a unified *diff* as one piece of content."""
    return Content("\n").join(diff_lines(diff, most))


def _line(line: str) -> Content:
    if line.startswith(("+++ ", "--- ")):
        return plain(line, "bold")
    return plain(line, _STYLES.get(line[:1], ""))

"""One line on the screen, and how it is copied."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content


@dataclass(frozen=True, slots=True)
class Row:
    """A line that fits the width. A click on it or Enter acts on `target`, if it has one.

    The first `indent` characters are decoration that is not copied; `join` is what parts the row
    from the one before it in the text it came from: nothing or a space where a line was folded.
    """

    content: Content
    target: str = ""
    indent: int = 0
    join: str = "\n"

    def looks_like(self, other: Row) -> bool:
        """Whether the two cannot be told apart, on the screen or by a click."""
        return self is other or (
            self.target == other.target and self.content.is_same(other.content)
        )


BLANK = Row(Content(""))


def kept_rows(before: list[Row], now: list[Row]) -> list[Row]:
    """Return *now*, with the row from *before* wherever both look the same."""
    kept = [
        old if new.looks_like(old) and old.join == new.join else new
        for old, new in zip(before, now, strict=False)
    ]
    return [*kept, *now[len(kept) :]]


def copied(rows: list[Row]) -> str:
    """Return the text of *rows* without decoration, folded lines joined again."""
    pieces: list[str] = []
    for row in rows:
        text = row.content.plain[row.indent :].rstrip()
        if pieces:
            pieces.append(row.join)
            text = text.lstrip() if row.join == " " else text
        pieces.append(text)
    return "".join(pieces)

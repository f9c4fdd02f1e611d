"""The marks of two answers beside each other stand on what differs, and are found in one pass."""

from __future__ import annotations

from itertools import pairwise
from typing import SupportsIndex

from hypothesis import given
from hypothesis import strategies as st

from flux_tui.session.answer_diff import Span, diff_answers
from flux_tui.ui.widgets.column_diff import (
    _lines,  # pyright: ignore[reportPrivateUsage]
)

TEXTS = st.lists(st.sampled_from(["", "one two", "one", "two three", "```", "x  "]), max_size=8)


def places(spans: tuple[Span, ...], text: str) -> set[int]:
    return {at for span in spans for at in range(span.start, span.end) if not text[at].isspace()}


@given(TEXTS, TEXTS)
def test_every_character_that_differs_is_marked_in_its_line(
    mine: list[str], theirs: list[str]
) -> None:
    left, right = "\n".join(mine), "\n".join(theirs)
    found = diff_answers(left, right)
    rows = [row.left for row in found.rows]

    marked: set[int] = set()
    for line, content in zip(rows, _lines(left, found.left, rows), strict=True):
        assert (line is None) == (content is None)
        if line is not None and content is not None:
            assert content.plain == left[line.start : line.end].rstrip()
            spans = [Span(line.start + s.start, line.start + s.end) for s in content.spans]
            marked |= places(tuple(spans), left)

    assert marked == places(found.left, left)


def test_the_marks_of_long_answers_are_not_looked_through_for_every_line() -> None:
    class Counted(tuple[Span, ...]):
        looks = 0

        def __getitem__(self, at: SupportsIndex) -> Span:  # pyright: ignore[reportIncompatibleMethodOverride]
            Counted.looks += 1
            return super().__getitem__(at)

    text = "some words\n" * 2_000
    lines = [Span(at, at + 11) for at in range(0, len(text), 11)]
    marks = Counted(Span(line.start, line.start + 4) for line in lines)

    found = _lines(text, marks, lines)

    assert all(content is not None and len(content.spans) == 1 for content in found)
    assert all(one.end <= two.start for one, two in pairwise(marks))
    assert Counted.looks < 8 * len(lines)

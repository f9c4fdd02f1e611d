"""Sums of heights."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.ui.widgets.transcript_heights import Heights


@given(
    first=st.lists(st.integers(0, 9), max_size=20),
    more=st.lists(st.integers(0, 9), max_size=20),
    changes=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 9)), max_size=20),
)
def test_heights_agree_with_plain_sums(first, more, changes):
    heights, expected = Heights(first), list(first)
    for value in more:
        heights.append(value)
        expected.append(value)
    for at, value in changes:
        if at < len(expected):
            heights.set(at, value)
            expected[at] = value

    assert heights.total == sum(expected)
    assert [heights.top(at) for at in range(len(expected) + 1)] == [
        sum(expected[:at]) for at in range(len(expected) + 1)
    ]
    lines = [(at, line) for at, height in enumerate(expected) for line in range(height)]
    assert [heights.find(line) for line in range(heights.total)] == lines


def test_a_line_outside_belongs_to_nothing():
    with pytest.raises(IndexError):
        Heights([1]).find(1)

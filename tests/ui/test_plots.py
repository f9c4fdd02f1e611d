"""Plots made of characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flux_tui.ui.render.plots import columns


def test_a_column_is_as_high_as_its_value() -> None:
    assert columns([0, 1, 8, 12, 16], top=16, rows=2) == ["   ▄█", " ▁███"]


def test_nothing_above_zero_is_invisible() -> None:
    assert columns([0.0001, 0], top=1000, rows=1) == ["▁ "]
    assert columns([0, 0], top=0, rows=1) == ["  "]


@given(
    st.lists(st.floats(0, 1e9), max_size=20),
    st.floats(0, 1e9),
    st.integers(1, 5),
)
def test_a_higher_value_has_no_lower_column(values: list[float], top: float, rows: int) -> None:
    lines = columns(sorted(values), top, rows)

    assert [len(line) for line in lines] == [len(values)] * rows
    filled = [sum("▁▂▃▄▅▆▇█".find(line[at]) + 1 for line in lines) for at in range(len(values))]
    assert filled == sorted(filled)

"""Ratings from votes: what any such scale must do, and known numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.session.ratings import AVERAGE, Rating, Vote, rate


def win(winner: str, *losers: str) -> Vote:
    return Vote(models=(winner, *losers), outcome="win", winner=winner)


def by_name(votes: list[Vote]) -> dict[str, Rating]:
    return {rating.model: rating for rating in rate(votes)}


def test_without_votes_there_is_nothing_to_rate() -> None:
    assert rate([]) == []
    assert rate([Vote(models=("a",), outcome="tie"), win("a", "a")]) == []


def test_the_winner_stands_first_and_the_counts_are_kept() -> None:
    votes = [
        win("a", "b"),
        win("a", "b", "c"),
        Vote(models=("a", "b"), outcome="tie"),
        Vote(models=("b", "c"), outcome="bad"),
    ]

    first, *rest = rate(votes)

    assert (first.model, first.wins, first.ties, first.losses, first.bad) == ("a", 2, 1, 0, 0)
    assert {r.model: (r.wins, r.ties, r.losses, r.bad) for r in rest} == {
        "b": (0, 1, 2, 1),
        "c": (0, 0, 1, 1),
    }


def test_many_votes_give_the_difference_that_the_scale_promises() -> None:
    # Three of four won: 400 * log10(3) points apart, but for the ties given beforehand.
    votes = [win("a", "b")] * 3000 + [win("b", "a")] * 1000

    found = by_name(votes)

    assert found["a"].rating - found["b"].rating == pytest.approx(400 * math.log10(3), abs=1)
    assert found["a"].rating + found["b"].rating == pytest.approx(2 * AVERAGE)


def test_a_model_that_never_lost_is_not_infinite_and_not_certain() -> None:
    one, many = by_name([win("a", "b")]), by_name([win("a", "b")] * 50)

    assert one["a"].rating < many["a"].rating < AVERAGE + 1500
    assert one["a"].low < AVERAGE < one["a"].high
    assert many["b"].high < many["a"].low


def test_more_votes_make_surer() -> None:
    def width(count: int) -> float:
        rating = by_name([win("a", "b"), win("b", "a")] * count)["a"]
        return rating.high - rating.low

    assert width(1) > width(10) > width(100)


def test_strength_passes_over_a_common_opponent() -> None:
    found = rate([win("a", "b")] * 5 + [win("b", "c")] * 5)

    assert [rating.model for rating in found] == ["a", "b", "c"]


NAMES = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4).map(tuple)
VOTES = st.one_of(
    NAMES.flatmap(
        lambda names: st.builds(
            Vote, models=st.just(names), outcome=st.just("win"), winner=st.sampled_from(names)
        )
    ),
    st.builds(Vote, models=NAMES, outcome=st.sampled_from(["tie", "bad"])),
)


@given(st.lists(VOTES, max_size=40))
def test_any_votes_give_finite_ratings_around_the_average(votes: list[Vote]) -> None:
    found = rate(votes)

    for rating in found:
        assert math.isfinite(rating.rating)
        assert rating.low < rating.rating < rating.high
    if found:
        mean = sum(rating.rating for rating in found) / len(found)
        assert mean == pytest.approx(AVERAGE)


@given(st.lists(VOTES, max_size=20))
def test_the_order_of_votes_does_not_matter(votes: list[Vote]) -> None:
    once, again = by_name(votes), by_name(votes[::-1])

    assert once.keys() == again.keys()
    for name, rating in once.items():
        assert rating.rating == pytest.approx(again[name].rating, abs=1e-6)

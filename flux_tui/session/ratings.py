"""Votes between models -> how strong each is, and how sure that is.

The Bradley-Terry model, fitted by Newton's method: the chance that a beats b is
1 / (1 + 10 ** ((b - a) / 400)), on the scale that chess and the public arenas use. Every model is
given one tie against an average one beforehand, so that a single vote makes nobody infinite.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["win", "tie", "bad"]
"""One was best, all were as good, or none was any good."""

AVERAGE = 1000.0
_SCALE = 400 / math.log(10)
_STEPS = 50
_SURE = 1.96  # standard errors: 95 of 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One judgement over the answers of `models` to the same question.

    `winner` is one of them for a "win", else empty. `blind` says that no name was shown before.
    """

    models: tuple[str, ...]
    outcome: Outcome
    winner: str = ""
    tag: str = ""
    blind: bool = True
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """A model's strength with its interval of 95 %, and what it rests on.

    `wins`, `ties` and `losses` count votes, not opponents; `bad` is how often nobody was any good,
    which also counts as a tie of strength.
    """

    model: str
    rating: float
    low: float
    high: float
    wins: int
    ties: int
    losses: int
    bad: int


def rate(votes: Iterable[Vote]) -> list[Rating]:
    """Return the ratings, the strongest first; a vote for fewer than two models says nothing."""
    counted = [vote for vote in votes if len(set(vote.models)) > 1]
    names = list(dict.fromkeys(name for vote in counted for name in vote.models))
    if not names:
        return []
    place = {name: at for at, name in enumerate(names)}
    duels = [duel for vote in counted for duel in _duels(vote, place)]
    strengths, errors = _fit(len(names), duels)
    tally = Counter((name, _result(vote, name)) for vote in counted for name in set(vote.models))
    ratings = [
        Rating(
            model=name,
            rating=AVERAGE + _SCALE * strengths[at],
            low=AVERAGE + _SCALE * (strengths[at] - _SURE * errors[at]),
            high=AVERAGE + _SCALE * (strengths[at] + _SURE * errors[at]),
            wins=tally[name, "win"],
            ties=tally[name, "tie"],
            losses=tally[name, "loss"],
            bad=tally[name, "bad"],
        )
        for name, at in place.items()
    ]
    return sorted(ratings, key=lambda rating: (-rating.rating, rating.model))


def _result(vote: Vote, name: str) -> str:
    if vote.outcome != "win":
        return vote.outcome
    return "win" if vote.winner == name else "loss"


_Duel: TypeAlias = tuple[int, int, float]
"""Two places and what the first scored: 1, or 0.5 for a tie."""


def _duels(vote: Vote, place: dict[str, int]) -> list[_Duel]:
    models = list(dict.fromkeys(vote.models))
    if vote.outcome == "win":
        others = [name for name in models if name != vote.winner]
        return [(place[vote.winner], place[name], 1.0) for name in others]
    # Among many, a tie of all is one judgement, not one for every pair.
    pairs = list(combinations(models, 2))
    return [(place[a], place[b], 0.5) for a, b in pairs[: len(models) - 1]]


def _fit(count: int, duels: Sequence[_Duel]) -> tuple[list[float], list[float]]:
    """Return the most likely strengths (natural logarithm, 0 is their mean) and standard errors."""
    strengths = [0.0] * count
    information: list[list[float]] = []
    for _ in range(_STEPS):
        gradient, information = _slope(strengths, duels)
        step = _solve(information, gradient)
        strengths = [value + change for value, change in zip(strengths, step, strict=True)]
        if max(map(abs, step)) < 1e-9:
            break
    # "1000 is the average" is read of the ratings shown, not of the model that all are tied with.
    mean = sum(strengths) / count
    strengths = [value - mean for value in strengths]
    errors: list[float] = []
    for at in range(count):
        # How sure a model's distance from the mean of all is: where the mean stands means nothing.
        away = [(1.0 if other == at else 0.0) - 1 / count for other in range(count)]
        spread = _solve(information, away)
        errors.append(math.sqrt(sum(map(operator.mul, away, spread))))
    return strengths, errors


def _slope(
    strengths: Sequence[float], duels: Sequence[_Duel]
) -> tuple[list[float], list[list[float]]]:
    """Return the gradient of the log-likelihood and the information matrix at *strengths*."""
    count = len(strengths)
    gradient = [0.0] * count
    information = [[0.0] * count for _ in range(count)]
    for at, strength in enumerate(strengths):  # the tie given beforehand
        chance = _chance(strength)
        gradient[at] += 0.5 - chance
        information[at][at] += chance * (1 - chance)
    for one, other, score in duels:
        chance = _chance(strengths[one] - strengths[other])
        weight = chance * (1 - chance)
        gradient[one] += score - chance
        gradient[other] -= score - chance
        information[one][one] += weight
        information[other][other] += weight
        information[one][other] -= weight
        information[other][one] -= weight
    return gradient, information


def _chance(ahead: float) -> float:
    return 1 / (1 + math.exp(-ahead))


def _solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Solve a symmetric positive definite system by elimination; it needs no pivots."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for at, row in enumerate(rows):
        for below in rows[at + 1 :]:
            factor = below[at] / row[at]
            for column in range(at, len(row)):
                below[column] -= factor * row[column]
    found = [0.0] * len(rows)
    for at in reversed(range(len(rows))):
        known = sum(rows[at][other] * found[other] for other in range(at + 1, len(rows)))
        found[at] = (rows[at][-1] - known) / rows[at][at]
    return found

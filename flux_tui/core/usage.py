"""Tokens in disjoint buckets, and money with how it is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

CostBasis: TypeAlias = Literal[
    "reported", "computed", "estimated", "partial", "unknown", "free", "simulated"
]
"""How an amount is known.

reported: the provider said it. computed: tokens times a dated price table. estimated: the same,
but the tokens were counted here, because the provider reported none. partial: some requests
of the sum have no price or no usage, so the amount is a lower bound. unknown: no price at all.
free: a local model. simulated: computed for the built-in simulator; nothing was spent.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one request, or a sum of requests.

    The four buckets input, cache_read, cache_write and output are disjoint; adapters make them so
    (OpenAI counts cached tokens inside the prompt, Anthropic beside it; API references, 2026-11).
    `reasoning` is a part of `output`, `cache_write_1h` a part of `cache_write`. `uncharged` are
    tokens of the prompt that take room in the window and cost nothing, as Cohere's own words; no
    bucket holds them. Missing counts are 0; `estimated` says that the provider reported none and
    that we counted.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    uncharged: int = 0
    estimated: bool = False
    raw: Mapping[str, JSON] = field(default_factory=dict[str, JSON], compare=False)

    @property
    def prompt(self) -> int:
        """Tokens the model read: fresh, from the cache and into the cache."""
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        """Tokens read and written."""
        return self.prompt + self.output

    @property
    def room(self) -> int:
        """Tokens of the window that prompt and answer took."""
        return self.total + self.uncharged

    def __add__(self, other: Usage) -> Usage:
        """Return the sum; raw provider data belongs to single requests and is left out."""
        return Usage(
            input=self.input + other.input,
            cache_read=self.cache_read + other.cache_read,
            cache_write=self.cache_write + other.cache_write,
            cache_write_1h=self.cache_write_1h + other.cache_write_1h,
            output=self.output + other.output,
            reasoning=self.reasoning + other.reasoning,
            uncharged=self.uncharged + other.uncharged,
            estimated=self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """US dollars and how they are known; `amount` is None only when nothing is known."""

    amount: Decimal | None = None
    basis: CostBasis = "unknown"
    as_of: str = ""  # date of the price table, ISO 8601; empty unless computed from one

    def __add__(self, other: Cost) -> Cost:
        """Return the sum, never claiming more than the weaker of the two knows."""
        return sum_costs((self, other))


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """US dollars that a turn, a session, a day and a month may cost; None: no limit."""

    turn: Decimal | None = None
    session: Decimal | None = None
    day: Decimal | None = None
    month: Decimal | None = None


NO_COST = Cost(amount=Decimal(0), basis="free")
"""The sum of no requests."""


def sum_costs(costs: Iterable[Cost]) -> Cost:
    """Return the total of *costs*; an empty sum is `NO_COST`.

    A sum of equal bases keeps the basis. Free requests change no sum. Reported with computed is
    computed, and estimated with any of the two. Any unknown beside a known amount makes it partial.
    """
    counted = [cost for cost in costs if cost.basis != "free"]
    if not counted:
        return NO_COST
    bases = {cost.basis for cost in counted}
    amounts = [cost.amount for cost in counted if cost.amount is not None]
    if not amounts:
        return Cost(basis="unknown")
    total = Cost(amount=sum(amounts, Decimal(0)), as_of=max(cost.as_of for cost in counted))
    if bases & {"partial", "unknown"} or len(amounts) < len(counted):
        return replace(total, basis="partial")
    if len(bases) == 1:
        return replace(total, basis=bases.pop())
    if bases <= {"reported", "computed", "estimated"}:
        return replace(total, basis="estimated" if "estimated" in bases else "computed")
    return replace(total, basis="partial")  # simulated beside real money: not one honest number


def parse_dollars(text: str) -> Decimal:
    """Read a positive amount of US dollars, as ``0.25`` or ``$0.25``.

    Raises:
        ValueError: *text* is none; the message says so to the user.
    """
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not (amount.is_finite() and amount > 0):
        raise ValueError(f"{text!r} is no amount of US dollars, like 0.25")
    return amount

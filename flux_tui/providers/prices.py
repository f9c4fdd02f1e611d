"""What tokens cost: one function over genai-prices' bundled table, never the network.

The package is imported on first use (about 0.8 s): call these functions in a thread.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import Cost, CostBasis, Usage

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import Provider

_MILLION = Decimal(1_000_000)
_ABSURD = 1_000_000_000  # tokens: no request is that large, so the count is wrong
# What the table calls the vendors whose wire format is theirs alone.
_TABLE_NAMES = {
    "anthropic": "anthropic",
    "gemini": "google",
    "mistral": "mistral",
    "cohere": "cohere",
}
_TABLE_VENDORS = frozenset({"openai", *_TABLE_NAMES.values()})
_VENDORS = frozenset({"openai", "openai-chat", *_TABLE_NAMES})
_LOCAL_NAMES = ("localhost", "host.docker.internal")
_LOCAL_ENDS = (".localhost", ".local", ".lan", ".internal", ".home.arpa")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per million tokens; None where the table says nothing."""

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    as_of: str = ""  # date of the table, ISO 8601


Overrides = Mapping[str, Price]
"""Prices a user set, by `provider/model`; they go before the table."""


def price_usage(
    info: ModelInfo, usage: Usage, at: datetime, overrides: Overrides | None = None
) -> Cost:
    """Return what *usage* cost at *info*'s endpoint at the time *at*, unrounded.

    A model without a price, and counts that cannot be, give basis "unknown", never zero. A server
    on this machine or in the private network is free, but not a vendor's own model behind one:
    a gateway passes the request on, and the vendor's price with it.
    """
    if not _plausible(usage):
        return Cost(basis="unknown")
    mine = (overrides or {}).get(str(info.ref))
    if mine is not None:
        cost = _from_override(mine, usage)
        return replace(cost, basis=_basis(info, usage)) if cost.basis == "computed" else cost
    local = not info.simulated and is_local(info.base_url)
    free = Cost(amount=Decimal(0), basis="free")
    if local and info.ref.provider not in _VENDORS:
        return free
    amount = _computed(info, usage, at)
    if amount is None:
        return free if local else Cost(basis="unknown")
    return Cost(amount=amount, basis=_basis(info, usage), as_of=_table(None).as_of)


def _basis(info: ModelInfo, usage: Usage) -> CostBasis:
    """How an amount is known that was computed from *usage*."""
    if info.simulated:
        return "simulated"
    return "estimated" if usage.estimated else "computed"


def price_of(info: ModelInfo, overrides: Overrides | None = None) -> Price | None:
    """Return the price of *info* per million tokens, None if unknown; local models cost nothing."""
    mine = (overrides or {}).get(str(info.ref))
    if mine is not None:
        return mine
    local = not info.simulated and is_local(info.base_url)
    zero = Decimal(0)
    free = Price(input=zero, output=zero, cache_read=zero, cache_write=zero)
    if local and info.ref.provider not in _VENDORS:
        return free
    now = datetime.now(UTC)
    vendor, address = _table_key(info)
    try:
        _, model = _table(address).prices.find_provider_model(info.ref.name, None, vendor, address)
    except LookupError:
        return free if local else None
    prices = model.get_prices(now)
    return Price(
        input=_base(prices.input_mtok),
        output=_base(prices.output_mtok),
        cache_read=_base(prices.cache_read_mtok),
        cache_write=_base(prices.cache_write_mtok),
        as_of=_table(None).as_of,
    )


def is_local(base_url: str) -> bool:
    """Whether *base_url* leads to this machine or a private network."""
    try:
        host = (urlsplit(base_url).hostname or "").lower()
    except ValueError:
        return False
    if host in _LOCAL_NAMES or host.endswith(_LOCAL_ENDS):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private or address.is_unspecified


def _plausible(usage: Usage) -> bool:
    counts = (
        *(usage.input, usage.cache_read, usage.cache_write, usage.output),
        *(usage.cache_write_1h, usage.reasoning),
    )
    return (
        all(type(count) is int and 0 <= count < _ABSURD for count in counts)
        and usage.cache_write_1h <= usage.cache_write
    )


def _from_override(price: Price, usage: Usage) -> Cost:
    pairs = (
        (usage.input, price.input),
        (usage.output, price.output),
        (usage.cache_read, price.input if price.cache_read is None else price.cache_read),
        (usage.cache_write, price.input if price.cache_write is None else price.cache_write),
    )
    total = Decimal(0)
    for count, each in pairs:
        if count and each is None:
            return Cost(basis="unknown")
        total += count * (each or Decimal(0)) / _MILLION
    return Cost(amount=total, basis="computed", as_of=price.as_of)


def _computed(info: ModelInfo, usage: Usage, at: datetime) -> Decimal | None:
    from genai_prices import Usage as TableUsage

    counts = {
        "input_tokens": usage.prompt,  # the package wants the total, caches included
        "output_tokens": usage.output,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
        "cache_write_1h_tokens": usage.cache_write_1h,
    }
    counts = {name: count for name, count in counts.items() if count}
    vendor, address = _table_key(info)
    try:
        result = _table(address).prices.calc(
            TableUsage(**counts), info.ref.name, vendor, address, genai_request_timestamp=at
        )
    except (LookupError, ValueError):
        return None
    return result.total_price


def _table_key(info: ModelInfo) -> tuple[str | None, str | None]:
    """How the table is asked: by vendor for our own providers, else by the endpoint's address."""
    vendor = _TABLE_NAMES.get(info.api)
    if vendor is not None and (info.simulated or info.ref.provider == info.api):
        return vendor, None
    if info.simulated or info.ref.provider in {"openai", "openai-chat"}:
        return "openai", None
    return None, info.base_url


@dataclass(frozen=True, slots=True)
class _Table:
    prices: DataSnapshot
    as_of: str  # the newest price change it knows; the package itself carries no date


@lru_cache(maxsize=16)
def _table(address: str | None) -> _Table:
    """The part of the table that prices our own vendors, and the server at *address* if any.

    The whole takes 3 MiB and a quarter of a second; the rest of it is let go.
    """
    from genai_prices.data_snapshot import DataSnapshot

    whole = _providers()
    kept = [provider for provider in whole if provider.id in _TABLE_VENDORS]
    if address is not None:
        try:
            own = DataSnapshot(whole, from_auto_update=False).find_provider(None, None, address)
        except LookupError:
            kept = []
        else:
            kept = [own, *(provider for provider in kept if provider.id != own.id)]
    return _Table(DataSnapshot(kept, from_auto_update=False), _newest(whole))


def _providers() -> list[Provider]:
    """Read the table; the package would keep all of it for good."""
    import genai_prices
    from genai_prices.data import providers

    sys.modules.pop("genai_prices.data", None)
    genai_prices.__dict__.pop("data", None)
    return providers


def _newest(providers: list[Provider]) -> str:
    today = datetime.now(UTC).date()
    starts = [
        start
        for provider in providers
        for model in provider.models
        if isinstance(model.prices, list)
        for price in model.prices
        if (start := getattr(price.constraint, "start_date", None)) is not None and start <= today
    ]
    return max(starts).isoformat() if starts else ""


def _base(value: object) -> Decimal | None:
    """The price of a small request: tiered prices begin with their base."""
    found = getattr(value, "base", value)
    return found if isinstance(found, Decimal) else None

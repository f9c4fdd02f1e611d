"""What models cost, by the user's own prices first and the bundled table then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from flux_tui.config.models import PriceOverride
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import Cost, Usage
from flux_tui.providers.prices import Price, price_of, price_usage


class Tariff:
    """Prices requests. Imports and computes on first use: call it in a thread."""

    def __init__(self, own: Mapping[str, PriceOverride]) -> None:
        """Take the user's prices, by "provider/name"."""
        self._own = {name: Price(**asdict(price)) for name, price in own.items()}

    def cost(self, model: ModelInfo, usage: Usage, at: datetime) -> Cost:
        """Return what *usage* costs at *model*; see `providers.prices.price_usage`."""
        return price_usage(model, usage, at, self._own)

    def price_of(self, model: ModelInfo) -> Price | None:
        """Return the price of *model* per million tokens, None if it is not known."""
        return price_of(model, self._own)

"""What sessions share: the store, the providers, the tools, and what is counted and priced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.providers.base import Provider
from flux_tui.session.ledger import PriceFunction
from flux_tui.session.meter import Meter
from flux_tui.storage.store import SessionStore
from flux_tui.tools.base import Tool


def _nothing_larger(model: ModelInfo) -> tuple[ModelRef, ...]:
    del model
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Made by `session.wiring` alone.

    Attributes:
        open_provider: the provider for a model's endpoint, with its key.
        blueprint: the same without a key and never connected, to see what it would send.
        price: prices one request; called in a thread.
        label: what a provider is called.
        larger: up to three models with a larger window that can be used now.
        news: a trouble that nobody was told of yet; empty if there is none.
    """

    store: SessionStore
    open_provider: Callable[[ModelInfo], Awaitable[Provider]]
    blueprint: Callable[[ModelInfo], Provider]
    meter: Meter
    price: PriceFunction
    root: Path  # the folder that tools work in
    tools: Mapping[str, Tool] = field(default_factory=dict[str, Tool])
    max_output: int | None = None
    temperature: float | None = None
    label: Callable[[str], str] = str
    larger: Callable[[ModelInfo], tuple[ModelRef, ...]] = _nothing_larger
    news: Callable[[], str] = str

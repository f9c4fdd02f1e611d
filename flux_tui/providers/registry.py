"""From an endpoint to the provider that speaks its format; classes are imported when needed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from flux_tui.core.models import Api
from flux_tui.core.vendors import PROVIDERS, ProviderSpec

if TYPE_CHECKING:
    from flux_tui.providers.base import Endpoint, Provider

__all__ = ["PROVIDERS", "ProviderSpec", "make_provider"]

_TARGETS: dict[Api, str] = {spec.api: spec.target for spec in PROVIDERS.values()}


def make_provider(endpoint: Endpoint) -> Provider:
    """Return the provider that speaks `endpoint.api`; imports its module, never an SDK."""
    module, _, name = _TARGETS[endpoint.api].partition(":")
    made = getattr(import_module(f"flux_tui.providers.{module}"), name)(endpoint)
    return cast("Provider", made)  # the table names only classes that implement the protocol

"""What one turn needs, as one frozen object: a swap or a new turn makes another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from flux_tui.core.messages import Message
from flux_tui.core.models import Effort, ModelInfo
from flux_tui.providers.base import Provider, ToolSpec
from flux_tui.session.approvals import ApprovalPolicy, Approver
from flux_tui.session.ledger import CostLedger
from flux_tui.tools.base import Tool

DRAFT_SECONDS = 0.4
"""A reply in flight is stored this often: with the writing itself, a crash loses half a second."""

MAX_STEPS = 25
"""Requests in one turn at the most."""


class CountTokens(Protocol):
    """Estimates how many tokens a request is. May compute for a while: called in a thread."""

    def __call__(
        self, messages: tuple[Message, ...], system: str, tools: tuple[ToolSpec, ...]
    ) -> int:
        """Return the number of tokens."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDeps:
    """Everything a turn works with; it keeps this model and provider to its end.

    `commit` stores a finished message and returns it as stored, with its parent; `draft` stores
    the reply in flight. Neither raises. `stop` ends the turn early and keeps what has arrived.
    """

    provider: Provider
    model: ModelInfo
    tools: Mapping[str, Tool]
    policy: ApprovalPolicy
    approver: Approver
    ledger: CostLedger
    root: Path  # the folder that tools may touch, resolved
    stop: asyncio.Event
    commit: Callable[[Message], Awaitable[Message]]
    draft: Callable[[Message], Awaitable[None]]
    count: CountTokens
    system: str = ""
    effort: Effort | None = None
    max_output: int | None = None  # tokens
    temperature: float | None = None
    cache_key: str = ""
    budget: Decimal | None = None  # US dollars this turn may cost
    max_steps: int = MAX_STEPS

"""What one turn needs, as one frozen object: a swap or a new turn makes another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flux_tui.core.messages import Message
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.providers.base import Provider
from flux_tui.session.approvals import ApprovalPolicy, Approver
from flux_tui.session.ledger import CostLedger
from flux_tui.session.meter import Meter
from flux_tui.session.outgoing import Outgoing
from flux_tui.session.purse import Purse
from flux_tui.tools.base import Tool

DRAFT_SECONDS = 0.4
"""A reply in flight is stored this often: with the writing itself, a crash loses half a second."""

MAX_STEPS = 25
"""Requests in one turn at the most."""


class CallDeps(Protocol):
    """What tool calls are judged, asked about and run with."""

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The tools there are, by name."""
        ...

    @property
    def policy(self) -> ApprovalPolicy:
        """Judges each call."""
        ...

    @property
    def approver(self) -> Approver:
        """Asks the user."""
        ...

    @property
    def root(self) -> Path:
        """The folder that tools may touch, resolved."""
        ...

    @property
    def stop(self) -> asyncio.Event:
        """Ends the calls early."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDeps:
    """Everything a turn works with; it keeps this model and provider to its end.

    `commit` stores a finished message and returns it as stored, with its parent; `draft` stores
    the reply in flight. Neither raises. `stop` ends the turn early and keeps what has arrived.
    """

    provider: Provider
    outgoing: Outgoing
    tools: Mapping[str, Tool]
    policy: ApprovalPolicy
    approver: Approver
    ledger: CostLedger
    purse: Purse
    root: Path  # the folder that tools may touch, resolved
    stop: asyncio.Event
    commit: Callable[[Message], Awaitable[Message]]
    draft: Callable[[Message], Awaitable[None]]
    meter: Meter
    refused: Callable[[frozenset[str]], None]  # told of answers whose reasoning was refused
    larger: Callable[[ModelInfo], tuple[ModelRef, ...]]  # models with a larger window
    max_steps: int = MAX_STEPS

    @property
    def model(self) -> ModelInfo:
        """The model that answers this turn."""
        return self.outgoing.model

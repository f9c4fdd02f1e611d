"""How full a model's window is, and how well that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from flux_tui.core.messages import Message
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.usage import Usage
from flux_tui.providers.base import ChatRequest, ToolSpec
from flux_tui.providers.tokens import Calibration, TokenCount

TokenBasis: TypeAlias = Literal["reported", "calibrated", "tiktoken", "estimate"]
"""How a number of tokens is known.

reported: the model itself said it. calibrated: counted here, and scaled by what that model said of
its last request. tiktoken: counted with a tokenizer that need not be the model's. estimate: from
the length of the text.
"""


class CountTokens(Protocol):
    """Counts the tokens of a request. Called in a thread unless it is to be *quick*."""

    def __call__(
        self,
        messages: tuple[Message, ...],
        system: str,
        tools: tuple[ToolSpec, ...],
        *,
        quick: bool = False,
    ) -> TokenCount:
        """Return the number of tokens and how it was found."""
        ...


@dataclass(frozen=True, slots=True)
class ContextUse:
    """Tokens that the conversation takes of a window; `window` None if nobody told its size."""

    tokens: int
    window: int | None
    estimated: bool
    basis: TokenBasis = "estimate"

    @property
    def share(self) -> float | None:
        """The part of the window that is used, 0 to 1 and above; None if it is not known."""
        return self.tokens / self.window if self.window else None


@dataclass(frozen=True, slots=True)
class Meter:
    """Measures conversations; what it learns of a model serves all sessions."""

    count: CountTokens
    calibration: Calibration

    def weigh(
        self,
        messages: tuple[Message, ...],
        model: ModelInfo,
        system: str = "",
        tools: tuple[ToolSpec, ...] = (),
        *,
        quick: bool = False,
    ) -> tuple[int, TokenBasis]:
        """Return the tokens of a request as *model* would count them.

        With *quick* nothing is tokenised that is not known already, so that it may be called on
        the event loop; otherwise call it in a thread.
        """
        counted = self.count(messages, system, tools, quick=quick)
        if not self.calibration.known(model.ref):
            return counted.tokens, counted.basis
        return self.calibration.apply(model.ref, counted.tokens), "calibrated"

    def learn(self, request: ChatRequest, usage: Usage) -> None:
        """Compare what a model said of a request with what is counted here. Call it in a thread."""
        counted = self.count(request.messages, request.system, request.tools)
        read = usage.prompt + usage.uncharged
        self.calibration.learn(request.model.ref, read, counted.tokens)

    def measure(
        self,
        path: tuple[Message, ...],
        model: ModelInfo,
        system: str = "",
        tools: tuple[ToolSpec, ...] = (),
    ) -> ContextUse:
        """Return how much of *model*'s window the messages of *path* take; never waits.

        What the model reported last stands, and what came after it is counted. A conversation
        that another model read last is counted anew: its tokens are not this model's.
        """
        window = model.context_window
        place, reported = _last_report(path, model.ref)
        if reported:
            rest = path[place + 1 :]
            if not rest:
                return ContextUse(reported, window, estimated=False, basis="reported")
            more, basis = self.weigh(rest, model, quick=True)
            return ContextUse(reported + more, window, estimated=True, basis=basis)
        if not path:
            return ContextUse(0, window, estimated=True)
        tokens, basis = self.weigh(path, model, system, tools, quick=True)
        return ContextUse(tokens, window, estimated=True, basis=basis)


def _last_report(path: tuple[Message, ...], model: ModelRef) -> tuple[int, int]:
    """Return the place of the last answer and the tokens it reported; 0 if that says nothing."""
    for place in range(len(path) - 1, -1, -1):
        message = path[place]
        if message.usage is not None:
            own = message.model == model and not message.usage.estimated
            return place, message.usage.room if own else 0
    return 0, 0

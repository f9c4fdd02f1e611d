"""What a change of model would do, found out before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flux_tui.core.messages import Message
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.report import Action, ReportItem, SwapReport
from flux_tui.core.usage import JSON, NO_COST, Cost, Usage
from flux_tui.session.meter import Meter, TokenBasis
from flux_tui.session.outgoing import Outgoing
from flux_tui.session.switch import has_room, reserved

PriceNow = Callable[[ModelInfo, Usage, datetime], Cost]

_ABILITIES = {
    "images": "images",
    "documents": "PDF files",
    "tools": "tools",
    "tool_result_images": "images in tool results",
    "sampling": "temperature",
    "forced_tool_choice": "forced tool choice",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What sending the conversation to `model` next would mean.

    Attributes:
        before: the model that the session has now; None when there is none to compare with.
        model: the model asked about.
        report: what is kept, adapted and dropped, item by item.
        tokens: the size of the request as `model` would count it; `basis` says how it is known.
        reserve: tokens that the answer may take, for which there must be room, too.
        cost: of reading the history once, without a cache; it rests on `tokens`.
        cache_left: tokens that lie in the present model's cache and are read anew; 0 if none.
        gained: what `model` can do and `before` cannot, in words; `lost` the other way round.
        discloses_to: label of a vendor that would read the history for the first time, or empty.
        must_ask: whether the user has not yet agreed to that in this session.
        withheld: ids of the messages marked "do not hand over" that `model` does not get.
        larger: models with a larger window, when the conversation does not fit.
    """

    before: ModelRef | None
    model: ModelInfo
    report: SwapReport
    tokens: int
    basis: TokenBasis
    cost: Cost
    reserve: int = 0
    cache_left: int = 0
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    discloses_to: str = ""
    must_ask: bool = False
    withheld: tuple[str, ...] = ()
    larger: tuple[ModelRef, ...] = ()

    @property
    def window(self) -> int | None:
        """The model's context window in tokens, None if nobody told us."""
        return self.model.context_window

    @property
    def estimated(self) -> bool:
        """Whether `tokens` is anything but the model's own count."""
        return self.basis != "reported"

    @property
    def fits(self) -> bool | None:
        """Whether conversation and answer fit the window; None if its size is not known."""
        return has_room(self.tokens, self.reserve, self.window)

    def items(self, action: Action) -> tuple[ReportItem, ...]:
        """Return what is "kept", "adapted" or "dropped"."""
        return tuple(item for item in self.report.items if item.action == action)

    def dump(self) -> dict[str, JSON]:
        """Return it as JSON; amounts are decimal strings in US dollars, or null."""
        amount = self.cost.amount
        listed: dict[str, JSON] = {
            action: [
                {"what": item.what, "reason": item.reason, "message": item.message_id}
                for item in self.items(action)
            ]
            for action in ("kept", "adapted", "dropped")
        }
        return {
            "model": str(self.model.ref),
            "before": None if self.before is None else str(self.before),
            "fits": self.fits,
            "tokens": self.tokens,
            "tokens_basis": self.basis,
            "window": self.window,
            "reserve": self.reserve,
            **listed,
            "cost": {"usd": None if amount is None else f"{amount:f}", "basis": self.cost.basis},
            "cache_left": self.cache_left,
            "gained": list(self.gained),
            "lost": list(self.lost),
            "discloses_to": self.discloses_to,
            "withheld": list(self.withheld),
            "larger": [str(ref) for ref in self.larger],
        }


def preflight(
    history: tuple[Message, ...],
    before: ModelInfo | None,
    outgoing: Outgoing,
    *,
    meter: Meter,
    price: PriceNow,
    label: str = "",
    larger: tuple[ModelRef, ...] = (),
) -> Preflight:
    """Return what sending *history* as *outgoing* says would mean. Computes: call it in a thread.

    Args:
        history: the messages from the first to the last one to be sent.
        before: the model that the session has now.
        outgoing: the request to be, with the model asked about.
        meter: counts the tokens.
        price: prices them.
        label: what the model's vendor is called.
        larger: models to name if the conversation does not fit.
    """
    model, privacy = outgoing.model, outgoing.privacy
    request, report = outgoing.request(history)
    use = meter.measure(history, model)
    tokens, basis = use.tokens, use.basis
    if history and basis != "reported":
        tokens, basis = meter.weigh(request.messages, model, request.system, request.tools)
    read = Usage(input=tokens, estimated=basis != "reported")
    cost = price(model, read, datetime.now(UTC)) if history else NO_COST
    reader = privacy.new_reader(history, model)
    reserve = reserved(model, outgoing.max_output) if history else 0
    full = has_room(tokens, reserve, model.context_window) is False
    return Preflight(
        before=None if before is None else before.ref,
        model=model,
        report=report,
        tokens=tokens,
        basis=basis,
        cost=cost,
        reserve=reserve,
        cache_left=_cached(history, before, model),
        gained=() if before is None else _beyond(model, before),
        lost=() if before is None else _beyond(before, model),
        discloses_to=(label or reader) if reader else "",
        must_ask=privacy.needs_consent(history, model) is not None,
        withheld=tuple(message.id for message in privacy.withheld(history, model)),
        larger=larger if full else (),
    )


def _cached(history: tuple[Message, ...], before: ModelInfo | None, after: ModelInfo) -> int:
    """Return what the last answer left in its model's cache, if *after* is another model."""
    if before is None or before.ref == after.ref:
        return 0
    last = next((m for m in reversed(history) if m.usage is not None), None)
    if last is None or last.usage is None or last.model != before.ref:
        return 0
    return last.usage.cache_read + last.usage.cache_write


def _beyond(model: ModelInfo, other: ModelInfo) -> tuple[str, ...]:
    """Return in words what *model* can do and *other* cannot."""
    found = [
        words
        for name, words in _ABILITIES.items()
        if getattr(model.abilities, name) and not getattr(other.abilities, name)
    ]
    if model.thinking != "none" and other.thinking == "none":
        found.append("thinking")
    return tuple(found)

"""About what the next answer will cost, reading and writing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from flux_tui.core.messages import Message
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import Cost, Usage, sum_costs
from flux_tui.session.meter import Meter
from flux_tui.session.outgoing import Outgoing
from flux_tui.session.preflight import PriceNow, preflight

USUAL_ANSWER = 500
"""Tokens that an answer is taken to have before a model has given one here."""


def forecast(
    history: tuple[Message, ...], outgoing: Outgoing, *, meter: Meter, price: PriceNow
) -> Cost:
    """Return what asking with *history* will cost about. Computes: call it in a thread.

    The history counts as read without a cache; the answer is taken to be as long as the model's
    answers so far, or `USUAL_ANSWER` tokens.
    """
    model = outgoing.model
    reading = preflight(history, None, outgoing, meter=meter, price=price).cost
    length = answer_length(history, model.ref) or USUAL_ANSWER
    writing = price(model, Usage(output=length, estimated=True), datetime.now(UTC))
    return sum_costs((reading, writing))


def answer_length(history: Iterable[Message], model: ModelRef) -> int:
    """Return how many tokens the answers of *model* have in *history* on average; 0: none."""
    written = [m.usage.output for m in history if m.model == model and m.usage is not None]
    return sum(written) // len(written) if written else 0

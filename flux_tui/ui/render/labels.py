"""Where plain text becomes `Content`: nothing in it is ever read as markup.

Styles are names of component classes, written with a leading dot; the widget that shows the
content resolves them, so that one piece of content suits every theme.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from textual.content import Content

from flux_tui.core.sanitize import one_line, sanitize

if TYPE_CHECKING:
    from flux_tui.core.messages import Message, StopReason
    from flux_tui.core.models import ModelRef
    from flux_tui.core.usage import Cost

_JOINER = re.compile("(?<=[\u2190-\u2bff\U0001f000-\U0001faff])\u200d|[\U0001f3fb-\U0001f3ff]")

_STOPS: dict[str, str] = {
    "length": "cut off at the output limit",
    "context": "the context window is full",
    "refusal": "the model declined",
    "pause": "paused by the vendor",
    "aborted": "stopped",
    "interrupted": "broken off",
    "error": "failed",
}


def plain(text: str, style: str = "") -> Content:
    """Return *text* literally, without control characters, tabs as spaces.

    Joined emoji come apart, skins lose their tone, and a symbol stays as narrow as it is without
    a selector: terminals do not agree on how wide such sequences are, and what stands beside them
    would be displaced. What is copied as source keeps them.
    """
    clean = sanitize(text).expandtabs(4)
    if not clean.isascii():
        clean = _JOINER.sub("", clean.replace("\ufe0f", ""))
    return Content.styled(clean, style) if style else Content(clean)


def assemble(*parts: str | tuple[str, str]) -> Content:
    """Return *parts*, each text or (text, style), as one piece of content."""
    pieces = [plain(part) if isinstance(part, str) else plain(*part) for part in parts]
    return Content.assemble(*pieces)


def count(number: int) -> str:
    """Return a number with thousands separated."""
    return f"{number:,}"


def seconds(value: float) -> str:
    """Return a span of time for people: 0.4 s, 12 s, 3 min 05 s."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def money(cost: Cost | None) -> str:
    """Return dollars with the mark of how they are known.

    Nothing marks what the provider reported, ``≈`` what was computed from a price table, with the
    tokens reported or estimated, ``≥`` a lower bound.
    """
    if cost is None or (cost.amount is None and cost.basis != "free"):
        return "cost n/a"
    if cost.basis == "free":
        return "free"
    amount = cost.amount or Decimal(0)
    digits = 2 if amount >= 1 or amount == 0 else 4
    figure = f"${amount:,.{digits}f}" if not 0 < amount < Decimal("0.0001") else "<$0.0001"
    mark = {"computed": "≈ ", "estimated": "≈ ", "partial": "≥ "}.get(cost.basis, "")
    return f"{mark}{figure}{' simulated' if cost.basis == 'simulated' else ''}"


def money_sum(cost: Cost) -> str:
    """Return a sum of costs: as `money`, but a sum of nothing is no dollars, not "free"."""
    return "$0.00" if cost.basis == "free" else money(cost)


def size(characters: int) -> str:
    """Return the size of a text for people."""
    if characters < 1000:
        return f"{characters} chars"
    return (
        f"{characters / 1000:.1f} k chars"
        if characters < 1_000_000
        else f"{characters / 1e6:.1f} M"
    )


def speaker(name: str, role: str, detail: str = "") -> Content:
    """Return the line that says who speaks, with a quiet *detail*."""
    label = one_line(name, 60)
    quiet = f"  {one_line(detail, 80)}" if detail else ""
    return assemble((label, f".transcript--{role}"), (quiet, ".transcript--quiet"))


def model_name(model: ModelRef | None) -> tuple[str, str]:
    """Return the model's own name and its provider."""
    return (model.name, model.provider) if model else ("Assistant", "")


def stop_words(stop: StopReason | None) -> str:
    """Return what an unusual end means, in words; empty for an ordinary one."""
    return _STOPS.get(stop or "", "")


def footer(message: Message) -> Content:
    """Return ``1,234 tok · $0.0123 · 2.3 s``, led by how the answer ended if that is unusual."""
    words = stop_words(message.stop)
    facts: list[str] = []
    if message.usage:
        about = "≈ " if message.usage.estimated else ""
        facts.append(f"{about}{count(message.usage.total)} tok")
    if message.usage or message.cost:
        facts.append(money(message.cost))
    if message.timing:
        facts.append(seconds(message.timing.total))
    lead = (f"◐ {words}{' · ' if facts else ''}", ".transcript--warning") if words else ""
    return assemble(lead, (" · ".join(facts), ".transcript--quiet"))

"""Money and tokens: this turn, the session, today, the month, and by model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from flux_tui.core.events import (
    Committed,
    ReplyDelta,
    ReplyStarted,
    TurnEnded,
    TurnEvent,
    UsageUpdate,
)
from flux_tui.core.usage import Cost, Usage
from flux_tui.session.ledger import CostLedger
from flux_tui.session.switch import short_count
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.labels import assemble, count, money, money_sum, one_line
from flux_tui.ui.widgets.plain import Plain

if TYPE_CHECKING:
    from flux_tui.session.meter import ContextUse

_BASIS = {
    "reported": "as the provider reported it",
    "computed": "tokens × price table",
    "estimated": "tokens counted here × price table",
    "partial": "at least: some prices are unknown",
    "unknown": "no price known",
    "free": "nothing spent",
    "simulated": "simulated: nothing was spent",
}


class CostMeter(VerticalScroll):
    """Shows a ledger; the tokens of the running request come from its usage updates."""

    def __init__(self, clock: FrameClock, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._clock = clock
        self._ledger: CostLedger | None = None
        self._use: ContextUse | None = None
        self._so_far: Usage | None = None
        self._asked = False
        self._dirty = True

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield Plain("", id="cost-text")

    def on_mount(self) -> None:
        """Join the clock."""
        self.border_title = "Cost"
        self._clock.add(self.paint)
        self.paint()

    def take_focus(self) -> None:
        """Let the keys scroll it."""
        self.focus()

    def show(self, ledger: CostLedger, use: ContextUse) -> None:
        """Show another ledger, or the same one again."""
        self._ledger, self._use, self._dirty = ledger, use, True
        self._clock.request()

    def apply(self, event: TurnEvent) -> None:
        """Take one event of the turn."""
        match event:
            case ReplyDelta(event=UsageUpdate(usage=usage)):
                self._so_far = usage
            case ReplyStarted():
                self._asked = True
            case Committed() | TurnEnded():
                self._so_far, self._asked = None, False
            case _:
                return
        self._dirty = True
        self._clock.request()

    def paint(self) -> None:
        """Write the figures."""
        if self._dirty and self._ledger is not None:
            self._dirty = False
            self.query_one("#cost-text", Plain).update(self._text(self._ledger))

    def _text(self, ledger: CostLedger) -> Content:
        parts: list[str | tuple[str, str]] = []
        sums = ("turn", ledger.turn), ("session", ledger.session)
        for name, cost in (*sums, ("today", ledger.today), ("month", ledger.month)):
            parts += [(f"{name:<9}", "dim"), (f"{money_sum(cost):>14}", "bold"), "\n"]
        soon = self._asked and ledger.session.basis == "free"
        words = "the answer under way is not counted yet" if soon else basis_words(ledger.session)
        parts += [(f"{words}\n", "dim italic")]
        totals = ledger.by_model()
        for ref, total in totals.items():
            parts += ["\n", (one_line(str(ref), 34), "bold"), "\n"]
            parts += [f"  {money(total.cost)}", (f" · {_requests(total.requests)}\n", "dim")]
            parts += _buckets(total.usage)
        if self._so_far is not None:
            parts += ["\n", ("this request so far\n", "bold"), *_buckets(self._so_far)]
        if self._use is not None and self._use.window:
            about = "≈" if self._use.estimated else ""
            window = f"{about}{count(self._use.tokens)} of {short_count(self._use.window)}"
            parts += ["\n", ("context  ", "dim"), window]
        return assemble(*parts)


def basis_words(cost: Cost) -> str:
    """Say how an amount is known."""
    dated = f" of {cost.as_of}" if cost.as_of and cost.basis in {"computed", "estimated"} else ""
    return _BASIS[cost.basis] + dated


def _requests(number: int) -> str:
    return f"{number} request{'' if number == 1 else 's'}"


def _buckets(usage: Usage) -> list[str | tuple[str, str]]:
    rows = (
        ("fresh", usage.input),
        ("cache read", usage.cache_read),
        ("cache write", usage.cache_write),
        ("output", usage.output),
        ("  reasoning", usage.reasoning),
    )
    about = "≈" if usage.estimated else ""
    parts: list[str | tuple[str, str]] = []
    for name, tokens in rows:
        if tokens:
            parts += [(f"  {name:<13}", "dim"), f"{about + count(tokens):>10}\n"]
    return parts

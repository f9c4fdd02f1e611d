"""The card that says what sending the conversation to a model would mean."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.timer import Timer

from flux_tui.core.errors import FluxError
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.report import Action
from flux_tui.session.meter import TokenBasis
from flux_tui.session.preflight import Preflight
from flux_tui.session.switch import answer_words, short_count
from flux_tui.ui.render.labels import assemble, count, money, one_line, plain
from flux_tui.ui.widgets.plain import Plain

Check: TypeAlias = Callable[[ModelInfo], Awaitable[Preflight]]
"""Finds out what a change to a model would mean; `ChatSession.preflight`."""

PATIENCE = 0.12
"""Seconds that the highlight rests on a model before it is looked at."""

_METER = 10
_ACTIONS: tuple[tuple[Action, str, str], ...] = (
    ("kept", "✓", "$success"),
    ("adapted", "≈", "$warning"),
    ("dropped", "✗", "$error"),
)
_BASIS: dict[TokenBasis, str] = {
    "reported": "as the model reported",
    "calibrated": "scaled by what the model reported before",
    "tiktoken": "counted with tiktoken",
    "estimate": "estimated by length",
}
_MONEY_BASIS = {
    "reported": "as the vendor reported",
    "computed": "by the price table",
    "estimated": "estimated tokens, by the price table",
    "partial": "at least; not every price is known",
    "unknown": "no price is known",
    "simulated": "by the price table",
}

Line: TypeAlias = list[str | tuple[str, str]]


class PreflightCard(VerticalScroll, can_focus=False):
    """Shows the `Preflight` of the model it was told last; a stale one is never shown.

    One is worked out at a time, however fast the models change: threads cannot be stopped, and
    many at once would slow the screen down.
    """

    def __init__(self, check: Check, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._check = check
        self._wanted: ModelInfo | None = None
        self._known: dict[ModelRef, Preflight] = {}
        self._resting: Timer | None = None
        self._working = False

    @property
    def shown(self) -> Preflight | None:
        """What is known of the model asked for; None while it is being worked out."""
        return None if self._wanted is None else self._known.get(self._wanted.ref)

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield Plain(id="card-text")

    def consider(self, model: ModelInfo | None) -> None:
        """Show *model* soon, or nothing."""
        self._wanted = model
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        if model is None or model.ref in self._known:
            self._paint()
        else:
            self._resting = self.set_timer(PATIENCE, self._begin)

    def _begin(self) -> None:
        self._resting = None
        self._paint()
        if not self._working:
            self._working = True
            self._work_out()

    @work(group="preflight", exit_on_error=False)
    async def _work_out(self) -> None:
        try:
            while (model := self._wanted) is not None and model.ref not in self._known:
                try:
                    self._known[model.ref] = await self._check(model)
                except FluxError as problem:
                    self.query_one("#card-text", Plain).update(plain(str(problem), "$error"))
                    return
                await asyncio.sleep(0)  # keys that came meanwhile may have changed the wish
        finally:
            self._working = False
        self._paint()

    def _paint(self) -> None:
        if not self.is_attached:
            return
        found, model = self.shown, self._wanted
        if found is not None:
            text = card_content(found)
        elif model is not None:
            text = assemble((f"{one_line(str(model.ref), 60)}\n", "bold"), ("counting …", "dim"))
        else:
            text = Content("")
        self.query_one("#card-text", Plain).update(text)
        self.scroll_home(animate=False)


def card_content(found: Preflight) -> Content:
    """Return what *found* says, the most important first."""
    lines: list[Line] = [[(one_line(str(found.model.ref), 60), "bold $primary")]]
    lines += _facts(found)
    lines += _changes(found)
    return Content("\n").join([assemble(*line) for line in lines])


def _facts(found: Preflight) -> Iterator[Line]:
    if found.must_ask:
        reader = one_line(found.discloses_to, 40)
        yield [("! ", "bold $warning"), (f"{reader} is new here: you are asked", "$warning")]
    elif found.discloses_to:
        yield [f"  {one_line(found.discloses_to, 40)} may read it: you have agreed"]
    yield _fit(found)
    yield [("  " + _BASIS[found.basis], "dim")]
    if found.fits is False:
        names = " or ".join(one_line(str(ref), 50) for ref in found.larger)
        yield ["  Make room with /compact" + (f", or use {names}" if names else "")]
    if found.tokens:
        free = found.cost.basis == "free"
        words = "reading it once is free" if free else f"reading it once {money(found.cost)}"
        basis = _MONEY_BASIS.get(found.cost.basis, "")
        yield [f"$ {words}"]
        if basis:
            yield [(f"  {basis}", "dim")]
    if found.cache_left:
        yield [f"  leaves a cache of {short_count(found.cache_left)} tokens behind"]
    if found.gained:
        yield [("+ ", "$success"), f"gains {', '.join(found.gained)}"]
    if found.lost:
        yield [("- ", "$warning"), f"loses {', '.join(found.lost)}"]
    if found.withheld:
        many = len(found.withheld)
        words = f"message{'s stay' if many > 1 else ' stays'} here"
        yield [("⊘ ", "$warning"), f"{count(many)} private {words}"]


def _fit(found: Preflight) -> Line:
    tokens = f"{'≈ ' if found.estimated else ''}{short_count(found.tokens)}"
    window = found.window
    if window is None:
        return [("? ", "$warning"), f"{tokens} tokens; its window is not known"]
    share = found.tokens / window
    full = min(_METER, round(share * _METER))
    style = "$error" if not found.fits else "$warning" if share > 0.7 else "$success"
    glyph = "✓" if found.fits else "✗"
    words = "fits" if found.fits else "does not fit"
    return [
        (f"{glyph} {words} ", f"bold {style}"),
        ("▰" * full, style),
        ("▱" * (_METER - full), "dim"),
        f" {tokens} of {short_count(window)}{answer_words(found.tokens, found.reserve, window)}",
    ]


def _changes(found: Preflight) -> Iterator[Line]:
    yield [""]
    if not found.report.items:
        yield [("✓ ", "$success"), "Everything arrives as it is"]
        return
    for action, glyph, style in _ACTIONS:
        groups = Counter((item.what, item.reason) for item in found.items(action))
        if groups:
            yield [(f"{action.title()} ({count(groups.total())})", f"bold {style}")]
        for (what, reason), many in groups.items():
            times = f" ×{count(many)}" if many > 1 else ""
            yield [(f"{glyph} ", style), f"{what}{times}", (f": {reason}" if reason else "", "dim")]
    yield [("Text and tool calls always arrive", "dim")]

"""What a change of model would do, and how full its context window is."""

from __future__ import annotations

from dataclasses import dataclass

from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.normalize import SwapReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A change of model: what is kept, adapted and dropped, and whether it fits."""

    before: ModelRef
    after: ModelRef
    report: SwapReport
    tokens: int
    estimated: bool
    window: int | None
    reserve: int = 0  # tokens that an answer may take
    new_reader: str = ""  # a provider that gets to read the history for the first time
    once: bool = False  # for one message only

    @property
    def fits(self) -> bool | None:
        """Whether conversation and answer fit the new window; None if its size is not known."""
        return has_room(self.tokens, self.reserve, self.window)

    def line(self) -> str:
        """Return it as one line of text, for the transcript."""
        kept = "everything kept" if self.report.lossless else self.report.summary()
        reader = f" · {self.new_reader} will read the history" if self.new_reader else ""
        once = "for this message · " if self.once else ""
        return f"{self.before} → {self.after}   {once}{kept} · {self._fit()}{reader}"

    def _fit(self) -> str:
        tokens = f"{'≈ ' if self.estimated else ''}{short_count(self.tokens)}"
        if self.window is None:
            return f"{tokens} tokens, window unknown"
        words = "fits" if self.fits else "does not fit"
        more = answer_words(self.tokens, self.reserve, self.window)
        return f"{words}: {tokens} of {short_count(self.window)}{more}"


def reserved(model: ModelInfo, max_output: int | None) -> int:
    """Return the tokens to leave for an answer of *model*: its limit, or the user's *max_output*.

    At most half of the window; 0 if nobody told a limit.
    """
    wanted = max_output or model.max_output or 0
    most = min(wanted, model.max_output or wanted)
    return most if model.context_window is None else min(most, model.context_window // 2)


def has_room(tokens: int, reserve: int, window: int | None) -> bool | None:
    """Return whether *tokens* and an answer of *reserve* fit; None if the window is not known."""
    return None if window is None else tokens + reserve < window


def answer_words(tokens: int, reserve: int, window: int | None) -> str:
    """Return words for the case that only the answer has no room."""
    if window is None or tokens >= window or tokens + reserve < window:
        return ""
    return f", and {short_count(reserve)} for the answer"


def short_count(tokens: int) -> str:
    """Return a count of tokens as people say it: 950, 41k, 1M, 1.5M."""
    if tokens < 1_000:
        return str(tokens)
    if tokens < 999_500:
        return f"{tokens / 1_000:.0f}k"
    return f"{tokens / 1_000_000:.2f}".rstrip("0").rstrip(".") + "M"

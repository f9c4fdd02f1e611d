"""The prompt cache: which beginnings of requests the simulator has read before, per model."""

from __future__ import annotations

from collections import OrderedDict

from flux_tui.sim.catalog import Vendor, gpt_profile
from flux_tui.sim.script import Ask, Reply, Tokens
from flux_tui.sim.signing import digest
from flux_tui.sim.tokens import count, count_all
from flux_tui.sim.values import dumps

_KEPT = 10_000  # remembered beginnings; the oldest are forgotten


class PromptCache:
    """Remembers prefixes and counts what a request reads from the cache and writes to it.

    Anthropic caches up to the breakpoints that a request sets; OpenAI caches by itself, and its
    newer models report (and bill) what they wrote.
    """

    def __init__(self, minimum: int) -> None:
        self._minimum = minimum
        self._known: OrderedDict[str, None] = OrderedDict()

    def count(self, ask: Ask, reply: Reply, vendor: Vendor) -> Tokens:
        """The tokens of one exchange; what it wrote is known from then on."""
        sizes: list[int] = []
        names: list[str] = []
        name, total = f"{vendor}/{ask.model}", 0
        for segment in ask.segments:
            total += count(segment.text)
            name = digest(name, segment.text)
            sizes.append(total)
            names.append(name)
        read = max((s for s, n in zip(sizes, names, strict=True) if n in self._known), default=0)
        upto = self._write_to(ask, sizes, vendor)
        for size, known in zip(sizes, names, strict=True):
            if self._minimum <= size <= upto:
                self._remember(known)
        read = read if read <= upto else 0
        bills = vendor == "anthropic" or (
            vendor == "openai" and gpt_profile(ask.model).bills_cache_writes
        )
        reasoning = len(reply.thinking)
        calls = count_all(dumps(call.arguments) + call.name for call in reply.calls)
        return Tokens(
            prompt=max(1, total),
            cached=read,
            written=max(0, upto - read) if bills else 0,
            output=reasoning + len(reply.text) + calls,
            reasoning=reasoning,
        )

    def _write_to(self, ask: Ask, sizes: list[int], vendor: Vendor) -> int:
        if vendor != "anthropic":  # the others cache by themselves
            upto = sizes[-1] if sizes else 0
        else:
            marked = [s for s, seg in zip(sizes, ask.segments, strict=True) if seg.breakpoint]
            upto = max(marked, default=0)
        return upto if upto >= self._minimum else 0

    def _remember(self, name: str) -> None:
        self._known[name] = None
        self._known.move_to_end(name)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)

"""What a batch job will cost, found out before it is handed in: about, and at the most.

Once handed in a batch runs by itself, so a limit on it must hold before.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal
from functools import cache

from flux_tui.core.errors import BudgetError
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import Cost, Usage, sum_costs
from flux_tui.providers.base import Provider
from flux_tui.providers.tokens import estimate
from flux_tui.providers.transport import Body
from flux_tui.session.batch import Job
from flux_tui.session.batch_run import half_price, request_body
from flux_tui.session.budgets import crossed
from flux_tui.session.forecast import USUAL_ANSWER
from flux_tui.session.jobs import Prompt
from flux_tui.session.ledger import CostLedger
from flux_tui.session.prompts import read_notes
from flux_tui.session.wiring import Runtime

_CAPS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_MARK = "cache_control"  # in a body whose prompt may be written to a cache, which can cost more


@dataclass(frozen=True, slots=True)
class BatchForecast:
    """What a job costs at the price of a batch.

    Attributes:
        about: with answers of the usual length.
        most: with the longest answers that its requests allow, and a token for each byte that is
            read. Its amount is None where that has no bound, or no price.
        longest: tokens of an answer at the most, over all requests; None if one has no bound.
    """

    about: Cost
    most: Cost
    longest: int | None

    def told(self) -> str:
        """Return it as half a sentence."""
        if self.about.amount is None or self.about.basis == "partial":
            return "the cost is not known"
        most = "" if self.most.amount is None else f", {_dollars(self.most.amount)} at the most"
        return f"about {_dollars(self.about.amount)}{most}, at half price"

    def hold_to(self, max_cost: Decimal | None, ledger: CostLedger) -> None:
        """Refuse what could cost more than *max_cost*, or would about break a budget.

        Raises:
            BudgetError: it could or would, or the price or a bound is not known.
        """
        # A turn is one request: its limit says nothing about many.
        broken = crossed(replace(ledger.budgets, turn=None), ledger, self.about)
        if broken:
            raise BudgetError(
                f"{broken[0]}: this batch costs {self.told()}", hint="nothing is sent"
            )
        if max_cost is None:
            return
        if self.about.amount is None or self.about.basis == "partial":
            raise BudgetError(
                "the price of a model is not known, so the limit cannot be kept",
                hint="set it under [prices] in config.toml, or leave out --max-cost",
            )
        if self.most.amount is None or self.longest is None:
            raise BudgetError(
                "nothing limits how long an answer may be, so the limit cannot be kept",
                hint="set max_output, or leave out --max-cost",
            )
        if self.most.amount > max_cost:
            raise BudgetError(
                f"this batch could cost more than ${max_cost:f}: {self.told()}",
                hint=f"an answer may have {self.longest:,} tokens; set a lower max_output",
            )


async def foretell(runtime: Runtime, job: Job) -> BatchForecast:
    """Return what will be charged for the parts of *job* that are not handed in yet.

    Raises:
        FluxError: a model of it is not known any more, or there is no key for it.
    """
    notes = await asyncio.to_thread(read_notes, runtime.root)
    found: list[BatchForecast] = []
    for part in job.unsent:
        model = runtime.find_model(part.model)
        provider = await runtime.open_provider(model)
        prompts = [job.prompts[place] for place in part.prompts]
        found += await asyncio.to_thread(_weigh, runtime, model, provider, prompts, notes)
    bounds = [one.longest for one in found if one.longest is not None]
    most = sum_costs(one.most for one in found)
    bounded = len(bounds) == len(found) and most.basis != "partial"
    return BatchForecast(
        sum_costs(one.about for one in found),
        most if bounded else Cost(basis="unknown"),
        max(bounds, default=0) if bounded else None,
    )


def _weigh(
    runtime: Runtime, model: ModelInfo, provider: Provider, prompts: list[Prompt], notes: str
) -> list[BatchForecast]:
    """Return what each prompt costs. Blocks, about half a millisecond for each."""

    @cache  # many prompts are of one size
    def price(read: int, kept: int, written: int) -> Cost:
        usage = Usage(input=read, cache_write=kept, output=written, estimated=True)
        return half_price(runtime, model, usage)

    found: list[BatchForecast] = []
    for prompt in prompts:
        body = request_body(runtime, model, provider, prompt, notes)
        text = json.dumps(body, ensure_ascii=False)
        size = len(text.encode("utf-8", "surrogatepass"))
        longest = _longest(body, model)
        usual = min(USUAL_ANSWER, longest or USUAL_ANSWER)
        most = Cost(basis="unknown")
        if longest is not None:
            cases = [price(size, 0, longest)]
            if _MARK in text:
                cases.append(price(0, size, longest))
            most = max(cases, key=lambda cost: cost.amount or 0)
        found.append(BatchForecast(price(estimate(text), 0, usual), most, longest))
    return found


def _longest(body: Body, model: ModelInfo) -> int | None:
    """Return how many tokens an answer to *body* may have; None if nothing limits it."""
    told = [body[name] for name in _CAPS if name in body]
    limits = [limit for limit in told if isinstance(limit, int)]
    return min(limits) if limits else model.max_output


def _dollars(amount: Decimal) -> str:
    """Return an amount with two digits that matter, rounded up: a limit must not look kept."""
    digits = max(2, 1 - amount.adjusted()) if amount else 2
    step = Decimal(1).scaleb(-digits)
    return f"${amount.quantize(step, ROUND_UP):,f}"

"""`flux-tui bench`: how soon and how fast models answer, with the spread of several runs."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from flux_tui.commands.arguments import add_models, at_least_one, none_or_more
from flux_tui.commands.common import complain, money, say, say_json, settings_of_run, start, table
from flux_tui.core.errors import BudgetError, InputError
from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.core.usage import JSON

if TYPE_CHECKING:
    from flux_tui.core.models import ModelInfo
    from flux_tui.session.measure import Bench, Measured, Sample
    from flux_tui.session.wiring import Runtime

INTERRUPTED = 130
RUNS, WARMUP = 5, 1

_HEAD = (
    *("model", "runs", "failed", "first token s", "min-max", "tokens/s", "min-max"),
    *("total s", "min-max", "tokens", "cost"),
)


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "bench",
        help="measure how soon and how fast models answer",
        description="Ask models the same several times and tell median and spread of the times.",
    )
    add_models(parser)
    parser.add_argument(
        "--runs", metavar="N", type=at_least_one, default=RUNS, help=f"of each model ({RUNS})"
    )
    parser.add_argument(
        "--warmup",
        metavar="N",
        type=none_or_more,
        default=WARMUP,
        help=f"requests before, not counted ({WARMUP})",
    )
    parser.add_argument("--prompt", metavar="TEXT", help="what is asked")
    parser.add_argument("--history", action="store_true", help="print what was measured before")
    parser.add_argument(
        "--demo", action="store_true", default=argparse.SUPPRESS, help="ask the built-in simulator"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable")


def run(args: argparse.Namespace) -> int:
    """Measure, print, and return the exit status: 1 if any run failed.

    Raises:
        InputError: there is no model, or it is not known.
    """
    from flux_tui.session.measure import HISTORY_NAME, history
    from flux_tui.session.wiring import Runtime

    # Tools would make one answer many requests.
    overrides = {"tools": "none"}
    if getattr(args, "demo", False):
        overrides["demo"] = "1"
    settings = settings_of_run(overrides)
    if args.history:
        rows = history(settings.paths.data_dir / HISTORY_NAME)
        if args.json:
            say_json(list[JSON](rows))
        else:
            say(table(("at", *_HEAD), [(str(row.get("at")), *_row(row)) for row in rows], left=2))
        return 0
    names = [*([args.model] if args.model else []), *args.models]
    if not names:
        raise InputError("there is no model to measure", hint="write -m P/M")
    return asyncio.run(_bench(Runtime(settings), names, args))


async def _bench(runtime: Runtime, names: list[str], args: argparse.Namespace) -> int:
    from flux_tui.session.measure import INCLUDES, PROMPT, Bench

    try:
        await start(runtime)
        models = tuple(dict.fromkeys(runtime.find_model(name) for name in names))
        prompt = sanitize(args.prompt or PROMPT)
        bench = Bench(runtime, models, prompt=prompt, runs=args.runs, warmup=args.warmup)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, bench.stop)
        measured = await bench.run(_tell)
    finally:
        await runtime.aclose()
    lost = await asyncio.to_thread(_keep, bench, measured)
    includes = INCLUDES if bench.warmup else f"{INCLUDES}; there were none, so the first run did it"
    _show(bench, measured, f"{includes}.", json=args.json)
    if lost:
        complain(lost)
    if bench.stopped:
        complain("interrupted" if lost else "interrupted; what was measured is kept")
        return INTERRUPTED
    if bench.over_budget:
        complain("your budget is spent; raise it under [budget] to go on")
        return BudgetError.exit_status
    return 1 if lost or any(s.error for one in measured for s in one.samples) else 0


def _keep(bench: Bench, measured: list[Measured]) -> str:
    """Add what was measured to the history; say why it could not, for the figures are paid for."""
    from flux_tui.session.measure import HISTORY_NAME, remember

    path = bench.runtime.settings.paths.data_dir / HISTORY_NAME
    try:
        remember(path, bench, [one for one in measured if one.samples])
    except OSError as problem:
        return f"the history {path} could not be written: {problem.strerror or 'unknown reason'}"
    return ""


def _tell(model: ModelInfo, number: int, sample: Sample) -> None:
    """Say on a terminal what came, and everywhere what failed."""
    which = f"run {number}" if number > 0 else "warm-up"
    if sample.error:
        complain(f"{model.ref}, {which}: {sample.error}")
    elif sys.stderr.isatty():
        seconds = sample.seconds or 0.0
        complain(f"{model.ref}, {which}: {seconds:.2f} s, {sample.output} tokens")


def _show(bench: Bench, measured: list[Measured], includes: str, *, json: bool) -> None:
    models = [one.dump() for one in measured]
    if json:
        say_json(
            {
                "prompt": bench.prompt,
                "runs": bench.runs,
                "warmup": bench.warmup,
                "includes": includes,
                "models": list[JSON](models),
            }
        )
        return
    ended = bench.stopped or bench.over_budget
    many = "the runs until then" if ended else f"{bench.runs} runs"
    say(f"{one_line(bench.prompt, 200)}\n{includes}\nMedians of {many}.\n")
    say(table(_HEAD, [_row(row) for row in models]))


def _row(row: dict[str, JSON]) -> list[str]:
    from flux_tui.session.jobs_run import load_cost

    first, first_ends = _spread(row, "first_token_ms", 1_000)
    rate, rate_ends = _spread(row, "tokens_per_s", 1)
    total, total_ends = _spread(row, "duration_ms", 1_000)
    return [
        *(str(row.get("model")), str(row.get("runs")), str(row.get("failed"))),
        *(first, first_ends, rate, rate_ends, total, total_ends),
        _spread(row, "output", 1)[0].removesuffix(".00"),
        money(load_cost(row.get("cost"))),
    ]


def _spread(row: dict[str, JSON], name: str, unit: int) -> tuple[str, str]:
    found = row.get(name)
    values = (
        [found.get(key) for key in ("low", "median", "high")] if isinstance(found, dict) else []
    )
    told = [f"{one / unit:.2f}" for one in values if isinstance(one, int | float)]
    # The history is a file that people may write to.
    return (told[1], f"{told[0]}-{told[2]}") if len(told) == 3 else ("-", "-")

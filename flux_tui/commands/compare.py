"""`flux-tui compare`: the same prompts for several models, side by side, judged if wished."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flux_tui.commands.arguments import add_models, dollars, limit
from flux_tui.commands.common import complain, say, say_json, settings_of_run, start
from flux_tui.core.errors import BudgetError, InputError
from flux_tui.core.sanitize import one_line

if TYPE_CHECKING:
    from flux_tui.commands.compare_output import Compared
    from flux_tui.core.models import ModelInfo
    from flux_tui.session.jobs import Limits, Prompt
    from flux_tui.session.jobs_log import AnswerLog, Record
    from flux_tui.session.jobs_run import Asking, Plan
    from flux_tui.session.wiring import Runtime

INTERRUPTED = 130
CONCURRENCY = 4
_FORMS = {
    "json": "machine-readable; of many prompts a list",
    "csv": "one row for each answer",
    "markdown": "one document with all answers",
    "html": "one page that loads and runs nothing",
}
_INNER = ("kind", "id", "digest", "prompt", "part")


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "compare",
        help="ask several models the same, side by side",
        description=(
            "Ask several models the same. Each answers without seeing the others. The prompt may "
            "also come from a pipe, and many prompts from a file."
        ),
    )
    parser.add_argument("prompt", nargs="?", default="", help="the question")
    add_models(parser)
    _add_work(parser)
    _add_pace(parser)
    parser.add_argument(
        "--demo", action="store_true", default=argparse.SUPPRESS, help="ask the built-in simulator"
    )
    add_forms(parser)


def _add_work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stdin", action="store_true", help="wait for all of the pipe, however long it takes"
    )
    parser.add_argument(
        "--prompts",
        metavar="FILE",
        type=Path,
        help='lines of {"prompt", "id"?}; "-" is standard input',
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="keep answers here; go on with those that are missing",
    )
    parser.add_argument("--judge", metavar="P/M", help="the model that says which answer is best")
    parser.add_argument("--rubric", metavar="FILE", type=Path, help="what the judge is to weigh")
    parser.add_argument(
        "--show-judge-prompt", action="store_true", help="print what a judge is asked, and end"
    )
    parser.add_argument(
        "--tools", choices=("none", "read"), default="none", help="what the models may use, unasked"
    )


def _add_pace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--concurrency",
        metavar="[P=]N",
        type=limit,
        action="append",
        default=[],
        help=f"requests at a time, per provider ({CONCURRENCY}), or of provider P; repeat it",
    )
    parser.add_argument(
        "--rpm",
        metavar="[P=]N",
        type=limit,
        action="append",
        default=[],
        help="requests a minute, likewise (no limit)",
    )
    parser.add_argument(
        "--max-cost",
        metavar="USD",
        type=dollars,
        help="ask no more at this cost; with --batch, hand nothing in that could cost more",
    )
    parser.add_argument(
        "--batch", action="store_true", help="hand the prompts in at the vendors' batch endpoints"
    )
    parser.add_argument("--collect", metavar="JOB", help='carry a batch job on; or "last"')
    parser.add_argument("--wait", action="store_true", help="wait for the end of the batch job")


def add_forms(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a comparison is printed."""
    form = parser.add_mutually_exclusive_group()
    for name, told in _FORMS.items():
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name, help=told)


def run(args: argparse.Namespace) -> int:
    """Ask, print, and return the exit status: 1 if any answer or judgement failed.

    Raises:
        FluxError: the input or a setting is wrong, or a budget cannot be kept.
    """
    from flux_tui.session.jobs_log import AnswerLog
    from flux_tui.session.wiring import Runtime

    rubric = _rubric(args.rubric)
    if args.show_judge_prompt:
        from flux_tui.session.judge import judge_prompt

        say(judge_prompt(rubric, "(the question)", ["(an answer)", "(another answer)"]))
        return 0
    if args.batch or args.collect:
        from flux_tui.commands.compare_batch import run_batch

        return run_batch(args, () if args.collect else _prompts(args))
    if args.wait:
        raise InputError("there is nothing to wait for", hint="--wait goes with --batch")
    prompts = _prompts(args)
    overrides = {"tools": args.tools, "approval": args.tools}
    if getattr(args, "demo", False):
        overrides["demo"] = "1"
    runtime = Runtime(settings_of_run(overrides))
    log = AnswerLog(args.out) if args.out is not None else None
    return asyncio.run(_compare(runtime, args, prompts, rubric, log))


def _rubric(path: Path | None) -> str:
    from flux_tui.session.judge import RUBRIC

    if path is None:
        return RUBRIC
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    if not text.strip():
        raise InputError(f"{path} is empty", hint="write what the judge is to weigh")
    return text


def _prompts(args: argparse.Namespace) -> tuple[Prompt, ...]:
    from flux_tui.core.sanitize import sanitize
    from flux_tui.session.jobs import Prompt, read_prompts
    from flux_tui.session.piped import read_prompt

    if args.prompts is not None:
        if args.prompt:
            raise InputError("a prompt and a file of prompts are given", hint="leave out one")
        return read_prompts(args.prompts)
    hint = 'write it: flux-tui compare "..." -m P/M -m P/M, or pipe it in'
    return (Prompt(sanitize(read_prompt(args.prompt, wait=args.stdin, hint=hint))),)


async def _compare(
    runtime: Runtime,
    args: argparse.Namespace,
    prompts: tuple[Prompt, ...],
    rubric: str,
    log: AnswerLog | None,
) -> int:
    from flux_tui.session.jobs import Gates
    from flux_tui.session.jobs_run import Asking, Plan

    try:
        await start(runtime)
        models = chosen(runtime, args)
        judge = runtime.find_model(args.judge) if args.judge else None
        asked = (*models, *([judge] if judge is not None else []))
        plan = Plan(
            prompts=prompts,
            models=models,
            gates=Gates(_limits(args.concurrency, CONCURRENCY, asked), _limits(args.rpm, 0, asked)),
            reads=args.tools == "read",
            judge=judge,
            rubric=rubric,
            max_cost=args.max_cost,
            log=log,
        )
        if log is not None:
            await asyncio.to_thread(log.open)
        counter = _Counter(plan)
        asking = Asking(runtime, plan, counter)
        with_signals(asking.stop)
        await asking.run()
        counter.end()
    finally:
        await runtime.aclose()
        if log is not None:
            log.close()
    judged_by = "" if plan.judge is None else str(plan.judge.ref)
    found = results(prompts, [str(model.ref) for model in models], asking.records, judged_by)
    show(found, args.form, single=args.prompts is None)
    return _status(asking, plan, found)


def _limits(told: Sequence[tuple[str, int]], usual: int, models: Sequence[ModelInfo]) -> Limits:
    """Return the limits that were told; the last word counts.

    Raises:
        InputError: one is of a provider that is not asked, and so means something else.
    """
    from flux_tui.session.jobs import Limits

    own = dict(told)
    usual = own.pop("", usual)
    asked = {model.ref.provider for model in models}
    strange = next((provider for provider in own if provider not in asked), None)
    if strange is not None:
        raise InputError(
            f"no model of {strange} is asked, so it needs no limit",
            hint=f"the providers are {', '.join(sorted(asked))}",
        )
    return Limits(usual, own)


def chosen(runtime: Runtime, args: argparse.Namespace, *, fewest: int = 2) -> tuple[ModelInfo, ...]:
    """Return the models that were named, each once, *fewest* at least.

    Raises:
        InputError: there are fewer, one is not known, or one is named twice.
    """
    first = [args.model] if args.model else []  # it may stand before the command's name
    models = tuple(runtime.find_model(name) for name in (*first, *args.models))
    refs = [model.ref for model in models]
    if len(refs) < fewest:
        words = "two models" if fewest > 1 else "a model"
        raise InputError(f"a comparison needs {words} at least", hint="write -m P/M -m P/M")
    twice = next((ref for ref in refs if refs.count(ref) > 1), None)
    if twice is not None:
        raise InputError(f"{twice} is named twice")
    return models


def with_signals(stop: Callable[[], object]) -> None:
    """Let an interrupt end the work in order; the loop ends soon after and takes these along."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


class _Counter:
    """Tells on a terminal how far it is; of many prompts only."""

    def __init__(self, plan: Plan) -> None:
        before = plan.log.records.values() if plan.log is not None else ()
        self._total = len(plan.prompts) * (len(plan.models) + (plan.judge is not None))
        self._done = sum(not record["error"] for record in before)
        self._shown = sys.stderr.isatty() and len(plan.prompts) > 1

    def __call__(self, record: Record) -> None:
        self._done += 1
        if record["error"]:
            self.end()
            who = f"{record['model']}, prompt {record['id']}"
            complain(one_line(f"{who}: {record['error']}", 500))
        elif self._shown:
            sys.stderr.write(f"\r{self._done} of {self._total} ")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the line that was written over and over."""
        if self._shown:
            sys.stderr.write("\n")


def results(
    prompts: Sequence[Prompt],
    models: Sequence[str],
    records: Mapping[tuple[str, str, str], Record],
    judged_by: str = "",
) -> list[Compared]:
    """Return what was answered, in the order of the prompts and models."""
    found: list[Compared] = []
    for prompt in prompts:
        keys = [("answer", prompt.digest, model) for model in models]
        judge = records.get(("judge", prompt.digest, judged_by))
        found.append(
            {
                "id": prompt.id,
                "prompt": prompt.text,
                "answers": [_bare(records[key]) for key in keys if key in records],
                "judge": None if judge is None else _bare(judge),
            }
        )
    return found


def _bare(record: Record) -> Record:
    """Return a record without what `results` says already, and what is ours alone."""
    return {k: v for k, v in record.items() if k not in _INNER}


def show(found: list[Compared], form: str | None, *, single: bool) -> None:
    """Print *found* in one of the forms."""
    from flux_tui.commands import compare_output as output

    if form == "json":
        say_json(found[0] if single else [*found])
        return
    forms = {"csv": output.as_csv, "markdown": output.as_markdown, "html": output.as_html}
    say(forms.get(form or "", output.as_text)(found))


def _status(asking: Asking, plan: Plan, found: list[Compared]) -> int:
    if asking.stopped:
        complain("interrupted; what was answered is kept")
        return INTERRUPTED
    if asking.over_budget:
        words = f"the budget of ${asking.limit:f} was reached (${asking.spent.amount})"
        if asking.limit != plan.max_cost:
            words = f"your budgets left ${asking.limit:f}, and ${asking.spent.amount} is spent"
        complain(words)
        return BudgetError.exit_status
    return 1 if any(map(failed, found)) else 0


def failed(one: Compared) -> bool:
    """Whether an answer to one prompt, or the judgement of them, is missing or failed."""
    judge, answers = one["judge"], one["answers"]
    told = [*(answers if isinstance(answers, list) else ()), *([judge] if judge else ())]
    return any(isinstance(record, dict) and bool(record["error"]) for record in told)

"""`flux-tui compare --batch`: prompts go to the vendors' batch endpoints and come back later."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from flux_tui.commands.common import complain, settings_of_run, start
from flux_tui.commands.compare import INTERRUPTED, chosen, failed, results, show, with_signals
from flux_tui.core.errors import BudgetError, InputError

if TYPE_CHECKING:
    from flux_tui.session.batch import Job, JobFolder
    from flux_tui.session.batch_run import BatchRun
    from flux_tui.session.jobs import Prompt
    from flux_tui.session.jobs_log import AnswerLog
    from flux_tui.session.wiring import Runtime

_ALONE = {
    "judge": "run it again without --batch, on the same --out",
    "rpm": "the vendors set the pace of a batch",
    "concurrency": "the vendors set the pace of a batch",
}


def run_batch(args: argparse.Namespace, prompts: tuple[Prompt, ...]) -> int:
    """Begin or carry on a job, print what is there, and return the exit status.

    Raises:
        FluxError: the input or a setting is wrong, or there is no such job.
    """
    for name, hint in _ALONE.items():
        if getattr(args, name):
            raise InputError(f"--{name.replace('_', '-')} does not go with a batch", hint=hint)
    if args.tools != "none":
        raise InputError("there are no tools in a batch", hint="leave out --tools")
    if args.collect and (args.prompt or args.prompts or args.models or args.out):
        raise InputError("a job knows its prompts and models", hint="name the job alone")
    if args.collect and args.max_cost is not None:
        raise InputError(
            "--max-cost does not go with --collect", hint="it holds before a job is handed in"
        )
    return carry_on(args, prompts)


def carry_on(args: argparse.Namespace, prompts: tuple[Prompt, ...] = ()) -> int:
    """Do what *args* say with the job that `collect` names, or with one for *prompts*.

    Raises:
        FluxError: the input or a setting is wrong, or there is no such job.
    """
    from flux_tui.session.batch import JobFolder
    from flux_tui.session.wiring import Runtime

    overrides = {"demo": "1"} if getattr(args, "demo", False) else {}
    settings = settings_of_run(overrides)
    folder = JobFolder(settings.paths.data_dir)
    return asyncio.run(_carry_on(Runtime(settings), folder, args, prompts))


async def _carry_on(
    runtime: Runtime, folder: JobFolder, args: argparse.Namespace, prompts: tuple[Prompt, ...]
) -> int:
    from flux_tui.session.batch_run import BatchRun
    from flux_tui.session.jobs_log import AnswerLog

    log: AnswerLog | None = None
    interrupted = False
    try:
        await start(runtime)
        if args.collect:
            job = await asyncio.to_thread(folder.find, args.collect)
        else:
            job = await _job(runtime, folder, args, prompts)
        folder.make()
        log = AnswerLog(Path(job.out))
        await asyncio.to_thread(log.open)
        if job.parts:
            # Another process may have carried it on before it let go of the answers.
            job = await asyncio.to_thread(folder.find, job.id)
        elif not args.collect:
            await _plan(runtime, args, job, log)
        if not args.collect and job.unsent:
            await _hold_to_limits(runtime, args, job)
            await asyncio.to_thread(folder.save, job)
        run = BatchRun(runtime, folder, job, log, complain)
        wait = args.wait
        if runtime.demo and job.open and not wait:
            complain("the built-in simulator ends with this command: it is waited for")
            wait = True
        running = asyncio.ensure_future(run.run(wait=wait))
        with_signals(running.cancel)
        await asyncio.wait({running})
        interrupted = running.cancelled()
        if not interrupted:
            running.result()
    finally:
        await runtime.aclose()
        if log is not None:
            log.close()
    return _told(run, args, interrupted=interrupted)


async def _job(
    runtime: Runtime, folder: JobFolder, args: argparse.Namespace, prompts: tuple[Prompt, ...]
) -> Job:
    """Return the job of this very command that is still open, or a new one."""
    from flux_tui.session.batch import job_key

    names = [str(model.ref) for model in chosen(runtime, args, fewest=1)]
    key = job_key(prompts, names, "" if args.out is None else str(args.out.absolute()))
    # What an earlier simulator had is gone with it, and is no job of a vendor's.
    job = None if runtime.demo else await asyncio.to_thread(folder.open_job, key)
    return folder.new(key, prompts, args.out) if job is None else job


async def _plan(runtime: Runtime, args: argparse.Namespace, job: Job, log: AnswerLog) -> None:
    from flux_tui.session.batch_run import plan_parts

    def answered(digest: str, model: str) -> bool:
        record = log.records.get(("answer", digest, model))
        return record is not None and not record["error"]

    await plan_parts(runtime, job, chosen(runtime, args, fewest=1), answered)


async def _hold_to_limits(runtime: Runtime, args: argparse.Namespace, job: Job) -> None:
    """Tell what handing in *job*, or the rest of it, will cost, and refuse if that is too much.

    Raises:
        BudgetError: it would break a budget, or could cost more than `--max-cost`.
    """
    from flux_tui.session.batch_cost import foretell

    ledger = runtime.new_session(runtime.find_model(job.unsent[0].model)).ledger
    if ledger.allowance(None) == 0:
        raise BudgetError("your budget is spent", hint="raise it under [budget], or wait")
    forecast = await foretell(runtime, job)
    forecast.hold_to(args.max_cost, ledger)
    complain(f"this batch costs {forecast.told()}")


def _told(run: BatchRun, args: argparse.Namespace, *, interrupted: bool) -> int:
    """Print the results there are, and say what is still to come."""
    job, records = run.job, run.log.records
    models = job.models or tuple(dict.fromkeys(model for _, _, model in records))
    found = results(job.prompts, models, records)
    if any(one["answers"] for one in found):
        show(found, args.form, single=len(found) == 1)
    running = [part for part in job.parts if part.open]
    if not running:
        return 1 if any(map(failed, found)) else 0
    parts = [part for part in job.parts if part.status != "divided"]
    still = "batches are" if len(parts) > 1 else "batch is"
    many = f"{len(running)} of {len(parts)} {still} still open"
    complain(f'{many}; collect them with "flux-tui compare --collect {job.id}"')
    if interrupted:
        return INTERRUPTED
    return 1 if run.troubles else 0

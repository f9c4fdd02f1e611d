"""`flux-tui batches`: the jobs that were handed in with `compare --batch`, and how far they are."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flux_tui.commands.common import complain, say, say_json, settings_of_run, start, table
from flux_tui.commands.compare import add_forms
from flux_tui.core.errors import InputError
from flux_tui.core.usage import JSON

if TYPE_CHECKING:
    from flux_tui.providers.batches import BatchState
    from flux_tui.session.batch import Job, JobFolder, Part
    from flux_tui.session.wiring import Runtime

_STAMP = "%Y%m%d-%H%M%S"


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "batches",
        help="the jobs of compare --batch: list, show, collect, cancel, delete",
        description="The jobs that were handed in with compare --batch.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all jobs, the newest first; asks nobody")
    show = actions.add_parser("show", help="ask the vendors how far a job is")
    collect = actions.add_parser("collect", help="fetch the answers, as compare --collect does")
    cancel = actions.add_parser("cancel", help="let the vendors begin nothing more of a job")
    delete = actions.add_parser("delete", help="forget a job; answers in a file of yours stay")
    for one, dest in ((show, "id"), (collect, "collect"), (cancel, "id"), (delete, "id")):
        one.add_argument(dest, metavar="JOB", help='its name, the end of it, or "last"')
    for one in (listing, show, cancel):
        one.add_argument("--json", action="store_true", help="machine-readable")
    collect.add_argument("--wait", action="store_true", help="wait for all of it")
    add_forms(collect)
    delete.add_argument("--yes", action="store_true", help="do it; there is no way back")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; return the exit status: 1 if a vendor could not be asked.

    Raises:
        FluxError: there is no such job, or a setting is wrong.
    """
    from flux_tui.session.batch import JobFolder
    from flux_tui.session.wiring import Runtime

    if args.action == "collect":
        from flux_tui.commands.compare_batch import carry_on

        return carry_on(args)
    settings = settings_of_run()
    folder = JobFolder(settings.paths.data_dir)
    if args.action == "list":
        return _list(folder.jobs(complain), as_json=args.json)
    job = folder.find(args.id)
    if args.action == "delete":
        return _delete(folder, job, sure=args.yes)
    return asyncio.run(_ask(Runtime(settings), folder, job, args))


def _list(jobs: Sequence[Job], *, as_json: bool) -> int:
    if as_json:
        say_json([_entry(job) for job in jobs])
    elif not jobs:
        say('no batch jobs; "flux-tui compare --batch" begins one')
    else:
        rows = [
            (
                *(job.id, _when(job), _word(job), str(len(job.prompts))),
                *(str(sum(part.open for part in job.parts)), ", ".join(job.models)),
            )
            for job in jobs
        ]
        say(table(("job", "begun", "state", "prompts", "open", "models"), rows, left=3))
    return 0


def _delete(folder: JobFolder, job: Job, *, sure: bool) -> int:
    if not sure:
        still = "; what is still open of it cannot be collected then" if job.open else ""
        raise InputError(f"{job.id} was not deleted{still}", hint="add --yes to delete it")
    folder.delete(job)
    return 0


async def _ask(runtime: Runtime, folder: JobFolder, job: Job, args: argparse.Namespace) -> int:
    """Cancel *job*, if that is asked for, and show how far it is."""
    from flux_tui.session.batch_run import BatchRun
    from flux_tui.session.jobs_log import AnswerLog, peek

    log = AnswerLog(Path(job.out))
    run = BatchRun(runtime, folder, job, log, complain)
    try:
        await start(runtime)
        if args.action == "cancel":
            await asyncio.to_thread(log.open)
            # Another process may have carried it on before it let go of the answers.
            run.job = job = await asyncio.to_thread(folder.find, job.id)
            await run.cancel()
        states = await run.look()
    finally:
        await run.aclose()
        await runtime.aclose()
        log.close()
    records = {
        str(r["digest"]) + str(r["model"]): r for r in await asyncio.to_thread(peek, log.path)
    }
    answered = sum(not record["error"] for record in records.values())
    told = [
        _told(part, state)
        for part, state in zip(job.parts, states, strict=True)
        if part.status != "divided"  # two others stand in its place
    ]
    if args.json:
        counts: dict[str, JSON] = {"answered": answered, "failed": len(records) - answered}
        say_json({**_entry(job), **counts, "parts": list[JSON](told)})
    else:
        _show(job, told, f"{answered} answered, {len(records) - answered} failed")
    return 1 if run.troubles else 0


def _show(job: Job, parts: Sequence[dict[str, JSON]], counts: str) -> None:
    head = ("model", "batch", "state", "prompts", "done", "error")
    rows = [[str(part[name] if part[name] is not None else "-") for name in head] for part in parts]
    say(f"job      {job.id}, {_word(job)}\nanswers  {job.out}\n         {counts}\n")
    say(table(head, rows, left=3))


def _entry(job: Job) -> dict[str, JSON]:
    return {
        "id": job.id,
        "created": _created(job).isoformat(),
        "open": job.open,
        "prompts": len(job.prompts),
        "models": list(job.models),
        "out": job.out,
        "session": job.session or None,
    }


def _told(part: Part, state: BatchState | None) -> dict[str, JSON]:
    done = None if state is None or not state.total else state.done
    word = state.status if state is not None and part.status == "submitted" else part.status
    return {
        "model": part.model,
        "batch": part.batch or None,
        "state": word,
        "prompts": len(part.prompts),
        "done": done,
        "since": part.since or None,
        "error": part.error,
    }


def _word(job: Job) -> str:
    if job.open:
        return "open"
    return "failed" if any(part.status == "failed" for part in job.parts) else "collected"


def _created(job: Job) -> datetime:
    """Return when *job* was begun: its name says so."""
    return datetime.strptime(job.id[:15], _STAMP).replace(tzinfo=UTC)


def _when(job: Job) -> str:
    return f"{_created(job).astimezone():%Y-%m-%d %H:%M}"

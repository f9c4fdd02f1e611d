"""`flux-tui check`: what sending a conversation to a model would mean; nothing is sent."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from typing import TYPE_CHECKING

from flux_tui.commands.common import complain, money, say, say_json, settings_of_run
from flux_tui.commands.documents import FORMATS, detect, load_json, read_document
from flux_tui.core.errors import InputError
from flux_tui.core.sanitize import one_line

if TYPE_CHECKING:
    from flux_tui.core.models import ModelInfo
    from flux_tui.core.report import Action
    from flux_tui.providers.ingest import Ingested
    from flux_tui.session.preflight import Preflight
    from flux_tui.session.wiring import Runtime

DOES_NOT_FIT = 1

_ACTIONS: tuple[Action, ...] = ("kept", "adapted", "dropped")
_BASIS = {
    "reported": "the model's own count",
    "calibrated": "counted here, scaled by what the model said before",
    "tiktoken": "counted with a tokenizer that may not be the model's",
    "estimate": "estimated from the length of the text",
}


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "check",
        help="what a switch of models would keep, adapt, drop and cost",
        description=(
            "Find out what sending a conversation to a model would keep, adapt and drop, whether "
            "it fits, and what reading it costs. Nothing is sent. Exit status 1: it does not fit."
        ),
    )
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="an export or a request body; else standard input"
    )
    # Without a default, so that an option before the command's name is not overwritten.
    parser.add_argument(
        "--session", metavar="ID", default=argparse.SUPPRESS, help='a stored session; or "last"'
    )
    parser.add_argument("--for", dest="target", metavar="P/M", required=True, help="the model")
    parser.add_argument(
        "--from", dest="source", choices=FORMATS, help="the file's format, if it is not recognised"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable")


def run(args: argparse.Namespace) -> int:
    """Check, print, and return the exit status: 0 if it fits or nobody knows, 1 if it does not.

    Raises:
        InputError: there is no such model, session or file, or the file is not understood.
    """
    session = getattr(args, "session", None) or ""
    if session and args.file:
        raise InputError("a session and a file are two conversations", hint="name one of them")
    if not session and not args.file and sys.stdin.isatty():
        raise InputError(
            "there is nothing to check", hint="name a FILE or --session ID, or pipe a document in"
        )
    read, source = None, "session"
    if not session:
        data = load_json(args.file)
        source = args.source or detect(data)
        read = read_document(data, source)
    found = asyncio.run(_checked(args.target, read, source, session))
    for note in read.notes if read is not None else ():
        complain(one_line(note, 300))
    if args.json:
        say_json({**found.dump(), "from": source})
    else:
        say("\n".join(_told(found, source)))
    return DOES_NOT_FIT if found.fits is False else 0


async def _checked(target: str, read: Ingested | None, source: str, wanted: str) -> Preflight:
    from flux_tui.session.wiring import Runtime

    runtime = Runtime(settings_of_run())
    try:
        await runtime.start()
        model = runtime.find_model(target)
        if read is None:
            return await _of_session(runtime, wanted, model)
        if not read.conversation.path:
            raise InputError("the conversation holds no messages")
        if source == "flux":
            return await runtime.view(read.conversation).preflight(model)
        return await asyncio.to_thread(_of_body, runtime, read, model)
    finally:
        await runtime.aclose()


async def _of_session(runtime: Runtime, wanted: str, model: ModelInfo) -> Preflight:
    """Check a stored session without claiming it: it may be open elsewhere."""
    from flux_tui.session.privacy import Privacy, state_key
    from flux_tui.storage.lookup import find_session

    info = await find_session(runtime.store, wanted)
    session = runtime.view(await runtime.store.load(info.id))
    session.privacy = Privacy.loads(await runtime.store.get_state(state_key(info.id)))
    return await session.preflight(model)


def _of_body(runtime: Runtime, read: Ingested, model: ModelInfo) -> Preflight:
    """Check a request body: with the instructions and tools it holds, not with ours."""
    from flux_tui.providers import tokens
    from flux_tui.session.meter import Meter
    from flux_tui.session.outgoing import Outgoing
    from flux_tui.session.preflight import preflight

    tools = read.tools if model.abilities.tools else ()
    return preflight(
        read.conversation.path,
        None,
        Outgoing(model=model, system=read.conversation.system, tools=tools),
        meter=Meter(tokens.count, tokens.Calibration()),
        price=runtime.tariff.cost,
        label=runtime.catalog.source(model.ref.provider).label,
        larger=runtime.catalog.larger(model),
    )


def _told(found: Preflight, source: str) -> list[str]:
    """Return it as lines for a reader, the most important first."""
    from flux_tui.session.switch import answer_words

    about = "≈ " if found.estimated else ""
    size = f"{about}{found.tokens:,} tokens"
    if found.window is None:
        fit = f"{size}; the window of this model is not known"
    else:
        words = "fits" if found.fits else "does not fit"
        fit = f"{words}: {size} of {found.window:,}"
        fit += answer_words(found.tokens, found.reserve, found.window)
    lines = [
        f"for         {found.model.ref}",
        f"read from   {source}" + (f", answered by {found.before}" if found.before else ""),
        f"window      {fit} ({_BASIS[found.basis]})",
        f"cost        {money(found.cost)} to read it once ({found.cost.basis})",
    ]
    if found.larger:
        lines.append(f"larger      {', '.join(map(str, found.larger))}")
    if found.cache_left:
        lines.append(f"cache       {found.cache_left:,} tokens are left behind and read anew")
    if found.discloses_to:
        lines.append(f"new reader  {one_line(found.discloses_to)} has not read it before")
    if found.withheld:
        lines.append(f"private     {len(found.withheld)} messages are not handed over")
    for word, abilities in (("gains", found.gained), ("loses", found.lost)):
        lines += [f"{word:11} {', '.join(abilities)}"] if abilities else []
    return [*lines, *_changes(found)]


def _changes(found: Preflight) -> list[str]:
    if not found.report.items:
        return ["arrives     everything, as it is"]
    lines: list[str] = []
    for action in _ACTIONS:
        groups = Counter((item.what, item.reason) for item in found.items(action))
        for (what, reason), count in groups.items():
            times = f" ×{count}" if count > 1 else ""
            lines.append(f"{action:11} {what}{times}" + (f": {one_line(reason)}" if reason else ""))
    return lines

"""`flux-tui sessions`: list, show, search, export, rename and delete conversations."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from flux_tui.commands.common import (
    complain,
    money,
    money_json,
    say,
    say_json,
    settings_of_run,
    store_of,
    table,
)
from flux_tui.core.errors import InputError
from flux_tui.core.usage import JSON

if TYPE_CHECKING:
    from flux_tui.config.settings import Settings
    from flux_tui.storage.sqlite import SqliteStore
    from flux_tui.storage.store import SessionInfo


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("sessions", help="list, show and export conversations")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the conversations, the last used first")
    search = actions.add_parser("search", help="conversations whose title or text holds a text")
    search.add_argument("query", metavar="TEXT")
    for one in (listing, search):
        one.add_argument("--limit", type=int, default=50, metavar="N")
        one.add_argument("--json", action="store_true", help="machine-readable")
    show = actions.add_parser("show", help="print a conversation")
    show.add_argument("--json", action="store_true", help="the whole tree, machine-readable")
    export = actions.add_parser("export", help="write a conversation to a file")
    export.add_argument("--format", choices=("md", "json", "html"), default="md")
    export.add_argument("-o", "--output", metavar="FILE", help="standard output if not given")
    rename = actions.add_parser("rename", help="give a conversation another title")
    delete = actions.add_parser("delete", help="remove a conversation")
    for one in (show, export, rename, delete):
        one.add_argument("id", metavar="ID", help='beginning or end of an id, or "last"')
    rename.add_argument("title", metavar="TITLE")
    delete.add_argument("--yes", action="store_true", help="do it; there is no way back")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; return the exit status."""
    return asyncio.run(_run(args, settings_of_run()))


async def _run(args: argparse.Namespace, settings: Settings) -> int:
    async with aclosing(store_of(settings)) as store:
        notice = (await store.health()).notice
        if notice:
            complain(notice)
        if args.action in {"list", "search"}:
            return await _list(store, args)
        info = await _find(store, args.id)
        if args.action == "rename":
            await store.rename(info.id, args.title)
            return 0
        if args.action == "delete":
            if not args.yes:
                raise InputError(f"{info.id} was not deleted", hint="add --yes to delete it")
            await store.delete(info.id)
            return 0
        return await _write(store, info, args, settings)


async def _list(store: SqliteStore, args: argparse.Namespace) -> int:
    if args.limit < 1:
        raise InputError(f"--limit must be 1 or more, not {args.limit}")
    found = await store.sessions(getattr(args, "query", ""), limit=args.limit)
    if args.json:
        say_json([_as_json(info) for info in found])
        return 0
    if not found:
        say("no conversations" if args.action == "list" else "nothing found")
        return 0
    rows = [
        (
            info.id[-8:],
            f"{info.updated.astimezone():%Y-%m-%d %H:%M}",
            info.title or "(no title)",
            str(info.messages),
            money(info.cost),
        )
        for info in found
    ]
    say(table(("id", "last used", "title", "messages", "cost"), rows, left=3))
    return 0


async def _write(
    store: SqliteStore, info: SessionInfo, args: argparse.Namespace, settings: Settings
) -> int:
    from flux_tui.storage.exports import export

    kind = args.format if args.action == "export" else "json" if args.json else "md"
    conversation = await store.load(info.id)
    secrets = [key.reveal() for key in settings.keys.values()]
    text = await asyncio.to_thread(export, conversation, kind, title=info.title, secrets=secrets)
    target = getattr(args, "output", None)
    if target is None or target == "-":
        say(text.rstrip("\n"))
        return 0
    try:
        await asyncio.to_thread(Path(target).write_text, text, "utf-8")
    except OSError as problem:
        reason = problem.strerror or "unknown reason"
        raise InputError(f"{target!r} cannot be written ({reason})") from problem
    complain(f"wrote {target}")
    return 0


async def _find(store: SqliteStore, wanted: str) -> SessionInfo:
    """Return the session whose id is, begins or ends with *wanted*."""
    every = await store.sessions(limit=1_000_000)
    if wanted == "last" and every:
        return every[0]
    exact = [info for info in every if info.id == wanted]
    near = [info for info in every if info.id.startswith(wanted) or info.id.endswith(wanted)]
    hits = exact or (near if len(wanted) >= 4 else [])
    if len(hits) == 1:
        return hits[0]
    what = f"{len(hits)} sessions fit" if hits else "there is no session"
    raise InputError(f"{what} {wanted!r}", hint='see "flux-tui sessions list"')


def _as_json(info: SessionInfo) -> JSON:
    return {
        "id": info.id,
        "title": info.title,
        "created": info.created.isoformat(),
        "updated": info.updated.isoformat(),
        "messages": info.messages,
        "models": list(info.models),
        "cost": money_json(info.cost),
    }

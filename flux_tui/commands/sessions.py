"""`flux-tui sessions`: the stored conversations, one by one and as a whole."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

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
from flux_tui.commands.documents import load_json, place_of
from flux_tui.core.codec import load_conversation
from flux_tui.core.errors import CodecError, InputError
from flux_tui.core.messages import Conversation, new_id
from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.core.usage import JSON, NO_COST
from flux_tui.storage.exports import redact
from flux_tui.storage.lookup import SHORTEST, find_session
from flux_tui.storage.store import SessionInfo

if TYPE_CHECKING:
    from flux_tui.config.settings import Settings
    from flux_tui.storage.sqlite import SqliteStore


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "sessions", help="list, show, search, export, import, copy and repair"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the conversations, the last used first")
    search = actions.add_parser("search", help="conversations whose title or text holds a text")
    search.add_argument("query", metavar="TEXT", help="what is looked for")
    for one in (listing, search):
        one.add_argument("--limit", type=int, default=50, metavar="N", help="no more than (50)")
        one.add_argument("--json", action="store_true", help="machine-readable")
    show = actions.add_parser("show", help="print a conversation")
    show.add_argument("--json", action="store_true", help="the whole tree, machine-readable")
    export = actions.add_parser("export", help="write a conversation to a file")
    export.add_argument(
        "--format", choices=("md", "json", "html"), default="md", help="Markdown if not given"
    )
    export.add_argument("-o", "--output", metavar="FILE", help="standard output if not given")
    rename = actions.add_parser("rename", help="give a conversation another title")
    fork = actions.add_parser("fork", help="copy a conversation, whole or up to a message")
    delete = actions.add_parser("delete", help="remove a conversation")
    for one in (show, export, rename, fork, delete):
        one.add_argument("id", metavar="ID", help='beginning or end of an id, or "last"')
    rename.add_argument("title", metavar="TITLE", help="the new one")
    fork.add_argument("--at", metavar="MESSAGE", help="the last message to copy: an id or its end")
    delete.add_argument("--yes", action="store_true", help="do it; there is no way back")
    taking = actions.add_parser("import", help="take in a conversation that was exported as JSON")
    taking.add_argument("file", metavar="FILE", help='"-" is standard input')
    for one in (fork, taking):
        one.add_argument("--title", metavar="TITLE", help="instead of the one it has")
        one.add_argument("--json", action="store_true", help="machine-readable")
    mending = actions.add_parser("repair", help="check the database and put it right")
    mending.add_argument(
        "file", metavar="FILE", nargs="?", help="a damaged database to get sessions back from"
    )
    mending.add_argument("--json", action="store_true", help="machine-readable")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; return the exit status."""
    settings = settings_of_run()
    if args.action == "repair":
        from flux_tui.commands.repair import mend

        return mend(settings.paths.database, args.file, as_json=args.json)
    # Here and not in a thread: a pipe without an end must not outlive an interrupt.
    taken = _read(args.file) if args.action == "import" else None
    return asyncio.run(_run(args, settings, taken))


async def _run(
    args: argparse.Namespace, settings: Settings, taken: tuple[str, Conversation] | None
) -> int:
    async with aclosing(store_of(settings)) as store:
        notice = (await store.health()).notice
        if notice:
            complain(notice)
        if args.action in {"list", "search"}:
            return await _list(store, args, settings)
        if taken is not None:
            title, conversation = taken
            return await _adopt(store, conversation, args.title or title, "", args)
        info = await find_session(store, args.id)
        match args.action:
            case "rename":
                await store.rename(info.id, args.title)
            case "fork":
                return await _fork(store, info, args)
            case "delete":
                if not args.yes:
                    raise InputError(f"{info.id} was not deleted", hint="add --yes to delete it")
                await store.delete(info.id)
            case _:
                return await _write(store, info, args, settings)
        return 0


async def _fork(store: SqliteStore, info: SessionInfo, args: argparse.Namespace) -> int:
    conversation = await store.load(info.id)
    tip = conversation.head
    if args.at:
        ids = [message.id for message in conversation.messages]
        tips = [one for one in ids if one == args.at] or [
            one for one in ids if len(args.at) >= SHORTEST and one.endswith(args.at)
        ]
        if len(tips) != 1:
            raise InputError(
                f"{'several messages end' if tips else 'no message ends'} in {args.at!r}",
                hint=f'see "flux-tui sessions show {info.id[-8:]} --json"',
            )
        tip = tips[0]
    line = conversation.at(tip).path
    copy = Conversation(conversation.system, line, tip)
    return await _adopt(store, copy, args.title or f"{info.title} (fork)", info.folder, args)


def _read(name: str) -> tuple[str, Conversation]:
    document, where = load_json(name), place_of(name)
    try:
        conversation = load_conversation(document)
    except CodecError as problem:
        raise InputError(
            f"{where}: {problem}", hint="other formats: flux-tui convert --from FORMAT --to flux"
        ) from problem
    except RecursionError as problem:
        raise InputError(f"{where} is nested too deeply") from problem
    given = cast("dict[str, object]", document).get("title")  # it was an object, or not loaded
    title = given if isinstance(given, str) else ""
    return one_line(title, 200), conversation


async def _adopt(
    store: SqliteStore,
    conversation: Conversation,
    title: str,
    folder: str,
    args: argparse.Namespace,
) -> int:
    """Store *conversation* as a session of its own and say its id."""
    if not conversation.messages:
        raise InputError("the conversation holds no messages")
    now = datetime.now(UTC)
    fresh = SessionInfo(
        id=new_id(),
        title=title,
        created=now,
        updated=now,
        messages=len(conversation.messages),
        models=(),
        cost=NO_COST,
        folder=folder,
    )
    await store.adopt(fresh, conversation)
    if args.json:
        say_json(_as_json((await store.find(fresh.id))[0]))
    else:
        say(fresh.id)
    return 0


async def _list(store: SqliteStore, args: argparse.Namespace, settings: Settings) -> int:
    if args.limit < 1:
        raise InputError(f"--limit must be 1 or more, not {args.limit}")
    secrets = [key.reveal() for key in settings.keys.values()]
    found = [
        replace(info, title=redact(info.title, secrets))
        for info in await store.sessions(sanitize(getattr(args, "query", "")), limit=args.limit)
    ]
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


def _as_json(info: SessionInfo) -> JSON:
    return {
        "id": info.id,
        "title": redact(info.title),
        "created": info.created.isoformat(),
        "updated": info.updated.isoformat(),
        "messages": info.messages,
        "models": list(info.models),
        "cost": money_json(info.cost),
    }

"""`flux-tui sessions repair`: check the database, or get sessions back from a damaged one."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import aclosing
from pathlib import Path

from flux_tui.commands.common import say, say_json
from flux_tui.core.errors import InputError
from flux_tui.core.sanitize import one_line
from flux_tui.core.usage import JSON
from flux_tui.storage.repair import repair, salvage
from flux_tui.storage.sqlite import SqliteStore


def mend(database: Path, damaged: str | None, *, as_json: bool) -> int:
    """Put *database* right, or take into it what *damaged*, another file, still holds."""
    if damaged is None or Path(damaged).resolve() == database.resolve():
        return _repair(database, as_json=as_json)
    return asyncio.run(_recover(database, Path(damaged), as_json=as_json))


def _repair(database: Path, *, as_json: bool) -> int:
    found = repair(database)
    problems: list[JSON] = list(found.problems)
    done: list[JSON] = list(found.done)
    if as_json:
        say_json(
            {
                "database": str(database),
                "problems": problems,
                "done": done,
                "backup": found.backup,
            }
        )
        return 0
    if not problems:
        say(f"{database} is in order")
        return 0
    for line in (*found.problems, *(f"done: {line}" for line in found.done)):
        say(one_line(line, 300))
    if found.backup:
        say(f"the state before is kept in {found.backup}")
    return 0


async def _recover(database: Path, damaged: Path, *, as_json: bool) -> int:
    """Take the sessions of *damaged* that *database* does not have."""
    taken: list[JSON] = []
    with tempfile.TemporaryDirectory(prefix="flux-tui-") as folder:
        between = Path(folder, "readable.db")
        rows = await asyncio.to_thread(salvage, damaged, between)
        if not rows:
            raise InputError(f"nothing in {damaged} can be read")
        async with aclosing(SqliteStore(between)) as source, aclosing(SqliteStore(database)) as to:
            for info in await source.sessions(limit=1_000_000):
                if not await to.find(info.id):
                    await to.adopt(info, await source.load(info.id))
                    taken.append(info.id)
    if as_json:
        say_json({"database": str(database), "recovered": taken})
    else:
        say(f"{len(taken)} sessions were taken from {damaged}")
    return 0

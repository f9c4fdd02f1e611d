"""`flux-tui cost`: tokens and money of all stored answers, summed."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime
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
from flux_tui.core.usage import JSON, sum_costs

if TYPE_CHECKING:
    from flux_tui.config.settings import Settings
    from flux_tui.storage.store import UsageRow

BUCKETS = ("input", "cache_read", "cache_write", "output", "reasoning")


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("cost", help="what was spent, by model, provider, session or day")
    parser.add_argument(
        "--by",
        choices=("model", "provider", "session", "day"),
        default="model",
        help="what is summed up in a row; models if not given",
    )
    parser.add_argument("--since", metavar="DATE", help="YYYY-MM-DD, in your time zone")
    parser.add_argument("--json", action="store_true", help="machine-readable")


def run(args: argparse.Namespace) -> int:
    """Print the sums; return the exit status."""
    since = _date(args.since) if args.since else None
    found = asyncio.run(_rows(settings_of_run(), since))
    groups: dict[str, list[UsageRow]] = {}
    for row in found:
        groups.setdefault(_key(row, args.by), []).append(row)
    if args.json:
        say_json([_as_json(key, rows) for key, rows in groups.items()])
    elif groups:
        say(_as_table(args.by, groups))
    else:
        say("nothing was spent")
    return 0


async def _rows(settings: Settings, since: datetime | None) -> list[UsageRow]:
    async with aclosing(store_of(settings)) as store:
        notice = (await store.health()).notice
        if notice:
            complain(notice)
        return await store.usage(since)


def _date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise InputError(f"--since: {text!r} is not a date", hint="write YYYY-MM-DD") from None


def _key(row: UsageRow, by: str) -> str:
    if by == "provider":
        return row.model.partition("/")[0]
    if by == "session":
        return row.session
    return f"{row.at.astimezone():%Y-%m-%d}" if by == "day" else row.model


def _sums(rows: Sequence[UsageRow]) -> dict[str, int]:
    return {bucket: sum(getattr(row, bucket) for row in rows) for bucket in BUCKETS}


def _as_json(key: str, rows: Sequence[UsageRow]) -> JSON:
    sums: dict[str, JSON] = {**_sums(rows)}
    cost = money_json(sum_costs(row.cost for row in rows))
    return {"key": key, "requests": len(rows), **sums, "cost": cost}


def _as_table(by: str, groups: dict[str, list[UsageRow]]) -> str:
    every = [row for rows in groups.values() for row in rows]
    lines = [
        (
            key,
            str(len(rows)),
            *(f"{count:,}" for count in _sums(rows).values()),
            money(sum_costs(row.cost for row in rows)),
        )
        for key, rows in (*groups.items(), ("total", every))
    ]
    head = (by, "requests", "input", "cache read", "cache write", "output", "thinking", "cost")
    return table(head, lines)

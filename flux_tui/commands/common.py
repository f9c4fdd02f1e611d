"""What commands share: the store of this run, and text for a terminal or a pipe."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flux_tui.core.codec import dumps
from flux_tui.core.sanitize import one_line
from flux_tui.core.usage import JSON, Cost

if TYPE_CHECKING:
    from flux_tui.config.settings import Settings
    from flux_tui.session.wiring import Runtime
    from flux_tui.storage.sqlite import SqliteStore


# JSON itself escapes the controls below U+0020 only.
_OBEYED = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def settings_of_run(overrides: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process, and say what was odd about them on stderr.

    *overrides* come from the command line.

    Raises:
        ConfigError: a setting is wrong.
    """
    from flux_tui.config.settings import load_settings

    settings = load_settings(overrides or {}, os.environ, Path.cwd())
    for warning in settings.warnings:
        complain(warning)
    return settings


async def start(runtime: Runtime) -> None:
    """Start *runtime*, and say what is to be known; `settings_of_run` has said the warnings."""
    for notice in await runtime.start():
        if notice not in runtime.settings.warnings:
            complain(notice)


def store_of(settings: Settings) -> SqliteStore:
    """Return the store on disk, not yet opened."""
    from flux_tui.storage.sqlite import SqliteStore

    return SqliteStore(settings.paths.database)


def say(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"flux-tui: {one_line(text, 2_000)}\n")


def say_json(value: JSON) -> None:
    """Write *value* as one line of JSON; what a terminal could obey is escaped in it."""
    say(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", dumps(value)))


def money(cost: Cost) -> str:
    """Return a cost for a reader; `≈` and `≥` say that no provider reported it."""
    if cost.amount is None:
        return "unknown"
    signs = {"computed": "≈", "estimated": "≈", "partial": "≥", "simulated": "sim "}
    sign = signs.get(cost.basis, "")
    return f"{sign}${cost.amount:.4f}"


def money_json(cost: Cost) -> JSON:
    """Return a cost as ``{"usd": decimal string or null, "basis"}``."""
    return {"usd": None if cost.amount is None else str(cost.amount), "basis": cost.basis}


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return aligned columns, the first *left* ones to the left and the others to the right."""
    lines = [list(head), *([one_line(cell, 60) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )

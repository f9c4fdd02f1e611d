"""`flux-tui doctor`: keys, endpoints, terminal, database and packages, without a request sent."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from flux_tui import __version__
from flux_tui.commands.common import say, say_json, store_of
from flux_tui.core.errors import ConfigError, StoreError
from flux_tui.core.sanitize import one_line

if TYPE_CHECKING:
    from flux_tui.config.settings import Settings
    from flux_tui.session.choices import Source

Status: TypeAlias = Literal["ok", "note", "fail"]

PACKAGES = ("textual", "anthropic", "openai", "httpx2", "tiktoken", "genai-prices", "pydantic")
SMALLEST = (40, 12)
"""Columns and rows that the full screen needs."""

_VOCABULARY = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
_MARKS: dict[Status, str] = {"ok": "ok  ", "note": "note", "fail": "FAIL"}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, how it is, and what to do about it."""

    area: str
    name: str
    status: Status
    detail: str


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("doctor", help="check keys, endpoints, terminal and database")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="first trust the .env of this folder with base URLs and tool permissions",
    )


def run(args: argparse.Namespace) -> int:
    """Print the findings; return 1 if something must be put right, else 0."""
    from flux_tui.config.paths import find_paths
    from flux_tui.config.settings import load_settings
    from flux_tui.config.trust import trust

    if args.trust:
        trust(Path.cwd(), find_paths(os.environ))
    settings = load_settings({}, os.environ, Path.cwd())
    checks = [
        *_installation(),
        *_configuration(settings),
        *_providers(settings),
        *_terminal(settings),
        asyncio.run(_database(settings)),
        _vocabulary(),
    ]
    failed = any(check.status == "fail" for check in checks)
    if args.json:
        say_json(
            {
                "version": __version__,
                "ok": not failed,
                "checks": [
                    {
                        "area": check.area,
                        "name": check.name,
                        "status": check.status,
                        "detail": check.detail,
                    }
                    for check in checks
                ],
            }
        )
    else:
        for check in checks:
            say(f"{_MARKS[check.status]}  {check.area}: {check.name}: {check.detail}")
    return int(failed)


def _installation() -> Iterator[Check]:
    yield Check("program", "flux-tui", "ok", __version__)
    yield Check("program", "python", "ok", f"{platform.python_version()} on {platform.platform()}")
    for name in PACKAGES:
        try:
            yield Check("package", name, "ok", version(name))
        except PackageNotFoundError:
            yield Check("package", name, "fail", "not installed; install flux-tui again")


def _configuration(settings: Settings) -> Iterator[Check]:
    from flux_tui.config.trust import trusted_folders

    paths = settings.paths
    there = "" if paths.config_file.is_file() else " (not there: defaults are used)"
    yield Check("configuration", "file", "ok", f"{paths.config_file}{there}")
    for name, folder in (("data", paths.data_dir), ("cache", paths.cache_dir)):
        yield Check("configuration", f"{name} folder", "ok", str(folder))
    count = len(trusted_folders(paths))
    yield Check("configuration", "trusted folders", "ok", str(count))
    for warning in settings.warnings:
        yield Check("configuration", "warning", "note", one_line(warning, 400))


def _providers(settings: Settings) -> Iterator[Check]:
    from flux_tui.session.choices import is_demo, sources

    for source in sources(settings).values():
        yield Check("endpoint", source.id, "ok", f"{source.base_url} ({source.api})")
        yield _key(settings, source)
    if is_demo(settings):
        yield Check("endpoint", "simulator", "note", "answers, because no key is set or --demo")


def _key(settings: Settings, source: Source) -> Check:
    """Check that the key is there and can be sent; it is never shown."""
    from flux_tui.config.keys import find_key, masked_key

    try:
        key = find_key(settings, source.id, source.key_names)
    except ConfigError as problem:
        return Check("key", source.id, "fail", str(problem))
    if key is not None:
        shown = masked_key(settings, source.id, source.key_names)
        return Check("key", source.id, "ok", shown or "from the keyring")
    if not source.needs_key:
        return Check("key", source.id, "ok", "none needed")
    hint = f"set {' or '.join(source.key_names)}" if source.key_names else "set key_env"
    return Check("key", source.id, "note", f"missing; {hint}")


def _terminal(settings: Settings) -> Iterator[Check]:
    term = os.environ.get("TERM", "")
    colours = os.environ.get("COLORTERM", "")
    shown = f"TERM={one_line(term) or 'not set'} COLORTERM={one_line(colours) or 'not set'}"
    poor = term in {"", "dumb"}
    yield Check("terminal", "type", "note" if poor else "ok", shown)
    columns, rows = shutil.get_terminal_size()
    small = columns < SMALLEST[0] or rows < SMALLEST[1]
    size = f"{columns}x{rows}" + (f"; at least {SMALLEST[0]}x{SMALLEST[1]} needed" if small else "")
    yield Check("terminal", "size", "note" if small else "ok", size)
    both = sys.stdin.isatty() and sys.stdout.isatty()
    yield Check("terminal", "interactive", "ok", "yes" if both else "no: input or output is a pipe")
    encoding = (sys.stdout.encoding or "").lower()
    utf8 = encoding.replace("-", "") == "utf8"
    yield Check("terminal", "encoding", "ok" if utf8 else "note", encoding or "unknown")
    if settings.no_color:
        yield Check("terminal", "colour", "note", "off, NO_COLOR is set")


async def _database(settings: Settings) -> Check:
    async with aclosing(store_of(settings)) as store:
        try:
            health = await store.health()
            count = len(await store.sessions(limit=1_000_000))
        except StoreError as problem:
            return Check("database", str(settings.paths.database), "fail", str(problem))
    shown = f"{count} conversations, journal {health.journal_mode}, schema {health.schema_version}"
    status: Status = "ok" if health.writable and not health.notice else "note"
    status = status if health.writable else "fail"
    notice = f"; {health.notice}" if health.notice else ""
    return Check("database", health.path, status, shown + notice)


def _vocabulary() -> Check:
    """Look where tiktoken keeps the vocabulary it once fetched (tiktoken 0.14, `load.py`)."""
    folder = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    default = Path(tempfile.gettempdir()) / "data-gym-cache"
    name = hashlib.sha1(_VOCABULARY.encode(), usedforsecurity=False).hexdigest()
    if ((Path(folder) if folder else default) / name).is_file():
        return Check("tokens", "vocabulary", "ok", "at hand, tokens are counted exactly for OpenAI")
    return Check("tokens", "vocabulary", "note", "not at hand, tokens are estimated")

"""Floor 4: reads the command line and picks a front end; imports it only then."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flux_tui import __version__

# The rest is imported within `main`: an interrupt before it could not be met here.
if TYPE_CHECKING:
    import argparse

    from flux_tui.config.settings import Settings

INTERNAL_ERROR = 70

COMMANDS: dict[str, tuple[str, str]] = {
    "ask": ("flux_tui.headless", "ask one question, answer on standard output"),
    "compare": ("flux_tui.commands.compare", "ask several models the same, side by side"),
    "batches": ("flux_tui.commands.batches", "jobs at the vendors' batch endpoints"),
    "convert": ("flux_tui.commands.convert", "convert a conversation between vendors' formats"),
    "check": ("flux_tui.commands.check", "what a switch of models keeps, drops and costs"),
    "models": ("flux_tui.commands.models", "list the models that are known"),
    "cost": ("flux_tui.commands.cost", "what was spent, by model, provider, session or day"),
    "sessions": ("flux_tui.commands.sessions", "list, search, show, export, import, copy, repair"),
    "bench": ("flux_tui.commands.bench", "measure how soon and how fast models answer"),
    "doctor": ("flux_tui.commands.doctor", "check keys, endpoints, terminal and database"),
    "simulate": ("flux_tui.commands.simulate", "serve the simulator over loopback HTTP"),
}
"""Each subcommand: its module, with `add_parser(commands)` and `run(args)`, and a line of help."""

_SIMPLE = frozenset({"--demo", "--continue"})

EXAMPLES = """\
examples:
  flux-tui                                  start; without a key, on the built-in simulator
  flux-tui --model openai/gpt-5.5           start with that model
  flux-tui --continue                       go on where you left off
  git diff | flux-tui ask "review this"     one question, with a pipe
  flux-tui convert --from anthropic --to openai-chat request.json
"""


def build_parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; only subcommands that *argv* names are imported."""
    import argparse

    from flux_tui.commands.parser import Parser

    parser = Parser(
        prog="flux-tui",
        description="One conversation with any model of any vendor, in the terminal.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = f"flux-tui {__version__}"
    parser.add_argument("--version", action="version", version=version, help="print it, and end")
    parser.add_argument("--model", "-m", metavar="P/M", help="provider/model to start with")
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--continue", dest="continue_", action="store_true", help="open the last session"
    )
    again.add_argument("--session", metavar="ID", help="open this session")
    parser.add_argument("--demo", action="store_true", help="use the simulator, keys or not")
    parser.add_argument("--theme", metavar="NAME", help="colour theme of this run")
    parser.add_argument(
        "--reset-terminal",
        action="store_true",
        help="put a terminal right that a killed program left in disorder",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="without the screen")
    for name, (module, summary) in COMMANDS.items():
        if name in argv:
            importlib.import_module(module).add_parser(commands)
        else:
            commands.add_parser(name, help=summary, add_help=False)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status (0, 1, 2, 3, 70, 130 or 128 + signal)."""
    try:
        _prepare_streams()
        return _run(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return 130


def _run(words: list[str]) -> int:
    from flux_tui.core.errors import FluxError

    try:
        # Most starts say no more than this, and wait for no parser: it takes 4 ms.
        if _SIMPLE.issuperset(words):
            status = _full_screen(demo="--demo" in words, continue_="--continue" in words)
        else:
            status = _dispatch(build_parser(words).parse_args(words))
        sys.stdout.flush()  # here, where a failure can still be told
    except FluxError as error:
        return _fail(str(error), error.exit_status)
    except BrokenPipeError:
        # The reader went away (`| head`): not an error, and nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(f"{error.strerror or error} {error.filename or ''}".strip(), 1)
    except Exception as error:  # noqa: BLE001 - the last boundary: no traceback, no locals, no keys
        return _fail(_internal(error), INTERNAL_ERROR)
    return status


def _internal(error: Exception) -> str:
    import traceback
    from pathlib import Path

    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    return f"internal error, {type(error).__name__} at {where}"


def _prepare_streams() -> None:
    """Make the standard streams fit to be used, whatever the shell has done to them."""
    # None where the shell closed it (`<&-`, `>&-`).
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal of few letters


def _fail(sentence: str, status: int) -> int:
    from flux_tui.core.sanitize import one_line

    # What somebody else has named, a file for instance, must not reach the terminal as it is.
    sys.stderr.write(f"flux-tui: {one_line(sentence, 2_000)}\n")
    return status


def _dispatch(args: argparse.Namespace) -> int:
    if args.reset_terminal:
        from flux_tui.ui.terminal import reset_terminal

        reset_terminal()
        return 0
    if args.command:
        _refuse_unused(args)
        module, _ = COMMANDS[args.command]
        return int(importlib.import_module(module).run(args))
    return _full_screen(
        demo=args.demo,
        continue_=args.continue_,
        model=args.model,
        theme=args.theme,
        session=args.session,
    )


def _refuse_unused(args: argparse.Namespace) -> None:
    """Refuse what only the full screen knows: ignoring it would hide a mistake."""
    from flux_tui.core.errors import InputError

    known = {
        "ask": ("model", "continue_", "session", "demo"),
        "convert": ("model",),
        "check": ("session",),
        "compare": ("model", "demo"),
        "bench": ("model", "demo"),
    }
    for name in ("model", "continue_", "session", "demo", "theme"):
        if getattr(args, name) and name not in known.get(args.command, ()):
            raise InputError(f"{args.command} has no option --{name.strip('_')}")


def _full_screen(
    *,
    demo: bool,
    continue_: bool,
    model: str | None = None,
    theme: str | None = None,
    session: str | None = None,
) -> int:
    gc.disable()  # nothing of what a start makes is garbage; the application collects again
    from pathlib import Path

    from flux_tui.config.settings import load_settings
    from flux_tui.ui.app import run_app

    flags = {"model": model, "theme": theme, "demo": "true" if demo else None}
    overrides = {name: value for name, value in flags.items() if value is not None}
    settings = load_settings(overrides, os.environ, Path.cwd())
    # One named in full is checked with the settings; to look for others takes a quarter of a start.
    if settings.model and "/" not in settings.model:
        _find_model(settings)
    wanted = _full_id(settings, session) if session else None
    return run_app(settings, continue_=continue_, session=wanted)


def _find_model(settings: Settings) -> None:
    """Refuse a bare name that nobody offers before the screen is taken.

    Raises:
        ConfigError: there is none; near names are told.
    """
    import asyncio

    from flux_tui.session.wiring import Runtime

    async def look() -> None:
        runtime = Runtime(settings)
        try:
            await runtime.start()  # it may be one of those an endpoint told
            runtime.default_model()
        finally:
            await runtime.aclose()

    asyncio.run(look())


def _full_id(settings: Settings, part: str) -> str:
    """Return the id of the session that *part* means.

    Raises:
        InputError: there is none, or more than one.
    """
    import asyncio
    from contextlib import aclosing

    from flux_tui.core.errors import StoreError
    from flux_tui.storage.lookup import find_session
    from flux_tui.storage.sqlite import SqliteStore

    async def find() -> str:
        async with aclosing(SqliteStore(settings.paths.database)) as store:
            return (await find_session(store, part)).id

    try:
        return asyncio.run(find())
    except StoreError:
        return part  # the application says what is wrong with the database

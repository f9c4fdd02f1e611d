"""Floor 4: reads the command line and picks a front end; imports it only then."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from flux_tui import __version__
from flux_tui.core.errors import FluxError, InputError

COMMANDS: dict[str, tuple[str, str]] = {
    "ask": ("flux_tui.headless", "ask one question, answer on standard output"),
    "convert": ("flux_tui.commands.convert", "convert a conversation between vendors' formats"),
    "models": ("flux_tui.commands.models", "list the models that are known"),
    "cost": ("flux_tui.commands.cost", "what was spent, by model, provider, session or day"),
    "sessions": ("flux_tui.commands.sessions", "list, show and export conversations"),
    "doctor": ("flux_tui.commands.doctor", "check keys, endpoints, terminal and database"),
    "simulate": ("flux_tui.commands.simulate", "serve the simulator over loopback HTTP"),
}
"""Each subcommand: its module, with `add_parser(commands)` and `run(args)`, and a line of help."""

EXAMPLES = """\
examples:
  flux-tui                                  start; without a key, on the built-in simulator
  flux-tui --model openai/gpt-5.5           start with that model
  flux-tui --continue                       go on where you left off
  git diff | flux-tui ask "review this"     one question, with a pipe
  flux-tui convert --from anthropic --to openai-chat request.json
"""


def build_parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; only the subcommand that *argv* names is imported."""
    parser = argparse.ArgumentParser(
        prog="flux-tui",
        description="One conversation with any model of any vendor, in the terminal.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"flux-tui {__version__}")
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
    named = next((word for word in argv if word in COMMANDS), None)
    for name, (module, summary) in COMMANDS.items():
        if name == named:
            importlib.import_module(module).add_parser(commands)
        else:
            commands.add_parser(name, help=summary, add_help=False)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status (0, 1, 2, 3, 70, 130 or 128 + signal)."""
    words = list(sys.argv[1:] if argv is None else argv)
    args = build_parser(words).parse_args(words)
    try:
        return _dispatch(args)
    except FluxError as error:
        print(f"flux-tui: {error}", file=sys.stderr)  # noqa: T201 - the one sentence for the user
        return error.exit_status
    except BrokenPipeError:
        # The reader went away (`| head`): not an error, and nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _dispatch(args: argparse.Namespace) -> int:
    if args.reset_terminal:
        from flux_tui.ui.terminal import RESET

        sys.stdout.write(RESET)
        return 0
    if args.command:
        module, _ = COMMANDS[args.command]
        return int(importlib.import_module(module).run(args))
    return _full_screen(args)


def _full_screen(args: argparse.Namespace) -> int:
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        raise InputError(
            "the full screen needs a terminal",
            hint='for pipes and scripts use: flux-tui ask "your question"',
        )
    from flux_tui.config.settings import load_settings
    from flux_tui.ui.app import run_app

    flags = {"model": args.model, "theme": args.theme, "demo": "true" if args.demo else None}
    overrides = {name: value for name, value in flags.items() if value is not None}
    settings = load_settings(overrides, os.environ, Path.cwd())
    return run_app(settings, continue_=args.continue_, session=args.session)

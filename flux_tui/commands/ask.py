"""`flux-tui ask`: one question, one answer, no screen."""

from __future__ import annotations

import argparse
import os
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from flux_tui.core.errors import FluxError, InputError

if TYPE_CHECKING:
    from flux_tui.headless import Question

MAX_PIPED = 20_000_000  # bytes


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command's options."""
    parser = subparsers.add_parser(
        "ask",
        help="ask one question and print the answer",
        description="Ask one question and print the answer. The prompt may also come from a pipe.",
    )
    parser.add_argument("prompt", nargs="?", default="", help="the question")
    # Without a default, so that an option before the command's name is not overwritten.
    parser.add_argument(
        "-m", "--model", metavar="P/M", default=argparse.SUPPRESS, help="the model to ask"
    )
    parser.add_argument(
        "--attach", metavar="FILE", type=Path, action="append", default=[], help="a picture or text"
    )
    parser.add_argument("--session", metavar="ID", default=argparse.SUPPRESS, help="go on with it")
    parser.add_argument(
        "--tools", choices=("none", "read", "all"), default="none", help="what may run unasked"
    )
    parser.add_argument("--max-cost", metavar="USD", type=_dollars, help="stop at this cost")
    parser.add_argument(
        "--demo", action="store_true", default=argparse.SUPPRESS, help="ask the built-in simulator"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--stream-json", action="store_true", help="print one event a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask and return the exit status; see `headless.ask`."""
    import asyncio

    from flux_tui.config.settings import load_settings
    from flux_tui.headless import INTERRUPTED, ask
    from flux_tui.session.wiring import Runtime

    try:
        question = _question(args)
        overrides = {"tools": args.tools, "approval": args.tools}
        if getattr(args, "demo", False):
            overrides["demo"] = "1"
        runtime = Runtime(load_settings(overrides, os.environ, Path.cwd()))
        status = asyncio.run(ask(runtime, question))
    except FluxError as problem:
        sys.stderr.write(f"flux-tui: {problem}\n")
        return problem.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    _leave_broken_pipe()
    return status


def _question(args: argparse.Namespace) -> Question:
    from flux_tui.headless import Question

    return Question(
        prompt=_prompt(args.prompt),
        model=getattr(args, "model", None) or "",
        attach=tuple(args.attach),
        session=getattr(args, "session", None) or "",
        max_cost=args.max_cost,
        output="json" if args.json else "stream-json" if args.stream_json else "text",
    )


def _prompt(given: str) -> str:
    """Return the prompt from the argument, the pipe, or both, the argument first."""
    piped = ""
    if sys.stdin is not None and not sys.stdin.isatty():
        data = sys.stdin.buffer.read(MAX_PIPED + 1)
        if len(data) > MAX_PIPED:
            raise InputError(f"the piped text is larger than {MAX_PIPED // 1_000_000} MB")
        piped = data.decode("utf-8", "replace").strip("\n")
    prompt = "\n\n".join(text for text in (given, piped) if text.strip())
    if not prompt:
        raise InputError("there is no prompt", hint='write it: flux-tui ask "...", or pipe it in')
    return prompt


def _dollars(text: str) -> Decimal:
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not (amount.is_finite() and amount > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of US dollars, like 0.25")
    return amount


def _leave_broken_pipe() -> None:
    """Let the interpreter end quietly when the reader of stdout has gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""One question without the screen: the answer to stdout, everything else to stderr."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

from flux_tui.config.settings import load_settings
from flux_tui.core.codec import dump_event, dumps
from flux_tui.core.errors import BudgetError, FluxError, InputError
from flux_tui.core.events import (
    Noted,
    ReplyDelta,
    ReplyStarted,
    RetryScheduled,
    TextDelta,
    TurnEnded,
    TurnEvent,
)
from flux_tui.core.messages import Document, Image
from flux_tui.core.models import ModelInfo
from flux_tui.core.sanitize import Sanitizer, one_line
from flux_tui.core.usage import JSON, parse_dollars
from flux_tui.session.attachments import read_attachment
from flux_tui.session.jobs_answer import TurnSummary
from flux_tui.session.piped import read_prompt
from flux_tui.session.session import ChatSession
from flux_tui.session.wiring import Runtime
from flux_tui.storage.lookup import LAST, find_session

Output: TypeAlias = Literal["text", "json", "stream-json"]

INTERRUPTED = 130

_NO_PROMPT = 'write it: flux-tui ask "...", or pipe it in'
_FINE = ("end", "length", "pause")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What `ask` was told. `max_cost` is in US dollars."""

    prompt: str
    model: str = ""
    attachments: tuple[Image | Document, ...] = ()
    session: str = ""  # an id, a part of one, or "last"
    max_cost: Decimal | None = None
    output: Output = "text"


async def ask(
    runtime: Runtime, question: Question, out: TextIO | None = None, err: TextIO | None = None
) -> int:
    """Ask, print the answer to *out* (stdout), the rest to *err*, and return the exit status.

    0 done (or the reader of *out* has left), 1 the provider or a tool failed, 2 wrong input,
    3 the budget was reached, 130 interrupted; what had arrived of the answer is stored.
    """
    printer = _Printer(question.output, out or sys.stdout, err or sys.stderr)
    # A command needs a yes every time, and nobody sits here to say it: offering one only misleads.
    runtime.tools = {n: tool for n, tool in runtime.tools.items() if tool.risk != "execute"}
    try:
        for notice in await runtime.start():
            printer.say(notice)
        session = await _prepare(runtime, question)
        await _disclose(session, question, printer)
        return await _run(session, question, printer)
    except FluxError as problem:
        printer.say(str(problem))
        return problem.exit_status
    finally:
        await runtime.aclose()


async def _prepare(runtime: Runtime, question: Question) -> ChatSession:
    if question.session:
        found = await find_session(runtime.store, question.session)
        session = await runtime.resume(found.id)
        if session.read_only:
            raise InputError("this session is open in another Flux TUI", hint="close it there")
    else:
        model = runtime.find_model(question.model) if question.model else None
        session = runtime.new_session(model)
    if question.session and question.model:
        session.swap(runtime.find_model(question.model))
    if question.max_cost is not None:
        await asyncio.to_thread(_check_price, runtime, session.model)
        session.budget = question.max_cost
    await runtime.open_provider(session.model)
    return session


async def _disclose(session: ChatSession, question: Question, printer: _Printer) -> None:
    """Tell which vendor reads the history for the first time; naming its model is the consent.

    Raises:
        InputError: nobody named it: the session's own model is not on offer any more.
    """
    reader = session.needs_consent(session.model)
    if reader is None:
        return
    if not question.model:
        raise InputError(
            f"{reader} has read nothing of this session yet, and would with {session.model.ref}",
            hint=f"to hand it over, name the model: -m {session.model.ref}",
        )
    path = session.conversation.path
    withheld = {message.id for message in session.privacy.withheld(path, session.model)}
    handed = sum(message.id not in withheld for message in path)
    many = "1 message" if handed == 1 else f"{handed} messages"
    kept = f"; {len(withheld)} marked private stay here" if withheld else ""
    printer.say(f"{reader} has read nothing of this session yet: {many} go to it now{kept}")
    await session.consent(session.model)


def _check_price(runtime: Runtime, model: ModelInfo) -> None:
    if runtime.tariff.price_of(model) is None:
        raise BudgetError(
            f"the price of {model.ref} is not known, so the budget cannot be kept",
            hint="choose a model with a known price, or leave out --max-cost",
        )


async def _run(
    session: ChatSession,
    question: Question,
    printer: _Printer,
) -> int:
    loop = asyncio.get_running_loop()
    handled = _on_signals(loop, session.stop)
    turn = TurnSummary()
    try:
        async with aclosing(session.send(question.prompt, question.attachments)) as events:
            async for event in events:
                turn.apply(event)
                printer.apply(event)
                if printer.broken:
                    session.stop()
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
    for notice in session.notices:
        printer.say(notice)
    ended = turn.ended
    status = _status(ended, session, question.max_cost)
    result = turn.dump(session.model.ref, session.ledger.turn, session.id)
    printer.end(result, ended, _spent(session, question) if status == 3 else "")
    return 0 if printer.broken else status


def _on_signals(
    loop: asyncio.AbstractEventLoop, stop: Callable[[], None]
) -> tuple[signal.Signals, ...]:
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return signal.SIGINT, signal.SIGTERM


def _status(ended: TurnEnded, session: ChatSession, budget: Decimal | None) -> int:
    if ended.reason == "aborted":
        return INTERRUPTED
    spent = session.ledger.turn.amount
    if ended.reason == "budget" or (budget is not None and spent is not None and spent >= budget):
        return BudgetError.exit_status
    return 0 if ended.reason in _FINE else 1


def _spent(session: ChatSession, question: Question) -> str:
    if question.max_cost is None:
        return ""  # a limit of the configuration; the end of the turn tells which
    return f"the budget of ${question.max_cost:f} was reached (${session.ledger.turn.amount})"


class _Printer:
    """Writes a turn in one of the three forms."""

    def __init__(self, output: Output, out: TextIO, err: TextIO) -> None:
        self.broken = False
        self._output: Output = output
        self._out = out
        self._err = err
        self._sanitizer = Sanitizer()
        self._open = False  # text stands on the current line

    def say(self, sentence: str) -> None:
        """Tell the user something beside the answer."""
        self._err.write(f"flux-tui: {one_line(sentence, 2_000)}\n")
        self._err.flush()

    def apply(self, event: TurnEvent) -> None:
        """Print what belongs to *event*."""
        if self._output == "stream-json":
            self._write(dumps(dump_event(event)) + "\n")
        elif self._output == "text":
            self._text(event)
        match event:
            case Noted(text=text):
                self.say(text)
            case ReplyDelta(event=RetryScheduled(repaired=False) as retry):
                when = f"in {retry.seconds:.0f} s" if retry.seconds >= 0.5 else "now"
                self.say(
                    f"{retry.reason}; trying again {when} "
                    f"(attempt {retry.attempt} of {retry.attempts})"
                )
            case _:
                pass  # everything else is in the answer or in the end

    def _text(self, event: TurnEvent) -> None:
        match event:
            case ReplyStarted():
                self._end_line("\n\n")
            case ReplyDelta(event=TextDelta(text=text)):
                self._write(self._sanitizer.feed(text))
                self._open = self._open or bool(text)
            case _:
                pass  # thinking, tools and numbers are no part of the answer

    def _end_line(self, end: str) -> None:
        self._write(self._sanitizer.flush())
        if self._open:
            self._write(end)
        self._open = False

    def end(self, result: dict[str, JSON], ended: TurnEnded, spent: str) -> None:
        """Print the result, and why it ended if that was not well."""
        match self._output:
            case "text":
                self._end_line("\n")
            case "json":
                self._write(dumps(result) + "\n")
            case "stream-json":
                self._write(dumps({"type": "result", **result}) + "\n")
        if ended.error:
            self.say(f"{ended.error}; {ended.hint}" if ended.hint else ended.error)
        elif ended.reason == "aborted" and not self.broken:
            self.say("interrupted; what had arrived of the answer is kept")
        elif spent:
            self.say(spent)

    def _write(self, text: str) -> None:
        if self.broken or not text:
            return
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:
            self.broken = True  # the reader has gone: stop asking, keep what there is


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
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--session", metavar="ID", default=argparse.SUPPRESS, help='go on with it; or "last"'
    )
    again.add_argument(
        "--continue",
        dest="continue_",
        action="store_true",
        default=argparse.SUPPRESS,
        help="go on with the session used last",
    )
    parser.add_argument(
        "--tools",
        choices=("none", "read", "all"),
        default="none",
        help="what may be used, unasked; never commands",
    )
    parser.add_argument("--max-cost", metavar="USD", type=_dollars, help="stop at this cost")
    parser.add_argument(
        "--demo", action="store_true", default=argparse.SUPPRESS, help="ask the built-in simulator"
    )
    parser.add_argument(
        "--stdin", action="store_true", help="wait for all of the pipe, however long it takes"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--stream-json", action="store_true", help="print one event a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask and return the exit status; see `ask`.

    Raises:
        FluxError: the input or a setting is wrong.
    """
    question = _question(args)
    overrides = {"tools": args.tools, "approval": args.tools}
    if getattr(args, "demo", False):
        overrides["demo"] = "1"
    runtime = Runtime(load_settings(overrides, os.environ, Path.cwd()))
    return asyncio.run(ask(runtime, question))


def _question(args: argparse.Namespace) -> Question:
    session = LAST if getattr(args, "continue_", False) else getattr(args, "session", None)
    return Question(
        prompt=read_prompt(args.prompt, wait=args.stdin, hint=_NO_PROMPT),
        model=getattr(args, "model", None) or "",
        # Here and not in a thread: a pipe without a writer must not outlive an interrupt.
        attachments=tuple(map(read_attachment, args.attach)),
        session=session or "",
        max_cost=args.max_cost,
        output="json" if args.json else "stream-json" if args.stream_json else "text",
    )


def _dollars(text: str) -> Decimal:
    try:
        return parse_dollars(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem

"""Values on the command line that several commands take."""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal

from flux_tui.core.errors import InputError
from flux_tui.core.usage import parse_dollars

MAX_PIPED = 20_000_000  # bytes


def at_least_one(text: str) -> int:
    """Read a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


def limit(text: str) -> tuple[str, int]:
    """Read "N", for every provider, or "PROVIDER=N"; the provider is empty for every one."""
    provider, between, number = text.rpartition("=")
    if between and not provider:
        raise argparse.ArgumentTypeError(f"{text!r} names no provider before the =")
    return provider, at_least_one(number)


def none_or_more(text: str) -> int:
    """Read a whole number of 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 0 or more")
    return int(text)


def dollars(text: str) -> Decimal:
    """Read a positive amount of US dollars."""
    try:
        return parse_dollars(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem


def piped_prompt(command: str) -> str:
    """Return the prompt that comes through the pipe.

    Raises:
        InputError: none does, or it is too large.
    """
    piped = ""
    if sys.stdin is not None and not sys.stdin.isatty():
        data = sys.stdin.buffer.read(MAX_PIPED + 1)
        if len(data) > MAX_PIPED:
            raise InputError(f"the piped text is larger than {MAX_PIPED // 1_000_000} MB")
        piped = data.decode("utf-8", "replace").strip("\n")
    if not piped.strip():
        hint = f'write it: flux-tui {command} "..." -m P/M, or pipe it in'
        raise InputError("there is no prompt", hint=hint)
    return piped

"""Values and options on the command line that several commands take."""

from __future__ import annotations

import argparse
from decimal import Decimal

from flux_tui.core.usage import parse_dollars


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


def add_models(parser: argparse.ArgumentParser) -> None:
    """Add `-m`: the models that are asked, none or several."""
    parser.add_argument(
        "-m",
        "--model",
        dest="models",
        metavar="P/M",
        action="append",
        default=[],
        help="a model that is asked; repeat it",
    )

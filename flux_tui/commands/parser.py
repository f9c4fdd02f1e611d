"""The command line's parser: a wrong word is one sentence, with the near right one."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, cast

from flux_tui.core.near import did_you_mean
from flux_tui.core.sanitize import one_line


class Parser(argparse.ArgumentParser):
    """An argument parser without abbreviations, which later options would make ambiguous."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)
        self._words: Sequence[str] = ()

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride] - overloaded there
        self, args: Any = None, namespace: Any = None
    ) -> Any:
        """Parse, and remember the words for what `error` says of them."""
        self._words = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Write one sentence to standard error and exit with status 2."""
        told = self._unknown_option() or _choice(message) or _left_over(message) or message
        self.exit(2, f"{self.prog}: {one_line(told, 2_000)}; see {self.prog} --help\n")

    def _unknown_option(self) -> str:
        known = self._options()
        for word in self._words:
            if word == "--":
                break
            name = word.partition("=")[0]
            if re.match(r"--?[A-Za-z]", word) and name not in known and word[:2] not in known:
                return f"there is no option {name}{_hint(name, sorted(known))}"
        return ""

    def _options(self) -> set[str]:
        """Return the options of this parser and of the commands below it."""
        found: set[str] = set()
        for action in self._actions:
            found.update(action.option_strings)
            below: Any = action.choices  # of subcommands, their parsers by name
            if isinstance(below, dict):
                for inner in cast("dict[str, object]", below).values():
                    found |= inner._options() if isinstance(inner, Parser) else set()
        return found


def _hint(word: str, known: Iterable[str]) -> str:
    found = did_you_mean(word, known)
    return f" ({found})" if found else ""


def _left_over(message: str) -> str:
    """Return what to do with words that nothing takes, or an empty string."""
    begin, between, words = message.partition("unrecognized arguments: ")
    if begin or not between:
        return ""
    if words.startswith("-"):
        return f"{words} does not go with this command"
    return f"nothing takes the words {words!r}; a prompt of several words goes into quotes"


def _choice(message: str) -> str:
    """Return argparse's sentence about a wrong choice in fewer words, or an empty string."""
    found = re.fullmatch(r"argument (.+): invalid choice: (.+) \(choose from (.+)\)", message)
    if found is None:
        return ""
    name, word, listed = found.groups()
    accepted = [one.strip().strip("'\"") for one in listed.split(",")]
    given = word.strip("'\"")
    hint = _hint(given, accepted)
    return f"{name.split('/')[0]}: {given!r} is not one of {', '.join(accepted)}{hint}"

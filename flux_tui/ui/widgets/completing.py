"""What a composer can complete: which word is being written, and where it begins."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["command", "model", "program", "path", "file"]

_MENTION = re.compile(r"(?<!\S)@([^\s\"@]*)$")
_MODEL = re.compile(r"/(?:model|check|inspect|replay)\s+(\S*)")
_LAST_WORD = re.compile(r"\S*$")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A word that may be completed: what there is of it, and its first column."""

    kind: Kind
    text: str
    begin: int


@dataclass(frozen=True, slots=True)
class Offer:
    """One row to choose: what it puts in the place of the word, and what it is."""

    text: str
    note: str = ""


def wanted(before: str, *, first: bool = True, only: bool = True) -> Wanted | None:
    """Return what is being written at the end of *before*, a line up to the cursor.

    Args:
        before: the line up to the cursor.
        first: whether it is the first line: commands and models stand at the very beginning.
        only: whether it is the only line: a shell line has no other.
    """
    sign, rest = before[:1], before[1:]
    if first and sign and rest[:1] != sign:
        if sign == "/" and only and not re.search(r"[\s/]", rest):
            return Wanted("command", rest, 1)
        if only and (argument := _MODEL.fullmatch(before)):
            return Wanted("model", argument[1], argument.start(1))
        if sign == "+" and not re.search(r"\s", rest):
            return Wanted("model", rest, 1)
        if sign == "!" and only:
            return _in_shell_line(before)
    found = _MENTION.search(before)
    return Wanted("file", found[1], found.start(1)) if found else None


def _in_shell_line(before: str) -> Wanted:
    found = _LAST_WORD.search(before)
    begin = max(found.start() if found else len(before), 1)
    word = before[begin:]
    if not before[1:begin].strip():
        return Wanted("program", word, begin)
    return Wanted("path", word, begin)


def still_fits(row: str, offered: Wanted | None, now: Wanted | None) -> bool:
    """Whether a *row* that was *offered* for a word fits the one that is written *now*.

    A list comes a moment after the letters; Enter may be quicker.
    """
    if offered is None or now is None or (offered.kind, offered.begin) != (now.kind, now.begin):
        return False
    letters = iter(row.casefold())
    return all(letter in letters for letter in now.text.casefold())


def written(kind: Kind, chosen: str) -> str:
    """Return what is written for a row that was *chosen*; one can go on writing behind it."""
    match kind:
        case "file":
            return f'"{chosen}" ' if " " in chosen else f"{chosen} "
        case "path":
            return f"{shlex.quote(chosen)} "
        case "program" | "model":
            return f"{chosen} "
        case "command":
            return chosen

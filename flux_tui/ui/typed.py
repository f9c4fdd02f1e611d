"""Reads what was typed: a command, a shell line, a question to another model, or a message.

A doubled sign sends text that begins with it: `//text` says "/text".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from flux_tui.ui import keymap

_COMMAND = re.compile(r"/([^\s/]*)(?:\s+(.*))?", re.DOTALL)
_ASK = re.compile(r"\+([A-Za-z]\S*)(?:\s+(.*))?", re.DOTALL)
_REPORT = re.compile(r"`\$ (.+)` printed:\n")


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command, without its slash; *word* may name no command."""

    word: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class ShellLine:
    """A command line for the shell; may be empty."""

    line: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A message for the model that *name* names, and for this once only; *text* may be empty."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message for the model of the session."""

    text: str


Typed: TypeAlias = Command | ShellLine | Ask | Said


def read(text: str) -> Typed:
    """Return what *text* means. With a space before its first sign it is a message."""
    match text[:1]:
        case "/" | "!" | "+" if text[1:2] == text[0]:
            return Said(text[1:])
        case "/" if found := _COMMAND.fullmatch(text):
            return Command(found[1].lower(), (found[2] or "").strip())
        case "!" if "\n" not in text.strip():
            return ShellLine(text[1:].strip())
        case "+" if found := _ASK.fullmatch(text):
            return Ask(found[1], (found[2] or "").strip())
        case _:
            return Said(text)


def as_typed(said: str) -> str:
    """Return what one types to say *said* again, a message that was stored."""
    if report := _REPORT.match(said):
        return f"!{report[1]}"
    return said if read(said) == Said(said) else said[0] + said


def unknown_command(word: str) -> str:
    """Return a sentence for the user: there is no command *word*, and what may be meant."""
    if not word:
        return "A command follows the slash: F1 shows all. //text sends text with a slash"
    near = keymap.near_command(word)
    stop = "" if near.endswith("?") else "."
    return f"There is no command /{word}: {near}{stop} //{word} sends it as text"

"""One thing the user can do, with its keys, its slash command and its help."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing the user can do.

    `keys` are Textual key names, `slash` is the command without its slash, `argument` names what
    may follow it. `priority` keys work while the composer has the focus, the others only outside.
    """

    id: str
    label: str
    help: str
    keys: tuple[str, ...] = ()
    slash: str = ""
    argument: str = ""
    group: str = "Chat"
    priority: bool = True

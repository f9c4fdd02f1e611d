"""Every action of the split view, once: its keys, slash command and help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class ColumnAction:
    """One thing the user can do in the split view.

    `keys` work everywhere in it, `letters` only outside the composer.
    """

    id: str
    keys: tuple[str, ...]
    letters: tuple[str, ...]
    slash: str
    label: str
    help: str
    argument: str = ""


_PRINTED = frozenset({"less_than_sign", "greater_than_sign", "question_mark"})
"""Textual's names of characters."""


def _action(
    id_: str, keys: str, slash: str, label: str, help_: str, *, arg: str = ""
) -> ColumnAction:
    names = tuple(keys.split(","))
    letters = tuple(name for name in names if name in _PRINTED or len(name) == 1)
    others = tuple(name for name in names if name not in letters)
    return ColumnAction(f"compare.{id_}", others, letters, slash, label, help_, arg)


COLUMN_ACTIONS: tuple[ColumnAction, ...] = (
    _action("stop", "escape", "stop", "Stop all", "Stop all answers; else to the composer"),
    _action("stop_one", "alt+s,s", "stopone", "Stop one", "Stop the answer of this column"),
    _action("again", "f5,r", "retry", "Retry", "Let this column answer again, from the start"),
    _action(
        "only", "alt+i,i", "only", "Ask only", "Ask this column alone; again: all", arg="A to D"
    ),
    _action("model", "f2,m", "model", "Model", "Another model in this column", arg="provider/name"),
    _action("zoom", "alt+x,z", "zoom", "Zoom", "Show this column alone, or all again"),
    _action("hide", "alt+h,h", "hide", "Hide", "Hide this column; it is still asked"),
    _action("show", "alt+u,u", "show", "Show all", "Show the hidden columns again"),
    _action("left", "alt+left,less_than_sign", "left", "Move left", "Move this column left"),
    _action("right", "alt+right,greater_than_sign", "right", "Move right", "Move it right"),
    _action(
        "diff",
        "alt+d,d",
        "diff",
        "Diff",
        "Mark what this answer and the next column's do not share; once more: the column after it",
    ),
    _action(
        "together",
        "alt+l,l",
        "together",
        "Scroll together",
        "Scroll all columns by turn, by heading, by block, or each alone",
    ),
    _action(
        "adopt", "alt+a,a", "adopt", "Adopt", "Let the session go on with this column (also Enter)"
    ),
    _action(
        "winner",
        "alt+w,w",
        "winner",
        "All from here",
        "Let all columns go on from this one's answer",
    ),
    _action(
        "own",
        "alt+k,k",
        "own",
        "Own threads",
        "Let each column keep its own thread: takes All from here back",
    ),
    _action(
        "blind",
        "alt+y,b",
        "blind",
        "Blind",
        "Hide names, times and costs and shuffle the columns until you vote",
    ),
    _action("vote", "alt+v,v", "vote", "Vote", "Say which answer is best"),
    _action(
        "tag", "alt+g,g", "tag", "Tag", "Name the kind of question your votes are about", arg="name"
    ),
    _action("tools", "alt+t,t", "tools", "Tools", "Allow the tools that only read, or none"),
    _action("forecast", "alt+c,c", "forecast", "Cost", "What the next question to all will take"),
    _action(
        "merge",
        "alt+p,p",
        "merge",
        "Merge",
        "Let a model write one answer from all of them: what it is asked is yours to edit",
        arg="provider/name",
    ),
    _action(
        "judge",
        "alt+j",
        "judge",
        "Judge",
        "Let a model grade the answers, in two orders, by a rubric that is yours to edit",
        arg="provider/name",
    ),
    _action(
        "replay",
        "alt+r",
        "replay",
        "Replay",
        "Ask this column's questions again of another model, beside it",
        arg="provider/name",
    ),
    _action("scoreboard", "alt+o,o", "scoreboard", "Scoreboard", "Ratings from all votes"),
    _action("commands", "ctrl+p", "commands", "Commands", "Search these commands"),
    _action("help", "f1,question_mark", "help", "Help", "Show keys and commands"),
    _action("back", "f6", "chat", "Chat", "Back to the chat; /compare there comes back"),
)
"""In the order of the help screen."""

BY_SLASH = {action.slash: action for action in COLUMN_ACTIONS}
BY_ID = {action.id: action for action in COLUMN_ACTIONS}

_NAMES = {
    "escape": "Esc",
    "question_mark": "?",
    "less_than_sign": "<",
    "greater_than_sign": ">",
}


def column_bindings() -> list[Binding]:
    """Return the bindings of the split view; every one calls `do` with the action's id."""
    found: list[Binding] = []
    for action in COLUMN_ACTIONS:
        for keys, priority in ((action.keys, True), (action.letters, False)):
            if keys:
                found.append(
                    Binding(
                        ",".join(keys),
                        f"do({action.id!r})",
                        action.label,
                        id=action.id if priority else None,
                        show=False,
                        priority=priority,
                    )
                )
    found += [
        Binding(f"alt+{number}", f"only({number - 1})", show=False, priority=True)
        for number in range(1, 5)
    ]
    return found


def keys_of(action: ColumnAction, overrides: Mapping[str, str] | None = None) -> str:
    """Return the keys of an action as people write them, the user's own in place of ours."""
    wanted = (overrides or {}).get(action.id)
    keys = action.keys if wanted is None else tuple(key.strip() for key in wanted.split(","))
    return ", ".join(_name(key) for key in (*keys, *action.letters) if key)


def first_key(action_id: str, overrides: Mapping[str, str]) -> str:
    """Return the key that a hint names; the slash command of an action that has lost its key."""
    action = BY_ID[action_id]
    return keys_of(action, overrides).partition(", ")[0] or f"/{action.slash}"


def _name(key: str) -> str:
    if key in _NAMES:
        return _NAMES[key]
    if len(key) == 1:
        return key
    return "+".join(word.upper() if len(word) == 1 else word.title() for word in key.split("+"))


def key_rows(overrides: Mapping[str, str] | None = None) -> tuple[tuple[str, str], ...]:
    """Return keys, slash commands and what they do, for the help screen."""
    return (
        ("Enter", "Ask all columns; in a column with nothing chosen: adopt it"),
        ("Tab", "To the first column, the next one, and back to the composer"),
        ("Up", "In an empty composer: take back what waits for the answers"),
        ("Alt+1 … Alt+4", "Ask this column alone; again: all of them"),
        *((f"{keys_of(a, overrides)}  /{a.slash}", a.help) for a in COLUMN_ACTIONS),
    )


def column_keys(overrides: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return keys and what they do, for the documentation and the chat's help."""
    return (
        *key_rows(overrides)[:4],
        *((keys_of(a, overrides), f"{a.help} (/{a.slash})") for a in COLUMN_ACTIONS),
    )

"""Every action of the screen, once: id, keys, slash command and help.

The bindings, the key hints, the help screen, the command palette and the slash commands are all
made from `ACTIONS`; a user's keymap replaces keys by action id.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from textual.binding import Binding

from flux_tui.core.near import did_you_mean
from flux_tui.ui.action import Action
from flux_tui.ui.place_keys import COMPOSER_KEYS, place_keys
from flux_tui.ui.reading_keys import READING, WRITING
from flux_tui.ui.screens.compare_keys import COLUMN_ACTIONS

_SLOTS = tuple(
    Action(
        id=f"model.slot{n}",
        label=f"Favourite {n}",
        help=f"Use favourite model {n}",
        keys=(f"alt+{n}",),
        slash=f"slot{n}",
        group="Models",
    )
    for n in range(1, 10)
)

ACTIONS: tuple[Action, ...] = (
    Action(
        id="chat.stop",
        label="Stop",
        help="Stop the answer and keep what has arrived; twice: edit an earlier message",
        keys=("escape",),
        slash="stop",
    ),
    Action(
        id="chat.retry",
        label="Retry",
        help="Ask again for an answer (r outside the composer)",
        keys=("f5", "r"),
        slash="retry",
        priority=False,
    ),
    Action(
        id="chat.edit",
        label="Edit earlier",
        help="Take back your last message, or the focused one, and edit it",
        keys=("alt+up",),
        slash="edit",
    ),
    Action(
        id="chat.copy",
        label="Copy message",
        help="Copy the focused message, or the last answer (y outside the composer)",
        keys=("alt+c", "y"),
        slash="copy",
        priority=False,
    ),
    Action(
        id="chat.copy_code",
        label="Copy code",
        help="Copy the last code block of the focused message, or of the last answer",
        keys=("alt+k",),
        slash="code",
    ),
    Action(
        id="chat.find",
        label="Find",
        help="Find words in the transcript; n and N go on, Esc ends it",
        keys=("ctrl+f",),
        slash="find",
        argument="words",
    ),
    Action(
        id="chat.follow",
        label="Follow",
        help="Go to the end and follow the answer",
        keys=("ctrl+end",),
        slash="end",
    ),
    Action(
        id="chat.private",
        label="Private",
        help="Keep the focused turn, or the last one, from other vendors, or no longer",
        keys=("alt+l",),
        slash="private",
    ),
    Action(
        id="chat.compact",
        label="Compact",
        help="Let the model summarise the conversation and go on from the summary",
        keys=("alt+s",),
        slash="compact",
    ),
    *READING,
    Action(
        id="model.pick",
        label="Model",
        help="Choose the model of the next message",
        keys=("f2", "ctrl+l"),
        slash="model",
        argument="provider/name",
        group="Models",
    ),
    Action(
        id="model.check",
        label="Check",
        help="Say what the next message to a model would keep, drop and cost",
        keys=("alt+w",),
        slash="check",
        argument="provider/name",
        group="Models",
    ),
    Action(
        id="request.inspect",
        label="Inspector",
        help="Show the exact request, beside what is stored; for any model",
        keys=("f10", "alt+i"),
        slash="inspect",
        argument="provider/name",
        group="Models",
    ),
    Action(
        id="model.next_provider",
        label="Next provider",
        help="Go on with the next provider's model",
        keys=("f3",),
        slash="provider",
        group="Models",
    ),
    Action(
        id="model.next_favourite",
        label="Next favourite",
        help="Go on with the next favourite model",
        keys=("f4",),
        slash="next",
        group="Models",
    ),
    Action(
        id="model.previous_favourite",
        label="Previous favourite",
        help="Go on with the previous favourite model",
        keys=("shift+f4", "f16"),
        slash="previous",
        group="Models",
    ),
    *_SLOTS,
    Action(
        id="model.effort",
        label="Effort",
        help="Change how hard the model thinks",
        keys=("alt+e",),
        slash="effort",
        argument="level",
        group="Models",
    ),
    Action(
        id="compare.open",
        label="Compare",
        help="Ask several models side by side, and go back to that view",
        keys=("f6",),
        slash="compare",
        argument="models",
        group="Models",
    ),
    Action(
        id="compare.replay",
        label="Replay",
        help="Ask the whole session again of another model, beside this one; no tool is run",
        keys=("alt+r",),
        slash="replay",
        argument="provider/name",
        group="Models",
    ),
    Action(
        id="compare.scoreboard",
        label="Scoreboard",
        help="Show the ratings that your votes between models amount to",
        keys=("alt+o",),
        slash="scoreboard",
        group="Models",
    ),
    Action(
        id="bench.open",
        label="Benchmarks",
        help="Show how soon and how fast models answered whenever flux-tui bench measured them",
        keys=("alt+g",),
        slash="bench",
        group="Models",
    ),
    Action(
        id="pane.chat",
        label="Chat",
        help="Go to the composer, and back to the chat where panes are tabs",
        keys=("alt+m",),
        slash="chat",
        group="Panes",
    ),
    Action(
        id="pane.tools",
        label="Tools",
        help="Show or hide the tool calls",
        keys=("f7",),
        slash="tools",
        group="Panes",
    ),
    Action(
        id="pane.cost",
        label="Cost",
        help="Show or hide tokens and money",
        keys=("f8",),
        slash="cost",
        group="Panes",
    ),
    Action(
        id="pane.details",
        label="Tool details",
        help="Open arguments and result of the selected tool call, or of the last one",
        keys=("ctrl+o",),
        slash="details",
        group="Panes",
    ),
    Action(
        id="pane.jump",
        label="Jump to call",
        help="Go to the place of the selected tool call in the transcript",
        keys=("alt+j",),
        slash="jump",
        group="Panes",
    ),
    Action(
        id="tools.mode",
        label="Approvals",
        help="Change which tools ask: ask for all but reading, read only, run all, none",
        keys=("shift+tab",),
        slash="approvals",
        argument="mode",
        group="Panes",
    ),
    Action(
        id="session.new",
        label="New session",
        help="Start a new session; this one stays in the list",
        keys=("ctrl+n",),
        slash="new",
        group="Sessions",
    ),
    Action(
        id="session.list",
        label="Sessions",
        help="Find and resume a session",
        keys=("ctrl+s", "f9"),
        slash="sessions",
        group="Sessions",
    ),
    Action(
        id="session.rename",
        label="Rename",
        help="Give this session another title",
        keys=("alt+n",),
        slash="rename",
        argument="title",
        group="Sessions",
    ),
    Action(
        id="prompt.attach",
        label="Attach",
        help="Send a picture, PDF or text file with the message; also by @ or a pasted path",
        keys=("alt+a",),
        slash="attach",
        argument="path",
        group="Composer",
    ),
    Action(
        id="prompt.detach",
        label="Detach",
        help="Take the last attached file away (also Backspace in an empty composer)",
        keys=("alt+d",),
        slash="detach",
        group="Composer",
    ),
    Action(
        id="prompt.editor",
        label="Editor",
        help="Write the message in $EDITOR; answers go on meanwhile",
        keys=("ctrl+g",),
        slash="editor",
        group="Composer",
    ),
    Action(
        id="prompt.search",
        label="Prompt history",
        help="Search what you said before",
        keys=("ctrl+r",),
        slash="history",
        group="Composer",
    ),
    *WRITING,
    Action(
        id="app.palette",
        label="Commands",
        help="Search all commands",
        keys=("ctrl+p",),
        slash="commands",
        group="Program",
    ),
    Action(
        id="app.theme",
        label="Theme",
        help="Change the colours",
        keys=("alt+t",),
        slash="theme",
        argument="name",
        group="Program",
    ),
    Action(
        id="app.help",
        label="Help",
        help="Show keys and commands (? outside the composer)",
        keys=("f1", "question_mark"),
        slash="help",
        group="Program",
        priority=False,
    ),
    Action(
        id="app.suspend",
        label="Suspend",
        help="Put the program to sleep; `fg` in the shell brings it back",
        keys=("ctrl+z",),
        slash="suspend",
        group="Program",
    ),
    Action(
        id="app.quit",
        label="Quit",
        help="Quit; everything is saved (also Ctrl+C twice, Ctrl+D in an empty composer)",
        keys=("ctrl+q",),
        slash="quit",
        group="Program",
    ),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}
BY_SLASH: dict[str, Action] = {action.slash: action for action in ACTIONS if action.slash}

_NAMES = {
    "question_mark": "?",
    "escape": "Esc",
    "f16": "",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def bindings() -> list[Binding]:
    """Return the bindings of the chat screen; every one calls `do` with the action's id."""
    return [
        Binding(
            ",".join(action.keys),
            f"do({action.id!r})",
            action.label,
            id=action.id,
            show=False,
            priority=action.priority,
        )
        for action in ACTIONS
        if action.keys
    ]


def key_name(key: str) -> str:
    """Return a key as people write it: `ctrl+l` is Ctrl+L; empty for terminals' aliases."""
    if key in _NAMES:
        return _NAMES[key]
    if len(key) == 1:
        return key
    return "+".join(word.upper() if len(word) == 1 else word.title() for word in key.split("+"))


def keys_of(action_id: str, overrides: Mapping[str, str]) -> tuple[str, ...]:
    """Return the readable names of the keys of an action, the user's own if there are any."""
    wanted = overrides.get(action_id)
    keys: Iterable[str] = BY_ID[action_id].keys if wanted is None else wanted.split(",")
    return tuple(name for key in keys if (name := key_name(key.strip())))


def near_command(word: str) -> str:
    """Return which command may be meant by *word*, a slash command that does not exist."""
    known = (f"/{name}" for name in BY_SLASH)
    return did_you_mean(f"/{word}", known) or "F1 shows all commands"


def completions(text: str) -> tuple[Action, ...]:
    """Return the actions whose slash command begins with *text*; none if it is no command."""
    if not text.startswith("/") or " " in text or "\n" in text:
        return ()
    return tuple(action for action in ACTIONS if action.slash.startswith(text[1:]))


def keys_page() -> str:
    """Return the documentation page of all keys and commands, in Markdown."""
    lines = [
        "# Keys and commands",
        "",
        "Every action has a key, a slash command and an entry in the command palette (Ctrl+P).",
        "This page is made from `flux_tui/ui/keymap.py` by `python -m flux_tui.ui.keymap`.",
    ]
    group = ""
    for action in ACTIONS:
        if action.group != group:
            group = action.group
            lines += [
                "",
                f"## {group}",
                "",
                "| Keys | Command | Action | Id |",
                "|---|---|---|---|",
            ]
        keys = ", ".join(_cell(key) for key in keys_of(action.id, {}))
        slash = f"/{action.slash}" + (f" [{action.argument}]" if action.argument else "")
        lines.append(f"| {keys} | `{slash}` | {_cell(action.help)} | `{action.id}` |")
    lines += ["", "## Keys of one place"]
    for name, rows in (("Composer", COMPOSER_KEYS), *place_keys({})):
        lines += ["", f"### {name}", "", "| Keys | Action |", "|---|---|"]
        lines += [f"| {_cell(keys)} | {_cell(words)} |" for keys, words in rows]
    return "\n".join([*lines, "", *_OWN_KEYS])


_OWN_KEYS = (
    "## Your own keys",
    "",
    "The table `[keys]` of `config.toml` replaces the keys of an action by its id:",
    "",
    "```toml",
    "[keys]",
    '"model.pick" = "f2,alt+p"',
    '"chat.stop" = "escape"',
    "```",
    "",
    "Keys are named as Textual names them: `ctrl+p`, `shift+f4`, `alt+up`. Terminals send Ctrl+I,",
    "Ctrl+M, Ctrl+H and Ctrl+[ as Tab, Enter, Backspace and Esc: those cannot be bound, nor can",
    "what the composer needs. One key for two actions is an error; who gives an action the key of",
    "another is told at the start which action has lost it. The split view's ids are",
    f"{', '.join(f'`{action.id}`' for action in COLUMN_ACTIONS)}.",
    "",
)


def _cell(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("|", "\\|").replace("[, ]", "`[`, `]`")
    return f"`{text}`" if text in {"[", "]"} else text


if __name__ == "__main__":
    sys.stdout.write(keys_page())

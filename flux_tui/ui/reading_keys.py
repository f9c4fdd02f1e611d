"""The actions of reading the transcript and of writing a message: ids, keys, commands, help.

The keys of `READING` work outside the composer; its commands work there, too.
"""

from __future__ import annotations

from flux_tui.ui.action import Action


def _read(id_: str, key: str, slash: str, label: str, help_: str) -> Action:
    return Action(
        id=f"read.{id_}",
        label=label,
        help=help_,
        keys=(key,),
        slash=slash,
        group="Reading",
        priority=False,
    )


READING: tuple[Action, ...] = (
    _read("next_message", "j", "down", "Next message", "Choose the next message"),
    _read("previous_message", "k", "up", "Previous message", "Choose the previous message"),
    _read("next_block", "J", "nextblock", "Next block", "Choose the next block: text, code, table"),
    _read("previous_block", "K", "prevblock", "Previous block", "Choose the previous block"),
    _read(
        "next_code", "right_square_bracket", "nextcode", "Next code", "Choose the next code block"
    ),
    _read(
        "previous_code",
        "left_square_bracket",
        "prevcode",
        "Previous code",
        "Choose the previous code block",
    ),
    _read("next_error", "e", "nexterror", "Next error", "Choose the next error"),
    _read("previous_error", "E", "preverror", "Previous error", "Choose the previous error"),
    _read("next_hit", "n", "nexthit", "Next hit", "Go to the next place of what was searched"),
    _read("previous_hit", "N", "prevhit", "Previous hit", "Go to the previous place of it"),
    _read("open", "space", "open", "Open", "Open the reasoning or the tool call of what is chosen"),
    _read("fold", "f", "fold", "Fold", "Fold or unfold the chosen message, or the last one"),
    _read("link", "o", "link", "Link", "Show the link of what is chosen, to open or copy it"),
    _read("copy_block", "c", "copyblock", "Copy block", "Copy the chosen block, else the message"),
    _read(
        "copy_table",
        "T",
        "copytable",
        "Copy table",
        "Copy the last table of the message, with tabs between the cells",
    ),
    _read("copy_session", "Y", "copyall", "Copy session", "Copy the whole session as Markdown"),
)

WRITING: tuple[Action, ...] = tuple(
    Action(id=f"prompt.{id_}", label=label, help=help_, keys=keys, slash=slash, group="Composer")
    for id_, keys, slash, label, help_ in (
        ("undo", ("alt+z",), "undo", "Undo", "Take the last change of the text back"),
        ("redo", ("alt+shift+z",), "redo", "Redo", "Make that change again"),
        (
            "expand",
            ("alt+x",),
            "expand",
            "Expand",
            "Show what the pasted chip at the cursor, or an attached text, stands for",
        ),
        (
            "take_back",
            ("alt+q",),
            "unqueue",
            "Take back",
            "Edit the message that was queued last (also Up in an empty composer)",
        ),
    )
)

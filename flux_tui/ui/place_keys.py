"""Keys that are fixed: those of the composer, of a list, of a dialog."""

from __future__ import annotations

from collections.abc import Mapping

from flux_tui.ui.screens.compare_keys import column_keys

COMPOSER_KEYS: tuple[tuple[str, str], ...] = (
    ("Enter", "Send; while an answer runs, send after it, in order"),
    ("Shift+Enter", "New line; also Alt+Enter, Ctrl+J, or \\ at the end of the line"),
    ("Up, Down", "What you said before, at the first and last line; what is queued comes first"),
    ("Tab", "Take the chosen row of the menu; else to the transcript and the panes, and back"),
    ("/", "A command; // begins a text with a slash"),
    ("@", "Attach a file of this folder: Up and Down choose, Tab or Enter takes, Esc closes"),
    ("!", "Run a shell line, after your approval; the next message takes its output along"),
    ("+model", "Ask this one message of another model"),
    ("PageUp, PageDown", "Scroll the transcript, while the text has but one page"),
    ("Backspace", "Remove a chip as one; in an empty composer the last file"),
    ("letters", "Typed in a pane, or in the transcript where they are no key: written here"),
)
"""Keys of the composer itself, for the help screen."""

_COLUMNS = "Split view"

_PLACES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Transcript",
        (
            ("Up, Down, k, j", "Choose a message"),
            ("Shift+Up, Shift+Down, K, J", "Choose a block of it"),
            ("[, ]", "Previous, next code block"),
            ("E, e", "Previous, next error"),
            ("n, N", "Next, previous place of what was searched"),
            ("Enter, Space", "Open its reasoning, or its tool call"),
            ("f", "Fold or unfold the message"),
            ("c, y, T, Y", "Copy the block, the message, its last table, the whole session"),
            ("r", "Ask again"),
            ("o", "Show its link, to open or copy it"),
            ("PageUp, PageDown, Home, End", "Scroll; End follows the answer again"),
            ("Esc", "Choose nothing"),
        ),
    ),
    (
        "Mouse",
        (
            ("Drag", "Choose text, also across messages: Ctrl+C copies it"),
            ("Click", "Open what was thought, a tool call or a link; do what the header names"),
            ("Wheel", "Scroll"),
        ),
    ),
    (
        "Tools",
        (("Enter", "Arguments, result and diff"), ("j", "Its place in the transcript")),
    ),
    (
        "A tool asks",
        (
            ("y", "Run it once"),
            ("s", "Allow this tool in this session (not for commands)"),
            ("n, Esc", "Deny"),
        ),
    ),
    (
        "Model list",
        (
            ("Enter", "Use the model"),
            ("Tab", "What the change means, in the place of the list, and back"),
            ("Ctrl+F", "Make it a favourite, or no longer one"),
            ("Ctrl+T", "Compare it with the present model"),
        ),
    ),
    (
        "A vendor is new",
        (("y", "Let it read the conversation"), ("n, Esc", "Stay with the model")),
    ),
    (
        "Inspector",
        (
            ("Tab", "The other side"),
            ("m", "Another model"),
            ("d, D", "Next, previous difference"),
            ("/, n, N", "Find; next, previous place"),
            ("c", "Copy as a curl command; the key is a variable"),
            ("y", "Copy the body"),
            ("Esc", "Close"),
        ),
    ),
    (_COLUMNS, ()),
    (
        "Models to compare",
        (
            ("Tab, Ctrl+T", "Mark the model, or no longer"),
            ("Enter", "Start with those that are marked"),
            ("Alt+T", "Allow the tools that only read, or none"),
            ("Alt+Y", "Begin blind: no names until you vote"),
        ),
    ),
    (
        "Which is best",
        (("a, b, c, d", "This column"), ("t", "A tie"), ("x", "None is any good")),
    ),
    (
        "Replay",
        (
            ("Esc", "Stop; while nothing runs: back to the chat"),
            ("r", "Go on where it stopped, or ask again what failed"),
            ("a", "Let the session go on with the replay; the original stays as a branch"),
            ("d", "Mark what this answer and the original's do not share"),
            ("l, z", "Scroll together or alone; show one column alone"),
            ("Ctrl+P, F1", "Search these commands; show them"),
        ),
    ),
    (
        "Rubric of a judge",
        (
            ("Ctrl+S", "Send question and answers with this rubric, which is remembered"),
            ("Ctrl+O", "Show the whole prompt"),
            ("Ctrl+R", "Have the rubric that comes with the program"),
        ),
    ),
    (
        "Replay this session?",
        (("y", "Tools give the results they had"), ("t", "Tools run again")),
    ),
    (
        "Scoreboard",
        (("t", "The next tag"), ("e", "Export as CSV, JSON or Markdown"), ("Esc", "Close")),
    ),
    (
        "Benchmarks",
        (
            ("m, M, Left, Right", "Another metric: first token, speed, whole answer, cost"),
            ("p", "The next prompt that was measured with"),
            ("r", "Read the history again"),
            ("Esc", "Close"),
        ),
    ),
    (
        "Session list",
        (
            ("Enter", "Resume"),
            ("Ctrl+N", "New session"),
            ("Ctrl+R", "Rename"),
            ("Ctrl+D twice", "Delete"),
        ),
    ),
)


def place_keys(
    overrides: Mapping[str, str],
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Return the keys that work in one place only, for the help screen and the documentation."""
    columns = column_keys(overrides)
    return tuple((name, columns if name == _COLUMNS else rows) for name, rows in _PLACES)

"""The options in `docs/command-line.md` are those that the parser takes.

`python -m tests.cli.test_options` prints the section of all options anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flux_tui.cli import COMMANDS, build_parser

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")


def test_every_option_is_documented_and_no_other() -> None:
    _, _, told = PAGE.partition("## All options\n")

    assert told.strip() == "\n".join(option_lines()).strip(), (
        "python -m tests.cli.test_options prints it anew"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ask what is this", "nothing takes the words 'is this'; a prompt of several words goes"),
        ("ask hi --theme dark", "--theme dark does not go with this command"),
    ],
)
def test_what_nothing_takes_is_told(
    line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = line.split()
    with pytest.raises(SystemExit) as ended:
        build_parser(given).parse_args(given)

    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def option_lines() -> list[str]:
    """Return the section of all options, made from the parser: a table for each command."""
    root = build_parser(list(COMMANDS))
    lines: list[str] = []
    for name, parser in _below(root):
        rows = list(_rows(parser))
        if rows:
            lines += ["", f"### {name or 'flux-tui'}", "", "| option | means |", "|---|---|", *rows]
    return lines


def _below(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, Any]]:
    yield name, parser
    for action in actions(parser):
        for word, inner in _commands(action).items():
            yield from _below(inner, f"{name} {word}".strip())


def actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # pyright: ignore[reportPrivateUsage] - argparse has no other way


def _commands(action: argparse.Action) -> dict[str, Any]:
    """Return the parsers of subcommands by name; empty for an option."""
    below: Any = action.choices
    return dict(below) if isinstance(below, dict) else {}


def _rows(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in actions(parser):
        names = [*action.option_strings]
        if "--help" in names or _commands(action):
            continue
        if action.choices:
            value = " " + ", ".join(map(str, action.choices))
        elif action.nargs == 0:
            value = ""
        else:
            value = f" {action.metavar or action.dest.upper()}"
        word = ", ".join(names) + value if names else value.strip()
        assert action.help, f"{parser.prog}: {word} has no help"
        yield f"| `{word}` | {action.help} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(option_lines()) + "\n")

"""What README.md and docs/ name is there: commands, options, settings, variables, keys, files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flux_tui.cli import COMMANDS, build_parser
from flux_tui.config.settings import load_settings
from flux_tui.ui.keymap import BY_SLASH
from flux_tui.ui.keymap_check import check_keymap
from flux_tui.ui.screens.compare_keys import BY_SLASH as BY_SLASH_IN_COLUMNS
from tests.cli.test_options import actions

ROOT = Path(__file__).parents[2]
PAGES = {page.name: page.read_text("utf-8") for page in (ROOT / "README.md", *ROOT.glob("docs/*"))}
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SOURCE = "".join(path.read_text("utf-8") for path in (ROOT / "flux_tui").rglob("*.py"))


def blocks(kind: str) -> Iterator[tuple[str, str]]:
    """Yield page and text of each fenced block in the language *kind*."""
    for name, text in PAGES.items():
        yield from ((name, found[2]) for found in FENCE.finditer(text) if found[1] == kind)


def spans(pattern: str) -> list[tuple[str, str]]:
    """Return page and text of what stands between backticks and matches *pattern* as a whole."""
    return [
        (name, found)
        for name, text in PAGES.items()
        for found in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", FENCE.sub("", text))
        if re.fullmatch(pattern, found)
    ]


def command_lines() -> list[tuple[str, str]]:
    lines = [(page, line.strip()) for page, text in blocks("sh") for line in text.splitlines()]
    lines += spans(r"flux-tui( .+)?")
    found: list[tuple[str, str]] = []
    for page, line in lines:
        found += [
            (page, part.strip())
            for part in re.split(r"\||&&|;", re.sub(r"\s#.*|[<>] ?\S+", "", line))
            if re.match(r"flux-tui\b", part.strip())
        ]
    return list(dict.fromkeys(found))


def known_options() -> set[str]:
    waiting = [build_parser(list(COMMANDS))]
    found: set[str] = set()
    while waiting:
        for action in actions(waiting.pop()):
            found.update(action.option_strings)
            below: Any = action.choices  # of subcommands, their parsers by name
            waiting += below.values() if isinstance(below, dict) else []
    return found


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_the_command_line_is_one(page: str, line: str) -> None:
    words = shlex.split(line)[1:]

    if len(words) == 1 and words[0] in COMMANDS:
        return  # it is spoken of, not given whole
    build_parser(words).parse_args(words)


def test_every_option_that_is_named_exists() -> None:
    known = known_options()
    named = [(page, re.split(r"[ ,=]", text)[0]) for page, text in spans(r"--[a-z].*")]

    assert len(named) > 20
    assert [(page, name) for page, name in named if name not in known] == []


@pytest.mark.parametrize(("page", "text"), list(blocks("toml")))
def test_the_settings_of_the_example_are_taken(page: str, text: str, own_home: Path) -> None:
    folder = own_home / "flux"
    folder.mkdir(exist_ok=True)
    indent = len(text) - len(text.lstrip(" "))
    lines = [line[indent:] for line in text.splitlines()]
    (folder / "config.toml").write_text("\n".join(lines), "utf-8")

    settings = load_settings({}, {"FLUX_HOME": str(folder)}, own_home)

    assert settings.warnings == ()
    assert check_keymap(settings.keymap, {})[1] == ()


def test_every_variable_that_is_named_is_read() -> None:
    pattern = r"\b(?:FLUX_[A-Z_]+|[A-Z]+_(?:API_KEY|BASE_URL))\b"
    named = {(page, name) for page, text in PAGES.items() for name in re.findall(pattern, text)}

    assert len(named) > 15
    assert sorted((page, name) for page, name in named if f'"{name}"' not in SOURCE) == []


def test_every_slash_command_that_is_named_exists() -> None:
    known = {*BY_SLASH, *BY_SLASH_IN_COLUMNS}
    named = [
        (page, re.split(r"[ \[]", text[1:])[0]) for page, text in spans(r"/[a-z]+(?:[ \[].*)?")
    ]

    assert len(named) > 20
    assert [(page, name) for page, name in named if name not in known] == []


def test_every_key_that_is_named_is_on_the_page_of_keys() -> None:
    pattern = r"\b(?:(?:Ctrl|Alt|Shift)\+)+(?:F\d+|[A-Z][a-z]+|[A-Z0-9])\b|\bF\d{1,2}\b"
    keys = PAGES["keys.md"]
    named = {
        (page, key)
        for page, text in PAGES.items()
        for key in re.findall(pattern, text)
        if page != "keys.md"
    }

    assert len(named) > 20
    assert (
        sorted((page, key) for page, key in named if not re.search(rf"{re.escape(key)}\b", keys))
        == []
    )


def test_every_file_that_is_named_exists() -> None:
    links = [
        (page, target.partition("#")[0])
        for page, text in PAGES.items()
        for target in re.findall(r"\]\(([^)\s]+)\)", text)
        if "://" not in target and not target.startswith("#")
    ]
    base = {"README.md": ROOT}
    missing = [link for link in links if not (base.get(link[0], ROOT / "docs") / link[1]).exists()]
    paths = spans(r"(?:flux_tui|tests|docs|scripts|bench)/[\w./-]+|[a-z_]+(?:/[a-z_]+)+\.\w+")
    missing += [
        (page, path)
        for page, path in paths
        if not (ROOT / path).exists() and not (ROOT / "flux_tui" / path).exists()
    ]

    assert len(links) > 10
    assert missing == []


def test_every_target_of_make_that_is_named_exists() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        name
        for text in PAGES.values()
        for name in re.findall(r"\bmake ([a-z-]+)\b(?=`| {2})", text)
    }

    assert named
    assert named <= known

"""Tools at their limits: ignore files, races, hostile patterns, terminals and floods."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from pathlib import Path

import pytest

from flux_tui.core.errors import ToolError
from flux_tui.tools.base import ToolContext
from flux_tui.tools.registry import builtin_tools

TOOLS = builtin_tools()


def context(root: Path, **fields: object) -> ToolContext:
    given: dict[str, object] = {"root": root, "emit": lambda _: None, **fields}
    return ToolContext(**given)  # type: ignore[arg-type]


async def run(name: str, root: Path, **arguments: object) -> str:
    return await TOOLS[name].run(arguments, context(root))  # type: ignore[arg-type]


@pytest.fixture
def no_ripgrep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    files = {
        ".gitignore": "*.log\n/build/\nsub/secret/\n",
        "sub/.gitignore": "!keep.log\n",
        "sub/a.py": "needle",
        "sub/b.log": "needle",
        "sub/keep.log": "needle",
        "sub/secret/x.py": "needle",
        "build/out.py": "needle",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n", "utf-8")
    return root


async def test_a_folder_further_down_keeps_the_rules_of_those_above(project: Path) -> None:
    text = await run("list_files", project, path="sub", depth=3)

    assert [line.split()[0] for line in text.splitlines()] == [
        "sub/.gitignore", "sub/a.py", "sub/keep.log",
    ]  # fmt: skip


async def test_an_ignored_folder_is_listed_when_it_is_named(project: Path) -> None:
    assert await run("list_files", project, path="build") == "build/out.py (7 bytes)"


@pytest.mark.usefixtures("no_ripgrep")
async def test_a_search_further_down_keeps_them_too(project: Path) -> None:
    found = await run("search_text", project, pattern="needle", path="sub")

    assert sorted(found.splitlines()) == ["sub/a.py:1:needle", "sub/keep.log:1:needle"]


@pytest.mark.usefixtures("no_ripgrep")
async def test_a_pattern_that_takes_for_ever_is_stopped_and_freezes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flux_tui.tools.builtin.search_text._SECONDS", 1.0)
    (tmp_path / "a.txt").write_text("a" * 60 + "!\n", "utf-8")
    searching = asyncio.ensure_future(run("search_text", tmp_path, pattern="(a+)+$"))
    ticks = 0

    while not searching.done():
        await asyncio.sleep(0.02)
        ticks += 1

    assert ticks > 5
    assert "stopped after 1 s" in searching.result()


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are UTF-8 there")
async def test_names_and_content_in_no_encoding_do_no_harm(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9\x1b[2J.txt")
    (tmp_path / name).write_bytes(b"needle \x9b31m \xff\n")

    listing = await run("list_files", tmp_path)
    found = await run("search_text", tmp_path, pattern="needle")

    for text in (listing, found):
        text.encode()
        assert "\x1b" not in text
        assert "\x9b" not in text


async def test_a_link_that_appears_after_the_preview_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "in").mkdir()
    arguments = {"path": "in/new.txt", "content": "x"}
    preview = await TOOLS["write_file"].preview(arguments, context(root))  # type: ignore[arg-type]
    assert preview is not None
    (root / "in").rmdir()
    (root / "in").symlink_to(outside)

    with pytest.raises(ToolError):
        await TOOLS["write_file"].run(arguments, context(root, approved=preview.fingerprint))  # type: ignore[arg-type]

    assert list(outside.iterdir()) == []


async def test_a_write_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old\n", "utf-8")
    arguments = {"path": "a.txt", "content": "new\n"}
    preview = await TOOLS["write_file"].preview(arguments, context(tmp_path))  # type: ignore[arg-type]
    assert preview is not None
    target.write_text("changed meanwhile\n", "utf-8")

    with pytest.raises(ToolError, match="has changed"):
        await TOOLS["write_file"].run(arguments, context(tmp_path, approved=preview.fingerprint))  # type: ignore[arg-type]

    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.txt"]
    assert target.read_text("utf-8") == "changed meanwhile\n"


async def test_an_executable_stays_one(tmp_path: Path) -> None:
    target = tmp_path / "run.sh"
    target.write_text("echo 1\n", "utf-8")
    target.chmod(0o750)

    await run("write_file", tmp_path, path="run.sh", content="echo 2\n")

    assert stat.S_IMODE(target.stat().st_mode) == 0o750


async def test_a_command_has_no_terminal_and_no_input(tmp_path: Path) -> None:
    text = await run(
        "run_shell",
        tmp_path,
        command="cat; tty; (echo x > /dev/tty) 2>/dev/null || echo none; echo $TERM",
    )

    assert text.split("\n")[:3] == ["not a tty", "none", "dumb"]


async def test_the_output_of_a_command_is_clean_text(tmp_path: Path) -> None:
    text = await run("run_shell", tmp_path, command=r"printf 'a\033]0;t\007b\033[31mc\377\n'")

    assert text == "abc\ufffd\n"


async def test_long_output_keeps_its_head_and_tail(tmp_path: Path) -> None:
    arguments = {"command": "seq 1 100000"}
    text = await TOOLS["run_shell"].run(arguments, context(tmp_path, max_output=1000))  # type: ignore[arg-type]

    assert text.startswith("1\n2\n")
    assert text.rstrip().endswith("\n100000")
    assert "characters left out" in text
    assert len(text) < 1200

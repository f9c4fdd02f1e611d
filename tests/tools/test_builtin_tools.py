from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flux_tui.core.errors import ToolError
from flux_tui.tools.base import Risk, Tool, ToolContext
from flux_tui.tools.registry import builtin_tools

TOOLS = builtin_tools()
OURS = {"list_files", "read_file", "run_shell", "search_text", "write_file"}
BY_PATH = [name for name, tool in TOOLS.items() if "path" in str(tool.schema["properties"])]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


def context(root: Path, **changes: object) -> ToolContext:
    return ToolContext(root=root, emit=lambda _: None, **changes)  # type: ignore[arg-type]


def arguments(name: str, path: str) -> dict[str, object]:
    return {"path": path, "pattern": "x", "content": "x"}


async def run(name: str, root: Path, **arguments: object) -> str:
    return await TOOLS[name].run(arguments, context(root))  # type: ignore[arg-type]


def test_the_tools_are_found_in_the_order_of_their_names() -> None:
    assert list(TOOLS) == sorted(TOOLS)
    assert set(TOOLS) >= OURS


@pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))
def test_every_tool_keeps_the_contract_of_its_description(tool: Tool) -> None:
    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}", tool.name)
    assert tool.schema["type"] == "object"
    properties = tool.schema["properties"]
    assert isinstance(properties, dict)
    required = tool.schema.get("required", [])
    assert isinstance(required, list)
    assert set(required) <= set(properties)
    assert tool.description
    assert tool.risk in get_args(Risk)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("path", "command", "pattern"), JUNK)))
def test_a_summary_of_any_arguments_is_one_clean_line(tool: Tool, junk: dict[str, object]) -> None:
    line = tool.summary(junk)  # type: ignore[arg-type]

    assert len(line) <= 80
    assert "\n" not in line
    assert "\x1b" not in line


@pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))
@given(junk=st.dictionaries(st.sampled_from(("path", "content", "limit")), JUNK))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wrong_arguments_give_a_tool_error_or_a_preview(
    tool: Tool, junk: dict[str, object], tmp_path: Path
) -> None:
    try:
        asyncio.run(tool.preview(junk, context(tmp_path)))  # type: ignore[arg-type]
    except ToolError as problem:
        assert problem.message


@pytest.mark.parametrize("name", BY_PATH)
@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "link/x", "\0", "~/../../x"])
async def test_a_path_out_of_the_folder_is_refused(name: str, path: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "x").write_text("secret x")
    (root / "link").symlink_to(tmp_path)

    with pytest.raises(ToolError):
        await run(name, root, **arguments(name, path))


@pytest.mark.parametrize("name", [name for name in BY_PATH if name != "list_files"])
@pytest.mark.parametrize("path", [".env", ".ENV", ".ssh/config", "id_rsa", "a/server.pem"])
async def test_a_file_with_secrets_is_refused(name: str, path: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text("x=1")
    (tmp_path / "harmless").symlink_to(path)

    for way in (path, "harmless"):
        with pytest.raises(ToolError, match="secrets"):
            await run(name, tmp_path, **arguments(name, way))


async def test_a_pipe_in_place_of_a_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for name in ("read_file", "write_file"):
        with pytest.raises(ToolError, match="regular file"):
            await asyncio.wait_for(run(name, tmp_path, **arguments(name, "pipe")), 60)


async def test_a_stretch_of_a_file_says_where_it_is_from(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\ntwo\nthree\n")

    text = await run("read_file", tmp_path, path="a", offset=2, limit=1, line_numbers=True)

    assert text == "     2  two\n[lines 2 to 2 of 3]"
    assert await run("read_file", tmp_path, path="a") == "one\ntwo\nthree\n"


async def test_binary_files_and_control_characters_do_not_reach_the_model(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"\x89PNG\0\0\x1b[2J")
    (tmp_path / "c").write_bytes(b"a\x1b[2Jb\n\xff")

    assert await run("read_file", tmp_path, path="b") == "[binary file, 10 bytes, PNG image]"
    text = await run("read_file", tmp_path, path="c")
    assert text.startswith("ab\n\ufffd\n[")
    assert "not UTF-8" in text


async def test_a_huge_sparse_file_is_read_in_bounds(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.write(b"text\n" * 100_000)
        file.truncate(5 << 30)

    started = time.monotonic()
    text = await run("read_file", tmp_path, path="huge", limit=10)

    assert time.monotonic() - started < 30
    assert "5,368,709,120" in text


async def test_a_listing_leaves_out_what_gitignore_names(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / ".gitignore").write_text("*.log\nout/\n")
    for name in ("a.py", "b.log", "out/c", "in/d.py", "in/e.log"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("12345")

    text = await run("list_files", root, depth=3)

    assert text.splitlines() == [
        *(".gitignore (11 bytes)", "a.py (5 bytes)", "in/", "in/d.py (5 bytes)")
    ]


async def test_a_search_finds_lines_and_never_those_of_secret_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("alpha\nneedle here\n")
    (tmp_path / "b.txt").write_text("NEEDLE\n")
    (tmp_path / ".env").write_text("needle=1\n")
    (tmp_path / "re.py").write_text("raise SystemExit(9)\n")

    assert await run("search_text", tmp_path, pattern="needle") == "a.py:2:needle here"
    assert await run("search_text", tmp_path, pattern="nothing-like-it") == "[no match]"
    both = await run("search_text", tmp_path, pattern="needle", ignore_case=True)
    assert both == "a.py:2:needle here\nb.txt:1:NEEDLE"
    assert "b.txt" in await run(
        "search_text", tmp_path, pattern="needle", ignore_case=True, glob="*.txt"
    )


async def test_a_wrong_pattern_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="search failed"):
        await run("search_text", tmp_path, pattern="(")


async def test_ripgrep_is_used_where_it_is_and_one_closed_file_does_not_spoil_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "rg"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho ./a.py:1:x\necho ./.env:1:x\nexit 2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    assert await run("search_text", tmp_path, pattern="x") == "a.py:1:x"

    program.write_text("#!/bin/sh\necho 'regex parse error: x'\nexit 2\n")
    with pytest.raises(ToolError, match="parse error"):
        await run("search_text", tmp_path, pattern="x")


async def test_a_new_file_is_written_with_its_folders(tmp_path: Path) -> None:
    said = await run("write_file", tmp_path, path="a/b/c.txt", content="hé\n")

    assert (tmp_path / "a/b/c.txt").read_text() == "hé\n"
    assert said == "created a/b/c.txt (4 bytes)"
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["c.txt"]


async def test_a_replaced_file_keeps_mode_line_endings_and_mark(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    file.chmod(0o750)

    await run("write_file", tmp_path, path="a", content="three\nfour\n")

    assert file.read_bytes() == b"\xef\xbb\xbfthree\r\nfour\r\n"
    assert file.stat().st_mode & 0o777 == 0o750


async def test_a_file_changed_since_its_preview_is_not_written(tmp_path: Path) -> None:
    tool, wanted = TOOLS["write_file"], {"path": "a", "content": "new\n"}
    (tmp_path / "a").write_text("old\n")
    preview = await tool.preview(wanted, context(tmp_path))  # type: ignore[arg-type]
    assert preview is not None
    assert preview.text.splitlines() == ["--- a/a", "+++ b/a", "@@ -1 +1 @@", "-old", "+new"]

    (tmp_path / "a").write_text("other\n")
    with pytest.raises(ToolError, match="changed"):
        await tool.run(wanted, context(tmp_path, approved=preview.fingerprint))  # type: ignore[arg-type]
    (tmp_path / "a").write_text("old\n")
    await tool.run(wanted, context(tmp_path, approved=preview.fingerprint))  # type: ignore[arg-type]

    assert (tmp_path / "a").read_text() == "new\n"


async def test_a_command_gives_output_and_status_as_it_comes(tmp_path: Path) -> None:
    seen: list[str] = []
    live = ToolContext(root=tmp_path, emit=seen.append)

    text = await TOOLS["run_shell"].run({"command": "echo out; echo err >&2; exit 3"}, live)

    assert text == "out\nerr\n[exit status 3]"
    assert "".join(seen) == "out\nerr\n"


async def test_no_key_reaches_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("SOME_TOKEN", "very-secret")

    text = await run("run_shell", tmp_path, command="env; cat; tty")

    assert "very-secret" not in text
    assert "not a tty" in text


def alive(folder: Path) -> bool:
    number = int((folder / "pid").read_text())
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def gone(folder: Path) -> bool:
    deadline = time.monotonic() + 30  # a killed process needs a moment of the kernel's
    while alive(folder) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    return not alive(folder)


@pytest.mark.parametrize("way", ["", "setsid ", "nohup "])
async def test_what_a_command_leaves_behind_is_ended_and_not_waited_for(
    way: str, tmp_path: Path
) -> None:
    command = (
        f"{way}bash -c 'echo $$ > pid; exec sleep 60' & while [ ! -s pid ]; do sleep .01; done"
    )
    started = time.monotonic()

    await run("run_shell", tmp_path, command=command)

    assert time.monotonic() - started < 30
    assert await gone(tmp_path)


async def test_a_command_over_its_time_is_ended_with_its_children(tmp_path: Path) -> None:
    tool = TOOLS["run_shell"]
    command = "trap '' TERM; bash -c 'echo $$ > pid; exec sleep 60'; sleep 60"

    text = await tool.run({"command": command, "timeout": 1}, context(tmp_path))

    assert "stopped after 1 s" in text
    assert await gone(tmp_path)


async def test_a_stopped_command_is_ended_with_its_children(tmp_path: Path) -> None:
    task = asyncio.create_task(
        run("run_shell", tmp_path, command="bash -c 'echo $$ > pid; exec sleep 60'; true")
    )
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        await asyncio.sleep(0.01)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await gone(tmp_path)


async def test_a_flood_of_output_is_cut_and_ended(tmp_path: Path) -> None:
    text = await TOOLS["run_shell"].run({"command": "yes"}, context(tmp_path, max_output=1000))

    assert len(text) < 1200
    assert "characters left out" in text
    assert "bytes of output" in text


async def test_only_the_approved_command_runs(tmp_path: Path) -> None:
    tool = TOOLS["run_shell"]
    preview = await tool.preview({"command": "echo a\u202eb"}, context(tmp_path))
    assert preview is not None
    assert preview.text == "echo a\\u202eb"

    with pytest.raises(ToolError, match="approved"):
        await tool.run({"command": "touch x"}, context(tmp_path, approved=preview.fingerprint))

    assert not (tmp_path / "x").exists()

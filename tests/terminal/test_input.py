"""What comes in from the terminal: huge and hostile pastes, broken bytes, sizes, no colours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal.program import Program

pytestmark = [pytest.mark.terminal, pytest.mark.slow]
START, END = b"\x1b[200~", b"\x1b[201~"


def started(program: Program) -> Program:
    program.wait_for("Ready", "context")
    return program


def user_texts(folder: Path) -> list[str]:
    words = [sys.executable, "-m", "flux_tui", "sessions", "export", "last", "--format", "json"]
    done = subprocess.run(
        words, check=True, cwd=folder, env=dict(os.environ), capture_output=True, timeout=60
    )
    messages = json.loads(done.stdout)["messages"]
    return [m["parts"][0]["text"] for m in messages if m["role"] == "user"]


def test_a_paste_of_a_megabyte_is_a_chip_that_is_sent_whole(tmp_path: Path) -> None:
    line = b"the same line again and again, number %06d\n"
    pasted = b"".join(line % number for number in range(25_000))
    with Program(("--demo",), env={"FLUX_SIM_SPEED": "0"}, cwd=tmp_path) as program:
        started(program)
        program.raw(START + pasted + END)
        program.wait_for("[pasted 25,000 lines]")
        program.type(" and a question")
        program.wait_for("and a question")
        program.press("enter")
        program.wait_for("Flux TUI simulator", "Ready")
        program.press("ctrl+q")
        assert program.wait_exit() == 0
    (text,) = user_texts(tmp_path)
    assert text == pasted.decode() + " and a question"


def test_what_is_inside_a_paste_presses_no_keys(tmp_path: Path) -> None:
    # Escape, Ctrl+Q, Ctrl+C twice, F1, up, broken UTF-8, a title and a mode of the terminal.
    inside = b"one \x1b\x11\x03\x03\x1bOP\x1b[A\xff\xfe\xc3(\x1b]0;evil\x07\x1b[?1049l two"
    with Program(("--demo",), cwd=tmp_path) as program:
        started(program)
        program.raw(START + inside + b"\rthree" + END)
        program.wait_for("one ", " two", "three")
        assert "You" not in program.text, "the paste was sent"
        program.type(" four")
        program.wait_for("three four")
        assert b"evil\x07" not in program.output
        program.press("ctrl+q")
        assert program.wait_exit() == 0
        assert program.disorder() == []


def test_a_paste_answers_no_approval(tmp_path: Path) -> None:
    with Program(("--demo",), env={"FLUX_SIM_SPEED": "0"}, cwd=tmp_path) as program:
        started(program)
        program.type("run touch made")
        program.press("enter")
        program.wait_for("Allow run_shell?")
        program.read(1)
        program.raw(START + b"y\ry\r" + END + START + b"y" + END)
        program.read(2)
        assert "Allow run_shell?" in program.text
        program.press("n")
        program.wait_for("Allow run_shell?", gone=True)
        program.wait_for("Ready")
        assert not (tmp_path / "made").exists()


def test_a_paste_that_never_ends_takes_the_keyboard_for_a_moment_only(tmp_path: Path) -> None:
    with Program(("--demo",), cwd=tmp_path) as program:
        started(program)
        program.raw(START + b"begun")
        program.wait_for("begun")
        program.press("ctrl+q")
        assert program.wait_exit() == 0


def test_broken_utf8_between_keys_does_no_harm(tmp_path: Path) -> None:
    with Program(("--demo",), cwd=tmp_path) as program:
        started(program)
        program.raw(b"a\xff\xfe\x80b\xc3(c\xf0\x9f")
        program.read(0.3)
        program.raw(b"d")
        program.wait_for("b", "(c", "d")
        program.press("ctrl+q")
        assert program.wait_exit() == 0


def test_a_storm_of_sizes_while_an_answer_streams(tmp_path: Path) -> None:
    sizes = [(20, 6), (200, 60), (1, 1), (200, 1), (1, 60), (40, 12), (79, 9), (120, 40)]
    with Program(("--demo",), env={"FLUX_SIM_SPEED": "400"}, cwd=tmp_path) as program:
        started(program)
        program.type("tell me a long story")
        program.press("enter")
        program.wait_for("Writing")
        for turn in range(9):
            for columns, rows in sizes:
                program.resize(columns, rows)
                program.read(0.02 if turn % 3 else 0.002)
        program.resize(20, 6)
        program.wait_for("The terminal is too", "small.")
        program.resize(120, 40)
        program.wait_for("tell me a long story", "Ready", seconds=90)
        program.type("next")
        program.wait_for("next")
        program.press("ctrl+q")
        assert program.wait_exit() == 0
        assert program.disorder() == []


def test_no_color_shows_no_colour(tmp_path: Path) -> None:
    with Program(("--demo",), env={"NO_COLOR": "1"}, cwd=tmp_path) as program:
        started(program)
        program.press("ctrl+q")
        assert program.wait_exit() == 0
        colours = {
            code
            for codes in re.findall(rb"\x1b\[([\d;]*)m", program.output)
            if (
                code := re.search(rb"\b(?:38;2;(\d+);(\d+);(\d+)|38;5|48;5|3[1-6]|4[1-6])\b", codes)
            )
            and len(set(code.groups())) != 1
        }
        assert colours == set()


@pytest.mark.parametrize("language", ["C", "POSIX"])
def test_a_plain_locale_is_no_obstacle(language: str, tmp_path: Path) -> None:
    env = {"LANG": language, "LC_ALL": language, "PYTHONIOENCODING": "latin-1"}
    with Program(("--demo",), env=env, cwd=tmp_path) as program:
        started(program)
        program.type("hello")
        program.wait_for("hello")
        program.press("ctrl+q")
        assert program.wait_exit() == 0

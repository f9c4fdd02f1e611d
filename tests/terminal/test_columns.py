"""The split view in a real terminal: a kill in the middle loses nothing that was shown."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.terminal.drafts import all_hold
from tests.terminal.program import Program

pytestmark = [pytest.mark.terminal, pytest.mark.slow]

TWO = "anthropic/claude-opus-5 openai/gpt-5.5"


def test_answers_of_columns_that_were_killed_come_back_beside_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    env = {"FLUX_HOME": str(tmp_path / "home"), "FLUX_SIM_SPEED": "60"}
    with Program(("--demo",), size=(140, 40), env=env, cwd=folder) as program:
        program.wait_for("Ready", "F1")
        program.type(f"/compare {TWO}")
        program.press("enter")
        program.wait_for("to all columns")
        program.type("bench n=2000 r=60 k=prose id=KILLED")
        program.press("enter")
        program.wait_for("2 of 2 answering", "tok/s")
        before = re.compile(r"alphaKILLED")
        program.wait_until(lambda: len(before.findall(program.text)) >= 2, "begun by both")
        home = tmp_path / "home"
        program.wait_until(lambda: all_hold(home, "alphaKILLED", count=2), "stored for both")
        program.signal(signal.SIGKILL)
        assert program.wait_exit() == -signal.SIGKILL

    with Program(("--demo", "--continue"), size=(140, 40), env=env, cwd=folder) as program:
        program.wait_for("Ready", "F1")
        program.press("f6")
        program.wait_for("Go on comparing?")
        program.read(0.6)
        program.press("enter")
        program.wait_for("to all columns", "claude-opus-5", "gpt-5.5")
        program.type("\x1b1\x1b1")
        program.press("tab", "home")
        text = program.wait_for("alphaKILLED")

        assert len(before.findall(text)) == 2
        assert text.count("stopped") >= 2
        program.press("ctrl+q")
        assert program.wait_exit() == 0


def test_quitting_while_columns_answer_ends_at_once_and_keeps_them(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    env = {"FLUX_HOME": str(tmp_path / "home"), "FLUX_SIM_SPEED": "60"}
    with Program(("--demo",), size=(80, 24), env=env, cwd=folder) as program:
        program.wait_for("Ready", "F1")
        program.type(f"/compare {TWO}")
        program.press("enter")
        program.wait_for("to all columns")
        program.type("bench n=2000 r=60 k=prose id=LEFT")
        program.press("enter")
        program.wait_for("2 of 2 answering", "alphaLEFT")
        program.press("ctrl+q")
        assert program.wait_exit() == 0
        assert program.disorder() == []

    with Program(("--demo", "--continue"), size=(80, 24), env=env, cwd=folder) as program:
        program.wait_for("Ready")
        program.press("f6")
        program.wait_for("Go on comparing?")
        program.read(0.6)
        program.press("enter")
        program.wait_for("to all columns", "stopped")
        program.press("tab", "home")
        program.wait_for("alphaLEFT")
        program.type("\x1b2")
        program.press("home")
        program.wait_for("B  gpt-5.5", "alphaLEFT")

"""The program on homes of every kind: full, shared by two, read-only, broken."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from flux_tui.core.messages import Message, Text, user_message
from flux_tui.core.models import ModelRef
from flux_tui.storage.sqlite import SqliteStore
from tests.terminal.program import Program

pytestmark = [pytest.mark.terminal, pytest.mark.slow]
FAST = {"FLUX_SIM_SPEED": "0"}


def started(program: Program) -> Program:
    program.wait_for("Ready", "context")
    return program


def home() -> Path:
    return Path(os.environ["FLUX_HOME"])


async def test_a_session_of_thousands_of_messages_opens_and_goes_on(tmp_path: Path) -> None:
    store = SqliteStore(home() / "data" / "flux.db")
    session = await store.create(title="A long one")
    model, parent = ModelRef("anthropic", "claude-sonnet-5"), None
    for index in range(1_500):
        question = user_message(f"Question {index}")
        await store.append(session, question if parent is None else _after(question, parent))
        answer = Message(
            role="assistant",
            parts=(Text(f"Answer {index}\n\n- one\n- **two**"),),
            model=model,
            stop="end",
            parent=question.id,
        )
        await store.append(session, answer)
        parent = answer.id
    await store.aclose()

    with Program(("--demo", "--continue"), env=FAST, cwd=tmp_path) as program:
        program.wait_for("Question 1499", "Answer 1499", "Ready")
        program.type("and one more")
        program.press("enter")
        program.wait_for("message 1501 of our conversation", "Ready")
        program.press("ctrl+q")
        assert program.wait_exit() == 0


def _after(message: Message, parent: str) -> Message:
    from dataclasses import replace

    return replace(message, parent=parent)


def test_two_programs_on_one_home_keep_both_conversations(tmp_path: Path) -> None:
    with (
        Program(("--demo",), env=FAST, cwd=tmp_path) as first,
        Program(("--demo",), env=FAST, cwd=tmp_path) as second,
    ):
        for program, words in ((first, "from the first"), (second, "from the second")):
            started(program)
            program.type(words)
            program.press("enter")
            program.wait_for(words, "Flux TUI simulator", "Ready")
        for program in (first, second):
            program.press("ctrl+q")
            assert program.wait_exit() == 0
    with sqlite3.connect(home() / "data" / "flux.db") as database:
        (count,) = database.execute("SELECT count(*) FROM session").fetchone()
        (sound,) = database.execute("PRAGMA integrity_check").fetchone()
    database.close()
    assert (count, sound) == (2, "ok")


def test_the_session_that_is_open_elsewhere_is_not_written_twice(tmp_path: Path) -> None:
    with Program(("--demo",), env=FAST, cwd=tmp_path) as first:
        started(first)
        first.type("mine")
        first.press("enter")
        first.wait_for("Flux TUI simulator", "Ready")
        with Program(("--demo", "--continue"), env=FAST, cwd=tmp_path) as second:
            second.wait_for("mine", "Flux TUI simulator", "Another Flux TUI")
            second.press("ctrl+q")
            assert second.wait_exit() == 0
        first.press("ctrl+q")
        assert first.wait_exit() == 0


def test_a_home_that_cannot_be_written_is_said_and_the_chat_works(tmp_path: Path) -> None:
    home().mkdir()
    (home() / "data").write_text("in the way of a folder; not even root can write below it")
    with Program(("--demo",), env=FAST, cwd=tmp_path) as program:
        started(program)
        program.wait_for("memory")
        program.type("hello")
        program.press("enter")
        program.wait_for("Flux TUI simulator", "Ready")
        program.press("ctrl+q")
        assert program.wait_exit() == 0
        assert program.disorder() == []


def test_a_database_that_is_none_is_put_aside_and_said(tmp_path: Path) -> None:
    folder = home() / "data"
    folder.mkdir(parents=True)
    (folder / "flux.db").write_bytes(b"this was a database once" * 500)
    with Program(("--demo",), env=FAST, cwd=tmp_path) as program:
        started(program)
        program.wait_for("corrupt")
        program.press("ctrl+q")
        assert program.wait_exit() == 0
    assert list(folder.glob("flux.db.corrupt-*"))


def test_a_wrong_setting_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    home().mkdir()
    (home() / "config.toml").write_text('approval = "sometimes"\n')
    with Program(("--demo",), cwd=tmp_path) as program:
        assert program.wait_exit() == 2
        assert "config.toml" in program.text.replace("\n", "")
        assert "approval" in program.text
        assert b"\x1b[?1049h" not in program.output

"""`flux-tui ask` on the simulator: shapes, exit statuses, and what goes where."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import aclosing, closing
from decimal import Decimal
from pathlib import Path

import pytest

from flux_tui import headless as command
from flux_tui.config.settings import load_settings
from flux_tui.core.errors import InputError
from flux_tui.core.messages import Message, Text
from flux_tui.core.models import ModelRef
from flux_tui.headless import Question, ask
from flux_tui.session import piped
from flux_tui.session.attachments import read_attachment
from flux_tui.session.wiring import Runtime
from flux_tui.storage.sqlite import SqliteStore
from tests.interrupting import interrupted


def runtime(tmp_path: Path, **overrides: str) -> Runtime:
    settings = load_settings(
        {"sim_speed": "100000", "tools": "none", "approval": "none", **overrides},
        {"FLUX_HOME": str(tmp_path / "home")},
        tmp_path,
    )
    return Runtime(settings, root=tmp_path)


async def run(tmp_path: Path, question: Question, **overrides: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = await ask(runtime(tmp_path, **overrides), question, out, err)
    return status, out.getvalue(), err.getvalue()


async def test_the_answer_goes_to_stdout_and_the_rest_to_stderr(tmp_path: Path) -> None:
    status, out, err = await run(tmp_path, Question(prompt="Hello"))

    assert status == 0
    assert out.strip()
    assert out.endswith("\n")
    assert "\x1b" not in out
    assert err == "flux-tui: The built-in simulator answers; no key is used, nothing is spent.\n"


async def test_json_is_one_object_of_the_documented_shape(tmp_path: Path) -> None:
    status, out, _ = await run(tmp_path, Question(prompt="Hello", output="json"))

    assert status == 0
    (line,) = out.splitlines()
    answer = json.loads(line)
    assert {
        "text", "model", "stop", "usage", "cost", "ttft_ms", "duration_ms", "session", "tool_calls",
    } <= answer.keys()  # fmt: skip
    assert answer["stop"] == "end"
    assert answer["cost"]["basis"] == "simulated"
    Decimal(answer["cost"]["usd"])
    assert {"input", "cache_read", "cache_write", "output", "reasoning"} <= answer["usage"].keys()
    assert answer["tool_calls"] == []
    assert 0 <= answer["ttft_ms"] <= answer["duration_ms"]


async def test_stream_json_is_one_event_a_line(tmp_path: Path) -> None:
    status, out, _ = await run(tmp_path, Question(prompt="Hello", output="stream-json"))

    events = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert all("type" in event for event in events)
    assert events[0]["type"] == "committed"
    assert [event["type"] for event in events[-2:]] == ["turn_ended", "result"]
    assert events[-1]["text"]


async def test_a_session_goes_on_and_may_change_its_model(tmp_path: Path) -> None:
    _, out, _ = await run(tmp_path, Question(prompt="Hello", output="json"))
    first = json.loads(out)
    question = Question(
        prompt="And now?", output="json", session=first["session"], model="openai/gpt-5.5"
    )

    status, out, _ = await run(tmp_path, question)

    assert status == 0
    assert json.loads(out)["session"] == first["session"]
    assert json.loads(out)["model"] == "openai/gpt-5.5"


async def test_a_vendor_that_reads_a_session_for_the_first_time_is_told_before(
    tmp_path: Path,
) -> None:
    _, out, _ = await run(tmp_path, Question(prompt="Hello", output="json"))
    session = json.loads(out)["session"]
    told = "OpenAI has read nothing of this session yet: 2 messages go to it now"

    asked = Question(prompt="sim: fault=500", session=session, model="openai/gpt-5.5")
    _, _, err = await run(tmp_path, asked)
    again = Question(prompt="And now?", session=session, model="openai/gpt-5.5")
    _, _, later = await run(tmp_path, again)

    lines = err.splitlines()
    assert any(told in line for line in lines)
    # Told before anything was sent, so before what went wrong with it.
    assert told in lines[1]
    assert "has read nothing" not in later


async def test_a_vendor_that_nobody_named_gets_no_session(tmp_path: Path) -> None:
    _, out, _ = await run(tmp_path, Question(prompt="Hello", output="json"))
    session = json.loads(out)["session"]
    first = json.loads(out)["model"].partition("/")[0]
    await _answered_by(tmp_path, session, "gone/for-good")

    status, out, err = await run(
        tmp_path, Question(prompt="And now?", session=session), model="openai/gpt-5.5"
    )

    assert first == "anthropic"
    assert (status, out) == (2, "")
    assert "name the model: -m openai/gpt-5.5" in err


async def _answered_by(tmp_path: Path, session: str, model: str) -> None:
    """Let *session* end with an answer of a model that is not on offer."""
    async with aclosing(SqliteStore(runtime(tmp_path).settings.paths.database)) as store:
        tip = (await store.load(session)).path[-1]
        asked = Message(role="user", parts=(Text("More"),), parent=tip.id)
        answer = Message(
            role="assistant", parts=(Text("Yes"),), parent=asked.id, model=ModelRef.parse(model)
        )
        for message in (asked, answer):
            await store.append(session, message)


async def test_a_file_is_attached(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Remember the milk", "utf-8")
    question = Question(
        prompt="What is it?",
        attachments=(read_attachment(tmp_path / "notes.txt"),),
        output="stream-json",
    )

    status, out, _ = await run(tmp_path, question)

    assert status == 0
    assert "notes.txt" in out.splitlines()[0]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question(prompt="Hi", model="nowhere/x"), "there is no model"),
        (Question(prompt="Hi", session="none"), "there is no session 'none'"),
    ],
)
async def test_wrong_input_is_one_sentence_and_status_2(
    tmp_path: Path, question: Question, words: str
) -> None:
    status, out, err = await run(tmp_path, question)

    assert (status, out) == (2, "")
    assert words in err.splitlines()[-1]


async def test_a_failing_provider_is_status_1_with_what_to_do(tmp_path: Path) -> None:
    status, out, err = await run(tmp_path, Question(prompt="Hi", model="anthropic/not-a-model"))

    assert status == 1
    assert out == ""
    assert "not-a-model" in err.splitlines()[-1]


async def test_a_budget_that_is_reached_is_status_3(tmp_path: Path) -> None:
    question = Question(prompt="Hello", max_cost=Decimal("0.0000001"))

    status, out, err = await run(tmp_path, question)

    assert status == 3
    assert out.strip()
    assert "the budget of $0.0000001 was reached" in err


async def test_a_budget_without_a_price_is_refused(tmp_path: Path) -> None:
    question = Question(prompt="Hi", model="openai/made-up", max_cost=Decimal(1))

    status, _, err = await run(tmp_path, question)

    assert status == 3
    assert "the price of openai/made-up is not known" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupt_keeps_what_has_arrived(tmp_path: Path, number: signal.Signals) -> None:
    async def interrupt() -> None:
        while not drafts(tmp_path / "home" / "data" / "flux.db"):
            await asyncio.sleep(0.02)
        os.kill(os.getpid(), number)

    interrupting = asyncio.create_task(interrupt())
    status, out, err = await run(tmp_path, Question(prompt="Hello", output="json"), sim_speed="2")

    await interrupting
    assert status == 130
    assert json.loads(out)["stop"] == "aborted"
    assert json.loads(out)["usage"]["estimated"] is True
    assert "interrupted; what had arrived of the answer is kept" in err


def drafts(path: Path) -> int:
    """How many answers in flight are stored."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'draft'").fetchone():
            return 0
        return database.execute("SELECT count(*) FROM draft").fetchone()[0]


async def test_a_reader_that_leaves_ends_the_turn(tmp_path: Path) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    status = await ask(runtime(tmp_path), Question(prompt="Hello"), Gone(), io.StringIO())

    assert status == 0


def parse(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["ask", *argv])


class Piped(io.TextIOWrapper):
    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLUX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FLUX_SIM_SPEED", "100000")
    monkeypatch.setenv("FLUX_DEMO", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_prompt_and_pipe_are_joined(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b"the piped \xff text\n"))
    args = parse("Sum up", "--stream-json", "-m", "openai/gpt-5.5", "--demo")

    status = args.run(args)

    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert status == 0
    assert first["message"]["parts"][0]["text"] == "Sum up\n\nthe piped \ufffd text"


def test_no_prompt_is_wrong_usage(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b""))

    with pytest.raises(InputError, match="there is no prompt; write it"):
        command.run(parse())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "what comes through the pipe is no text"),
        ("hello".encode("utf-16"), "what comes through the pipe is no text"),
        (b"\x1b[2J \x07\n", "there is no prompt"),
    ],
)
def test_a_pipe_without_text_is_refused(
    data: bytes, told: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(data))

    with pytest.raises(InputError, match=told):
        command.run(parse())


def test_a_mark_of_order_is_no_part_of_the_prompt(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Piped("\ufeffhello".encode()))

    assert piped.read_prompt("") == "hello"


def test_a_file_that_is_not_there_is_refused_by_its_name(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b""))

    with pytest.raises(InputError, match=r"none\.txt cannot be attached"):
        command.run(parse("Hi", "--attach", "none.txt"))


@pytest.mark.slow
def test_a_file_that_never_ends_does_not_outlive_an_interrupt(home: Path) -> None:
    os.mkfifo(home / "pipe")
    words = ["ask", "Hi", "--attach", str(home / "pipe")]
    script = (
        "import signal; from flux_tui.cli import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background\n"
        f"raise SystemExit(main({words!r}))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    told = interrupted(process, home / "pipe", tries=60)

    assert (process.returncode, told) == (130, "")


def test_a_pipe_without_end_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piped, "MAX_PIPED", 10)
    monkeypatch.setattr(sys, "stdin", Piped(b"x" * 11))

    with pytest.raises(InputError, match="larger than"):
        command.run(parse())


@pytest.mark.parametrize("amount", ["0", "-1", "nan", "inf", "much"])
def test_a_budget_must_be_an_amount(amount: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parse("Hi", f"--max-cost={amount}")

    assert raised.value.code == 2
    assert "is no amount of US dollars" in capsys.readouterr().err


def test_a_budget_may_carry_its_sign() -> None:
    assert parse("Hi", "--max-cost", "$0.25").max_cost == Decimal("0.25")


async def test_a_command_is_not_offered_where_nobody_can_allow_it(tmp_path: Path) -> None:
    status, out, _ = await run(
        tmp_path, Question(prompt="run echo hi", output="json"), tools="all", approval="all"
    )

    assert status == 0
    assert [call["name"] for call in json.loads(out)["tool_calls"]] == []

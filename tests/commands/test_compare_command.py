"""`flux-tui compare`, as a user calls it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flux_tui.commands import compare_output as output

TWO = ("-m", "anthropic/claude-opus-5-5", "-m", "openai/gpt-5.5")
FAST = {"FLUX_DEMO": "1", "FLUX_SIM_SPEED": "100000"}


def flux(*words: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flux_tui", *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **FAST, **environ},
    )


def compared(*words: str, stdin: str = "") -> Any:
    done = flux("compare", *words, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    lines = [{"prompt": "one"}, {"prompt": "two", "id": "b", "system": "Be brief."}]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    return path


def test_json_is_the_promised_object() -> None:
    found = compared("Hello", *TWO)

    assert {"prompt", "answers", "judge"} <= found.keys()
    assert found["judge"] is None
    assert [a["model"] for a in found["answers"]] == [TWO[1], TWO[3]]
    for answer in found["answers"]:
        assert {
            "text", "model", "stop", "usage", "cost", "ttft_ms", "duration_ms", "session",
            "tool_calls", "tokens_per_s", "error",
        } <= answer.keys()  # fmt: skip
        assert answer["text"]
        assert answer["error"] == ""


@pytest.mark.slow
def test_the_answers_are_branches_of_one_stored_session_and_count_as_cost() -> None:
    found = compared("Hello", *TWO)

    sessions = json.loads(flux("sessions", "list", "--json").stdout)
    spent = json.loads(flux("cost", "--json").stdout)
    assert {answer["session"] for answer in found["answers"]} == {sessions[0]["id"]}
    assert len(sessions) == 1
    assert sessions[0]["messages"] == 3
    assert {row["key"] for row in spent} == {TWO[1], TWO[3]}


@pytest.mark.slow
def test_no_tools_are_offered_unless_readers_are_wished() -> None:
    none = compared("list files", *TWO)
    read = compared("list files", *TWO, "--tools", "read")

    assert all(answer["tool_calls"] == [] for answer in none["answers"])
    assert all(answer["tool_calls"] for answer in read["answers"])


def test_a_model_that_fails_holds_up_no_other() -> None:
    done = flux("compare", "Hi", "-m", "openai/gpt-5.5", "-m", "anthropic/none", "--json")

    good, bad = json.loads(done.stdout)["answers"]
    assert done.returncode == 1
    assert (good["error"], bool(good["text"])) == ("", True)
    assert "none" in bad["error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verdict", "winner", "agree", "bias"),
    [("tie", "tie", True, False), ("A", None, False, True), ("none", None, False, False)],
)
def test_a_judge_counts_only_if_both_orders_agree(
    tmp_path: Path, verdict: str, winner: str | None, agree: bool, bias: bool
) -> None:
    said = json.dumps(json.dumps({"reason": "Because.", "winner": verdict}))
    rubric = tmp_path / "rubric.txt"
    rubric.write_text(f"\nsim: text={said}\n", "utf-8")

    done = flux("compare", "Hi", *TWO, "--judge", "openai/gpt-5.4", "--json",
                "--rubric", str(rubric))  # fmt: skip

    judge = json.loads(done.stdout)["judge"]
    assert done.returncode == (1 if verdict == "none" else 0), done.stderr
    assert (judge["winner"], judge["agree"], judge["position_bias"]) == (winner, agree, bias)
    assert [one["order"] for one in judge["judgements"]] == [[TWO[1], TWO[3]], [TWO[3], TWO[1]]]
    assert float(judge["cost"]["usd"]) > 0


def test_the_pipe_comes_behind_the_prompt() -> None:
    found = compared("Review this", *TWO, stdin="+ a line\n")

    assert found["prompt"] == "Review this\n\n+ a line"


@pytest.mark.slow
def test_the_simulator_judges_whatever_the_order() -> None:
    done = flux("compare", "Hi", *TWO, "--judge", "openai/gpt-5.4", "--json")

    found = json.loads(done.stdout)
    longest = max(found["answers"], key=lambda answer: len(answer["text"]))
    assert done.returncode == 0, done.stderr
    assert (found["judge"]["winner"], found["judge"]["agree"]) == (longest["model"], True)


def test_the_prompt_of_the_judge_can_be_seen_and_its_rubric_replaced(tmp_path: Path) -> None:
    rubric = tmp_path / "rubric.txt"
    rubric.write_text("The shortest wins.", "utf-8")

    plain = flux("compare", "--show-judge-prompt")
    own = flux("compare", "--show-judge-prompt", "--rubric", str(rubric))

    assert (plain.returncode, own.returncode) == (0, 0)
    assert "Correct: nothing false" in plain.stdout
    assert "The shortest wins." in own.stdout
    assert '"winner": "A" or "B" or "tie"' in own.stdout


@pytest.mark.slow
def test_many_prompts_come_from_a_file_and_each_is_answered_once(
    prompts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    words = ("--prompts", str(prompts), *TWO, "--out", str(out))

    first = compared(*words)
    lines = out.read_text("utf-8")
    again = compared(*words)

    assert [one["id"] for one in first] == ["1", "b"]
    assert all(len(one["answers"]) == 2 for one in first)
    assert again == first
    assert out.read_text("utf-8") == lines
    assert lines.count("\n") == 4


@pytest.mark.slow
def test_a_run_goes_on_behind_a_torn_line_and_asks_only_what_is_missing(
    prompts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    words = ("--prompts", str(prompts), *TWO, "--out", str(out))
    compared(*words)
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:3]) + lines[3][:40])

    compared(*words)

    after = out.read_bytes().splitlines(keepends=True)
    assert after[:3] == lines[:3]
    assert len(after) == 4
    assert json.loads(after[3])["text"]


@pytest.mark.slow
def test_a_killed_run_is_resumed_without_asking_twice(tmp_path: Path) -> None:
    prompts, out = tmp_path / "many.jsonl", tmp_path / "out.jsonl"
    prompts.write_text("".join(f'{{"prompt": "{n}"}}\n' for n in range(30)), "utf-8")
    words = ["compare", "--prompts", str(prompts), *TWO, "--out", str(out), "--csv"]
    process = subprocess.Popen(
        [sys.executable, "-m", "flux_tui", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **FAST, "FLUX_SIM_SPEED": "1000"},
    )
    while process.poll() is None and not (out.exists() and out.read_bytes().count(b"\n") >= 5):
        pass
    process.kill()
    process.wait(60)
    before = out.read_bytes().count(b"\n")

    assert flux(*words).returncode == 0

    keys = [(r["id"], r["model"]) for r in map(json.loads, out.read_text("utf-8").splitlines())]
    assert 5 <= before < 60
    assert len(keys) == len(set(keys)) == 60


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_was_answered(tmp_path: Path, number: signal.Signals) -> None:
    prompts, out = tmp_path / "many.jsonl", tmp_path / "out.jsonl"
    prompts.write_text('{"prompt": "a"}\n{"prompt": "sim: speed=5"}\n{"prompt": "c"}\n', "utf-8")
    words = ["compare", "--prompts", str(prompts), *TWO, "--out", str(out), "--concurrency", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "flux_tui", *words, "--rpm", "6000"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **FAST},
    )
    while process.poll() is None and not (out.exists() and out.read_bytes().count(b"\n") >= 1):
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "interrupted; what was answered is kept" in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_budget_ends_a_run_with_status_3(prompts: Path) -> None:
    done = flux("compare", "--prompts", str(prompts), *TWO, "--max-cost", "0.0000001",
                "--concurrency", "1", "--rpm", "openai=6000")  # fmt: skip

    assert done.returncode == 3
    assert "the budget of $0.0000001 was reached" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("compare", "Hi", *TWO, "--concurrency", "1"),
        ("compare", "Hi", *TWO, "--batch"),
        ("bench", "-m", TWO[1]),
        ("ask", "Hi"),
    ],
)
def test_the_budgets_of_the_configuration_hold_here_too(
    own_home: Path, words: tuple[str, ...]
) -> None:
    config = own_home / "flux" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("[budget]\nday = 0.0001\n", "utf-8")
    first = flux("ask", "Hi")

    done = flux(*words)

    assert first.returncode in (0, 3), first.stderr  # its only answer may be more than all of it
    assert done.returncode == 3
    assert "budget" in done.stderr.splitlines()[-1]
    assert flux("cost", "--json").stdout.count('"requests":1') == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["Hi", "-m", "openai/gpt-5.5"], "two models at least"),
        (["Hi", "-m", "openai/gpt-5.5", "-m", "openai/gpt-5.5"], "named twice"),
        (["Hi", "-m", "nowhere/x", "-m", "openai/gpt-5.5"], "there is no model 'nowhere/x'"),
        ([*TWO], "there is no prompt"),
        (["Hi", *TWO, "--prompts", "prompts.jsonl"], "a prompt and a file"),
        ([*TWO, "--prompts", "none.jsonl"], "none.jsonl cannot be read"),
        (["Hi", *TWO, "--rubric", "none.txt"], "none.txt cannot be read"),
        (["Hi", *TWO, "--concurrency", "0"], "no number of 1 or more"),
        (["Hi", *TWO, "--rpm", "openai=none"], "'none' is no number of 1 or more"),
        (["Hi", *TWO, "--rpm", "cohere=5"], "no model of cohere is asked"),
        (["Hi", *TWO, "--concurrency", "=5"], "names no provider"),
        (["Hi", *TWO, "--max-cost", "-1"], "no amount of US dollars"),
        (["Hi", *TWO, "--json", "--csv"], "not allowed with"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_2(words: list[str], told: str) -> None:
    done = flux("compare", *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr.splitlines()[-1]


def test_a_file_of_something_else_is_left_alone(prompts: Path, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("my notes", "utf-8")

    done = flux("compare", "--prompts", str(prompts), *TWO, "--out", str(other))

    assert done.returncode == 2
    assert other.read_text("utf-8") == "my notes"


NASTY = {
    "id": "=1+1",
    "prompt": "@SUM(A1)\n| a | b |",
    "answers": [
        {
            "model": "box/<b>m|x</b>",
            "text": "=cmd|'/c calc'!A1\n```\n<script>x</script>",
            "stop": "end",
            "error": "",
            "ttft_ms": 1,
            "duration_ms": 2,
            "tokens_per_s": None,
            "usage": {"input": 1, "output": 2},
            "cost": {"usd": None, "basis": "unknown"},
        }
    ],
    "judge": None,
}


def nasty() -> Any:
    row = json.loads(json.dumps(NASTY))
    row["answers"][0]["usage"] |= {"cache_read": 0, "cache_write": 0}
    return [row]


def test_no_cell_of_the_csv_is_a_formula() -> None:
    rows = list(csv.reader(io.StringIO(output.as_csv(nasty()))))

    assert len(rows) == 2
    assert not [cell for cell in rows[1] if cell.lstrip().startswith(("=", "+", "-", "@"))]
    assert rows[1][0] == "'=1+1"


def test_nothing_that_was_written_becomes_html() -> None:
    page = output.as_html(nasty())

    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize("form", [output.as_text, output.as_markdown, output.as_html])
def test_an_answer_that_broke_off_is_shown_with_its_reason(form: Callable[[Any], str]) -> None:
    (row,) = nasty()
    row["answers"][0] |= {"text": "Half an", "error": "the connection was lost"}

    page = form([row])

    assert "Half an\n\n[failed: the connection was lost]" in page


def test_nothing_that_was_written_becomes_markdown() -> None:
    page = output.as_markdown(nasty())

    assert "box/\\<b\\>m\\|x\\</b\\>" in page
    assert re.search(r"^````\n=cmd.*?\n````$", page, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["--csv", "--markdown", "--html"])
def test_every_form_names_all_models(form: str) -> None:
    done = flux("compare", "Hi", *TWO, form)

    assert done.returncode == 0
    assert "claude" in done.stdout
    assert "gpt" in done.stdout

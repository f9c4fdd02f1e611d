"""`flux-tui compare --batch` against the simulator as a server of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

CLAUDE, GPT, CHAT = "anthropic/claude-opus-5-5", "openai/gpt-5.5", "openai-chat/gpt-4o"
PATHS = ("/anthropic/v1/messages/batches", "/openai/v1/batches")


def environ(base: str) -> dict[str, str]:
    return {
        **os.environ,
        "ANTHROPIC_API_KEY": "sk-simulated-anthropic",
        "OPENAI_API_KEY": "sk-simulated-openai",
        "ANTHROPIC_BASE_URL": f"{base}/anthropic",
        "OPENAI_BASE_URL": f"{base}/openai/v1",
    }


def flux(base: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flux_tui", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env=environ(base),
    )


def batch(base: str, prompts: Path, *words: str, models: tuple[str, ...] = (CLAUDE, GPT)) -> Any:
    named = [word for model in models for word in ("-m", model)]
    return flux(base, "compare", "--batch", "--prompts", str(prompts), *named, "--json", *words)


def handed_in(base: str) -> int:
    total = 0
    for path in PATHS:
        request = urllib.request.Request(f"{base}{path}", headers={"x-api-key": "k"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            total += len(json.load(reply)["data"])
    return total


def jobs(own_home: Path) -> list[Path]:
    return sorted((own_home / "flux" / "data" / "batches").glob("*.json"))


@pytest.mark.slow
def test_prompts_are_answered_at_half_the_price(server: str, prompts: Path) -> None:
    done = batch(server, prompts, "--wait", models=(CLAUDE, GPT, CHAT))

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["id"] for one in found] == ["1", "b"]
    whole = {
        json.loads(flux(server, "ask", "one", "-m", m, "--json").stdout)["model"]: m
        for m in (CLAUDE, GPT, CHAT)
    }
    assert set(whole) == {CLAUDE, GPT, CHAT}
    for model in (CLAUDE, GPT, CHAT):
        full = json.loads(flux(server, "ask", "one", "-m", model, "--json").stdout)
        (half,) = [a for a in found[0]["answers"] if a["model"] == model]
        assert half["text"]
        assert (half["stop"], half["error"]) == ("end", "")
        assert half["usage"]["output"] == full["usage"]["output"]
        assert half["cost"]["basis"] == "computed"
        same = half["usage"]["input"] == full["usage"]["input"]
        assert not same or Decimal(half["cost"]["usd"]) * 2 == Decimal(full["cost"]["usd"])


@pytest.mark.slow
def test_a_job_is_collected_later_and_its_cost_counts(
    server: str, prompts: Path, own_home: Path
) -> None:
    begun = batch(server, prompts)
    assert begun.returncode == 0, begun.stderr
    assert 'collect them with "flux-tui compare --collect' in begun.stderr

    done = flux(server, "compare", "--collect", "last", "--wait", "--csv")

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n1,one,") == 2
    rows = json.loads(flux(server, "cost", "--json").stdout)
    assert {row["key"]: row["requests"] for row in rows} == {CLAUDE: 2, GPT: 2}
    assert len(jobs(own_home)) == 1


@pytest.mark.slow
def test_what_expired_was_cancelled_or_refused_is_told_for_each_prompt(
    server: str, tmp_path: Path
) -> None:
    prompts = tmp_path / "prompts.jsonl"
    said = ("fine", "sim-batch: expired", "sim-batch: canceled", "sim: fault=no-such")
    prompts.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in said), "utf-8")
    out = tmp_path / "out.jsonl"

    first = batch(server, prompts, "--wait", "--out", str(out))
    again = batch(server, prompts, "--wait", "--out", str(out))

    assert (first.returncode, again.returncode) == (1, 1)
    for place in (0, 1):
        errors = [one["answers"][place]["error"] for one in json.loads(first.stdout)]
        assert errors[0] == ""
        assert "expired" in errors[1]
        assert "cancel" in errors[2]
        assert "no fault is called" in errors[3]
    kept = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert sum(record["prompt"] == "fine" for record in kept) == 2
    assert sum(record["prompt"] != "fine" for record in kept) == 2 * 6


@pytest.mark.slow
def test_the_same_command_after_a_kill_hands_in_nothing_twice(
    server: str, prompts: Path, own_home: Path
) -> None:
    assert batch(server, prompts).returncode == 0
    (job,) = jobs(own_home)
    state = json.loads(job.read_text("utf-8"))
    for part in state["parts"]:  # as a kill leaves them, between the request and its answer
        part.update(status="submitting", batch="")
    job.write_text(json.dumps(state), "utf-8")

    done = batch(server, prompts, "--wait")

    assert done.returncode == 0, done.stderr
    assert handed_in(server) == 2
    assert all(answer["text"] for one in json.loads(done.stdout) for answer in one["answers"])


@pytest.mark.slow
def test_a_batch_of_somebody_else_is_not_taken_for_ours(
    server: str, prompts: Path, own_home: Path
) -> None:
    assert batch(server, prompts, models=(CLAUDE,)).returncode == 0
    (job,) = jobs(own_home)
    state = json.loads(job.read_text("utf-8"))
    state["parts"][0].update(status="submitting", batch="", mark="flux-never-handed-in")
    job.write_text(json.dumps(state), "utf-8")

    done = batch(server, prompts, "--wait", models=(CLAUDE,))

    assert done.returncode == 0, done.stderr
    assert handed_in(server) == 2


@pytest.mark.slow
def test_a_judge_grades_afterwards_what_a_batch_has_answered(
    server: str, prompts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    assert batch(server, prompts, "--wait", "--out", str(out)).returncode == 0
    before = out.read_text("utf-8")
    rubric = tmp_path / "rubric.txt"
    tie = json.dumps(json.dumps({"winner": "tie"}))
    rubric.write_text(f"sim: text={tie}", "utf-8")

    done = flux(
        *(server, "compare", "--prompts", str(prompts), "-m", CLAUDE, "-m", GPT, "--json"),
        *("--out", str(out), "--judge", "openai/gpt-5.4", "--rubric", str(rubric)),
    )

    assert done.returncode == 0, done.stderr
    assert [one["judge"]["winner"] for one in json.loads(done.stdout)] == ["tie", "tie"]
    assert out.read_text("utf-8").startswith(before)
    assert out.read_text("utf-8").count('"kind":"answer"') == 4


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_wait_that_is_broken_off_goes_on_later(
    server: str, prompts: Path, number: signal.Signals
) -> None:
    words = ["compare", "--batch", "--wait", "--prompts", str(prompts), "-m", CLAUDE, "--csv"]
    process = subprocess.Popen(
        [sys.executable, "-m", "flux_tui", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ(server),
    )
    while process.poll() is None and handed_in(server) == 0:
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    if number == signal.SIGINT and process.returncode:  # 0: it was done sooner than the signal came
        assert (process.returncode, "still open" in err) == (130, True)

    done = flux(server, *words)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n1,one,") == 1
    assert handed_in(server) == 1


@pytest.mark.slow
def test_no_key_reaches_a_job_or_its_answers(server: str, prompts: Path, own_home: Path) -> None:
    assert batch(server, prompts, "--wait").returncode == 0

    for path in (own_home / "flux").rglob("*"):
        if path.is_file():
            assert b"sk-simulated" not in path.read_bytes(), path


@pytest.mark.slow
def test_a_refused_key_fails_every_prompt_with_its_reason(server: str, prompts: Path) -> None:
    words = ("compare", "--batch", "--wait", "--json", "--prompts", str(prompts), "-m", CLAUDE)
    done = subprocess.run(
        [sys.executable, "-m", "flux_tui", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**environ(server), "ANTHROPIC_API_KEY": "sk-invalid-key"},
    )

    assert done.returncode == 1
    errors = [one["answers"][0]["error"] for one in json.loads(done.stdout)]
    assert all("ANTHROPIC_API_KEY" in error for error in errors)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--judge", GPT], "--judge does not go with a batch"),
        (["--tools", "read"], "no tools in a batch"),
        (["--collect", "none"], "a job knows its prompts"),
        (["-m", "cohere/command-a-03-2025"], "no batch endpoint for cohere/command-a-03-2025"),
    ],
)
def test_what_does_not_go_with_a_batch_is_refused(
    prompts: Path, words: list[str], told: str, own_home: Path
) -> None:
    words = ["compare", "--demo", "--batch", "--prompts", str(prompts), "-m", CLAUDE, *words]

    done = flux("http://127.0.0.1:9", *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr.splitlines()[-1]
    assert jobs(own_home) == []


def test_an_unknown_job_is_refused() -> None:
    done = flux("http://127.0.0.1:9", "compare", "--collect", "none")

    assert done.returncode == 2
    assert "there is no batch job 'none'; begin one with --batch" in done.stderr

"""`flux-tui batches` and what becomes of batches in hard times, on the simulator as a server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.test_compare_batch import CLAUDE, GPT, batch, environ, flux, handed_in, jobs


def write(tmp_path: Path, *texts: str) -> Path:
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts), "utf-8")
    return path


def shown(base: str, *words: str) -> Any:
    done = flux(base, "batches", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_job_is_listed_shown_collected_and_deleted(
    server: str, prompts: Path, own_home: Path
) -> None:
    assert batch(server, prompts).returncode == 0
    (listed,) = shown(server, "list")
    assert (listed["open"], listed["prompts"], listed["models"]) == (True, 2, [CLAUDE, GPT])

    found = shown(server, "show", listed["id"][-6:])
    assert [part["prompts"] for part in found["parts"]] == [2, 2]
    assert {part["state"] for part in found["parts"]} <= {"running", "ended"}
    collected = flux(server, "batches", "collect", "last", "--wait", "--csv")
    assert collected.returncode == 0, collected.stderr
    assert collected.stdout.count("\n1,one,") == 2
    after = shown(server, "show", "last")
    assert (after["open"], after["answered"], after["failed"]) == (False, 4, 0)
    refused = flux(server, "batches", "delete", "last")
    assert (refused.returncode, "was not deleted" in refused.stderr) == (2, True)
    assert flux(server, "batches", "delete", "last", "--yes").returncode == 0
    assert shown(server, "list") == []
    assert list((own_home / "flux" / "data" / "batches").iterdir()) == []


@pytest.mark.slow
def test_a_cancelled_job_is_collected_with_its_reasons(server: str, tmp_path: Path) -> None:
    prompts = write(tmp_path, "sim-batch: waits", "two")
    out = tmp_path / "out.jsonl"
    assert batch(server, prompts, "--out", str(out)).returncode == 0
    assert [part["state"] for part in shown(server, "show", "last")["parts"]] == ["running"] * 2

    done = flux(server, "batches", "cancel", "last")
    collected = flux(server, "batches", "collect", "last", "--wait", "--json")

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("is being cancelled") == 2
    assert collected.returncode == 1
    answers = [answer for one in json.loads(collected.stdout) for answer in one["answers"]]
    assert len(answers) == 4
    assert all("cancel" in answer["error"] for answer in answers)
    assert flux(server, "batches", "delete", "last", "--yes").returncode == 0
    assert out.exists()


@pytest.mark.slow
def test_what_was_never_handed_in_is_cancelled_at_once(
    server: str, prompts: Path, own_home: Path
) -> None:
    assert batch(server, prompts, models=(CLAUDE,)).returncode == 0
    (job,) = jobs(own_home)
    state = json.loads(job.read_text("utf-8"))
    state["parts"][0].update(status="new", batch="")
    job.write_text(json.dumps(state), "utf-8")

    found = shown(server, "cancel", "last")

    assert (found["open"], found["failed"]) == (False, 2)
    assert found["parts"][0]["error"] == "cancelled before it was handed in"


@pytest.mark.slow
def test_a_vendor_that_cannot_be_asked_loses_no_batch(
    server: str, prompts: Path, own_home: Path
) -> None:
    assert batch(server, prompts, models=(CLAUDE,)).returncode == 0
    wrong = {**environ(server), "ANTHROPIC_API_KEY": "sk-invalid-key"}
    words = ["batches", "collect", "last", "--wait"]
    done = subprocess.run(
        [sys.executable, "-m", "flux_tui", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=wrong,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "ANTHROPIC_API_KEY" in done.stderr
    assert "1 of 1 batch is still open" in done.stderr
    later = flux(server, *words, "--json")
    assert later.returncode == 0, later.stderr
    assert all(one["answers"][0]["text"] for one in json.loads(later.stdout))
    assert handed_in(server) == 1


@pytest.mark.slow
def test_a_job_for_which_there_is_no_room_goes_on_in_smaller_parts(
    server: str, tmp_path: Path
) -> None:
    prompts = write(tmp_path, *(f"sim-batch: room=3 and {number}" for number in range(7)))

    done = batch(server, prompts, "--wait", models=(GPT,))

    assert done.returncode == 0, done.stderr
    assert all(one["answers"][0]["text"] for one in json.loads(done.stdout))
    assert "in smaller parts" in done.stderr
    found = shown(server, "show", "last")
    assert sorted(part["prompts"] for part in found["parts"]) == [2, 2, 3]
    assert found["answered"] == 7


@pytest.mark.slow
def test_the_simulator_of_a_demo_is_waited_for(prompts: Path) -> None:
    words = ("compare", "--demo", "--batch", "--prompts", str(prompts), "-m", CLAUDE, "--json")

    for _ in range(2):  # a job of an earlier simulator is not taken up
        done = flux("http://127.0.0.1:9", *words)

        assert done.returncode == 0, done.stderr
        assert "it is waited for" in done.stderr
        assert all(one["answers"][0]["text"] for one in json.loads(done.stdout))


def test_a_broken_job_is_told_and_hides_no_other(own_home: Path) -> None:
    folder = own_home / "flux" / "data" / "batches"
    folder.mkdir(parents=True)
    (folder / "20261123-120000-aaaaaa.json").write_text("{", "utf-8")
    whole = {
        "id": "20261123-110000-bbbbbb",
        "key": "k",
        "out": str(folder / "20261123-110000-bbbbbb.jsonl"),
        "prompts": [{"text": "one", "id": "1", "system": ""}],
        "parts": [],
        "session": "",
    }
    (folder / "20261123-110000-bbbbbb.json").write_text(json.dumps(whole), "utf-8")

    done = flux("http://127.0.0.1:9", "batches", "list")

    assert done.returncode == 0
    assert "20261123-110000-bbbbbb" in done.stdout
    assert re.search(r"aaaaaa\.json cannot be read \(JSONDecodeError\)", done.stderr)


@pytest.mark.parametrize("action", ["show", "collect", "cancel", "delete"])
def test_a_job_that_is_not_there_is_refused(action: str) -> None:
    done = flux("http://127.0.0.1:9", "batches", action, "nothing")

    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no batch job 'nothing'; begin one with --batch" in done.stderr

"""One conversation with two vendors, a tool, a change of model there and back, and a kill -9."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.terminal.drafts import unmarked
from tests.terminal.simulation import environment, simulator, wire_to
from tests.terminal.story import ANTHROPIC, FIFTH, FIRST, FOURTH, OPENAI, SECOND, THIRD, Story

pytestmark = [pytest.mark.terminal, pytest.mark.slow]
QUESTIONS = [FIRST, SECOND, THIRD, FOURTH, FIFTH]


@pytest.mark.timeout(480)  # many steps, each of which may take a slow machine its time
def test_a_conversation_goes_through_two_vendors_and_survives_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    with simulator(60) as port, wire_to(port) as wire:
        env = environment(wire.port, tmp_path / "flux")
        story = Story(folder, env)

        told = [name for name, _ in story.steps()]
        stored = exported(env, folder)
        told += [name for name, _ in story.after()]

        assert len(told) == 13
        assert story.models[0].startswith(ANTHROPIC)
        assert story.models[1].startswith(OPENAI)
        assert story.models[2] == story.models[0]
        assert (folder / "summary.md").read_text().startswith("# summary.md")
        requests = wire.requests()
    everything_was_stored(stored, story.partial)
    each_request_had_the_whole_history(requests, story.partial)


def exported(env: Mapping[str, str], folder: Path) -> list[dict[str, Any]]:
    """The messages that a new process finds in the store after the kill."""
    listing = flux("sessions", "list", "--json", env=env, folder=folder)
    sessions = json.loads(listing)
    session_id = (sessions["sessions"] if isinstance(sessions, dict) else sessions)[0]["id"]
    text = flux("sessions", "export", session_id, "--format", "json", env=env, folder=folder)
    return json.loads(text)["messages"]


def flux(*words: str, env: Mapping[str, str], folder: Path) -> str:
    argv = [sys.executable, "-m", "flux_tui", *words]
    done = subprocess.run(
        argv,
        check=False,
        env={**os.environ, **env},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def everything_was_stored(messages: list[dict[str, Any]], partial: str) -> None:
    questions = [text_of(m) for m in messages if m["role"] == "user" and text_of(m)]
    assert questions == QUESTIONS
    last = messages[-1]
    assert last["role"] == "assistant"
    assert partial in unmarked(text_of(last))
    assert last["stop"] == "interrupted"
    assert all(m["stop"] != "interrupted" for m in messages[:-1] if m["role"] == "assistant")


def text_of(message: Mapping[str, Any]) -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


def each_request_had_the_whole_history(
    requests: list[tuple[str, dict[str, Any]]], partial: str
) -> None:
    paths = [path for path, _ in requests]
    vendors = [path.split("/")[1] for path in paths]
    assert sorted(vendors) == ["anthropic"] * 6 + ["openai"]
    for _, body in requests:
        sent = json.dumps(body, ensure_ascii=False)
        asked = [question for question in QUESTIONS if question in sent]
        assert asked == QUESTIONS[: len(asked)], "a question was left out of the middle"
    (responses,) = [body for path, body in requests if path.startswith("/openai/")]
    kinds = [item.get("type", "message") for item in responses["input"]]
    assert kinds.count("function_call") == kinds.count("function_call_output") == 1
    assert "comparison as a table" in json.dumps(responses["input"])
    longest = max((body for _, body in requests), key=lambda body: len(json.dumps(body)))
    sent = json.dumps(longest, ensure_ascii=False)
    for words in (*QUESTIONS, "tool_result", "speaking openai-responses as", partial):
        assert words in unmarked(sent), words

"""`flux-tui check`, as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flux_tui.commands.documents import detect
from flux_tui.core.errors import InputError

CHAT = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "yes", "reasoning_content": "hm"},
]
CALL = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}
TOOL = {"name": "look", "description": "Looks", "parameters": {"type": "object"}}


def flux(*words: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flux_tui", *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "FLUX_DEMO": "1", "FLUX_SIM_SPEED": "100000", **environ},
    )


def test_json_has_the_promised_members_and_status_0_when_it_fits() -> None:
    done = flux("check", "--for", "anthropic/claude-opus-5-5", "--json", stdin=json.dumps(CHAT))

    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert {
        "model", "fits", "tokens", "window", "kept", "adapted", "dropped", "cost", "discloses_to",
    } <= found.keys()  # fmt: skip
    assert (found["model"], found["fits"]) == ("anthropic/claude-opus-5-5", True)
    assert 0 < found["tokens"] < found["window"]
    assert Decimal(found["cost"]["usd"]) > 0
    assert [item["what"] for item in found["dropped"]] == ["thinking"]
    assert found["discloses_to"] == "Anthropic"
    assert found["from"] == "openai-chat"


def test_what_does_not_fit_is_status_1_and_larger_models_are_named() -> None:
    said = [{"role": "user", "content": "word " * 200_000}]

    done = flux("check", "--for", "openai-chat/gpt-4o", stdin=json.dumps(said))

    assert done.returncode == 1, done.stderr
    assert "does not fit: " in done.stdout
    assert "\nlarger      " in done.stdout


@pytest.mark.slow
def test_a_stored_session_is_checked_and_stays_free_for_others() -> None:
    assert flux("ask", "Hello", "-m", "anthropic/claude-opus-5-5").returncode == 0

    done = flux("check", "--session", "last", "--for", "openai/gpt-5.5", "--json")

    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert (found["before"], found["from"]) == ("anthropic/claude-opus-5-5", "session")
    assert found["discloses_to"] == "OpenAI"


@pytest.mark.slow
def test_an_export_is_recognised(tmp_path: Path) -> None:
    assert flux("ask", "Hello").returncode == 0
    export = tmp_path / "session.json"
    export.write_text(flux("sessions", "export", "last", "--format", "json").stdout, "utf-8")

    done = flux("check", str(export), "--for", "gemini/gemini-3.5-flash")

    assert done.returncode == 0, done.stderr
    assert "read from   flux, answered by" in done.stdout


@pytest.mark.slow
def test_the_tools_of_a_body_are_counted() -> None:
    body: dict[str, Any] = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "hi"}]}
    more = {**body, "tools": [{"type": "function", "function": TOOL}] * 5}

    sizes = [
        json.loads(flux("check", "--for", "openai/gpt-5.5", "--json", stdin=json.dumps(b)).stdout)
        for b in (body, more)
    ]

    assert sizes[0]["tokens"] < sizes[1]["tokens"]


@pytest.mark.parametrize(
    ("words", "stdin", "told"),
    [
        (["--for", "nowhere/x"], json.dumps(CHAT), "there is no model 'nowhere/x'"),
        (["--for", "openai/gpt-5.5"], "{", "is not JSON"),
        (["--for", "openai/gpt-5.5"], '{"a": 1}', "no conversation of a known format"),
        (["--for", "openai/gpt-5.5", "--from", "flux"], "{}", "format: is not 'flux'"),
        (["--for", "openai/gpt-5.5", "none.json"], "", "none.json cannot be read"),
        (["--for", "openai/gpt-5.5", "--session", "none"], "", "there is no session 'none'"),
        (["--for", "openai/gpt-5.5", "--session", "a", "f"], "", "two conversations"),
        (["--for", "openai/gpt-5.5"], '{"messages": [{"role": "x"}]}', "messages[0].role"),
        (["f"], "", "--for"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(words: list[str], stdin: str, told: str) -> None:
    done = flux("check", *words, stdin=stdin)

    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"format": "flux", "version": 1}, "flux"),
        ({"contents": []}, "gemini"),
        ([{"role": "user", "parts": [{"text": "hi"}]}], "gemini"),
        ({"input": "hi"}, "openai-responses"),
        ([CALL], "openai-responses"),
        ([{"role": "user", "content": [{"type": "input_text"}]}], "openai-responses"),
        (CHAT, "openai-chat"),
        ([{"role": "user", "content": [{"type": "input_audio"}]}], "openai-chat"),
        ({"model": "claude-opus-5-5", "messages": []}, "anthropic"),
        ({"system": "Be brief.", "messages": []}, "anthropic"),
        ({"messages": [], "tools": [{"name": "look", "input_schema": {}}]}, "anthropic"),
        ([{"role": "user", "content": [{"type": "image", "source": {}}]}], "anthropic"),
        ([{"content": [{"type": "thinking", "thinking": "", "signature": "s"}]}], "anthropic"),
        ({"model": "mistralai/magistral-medium", "messages": []}, "mistral"),
        ({"random_seed": 1, "messages": []}, "mistral"),
        ([{"content": [{"type": "thinking", "thinking": [{"type": "text"}]}]}], "mistral"),
        ([{"content": [{"type": "image_url", "image_url": "data:"}]}], "mistral"),
        ({"model": "command-a-03-2025", "messages": []}, "cohere"),
        ([{"role": "assistant", "tool_plan": "I look"}], "cohere"),
        ([{"role": "tool", "content": [{"type": "document", "document": {}}]}], "cohere"),
    ],
)
def test_the_format_is_recognised(data: object, name: str) -> None:
    assert detect(data) == name


@pytest.mark.parametrize("data", [None, 1, "text", {}, {"messages": 1}])
def test_what_is_no_conversation_is_refused(data: object) -> None:
    with pytest.raises(InputError, match="no conversation of a known format"):
        detect(data)


def test_every_recorded_body_is_recognised(recorded: Path) -> None:
    wrong: list[str] = []
    for path in recorded.glob("*/*.request.json"):
        body = json.loads(path.read_text("utf-8"))
        if detect(body.get("body", body)) != path.parent.name.replace("_", "-"):
            wrong.append(path.name)

    assert wrong == []

"""`flux-tui convert`, as a user calls it."""

from __future__ import annotations

import gc
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flux_tui.cli import main

CHAT = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "yes", "reasoning_content": "hm"},
    {"role": "user", "content": "more"},
]


def convert(source: str, target: str, file: Path | None, *more: str) -> int:
    files = [str(file)] if file else []
    return main(["convert", "--from", source, "--to", target, *more, *files])


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    path = tmp_path / "chat.json"
    path.write_text(json.dumps(CHAT))
    return path


def test_the_body_goes_to_stdout_and_the_report_to_stderr(
    chat: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status = convert("openai-chat", "anthropic", chat, "--model", "anthropic/claude-sonnet-4-5")

    out, err = capfd.readouterr()
    body = json.loads(out)
    assert status == 0
    assert body["model"] == "claude-sonnet-4-5"
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert err == "thinking ×1 not sent\n"


@pytest.mark.parametrize("target", ["anthropic", "openai-responses", "openai-chat", "gemini"])
def test_text_survives_the_way_through_flux(
    target: str, chat: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    neutral = tmp_path / "flux.json"
    assert convert("openai-chat", "flux", chat) == 0
    neutral.write_text(capfd.readouterr().out)

    assert convert("flux", target, neutral) == 0

    out = capfd.readouterr().out
    assert all(f'"{word}"' in out for word in ("hi", "yes", "more"))


def test_standard_input_is_read_without_a_file(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    given = io.TextIOWrapper(io.BytesIO(b'[{"role": "user", "content": "\\ud800"}]'))
    monkeypatch.setattr(sys, "stdin", given)

    assert convert("openai-chat", "flux", None) == 0

    assert json.loads(capfd.readouterr().out)["messages"][0]["parts"][0]["text"] == "\ufffd"


@pytest.mark.parametrize(
    ("content", "source", "more", "complaint"),
    [
        ("{", "anthropic", (), "is not JSON"),
        ("{}", "anthropic", (), "messages: is missing"),
        ("{}", "flux", (), "format: is not 'flux'"),
        ('{"format": "flux", "version": 1}', "flux", (), "the conversation holds no messages"),
        ("[" * 100_000, "anthropic", (), "nested too deeply"),
        (json.dumps(CHAT), "openai-chat", ("--model", "gpt"), "'gpt' is not a model name"),
        (
            json.dumps(CHAT),
            "openai-chat",
            ("--model", "openai/gpt-5.4"),
            "openai/gpt-5.4 does not speak anthropic; write --model anthropic/gpt-5.4",
        ),
    ],
)
def test_bad_input_gets_one_sentence_and_status_2(
    content: str,
    source: str,
    more: Any,
    complaint: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "in.json"
    path.write_text(content)

    status = convert(source, "anthropic", path, *more)

    out, err = capfd.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith("flux-tui: ")
    assert complaint in err
    assert err.count("\n") == 1


def test_a_missing_file_gets_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert convert("flux", "anthropic", tmp_path / "none.json") == 2

    assert "cannot be read: No such file" in capfd.readouterr().err


def turns(count: int) -> list[Any]:
    """Return a conversation in which every other answer calls a tool."""
    said: list[Any] = []
    for number in range(count // 4):
        call = {"id": f"call_{number}", "type": "function"}
        call["function"] = {"name": "look", "arguments": '{"a": 1}'}
        said += [
            {"role": "user", "content": f"question {number}"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"call_{number}", "content": "ok"},
            {"role": "assistant", "content": "done"},
        ]
    return said


@pytest.mark.slow
@pytest.mark.parametrize(
    "target",
    ["flux", "anthropic", "openai-responses", "openai-chat", "gemini", "mistral", "cohere"],
)
@pytest.mark.parametrize("shape", ["turns", "one speaker"])
def test_twice_the_messages_take_about_twice_the_time(
    shape: str, target: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def seconds(count: int) -> float:
        said = turns(count) if shape == "turns" else [{"role": "user", "content": "again"}] * count
        path = tmp_path / "in.json"
        path.write_text(json.dumps(said), "utf-8")
        began = time.process_time()
        assert convert("openai-chat", target, path) == 0
        took = time.process_time() - began
        capfd.readouterr()
        return took

    small = min(seconds(2_500) for _ in range(2))
    large = min(seconds(20_000) for _ in range(2))

    # Eight times the messages; quadratic time would be sixty-four times as much.
    assert large < small * 24, f"{small:.2f} s, {large:.2f} s"


def test_no_garbage_is_looked_for_while_a_document_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text(json.dumps(turns(4_000)), "utf-8")
    convert("openai-chat", "anthropic", path)  # what is imported meanwhile is there now
    passes: list[object] = []

    def note(phase: str, told: dict[str, int]) -> None:
        if phase == "start":
            passes.append(told)

    gc.callbacks.append(note)
    try:
        convert("openai-chat", "anthropic", path)
    finally:
        gc.callbacks.remove(note)

    assert len(passes) < 10  # what comes before and after; dozens if it were done meanwhile
    assert gc.isenabled()


def test_settings_that_a_body_holds_beside_the_conversation_are_named_as_lost(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "body.json"
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    path.write_text(json.dumps({**body, "stream": True, "temperature": 0, "max_tokens": 10}))

    assert convert("anthropic", "openai-chat", path) == 0
    said = "settings of the request are not carried over: max_tokens, temperature\n"
    assert capfd.readouterr().err == said

    path.write_text(json.dumps(body))
    assert convert("anthropic", "openai-chat", path) == 0
    assert capfd.readouterr().err == "nothing was lost\n"

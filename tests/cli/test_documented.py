"""What `docs/command-line.md` says is what the program does: each example runs, each shape fits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from flux_tui.core.events import StreamEvent, TurnEvent
from flux_tui.ui.keymap_check import action_ids

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")
EXAMPLES = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]
SHAPES = {
    name: json.loads(block)
    for name, block in re.findall(
        r"^`([^`]+ --json)`[^\n]*:\n\n```json\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL
    )
}
COMMANDS = {
    "ask --json": "ask 'list files' --tools read --json",
    "compare --json": (
        "compare hi -m openai/gpt-5.5 -m openai/gpt-5.4 --judge openai/gpt-5.5 --json "
        "--rubric rubric.txt"
    ),
    "batches list --json": "batches list --json",
    "batches show --json": "batches show last --json",
    "check --json": "check --for anthropic/claude-opus-5-5 --json thoughts.json",
    "models --json": "models --json",
    "cost --json": "cost --json",
    "sessions list --json": "sessions list --json",
    "sessions repair --json": "sessions repair --json",
    "bench --json": "--model openai/gpt-5.5 bench --runs 2 --prompt 'sim: speed=200' --json",
    "doctor --json": "doctor --json",
}
TIE = json.dumps({"reason": "They are the same.", "winner": "tie"})
THOUGHTS = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello", "reasoning_content": "A greeting."},
]
REQUEST = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder with the files of the examples, one session, and a job where it is needed."""
    place = tmp_path / "work"
    place.mkdir()
    (place / "notes.txt").write_text("a note here\n", "utf-8")
    (place / "question.txt").write_text("What is it?\n", "utf-8")
    (place / "request.json").write_text(json.dumps(REQUEST), "utf-8")
    (place / "rubric.txt").write_text(f"sim: text={json.dumps(TIE)}", "utf-8")
    (place / "prompts.jsonl").write_text('{"prompt": "Hi"}\n{"prompt": "Ho"}\n', "utf-8")
    (place / "thoughts.json").write_text(json.dumps(THOUGHTS), "utf-8")
    made = shell(place, "flux-tui ask 'What is a monad?' && cd .")
    assert made.returncode == 0, made.stderr
    shell(place, "flux-tui convert --from openai-chat --to flux request.json > conversation.json")
    shell(place, "flux-tui sessions export last --format json -o session.json")
    if "batches" in request.node.name:
        shell(place, "flux-tui compare --batch --prompts prompts.jsonl -m openai/gpt-5.5")
    return place


def shell(place: Path, line: str) -> subprocess.CompletedProcess[str]:
    start = f'flux-tui() {{ "{sys.executable}" -m flux_tui "$@"; }}; git() {{ echo "+ a line"; }}'
    return subprocess.run(
        ["bash", "-c", f"{start}\n{line}"],
        cwd=place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={
            **os.environ,
            "FLUX_DEMO": "1",
            "FLUX_SIM_SPEED": "100000",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
    )


@pytest.mark.slow
@pytest.mark.parametrize("line", EXAMPLES)
def test_the_example_runs(folder: Path, line: str) -> None:
    done = shell(folder, line)

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_every_shape_is_tried() -> None:
    assert sorted(SHAPES) == sorted(COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_the_output_has_the_documented_shape(folder: Path, name: str) -> None:
    done = shell(folder, f"flux-tui {COMMANDS[name]}")

    assert done.returncode == 0, done.stderr
    assert shape(json.loads(done.stdout)) == shape(SHAPES[name])


def shape(value: object) -> object:
    """Return the names of all members, and of what lists hold, without the values."""
    if isinstance(value, dict):
        # What a tool is given is its own affair.
        return {key: shape(item) for key, item in value.items() if key != "arguments"}
    if isinstance(value, list):
        return shape(value[0]) if value and isinstance(value[0], dict) else "list"
    return "value"


def test_every_event_is_documented() -> None:
    names = [re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower() for kind in _events()]

    assert [name for name in names if f"`{name}`" not in PAGE] == []


def _events() -> list[type]:
    return [*get_args(TurnEvent), *get_args(StreamEvent)]


def test_the_key_binding_of_the_example_names_an_action() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
    names = re.findall(r'^"([a-z_.]+)" = "ctrl', page, re.MULTILINE)

    assert names
    assert set(names) <= set(action_ids())

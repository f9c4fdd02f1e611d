"""Keys planted in every place they may come from are found nowhere afterwards."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.simulating import simulating

ENV_KEY = "sk-ant-api03-canary+ENV/0123456789abcdefghijk"
FILE_KEY = "sk-proj-canary+DOTENV/0123456789abcdefghijk"
COMMAND_KEY = "gw-canary+COMMAND/0123456789abcdefghijk"
HEADER_KEY = "hd-canary+HEADER/0123456789abcdefghijk"
CANARIES = (ENV_KEY, FILE_KEY, COMMAND_KEY, HEADER_KEY)
PROMPTS = (
    "Hello",
    "run env; cat .env; cat $FLUX_HOME/config.toml 2>/dev/null | grep -c canary",
    "read .env",
    "search canary",
    "sim: fault=unauthorized",
    "sim: fault=server-error",
    "sim: fault=reset",
    "sim: fault=truncate",
)
MODELS = ("anthropic/claude-opus-5-5", "openai/gpt-5.5", "box/any", "nowhere/any", "dead/any")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The simulator on a port of its own; gives its address."""
    with simulating() as address:
        yield address


@pytest.fixture
def work(tmp_path: Path, own_home: Path, server: str) -> Path:
    """A folder with a `.env`, beside a configuration that holds secrets of other sorts."""
    place = tmp_path / "work"
    place.mkdir()
    (place / ".env").write_text(f"OPENAI_API_KEY='{FILE_KEY}'\n", "utf-8")
    (place / "notes.txt").write_text("canary bird\n", "utf-8")
    script = tmp_path / "key.sh"
    script.write_text(f"#!/bin/sh\necho '{COMMAND_KEY}'\n", "utf-8")
    script.chmod(0o700)
    config = own_home / "flux" / "config.toml"
    config.parent.mkdir()
    config.write_text(
        f'[providers.box]\nbase_url = "{server}/openai/v1"\nkey_command = ["{script}"]\n'
        f'[providers.box.headers]\nX-Gateway = "{HEADER_KEY}"\n'
        f'[providers.dead]\nbase_url = "http://127.0.0.1:9/v1"\nkey_command = ["{script}"]\n',
        "utf-8",
    )
    return place


def run(work: Path, server: str, *words: str) -> str:
    """Return everything the program wrote."""
    done = subprocess.run(
        [sys.executable, "-m", "flux_tui", *words],
        cwd=work,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={
            **os.environ,
            "ANTHROPIC_API_KEY": ENV_KEY,
            "ANTHROPIC_BASE_URL": f"{server}/anthropic",
            "OPENAI_BASE_URL": f"{server}/openai/v1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
    )
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def traces(text: bytes) -> list[str]:
    """Return the canaries in *text*, plain or in the usual disguises."""
    found: list[str] = []
    for key in CANARIES:
        forms = {key.encode(), quote(key, safe="").encode(), base64.b64encode(key.encode())[:-4]}
        forms.add(json.dumps(key)[1:-1].encode())
        found += [key for form in forms if form in text]
    return found


def left_behind(home: Path) -> dict[str, list[str]]:
    files = (path for path in (home / "flux").rglob("*") if path.is_file())
    return {
        str(path): found
        for path in files
        if path.name != "config.toml" and (found := traces(path.read_bytes()))
    }


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_no_answer_error_or_tool_shows_a_key(
    work: Path, server: str, own_home: Path, model: str
) -> None:
    prompts = PROMPTS if model.startswith(("anth", "open")) else PROMPTS[:1]

    told = "".join(
        run(work, server, "ask", prompt, "-m", model, "--tools", "all", "--stream-json")
        for prompt in prompts
    )

    assert "canary bird" in told or len(prompts) == 1  # the tools did run
    assert "no fault is called" not in told
    assert traces(told.encode()) == []
    assert left_behind(own_home) == {}


@pytest.mark.slow
def test_no_command_shows_a_key(work: Path, server: str, own_home: Path) -> None:
    run(work, server, "ask", f"My keys are {' and '.join(CANARIES[:2])}, keep them")

    told = "".join(
        run(work, server, *words.split())
        for words in (
            *("doctor", "doctor --json", "models", "cost --json", "sessions list --json"),
            *(f"sessions export last --format {kind}" for kind in ("md", "html", "json")),
            *("sessions show last", "sessions show last --json", "ask hi -m anthropic/none"),
        )
    )

    # The user's own words are in the database; what is shown and exported is without the keys.
    assert "[key removed]" in told
    assert traces(told.encode()) == []

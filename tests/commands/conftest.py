"""The simulator as a server of its own, and a file of prompts."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def server() -> Iterator[str]:
    """The simulator on a port of its own; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flux_tui", "simulate", "--speed", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(5)]
    yield lines[1].partition("=")[2].strip().removesuffix("/anthropic")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "one"}\n{"prompt": "two", "id": "b", "system": "Brief."}\n')
    return path

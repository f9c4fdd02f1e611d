"""The simulator as a server of its own, and a file of prompts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulating import simulating


@pytest.fixture
def server() -> Iterator[str]:
    """The simulator on a port of its own; gives its address."""
    with simulating() as address:
        yield address


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "one"}\n{"prompt": "two", "id": "b", "system": "Brief."}\n')
    return path

"""What every test gets: a home of its own, no keys, no network but loopback."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
settings.register_profile("default", deadline=None, max_examples=60)
settings.register_profile("soak", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

_FOREIGN = ("FLUX_", "ANTHROPIC_", "OPENAI_", "GEMINI_", "GOOGLE_", "MISTRAL_", "CO_API")
_COLOURS = ("NO_COLOR", "FORCE_COLOR", "COLORTERM")
_connect = socket.socket.connect


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test writes to its own folder and sees no key of the person who runs it."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name in _COLOURS:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("FLUX_HOME", str(home / "flux"))
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME", raising=False)
    return home


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A connection to anything but this machine fails the test that made it."""

    def connect(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "unix"
        if host not in {"127.0.0.1", "::1", "localhost", "unix"}:
            raise AssertionError(f"a test tried to reach {host}")
        _connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    yield


@pytest.fixture
def recorded() -> Path:
    """The folder of recorded vendor traffic; the test is skipped where it is not at hand."""
    default = Path(__file__).parents[2] / "shared" / "recorded"
    folder = Path(os.environ.get("RECORDED_TRAFFIC", default))
    if not folder.is_dir():
        pytest.skip("no recorded traffic here")
    return folder

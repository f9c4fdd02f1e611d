"""The simulator as a process of its own, for tests of the whole program."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def simulating() -> Iterator[str]:
    """Run the simulator on a port of its own; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flux_tui", "simulate", "--speed", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(5)]
        yield lines[1].partition("=")[2].strip().removesuffix("/anthropic")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

"""A process that waits on a pipe, interrupted by its user."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path


def interrupted(process: subprocess.Popen[str], pipe: Path, tries: int) -> str | None:
    """Interrupt *process* once it reads from *pipe*, until it ends; what it told, None if never."""
    writer = -1
    while writer < 0 and process.poll() is None:
        time.sleep(0.01)
        with contextlib.suppress(OSError):  # nobody reads from it yet
            writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    told = None
    for _ in range(tries):
        # Once may come just before the process begins to wait in the system, which then waits on.
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            _, told = process.communicate(timeout=2)
            break
    os.close(writer)
    return told

"""Tell whether the process that took a session is still alive."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path


@cache
def own_claim() -> str:
    """Return what identifies this process: its id, and when it started."""
    return f"{os.getpid()} {_started(os.getpid())}"


def is_free(claim: str) -> bool:
    """Return whether a claim is empty, this process's own, or left by a dead process.

    A process id alone does not do: ids are used again, so the start time must agree as well.
    """
    if not claim or claim == own_claim():
        return True
    pid, _, started = claim.partition(" ")
    return not pid.isdecimal() or _started(int(pid)) != started


def _started(pid: int) -> str:
    """Return when a process started, as an opaque text; empty if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _started_by_ps(pid)
    # The second field is the program's name in parentheses and may hold anything.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else f"{boot}:{fields[19]}"


def _started_by_ps(pid: int) -> str:
    done = subprocess.run(  # noqa: S603 - a number and fixed words
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()

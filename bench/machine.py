"""What the kernel knows of processes: CPU time, memory, and how busy the machine is with others."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
WEIGHT = "-10"  # of the programs measured, so that a busy machine disturbs them less


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, with that of its children that have ended."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def resident_mib(pid: int) -> float:
    """Resident memory of a process, MiB."""
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise LookupError("VmRSS")


def prefer(pid: int) -> None:
    """Weigh the session of *pid* up against others' on a shared machine, where that is allowed.

    The process was just started: wait until it has a session of its own.
    """
    own, end = _autogroup("self"), time.monotonic() + 0.5
    if not own:
        return
    while _autogroup(pid)[:1] == own[:1] and time.monotonic() < end:
        time.sleep(0.0005)
    with contextlib.suppress(OSError):
        (PROC / str(pid) / "autogroup").write_text(WEIGHT)


def _autogroup(pid: int | str) -> list[str]:
    """Words such as "/autogroup-7 nice 0"; none where a control group weighs instead."""
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "autogroup").read_text().split()
    return []


@contextlib.contextmanager
def preferred() -> Iterator[None]:
    """The same for this session, while the context lasts."""
    own, before = PROC / "self" / "autogroup", _autogroup("self")
    if not before:
        yield
        return
    with contextlib.suppress(OSError):
        own.write_text(WEIGHT)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            own.write_text(before[-1])


def _busy() -> float:
    fields = (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / TICKS


class Foreign:
    """CPU that processes other than *own* and this one use from now on."""

    def __init__(self, own: Iterable[int]) -> None:
        self._own = tuple(own)
        self._at, self._before = time.monotonic(), self._others()

    def _others(self) -> float:
        return _busy() - time.process_time() - sum(map(cpu_seconds, self._own))

    def cores(self) -> float:
        """Cores, on average."""
        passed = max(0.05, time.monotonic() - self._at)
        return max(0.0, (self._others() - self._before) / passed)

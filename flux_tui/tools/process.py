"""Runs a command to its end: bounded in time and output, leaving nothing running behind."""

from __future__ import annotations

import asyncio
import codecs
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flux_tui.core.errors import ToolError
from flux_tui.core.sanitize import Sanitizer
from flux_tui.tools.output import HeadTail

GRACE = 0.5  # seconds for stragglers to finish their output, or to end after SIGTERM
FLOOD = 8_000_000  # bytes of output after which the command is killed
_EMIT_LIMIT = 200_000  # characters shown live; more is of no use to a reader

_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR")
_QUIET = {
    "TERM": "dumb",
    "NO_COLOR": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
}
_MARK = "FLUX_TUI_COMMAND"


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a child process gets: an allow-list, so that no key of any name passes."""
    kept = {
        name: value for name, value in environ.items() if name in _KEPT or name.startswith("LC_")
    }
    return {**kept, **_QUIET}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended. *output* is stdout and stderr as they came, sanitised and capped."""

    output: str
    status: int  # negative: the signal that ended it
    timed_out: bool = False
    flooded: bool = False


class _Output:
    """The reading end of the child's pipe, watched by the event loop."""

    def __init__(self, emit: Callable[[str], None], limit: int) -> None:
        self._emit = emit
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._sanitizer = Sanitizer()
        self._kept = HeadTail(limit)
        self._loop = asyncio.get_running_loop()
        self._bytes = 0
        self._end, self.writing_end = os.pipe()
        os.set_blocking(self._end, False)
        self.closed = asyncio.Event()
        self.flooded = asyncio.Event()
        self._loop.add_reader(self._end, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._end, 65_536)
        except BlockingIOError:
            return
        self._bytes += len(data)
        self._take(self._sanitizer.feed(self._decode(data, not data)))
        if not data:
            self._loop.remove_reader(self._end)
            self.closed.set()
        elif self._bytes > FLOOD:
            self._loop.remove_reader(self._end)
            self.flooded.set()

    def _take(self, text: str) -> None:
        if not text:
            return
        if self._kept.total < _EMIT_LIMIT:
            self._emit(text)
        self._kept.add(text)

    def finish(self) -> str:
        """Stop watching and return what came."""
        self._loop.remove_reader(self._end)
        os.close(self._end)
        self._take(self._sanitizer.flush())
        return self._kept.text()


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    timeout: float,  # noqa: ASYNC109 - the child is killed, not only abandoned
    limit: int,
    emit: Callable[[str], None],
) -> Finished:
    """Run *argv* in a session of its own and return when it has ended.

    Ends when the command itself does, not when its last child closes the output: what is left of
    its process tree gets `GRACE` seconds, then is killed. So it is on a timeout (seconds), on a
    flood of output and when the task is cancelled.

    Raises:
        ToolError: the command cannot be started.
    """
    mark = secrets.token_hex(8)
    output = _Output(emit, limit)
    environment = {**child_environment(os.environ), _MARK: mark}
    try:
        try:
            child = await asyncio.create_subprocess_exec(
                *argv,
                cwd=cwd,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output.writing_end,
                stderr=output.writing_end,
                start_new_session=True,
            )
        except (OSError, ValueError) as problem:
            raise ToolError(f"cannot start {argv[0]!r}: {problem}") from problem
        finally:
            os.close(output.writing_end)
        try:
            timed_out = not await _ended(child, output, timeout)
        finally:
            await asyncio.shield(_end_tree(child, mark))
    except BaseException:
        output.finish()
        raise
    return Finished(
        output=output.finish(),
        status=child.returncode if child.returncode is not None else -signal.SIGKILL,
        timed_out=timed_out and not output.flooded.is_set(),
        flooded=output.flooded.is_set(),
    )


async def _ended(child: asyncio.subprocess.Process, output: _Output, seconds: float) -> bool:
    """Wait for the command, a flood or the time limit; whether the command ended by itself."""
    exited = asyncio.ensure_future(child.wait())
    flooded = asyncio.ensure_future(output.flooded.wait())
    try:
        await asyncio.wait((exited, flooded), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not exited.done():
            return False
        with suppress(TimeoutError):
            await asyncio.wait_for(output.closed.wait(), GRACE)
        return True
    finally:
        exited.cancel()
        flooded.cancel()


async def _end_tree(child: asyncio.subprocess.Process, mark: str) -> None:
    """End the process group of *child* and whatever escaped from it; reap the child."""
    _signal_group(child.pid, signal.SIGTERM)
    if child.returncode is None:
        with suppress(TimeoutError):
            await asyncio.wait_for(child.wait(), GRACE)
    _signal_group(child.pid, signal.SIGKILL)
    await child.wait()
    await asyncio.to_thread(_kill_marked, mark)


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _kill_marked(mark: str) -> None:
    """Kill processes that left the group with setsid: Linux shows whose environment they carry."""
    if not sys.platform.startswith("linux"):
        return
    wanted = f"{_MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)

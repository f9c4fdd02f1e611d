"""The real program in a real pseudo-terminal, with a screen that can be read and drawn."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

KEYS = {
    "enter": "\r", "esc": "\x1b", "tab": "\t", "backspace": "\x7f",
    "up": "\x1b[A", "down": "\x1b[B",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f6": "\x1b[17~",
    "f7": "\x1b[18~", "f8": "\x1b[19~", "f9": "\x1b[20~", "f10": "\x1b[21~",
    "ctrl+c": "\x03", "ctrl+d": "\x04",
    "ctrl+j": "\n", "ctrl+l": "\x0c", "ctrl+n": "\x0e", "ctrl+p": "\x10", "ctrl+q": "\x11",
    "ctrl+s": "\x13", "ctrl+z": "\x1a", "pageup": "\x1b[5~", "pagedown": "\x1b[6~",
    "home": "\x1b[H", "end": "\x1b[F", "ctrl+end": "\x1b[1;5F",
}  # fmt: skip

MODES = {
    "alternate screen": 1049, "cursor": 25, "mouse": 1000, "mouse drag": 1002, "mouse moves": 1003,
    "mouse encoding": 1006, "focus reports": 1004, "bracketed paste": 2004,
}  # fmt: skip
"""Private modes a full-screen program uses, by name."""


class Screen(pyte.Screen):
    """pyte's screen with the alternate one, which it leaves out: that begins empty."""

    def set_mode(self, *modes: int, **kwargs: bool) -> None:
        """Switch modes on."""
        if 1049 in modes and kwargs.get("private"):
            self.erase_in_display(2)
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes: int, **kwargs: bool) -> None:
        """Switch modes off."""
        if 1049 in modes and kwargs.get("private"):
            self.erase_in_display(2)
            self.cursor_position()
        super().reset_mode(*modes, **kwargs)


class Program:
    """`flux-tui` (or another module) on a terminal of its own; a context manager that cleans up."""

    def __init__(
        self,
        words: Sequence[str] = (),
        *,
        size: tuple[int, int] = (120, 40),
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        module: str = "flux_tui",
        argv: Sequence[str] | None = None,
    ) -> None:
        self.columns, self.rows = size
        self.screen = Screen(self.columns, self.rows)
        self._stream = pyte.ByteStream(self.screen)
        self.output = bytearray()
        self.status: int | None = None
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment |= {"TEXTUAL_ANIMATIONS": "none", **(env or {})}
        for name in ("COLUMNS", "LINES"):  # would hide the size of this terminal
            environment.pop(name, None)
        self._fd, terminal = pty.openpty()
        self.resize(self.columns, self.rows)
        # The first terminal that the leader of a session opens is its own. Not `pty.fork`: that
        # runs Python between fork and exec, which newer Pythons warn of where there are threads.
        taking = ["sh", "-c", f': <>{os.ttyname(terminal)}; exec "$@"', "sh"]
        self._process = subprocess.Popen(
            [*taking, *(argv or [sys.executable, "-m", module, *words])],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            cwd=cwd,
            env=environment,
        )
        self.pid = self._process.pid
        os.close(terminal)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait_exit(10)
        if self._fd >= 0:
            os.close(self._fd)

    def hang_up(self) -> None:
        """Take the terminal away, as a lost connection does."""
        os.close(self._fd)
        self._fd = -1

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, as a window manager would."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)
        self.columns, self.rows = columns, rows

    def type(self, text: str) -> None:
        """Send characters as a keyboard would."""
        os.write(self._fd, text.encode("utf-8"))

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        view = memoryview(data)
        while view:
            _, writable, _ = select.select([], [self._fd], [], 0.05)
            if writable:
                view = view[os.write(self._fd, view[:4096]) :]
            self.read(0)

    def press(self, *keys: str) -> None:
        """Send named keys, a moment apart, as a hand would."""
        for key in keys:
            self.type(KEYS.get(key, key))
            self.read(0.15)

    def read(self, seconds: float = 0.05) -> bool:
        """Take what the program writes within *seconds*; False once its side is closed.

        No longer than that, however much it writes: a screen that passes can be seen.
        """
        end = time.monotonic() + seconds
        if self._fd < 0:
            time.sleep(min(seconds, 0.05))
            return False
        while True:
            ready, _, _ = select.select([self._fd], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return True
            try:
                data = os.read(self._fd, 65_536)
            except OSError as problem:
                if problem.errno == errno.EIO:
                    return False
                raise
            if not data:
                return False
            self.output += data
            self._stream.feed(data)
            if time.monotonic() >= end:
                return True

    @property
    def text(self) -> str:
        """The screen as lines of text."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_for(self, *texts: str, seconds: float = 60, gone: bool = False) -> str:
        """Wait until all *texts* are on the screen (or, with *gone*, none of them)."""

        def shown() -> bool:
            screen = self.text
            seen = [text in screen for text in texts]
            return not any(seen) if gone else all(seen)

        return self.wait_until(shown, f"{texts} {'gone' if gone else 'shown'}", seconds)

    def wait_until(self, done: Callable[[], bool], what: str, seconds: float = 60) -> str:
        """Read on until *done*, which *what* names; return the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            alive = self.read(0.05)
            if done():
                return self.text
            if not alive:
                break
        raise AssertionError(f"not {what} after {seconds} s; the screen:\n{self.text}")

    def disorder(self) -> list[str]:
        """What the program left switched on in the terminal; empty when all is as it was."""
        found = [
            name
            for name, mode in MODES.items()
            if (marks := re.findall(rb"\x1b\[\?(?:\d+;)*%d(?:;\d+)*([hl])" % mode, self.output))
            and marks[-1] != (b"h" if name == "cursor" else b"l")
        ]
        pushed = re.findall(rb"\x1b\[>\d+u", self.output)
        if self.output.count(b"\x1b[<u") < len(pushed):
            found.append("keyboard protocol")
        local = termios.tcgetattr(self._fd)[3]
        wanted = termios.ICANON | termios.ECHO | termios.ISIG
        return found if local & wanted == wanted else [*found, "line settings"]

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait_exit(self, seconds: float = 60) -> int:
        """Return the exit status (negative: the signal that killed it)."""
        end = time.monotonic() + seconds
        while self.status is None and time.monotonic() < end:
            self.read(0.02)
            self.status = self._process.poll()
        if self.status is None:
            raise AssertionError(f"still running after {seconds} s; the screen:\n{self.text}")
        written = -1
        while written < len(self.output):  # what the terminal still holds
            written = len(self.output)
            self.read(0.05)
        return self.status

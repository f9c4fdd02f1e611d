"""Reads keys and writes frames on the event loop: no thread stands between a key and its echo.

Textual reads and writes in threads of its own. Each hand-over waits for the interpreter's lock and
for the machine's scheduler, up to 5 ms a time while an answer streams. Private names of Textual
8.2.8 are used here, hence the exact pin and the test of them.
"""

from __future__ import annotations

import contextlib
import os
import select
from typing import TYPE_CHECKING, Any

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.message import Message

READ = 4_096
"""Bytes read at once: what they mean is found out in some 4 ms, and other things come between."""

TICK = 0.1
"""Seconds after which a lone ESC was a key."""

STUCK = 4_000_000
"""Bytes kept for a terminal that does not take them; it is painted anew when more were meant."""

PATIENCE = 1.0
"""Seconds given to such a terminal to take what is left when the program ends."""


class LoopDriver(LinuxDriver):
    """Does all input and output on the event loop, and never waits there for the terminal."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._out = -1  # the terminal, opened once more so that only we do not wait for it
        self._left = bytearray()  # what it has not taken yet
        self._torn = False
        self._parser: XTermParser | None = None
        self._ticking = False
        self._threaded = (
            False  # whether Textual's thread reads: not every loop can watch a terminal
        )

    # ── output ──

    def write(self, data: str) -> None:
        """Write at once what the terminal takes, and the rest as soon as it takes more."""
        if self._out < 0:
            super().write(data)
            return
        if len(self._left) > STUCK:
            self._torn = True
            return
        waiting = bool(self._left)
        self._left += data.encode("utf-8", "replace")
        if not waiting and not self._drain():
            self._loop.add_writer(self._out, self._writable)

    def _drain(self) -> bool:
        """Write what is left; whether nothing is any more."""
        while self._left:
            try:
                done = os.write(self._out, self._left)
            except BlockingIOError:
                return False
            except OSError:
                done = len(self._left)  # the terminal is gone: `FluxApp` finds out and leaves
            del self._left[:done]
        return True

    def _writable(self) -> None:
        if self._drain():
            self._loop.remove_writer(self._out)
            if self._torn:
                self._torn = False
                self._app.screen.refresh()

    def _open_output(self) -> None:
        # Not the descriptor that we were given: a shell shares that one, and its mode.
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
        terminal: Any = self._file
        with contextlib.suppress(OSError):  # then Textual's own thread writes
            self._out = os.open(os.ttyname(terminal.fileno()), flags)

    def _close_output(self) -> None:
        if self._out < 0:
            return
        self._loop.remove_writer(self._out)
        poll = select.poll()
        poll.register(self._out, select.POLLOUT)
        while not self._drain() and poll.poll(PATIENCE * 1000):
            pass
        self._left.clear()
        os.close(self._out)
        self._out = -1

    # ── input ──

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self._open_output()
        try:
            self._loop.add_reader(self.fileno, self._readable)
            self._loop.remove_reader(self.fileno)
            self._threaded = False
        except (OSError, NotImplementedError):
            self._threaded = True
        super().start_application_mode()
        if self._threaded or self._key_thread is None:
            return
        self._parser = XTermParser(self._debug)
        # From there, because `guard_input` puts a tolerant one in that place.
        module: Any = linux_driver
        self._decode = module.getincrementaldecoder("utf-8")().decode
        self._loop.add_reader(self.fileno, self._readable)

    def _run_input_thread(self) -> None:
        """Leave the keys to the event loop if it can have them: Textual starts this in a thread."""
        if self._threaded:
            super()._run_input_thread()

    def disable_input(self) -> None:
        """Leave the keys to somebody else."""
        if self._parser is not None:
            self._loop.remove_reader(self.fileno)
            with contextlib.suppress(EOFError, ParseError):
                list(self._parser.feed(""))
            self._parser = None
        super().disable_input()

    def close(self) -> None:
        """Give the terminal back."""
        self._close_output()
        super().close()

    def _readable(self) -> None:
        parser = self._parser
        try:
            data = os.read(self.fileno, READ)
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self.fileno)
        if not data or parser is None:
            return
        text = self._decode(data)
        if text:  # none comes of a half character; nothing would end the parser
            for event in parser.feed(text):
                self.process_message(event)
        self._tick_soon()

    def _tick_soon(self) -> None:
        parser: Any = self._parser
        if self._ticking or parser is None:
            return
        guard = getattr(parser, "flux_guard", None)
        if parser._timeout_time is not None or (guard is not None and guard.waiting):
            self._ticking = True
            self._loop.call_later(TICK, self._tick)

    def _tick(self) -> None:
        self._ticking = False
        if self._parser is not None:
            for event in self._parser.tick():
                self.process_message(event)
            self._tick_soon()

    def send_message(self, message: Message) -> None:
        """Give a message to the application, on whose loop we are."""
        if self._threaded:
            super().send_message(message)
        else:
            self._app.post_message(message)

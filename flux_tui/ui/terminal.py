"""Guards between the terminal and Textual: pasted bytes, control characters, signals, crashes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.segment import Segment
from textual import events
from textual.app import App
from textual.color import Color
from textual.driver import Driver
from textual.filter import LineFilter
from textual.message import Message

from flux_tui.ui.painting import quicken

RESET = (
    "\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
    "\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l\x1b[0m"
)
"""Puts a terminal that a killed program left behind back into its usual state."""

PASTE_START = "\x1b[200~"
PASTE_END = "\x1b[201~"
IDLE_SECONDS = 2.0
"""A paste whose end never came is over after this much silence."""

# Most terminals send Alt and a key as ESC and the key. Textual reads ESC CR as Enter, and ESC with
# a digit as what a Mac's option key would write.
_LEGACY_ALT = re.compile("\x1b([\r1-9])")

ESCAPE_SYMBOL = "\u241b"

_BAD = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_KEYLIKE = re.compile(
    r"(sk-[A-Za-z0-9_-]{8,}|AIza[A-Za-z0-9_-]{20,}|(?i:bearer)\s+\S{8,}|gsk_\S{8,}|xai-\S{8,})"
)


class ControlFilter(LineFilter):
    """The last line of defence: no control character of a text reaches the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return *segments* without control codes; their width stays (such characters have 0)."""
        del background
        return [
            Segment(_BAD.sub("", segment.text), segment.style)
            for segment in segments
            if not segment.control
        ]


_CONTROL = ControlFilter()


class GuardedApp(App[int]):
    """Keeps control characters off the terminal, and paints it whatever becomes of it."""

    _sized = False  # the first size comes with the first paint

    def __init__(self) -> None:
        super().__init__()
        quicken()

    def get_driver_class(self) -> type[Driver]:
        """Return what reads keys and writes frames on the event loop, where Textual has threads."""
        found = super().get_driver_class()
        if found.__name__ != "LinuxDriver":
            return found
        from flux_tui.ui.driver import LoopDriver

        return LoopDriver

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's filters after the one that keeps control characters away."""
        return [_CONTROL, *super().get_line_filters()]

    def on_resize(self) -> None:
        """Paint all: Textual leaves a terminal that came back to its old size as it found it."""
        # After Ctrl+Z and fg the terminal shows an empty screen, after a storm of sizes a torn one.
        if self._sized:
            self.screen.refresh()
        self._sized = True
        self.call_after_refresh(self._regain_focus)

    def _regain_focus(self) -> None:
        # A composer that had no room for a moment has lost the keyboard.
        if self.screen.focused is None:
            self.screen.focus_next("#prompt")


class PasteGuard:
    """Makes every byte between the marks of a bracketed paste plain text.

    Textual lets an ESC inside a paste press keys. Marks may be split over two reads: what could
    be the beginning of one is held back until the next `feed` or `flush`.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._inside = False
        self._held: str = ""
        self._last = now()

    @property
    def inside(self) -> bool:
        """Whether a paste has begun and not ended."""
        return self._inside

    @property
    def waiting(self) -> bool:
        """Whether silence will decide something: `flush` has to be called then."""
        return self._inside or bool(self._held)

    def feed(self, data: str) -> str:
        """Return *data* as Textual may see it."""
        self._last = self._now()
        text, self._held = self._held + data, ""
        out: list[str] = []
        while text:
            mark = PASTE_END if self._inside else PASTE_START
            before, found, text = text.partition(mark)
            if not found:
                keep = _overlap(before, mark)
                self._held = before[len(before) - keep :]
                before = before[: len(before) - keep]
            out.append(before.replace("\x1b", ESCAPE_SYMBOL) if self._inside else before)
            if found:
                out.append(mark)
                self._inside = not self._inside
        return "".join(out)

    def flush(self) -> str:
        """Return what silence has decided: a held ESC was a key, an endless paste is over."""
        silent = self._now() - self._last
        if self._inside and silent >= IDLE_SECONDS:
            self._inside = False
            held, self._held = self._held.replace("\x1b", ESCAPE_SYMBOL), ""
            return held + PASTE_END
        if not self._inside and self._held and silent >= 0.05:
            held, self._held = self._held, ""
            return held
        return ""


class PasteReader:
    """Takes whole pastes out of what a `PasteGuard` returns.

    Textual reads every character of a paste by itself: a megabyte takes it a second.
    """

    def __init__(self) -> None:
        self._parts: list[str] | None = None  # of the paste that has begun

    def split(self, text: str) -> Iterable[str | events.Paste]:
        """Yield the keys in *text* as they are, and each paste when its end is there."""
        while text:
            inside = self._parts is not None
            before, mark, text = text.partition(PASTE_END if inside else PASTE_START)
            if self._parts is None:
                if before:
                    yield before
                self._parts = [] if mark else None
                continue
            self._parts.append(before)
            if mark:
                pasted, self._parts = "".join(self._parts).replace("\0", ""), None
                if pasted:
                    yield events.Paste(pasted)


def _overlap(text: str, mark: str) -> int:
    """Return how many characters at the end of *text* begin *mark*."""
    return next((n for n in range(len(mark) - 1, 0, -1) if text.endswith(mark[:n])), 0)


def _as_alt(found: re.Match[str]) -> str:
    """Return the unambiguous sequence of a key that came with Alt."""
    return f"\x1b[{ord(found[1])};3u"


def guard_input() -> None:
    """Put the guard into Textual's terminal parser, and make broken UTF-8 readable.

    Both are private names of Textual 8.2.8, hence the exact pin and the test of this function.
    """
    from codecs import getincrementaldecoder

    from textual._xterm_parser import XTermParser
    from textual.drivers import linux_driver

    if getattr(XTermParser, "flux_guarded", False):
        return
    feed, tick = XTermParser.feed, XTermParser.tick

    def guard_of(parser: Any) -> PasteGuard:
        if not hasattr(parser, "flux_guard"):
            parser.flux_guard = PasteGuard()
        guard: PasteGuard = parser.flux_guard
        return guard

    def read(parser: Any, text: str) -> Iterable[Message]:
        if not hasattr(parser, "flux_reader"):
            parser.flux_reader = PasteReader()
        reader: PasteReader = parser.flux_reader
        for piece in reader.split(text):
            if isinstance(piece, str):
                yield from feed(parser, _LEGACY_ALT.sub(_as_alt, piece))
            else:
                yield piece

    def guarded_feed(self: XTermParser, data: str) -> Iterable[Message]:
        return read(self, guard_of(self).feed(data)) if data else feed(self, data)

    def guarded_tick(self: XTermParser) -> Iterable[Message]:
        yield from read(self, guard_of(self).flush())
        yield from tick(self)

    def tolerant(encoding: str) -> Callable[[], Any]:
        return lambda: getincrementaldecoder(encoding)(errors="replace")

    for place, name, value in (
        (XTermParser, "feed", guarded_feed),
        (XTermParser, "tick", guarded_tick),
        (XTermParser, "flux_guarded", True),
        (linux_driver, "getincrementaldecoder", tolerant),
    ):
        setattr(place, name, value)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* without anything that looks like a key, or is one of *secrets*."""
    for secret in secrets:
        if len(secret) >= 6:
            text = text.replace(secret, "[key]")
    return _KEYLIKE.sub("[key]", text)


def crash_report(
    error: BaseException, state_dir: Path, secrets: Iterable[str] = ()
) -> tuple[str, Path | None]:
    """Write a report without local variables and keys; return its text and its path, if written.

    *secrets* are keys that may not look like one.
    """
    lines = traceback.format_exception(error)  # never with locals: they may hold keys
    text = redact("".join(lines), secrets)
    path = state_dir / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
    except OSError:
        return text, None
    return text, path


class Signals:
    """Turns signals into a clean end; a second one, or a blocked loop, into a hard one.

    *leave* is called on the loop with the exit status. When the loop does not come round within
    `patience` seconds after a signal, a thread restores the terminal and ends the process.
    """

    NUMBERS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)

    def __init__(self, leave: Callable[[int], None], patience: float = 5.0) -> None:
        self._leave = leave
        self._patience = patience
        self._attrs = _terminal_state()
        self._status = 0
        self._before: dict[signal.Signals, Any] = {}

    def install(self) -> None:
        """Take the signals; only the main thread may."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()

        def arrived(number: int, frame: object) -> None:
            del frame
            if self._status:
                self._hard()
            self._status = 128 + number
            threading.Thread(target=self._watch, name="flux-exit", daemon=True).start()
            loop.call_soon_threadsafe(self._leave, self._status)

        # Python-level handlers, not the loop's: they run while a callback blocks the loop.
        for number in self.NUMBERS:
            self._before[number] = signal.signal(number, arrived)

    def restore(self) -> None:
        """Give the signals back."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before.clear()

    def _watch(self) -> None:
        time.sleep(self._patience)
        self._hard()

    def _hard(self) -> None:
        restore_terminal(self._attrs)
        os._exit(self._status)


def _terminal_state() -> list[Any] | None:
    import termios

    try:
        return termios.tcgetattr(sys.__stdin__.fileno() if sys.__stdin__ else 0)
    except (termios.error, OSError, ValueError):
        return None


def restore_terminal(attrs: list[Any] | None) -> None:
    """Write the reset sequence and restore line settings, whatever state the program is in."""
    import contextlib
    import termios

    with contextlib.suppress(OSError):
        os.write(2, RESET.encode())
    if attrs is not None:
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(0, termios.TCSANOW, attrs)


def reset_terminal() -> None:
    """Write the reset sequence, and let the line be edited and echoed again if this is a terminal.

    For a terminal that a killed program left behind, whose own settings nobody remembers.
    """
    import contextlib
    import termios

    sys.stdout.write(RESET)
    sys.stdout.flush()
    with contextlib.suppress(termios.error, OSError, ValueError):
        attrs = termios.tcgetattr(0)
        attrs[0] |= termios.BRKINT | termios.ICRNL | termios.IXON
        attrs[1] |= termios.OPOST | termios.ONLCR
        attrs[3] |= termios.ICANON | termios.ISIG | termios.IEXTEN | termios.ECHO | termios.ECHOE
        attrs[6][termios.VMIN], attrs[6][termios.VTIME] = 1, 0
        termios.tcsetattr(0, termios.TCSANOW, attrs)


def terminal_gone() -> bool:
    """Return whether the terminal hung up: its end of the line is closed."""
    import select

    if sys.__stdin__ is None or sys.__stdin__.closed:
        return True
    poll = select.poll()
    poll.register(sys.__stdin__.fileno(), select.POLLIN)
    lost = select.POLLHUP | select.POLLERR | select.POLLNVAL
    return any(event & lost for _, event in poll.poll(0))


def refusal(environ: Mapping[str, str]) -> str:
    """Return why the full screen cannot run here, or nothing."""
    streams = (sys.stdin, sys.__stderr__)
    if any(stream is None or stream.closed or not stream.isatty() for stream in streams):
        return 'the full screen needs a terminal; for pipes use: flux-tui ask "your question"'
    if environ.get("TERM", "") in {"", "dumb"}:
        return 'this terminal cannot draw (TERM is "dumb" or not set); use: flux-tui ask'
    return ""

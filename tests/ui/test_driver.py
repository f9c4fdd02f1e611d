"""Keys and frames go through the event loop, whatever the terminal does."""

import asyncio
import os
import pty
import sys
import tty
from contextlib import contextmanager
from inspect import getsource

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver

from flux_tui.ui.driver import LoopDriver
from flux_tui.ui.terminal import GuardedApp, guard_input


class Receiver:
    """Stands where the application is."""

    def __init__(self):
        self.got = []
        self.screen = self
        self.repainted = 0

    def post_message(self, message):
        self.got.append(message)

    async def _post_message(self, message):
        self.got.append(message)

    def refresh(self):
        self.repainted += 1

    @property
    def keys(self):
        return [event.key for event in self.got if isinstance(event, events.Key)]


@pytest.fixture
def guarded(monkeypatch):
    for name in ("feed", "tick"):
        monkeypatch.setattr(XTermParser, name, getattr(XTermParser, name))
    monkeypatch.setattr(XTermParser, "flux_guarded", False, raising=False)
    monkeypatch.setattr(linux_driver, "getincrementaldecoder", linux_driver.getincrementaldecoder)
    guard_input()


@contextmanager
def started(monkeypatch):
    """A driver at a pseudo-terminal; yields it, who gets its messages, and our end of the line."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    with open(theirs, closefd=False) as line, open(theirs, "w", closefd=False) as out:
        monkeypatch.setattr(sys, "__stdin__", line)
        monkeypatch.setattr(sys, "__stderr__", out)
        receiver = Receiver()
        driver = LoopDriver(receiver)
        driver.start_application_mode()
        try:
            yield driver, receiver, ours
        finally:
            os.set_blocking(ours, False)
            driver.stop_application_mode()
            driver.close()
            os.close(ours)
            os.close(theirs)


async def until(ready):
    async with asyncio.timeout(20):
        while not ready():
            await asyncio.sleep(0.01)


def taken(fd):
    """What has been written so far."""
    os.set_blocking(fd, False)
    found = b""
    while True:
        try:
            found += os.read(fd, 65_536)
        except BlockingIOError:
            return found


async def test_keys_are_read_on_the_loop_and_a_lone_escape_is_one(guarded, monkeypatch):
    with started(monkeypatch) as (_, receiver, ours):
        os.write(ours, "aé\x1b[A".encode())
        await until(lambda: len(receiver.keys) == 3)
        os.write(ours, b"\x1b")
        await until(lambda: len(receiver.keys) == 4)

        assert receiver.keys[0] == "a"
        assert receiver.keys[2:] == ["up", "escape"]


async def test_a_loop_that_cannot_watch_the_terminal_leaves_the_keys_to_a_thread(
    guarded, monkeypatch
):
    def refuse(*args):
        raise OSError("not this kind of file")

    monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", refuse)
    with started(monkeypatch) as (_, receiver, ours):
        os.write(ours, b"ab")
        await until(lambda: receiver.keys == ["a", "b"])


async def test_half_a_character_waits_for_its_other_half(guarded, monkeypatch):
    with started(monkeypatch) as (_, receiver, ours):
        os.write(ours, b"\xc3")
        await asyncio.sleep(0.05)
        os.write(ours, b"\xa9z")
        await until(lambda: "z" in receiver.keys)

        assert [e.character for e in receiver.got if isinstance(e, events.Key)] == ["é", "z"]


async def test_a_paste_without_end_is_over_after_silence(guarded, monkeypatch):
    monkeypatch.setattr("flux_tui.ui.terminal.IDLE_SECONDS", 0.05)
    with started(monkeypatch) as (_, receiver, ours):
        os.write(ours, b"\x1b[200~begun")
        await until(lambda: any(isinstance(e, events.Paste) for e in receiver.got))
        os.write(ours, b"k")
        await until(lambda: receiver.keys == ["k"])


async def test_what_the_terminal_does_not_take_is_written_later_and_in_order(monkeypatch):
    with started(monkeypatch) as (driver, receiver, ours):
        taken(ours)
        text = "".join(f"{number:07d} " for number in range(40_000))
        driver.write(text[:200_000])
        driver.write(text[200_000:])
        assert driver._left, "the terminal took everything: the test proves nothing"
        found = b""
        async with asyncio.timeout(30):
            while len(found) < len(text):
                found += taken(ours)
                await asyncio.sleep(0)

        assert found.decode() == text
        assert receiver.repainted == 0


async def test_a_stuck_terminal_costs_bounded_memory_and_is_painted_anew(monkeypatch):
    monkeypatch.setattr("flux_tui.ui.driver.STUCK", 100_000)
    with started(monkeypatch) as (driver, receiver, ours):
        for _ in range(100):
            driver.write("x" * 10_000)
        assert len(driver._left) <= 120_000
        async with asyncio.timeout(30):
            while not receiver.repainted:
                taken(ours)
                await asyncio.sleep(0)

        assert not driver._left


async def test_after_the_end_of_input_nothing_is_read(monkeypatch):
    with started(monkeypatch) as (driver, _, ours):
        driver._loop.remove_reader(driver.fileno)
        end, other = os.pipe()
        driver.fileno, before = end, driver.fileno
        driver._loop.add_reader(end, driver._readable)
        os.close(other)
        await asyncio.sleep(0.05)

        assert not driver._loop.remove_reader(end)
        driver.fileno = before
        os.close(end)
        taken(ours)


def test_the_application_uses_it_where_textual_would_use_its_own_for_unix():
    assert GuardedApp().driver_class is LoopDriver


def test_the_private_names_of_textual_that_the_driver_touches_are_still_there():
    source = getsource(linux_driver.LinuxDriver)
    for name in ("_run_input_thread", "self._file", "self.fileno", "def disable_input"):
        assert name in source
    assert "_timeout_time" in getsource(XTermParser.__mro__[1])

"""One pace for all panes: paints what is dirty, and rests when nothing is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeAlias

Paint: TypeAlias = Callable[[], None]

SHORTEST = 1 / 15
"""Seconds between two frames at the least."""

LONGEST = 1 / 4
"""Seconds between two frames at the most, however dear they are."""

SHARE = 4
"""A frame may take one part in this many of the time."""


class Host(Protocol):
    """What a clock needs of an application, screen or widget."""

    @property
    def is_running(self) -> bool:
        """Whether messages are processed."""
        ...

    def set_timer(self, delay: float, callback: Callable[[], None]) -> object:
        """Call *callback* once, *delay* seconds from now."""
        ...

    def call_after_refresh(self, callback: Callable[[], None]) -> bool:
        """Call *callback* when the screen has been painted."""
        ...


class FrameClock:
    """Calls every paint function in one go, as often as its cost allows.

    No timer runs while nothing is dirty. The first frame after a rest comes at once; later ones
    wait for `interval`, four times what the last frame cost within fixed bounds. So does not what
    is wanted `soon`: nothing comes after it for a while.
    """

    def __init__(self, host: Host) -> None:
        self.interval = SHORTEST
        self.frames = 0  # how many ticks there were
        self._host = host
        self._paints: list[Paint] = []
        self._dirty = False
        self._armed = False
        self._hurried = False
        self._last = float("-inf")

    @property
    def dirty(self) -> bool:
        """Whether something waits to be painted."""
        return self._dirty

    @property
    def idle(self) -> bool:
        """Whether no frame is scheduled."""
        return not self._armed

    def add(self, paint: Paint) -> None:
        """Call *paint* with every frame."""
        if paint not in self._paints:
            self._paints.append(paint)

    def remove(self, paint: Paint) -> None:
        """Call *paint* no more."""
        if paint in self._paints:
            self._paints.remove(paint)

    def request(self, *, soon: bool = False) -> None:
        """Mark the panes dirty: a frame will come, at once if it is wanted *soon*."""
        self._dirty = True
        if not self._host.is_running or self._hurried or (self._armed and not soon):
            return
        rest = 0.0 if soon else self._last + self.interval - time.monotonic()
        self._armed, self._hurried = True, soon
        self._host.set_timer(max(rest, 0.001), self._wake)

    def tick(self) -> None:
        """Paint now, if anything is dirty, and learn what it cost."""
        if not self._dirty:
            return
        self._dirty = False
        self._last = time.monotonic()
        self.frames += 1
        began = time.thread_time()
        for paint in tuple(self._paints):
            paint()
        self._learn(time.thread_time() - began)
        if self._host.is_running:
            self._host.call_after_refresh(lambda: self._learn(time.thread_time() - began))

    def _wake(self) -> None:
        self._armed = self._hurried = False
        self.tick()

    def _learn(self, cost: float) -> None:
        self.interval = min(max(SHARE * cost, SHORTEST), LONGEST)

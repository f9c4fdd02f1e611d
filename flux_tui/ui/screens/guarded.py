"""A question to which keys count only after a silence: what was typed ahead answers nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from flux_tui.ui.screens.listing import Dialog
from flux_tui.ui.widgets.plain import PlainButton

QUIET_SECONDS = 0.425
"""What a person needs at the least to read a question."""

T = TypeVar("T")


@runtime_checkable
class _Patient(Protocol):
    def too_early(self, event: events.Event) -> bool: ...


class _Guarded(Widget):
    """What can have the focus in the dialog: here every key passes that reaches the dialog."""

    def _forward_event(self, event: events.Event) -> None:
        screen = self.screen
        if not (isinstance(screen, _Patient) and screen.too_early(event)):
            super()._forward_event(event)


class Choice(PlainButton, _Guarded):
    """A button that is deaf to keys typed ahead."""


class Page(VerticalScroll, _Guarded):
    """A page to scroll, deaf to keys typed ahead."""


class GuardedDialog(Dialog[T]):
    """A dialog whose keys count only after `QUIET_SECONDS` of silence; *now* is its clock.

    The keys in `FREE` count at once.
    """

    FREE: ClassVar[frozenset[str]] = frozenset({"pageup", "pagedown", "home", "end"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._last_key = now()

    def too_early(self, event: events.Event) -> bool:
        """Whether a key or paste came before the silence that a person needs to read."""
        if not isinstance(event, events.Key | events.Paste):
            return False
        now = self._now()
        quiet, self._last_key = now - self._last_key, now
        free = isinstance(event, events.Key) and event.key in self.FREE
        return quiet < QUIET_SECONDS and not free

    def _forward_event(self, event: events.Event) -> None:
        # Keys come here only when nothing has the focus; else they go to a guarded widget.
        if not self.too_early(event):
            super()._forward_event(event)


async def asked(app: App[Any], screen: GuardedDialog[T]) -> T | None:
    """Show *screen* and return its answer; a cancelled question closes its dialog."""
    answered: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()

    def take(answer: T | None) -> None:
        if not answered.done():
            answered.set_result(answer)

    await app.push_screen(screen, take)
    try:
        return await answered
    finally:
        if screen.is_attached and screen.is_current:
            screen.dismiss(None)

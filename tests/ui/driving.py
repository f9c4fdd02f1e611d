"""Drives the whole screen in a test: the real runtime, with the simulator at zero delay."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from flux_tui.config.settings import load_settings
from flux_tui.session.session import ChatSession
from flux_tui.ui.app import FluxApp
from flux_tui.ui.screens.chat import ChatScreen
from flux_tui.ui.screens.consent import ConsentScreen
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt

_ROUNDS = 40
"""How often messages are waited for at the most: while an answer streams there are always some."""

_STILL = 3
"""After how many rounds without a message nothing more is expected."""


def make_app(home: Path, **environ: str) -> FluxApp:
    """Return the application on a home and a working folder of its own."""
    given = {"FLUX_HOME": str(home / "flux"), "FLUX_SIM_SPEED": "0", **environ}
    work = home / "work"
    work.mkdir(exist_ok=True)
    return FluxApp(load_settings({"demo": "true"}, given, work), root=work)


async def wait_until(true: Callable[[], object], what: str = "") -> None:
    """Wait on a state, never on time."""
    try:
        async with asyncio.timeout(60):
            while not true():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"never came true: {what or true}") from None


async def handled(pilot: Pilot[Any]) -> None:
    """Wait until every message is handled, and all that came of it, and what they changed shown.

    A pilot waits until its process takes little of the processor, which is also so where a busy
    machine gives it none. For threads, timers and workers there is `wait_until`.
    """
    still = 0
    for _ in range(_ROUNDS):
        await pilot._wait_for_screen()  # pyright: ignore[reportPrivateUsage]
        screen = pilot.app.screen
        screen._on_timer_update()  # pyright: ignore[reportPrivateUsage]
        pumps = (pilot.app, *screen.walk_children(with_self=True))
        moving = any(pump.message_queue_size for pump in pumps)
        still = 0 if moving or screen._callbacks else still + 1  # pyright: ignore[reportPrivateUsage]
        if still == _STILL:
            return


@dataclass(slots=True)
class Chat:
    """An application that runs, and its pilot."""

    app: FluxApp
    pilot: Pilot[Any]

    @property
    def session(self) -> ChatSession:
        session = self.app.chat.session
        assert session is not None
        return session

    @property
    def prompt(self) -> Prompt:
        return self.app.chat.query_one(Prompt)

    @property
    def answers(self) -> list[str]:
        return [m.text for m in self.session.conversation.path if m.role == "assistant"]

    @property
    def notes(self) -> list[str]:
        """What toasts say."""
        return [note.message for note in self.app._notifications]  # pyright: ignore[reportPrivateUsage]

    def text(self, selector: str) -> str:
        """What a piece of text shows."""
        return str(self.app.screen.query_one(selector, Plain).content)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await handled(self.pilot)

    async def send(self, text: str) -> None:
        """Send *text* and do not wait for the answer."""
        self.prompt.fill(text)
        await self.press("enter")

    async def begin(self, text: str) -> None:
        """Send *text* and wait until some words of the answer are there."""
        await self.send(text)
        await wait_until(lambda: "Writing" in self.text("#status-now"), "the first words")

    async def say(self, text: str) -> None:
        """Send *text* and wait until the turn is over."""
        before = len(self.session.conversation.messages)
        await self.send(text)
        await wait_until(
            lambda: len(self.session.conversation.messages) > before and not self.session.busy,
            f"an answer to {text!r}",
        )
        await wait_until(lambda: not self.turning, "the end of the turn")
        await self.settle()

    @property
    def turning(self) -> bool:
        return any(w.group == "turn" and not w.is_finished for w in self.app.chat.workers)

    async def settle(self) -> None:
        """Let everything be painted."""
        await handled(self.pilot)
        self.app.chat.clock.tick()
        await handled(self.pilot)

    async def agree(self) -> None:
        """Let a vendor that is new read the conversation, by the mouse: it need not wait."""
        await self.dialog(ConsentScreen)
        await self.pilot.click("#yes")
        await wait_until(lambda: isinstance(self.app.screen, ChatScreen), "the dialog to close")
        await handled(self.pilot)

    async def dialog(self, kind: type[Any]) -> Any:
        """Wait for a dialog and return it."""
        await wait_until(lambda: isinstance(self.app.screen, kind), kind.__name__)
        await handled(self.pilot)
        return self.app.screen


@asynccontextmanager
async def chatting(
    home: Path, size: tuple[int, int] = (120, 40), **environ: str
) -> AsyncGenerator[Chat]:
    """Run the application until its session is open."""
    app = make_app(home, **environ)
    async with app.run_test(size=size) as pilot:
        await wait_until(lambda: app.chat.session is not None, "a session")
        app.load_prices()
        await wait_until(lambda: app.prices, "the price table")
        yield Chat(app, pilot)
    reports = list(home.rglob("crash-*.txt"))
    assert not reports, reports[0].read_text()

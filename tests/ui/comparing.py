"""Drives the split view in a test."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from flux_tui.ui.screens.compare import CompareScreen
from flux_tui.ui.screens.compare_dialogs import QuestionScreen
from flux_tui.ui.widgets.column_pane import ColumnPane
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt
from tests.ui.driving import Chat, chatting, handled, wait_until

MODELS = "anthropic/claude-opus-5 openai/gpt-5.5 gemini/gemini-3.5-flash"
TWO = "anthropic/claude-opus-5 openai/gpt-5.5"


@dataclass(slots=True)
class View:
    """A split view that is open."""

    chat: Chat
    screen: CompareScreen

    @property
    def panes(self) -> list[ColumnPane]:
        return self.screen.panes

    @property
    def letters(self) -> list[str]:
        """Models from left to right."""
        return [str(pane.column.session.model.ref) for pane in self.panes]

    def head(self, place: int) -> str:
        return str(self.panes[place].query_one(".column-head", Plain).content)

    def paths(self) -> list[list[str]]:
        """The messages of each column, by the order in the comparison."""
        return [[m.id for m in c.session.conversation.path] for c in self.screen.comparison.columns]

    async def press(self, *keys: str) -> None:
        await self.chat.press(*keys)

    async def send(self, text: str) -> None:
        """Send *text*."""
        prompt = self.screen.query_one(Prompt)
        prompt.focus()
        prompt.fill(text)
        await self.press("enter")

    async def answer(self, kind: type[QuestionScreen], value: bool = True) -> None:
        dialog = await self.chat.dialog(kind)
        dialog.dismiss(value)
        await handled(self.chat.pilot)

    async def say(self, text: str) -> None:
        """Send *text* and wait until all asked have answered."""
        before = sum(map(len, self.paths()))
        await self.send(text)
        await wait_until(lambda: sum(map(len, self.paths())) > before, "a message")
        await self.over()

    async def over(self) -> None:
        await wait_until(lambda: not self.running, "the end of the turn")
        await self.settle()

    @property
    def running(self) -> bool:
        return any(w.group == "ask" and not w.is_finished for w in self.screen.workers)

    async def measured(self) -> None:
        """Have no row guessed: what was never in sight is, and where the end is moves with it."""
        texts = [pane.text for pane in self.panes]
        for text in texts:
            text._look_ahead()  # pyright: ignore[reportPrivateUsage]
        await wait_until(lambda: all(text._ahead is None for text in texts), "the heights")  # pyright: ignore[reportPrivateUsage]
        await self.settle()

    async def settle(self) -> None:
        await handled(self.chat.pilot)
        self.screen.clock.tick()
        await handled(self.chat.pilot)


async def open_view(chat: Chat, words: str = TWO) -> View:
    """Type /compare with models and wait for the view."""
    await chat.send(f"/compare {words}")
    screen = await chat.dialog(CompareScreen)
    return View(chat, screen)


@asynccontextmanager
async def comparing(
    home: Path, words: str = TWO, size: tuple[int, int] = (140, 40), **environ: str
) -> AsyncGenerator[View]:
    """Run the application with a split view."""
    async with chatting(home, size=size, **environ) as chat:
        view = await open_view(chat, words)
        await view.settle()
        yield view


@asynccontextmanager
async def reopened(home: Path, session: str | None) -> AsyncGenerator[View]:
    """Run the application anew, and take up the comparison that *session* had."""
    assert session is not None
    async with chatting(home, size=(140, 40)) as chat:
        chat.app.chat.take(await chat.app.runtime.resume(session))
        await chat.press("f6")
        question = await chat.dialog(QuestionScreen)
        question.dismiss(True)
        view = View(chat, await chat.dialog(CompareScreen))
        await view.settle()
        yield view

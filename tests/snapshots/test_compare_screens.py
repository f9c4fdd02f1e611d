"""Pictures of the split view; `pytest --snapshot-update` accepts them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import pytest

from flux_tui.core.usage import Cost
from flux_tui.session.column import Progress
from flux_tui.storage.store import VoteRow
from flux_tui.ui.screens.compare_dialogs import VoteScreen
from flux_tui.ui.screens.scoreboard import ScoreboardScreen
from flux_tui.ui.widgets.column_diff import DiffText
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt
from tests.snapshots.test_screens import SIZES, _still, taken  # noqa: F401 - a fixture
from tests.ui.comparing import MODELS, View, open_view
from tests.ui.driving import Chat, make_app, wait_until

Compare: TypeAlias = Callable[..., bool]
Scene: TypeAlias = Callable[[Chat], Awaitable[None]]

COST = Cost(amount=Decimal("0.0031"), basis="simulated")
STATES = (
    Progress(state="done", first=0.62, seconds=2.4, tokens=141, counted=True, cost=COST),
    Progress(state="writing", first=0.31, seconds=1.9, tokens=87),
    Progress(
        state="failed", seconds=0.4, problem="openai answered 500. Try again.", retryable=True
    ),
)


async def _view(chat: Chat, words: str = MODELS) -> View:
    view = await open_view(chat, words)
    view.screen.query_one(Prompt).cursor_blink = False
    await view.say("hello")
    await _foretold(view)
    for pane, progress in zip(view.panes, STATES, strict=True):
        pane.column.progress = progress
        # Its length is partly a guess while it grows: without the bar it is measured anew.
        pane.text.styles.scrollbar_size_vertical = 0
        # No time stands still: the notes below answers tell it.
        pane.show()
    view.screen.clock.request()
    await view.settle()
    return view


async def _foretold(view: View) -> None:
    """Have the forecast that knows what the answers cost, and none later."""
    if view.screen._estimating is not None:  # pyright: ignore[reportPrivateUsage]
        view.screen._estimating.stop()  # pyright: ignore[reportPrivateUsage]
    await view.screen.estimate().wait()
    assert "about" in str(view.screen.query_one(Prompt).border_subtitle)


async def columns(chat: Chat) -> None:
    """One is done, one writes, one has failed."""
    await _view(chat)


async def diff(chat: Chat) -> None:
    """Two answers, and what only one of them has."""
    view = await _view(chat)
    await view.press("alt+d")
    await wait_until(lambda: sum(each.display for each in view.screen.query(DiffText)) == 2)


async def vote(chat: Chat) -> None:
    """Which is best?"""
    view = await _view(chat)
    view.panes[2].column.progress = STATES[0]
    view.panes[1].column.progress = STATES[0]
    await view.press("alt+v")
    await chat.dialog(VoteScreen)


async def scoreboard(chat: Chat) -> None:
    """Some votes between three models."""
    names = tuple(MODELS.split())
    at = datetime(2026, 11, 1, tzinfo=UTC)
    for winner in (0, 0, 1, 0, 2, 1):
        row = VoteRow(at=at, session="s", models=names, outcome="win", winner=names[winner])
        await chat.app.runtime.store.add_vote(row)
    await chat.press("alt+o")
    board = await chat.dialog(ScoreboardScreen)
    await wait_until(lambda: "6 votes" in str(board.query_one("#scoreboard-text", Plain).content))
    await chat.settle()
    await board._show()  # again, beside the scrollbar that the text may have got: nothing moves


@pytest.mark.parametrize("size", [(160, 40), *SIZES], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", [columns, diff, vote, scoreboard])
def test_the_split_view_looks_as_it_should(
    snap_compare: Compare, tmp_path: Path, scene: Scene, size: tuple[int, int]
) -> None:
    app = make_app(tmp_path)

    assert snap_compare(app, terminal_size=size, run_before=taken(app, scene))

"""Pictures of the screen at the sizes people have; update them with `pytest --snapshot-update`.

The simulator answers at once and nothing on the pictures depends on the day or the machine.
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from flux_tui.ui.app import FluxApp
from flux_tui.ui.screens.approval import ApprovalScreen
from flux_tui.ui.screens.chat import ChatScreen
from flux_tui.ui.screens.compare_columns import ColumnsScreen
from flux_tui.ui.screens.model_picker import ModelPicker
from flux_tui.ui.widgets.preflight_card import PreflightCard
from flux_tui.ui.widgets.transcript import Transcript
from tests.ui.driving import Chat, handled, make_app, wait_until

Compare: TypeAlias = Callable[..., bool]
Scene: TypeAlias = Callable[[Chat], Awaitable[None]]

SIZES = [(120, 40), (80, 24), (40, 12)]
ASK = 'sim: think=0 tool=write_file:{"path":"notes.md","content":"# Notes\\n\\nOne line.\\n"}'


def _brief(*_: object, **__: object) -> str:
    return "Be brief."


def _moment(_: float) -> str:
    return "0.4 s"


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing blinks, nothing takes time, and every span of time is the same."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    # The real one names the folder and the day: both change the number of tokens.
    monkeypatch.setattr("flux_tui.session.outgoing.system_prompt", _brief)
    monkeypatch.setattr("flux_tui.ui.widgets.transcript_sections.SHORTEST", float("inf"))
    monkeypatch.setattr("flux_tui.ui.render.labels.seconds", _moment)
    for user in ("widgets.transcript_sections", "widgets.tool_pane", "screens.listing"):
        monkeypatch.setattr(f"flux_tui.ui.{user}.seconds", _moment, raising=False)


async def welcome(chat: Chat) -> None:
    """Nothing was said yet."""


async def conversation(chat: Chat) -> None:
    """A table, code, a tool call, and a change of model."""
    chat.session.policy.mode = "read"
    await chat.say("show me a table")
    await chat.say('sim: think=0 tool=list_files:{"path":"."} what is there?')
    await chat.press("f3")
    await chat.agree()
    await chat.say("show me code")


async def approval(chat: Chat) -> None:
    """A tool asks."""
    await chat.send(ASK)
    await wait_until(lambda: isinstance(chat.app.screen, ApprovalScreen))


async def picker(chat: Chat) -> None:
    """The list of models."""
    await chat.press("f2")
    screen = await chat.dialog(ModelPicker)
    screen.query_one(Input).cursor_blink = False
    card = screen.query_one(PreflightCard)
    await wait_until(lambda: card.shown, "the card")


async def help_page(chat: Chat) -> None:
    """All keys."""
    await chat.press("f1")


async def cost(chat: Chat) -> None:
    """The cost pane, a tab where there is no room."""
    await chat.say("hello")
    await chat.press("f8")


def taken(app: FluxApp, scene: Scene) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what plays *scene* and waits until nothing moves any more."""

    async def play(pilot: Pilot[Any]) -> None:
        chat = Chat(app, pilot)
        app.load_prices()
        await wait_until(lambda: app.chat.session is not None and app.prices)
        chat.prompt.cursor_blink = False
        await scene(chat)
        await chat.settle()
        if isinstance(app.screen, ChatScreen):
            chat.app.screen.set_focus(None)
            chat.prompt.focus()
        await _at_rest(app)
        for screen in app.screen_stack:  # what lies below a dialog is seen, too
            if isinstance(screen, (ChatScreen, ColumnsScreen)):
                screen.clock.tick()
        await handled(pilot)

    return play


async def _at_rest(app: FluxApp) -> None:
    """Wait until the transcript is measured and its code coloured."""
    transcript = app.chat.query_one(Transcript)
    # Its length is partly a guess while it grows: without the bar it is wrapped and measured anew.
    transcript.styles.scrollbar_size_vertical = 0
    await wait_until(lambda: not transcript.scrollbar_size_vertical)
    await wait_until(lambda: transcript._ahead is None or not transcript.display)  # pyright: ignore[reportPrivateUsage]
    await wait_until(lambda: all(w.is_finished for w in transcript.workers if w.group == "colour"))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", [welcome, conversation, approval, picker, help_page, cost])
def test_the_screen_looks_as_it_should(
    snap_compare: Compare, tmp_path: Path, scene: Scene, size: tuple[int, int]
) -> None:
    app = make_app(tmp_path)

    assert snap_compare(app, terminal_size=size, run_before=taken(app, scene))


@pytest.mark.parametrize("theme", ["flux-light", "flux-ansi"])
@pytest.mark.parametrize("scene", [conversation, approval])
def test_the_other_themes_look_as_they_should(
    snap_compare: Compare, tmp_path: Path, scene: Scene, theme: str
) -> None:
    app = make_app(tmp_path, FLUX_THEME=theme)

    assert snap_compare(app, terminal_size=(120, 40), run_before=taken(app, scene))


def test_a_large_window_shows_more(snap_compare: Compare, tmp_path: Path) -> None:
    app = make_app(tmp_path)

    assert snap_compare(app, terminal_size=(200, 50), run_before=taken(app, conversation))


def test_the_screen_can_be_read_without_colours(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "NO_COLOR", "1")
    app = make_app(tmp_path)

    assert snap_compare(app, terminal_size=(80, 24), run_before=taken(app, approval))

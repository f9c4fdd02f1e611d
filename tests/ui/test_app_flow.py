"""The screen on the real runtime, with the simulator at zero delay."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from flux_tui.config.settings import load_settings
from flux_tui.session.wiring import Runtime
from flux_tui.ui.app import FluxApp
from flux_tui.ui.widgets.prompt import Prompt


def make_app(home: Path) -> FluxApp:
    environ = {"FLUX_HOME": str(home), "FLUX_SIM_SPEED": "0"}
    return FluxApp(Runtime(load_settings({"demo": "true"}, environ, home)))


async def wait_until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_message_is_answered_and_f3_changes_the_provider(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until(lambda: app.chat.session is not None)
        session = app.chat.session
        assert session is not None
        before = session.model.ref.provider

        await pilot.press(*"hello", "enter")
        await wait_until(lambda: len(session.conversation.path) == 2 and not session.busy)
        await pilot.press("f3")
        await pilot.pause()

        assert session.conversation.path[1].text
        assert session.model.ref.provider != before


async def test_a_big_paste_is_a_chip_and_stays_whole(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        prompt = app.chat.query_one(Prompt)
        text = "line\n" * 600

        prompt.fill("")
        from textual.events import Paste

        prompt.post_message(Paste(text))
        await pilot.pause()

        assert prompt.text == "[pasted 601 lines]"
        assert prompt.whole_text == text

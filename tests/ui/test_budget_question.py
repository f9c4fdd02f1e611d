"""A turn that would cross a budget asks first, and a no loses nothing of what was written."""

from pathlib import Path

import pytest

from flux_tui.ui.screens import guarded
from flux_tui.ui.screens.budget import BudgetScreen
from tests.ui.driving import chatting, wait_until


@pytest.fixture(autouse=True)
def a_day_that_is_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "flux"
    home.mkdir()
    (home / "config.toml").write_text("[budget]\nday = 0.000001\n")
    monkeypatch.setattr(guarded, "QUIET_SECONDS", 0.0)


async def test_a_no_sends_nothing_and_gives_everything_back(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send("hello")
        dialog = await chat.dialog(BudgetScreen)
        assert "would be crossed" in chat.text("#budget-text")
        assert dialog.focused is not None
        assert dialog.focused.id == "no"

        await chat.press("escape")
        await wait_until(lambda: not chat.turning)
        await chat.settle()

        assert chat.prompt.text == "hello"
        assert chat.session.conversation.messages == ()
        assert "the budget holds" in chat.text("#status-now")


async def test_a_message_that_is_asked_about_is_a_draft_until_it_is_sent(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        store, key = chat.app.runtime.store, f"draft:new:{chat.app.root}"
        await chat.send("hello")
        await chat.dialog(BudgetScreen)
        while "hello" not in (await store.get_state(key) or ""):
            await chat.pilot.pause(0.01)

        await chat.press("y")
        await wait_until(lambda: chat.answers)
        while await store.get_state(key):
            await chat.pilot.pause(0.01)


async def test_what_waits_behind_a_no_comes_back_in_its_order(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send("+gpt-5.5 first")
        await chat.dialog(BudgetScreen)
        await chat.app.chat.sending.take("second", ())

        await chat.press("n")
        await wait_until(lambda: chat.prompt.text)

        assert chat.prompt.text == "+gpt-5.5 first\n\nsecond"
        assert chat.app.chat.sending.waiting == ()


async def test_a_yes_asks_again_next_time_and_session_does_not(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        for key, asked in (("y", True), ("s", True), ("", False)):
            before = len(chat.answers)
            await chat.send("hello")
            if asked:
                await chat.dialog(BudgetScreen)
                await chat.press(key)
            await wait_until(lambda before=before: len(chat.answers) > before)
            await wait_until(lambda: not chat.turning)

        assert len(chat.answers) == 3


async def test_stopping_takes_the_question_away(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send("hello")
        await chat.dialog(BudgetScreen)

        chat.session.stop()
        await wait_until(lambda: not chat.turning)
        await chat.settle()

        assert chat.app.screen is chat.app.chat
        assert chat.prompt.text == "hello"

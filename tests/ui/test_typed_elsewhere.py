"""What is typed while a pane or the transcript has the keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Key

from flux_tui.ui.screens.listing import TextScreen
from flux_tui.ui.widgets.cost_meter import CostMeter
from flux_tui.ui.widgets.tool_pane import ToolPane
from tests.ui.driving import chatting, wait_until


@pytest.mark.parametrize(("key", "pane"), [("f7", ToolPane), ("f8", CostMeter)])
async def test_a_message_begun_in_a_pane_is_written_and_runs_nothing(
    tmp_path: Path, key: str, pane: type[ToolPane | CostMeter]
) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        await chat.say("hello")
        await chat.press(key)
        shown = chat.app.chat.query_one(pane)
        await wait_until(lambda: chat.app.chat.focused in {shown, *shown.query("*")}, "its keys")

        await chat.press(*"retry?")

        assert chat.prompt.text == "retry?"
        assert len(chat.answers) == 1
        assert not chat.notes


async def test_a_pane_keeps_the_keys_it_has(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        chat.session.policy.mode = "read"
        await chat.say("list files")
        await chat.press("f7")
        tools = chat.app.chat.tools
        await wait_until(lambda: chat.app.chat.focused in {*tools.query("*")}, "its keys")
        await chat.press("j")
        await wait_until(lambda: chat.app.chat.transcript.has_focus, "the call's place")
        assert chat.prompt.text == ""


async def test_in_the_transcript_keys_keep_their_meaning_and_the_rest_is_written(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        chat.app.chat.set_focus(chat.app.chat.transcript)
        await chat.press("k")
        assert chat.app.chat.transcript.selected is not None
        await chat.press("y")
        assert chat.prompt.text == ""
        await wait_until(lambda: chat.notes, "what was copied")
        await chat.press(*"hey")
        assert chat.prompt.text == "hey"
        assert chat.prompt.has_focus


async def test_a_question_mark_in_a_pane_asks_for_help(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        await chat.press("f8")
        await wait_until(lambda: chat.app.chat.cost.has_focus, "its keys")
        await chat.press("question_mark")
        await chat.dialog(TextScreen)


async def test_letters_that_come_faster_than_the_focus_are_all_written(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        chat.app.chat.transcript.focus()
        await wait_until(lambda: chat.app.chat.transcript.has_focus)

        for letter in "/prev":
            chat.app.post_message(Key("slash" if letter == "/" else letter, letter))

        await wait_until(lambda: len(chat.prompt.text) == 5)
        assert chat.prompt.text == "/prev"
        assert not chat.notes

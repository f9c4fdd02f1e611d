"""A session that is opened again shows what happened between its messages."""

from pathlib import Path

import pytest

from flux_tui.ui.screens import chat_actions
from flux_tui.ui.screens.approval import ApprovalScreen
from tests.ui.driving import Chat, chatting, wait_until


def _shown(chat: Chat) -> str:
    transcript = chat.app.chat.transcript
    rows = range(transcript.size.height)
    return "\n".join(transcript.render_line(y).text.rstrip() for y in rows)


async def _again(chat: Chat) -> None:
    assert chat.session.id is not None
    chat.app.chat.take(await chat.app.runtime.resume(chat.session.id))
    await chat.settle()


async def test_the_divider_of_a_switch_is_there_again_and_only_when_something_followed(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        first = chat.session.model
        await chat.send("/model openai/gpt-5.5")
        await chat.agree()
        await wait_until(lambda: chat.session.model.ref.provider == "openai")
        await chat.settle()
        assert "→ openai/gpt-5.5" in _shown(chat)

        await _again(chat)
        assert chat.session.model.ref == first.ref
        assert "→ openai/gpt-5.5" not in _shown(chat)

        await chat.send("/model openai/gpt-5.5")
        await wait_until(lambda: chat.session.model.ref.provider == "openai")
        await chat.say("hello again")
        before = _shown(chat)
        assert "→ openai/gpt-5.5" in before

        await _again(chat)
        assert _shown(chat) == before


async def test_one_message_to_another_model_keeps_its_two_dividers(tmp_path: Path) -> None:
    async with chatting(tmp_path, (120, 60)) as chat:
        await chat.say("hello")
        await chat.send("+gpt-5.5 sim: text=one")
        await chat.agree()
        await wait_until(lambda: len(chat.answers) == 2)
        await wait_until(lambda: not chat.turning)
        await chat.say("sim: text=two")
        assert _shown(chat).count("⇄") == 2

        await _again(chat)

        assert _shown(chat).count("⇄") == 2
        assert "for this message" in _shown(chat)


async def test_a_refused_call_is_still_called_refused(tmp_path: Path) -> None:
    async with chatting(tmp_path, (120, 60)) as chat:
        await chat.send('sim: tool=write_file:{"path":"a","content":"a"}')
        await chat.dialog(ApprovalScreen)
        await chat.pilot.click("#no")
        await wait_until(lambda: not chat.turning)
        await chat.settle()
        assert "refused by you" in _shown(chat)

        await _again(chat)

        assert "refused by you" in _shown(chat)


async def test_editing_a_message_keeps_what_was_told_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_actions, "_TWICE_SECONDS", 600.0)  # on a busy machine a press lasts
    async with chatting(tmp_path, (120, 60)) as chat:
        await chat.say("sim: fault=unauthorized")
        await wait_until(lambda: "✗" in _shown(chat))
        await chat.say("sim: text=two")
        assert "✗" in _shown(chat)

        await chat.press("escape", "escape")
        await wait_until(lambda: chat.prompt.text == "sim: text=two")
        await chat.settle()

        assert "✗" in _shown(chat)

"""The replay: the session again on another model, side by side."""

from __future__ import annotations

from pathlib import Path

from flux_tui.sim.app import SimSettings, Simulator
from flux_tui.ui.screens.chat import ChatScreen
from flux_tui.ui.screens.compare import CompareScreen
from flux_tui.ui.screens.compare_dialogs import QuestionScreen
from flux_tui.ui.screens.consent import ConsentScreen
from flux_tui.ui.screens.listing import ListScreen
from flux_tui.ui.screens.replay import ReplayScreen
from flux_tui.ui.widgets.column_diff import DiffText
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.transcript import Transcript
from tests.ui.comparing import View, comparing
from tests.ui.driving import Chat, chatting, wait_until


async def replaying(chat: Chat, *texts: str) -> ReplayScreen:
    """Say something to one vendor, and replay it with another, agreeing to all."""
    await said(chat, *texts)
    return await replay(chat)


async def said(chat: Chat, *texts: str) -> None:
    await chat.send("/model anthropic/claude-opus-5")
    for text in texts:
        await chat.say(text)


async def replay(chat: Chat) -> ReplayScreen:
    await chat.send("/replay openai/gpt-5.5")
    (await chat.dialog(ConsentScreen)).dismiss(True)
    (await chat.dialog(QuestionScreen)).dismiss(True)
    return await chat.dialog(ReplayScreen)


async def test_a_replay_stands_beside_the_original_and_stays_a_branch(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(140, 40)) as chat:
        screen = await replaying(chat, "one", "two")
        await wait_until(lambda: screen.replay.finished)
        await wait_until(
            lambda: "done of 2" in str(screen.query_one("#compare-bar", Plain).content)
        )
        before = chat.session.conversation

        left, right = (pane.text.session_text() for pane in screen.panes)
        assert "claude-opus-5" in left
        assert "gpt-5.5" in right
        assert screen.panes[1].answer(1) in right

        await chat.press("escape")
        back = await chat.dialog(ChatScreen)
        await chat.settle()

        assert chat.session.conversation.head == before.head
        assert "claude-opus-5" in back.query_one(Transcript).session_text()
        assert len(chat.session.conversation.children(None)) == 2


async def test_the_replay_can_be_stopped_gone_on_with_and_adopted(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(140, 40)) as chat:
        await said(chat, "sim: tokens=1000 one")
        simulator = chat.app.runtime._simulator  # pyright: ignore[reportPrivateUsage]
        assert isinstance(simulator, Simulator)
        simulator.settings = SimSettings(speed=40)
        screen = await replay(chat)
        await wait_until(lambda: screen.panes[1].column.progress.tokens)
        await chat.press("escape")
        await wait_until(lambda: not screen.busy)
        assert not screen.replay.finished

        simulator.settings = SimSettings()  # as fast as it can
        await chat.press("r")
        await wait_until(lambda: screen.replay.finished and not screen.busy)
        await chat.press("a")
        (await chat.dialog(QuestionScreen)).dismiss(True)
        await chat.dialog(ChatScreen)

        assert str(chat.session.model.ref) == "openai/gpt-5.5"
        assert chat.session.conversation.path == screen.replay.column.session.conversation.path


async def test_answers_to_the_same_question_are_compared(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(140, 40)) as chat:
        screen = await replaying(chat, "one")
        await wait_until(lambda: screen.replay.finished and not screen.busy)

        await chat.press("d")
        await wait_until(lambda: all(view.display for view in screen.query(DiffText)))
        await chat.press("escape")
        await wait_until(lambda: not any(view.display for view in screen.query(DiffText)))

        assert isinstance(chat.app.screen, ReplayScreen)


async def test_nothing_said_means_nothing_to_replay(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send("/replay openai/gpt-5.5")

        await wait_until(lambda: any("replayed" in note for note in chat.notes))


async def test_the_replay_may_run_the_tools_again(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(140, 40), FLUX_APPROVAL="read") as chat:
        await chat.send("/model anthropic/claude-opus-5")
        await chat.say('sim: tool=list_files:{"path":"."} look')
        await chat.send("/replay openai/gpt-5.5")
        (await chat.dialog(ConsentScreen)).dismiss(True)
        question = await chat.dialog(QuestionScreen)
        question.action_otherwise()
        screen = await chat.dialog(ReplayScreen)
        await wait_until(lambda: screen.replay.finished and not screen.busy)
        await chat.settle()

        assert screen.replay.run_again
        assert "tools run again" in str(screen.query_one("#compare-bar", Plain).content)


async def test_the_replays_commands_can_be_searched(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(140, 40)) as chat:
        screen = await replaying(chat, "one")
        await wait_until(lambda: screen.replay.finished and not screen.busy)

        await chat.press("ctrl+p")
        listing = await chat.dialog(ListScreen)
        await wait_until(lambda: "adopt" in listing.ids)
        listing.dismiss("read('zoom')")
        await chat.dialog(ReplayScreen)
        await wait_until(lambda: screen.has_class("-zoomed"))


async def replay_column(view: View) -> ReplayScreen:
    await view.say("one")
    await view.say("two")
    view.panes[0].focus()
    await view.send("/replay openai/gpt-5.5")
    (await view.chat.dialog(ConsentScreen)).dismiss(True)
    (await view.chat.dialog(QuestionScreen)).dismiss(True)
    screen = await view.chat.dialog(ReplayScreen)
    await wait_until(lambda: screen.replay.finished)
    return screen


async def test_a_column_can_be_replayed_though_the_chat_is_empty(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        before = view.paths()
        screen = await replay_column(view)
        assert "claude-opus-5" in screen.panes[0].text.session_text()
        assert screen.panes[1].turns == 2

        await view.press("escape")
        await view.chat.dialog(CompareScreen)
        await view.settle()

        assert "replayed with" in view.chat.text("#status-now").lower()
        assert [path[: len(old)] for path, old in zip(view.paths(), before, strict=True)] == before
        await view.say("three")  # the columns go on as if nothing had been
        assert [pane.turns for pane in view.panes] == [3, 3]
        assert view.chat.session.conversation.path == ()


async def test_a_session_goes_on_with_the_replay_of_a_column(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        screen = await replay_column(view)

        await view.press("a")
        await view.answer(QuestionScreen)
        await view.chat.dialog(ChatScreen)
        await view.chat.settle()

        said = screen.replay.column.session.conversation.path
        assert view.chat.session.conversation.path == said
        assert str(view.chat.session.model.ref) == "openai/gpt-5.5"
        assert not view.chat.app.is_screen_installed(view.screen)


async def test_an_empty_chat_says_where_its_columns_are_replayed(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("one")
        await view.press("f6")
        await view.chat.dialog(ChatScreen)

        await view.chat.send("/replay openai/gpt-5.5")

        await wait_until(lambda: any("F6 shows the columns" in note for note in view.chat.notes))

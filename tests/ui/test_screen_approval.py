"""Nothing runs by accident: what an approval shows, and which keys it takes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App
from textual.events import Paste
from textual.pilot import Pilot

from flux_tui.core.messages import ToolCall
from flux_tui.session.approvals import Answer
from flux_tui.tools.base import Preview
from flux_tui.tools.registry import builtin_tools
from flux_tui.ui.screens import approval, guarded
from flux_tui.ui.screens.approval import ApprovalScreen, ScreenApprover
from flux_tui.ui.screens.guarded import QUIET_SECONDS
from flux_tui.ui.widgets.plain import Plain, PlainButton
from tests.ui.driving import chatting, wait_until

WRITE = ToolCall("c1", "write_file", {"path": "a.txt", "content": "x"})
SHELL = ToolCall("c2", "run_shell", {"command": "ls"})
TOOLS = builtin_tools()


class Asking(App[None]):
    """An empty application with one dialog on a clock that the test sets."""

    CSS_PATH = Path(approval.__file__).parents[1] / "styles" / "base.tcss"

    def __init__(self, call: ToolCall = WRITE, preview: Preview | None = None) -> None:
        super().__init__()
        self.now = 100.0
        self.answers: list[Answer | None] = []
        self.dialog = ApprovalScreen(call, TOOLS[call.name], preview, now=lambda: self.now)

    def on_mount(self) -> None:
        self.push_screen(self.dialog, self.answers.append)

    @asynccontextmanager
    async def shown(self) -> AsyncGenerator[Pilot[None]]:
        async with self.run_test(size=(80, 24)) as pilot:
            await wait_until(lambda: self.focused is not None, "the dialog")
            await pilot.pause()
            yield pilot


async def test_keys_typed_ahead_approve_nothing() -> None:
    app = Asking()
    async with app.shown() as pilot:
        app.now += QUIET_SECONDS / 2
        await pilot.press("y")
        app.now += QUIET_SECONDS / 2
        await pilot.press("y", "enter")
        assert app.answers == []

        app.now += 2 * QUIET_SECONDS
        await pilot.press("y")
        await pilot.pause()

        assert app.answers == [Answer.ONCE]


async def test_a_paste_approves_nothing_and_begins_the_silence_anew() -> None:
    app = Asking()
    async with app.shown() as pilot:
        app.now += 10
        app.dialog.post_message(Paste("y\ny\n"))
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()

        assert app.answers == []


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["n"], Answer.NO),
        (["escape"], Answer.NO),
        (["enter"], Answer.NO),
        (["y"], Answer.ONCE),
        (["s"], Answer.SESSION),
    ],
)
async def test_each_key_gives_its_answer(keys: list[str], answer: Answer) -> None:
    app = Asking()
    async with app.shown() as pilot:
        app.now += 1
        await pilot.press(*keys)
        await pilot.pause()

        assert app.answers == [answer]


async def test_a_command_is_never_allowed_for_the_session() -> None:
    app = Asking(SHELL, Preview("command", "ls"))
    async with app.shown() as pilot:
        assert [button.id for button in app.dialog.query(PlainButton)] == ["no", "once"]
        assert "session" not in "".join(str(p.content) for p in app.dialog.query(Plain)).lower()
        app.now += 1
        await pilot.press("s")
        await pilot.pause()

        assert app.answers == []


async def test_the_dialog_is_as_high_as_what_it_shows_and_stands_on_no() -> None:
    small, large = (
        Asking(SHELL, Preview("command", "ls")),
        Asking(WRITE, Preview("diff", "\n".join(f"+line {n}" for n in range(500)))),
    )
    for app in (small, large):
        async with app.shown():
            assert app.focused is app.dialog.query_one("#no")
            assert app.dialog.query_one("#approval").region.height <= 24
            assert app.dialog.query_one("#approval-buttons").region.bottom < 24


async def test_hidden_characters_are_shown() -> None:
    app = Asking(SHELL, Preview("command", "ls \u202e# fr- mr\u200b\x1b[2K"))
    async with app.shown():
        shown = str(app.dialog.query_one("#approval-text", Plain).content)

        assert not {"\u202e", "\u200b", "\x1b"} & set(shown)


async def test_a_cancelled_question_closes_its_dialog_and_the_next_one_is_asked() -> None:
    app: App[None] = App()
    told: list[str] = []
    async with app.run_test() as pilot:
        approver = ScreenApprover(app, lambda call, _: told.append(call.id))
        first = asyncio.create_task(approver.ask(WRITE, TOOLS["write_file"], None))
        second = asyncio.create_task(approver.ask(SHELL, TOOLS["run_shell"], None))
        await wait_until(lambda: isinstance(app.screen, ApprovalScreen))
        assert told == ["c1"]

        first.cancel()
        await wait_until(lambda: told == ["c1", "c2"])
        await wait_until(lambda: isinstance(app.screen, ApprovalScreen))
        app.screen.dismiss(Answer.ONCE)
        await pilot.pause()

        assert await second is Answer.ONCE
        assert first.cancelled()


async def test_two_calls_ask_one_after_the_other_and_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "QUIET_SECONDS", 0.0)
    async with chatting(tmp_path) as chat:
        two = "".join(
            f' tool=write_file:{{"path":"{name}","content":"{name}\\n"}}' for name in ("a", "b")
        )
        await chat.send(f"sim:{two}")
        seen: list[object] = []
        for _ in range(2):
            await wait_until(
                lambda: isinstance(chat.app.screen, ApprovalScreen) and chat.app.screen not in seen
            )
            seen.append(chat.app.screen)
            await chat.press("y")
        await wait_until(lambda: not chat.turning)

        assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["a", "b"]


async def test_stopping_while_a_tool_asks_closes_the_dialog_and_runs_nothing(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send('sim: tool=write_file:{"path":"a","content":"a"}')
        await chat.dialog(ApprovalScreen)

        chat.session.stop()
        await wait_until(lambda: not chat.turning)
        await chat.settle()

        assert chat.app.screen is chat.app.chat
        assert list((tmp_path / "work").iterdir()) == []
        assert chat.session.conversation.path

"""The screen as people use it: talk, stop, edit, retry, swap, come back."""

from pathlib import Path

import pytest
from textual.events import Paste

from flux_tui.core.models import ModelRef
from flux_tui.ui import app
from flux_tui.ui.screens import chat_actions
from flux_tui.ui.screens.listing import ListScreen
from flux_tui.ui.screens.sessions import SessionsScreen
from flux_tui.ui.widgets.cost_meter import CostMeter
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.tool_pane import ToolPane
from flux_tui.ui.widgets.transcript import Transcript
from tests.ui.driving import Chat, chatting, handled, make_app, wait_until

SLOW = "sim: tokens=2000 speed=60"
BRIEF = "sim: tokens=40 speed=7"
LONG = "sim: tokens=800"
TOOL = 'sim: tool=list_files:{"path":"."} look'


async def test_a_message_is_answered_and_f3_changes_the_provider(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        before = chat.session.model.ref.provider

        await chat.say("hello")
        await chat.press("f3")
        await chat.agree()

        assert chat.answers[0]
        assert chat.session.model.ref.provider != before
        assert str(chat.session.model.ref) in chat.text("#bar-model")


async def test_a_big_paste_is_a_chip_and_stays_whole(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        text = "line\n" * 600

        chat.prompt.post_message(Paste(text))
        await chat.pilot.pause()

        assert chat.prompt.text == "[pasted 600 lines]"
        assert chat.prompt.whole_text == text


async def test_escape_stops_and_keeps_the_partial_answer(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.begin(SLOW)

        await chat.press("escape")
        await wait_until(lambda: not chat.turning)
        await chat.settle()

        assert chat.session.conversation.path[-1].stop == "aborted"
        assert chat.answers[-1]
        await wait_until(lambda: "Stopped" in chat.text("#status-now"))
        await wait_until(lambda: "Retry" in chat.text("#status-keys"))


async def test_escape_twice_brings_the_last_message_back_to_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_actions, "_TWICE_SECONDS", 600.0)  # on a busy machine a press lasts
    async with chatting(tmp_path) as chat:
        chat.session.policy.mode = "read"
        await chat.say(TOOL)
        tools = chat.app.chat.query_one(ToolPane)
        assert tools.calls == 1

        await chat.press("escape", "escape")
        await wait_until(lambda: chat.prompt.text == TOOL)

        assert chat.session.conversation.path == ()
        assert tools.calls == 0


async def test_editing_an_earlier_message_makes_a_branch_from_there(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("first")
        await chat.say("second")
        chat.app.chat.query_one(Transcript).focus()

        await chat.press("k", "k", "k", "k", "alt+up")
        await wait_until(lambda: chat.prompt.text == "first")
        await chat.say("other")

        assert [m.text for m in chat.session.conversation.path if m.role == "user"] == ["other"]
        assert len(chat.session.conversation.messages) == 6


async def test_retry_gives_another_answer_to_the_same_message(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        first = chat.session.conversation.path[-1].id

        await chat.press("f5")
        await wait_until(lambda: chat.session.conversation.path[-1].id != first)
        await wait_until(lambda: not chat.turning)

        assert len(chat.session.conversation.path) == 2
        assert len(chat.session.conversation.messages) == 3


async def test_a_failed_turn_says_what_failed_and_offers_to_retry(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("sim: fault=bad-request")
        await chat.settle()

        assert chat.text("#status-now").startswith("✗ ")
        assert chat.text("#status-keys").startswith("F5 Retry")


async def test_what_is_said_while_an_answer_runs_is_sent_after_it(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send(BRIEF)
        await wait_until(lambda: chat.session.busy)

        await chat.send("and then?")
        await wait_until(lambda: "and then?" in chat.text("#waiting"))
        await wait_until(lambda: len(chat.answers) == 2 and not chat.session.busy)

        said = [m.text for m in chat.session.conversation.path if m.role == "user"]
        assert said == [BRIEF, "and then?"]
        assert not chat.app.chat.query_one("#waiting").display


async def test_what_waits_goes_back_to_the_composer_when_the_answer_is_stopped(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        await chat.begin(SLOW)
        await chat.send("and then?")
        chat.prompt.fill("half a")

        await chat.press("escape")
        await wait_until(lambda: not chat.turning)

        assert chat.prompt.text == "and then?\n\nhalf a"


async def test_a_swap_while_streaming_lets_the_answer_end_with_its_model(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        begun = chat.session.model.ref
        await chat.begin(BRIEF)

        await chat.press("f3")
        changed = chat.session.model.ref
        await wait_until(lambda: not chat.turning)
        await chat.send("and you?")
        await chat.agree()
        await wait_until(lambda: len(chat.answers) == 2 and not chat.turning)

        models = [m.model for m in chat.session.conversation.path if m.role == "assistant"]
        assert models == [begun, changed]
        assert begun != changed


async def test_up_and_down_bring_back_what_was_said_and_the_draft(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("first")
        await chat.say("second")
        chat.prompt.fill("draft")

        seen: list[str] = []
        for key in ("up", "up", "down", "down"):
            await chat.press(key)
            seen.append(chat.prompt.text)

        assert seen == ["second", "first", "second", "draft"]


async def test_the_prompt_history_is_searched(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("a red fox")
        await chat.say("a blue whale")

        await chat.press("ctrl+r")
        dialog = await chat.dialog(ListScreen)
        await chat.press(*"fox")
        await wait_until(lambda: dialog.highlighted == "a red fox")
        await chat.press("enter")

        assert chat.prompt.text == "a red fox"


async def test_a_new_session_leaves_the_old_one_in_the_list(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("remember me")
        old = chat.session.id

        await chat.press("ctrl+n")
        assert chat.session.id is None
        await chat.press("f9")
        dialog = await chat.dialog(SessionsScreen)
        await wait_until(lambda: dialog.highlighted == old)
        await chat.press("enter")
        await wait_until(lambda: chat.session.id == old)

        assert chat.answers


async def test_sessions_are_renamed_and_deleted_in_their_list(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("first")
        old = chat.session.id
        await chat.press("ctrl+n")
        await chat.say("second")
        await chat.press("f9")
        dialog = await chat.dialog(SessionsScreen)
        await wait_until(lambda: dialog.highlighted == chat.session.id)

        await chat.press("ctrl+d", "ctrl+d")
        assert "is open" in chat.text(".keys")
        await chat.press("down", "ctrl+r")
        await chat.press(*" of all", "enter")
        await wait_until(lambda: "first of all" in dialog.title_of(old))
        await wait_until(lambda: dialog.highlighted is not None)
        await chat.press("down", "ctrl+d")
        assert "again" in chat.text(".keys")
        await chat.press("ctrl+d")
        await wait_until(lambda: len(dialog.ids) == 1)

        assert [s.id for s in await chat.app.runtime.store.sessions()] == [chat.session.id]


async def test_a_session_can_be_renamed_with_a_command(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")

        await chat.send("/rename About [b]foxes[/b]")
        await chat.settle()

        assert chat.text("#bar-title") == "About [b]foxes[/b]"


async def test_a_wrong_command_is_kept_and_told(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send("/modle")

        assert chat.prompt.text == "/modle"
        await wait_until(lambda: any("/model" in note for note in chat.notes))


async def test_commands_are_shown_and_completed_while_typing(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(*"/ren")
        await wait_until(lambda: "rename" in chat.text("#menu"))

        await chat.press("tab")

        assert chat.prompt.text == "/rename "
        assert not chat.app.chat.query_one("#menu", Plain).display


async def test_a_reader_who_scrolled_up_is_told_of_the_lines_below(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        await chat.say(LONG)
        transcript = chat.app.chat.query_one(Transcript)
        transcript.focus()
        await chat.press("pageup")
        await chat.settle()
        await wait_until(lambda: "more lines" in chat.text("#status-keys"))

        await chat.press("ctrl+end")
        await chat.settle()

        assert transcript.follow
        assert "more line" not in chat.text("#status-keys")


async def test_page_keys_scroll_the_transcript_from_the_composer(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        await chat.say(LONG)
        transcript = chat.app.chat.query_one(Transcript)

        await chat.press("a", "pageup")
        await wait_until(lambda: not transcript.follow)
        await wait_until(lambda: transcript.scroll_offset.y < transcript.max_scroll_y)

        await chat.press("pagedown")
        # Not where it was before: what is out of sight is still being measured.
        await wait_until(lambda: transcript.scroll_offset.y == transcript.max_scroll_y)


async def test_a_composer_that_hides_text_keeps_the_page_keys(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        await chat.say(LONG)
        transcript = chat.app.chat.query_one(Transcript)

        await chat.press(*["ctrl+j"] * 30, "pageup")
        await chat.settle()

        assert transcript.follow
        await wait_until(lambda: transcript.scroll_offset.y == transcript.max_scroll_y)


async def test_a_tool_call_opens_and_leads_to_its_place(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        chat.session.policy.mode = "read"
        await chat.say(TOOL)
        await chat.say(LONG)
        await chat.press("f7")
        await wait_until(
            lambda: chat.app.focused is not None and chat.app.focused.id == "tool-table"
        )

        await chat.press("enter")
        await wait_until(
            lambda: any(
                "Arguments" in str(text.content)
                for text in chat.app.screen.query("VerticalScroll Plain").results(Plain)
            )
        )
        await chat.press("j")
        transcript = chat.app.chat.query_one(Transcript)
        await wait_until(lambda: transcript.has_focus and not transcript.follow)

        assert chat.app.chat.tab == "chat"


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+d"])
async def test_the_program_ends_at_a_key(tmp_path: Path, key: str) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(key)
        await wait_until(lambda: not chat.app.is_running or chat.app.return_code is not None)

        assert chat.app.return_code == 0


async def test_ctrl_q_ends_the_program_from_a_dialog_too(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press("f2")
        await chat.press("ctrl+q")
        await wait_until(lambda: chat.app.return_code is not None)

        assert chat.app.return_code == 0


async def test_ctrl_c_clears_first_and_quits_at_the_second_press(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_QUIT_SECONDS", 600.0)  # on a busy machine a press lasts
    async with chatting(tmp_path) as chat:
        chat.prompt.fill("something")
        await chat.press("ctrl+c")
        assert chat.prompt.text == ""
        assert chat.app.return_code is None

        await chat.press("ctrl+c")
        await wait_until(lambda: chat.app.return_code is not None)

        assert chat.app.return_code == 0


async def test_quitting_while_an_answer_runs_keeps_what_has_arrived(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.begin(SLOW)
        session = chat.session

        await chat.press("ctrl+q")
        await wait_until(lambda: chat.app.return_code is not None)

        assert session.conversation.path[-1].stop == "aborted"


async def test_copies_take_the_source_and_say_where_they_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    async with chatting(tmp_path) as chat:
        await chat.say("show me code")
        await chat.press("alt+c")
        await wait_until(lambda: "```" in chat.app.clipboard)
        assert chat.app.clipboard.strip() == chat.answers[-1].strip()

        await chat.press("alt+k")
        await wait_until(lambda: "```" not in chat.app.clipboard)

        assert chat.app.clipboard.strip() in chat.answers[-1]
        await wait_until(lambda: any("OSC 52" in note for note in chat.notes))


async def test_what_an_answer_under_way_costs_is_not_called_nothing(tmp_path: Path) -> None:
    async with chatting(tmp_path, FLUX_SIM_SPEED="20") as chat:
        await wait_until(lambda: "nothing spent" in chat.text("#cost-text"))
        await chat.begin("hello")
        await wait_until(lambda: "under way is not counted yet" in chat.text("#cost-text"))
        await chat.press("escape")
        await wait_until(lambda: "under way" not in chat.text("#cost-text"))


async def test_cost_and_context_follow_the_conversation(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        cost = str(chat.app.chat.query_one(CostMeter).query_one("#cost-text", Plain).content)

        assert "1 request\n" in cost
        await wait_until(lambda: "simulated" in chat.text("#bar-cost"))


async def test_slots_and_favourites_choose_models(tmp_path: Path) -> None:
    names = "anthropic/claude-haiku-4-5,openai/gpt-5-mini"
    async with chatting(tmp_path) as chat:
        for name in names.split(","):
            await chat.app.runtime.favourite(ModelRef.parse(name), on=True)
        seen = await _models_after(chat, "alt+2", "alt+1", "f4", "shift+f4", "f4", "f4")

        haiku, mini = names.split(",")
        assert seen == [mini, haiku, mini, haiku, mini, haiku]


async def _models_after(chat: Chat, *keys: str) -> list[str]:
    seen: list[str] = []
    for key in keys:
        await chat.press(key)
        seen.append(str(chat.session.model.ref))
    return seen


async def test_a_model_is_chosen_by_command_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send("/model openai/gpt-5-mini")
        assert str(chat.session.model.ref) == "openai/gpt-5-mini"

        await chat.send("/model gpt-5-minni")

        await wait_until(lambda: any("gpt-5-mini" in note for note in chat.notes))


async def test_sdk_and_prices_are_loaded_when_somebody_types_and_not_before(tmp_path: Path) -> None:
    flux = make_app(tmp_path)
    async with flux.run_test(size=(120, 40)) as pilot:
        await wait_until(lambda: flux.chat.session is not None)
        await handled(pilot)
        assert not any(w.group in {"prepare", "prices"} for w in flux.workers)
        assert not flux.prices

        await pilot.press("h")

        await wait_until(lambda: flux.prices)

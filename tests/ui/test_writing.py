"""Writing a message: chips, drafts, what waits in order, shell lines, another model once."""

import asyncio
import threading
from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import Input

from flux_tui.core.messages import Document, Image
from flux_tui.session import attachments
from flux_tui.storage.claims import _started, own_claim  # pyright: ignore[reportPrivateUsage]
from flux_tui.ui import app
from flux_tui.ui.screens.approval import ApprovalScreen
from flux_tui.ui.screens.chat import ChatScreen
from flux_tui.ui.screens.consent import ConsentScreen
from flux_tui.ui.screens.prompt_search import PromptSearch
from flux_tui.ui.widgets.chips import Attachments
from flux_tui.ui.widgets.composer import Composer
from flux_tui.ui.widgets.menu import Menu
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.transcript import Transcript
from tests.ui.driving import Chat, chatting, make_app, wait_until

SLOW = "sim: tokens=2000 speed=20"  # longer than any test, and its first words come soon
LINES = "\n".join(f"line {number}" for number in range(30))


async def _paste(chat: Chat, text: str) -> None:
    chat.prompt.post_message(Paste(text))
    await chat.pilot.pause()


def _menu(chat: Chat) -> Menu:
    return chat.app.chat.query_one(Menu)


def _said(chat: Chat) -> list[str]:
    return [m.text for m in chat.session.conversation.path if m.role == "user"]


async def _kept(chat: Chat, text: str, key: str = "") -> None:
    """Wait until the store has a draft with *text* in it, or none if that is empty."""
    store = chat.app.runtime.store
    key = key or f"draft:{chat.session.id or f'new:{chat.app.root}'}"
    found = ""
    for _ in range(1_000):
        found = await store.get_state(key) or ""
        if text in found if text else not found:
            return
        await chat.pilot.pause(0.01)
    raise AssertionError(f"no draft with {text!r} but {found!r}")


# ── chips ──


async def test_a_chip_is_removed_and_brought_back_as_one(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(*"a ")
        await _paste(chat, LINES)
        await chat.press(*" b")
        assert chat.prompt.text == "a [pasted 30 lines] b"

        await chat.press("left", "left", "backspace")
        assert chat.prompt.text == "a  b"
        await chat.press("alt+z")
        assert chat.prompt.text == "a [pasted 30 lines] b"
        assert chat.prompt.whole_text == f"a {LINES} b"


async def test_the_cursor_passes_a_chip_in_one_step(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await _paste(chat, LINES)
        end = chat.prompt.cursor_location

        await chat.press("left")
        assert chat.prompt.cursor_location == (0, 0)
        await chat.press("right")
        assert chat.prompt.cursor_location == end
        await chat.press("ctrl+w")
        assert chat.prompt.text == ""


async def test_a_chip_is_expanded_in_its_place(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(*"see ")
        await _paste(chat, LINES)

        await chat.press("alt+x")

        assert chat.prompt.text == f"see {LINES}"


async def test_what_is_too_long_to_be_shown_stays_a_chip(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await _paste(chat, "word " * 200_000)
        await wait_until(lambda: chat.prompt.text == "[pasted 1,000,000 characters]")

        await chat.press("alt+x")

        assert chat.prompt.text == "[pasted 1,000,000 characters]"
        await wait_until(lambda: any("too long to be shown" in note for note in chat.notes))


async def test_an_attached_text_is_expanded_into_the_message(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a.py").write_text("print(1)\n")
    async with chatting(tmp_path) as chat:
        await chat.send("/attach a.py")
        await wait_until(lambda: chat.app.chat.query_one(Attachments).items)

        await chat.press("alt+x")

        assert chat.prompt.text == "print(1)\n"
        assert not chat.app.chat.query_one(Attachments).items


async def test_ctrl_c_throws_away_what_up_and_undo_bring_back(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(*"precious", "ctrl+c")
        assert chat.prompt.text == ""
        await chat.press("up")
        assert chat.prompt.text == "precious"
        await chat.press("ctrl+c", *"new", "ctrl+c")
        assert chat.app.is_running
        assert chat.app.return_code is None


async def test_ctrl_c_copies_a_selection_once_and_can_quit_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_QUIT_SECONDS", 600.0)  # on a busy machine a press lasts
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        transcript = chat.app.chat.query_one(Transcript)
        await chat.pilot.mouse_down(transcript, offset=(3, 2))
        await chat.pilot.hover(transcript, offset=(7, 2))
        await chat.pilot.mouse_up(transcript, offset=(7, 2))
        assert chat.app.screen.get_selected_text()

        await chat.press("ctrl+c")
        await wait_until(lambda: any("the selection" in note for note in chat.notes))

        assert not chat.app.screen.get_selected_text()
        await chat.press("ctrl+c", "ctrl+c")
        await wait_until(lambda: chat.app.return_code == 0)


# ── commands ──


@pytest.mark.parametrize("text", ["/", "/nonsense", "/stop it now", "+nobody hello", "!", "+x"])
async def test_what_cannot_be_done_is_not_sent_but_kept_and_told(tmp_path: Path, text: str) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send(text)
        await wait_until(lambda: chat.notes, "what is wrong")
        await chat.pilot.pause()

        assert chat.prompt.text == text
        assert not chat.session.conversation.path


async def test_a_doubled_slash_sends_a_text_that_begins_with_one(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("//help me")

        assert _said(chat) == ["/help me"]
        await chat.press("up")
        assert chat.prompt.text == "//help me"


async def test_a_command_is_chosen_in_the_menu_and_done(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        chat.session.policy.mode = "ask"
        await chat.press(*"/he")
        await wait_until(lambda: _menu(chat).chosen == "help")

        await chat.press("down", "enter")

        await wait_until(lambda: not isinstance(chat.app.screen, ChatScreen), "the help")
        assert chat.prompt.text == ""


async def test_enter_does_what_was_typed_and_not_what_the_menu_happens_to_show(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(*"/co")
        await wait_until(lambda: _menu(chat).chosen is not None)

        await chat.press("enter")

        assert chat.prompt.text == "/co"
        await wait_until(lambda: any("There is no command /co" in note for note in chat.notes))


async def test_a_row_offered_for_another_word_is_not_taken(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(*"+ha")
        await wait_until(lambda: "haiku" in (_menu(chat).chosen or ""))

        chat.prompt.fill("/frobnicate")  # the list still shows models
        chat.prompt.take()
        assert chat.prompt.text == "/frobnicate"
        await chat.press("enter")

        await wait_until(lambda: any("no command /frobnicate" in note for note in chat.notes))


async def test_the_model_of_a_command_is_chosen_in_the_menu_too(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(*"/model haiku")
        await wait_until(lambda: "haiku" in (_menu(chat).chosen or ""))
        wished = _menu(chat).chosen

        await chat.press("down", "up", "enter")

        await wait_until(lambda: str(chat.session.model.ref) == wished)
        assert chat.prompt.text == ""


async def test_a_click_takes_a_row_of_the_menu(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(*"/re")
        await wait_until(lambda: _menu(chat).chosen is not None)
        await chat.settle()

        await chat.pilot.click(_menu(chat), offset=(4, 1))

        await wait_until(lambda: chat.prompt.text.startswith("/re") and len(chat.prompt.text) > 3)
        assert chat.prompt.has_focus


async def test_going_through_earlier_messages_opens_no_menu(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        chat.prompt.recalling.remember(["/help", "@a", "older"])
        await chat.press("up", "up", "up")
        assert chat.prompt.text == "older"
        assert _menu(chat).chosen is None


async def test_the_menu_lies_over_the_transcript_and_moves_nothing(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(40, 12)) as chat:
        before = chat.app.chat.query_one("#main").region
        await chat.press("/")
        await wait_until(lambda: _menu(chat).chosen is not None)
        await chat.settle()

        assert chat.app.chat.query_one("#main").region == before
        assert _menu(chat).region.bottom == chat.prompt.region.y
        assert _menu(chat).region.y >= 0


# ── another model for once ──


async def test_one_message_goes_to_another_model_and_the_next_to_ones_own(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        own = chat.session.model.ref
        other = next(c.info.ref for c in chat.app.runtime.choices() if c.info.ref != own)
        await chat.say(f"+{other} who are you?")
        await chat.say("and you?")

        answers = [m for m in chat.session.conversation.path if m.role == "assistant"]
        assert [m.model for m in answers] == [other, own]
        assert _said(chat) == ["who are you?", "and you?"]
        assert chat.session.model.ref == own


async def test_a_session_is_resumed_with_its_own_model_and_not_with_one_asked_once(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        own = chat.session.model.ref
        other = next(c.info.ref for c in chat.app.runtime.choices() if c.info.ref != own)
        await chat.say("hello")
        await chat.say(f"+{other} who are you?")
        session = chat.session.id
        assert session is not None
        await _kept(chat, str(own), f"model:{session}")
    async with chatting(tmp_path) as chat:
        assert (await chat.app.runtime.resume(session)).model.ref == own

        chat.app.chat.take(await chat.app.runtime.resume(session))
        await chat.send(f"/model {other}")
        await chat.say("and you?")
    async with chatting(tmp_path) as chat:
        assert (await chat.app.runtime.resume(session)).model.ref == other


async def test_the_models_name_is_completed_behind_the_plus(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(*"+haiku")
        await wait_until(lambda: "haiku" in (_menu(chat).chosen or ""))

        await chat.press("enter")

        assert chat.prompt.text.startswith("+anthropic/claude-haiku")
        assert chat.prompt.text.endswith(" ")


async def test_esc_in_a_message_to_another_model_goes_back_to_ones_own(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        own = chat.session.model.ref
        other = next(c.info.ref for c in chat.app.runtime.choices() if c.info.ref != own)
        await chat.begin(f"+{other} {SLOW}")
        assert chat.session.model.ref == other

        await chat.press("escape")
        await wait_until(lambda: not chat.turning)

        assert chat.session.model.ref == own
        assert chat.session.conversation.path[-1].stop == "aborted"


async def test_a_model_chosen_while_another_answers_once_stays_chosen(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        first, second, third = (c.info.ref for c in chat.app.runtime.choices()[:3])
        assert chat.session.model.ref == first
        await chat.begin(f"+{second} {SLOW}")
        await chat.send(f"/model {third}")
        await wait_until(lambda: chat.session.model.ref == third)

        await chat.press("escape")
        await wait_until(lambda: not chat.turning)

        assert chat.session.model.ref == third


# ── shell lines ──


async def test_a_shell_line_asks_runs_and_goes_with_the_next_message(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send("!echo one two")
        await chat.dialog(ApprovalScreen)
        await chat.pilot.click("#once")
        await wait_until(lambda: _said(chat) and not chat.turning)
        assert chat.answers == []
        assert _said(chat) == ["`$ echo one two` printed:\n\n```\none two\n```"]
        assert chat.app.chat.tools.calls == 1

        await chat.say("what was that?")

        assert len(chat.answers) == 1
        await chat.press("up", "up")
        assert chat.prompt.text == "!echo one two"


async def test_a_denied_shell_line_adds_nothing(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send("!echo one")
        await chat.dialog(ApprovalScreen)
        await chat.pilot.click("#no")
        await wait_until(lambda: not chat.turning and isinstance(chat.app.screen, ChatScreen))
        await chat.settle()

        assert _said(chat) == []
        await wait_until(lambda: "nothing was added" in chat.text("#status-now"))


async def test_an_at_sign_in_a_shell_line_attaches_nothing(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a.py").write_text("print(1)\n")
    async with chatting(tmp_path) as chat:
        await chat.send("!echo @a.py")
        await chat.dialog(ApprovalScreen)

        assert not chat.app.chat.query_one(Attachments).items


# ── what waits ──


async def test_several_messages_wait_in_order_and_up_takes_the_last_back(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.begin(SLOW)
        for text in ("first", "second", "third"):
            await chat.send(text)
        shown = chat.text("#waiting").splitlines()
        assert [line.split()[-1] for line in shown] == ["first", "second", "third"]

        await chat.press("up")

        assert chat.prompt.text == "third"
        assert [item.text for item in chat.app.chat.sending.waiting] == ["first", "second"]
        await chat.press("escape")
        await wait_until(lambda: not chat.turning)
        assert chat.prompt.text == "first\n\nsecond\n\nthird"
        assert not chat.app.chat.query_one("#waiting").display


async def test_what_waits_is_sent_one_after_the_other(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.begin("sim: tokens=40 speed=7")
        await chat.send("sim: text=two")
        await chat.send("sim: text=three")

        await wait_until(lambda: len(chat.answers) == 3 and not chat.turning)

        assert _said(chat)[1:] == ["sim: text=two", "sim: text=three"]


# ── drafts ──


async def test_what_was_typed_is_there_again_after_a_crash(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        await chat.press(*"half a ")
        await _paste(chat, LINES)
        await _kept(chat, "[pasted 30 lines]")
        session = chat.session.id
        # A crash: nothing is written any more.
        chat.app.chat.drafts.changed = lambda: None  # type: ignore[method-assign]
        chat.app.chat.drafts._session = None  # pyright: ignore[reportPrivateUsage]
    assert session is not None
    async with chatting(tmp_path) as chat:
        await chat.pilot.pause()
        assert chat.prompt.text == ""

        chat.app.chat.take(await chat.app.runtime.resume(session))

        await wait_until(lambda: chat.prompt.text == "half a [pasted 30 lines]")
        assert chat.prompt.whole_text == f"half a {LINES}"
        assert _said(chat) == ["hello"]


async def test_a_draft_stays_with_its_session(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        first = chat.session.id
        assert first is not None
        await chat.press(*"for the first")
        await chat.press("ctrl+n")
        await wait_until(lambda: chat.prompt.text == "", "an empty composer")
        await chat.press(*"for the new one")

        chat.app.chat.take(await chat.app.runtime.resume(first))
        await wait_until(lambda: chat.prompt.text == "for the first")
        await chat.app.chat.drafts.flush()

        await chat.press("ctrl+n")
        await wait_until(lambda: chat.prompt.text == "for the new one")


async def test_the_draft_of_a_session_just_left_is_kept_when_the_program_ends_at_once(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        first, screen = chat.session, chat.app.chat
        chat.prompt.fill("for the first")
        screen.take(chat.app.runtime.new_session(first.model))
        screen.workers.cancel_group(screen, "draft")  # none of them has begun

        await screen.drafts.leave()

        kept = await chat.app.runtime.store.get_state(f"draft:{first.id}")
        assert "for the first" in (kept or "")


async def test_two_messages_in_one_burst_are_both_said_in_their_order(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        sending = chat.app.chat.sending
        for text in ("sim: text=one", "sim: text=two", "sim: text=three"):
            await sending.take(text, ())  # the turn before has not begun

        await wait_until(lambda: chat.answers == ["one", "two", "three"], "all answers")


async def test_a_shell_line_in_a_burst_takes_no_message_away(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        sending = chat.app.chat.sending
        for text in ("!echo hello", "sim: text=one", "!echo again", "sim: text=two"):
            await sending.take(text, ())
        for _ in range(2):
            await chat.dialog(ApprovalScreen)
            await asyncio.sleep(0.5)  # what is typed ahead approves nothing
            await chat.press("y")

        await wait_until(lambda: chat.answers == ["one", "two"], "both answers")


async def test_what_would_end_a_turn_that_has_not_begun_is_refused(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        first = chat.session
        await chat.app.chat.sending.take("sim: text=one", ())
        for action in ("session.new", "chat.retry", "chat.compact"):
            await chat.app.chat.run_command(action, "")
        assert chat.session is first

        await wait_until(lambda: chat.answers == ["one"], "the answer")
        assert [note for note in chat.notes if "still running" in note]


async def test_what_was_under_way_when_a_turn_broke_down_is_in_the_composer_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("a fault of the program")

    async with chatting(tmp_path) as chat:
        with monkeypatch.context() as patch:
            patch.setattr(chat.session, "send", broken)
            for text in ("sim: text=one", "sim: text=two"):
                await chat.app.chat.sending.take(text, ())
            await wait_until(lambda: chat.prompt.text, "the words")
        assert chat.prompt.text == "sim: text=one\n\nsim: text=two"
        assert not chat.app.chat.sending.waiting

        chat.prompt.fill("")
        await chat.say("sim: text=three")
        assert chat.answers == ["three"]
        (report,) = tmp_path.rglob("crash-*.txt")
        assert "a fault of the program" in report.read_text()
        report.unlink()  # it is a fault that was asked for


async def test_what_was_sent_is_no_draft_any_more(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(*"hello")
        await _kept(chat, "hello")
        await chat.say("hello")

        await _kept(chat, "", f"draft:new:{chat.app.root}")
        await _kept(chat, "")


async def test_what_waits_is_part_of_the_draft(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.begin(SLOW)
        await chat.send("and then?")
        await _kept(chat, "and then?")
        await chat.press("escape")


def _files(chat: Chat) -> list[str]:
    return [item.name for item in chat.app.chat.query_one(Attachments).items]


async def _crash(chat: Chat) -> str:
    """Have nothing written any more, as if the program had been killed."""
    session = chat.session.id
    assert session is not None
    chat.app.chat.drafts.changed = lambda: None  # type: ignore[method-assign]
    chat.app.chat.drafts._session = None  # pyright: ignore[reportPrivateUsage]
    return session


async def test_the_files_of_what_waits_and_of_what_is_written_outlive_a_crash(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        for name in ("a.txt", "b.txt", "gone.txt"):
            (tmp_path / "work" / name).write_text(f"the text of {name}\n")
        await chat.begin(SLOW)
        await _paste(chat, str(tmp_path / "work" / "a.txt"))
        await wait_until(lambda: _files(chat) == ["a.txt"])
        await chat.send("what is in it?")
        await wait_until(lambda: not _files(chat))
        for name in ("b.txt", "gone.txt"):
            await _paste(chat, str(tmp_path / "work" / name))
        await wait_until(lambda: _files(chat) == ["b.txt", "gone.txt"])
        await _kept(chat, "gone.txt")
        await _kept(chat, "a.txt")
        session = await _crash(chat)
        chat.session.stop()
    (tmp_path / "work" / "gone.txt").unlink()

    async with chatting(tmp_path) as chat:
        chat.app.chat.take(await chat.app.runtime.resume(session))
        await wait_until(lambda: chat.prompt.text == "what is in it?")
        await wait_until(lambda: _files(chat) == ["a.txt", "b.txt"])

        await wait_until(lambda: "gone.txt cannot be attached" in chat.text("#status-now"))


async def test_a_file_alone_is_a_draft_too(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        (tmp_path / "work" / "a.txt").write_text("words\n")
        await chat.say("hello")
        await _paste(chat, str(tmp_path / "work" / "a.txt"))

        await _kept(chat, "a.txt")


async def test_a_file_that_is_still_read_does_not_come_to_another_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "work" / "a.txt"
    read, go = attachments.read_attachment, threading.Event()

    def slow(path: Path) -> Image | Document:
        go.wait(60)
        return read(path)

    async with chatting(tmp_path) as chat:
        path.write_text("words\n")
        await chat.say("hello")
        first = chat.session.id
        assert first is not None
        with monkeypatch.context() as patch:
            patch.setattr(attachments, "read_attachment", slow)
            chat.app.chat.query_one(Composer).attach_again([path])
            await chat.press("x", "ctrl+n")
            go.set()
            await wait_until(lambda: chat.prompt.text == "", "the new session")
            workers = chat.app.chat.query_one(Composer).workers
            await wait_until(lambda: not any(each.group == "attach" for each in workers))
        assert _files(chat) == []

        chat.app.chat.take(await chat.app.runtime.resume(first))
        await wait_until(lambda: chat.prompt.text == "x")
        await wait_until(lambda: _files(chat) == ["a.txt"], "the file of the draft")


async def test_a_file_belongs_to_the_draft_before_anybody_begins_to_read_it(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        path = tmp_path / "work" / "a.txt"
        path.write_text("words\n")
        composer = chat.app.chat.query_one(Composer)

        composer.attach_again([path])
        assert composer.paths_of(()) == (path,)

        await wait_until(lambda: _files(chat) == ["a.txt"])


async def test_a_queued_message_that_was_taken_back_keeps_its_file_in_the_draft(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        (tmp_path / "work" / "a.txt").write_text("words\n")
        await chat.send(SLOW)
        await wait_until(lambda: chat.session.busy, "an answer under way")
        await _paste(chat, str(tmp_path / "work" / "a.txt"))
        await wait_until(lambda: _files(chat))
        await chat.send("and then?")
        assert chat.app.chat.sending.take_back()
        await chat.press("x")

        await _kept(chat, "a.txt")
        assert _files(chat) == ["a.txt"]
        await chat.press("escape")
        await wait_until(lambda: not chat.turning, "the end of the slow answer")


async def test_a_session_that_is_only_read_gives_the_message_back(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        chat.session.read_only = True

        await chat.send("more")
        await chat.pilot.pause()

        assert chat.prompt.text == "more"
        assert _said(chat) == ["hello"]
        await wait_until(lambda: any("can only be read" in note for note in chat.notes))


async def test_a_window_that_only_reads_leaves_the_draft_to_the_other(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        await chat.press(*"mine")
        await _kept(chat, "mine")
        async with chatting(tmp_path) as other:
            session = await other.app.runtime.resume(chat.session.id or "")
            session.read_only = True
            other.app.chat.take(session)
            await other.settle()
            assert other.prompt.text == ""
            await other.press(*"theirs")
            await other.app.chat.drafts.flush()
        await _kept(chat, "mine")


async def test_another_window_of_the_folder_does_not_take_an_unsent_first_message(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press(*"hello")
        await _kept(chat, "hello")
        store, key = chat.app.runtime.store, f"draft:new:{chat.app.root}"
        mine = await store.get_state(key) or ""
        assert own_claim() in mine

        chat.app.chat.take(chat.app.runtime.new_session())
        # As another process that lives would have written it.
        other = await asyncio.create_subprocess_exec("sleep", "60")
        try:
            claim = f"{other.pid} {_started(other.pid)}"
            await store.set_state(key, mine.replace(own_claim(), claim))
            drafts = chat.app.chat.drafts
            assert not await drafts._read(key.removeprefix("draft:"))  # pyright: ignore[reportPrivateUsage]
        finally:
            other.kill()
            await other.wait()
        assert await drafts._read(key.removeprefix("draft:"))  # pyright: ignore[reportPrivateUsage]


# ── what was said before ──


async def test_earlier_prompts_are_found_by_some_letters_and_esc_changes_nothing(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        for text in ("sim: text=a explain the broken tests", "sim: text=b hello"):
            await chat.say(text)
        await chat.press(*"half a", "ctrl+r")
        await chat.dialog(PromptSearch)
        await chat.press("escape")
        assert chat.prompt.text == "half a"

        await chat.press("ctrl+r")
        search = await chat.dialog(PromptSearch)
        await chat.press(*"brktst")
        assert search.query_one(Input).value == "brktst"
        await wait_until(lambda: "broken" in (search.highlighted or ""))
        await chat.press("enter")

        await wait_until(lambda: isinstance(chat.app.screen, ChatScreen))
        assert chat.prompt.text == "sim: text=a explain the broken tests"
        await chat.press("alt+z")
        assert chat.prompt.text == "half a"


async def test_editing_an_earlier_message_loses_nothing_that_was_being_written(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        await chat.press(*"half a thought", "alt+up")
        await wait_until(lambda: chat.prompt.text == "hello")

        await chat.press("up")

        assert chat.prompt.text == "half a thought"


async def test_enter_right_behind_the_letters_takes_what_they_find(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        chat.prompt.recalling.remember([f"number {n}" for n in range(300)])
        await chat.press("ctrl+r")
        search = await chat.dialog(PromptSearch)
        await wait_until(lambda: search.highlighted == "number 0")

        field = search.query_one(Input)
        field.value = "number 217"
        field.post_message(Input.Submitted(field, field.value))

        await wait_until(lambda: chat.prompt.text == "number 217")


async def test_the_composer_grows_to_a_third_of_the_screen(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        chat.prompt.fill("\n".join("x" * 40))
        await chat.settle()

        assert 6 <= chat.app.chat.query_one(Prompt).outer_size.height <= 8


# ── reading ──


async def test_reading_commands_work_from_the_composer(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("sim: table=2")
        transcript = chat.app.chat.query_one(Transcript)
        await chat.send("/up")
        await wait_until(lambda: transcript.selected is not None)
        assert transcript.has_focus

        chat.prompt.focus()
        await chat.send("/copyall")
        await wait_until(lambda: any("the whole session" in note for note in chat.notes))
        assert "## You" in chat.app.clipboard
        await chat.send("/nexthit")
        await wait_until(lambda: any("othing is being searched" in note for note in chat.notes))


async def test_a_page_up_in_the_composer_scrolls_the_transcript_and_ctrl_end_follows_again(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        await chat.say("sim: tokens=900")
        transcript = chat.app.chat.query_one(Transcript)
        assert transcript.follow

        await chat.press("pageup")
        await chat.settle()
        assert not transcript.follow
        assert chat.prompt.has_focus
        await wait_until(lambda: "more lines" in chat.text("#status-keys"))

        await chat.press("ctrl+end")
        assert transcript.follow
        await chat.press(*"x", "pageup", "pagedown", "pagedown")
        assert transcript.follow


async def test_every_vendor_takes_the_output_of_a_shell_line_before_the_message(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        models = {c.info.ref.provider: c.info.ref for c in chat.app.runtime.choices()}
        assert len(models) >= 5
        for model in models.values():
            await chat.send("!echo again")
            await chat.dialog(ApprovalScreen)
            await chat.pilot.click("#once")
            await wait_until(lambda: not chat.turning and isinstance(chat.app.screen, ChatScreen))
            before = len(chat.answers)

            await chat.send(f"+{model} and now?")
            await wait_until(
                lambda: (
                    len(chat.answers) > before  # noqa: B023
                    or isinstance(chat.app.screen, ConsentScreen)
                )
            )
            if isinstance(chat.app.screen, ConsentScreen):
                await chat.agree()
            await wait_until(lambda: len(chat.answers) > before and not chat.turning)  # noqa: B023

            last = chat.session.conversation.path[-1]
            assert (last.model, last.stop) == (model, "end")


async def test_a_low_window_shows_the_next_of_what_waits_and_how_many_more(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(40, 12)) as chat:
        await chat.begin(SLOW)
        for text in ("first", "second", "third"):
            await chat.send(text)

        assert chat.text("#waiting").split() == ["◷", "queued", "1", "first", "…", "2", "more"]
        await chat.press("escape")
        await wait_until(lambda: not chat.turning)


@pytest.mark.parametrize("text", ["/nonsense", "+nobody hello", "!"])
async def test_what_is_wrong_before_the_program_has_started_comes_back(
    tmp_path: Path, text: str
) -> None:
    app = make_app(tmp_path)
    async with app.run_test() as pilot:
        chat = Chat(app, pilot)
        chat.prompt.fill(text)
        chat.prompt._enter()  # pyright: ignore[reportPrivateUsage]
        chat.prompt.post_message(Prompt.DetachWished())

        await wait_until(lambda: chat.notes and app.chat.session is not None)
        await wait_until(lambda: chat.prompt.text == text)
        assert not chat.session.conversation.path

"""The split view as people use it: ask, read, stop, choose, come back."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from textual.content import Content
from textual.widgets import TextArea

from flux_tui.core.events import TurnEnded
from flux_tui.core.messages import ToolResult
from flux_tui.core.usage import Budgets
from flux_tui.ui.screens.chat import ChatScreen
from flux_tui.ui.screens.compare import CompareScreen
from flux_tui.ui.screens.compare_dialogs import QuestionScreen
from flux_tui.ui.screens.compare_picker import ComparePicker
from flux_tui.ui.screens.compare_refine import RubricScreen
from flux_tui.ui.screens.consent import ConsentScreen
from flux_tui.ui.screens.listing import TextScreen
from flux_tui.ui.screens.model_picker import ModelPicker
from flux_tui.ui.widgets.column_diff import DiffText
from flux_tui.ui.widgets.column_text import ColumnText, Spot
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.transcript import Transcript
from flux_tui.ui.widgets.transcript_pieces import Lines
from tests.ui.comparing import MODELS, TWO, View, comparing, open_view, reopened
from tests.ui.driving import chatting, wait_until


def shown(text: Transcript) -> str:
    """The rows of a transcript that are in sight."""
    return "\n".join(text.render_line(y).text.rstrip() for y in range(text.size.height))


SLOW = "bench n=4000 r=40 k=prose id=S"
LONG = "sim: tokens=600"


async def test_f6_offers_models_and_starts_with_those_that_are_marked(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press("f6")
        picker = await chat.dialog(ComparePicker)
        assert "3 of 2 to 4" in str(picker.query_one("#compare-chosen", Plain).content)

        await chat.press("tab", "tab", "enter")
        screen = await chat.dialog(CompareScreen)

        assert len(screen.panes) == 3
        providers = {pane.column.session.model.ref.provider for pane in screen.panes}
        assert len(providers) == 3


async def test_the_list_of_models_puts_one_beside_the_present_one(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send("/model anthropic/claude-opus-5")
        await chat.press("f2")
        await chat.dialog(ModelPicker)
        await chat.press(*"gpt-5.5")
        await chat.press("ctrl+t")
        await chat.dialog(ComparePicker)

        await chat.press("enter")
        screen = await chat.dialog(CompareScreen)

        names = [pane.column.session.model.ref.name for pane in screen.panes]
        assert names == ["claude-opus-5", "gpt-5.5"]


async def test_the_cost_of_what_is_written_stands_below_it_and_nothing_asks(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        prompt = view.screen.query_one(Prompt)
        await wait_until(lambda: "2 requests" in str(prompt.border_subtitle))
        before = str(prompt.border_subtitle)
        prompt.fill("why? " * 4000)
        await wait_until(lambda: str(prompt.border_subtitle) != before)
        prompt.empty()

        await view.say("hello")
        await view.say("again")

        assert [len(path) for path in view.paths()] == [4, 4]


async def test_a_budget_that_would_break_is_asked_about_once(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        view.screen.comparison.budgets = Budgets(session=Decimal("0.0000001"))
        prompt = view.screen.query_one(Prompt)
        await view.send("hello")
        dialog = await view.chat.dialog(QuestionScreen)
        text = str(dialog.query_one(".question-text", Plain).content)
        dialog.dismiss(False)
        await wait_until(lambda: prompt.text == "hello")

        assert "budget of $0.0000001 a session" in text
        assert "claude-opus-5" in text
        assert view.paths() == [[], []]

        await view.send("hello")
        await view.answer(QuestionScreen)
        await wait_until(lambda: all(len(path) == 2 for path in view.paths()))
        await view.over()
        await view.say("again")  # the same reason does not ask twice

        assert [len(path) for path in view.paths()] == [4, 4]


async def test_what_is_said_meanwhile_goes_to_each_column_when_it_is_free(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.press("alt+1")
        await view.send(SLOW)
        # Stopped before its first word it would go out once more, together with what comes next.
        await wait_until(lambda: view.panes[0].column.progress.state == "writing")

        await view.press("alt+1")  # all again
        await view.send("hello")
        await wait_until(lambda: len(view.paths()[1]) == 2, "the column that was free")
        assert len(view.paths()[0]) == 1
        assert "A: hello" in view.chat.text("#waiting")
        await view.press("alt+1", "alt+1", "alt+s")
        await view.over()

        assert [len(path) for path in view.paths()] == [4, 2]
        assert not view.screen.waiting


async def test_up_takes_back_what_waits_and_escape_gives_it_back(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        prompt = view.screen.query_one(Prompt)
        await view.send(SLOW)
        await wait_until(lambda: all(p.column.progress.tokens for p in view.panes))
        await view.send("later")
        await wait_until(lambda: view.screen.waiting)

        await view.press("up")
        assert prompt.text == "later"
        assert not view.screen.waiting
        await view.press("enter")
        await wait_until(lambda: view.screen.waiting)
        await view.press("escape")
        await view.over()

        assert prompt.text == "later"
        assert [len(path) for path in view.paths()] == [2, 2]


async def test_ctrl_c_speaks_where_one_is(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        prompt = view.screen.query_one(Prompt)
        prompt.fill("no")

        await view.press("ctrl+c")
        await view.settle()

        assert prompt.text == ""
        assert "Ctrl+C again" in view.chat.text("#status-now")


async def test_the_cursor_blinks_or_not_as_the_user_wishes(tmp_path: Path) -> None:
    async with comparing(tmp_path, FLUX_CURSOR_BLINK="0") as view:
        assert not view.screen.query_one(Prompt).cursor_blink


async def test_leaving_keeps_what_the_columns_have_said(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.send(SLOW)
        await wait_until(lambda: all(p.column.progress.tokens for p in view.panes))
        session = view.screen.comparison.base.id
        view.chat.app.leave(0)
        await wait_until(lambda: not view.chat.app.is_running or view.chat.app.return_code == 0)
    async with reopened(tmp_path, session) as view:
        tips = [pane.column.session.conversation.path[-1] for pane in view.panes]
        assert [(tip.role, tip.stop) for tip in tips] == [("assistant", "aborted")] * 2
        assert all(tip.parts for tip in tips)
        assert len({tip.model for tip in tips}) == 2
        assert "stopped" in str(view.panes[0].query_one(".column-head", Plain).content)


async def test_what_comes_after_the_store_was_closed_is_no_internal_error(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        await view.chat.app.runtime.aclose()

        view.screen.remember()

        await wait_until(lambda: any("closed" in note for note in view.chat.notes))


async def test_each_column_shows_its_own_answer_and_figures(tmp_path: Path) -> None:
    async with comparing(tmp_path, MODELS) as view:
        await view.say("hello")

        for place, name in enumerate(("claude-opus-5", "gpt-5.5", "gemini-3.5-flash")):
            head = view.head(place)
            assert name in head
            assert "done" in head
            assert "tok" in head
            assert "simulated" in head
            shown = view.panes[place].text.session_text()
            assert shown.count("hello") >= 1
            answer = view.panes[place].answer()
            assert answer in shown
        paths = view.paths()
        assert len({path[1] for path in paths}) == 3
        assert len({path[0] for path in paths}) == 1


async def test_escape_stops_all_and_s_only_one(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.send(SLOW)
        await wait_until(lambda: all(p.column.progress.tokens for p in view.panes))

        view.panes[0].focus()
        await view.press("s")
        await wait_until(lambda: view.panes[0].column.progress.state == "stopped")
        assert view.panes[1].column.progress.running

        await view.press("escape")
        await view.over()

        assert view.panes[1].column.progress.state == "stopped"
        assert "stopped" in view.head(0)


async def test_a_column_that_fails_says_so_and_can_be_asked_again(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        # The fault goes with the question, so that the answer to the next one is whole.
        await view.press("alt+2")
        await view.say("sim: fault=bad-request hello")
        assert view.panes[1].column.progress.state == "failed"
        assert "failed" in view.head(1)
        assert "r tries again" in view.head(1)
        assert "✗" in str(view.screen.query_one("#status-now", Plain).content)
        assert "try again" in view.panes[1].text.session_text() or "F5" in view.chat.text(
            "#status-now"
        )
        before = view.panes[1].column.progress

        view.panes[1].focus()
        await view.press("r")
        await wait_until(lambda: view.panes[1].column.progress is not before, "a second try")
        await view.over()

        assert len(view.paths()[0]) == 2


async def test_alt_and_a_number_asks_one_column_alone(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")

        await view.press("alt+2")
        assert "only B" in str(view.screen.query_one(Prompt).border_title)
        await view.say("only you")
        await view.press("alt+2")
        assert "all columns" in str(view.screen.query_one(Prompt).border_title)
        await view.say("both")

        assert [len(path) for path in view.paths()] == [4, 6]


async def test_adopting_goes_back_to_the_chat_with_the_others_as_branches(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        kept = view.paths()

        await view.press("alt+2")
        await view.press("alt+a")
        await view.answer(QuestionScreen)
        chat = await view.chat.dialog(ChatScreen)

        session = view.chat.session
        assert [m.id for m in session.conversation.path] == kept[1]
        assert str(session.model.ref) == "openai/gpt-5.5"
        assert len(session.conversation.messages) == 3
        text = chat.query_one(Transcript).session_text()
        assert "gpt-5.5" in text
        assert "claude" not in text
        await view.chat.say("and on")
        assert len(session.conversation.path) == 4


async def test_enter_in_a_column_adopts_it(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")

        view.panes[1].focus()
        await view.press("enter")

        await view.answer(QuestionScreen)
        await view.chat.dialog(ChatScreen)
        assert str(view.chat.session.model.ref) == "openai/gpt-5.5"


async def test_all_go_on_from_the_winner_after_its_readers_are_agreed_to(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        await view.press("alt+1", "alt+1", "alt+w")
        await view.answer(QuestionScreen)
        winner = view.paths()[0]

        await view.send("and now?")
        consent = await view.chat.dialog(ConsentScreen)
        told = str(consent.query_one("#consent-text", Plain).content)
        consent.dismiss(True)
        await wait_until(lambda: len(view.paths()[1]) == 4)
        await view.over()

        assert "has not read all of it yet" in told  # the question it answered itself
        assert view.paths()[0][:2] == view.paths()[1][:2] == winner
        shown = view.panes[1].text.session_text()
        assert view.panes[1].answer() in shown


async def test_without_consent_nobody_reads_the_winner(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        await view.press("alt+1", "alt+1", "alt+w")
        await view.answer(QuestionScreen)

        await view.send("and now?")
        consent = await view.chat.dialog(ConsentScreen)
        consent.dismiss(False)
        await wait_until(lambda: view.screen.query_one(Prompt).text == "and now?")

        assert [len(path) for path in view.paths()] == [2, 2]


async def test_a_diff_ends_when_its_columns_are_moved_or_hidden(tmp_path: Path) -> None:
    async with comparing(tmp_path, MODELS) as view:
        await view.say("hello")
        for key in ("alt+right", "alt+h"):
            await view.press("alt+d")
            await wait_until(lambda: view.screen.actions.reading.comparing)
            await view.press(key)
            await view.settle()

            assert not view.screen.actions.reading.comparing
        assert sum(pane.has_class("-hidden") for pane in view.panes) == 1


async def test_a_comparison_may_begin_in_the_middle_of_a_conversation(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(140, 40)) as chat:
        await chat.say("hello")
        first = chat.session.model.ref.provider
        other = next(m for m in TWO.split() if not m.startswith(f"{first}/"))

        await chat.send(f"/compare {chat.session.model.ref} {other}")
        consent = await chat.dialog(ConsentScreen)
        consent.dismiss(True)
        screen = await chat.dialog(CompareScreen)
        await chat.pilot.pause()

        assert len(screen.panes) == 2
        for pane in screen.panes:
            assert chat.answers[0] in pane.text.session_text()


async def test_a_comparison_may_begin_at_a_message_that_is_chosen(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(140, 40)) as chat:
        await chat.send("/model anthropic/claude-opus-5")
        for text in ("one", "two", "three"):
            await chat.say(text)
        before = chat.session.conversation
        transcript = chat.app.chat.transcript
        transcript.focus()
        transcript.selected = before.path[2].id
        await chat.press("f6")
        picker = await chat.dialog(ComparePicker)
        assert "from the chosen message" in str(picker.query_one("#compare-picker").border_title)
        await chat.press("enter")
        (await chat.dialog(ConsentScreen)).dismiss(True)
        await chat.pilot.pause()
        while isinstance(chat.app.screen, ConsentScreen):
            chat.app.screen.dismiss(True)
            await chat.pilot.pause()
        view = View(chat, await chat.dialog(CompareScreen))
        await view.settle()

        assert view.screen.query_one(Prompt).text == "two"
        assert [path[-1] for path in view.paths()] == [before.path[1].id] * len(view.panes)
        await view.say("two, said differently")
        assert chat.session.conversation.path == before.path


async def test_what_is_being_written_goes_along_into_the_split_view(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(140, 40)) as chat:
        chat.prompt.fill("half a quest")
        await chat.press("f6")
        await chat.dialog(ComparePicker)
        await chat.press("enter")
        screen = await chat.dialog(CompareScreen)
        await chat.pilot.pause()

        assert screen.query_one(Prompt).text == "half a quest"
        assert chat.prompt.text == ""


async def test_a_merged_answer_becomes_a_turn_after_its_prompt_was_edited(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        answers = [pane.answer() for pane in view.panes]

        prompt = view.screen.query_one(Prompt)
        prompt.fill("/merge gemini/gemini-3.5-flash")
        await view.press("enter")
        await view.chat.dialog(ChatScreen)
        await wait_until(lambda: view.chat.prompt.text)
        asked = view.chat.prompt.whole_text
        assert all(answer in asked for answer in answers)
        assert view.chat.session.conversation.path == ()
        view.chat.prompt.fill(f"{asked}\nBe brief.")
        await view.press("enter")
        await wait_until(lambda: len(view.chat.answers) == 1 and not view.chat.session.busy)

        path = view.chat.session.conversation.path
        assert path[0].text.endswith("Be brief.")
        assert str(path[1].model) == "gemini/gemini-3.5-flash"
        assert path[1].cost is not None
        assert len(view.chat.session.conversation.messages) == 5


async def judged_by(view: View, model: str) -> RubricScreen:
    """Ask *model* to judge, and agree to its reading the answers."""
    view.screen.query_one(Prompt).fill(f"/judge {model}")
    await view.press("enter")
    consent = await view.chat.dialog(ConsentScreen)
    consent.dismiss(True)
    return await view.chat.dialog(RubricScreen)


async def test_a_judge_reads_twice_and_says_whether_the_order_decided(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        rubric = await judged_by(view, "gemini/gemini-3.5-flash")
        assert "Correct" in rubric.query_one(TextArea).text
        foretold = str(rubric.query_one(".question-text", Plain).content)
        assert "2 requests" in foretold
        assert "$" in foretold

        await view.press("ctrl+s")
        page = await view.chat.dialog(TextScreen)
        text = " ".join(str(each.content) for each in page.query(Plain))

        assert "In the order A, B" in text
        assert "In the order B, A" in text
        assert "simulated" in text
        assert [len(path) for path in view.paths()] == [2, 2]


async def test_the_judges_prompt_is_seen_whole_and_an_edited_rubric_is_kept(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        rubric = await judged_by(view, "gemini/gemini-3.5-flash")
        rubric.query_one(TextArea).text = "Rhymes only."
        await view.press("ctrl+o")
        page = await view.chat.dialog(TextScreen)
        text = " ".join(str(each.content) for each in page.query(Plain))
        assert "Rhymes only." in text
        assert all(pane.answer()[:40] in text for pane in view.panes)
        await view.press("escape")
        await view.chat.dialog(RubricScreen)
        await view.press("ctrl+s")
        await view.chat.dialog(TextScreen)
        await view.press("escape")

        view.screen.query_one(Prompt).fill("/judge gemini/gemini-3.5-flash")
        await view.press("enter")
        again = await view.chat.dialog(RubricScreen)

        assert again.rubric == "Rhymes only."
        await view.press("ctrl+r")
        assert "Correct" in again.rubric


async def test_f6_goes_to_the_chat_and_back_while_columns_answer(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.send(SLOW)
        await wait_until(lambda: view.panes[0].column.progress.tokens)

        await view.press("f6")
        chat = await view.chat.dialog(ChatScreen)
        assert view.screen.busy
        chat.clock.tick()
        assert "F6 shows them" in view.chat.text("#status-now")
        await view.press("f6")
        again = await view.chat.dialog(CompareScreen)
        assert again is view.screen
        await view.press("f6")
        await view.chat.dialog(ChatScreen)
        view.screen.comparison.stop()
        await wait_until(lambda: any("Columns: Stopped" in note for note in view.chat.notes))


async def test_an_open_comparison_is_offered_again_after_a_restart(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        await wait_until(lambda: all(w.is_finished for w in view.screen.workers))
        paths = view.paths()
        session = view.chat.session.id or view.screen.comparison.base.id
    async with reopened(tmp_path, session) as view:
        columns = view.screen.comparison.columns
        assert [[m.id for m in c.session.conversation.path] for c in columns] == paths


async def test_a_column_changes_its_model(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        await view.press("alt+2", "alt+2", "f2")
        picker = await view.chat.dialog(ModelPicker)

        model = view.chat.app.runtime.find_model("openai/gpt-5.1")
        picker.dismiss(model)
        await view.settle()
        await view.say("again")

        assert "gpt-5.1" in view.head(1)
        assert str(view.panes[1].column.session.conversation.path[-1].model) == "openai/gpt-5.1"


async def test_columns_can_be_zoomed_hidden_and_moved(tmp_path: Path) -> None:
    async with comparing(tmp_path, MODELS) as view:
        await view.say("hello")
        first = view.letters

        await view.press("alt+x")
        await view.settle()
        assert [pane.display for pane in view.panes].count(True) == 1
        assert "gemini" in str(view.screen.query_one("#compare-tabs", Plain).content)
        await view.press("alt+x", "alt+right")
        await view.settle()
        assert view.letters == [first[1], first[0], first[2]]
        assert view.head(1).lstrip("▸ ").startswith("B")
        await view.press("alt+h")
        await view.settle()
        assert len(view.screen.shown) == 2

        await view.press("alt+u")
        await view.settle()
        assert len(view.screen.shown) == 3


async def test_a_diff_marks_what_differs_and_ends(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("bench n=30 r=1000000 k=prose id=ONE")

        await view.press("alt+d")
        views = [pane.query_one(DiffText) for pane in view.panes]
        await wait_until(lambda: all(each.display for each in views))
        await wait_until(lambda: view.panes[0].answer()[:40] in source(views[0]), "the text")
        assert "A beside B" in source(views[0])
        assert "alike" in view.chat.text("#status-now")

        await view.press("alt+d")
        await wait_until(lambda: not any(each.display for each in views))
        assert view.panes[0].text.display


def source(view: DiffText) -> str:
    """What one side of a diff shows."""
    return str(view.query_one(Plain).content)


async def differing(view: View) -> list[DiffText]:
    """Let two columns answer alike but for a paragraph, and show the differences."""
    long = "and it goes on with many more words than fit into one row of a column " * 3
    mine = f"Begin.\n\nOnly here {long}.\n\nThe sky is blue.\n\nEnd."
    theirs = "Begin.\n\nThe sky is grey.\n\nAnd more.\n\nEnd."
    for key, text in (("alt+1", mine), ("alt+2", theirs)):
        await view.press(key)
        written = text.replace("\n", "\\n")
        await view.say(f'sim: text="{written}"')
    await view.press("alt+2", "alt+1", "alt+d", "alt+1")
    views = [pane.query_one(DiffText) for pane in view.panes[:2]]
    await wait_until(lambda: all("End." in source(each) for each in views), "the differences")
    return views


async def test_equal_lines_of_a_diff_stand_at_the_same_height(tmp_path: Path) -> None:
    async with comparing(tmp_path, MODELS) as view:
        views = await differing(view)
        await view.settle()
        left, right = (source(each).splitlines() for each in views)

        for words in ("Begin.", "End."):
            assert left.index(words) == right.index(words)
        assert left.index("The sky is blue.") == right.index("The sky is grey.")
        assert right[left.index("The sky is blue.") - 2] == ""  # beside what only one has
        assert len(left) == len(right)
        marked = views[0].query_one(Plain).content
        assert isinstance(marked, Content)
        assert {str(marked)[s.start : s.end] for s in marked.spans if "under" in str(s.style)} >= {
            "blue"
        }

        await view.chat.pilot.resize_terminal(111, 40)  # one column is a cell wider
        await view.settle()
        left, right = (source(each).splitlines() for each in views)
        assert left.index("End.") == right.index("End.")


async def test_which_two_columns_are_compared_is_said_and_only_they_are_shown(
    tmp_path: Path,
) -> None:
    async with comparing(tmp_path, MODELS) as view:
        await view.say("sim: tokens=30")
        for names in (("A", "B", "Alt+D A with C"), ("A", "C", "Esc ends it")):
            await view.press("alt+d")
            await wait_until(lambda: view.screen.actions.reading.comparing)
            await view.settle()
            one, two, further = names
            status = view.chat.text("#status-now")
            assert f"{one} with {two}" in status
            assert further in status
            assert [p.letter for p in view.panes if p.display] == [one, two]
            assert all(p.letter in view.chat.text("#compare-tabs") for p in view.panes)

        await view.press("alt+d")
        await view.settle()
        assert all(pane.display for pane in view.panes)
        assert "All columns" in view.chat.text("#status-now")


async def test_columns_scroll_together_by_turn_until_that_is_turned_off(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        for text in ("sim: tokens=300 one", "sim: tokens=300 two", "sim: tokens=300 three"):
            await view.say(text)
        one, two = (pane.text for pane in view.panes)
        one.focus()

        await view.press("home")
        await wait_until(lambda: two.scroll_offset.y == 0)
        await view.press("pagedown")
        await view.settle()
        spots = one.spot(), two.spot()
        assert spots[0] is not None
        assert spots[1] is not None
        assert (spots[0].turn, spots[0].rows) == (spots[1].turn, spots[1].rows)

        await view.press("alt+l", "alt+l", "alt+l")
        assert view.screen.together == "off"
        await view.press("home")
        await view.settle()
        assert two.scroll_offset.y > 0


async def unequal(view: View) -> tuple[ColumnText, ColumnText]:
    """Let the second column answer the second question much longer than the first one."""
    await view.say("sim: tokens=300 one")
    for key, text in (("alt+1", "sim: tokens=40"), ("alt+2", "sim: tokens=1500")):
        await view.press(key)
        await view.say(text)
    await view.press("alt+2")
    short, long = (pane.text for pane in view.panes)
    return short, long


def row_of(text: ColumnText, words: str) -> int:
    """In which row of the window *words* stand first."""
    return next(at for at, row in enumerate(shown(text).splitlines()) if words in row)


async def test_a_turn_stands_level_though_one_column_has_nothing_below_it(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        short, long = await unequal(view)
        await view.measured()
        end = short.scroll_offset.y
        starts = [at for at, entry in enumerate(long._entries) if entry.role == "user"]

        for above in (0, 5, 2):
            long.follow = False
            long.scroll_to(y=long._heights.top(starts[1]) - above, animate=False, immediate=True)
            await view.settle()

            assert row_of(short, "sim: tokens=40") == row_of(long, "sim: tokens=1500")
            assert short.scroll_offset.y > end

        # The short answer stays in sight while the long one is read.
        long.scroll_relative(y=30, animate=False, immediate=True)
        await view.settle()
        assert row_of(short, "sim: tokens=40") < 3

        long.focus()
        await view.press("end")
        await view.settle()
        assert short.scroll_offset.y == end
        assert short.follow
        assert long.follow


async def test_a_turn_stands_level_though_rows_above_it_were_guessed_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lines, "guess", lambda self, width: 4)  # so high is the head of an answer
    monkeypatch.setattr(ColumnText, "_measure_more", lambda self: None)  # no idle time comes
    async with comparing(tmp_path) as view:
        short, long = await unequal(view)
        view.screen.together = "off"
        long.action_first()  # the rows of this one are counted
        await view.settle()
        view.screen.together = "turn"
        for above in (0, 5, 2):
            long.follow = False
            long.scroll_to(y=long._heights.top(2) - above, animate=False, immediate=True)
            await view.settle()

            assert row_of(short, "sim: tokens=40") == row_of(long, "sim: tokens=1500")


async def test_a_short_column_scrolls_on_as_far_as_its_neighbour_has_rows(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        short, long = await unequal(view)
        await view.measured()
        end = short.scroll_offset.y
        short.focus()

        await view.press("pageup")
        await view.settle()
        await view.press("pagedown", "pagedown")
        await view.settle()
        assert short.scroll_offset.y > end
        assert not short.follow
        spots = short.spot(), long.spot()
        assert spots[0] is not None
        assert spots[1] is not None
        assert (spots[0].turn, spots[0].rows) == (spots[1].turn, spots[1].rows)

        await view.press("alt+l", "alt+l", "alt+l")
        assert view.screen.together == "off"
        assert short.scroll_offset.y == short.max_scroll_y == end


async def test_room_below_an_answer_does_not_keep_the_next_one_from_being_followed(
    tmp_path: Path,
) -> None:
    async with comparing(tmp_path) as view:
        short, long = await unequal(view)
        await view.measured()
        end = short.scroll_offset.y
        long.focus()
        await view.press("pageup")
        await view.settle()
        assert short.scroll_offset.y > end

        await view.say("sim: tokens=300 three")

        for text in (short, long):
            assert text.follow
            assert text.scroll_offset.y == text.max_scroll_y
        assert "tok" in shown(short).splitlines()[-1]


async def test_whoever_follows_one_answer_follows_all_that_still_come(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        _, long = await unequal(view)
        await view.send(SLOW)
        await wait_until(lambda: all(pane.text.streaming for pane in view.panes), "both answers")
        long.focus()
        await view.press("pageup")
        await view.settle()
        assert not view.panes[0].text.follow

        await view.press("pagedown", "pagedown")
        await wait_until(lambda: long.follow)
        await view.settle()

        assert view.panes[0].text.follow
        await view.press("escape")
        await view.over()


async def test_page_keys_scroll_the_columns_from_the_composer(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("sim: tokens=600 one")
        await view.measured()
        one, two = (pane.text for pane in view.panes)
        ends = one.scroll_offset.y, two.scroll_offset.y
        view.screen.query_one(Prompt).focus()

        await view.press("pageup")
        await wait_until(lambda: two.scroll_offset.y < ends[1])

        assert one.scroll_offset.y < ends[0]


SHORT = "# One\\n\\nfirst\\n\\nsecond\\n\\n# Two\\n\\nthird\\n\\nfourth"


async def test_columns_scroll_by_heading_and_by_block_though_one_is_longer(tmp_path: Path) -> None:
    wordy = SHORT.replace("first", "first " * 300).replace("third", "third " * 400)
    async with comparing(tmp_path, size=(140, 20)) as view:
        for key, text in (("alt+1", SHORT), ("alt+2", wordy)):
            await view.press(key)
            await view.say(f'sim: text="{text}"')
        await view.press("alt+2")
        await view.say("sim: tokens=600")
        one, two = (pane.text for pane in view.panes)

        for mode, heading, block in (("heading", 2, 0), ("block", 2, 1), ("block", 1, 2)):
            while view.screen.together != mode:
                await view.press("alt+l")
            two.stand(Spot(turn=1, rows=0, heading=heading, block=block), view.screen.together)
            two.post_message(two.Moved(two))
            await view.settle()

            mine, other = one.spot(), two.spot()
            assert mine is not None
            assert other is not None
            assert (mine.turn, mine.heading, mine.block) == (1, heading, block)
            assert (other.turn, other.heading, other.block) == (1, heading, block)
            assert mine.rows < other.rows  # the longer answer has more above


async def test_below_100_cells_columns_are_tabs(tmp_path: Path) -> None:
    async with comparing(tmp_path, size=(80, 24)) as view:
        await view.say("hello")

        assert [pane.display for pane in view.panes] == [True, False]
        tabs = str(view.screen.query_one("#compare-tabs", Plain).content)
        assert "claude-opus-5" in tabs
        assert "gpt-5.5" in tabs
        await view.press("alt+2")
        await view.settle()

        assert [pane.display for pane in view.panes] == [False, True]


def results(view: View) -> list[ToolResult]:
    """All tool results, by column."""
    return [
        part
        for column in view.screen.comparison.columns
        for message in column.session.conversation.path
        for part in message.parts
        if isinstance(part, ToolResult)
    ]


async def test_tools_are_off_until_those_that_read_are_allowed(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        ask = 'sim: tool=list_files:{"path":"."} look'
        await view.say(ask)
        before = view.paths()
        refused = [result.is_error for result in results(view)]

        await view.press("alt+t")
        await view.say(ask)

        assert [path[: len(old)] for path, old in zip(view.paths(), before, strict=True)] == before
        assert refused == [True, True]
        assert [result.is_error for result in results(view)] == [True, False, True, False]
        assert "tools that read" in str(view.screen.query_one("#compare-bar", Plain).content)


async def test_commands_of_the_view_work_and_others_are_named(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        prompt = view.screen.query_one(Prompt)
        prompt.fill("/zoom")
        await view.press("enter")
        assert view.screen.has_class("-zoomed")

        prompt.fill("/nothing")
        await view.press("enter")

        assert any("no command" in note for note in view.chat.notes)
        assert prompt.text == "/nothing"


async def test_the_same_model_may_stand_in_one_column_only_once_it_is_asked_for(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send("/compare anthropic/claude-opus-5")

        await wait_until(lambda: any("2 to 4" in note for note in chat.notes))
        view = await open_view(chat, TWO)

        assert len(view.panes) == 2


async def test_each_keeps_its_own_thread_again_after_all_from_here(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        own = view.paths()
        await view.press("alt+1", "alt+1", "alt+w")
        await view.answer(QuestionScreen)
        await wait_until(lambda: view.paths()[0] == view.paths()[1])
        assert "all from one answer" in view.chat.text("#compare-bar")

        await view.press("alt+k")
        await view.settle()

        assert view.paths() == own
        assert view.panes[1].answer() in view.panes[1].text.session_text()
        assert "all from one answer" not in view.chat.text("#compare-bar")


async def test_a_command_asks_one_column_alone(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        prompt = view.screen.query_one(Prompt)
        prompt.fill("/only b")
        await view.press("enter")
        await wait_until(lambda: view.screen.alone is view.panes[1])
        await wait_until(lambda: "1 request ·" in str(prompt.border_subtitle))

        prompt.fill("/only z")
        await view.press("enter")

        await wait_until(lambda: any("no column Z" in note for note in view.chat.notes))


async def test_a_column_that_still_answers_can_be_asked_again(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.send(SLOW)
        await wait_until(lambda: all(p.column.progress.tokens for p in view.panes))
        before = view.panes[0].column.progress

        view.panes[0].focus()
        await view.press("r")
        await wait_until(lambda: view.panes[0].column.progress is not before)
        await wait_until(lambda: view.panes[0].column.progress.tokens)
        assert view.panes[1].column.progress.running
        await view.press("escape")
        await view.over()

        conversation = view.panes[0].column.session.conversation
        assert len(conversation.children(conversation.path[0].id)) == 2


async def test_hints_and_help_name_the_users_own_keys(tmp_path: Path) -> None:
    home = tmp_path / "flux"
    home.mkdir()
    (home / "config.toml").write_text('[keys]\n"compare.adopt" = "f8"\n')
    async with comparing(tmp_path) as view:
        await view.say("hello")
        await view.settle()
        assert "F8 Adopt" in view.chat.text("#status-keys")

        await view.press("f1")
        page = await view.chat.dialog(TextScreen)
        text = " ".join(str(each.content) for each in page.query(Plain))
        assert "F8, a  /adopt" in text
        await view.press("escape")
        await view.press("f8")

        await view.answer(QuestionScreen, value=False)


async def test_whatever_names_a_key_names_the_one_that_is_bound(tmp_path: Path) -> None:
    home = tmp_path / "flux"
    home.mkdir()
    keys = {"vote": "f8", "again": "f9", "help": "f10", "back": "f11", "own": "f12", "show": "f7"}
    lines = [f'"compare.{name}" = "{key}"' for name, key in keys.items()]
    (home / "config.toml").write_text(
        "\n".join(["[keys]", '"compare.open" = "alt+6"', '"compare.blind" = "alt+j"', *lines])
    )
    async with comparing(tmp_path) as view:
        status = view.chat.text
        await view.say("hello")
        await view.press("alt+2")
        await view.say("sim: fault=bad-request hello")
        assert "F10 help" in str(view.screen.query_one(Prompt).placeholder)
        assert "B failed: F9 asks the column again" in status("#status-now")
        view.panes[1].text.apply(TurnEnded("error", error="it broke off", retryable=True))
        await view.settle()
        assert "F9 asks again" in shown(view.panes[1].text)

        await view.send("/blind")
        await view.settle()
        assert "vote with F8" in status("#status-now")
        await view.send("/adopt")
        await wait_until(lambda: "Alt+J shows names" in "".join(view.chat.notes), "the hint")
        await view.send("/blind")

        await view.send("/theme")
        await wait_until(
            lambda: "F11 goes there; F10 shows" in "".join(view.chat.notes), "the place"
        )
        # Alt+J was the judge's key: what has none is named by its command.
        assert "/judge Judge" in status("#status-keys")

        await view.press("f11")
        await view.chat.press("f1")
        page = await view.chat.dialog(TextScreen)
        text = " ".join(str(each.content) for each in page.query(Plain))
        assert "F8, v" in text
        assert "Alt+V" not in text


async def test_a_command_typed_while_the_session_opens_is_done_after_that(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(140, 40)) as chat:
        session = chat.session
        chat.app.chat.session = None  # panes are there, and the store still opens
        await chat.send(f"/compare {TWO}")
        chat.app.chat.take(session)
        chat.app.chat.do_what_waits()

        await chat.dialog(CompareScreen)

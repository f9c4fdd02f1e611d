"""Blind mode, votes and the scoreboard."""

from __future__ import annotations

import json
from pathlib import Path

from flux_tui.ui.screens.compare import CompareScreen
from flux_tui.ui.screens.compare_dialogs import QuestionScreen, VoteScreen
from flux_tui.ui.screens.listing import AskLine, TextScreen
from flux_tui.ui.screens.scoreboard import ScoreboardScreen
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt
from tests.ui.comparing import MODELS, TWO, View, comparing, reopened
from tests.ui.driving import chatting, wait_until

SLOW = "bench n=4000 r=40 k=prose id=S"
NAMES = ("claude", "gpt", "gemini", "anthropic", "openai")


def told(view: View) -> str:
    """Everything that the columns show, without the users' words and the answers' text."""
    answers = {pane.answer() for pane in view.panes}
    shown = " ".join(pane.text.session_text() for pane in view.panes)
    for answer in answers:
        shown = shown.replace(answer, "")
    heads = " ".join(view.head(place) for place in range(len(view.panes)))
    tabs = str(view.screen.query_one("#compare-tabs", Plain).content)
    return (shown + heads + tabs).lower()


async def test_blind_columns_tell_neither_names_nor_figures_until_the_vote(tmp_path: Path) -> None:
    async with comparing(tmp_path, f"blind {MODELS}") as view:
        await view.say("which one is better?")

        hidden = told(view)
        assert not [name for name in NAMES if name in hidden]
        assert "tok" not in hidden
        assert "simulated" not in hidden
        assert "answered" in view.head(0)

        await view.press("alt+v")
        dialog = await view.chat.dialog(VoteScreen)
        words = " ".join(str(button.label) for button in dialog.query("Button"))
        assert not [name for name in NAMES if name in words]
        await view.press("b")
        await wait_until(lambda: not view.screen.blind)
        await view.settle()

        assert "★ best" in view.head(1)
        assert all(any(name in view.head(place) for name in NAMES) for place in range(3))
        (vote,) = await view.chat.app.runtime.store.votes()
        assert vote.winner == view.letters[1]
        assert sorted(vote.models) == sorted(view.letters)
        assert vote.blind


async def test_blind_answers_are_shown_when_all_are_there(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.press("alt+y")
        await view.send(SLOW)
        await wait_until(lambda: all(pane.column.progress.tokens for pane in view.panes))
        await view.settle()

        for pane in view.panes:
            assert pane.text.session_text().strip() == f"## You\n\n{SLOW}"
        assert "tok" not in view.head(0)
        await view.press("escape")
        await view.over()

        assert all(pane.answer() in pane.text.session_text() for pane in view.panes)


async def test_nobody_sees_which_blind_column_is_ready_first(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.press("alt+y")
        await view.send(SLOW)
        await wait_until(lambda: all(pane.column.progress.tokens for pane in view.panes))
        view.screen.comparison.stop(view.panes[0].index)
        await wait_until(lambda: not view.panes[0].column.session.busy)
        await view.settle()

        heads = [view.head(place).replace("▸", " ") for place in (0, 1)]
        assert heads[0].replace("A", "B") == heads[1]
        assert "stopped" not in told(view)
        tabs = str(view.screen.query_one("#compare-tabs", Plain).content)
        assert tabs.count("○") == 2
        await view.press("escape")
        await view.over()


async def test_no_sum_by_model_is_told_before_the_vote(tmp_path: Path) -> None:
    async with comparing(tmp_path, f"blind {TWO}") as view:
        base = view.screen.comparison.base
        await view.say("which one is better?")
        for pane in view.panes:
            assert "thought" not in pane.text.session_text()
            assert "Reasoning" not in pane.text.session_text()
        assert base.ledger.by_model() == {}
        view.screen.query_one(Prompt).fill("/forecast")
        await view.press("enter")
        page = await view.chat.dialog(TextScreen)
        text = " ".join(str(each.content) for each in page.query(Plain))
        assert "2 requests" in text
        assert not [name for name in NAMES if name in text]
        await view.press("escape")

        await view.press("alt+v")
        await view.chat.dialog(VoteScreen)
        await view.press("a")
        await wait_until(lambda: not view.screen.blind)

        assert {str(ref) for ref in base.ledger.by_model()} == set(TWO.split())


async def test_what_is_said_while_blind_columns_answer_waits_for_the_vote(tmp_path: Path) -> None:
    async with comparing(tmp_path, f"blind {TWO}") as view:
        prompt = view.screen.query_one(Prompt)
        await view.send(SLOW)
        await wait_until(lambda: all(pane.column.progress.tokens for pane in view.panes))
        await view.send("and then?")
        await wait_until(lambda: view.screen.waiting)
        view.screen.comparison.stop()
        await view.over()

        assert prompt.text == "and then?"
        assert [len(path) for path in view.paths()] == [2, 2]


async def test_a_blind_comparison_is_blind_again_after_a_restart(tmp_path: Path) -> None:
    async with comparing(tmp_path, f"blind {TWO}") as view:
        await view.say("hello")
        await wait_until(lambda: all(w.is_finished for w in view.screen.workers))
        session = view.screen.comparison.base.id
    async with reopened(tmp_path, session) as view:
        assert view.screen.blind
        assert not [name for name in NAMES if name in told(view)]


async def test_one_vote_for_one_question(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.press("alt+v")
        await wait_until(lambda: any("no two answers" in note for note in view.chat.notes))
        await view.say("hello")

        for key in ("t", "alt+v"):
            await view.press("alt+v")
            await view.press(key)
        await wait_until(lambda: any("have voted" in note for note in view.chat.notes))
        await view.say("again")
        await view.press("alt+v")
        await view.press("x")
        await view.settle()

        outcomes = [vote.outcome for vote in await view.chat.app.runtime.store.votes()]
        assert outcomes == ["tie", "bad"]


async def test_hiding_the_names_opens_no_second_vote_on_the_same_answers(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        await view.press("alt+v")
        await view.press("a")
        await wait_until(lambda: "★ best" in view.head(0))
        await view.press("alt+y")
        await wait_until(lambda: view.screen.blind)

        await view.press("alt+v")
        await wait_until(lambda: any("have voted" in note for note in view.chat.notes))

        assert len(await view.chat.app.runtime.store.votes()) == 1


async def test_a_vote_on_answers_read_with_their_names_is_not_counted_as_blind(
    tmp_path: Path,
) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        await view.press("alt+y")
        await view.press("alt+v")
        dialog = await view.chat.dialog(VoteScreen)
        told = str(dialog.query_one(".question-text", Plain).content)
        await view.press("a")
        await wait_until(lambda: not view.screen.blind)
        await view.press("alt+y")
        await view.say("and now?")
        await view.press("alt+v")
        await view.press("t")
        await wait_until(lambda: not view.screen.blind)
        await view.settle()

        votes = await view.chat.app.runtime.store.votes()
        assert [vote.blind for vote in votes] == [False, True]
        assert "names were shown before" in told


async def test_what_was_voted_on_is_known_after_a_restart(tmp_path: Path) -> None:
    async with comparing(tmp_path, TWO) as view:
        await view.say("hello")
        await view.press("alt+v")
        await view.press("a")
        await wait_until(lambda: "★ best" in view.head(0))
        await wait_until(lambda: all(w.is_finished for w in view.screen.workers))
        session = view.screen.comparison.base.id
    assert session is not None
    async with chatting(tmp_path, size=(140, 40)) as chat:
        chat.app.chat.take(await chat.app.runtime.resume(session))
        await chat.press("f6")
        (await chat.dialog(QuestionScreen)).dismiss(True)
        view = View(chat, await chat.dialog(CompareScreen))
        await view.settle()
        await view.press("alt+v")

        await wait_until(lambda: any("have voted" in note for note in chat.notes))


async def test_a_vote_is_for_the_model_that_answered_and_not_for_a_later_one(
    tmp_path: Path,
) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        asked = view.letters
        await view.press("alt+1", "alt+1")
        await view.send("/model openai/gpt-4.1")
        await wait_until(lambda: view.letters[0] == "openai/gpt-4.1")
        await view.settle()

        head = view.head(0)
        assert "not asked yet" in head
        assert asked[0].partition("/")[2] in head
        assert "tok" not in head
        await view.press("alt+v")
        await view.press("a")
        await view.settle()

        (vote,) = await view.chat.app.runtime.store.votes()
        assert vote.winner == asked[0]
        assert sorted(vote.models) == sorted(asked)


async def test_one_answer_in_all_columns_is_nothing_to_vote_on(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        await view.press("alt+1", "alt+1", "alt+w")
        await view.answer(QuestionScreen)
        await view.settle()

        assert "not asked yet" in view.head(1)
        await view.press("alt+v")
        await wait_until(lambda: any("no two answers" in note for note in view.chat.notes))


async def test_no_old_letters_stand_over_blind_columns(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        await view.press("alt+d")
        await wait_until(lambda: view.screen.actions.reading.comparing)
        await view.press("alt+y")
        await wait_until(lambda: view.screen.blind)

        assert not view.screen.actions.reading.comparing


async def test_votes_carry_the_tag(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.press("alt+g")
        line = await view.chat.dialog(AskLine)
        line.dismiss("code")
        await view.settle()
        assert "tag code" in str(view.screen.query_one("#compare-bar", Plain).content)
        await view.say("hello")

        await view.press("alt+v")
        await view.press("a")
        await view.settle()

        (vote,) = await view.chat.app.runtime.store.votes()
        assert (vote.tag, vote.winner) == ("code", view.letters[0])


async def test_the_scoreboard_shows_ratings_by_tag_and_exports_them(tmp_path: Path) -> None:
    async with comparing(tmp_path) as view:
        await view.say("hello")
        await view.press("alt+v")
        await view.press("a")
        await view.settle()
        await view.press("alt+o")
        board = await view.chat.dialog(ScoreboardScreen)
        text = board.query_one("#scoreboard-text", Plain)
        await wait_until(lambda: "1 vote" in str(text.content))
        assert view.letters[0] in str(text.content)

        await view.press("t")
        assert "untagged" in str(text.content)
        await view.press("e")
        line = await view.chat.dialog(AskLine)
        line.dismiss("board.json")
        path = tmp_path / "work" / "board.json"
        await wait_until(path.exists)
        await wait_until(lambda: "Written" in str(board.query_one(".keys", Plain).content))

        assert json.loads(path.read_text())[0]["model"] == view.letters[0]


async def test_an_empty_scoreboard_says_how_to_vote(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press("alt+o")
        board = await chat.dialog(ScoreboardScreen)
        text = board.query_one("#scoreboard-text", Plain)

        await wait_until(lambda: "No votes yet" in str(text.content))

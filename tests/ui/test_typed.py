"""What a typed text means, which word of it can be completed, and what a chip stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.session.shell_line import report
from flux_tui.ui.typed import Ask, Command, Said, ShellLine, Typed, as_typed, read, unknown_command
from flux_tui.ui.widgets.completing import Wanted, wanted, written
from flux_tui.ui.widgets.pastes import Pastes
from flux_tui.ui.widgets.recalling import Recalling


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("/help", Command("help")),
        ("/Model openai/x ", Command("model", "openai/x")),
        ("/", Command("")),
        ("/nope\nmore", Command("nope", "more")),
        ("//text", Said("/text")),
        (" /help", Said(" /help")),
        ("/etc/passwd is what?", Said("/etc/passwd is what?")),
        ("!git log | head", ShellLine("git log | head")),
        ("!", ShellLine("")),
        ("!!wow", Said("!wow")),
        ("!one\ntwo", Said("!one\ntwo")),
        ("+gpt why?\nhow?", Ask("gpt", "why?\nhow?")),
        ("+gpt", Ask("gpt", "")),
        ("+1 for that", Said("+1 for that")),
        ("++gpt x", Said("+gpt x")),
        ("plain", Said("plain")),
        ("", Said("")),
    ],
)
def test_the_first_sign_says_what_is_meant(text: str, typed: Typed) -> None:
    assert read(text) == typed


@given(st.text("/!+ a\n1", max_size=6))
def test_what_was_said_can_be_typed_again(said: str) -> None:
    assert read(as_typed(said)) == Said(said)


def test_a_shell_line_comes_back_as_it_was_typed() -> None:
    assert as_typed(report("git log", "abc")) == "!git log"


def test_an_unknown_command_names_the_nearest_ones() -> None:
    assert "/model" in unknown_command("mod")
    assert "/rename" in unknown_command("renmae")
    assert "//" in unknown_command("")


@pytest.mark.parametrize(
    ("before", "word"),
    [
        ("/mo", Wanted("command", "mo", 1)),
        ("//mo", None),
        ("/rename x", None),
        ("/model gp", Wanted("model", "gp", 7)),
        ("/check ", Wanted("model", "", 7)),
        ("/usr/bin", None),
        ("+gp", Wanted("model", "gp", 1)),
        ("+gpt x", None),
        ("!gi", Wanted("program", "gi", 1)),
        ("!git ad", Wanted("path", "ad", 5)),
        ("!git show @~1", Wanted("path", "@~1", 10)),
        ("look at @src/a", Wanted("file", "src/a", 9)),
        ("@", Wanted("file", "", 1)),
        ("mail me@home", None),
        ("@a b", None),
        ("nothing", None),
    ],
)
def test_the_word_before_the_cursor_can_be_completed(before: str, word: Wanted | None) -> None:
    assert wanted(before) == word


def test_commands_models_and_shell_lines_begin_a_message() -> None:
    assert wanted("/mo", first=False) is None
    assert wanted("+mo", first=False) is None
    assert wanted("!gi", only=False) is None
    assert wanted("@x", first=False, only=False) == Wanted("file", "x", 1)


def test_what_is_written_can_be_gone_on_from() -> None:
    assert written("file", "my notes.txt") == '"my notes.txt" '
    assert written("path", "my notes.txt") == "'my notes.txt' "
    assert written("command", "model ") == "model "


def test_pastes_of_one_size_are_told_apart_and_all_come_back() -> None:
    pastes = Pastes()
    texts = ["x" * 3_000, "y" * 3_000, "z\n" * 40]

    shown = " and ".join(pastes.shown(text) for text in texts)

    assert shown.count("[pasted 3,000 characters") == 2
    assert "[pasted 40 lines]" in shown
    assert pastes.whole(shown) == " and ".join(texts)


def test_what_looks_like_a_chip_and_is_none_stays_text() -> None:
    assert Pastes().whole("[pasted 7 lines]") == "[pasted 7 lines]"


def test_eleven_lines_are_a_chip_and_ten_are_not() -> None:
    assert Pastes().shown("\n".join("x" * 11)).startswith("[pasted 11 lines")
    assert Pastes().shown("\n".join("x" * 10)) == "\n".join("x" * 10)


def test_a_changed_earlier_message_waits_below_the_newest() -> None:
    recalling = Recalling()
    recalling.remember(["new", "old"])
    assert recalling.step(1, "draft") == "new"
    recalling.showing("new")
    assert recalling.step(1, "new changed") == "new"
    recalling.showing("new")
    assert recalling.step(-1, "new") == "new changed"
    assert recalling.step(-1, "new changed") is None


def test_the_same_message_twice_is_remembered_once() -> None:
    recalling = Recalling()
    recalling.add("a")
    recalling.add("a")
    recalling.remember(["b", "a"])
    assert recalling.prompts == ["a", "b"]

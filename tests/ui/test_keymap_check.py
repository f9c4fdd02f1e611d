"""What a user's keymap may say, and what is told about it."""

from __future__ import annotations

import pytest

from flux_tui.core.errors import ConfigError, Place
from flux_tui.ui.keymap import ACTIONS, keys_of
from flux_tui.ui.keymap_check import action_ids, check_keymap
from flux_tui.ui.screens.compare_keys import COLUMN_ACTIONS


def check(**keymap: str) -> tuple[dict[str, str], tuple[str, ...]]:
    named = {name.replace("__", "."): keys for name, keys in keymap.items()}
    places = {name: Place("config.toml", line) for line, name in enumerate(named, 2)}
    return check_keymap(named, places)


def refused(**keymap: str) -> str:
    with pytest.raises(ConfigError) as caught:
        check(**keymap)
    assert caught.value.exit_status == 2
    return str(caught.value)


def test_the_defaults_of_each_screen_are_a_keymap_that_passes() -> None:
    chat = {a.id: ",".join(a.keys) for a in ACTIONS if a.keys}
    view = {a.id: ",".join(a.keys) for a in COLUMN_ACTIONS}

    for keymap in (chat, view):
        assert check_keymap(keymap, {}) == (keymap, ())


def test_ids_of_chat_and_split_view_are_known() -> None:
    assert {"pane.tools", "compare.open", "compare.zoom"} <= set(action_ids())


def test_one_key_for_two_actions_names_file_line_and_both() -> None:
    sentence = refused(pane__tools="ctrl+t", pane__cost="f8,ctrl+t")

    assert sentence == (
        "config.toml:3: keys.\"pane.cost\": 'ctrl+t' is already the key of 'pane.tools' (line 2); "
        "give one of the two another key"
    )


def test_the_same_key_in_chat_and_split_view_is_no_conflict() -> None:
    assert check(pane__tools="f12", compare__zoom="f12")[1] == ()


def test_a_key_taken_from_another_action_is_told_and_shown_no_more() -> None:
    keymap, told = check(pane__tools="f8", chat__copy_code="alt+c")

    assert keymap == {
        "pane.tools": "f8",
        "chat.copy_code": "alt+c",
        "pane.cost": "",
        "chat.copy": "y",
    }
    assert told == (
        'config.toml:3: keys."chat.copy_code": Alt+C was the key of chat.copy, which keeps y',
        'config.toml:2: keys."pane.tools": F8 was the key of pane.cost, which has no key any more',
    )
    assert keys_of("pane.cost", keymap) == ()
    assert keys_of("pane.tools", keymap) == ("F8",)


def test_two_actions_may_change_their_keys_with_each_other() -> None:
    keymap = {"pane.tools": "f8", "pane.cost": "f7"}

    assert check_keymap(keymap, {}) == (keymap, ())


def test_an_id_that_does_not_exist_is_ignored_with_the_nearest_one() -> None:
    keymap, told = check(pane__tols="ctrl+t", nonsense="f2")

    assert keymap == {}
    assert told[0].startswith('config.toml:2: keys."pane.tols" names no action and is ignored')
    assert told[0].endswith("did you mean 'pane.tools'?")
    assert "docs/keys.md" in told[1]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("ctrl+i", "terminals send Tab"),
        ("ctrl+m", "terminals send Enter"),
        ("ctrl+h", "terminals send Backspace"),
        ("ctrl+[", "terminals send Esc"),
        ("ctrl+c", "it copies"),
        ("ctrl+q", "it quits"),
        ("enter", "the composer needs it"),
        ("x", "nobody could type it"),
        ("?", "nobody could type it"),
        ("space", "nobody could type it"),
        ("crtl+p", "did you mean 'ctrl+p'?"),
        ("pgup", "did you mean 'pageup'?"),
        ("ctrl+", "is not the name of a key"),
        ("", "names no key"),
        ("f2,", "names no key"),
        ("\x1b", "is not the name of a key"),
    ],
)
def test_what_cannot_be_bound_says_why(key: str, words: str) -> None:
    assert words in refused(model__pick=key)


def test_a_key_that_asks_one_column_is_fixed_in_the_split_view_alone() -> None:
    assert "one column alone" in refused(compare__zoom="alt+1")
    assert "has no key any more" in check(chat__copy_code="alt+1")[1][0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("F2", "f2"),
        ("Ctrl+P", "ctrl+p"),
        ("shift+ctrl+up", "ctrl+shift+up"),
        ("ctrl++", "ctrl+plus"),
        ("alt+.", "alt+full_stop"),
        ("alt+hyphen_minus", "alt+minus"),
        ("f2, alt+q", "f2,alt+q"),
    ],
)
def test_keys_may_be_written_as_people_write_them(written: str, meant: str) -> None:
    assert check(model__pick=written)[0]["model.pick"] == meant


def test_letters_may_be_given_to_what_works_outside_the_composer() -> None:
    assert check(chat__copy="x", app__help="?")[0] == {
        "chat.copy": "x",
        "app.help": "question_mark",
    }

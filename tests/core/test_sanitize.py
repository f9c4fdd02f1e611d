"""What `core.sanitize` lets through, whole and in pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.sanitize import REPLACEMENT, Sanitizer, one_line, sanitize, visible

NASTY = st.text(
    st.one_of(
        st.sampled_from("\x1b\x1b\x07\\[]P_^X;0123mHABc \r\n\t\x9b\x9c\x9d\x90\u202e\x00\x7f\x18"),
        st.sampled_from([chr(0xD83D), chr(0xDE00), chr(0xDFFF), "é", "漢"]),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("plain\n\ttext é漢😀", "plain\n\ttext é漢😀"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("a\x1b]52;c;aGk=\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1bPq#0\x1b\\b\x90x\x9cc", "abc"),
        ("a\x1b_app\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d", "abcd"),
        ("a\x1bcb\x1b(Bc", "abc"),
        ("a\x00\x08\x0b\x7f\x85b", "ab"),
        ("a\u202eb\u2066c", "abc"),
        (f"a{chr(0xD800)}b", f"a{REPLACEMENT}b"),
        (chr(0xD83D) + chr(0xDE00), "😀"),
        ("text\x1b]0;never closed\nmore", "text0;never closed\nmore"),
        ("tail\x1b", "tail"),
        ("tail\x1b[3", "tail"),
    ],
)
def test_control_goes_and_text_stays(given_text: str, kept: str) -> None:
    assert sanitize(given_text) == kept


def test_a_string_longer_than_the_limit_loses_only_its_introducer() -> None:
    assert sanitize("\x1b]" + "x" * 5000 + "\x07end") == "x" * 5000 + "end"


@given(NASTY)
def test_nothing_a_terminal_obeys_is_left_and_twice_is_once(text: str) -> None:
    clean = sanitize(text)

    assert all(c in "\n\t" or not (ord(c) < 32 or 127 <= ord(c) < 160) for c in clean)
    assert not any("\u202a" <= c <= "\u202e" or "\ud800" <= c <= "\udfff" for c in clean)
    assert sanitize(clean) == clean


@given(NASTY, st.lists(st.integers(0, 60), max_size=8))
def test_pieces_give_what_the_whole_gives(text: str, cuts: list[int]) -> None:
    sanitizer = Sanitizer()
    places = [0, *sorted(cuts), len(text)]

    pieces = [text[a:b] for a, b in pairwise(places)]
    joined = "".join(sanitizer.feed(piece) for piece in pieces) + sanitizer.flush()

    assert joined == sanitize(text)


def test_an_unfinished_sequence_waits_for_the_next_piece() -> None:
    sanitizer = Sanitizer()

    assert sanitizer.feed("a\x1b[3") == "a"
    assert sanitizer.feed("1mb") == "b"
    assert sanitizer.feed("plain") == "plain"
    assert sanitizer.flush() == ""


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("ls\n\t é漢😀", "ls\n\t é漢😀"),
        ("a\x1b[31m", "a\\x1b[31m"),
        ("a\rb", "a\\rb"),
        ("a\u202eb\u200bc\ufeff", "a\\u202eb\\u200bc\\ufeff"),
        ("a\U000e0041", "a\\U000e0041"),
        ("a\ufe0f\u3164", "a\\ufe0f\\u3164"),
        (chr(0xD800), "\\ud800"),
        ("a\u00a0b\u3000c", "a\u00a0b\u3000c"),
        ("a\u2028b", "a\\u2028b"),
    ],
)
def test_hidden_characters_are_shown_as_escapes(hidden: str, shown: str) -> None:
    assert visible(hidden) == shown


@pytest.mark.parametrize(
    ("text", "limit", "line"),
    [
        ("one\r\n  two\tthree", 80, "one two three"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd efgh", 6, "abcd…"),
        ("x" * 1_000_000, 3, "xx…"),
        ("x", 0, ""),
        ("", 0, ""),
        ("a" + "\n" * 1000, 5, "a…"),
    ],
)
def test_one_line_folds_and_cuts(text: str, limit: int, line: str) -> None:
    assert one_line(text, limit) == line

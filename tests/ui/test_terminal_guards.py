"""What comes in from the terminal presses no keys that nobody pressed."""

from importlib.metadata import version
from inspect import getsource, signature
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver

from flux_tui.ui.keymap import ACTIONS
from flux_tui.ui.screens.compare_keys import COLUMN_ACTIONS
from flux_tui.ui.terminal import (
    ESCAPE_SYMBOL,
    PASTE_END,
    PASTE_START,
    PasteGuard,
    PasteReader,
    crash_report,
    guard_input,
    redact,
)


@given(st.text(alphabet="ab\x1b[20~1y", max_size=30), st.lists(st.integers(0, 60), max_size=6))
def test_however_a_paste_is_split_no_escape_is_left_inside(body: str, cuts: list[int]) -> None:
    body = body.replace(PASTE_END, "").replace(PASTE_END[:-1], "")
    whole = PASTE_START + body + PASTE_END + "q"
    places = sorted({min(cut, len(whole)) for cut in cuts} | {0, len(whole)})
    guard = PasteGuard()

    out = "".join(guard.feed(whole[a:b]) for a, b in pairwise(places))

    assert out == PASTE_START + body.replace("\x1b", ESCAPE_SYMBOL) + PASTE_END + "q"


def test_a_paste_without_end_is_over_after_silence() -> None:
    clock = [0.0]
    guard = PasteGuard(lambda: clock[0])
    guard.feed(PASTE_START + "abc")

    clock[0] = 3.0

    assert guard.flush() == PASTE_END
    assert guard.feed("\x1b") + guard.flush() in {"", "\x1b"}


def test_keys_do_not_reach_a_crash_report(tmp_path: Path) -> None:
    assert "abcdefgh" not in redact("key sk-abcdefgh12345 and Bearer abcdefgh99")

    text, path = crash_report(ValueError("refused plain-looking"), tmp_path, ["plain-looking"])

    assert "plain-looking" not in text
    assert path is not None
    assert path.read_text("utf-8") == text


def test_the_private_names_of_textual_that_the_guard_touches_are_still_there() -> None:
    assert version("textual") == "8.2.8", "check the guard by hand, then move this pin"
    assert list(signature(XTermParser.feed).parameters) == ["self", "data"]
    assert list(signature(XTermParser.tick).parameters) == ["self"]
    assert linux_driver.getincrementaldecoder("utf-8")().decode(b"a") == "a"
    source = getsource(linux_driver.LinuxDriver.run_input_thread)
    for words in ("getincrementaldecoder(", "parser.feed\n", "parser.tick\n"):
        assert words in source, words


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> XTermParser:
    for name in ("feed", "tick"):
        monkeypatch.setattr(XTermParser, name, getattr(XTermParser, name))
    monkeypatch.setattr(XTermParser, "flux_guarded", False, raising=False)
    monkeypatch.setattr(linux_driver, "getincrementaldecoder", linux_driver.getincrementaldecoder)
    guard_input()
    return XTermParser()


@pytest.mark.parametrize("chunks", [["\x1b1\x1b9\x1b\rx"], ["\x1b", "1", "\x1b9\x1b", "\r", "x"]])
def test_alt_with_a_digit_or_enter_is_that_key_and_types_nothing(
    parser: XTermParser, chunks: list[str]
) -> None:
    seen = [event for chunk in chunks for event in parser.feed(chunk)]

    keys = [event for event in seen if isinstance(event, events.Key)]
    assert [event.key for event in keys] == ["alt+1", "alt+9", "alt+enter", "x"]
    assert [event.character for event in keys if event.is_printable] == ["x"]


@pytest.mark.parametrize(
    "key", sorted({k for a in (*ACTIONS, *COLUMN_ACTIONS) for k in a.keys if k[:-1] == "alt+"})
)
def test_a_key_with_alt_that_is_bound_comes_from_terminals_that_send_escape_before_it(
    parser: XTermParser, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr("textual._xterm_parser.constants.ESCAPE_DELAY", 0)

    seen = [*parser.feed(f"\x1b{key[-1]}"), *parser.tick()]

    assert [event.key for event in seen if isinstance(event, events.Key)] == [key]


def test_the_guarded_parser_makes_keys_of_keys_and_text_of_pastes(parser: XTermParser) -> None:
    chunks = ("a", PASTE_START[:3], PASTE_START[3:] + "b\x1b[Ac\x11", "\r" + PASTE_END + "d")
    seen = [event for chunk in chunks for event in parser.feed(chunk)]

    pasted = [event.text for event in seen if isinstance(event, events.Paste)]
    assert pasted == [f"b{ESCAPE_SYMBOL}[Ac\x11\r"]
    assert [event.key for event in seen if isinstance(event, events.Key)] == ["a", "d"]
    assert linux_driver.getincrementaldecoder("utf-8")().decode(b"a\xffb") == "a\ufffdb"


@given(
    st.lists(st.one_of(st.text("abc", max_size=3), st.tuples(st.text("xy\n\x1b", max_size=9)))),
    st.integers(1, 9),
)
def test_pastes_come_whole_and_in_their_place_among_the_keys(
    typed: list[str | tuple[str]], step: int
) -> None:
    whole = "".join(p if isinstance(p, str) else PASTE_START + p[0] + PASTE_END for p in typed)
    guard, reader = PasteGuard(), PasteReader()

    seen: list[str] = []
    for at in range(0, len(whole), step):
        for piece in reader.split(guard.feed(whole[at : at + step])):
            seen += list(piece) if isinstance(piece, str) else [f"<{piece.text}>"]

    expected: list[str] = []
    for part in typed:
        if isinstance(part, str):
            expected += list(part)
        elif part[0]:
            expected.append(f"<{part[0].replace(chr(27), ESCAPE_SYMBOL)}>")
    assert seen == expected


def test_a_large_paste_is_one_event_and_not_read_by_the_character(parser: XTermParser) -> None:
    text = "line of text\n" * 200_000
    fed: list[str] = []
    parser.debug_log = lambda *words: fed.append(words[0])  # one line for each character read

    chunks = (PASTE_START, text[:1_000_000], text[1_000_000:], PASTE_END)
    seen = [event for chunk in chunks for event in parser.feed(chunk)]

    assert [event.text for event in seen if isinstance(event, events.Paste)] == [text]
    assert len(fed) == 0

"""What comes in from the terminal presses no keys that nobody pressed."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flux_tui.ui.terminal import (
    ESCAPE_SYMBOL,
    PASTE_END,
    PASTE_START,
    PasteGuard,
    crash_report,
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

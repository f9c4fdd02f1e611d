"""Diffs on the screen."""

from hypothesis import given
from hypothesis import strategies as st

from flux_tui.ui.render.diff import diff_content, diff_lines

DIFF = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old [/]\n+new\n same\n"


def test_a_diff_keeps_its_lines_and_colours_what_changes():
    lines = diff_lines(DIFF)

    assert [line.plain for line in lines] == DIFF.removesuffix("\n").split("\n")
    assert [str(line.spans[0].style) if line.spans else "" for line in lines] == [
        "bold",
        "bold",
        "bold",
        "$text-error",
        "$text-success",
        "",
    ]
    assert diff_content(DIFF).plain == DIFF.removesuffix("\n")


def test_a_long_diff_says_what_is_missing():
    lines = diff_lines("+x\n" * 1500, most=100)

    assert len(lines) == 101
    assert lines[-1].plain == "… 1,400 more lines"


@given(st.text(max_size=100))
def test_any_text_is_shown_without_control_characters(text):
    assert "\x1b" not in diff_content(text).plain

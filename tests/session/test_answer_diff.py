"""Differences between two answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flux_tui.session.answer_diff import MOST_WORDS, Span, diff_answers


def shown(left: str, right: str) -> tuple[list[str], list[str]]:
    found = diff_answers(left, right)
    return (
        [left[span.start : span.end] for span in found.left],
        [right[span.start : span.end] for span in found.right],
    )


def test_equal_answers_differ_in_nothing() -> None:
    found = diff_answers("The same.\n\n- a\n", "The same.\n\n- a\n")

    assert (found.left, found.right, found.alike) == ((), (), 1.0)
    assert diff_answers("", "").alike == 1.0


def test_prose_is_compared_by_the_word() -> None:
    assert shown("Rome was founded in 753.", "Rome was built in 753.") == (["founded"], ["built"])


def test_a_changed_phrase_is_one_mark() -> None:
    assert shown("It is a red old house.", "It is a blue new house.") == (
        ["red old"],
        ["blue new"],
    )


def test_code_is_compared_by_the_line() -> None:
    left = "Try:\n```py\na = 1\nb = 2\n```\n"
    right = "Try:\n```py\na = 1\nb = 3\n```\n"

    assert shown(left, right) == (["b = 2\n"], ["b = 3\n"])


def test_a_paragraph_that_only_one_has_is_marked_there() -> None:
    assert shown("One.\n\nTwo.\n", "One.\n\nTwo.\n\nThree.\n") == ([], ["\nThree.\n"])


def test_a_huge_passage_is_marked_whole_instead_of_word_by_word() -> None:
    left, right = "a " * MOST_WORDS, "b " * MOST_WORDS

    assert diff_answers(left, right).left == (Span(0, len(left)),)


def beside(left: str, right: str) -> list[tuple[str, str]]:
    """The lines of both sides by rows; "—" where one has nothing."""
    rows = diff_answers(left, right).rows

    def line(text: str, span: Span | None) -> str:
        return "—" if span is None else text[span.start : span.end].strip()

    return [(line(left, row.left), line(right, row.right)) for row in rows]


def test_equal_lines_stand_beside_each_other() -> None:
    assert beside("One.\nTwo.\nThree.\n", "One.\nThree.\n") == [
        ("One.", "One."),
        ("Two.", "—"),
        ("Three.", "Three."),
    ]


def test_a_changed_line_stands_beside_what_it_was() -> None:
    left = "Intro.\n\nIt rains a lot in May.\n\nBring a coat with you.\n"
    right = "Hello!\n\nSome words first.\n\nIt rains much in May.\n\nBring a hat with you.\n"

    assert beside(left, right) == [
        ("Intro.", "Hello!"),
        ("", ""),
        ("—", "Some words first."),
        ("—", ""),
        ("It rains a lot in May.", "It rains much in May."),
        ("", ""),
        ("Bring a coat with you.", "Bring a hat with you."),
    ]
    assert shown(left, right)[0] == ["Intro.\n", "a lot", "coat"]


def test_code_stands_beside_code_that_is_like_it() -> None:
    left = "```\nx = first(a)\nreturn x + 1\n```\n"
    right = "```\nx = first(a)\nx = more(x)\nreturn x + 2\n```\n"

    assert beside(left, right)[1:4] == [
        ("x = first(a)", "x = first(a)"),
        ("—", "x = more(x)"),
        ("return x + 1", "return x + 2"),
    ]


def test_lines_that_have_nothing_in_common_are_marked_whole() -> None:
    assert shown("Yes, of course.", "No, never.") == (["Yes, of course."], ["No, never."])


WORDS = st.lists(
    st.sampled_from(["a", "b", "c ", "\n", "```\n", "~~~", ".", " ", "é", "\r\n", "\u2028"]),
    max_size=40,
).map("".join)


@given(WORDS, WORDS)
def test_what_is_left_unmarked_is_the_same_on_both_sides(left: str, right: str) -> None:
    found = diff_answers(left, right)

    def rest(text: str, spans: tuple[Span, ...]) -> str:
        kept, at = "", 0
        for span in spans:
            assert at <= span.start < span.end <= len(text)
            kept += text[at : span.start]
            at = span.end
        return "".join((kept + text[at:]).split())  # line ends and blanks say nothing

    assert rest(left, found.left) == rest(right, found.right)
    assert 0.0 <= found.alike <= 1.0


@given(WORDS, WORDS)
def test_every_line_stands_in_one_row_in_its_order(left: str, right: str) -> None:
    rows = diff_answers(left, right).rows

    assert "".join(left[r.left.start : r.left.end] for r in rows if r.left) == left
    assert "".join(right[r.right.start : r.right.end] for r in rows if r.right) == right
    assert all(row.left or row.right for row in rows)

"""Finding what was said before by some of its letters."""

from hypothesis import given
from hypothesis import strategies as st

from flux_tui.ui.fuzzy import match, ranked


def test_whole_words_in_any_order_come_before_strewn_letters() -> None:
    texts = ["fix the broken tests", "a fox x tools", "tests that fix", "nothing"]

    assert [text for text, _ in ranked(texts, "tests fix")] == [
        "fix the broken tests",
        "tests that fix",
    ]
    assert [text for text, _ in ranked(texts, "fxt")] == ["fix the broken tests", "a fox x tools"]


def test_letters_far_apart_are_no_match() -> None:
    assert match("a" + "-" * 100 + "b", "ab") is None


def test_nothing_wanted_is_everything_in_its_order() -> None:
    assert [text for text, _ in ranked(["b", "a"], "")] == ["b", "a"]


@given(st.text(max_size=60), st.text(max_size=5))
def test_what_is_marked_are_the_letters_that_were_wanted(text: str, wanted: str) -> None:
    found = match(text, wanted)

    if found is not None:
        marked = "".join(text[start:end] for start, end in found[1])
        letters = set("".join(wanted.lower().split()))
        assert letters <= set(marked.lower()) | set(marked)
        assert all(0 <= start < end <= len(text) for start, end in found[1])


@given(st.text(min_size=1, max_size=40), st.data())
def test_every_part_of_a_text_finds_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    part = text[start : data.draw(st.integers(start + 1, len(text)))]

    if len(part.lower()) == len(part) and len(text.lower()) == len(text):
        assert match(text, part) is not None

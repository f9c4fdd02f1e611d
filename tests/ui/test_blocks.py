"""Splitting and rendering Markdown."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_tui.ui.render.blocks import BlockSplitter, split_blocks
from flux_tui.ui.render.inline import openable
from flux_tui.ui.render.markdown import fences, render_block
from tests.ui.transcript_reference import cells, listed

PIECES = [
    *("# h\n", "text", "\n", "\n\n", "```py\n", "```\n", "~~~\n", "- a\n", "  - b\n", "1. x\n"),
    *("> q\n", "| a | b |\n", "|---|--:|\n", "| 日本 | `c` |\n", "**b", "**", "_", "&amp;", "🎉"),
    *("[l](http://a.b)", "- [ ] t\n", "<b>x</b>", "\\", "    code\n", "---\n", "[", "![i](x)"),
]
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@given(text=MARKDOWN, cuts=st.lists(st.integers(0, 200), max_size=8))
def test_blocks_are_the_same_however_the_text_was_cut(text, cuts):
    splitter = BlockSplitter()
    sources = lambda: "".join(block.source for block in splitter.closed)  # noqa: E731
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for start, end in itertools.pairwise(places):
        splitter.feed(text[start:end])
        assert sources() + splitter.open.source == text[:end]

    splitter.finish()

    assert splitter.closed == split_blocks(text)
    assert sources() == text


def fed(chunks):
    splitter = BlockSplitter()
    for chunk in chunks:
        splitter.feed(chunk)
    splitter.finish()
    return splitter.closed


@settings(deadline=None, max_examples=60)
@given(MARKDOWN)
def test_no_place_to_cut_a_text_changes_its_blocks(text):
    whole = split_blocks(text)

    for at in range(len(text) + 1):
        assert fed((text[:at], text[at:])) == whole, at
    assert fed(text) == whole


@settings(deadline=None)
@given(text=st.one_of(MARKDOWN, st.text(max_size=200)), width=st.integers(4, 60))
def test_any_text_renders_within_the_width(text, width):
    for block in split_blocks(text):
        for row in render_block(block, width):
            line = row.content
            assert line.cell_length <= width
            assert "\n" not in line.plain
            assert "\x1b" not in line.plain


def lines(source, width=40):
    return [
        row.content.plain.rstrip()
        for block in split_blocks(source)
        for row in render_block(block, width)
    ]


def test_a_closing_fence_ends_its_block():
    blocks = split_blocks("a\n```\nb\n\nc\n```\nd")
    assert [block.source for block in blocks] == ["a\n", "```\nb\n\nc\n```\n", "d"]


def test_nested_lists_are_indented_and_numbered():
    assert lines("9. a\n10. b\n    - c\n    - d\n") == [" 9. a", "10. b", "    ◦ c", "    ◦ d"]


def test_tasks_have_boxes():
    assert lines("- [x] a\n- [ ] b") == ["☑ a", "☐ b"]


def test_a_table_fits_and_keeps_wide_characters_aligned():
    shown = lines("| a | 値 |\n|---|--:|\n| 日本 | 1 |\n", 20)

    assert shown == ["a    │ 値", "─────┼───", "日本 │  1"]


def test_a_table_too_narrow_becomes_a_list():
    source = "|" + "name|" * 9 + "\n|" + "---|" * 9 + "\n|" + "v|" * 9
    assert lines(source, 20)[0] == "name: v"


COMPARED = [
    ["Model", "Strength", "Weakness"],
    ["opus", "careful with long instructions", "slower, and more expensive"],
    ["gpt", "conversational throughout", "unpredictable formatting"],
]


def table(rows):
    head, *others = ["|" + "|".join(row) + "|" for row in rows]
    return "\n".join([head, "|" + "-|" * len(rows[0]), *others])


def test_a_table_that_would_break_words_is_listed_row_by_row():
    shown = lines(table(COMPARED), 30)

    assert shown == listed(COMPARED, 30)
    assert shown[:3] == ["Model: opus", "Strength: careful with long", "instructions"]
    assert "│" in lines(table(COMPARED), 60)[0]


def test_an_address_does_not_keep_a_table_from_being_one():
    rows = [["Site", "Address"], ["one", "https://a.example/" + "x" * 60]]

    assert lines(table(rows), 40)[0].startswith("Site │ Address")


WORD = st.text("abcdefg", min_size=1, max_size=16)
CELL = st.lists(WORD, min_size=1, max_size=6).map(" ".join)
ROWS = st.integers(1, 4).flatmap(
    lambda size: st.lists(st.lists(CELL, min_size=size, max_size=size), min_size=2, max_size=4)
)


@given(rows=ROWS, width=st.integers(18, 90))
def test_a_table_breaks_no_word_at_any_width(rows, width):
    shown = lines(table(rows), width)

    said = "\n".join(shown).replace("│", " ").replace(":", " ").split()
    assert {word for row in rows for cell in row for word in cell.split()} <= set(said)
    assert all(cells(line) <= width for line in shown)
    if any(line.startswith(f"{rows[0][0]}: ") for line in shown) and len(rows[0]) > 1:
        assert shown == listed(rows, width)


def test_html_and_markup_are_literal():
    assert lines("<b>x</b> [bold]y[/] [/] $z") == ["<b>x</b> [bold]y[/] [/] $z"]


def test_a_link_shows_its_target():
    assert lines("[here](https://a.example/x)") == ["here (https://a.example/x)"]


@pytest.mark.parametrize(
    "target", ["javascript:x", "file:///etc/passwd", "http:", "", "http://[", "x"]
)
def test_only_web_addresses_are_opened(target):
    assert not openable(target)
    assert openable("https://a.example")


def test_code_keeps_its_text():
    assert lines("```python\ndef f():\n    return 1\n```") == [
        "│ python",
        "│ def f():",
        "│     return 1",
    ]
    assert fences("a\n\n```py\nx = 1\n```\n\n```\ny\n```") == ["x = 1\n", "y\n"]


@pytest.mark.parametrize("source", [">" * 5000, "[" * 50_000, "*a " * 20_000, "- " * 3000 + "x"])
def test_pathological_text_renders(source):
    assert render_block(source, 80)


def all_lines(source, width=40):
    return [
        row.content.plain.rstrip()
        for block in split_blocks(source)
        for row in render_block(block, width)
    ]


def test_the_columns_of_a_giant_table_stay_where_they_are():
    body = "".join(f"| {'x' * (5 + n % 7)} | {n} |\n" for n in range(100))

    shown = all_lines("| a | b |\n|---|--:|\n" + body)

    assert len(shown) == 102
    assert {line.index("│") for line in shown if "│" in line} == {12}


@pytest.mark.parametrize("width", [6, 40])
def test_no_cell_of_a_giant_table_is_lost_or_doubled(width):
    cells = [f"k{n}" for n in range(100)]
    source = "|" + "h|" * 4 + "\n|" + "-|" * 4 + "\n" + "".join(f"|{c}|||v|\n" for c in cells)

    text = " ".join(all_lines(source, width)).replace("│", " ")

    assert [word for word in text.split() if word.startswith("k")] == cells


def test_a_giant_fence_keeps_every_line_and_shows_its_language_once():
    code = [f"x = {n}" for n in range(350)]

    shown = all_lines("```py\n" + "\n".join(code) + "\n```\nend")

    assert shown == ["│ py", *(f"│ {line}" for line in code), "end"]


def test_a_giant_list_keeps_its_numbers():
    items = [f"{n}. item" for n in range(1, 500)]

    assert [line.strip() for line in all_lines("\n".join(items))] == items


@given(text=st.text("ab |-`\n*é日", max_size=60), times=st.integers(1, 400))
@settings(deadline=None, max_examples=30)
def test_giants_lose_nothing_and_their_blocks_stay_small(text, times):
    source = text * times

    blocks = split_blocks(source)

    assert "".join(block.source for block in blocks) == source
    assert all(len(block.source) <= 13_000 for block in blocks)


def test_combining_marks_are_not_lost_in_code():
    word = "e\u0301" * 30

    shown = [line.removeprefix("│ ") for line in all_lines(f"```\n{word}\n```", 22)]

    assert "".join(shown) == word
    assert len(shown) == 2


WHOLE = st.lists(
    st.sampled_from(
        [
            *("# head *one*\n", "## two\n", "some *words* and `code`\n", "two\nlines\n"),
            *("- a\n- b\n  - c\n", "1. x\n2. y\n   more\n", "> quoted\n> text\n"),
            *("```py\nx = 1\n\ny = 2\n```\n", "~~~\n```\n~~~\n", "---\n"),
            *("| a | b |\n|---|---|\n| 1 | 2 |\n", "- para\n\n  more\n", "- [ ] task\n"),
        ]
    ),
    max_size=12,
)


@given(parts=WHOLE, width=st.integers(20, 80))
@settings(deadline=None)
def test_blocks_one_by_one_look_like_the_whole_text(parts, width):
    # Two lists in a row are one to a parser that sees the whole.
    kept = [
        part for part, before in zip(parts, ["", *parts], strict=False) if part[0] != before[:1]
    ]
    source = "\n".join(kept)
    rows = []
    for block in split_blocks(source):
        added = [row.content.plain.rstrip() for row in render_block(block, width)]
        rows += [""] * bool(rows and added) + added

    whole = [row.content.plain.rstrip() for row in render_block(source, width)]

    assert rows == whole

"""JSON by lines: true to the value, marked where it differs, short where it is a giant."""

import json

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from flux_tui.core.usage import JSON
from flux_tui.ui.widgets.json_view import JsonView, added_texts, json_lines, marked, wrapped
from tests.ui.driving import wait_until

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab \n"é漢', max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner),
    max_leaves=12,
)


@given(VALUES)
def test_the_lines_are_the_value(value: JSON) -> None:
    text = "\n".join(line.text for line in json_lines(value))

    assert json.loads(text) == value


@given(VALUES, st.integers(8, 60))
def test_cutting_loses_no_character(value: JSON, width: int) -> None:
    lines = list(json_lines(value))
    rows = wrapped(lines, width)

    assert "".join(row.text for row in rows) == "".join(line.text for line in lines)


def test_a_picture_shows_its_beginning_and_its_size() -> None:
    body: JSON = {"data": "iVBORw0KGgo" + "A" * 1_200_000, "text": "word " * 200}

    text = [line.text for line in json_lines(body)]

    assert text[1].endswith(' … 1.2 MB",')
    assert "iVBORw0KGgo" in text[1]
    assert len(text[1]) < 100
    assert len(text[2]) > 1_000


def test_a_mark_covers_what_lies_below_it_and_says_why_once() -> None:
    lines = tuple(json_lines({"messages": [{"id": 1}, {"id": 2, "parts": ["x"]}]}))

    found = marked(lines, {"messages[1]": ("dropped", "nobody knows")})

    assert [line.mark for line in found] == ["", "", "", "", "", *["dropped"] * 6, "", ""]
    assert [line.note for line in found if line.note] == ["nobody knows"]


def test_what_stands_only_in_the_body_is_found() -> None:
    body: JSON = {
        "system": "You are a helpful machine.",
        "messages": ["A sentence said by a user."],
    }
    history: JSON = {"parts": [{"text": "A sentence said by a user."}]}

    assert added_texts(body, history) == {"system": ("added", "")}


def test_a_picture_that_is_stored_is_not_new_in_a_request() -> None:
    picture = "iVBORw0KGgo" * 9

    assert added_texts({"url": f"data:image/png;base64,{picture}"}, {"data": picture}) == {}


class _Page(App[None]):
    def compose(self) -> ComposeResult:
        yield JsonView()


async def test_a_large_page_is_shown_searched_and_its_marks_visited() -> None:
    value: JSON = {"rows": [{"n": number, "text": f"row {number}"} for number in range(20_000)]}
    lines = marked(tuple(json_lines(value)), {"rows[15000]": ("adapted", "why")})
    app = _Page()
    async with app.run_test(size=(60, 20)) as pilot:
        view = app.query_one(JsonView)
        view.show(lines)
        await wait_until(lambda: view.row_count == 80_004)

        assert view.search("row 12345") == 1
        await wait_until(lambda: any("row 12345" in line for line in _shown(view)))
        assert view.next_mark(1)
        await wait_until(lambda: _shown(view)[0].startswith("≈"))
        assert "← why" in _shown(view)[0]
        assert not view.next_mark(1)
        assert view.next_hit(1) == (1, 1)
        await pilot.pause()


def _shown(view: JsonView) -> list[str]:
    return [view.render_line(y).text for y in range(view.size.height)]

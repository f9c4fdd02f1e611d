"""What is told of JSON that cannot be read."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.errors import InputError
from flux_tui.core.jsontext import read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "x is empty"),
        (" \n", "x is empty"),
        ('{"a":\n nope}', "x is not JSON (Expecting value: line 2, column 2)"),
        (b"\x80", "x is not JSON (nor any other text)"),
        ("[" * 200_000, "x is nested too deeply"),
        ("9" * 5_000, "x holds a number of too many digits"),
    ],
)
def test_what_cannot_be_read_is_told_in_plain_words(content: bytes | str, told: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(told)}$"):
        read_json(content, "x")


@given(VALUES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_json_of_any_encoding_is_read(value: object, encoding: str) -> None:
    assert read_json(json.dumps(value, ensure_ascii=False).encode(encoding), "x") == value

"""What an answer cites is read from each vendor's own form, and nothing of it is trusted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.messages import Message, ProviderMetadata, Text
from flux_tui.core.models import Origin
from flux_tui.core.sources import Source, sources, sources_text
from flux_tui.core.usage import JSON

ORIGIN = Origin("x", "anthropic", "http://localhost", "y")


def citing(data: dict[str, JSON], of_reply: dict[str, JSON] | None = None) -> Message:
    return Message(
        role="assistant",
        parts=(Text("It is so.", ProviderMetadata(ORIGIN, data)),),
        metadata=ProviderMetadata(ORIGIN, of_reply or {}),
    )


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            {"type": "web_search_result_location", "url": "https://a.org", "title": "A"},
            Source("A", "https://a.org"),
        ),
        (
            {"type": "char_location", "document_title": "notes.pdf", "cited_text": "so"},
            Source("notes.pdf"),
        ),
        (
            {"type": "search_result_location", "source": "https://b.org"},
            Source("", "https://b.org"),
        ),
        (
            {"type": "url_citation", "url": "https://c.org", "title": "C"},
            Source("C", "https://c.org"),
        ),
        ({"url_citation": {"url": "https://c.org", "title": "C"}}, Source("C", "https://c.org")),
        ({"type": "file_citation", "file_id": "f1", "filename": "d.txt"}, Source("d.txt")),
        ({"web": {"uri": "https://e.org", "title": "e.org"}}, Source("e.org", "https://e.org")),
        ({"retrievedContext": {"text": "so", "fileSearchStore": "stores/x"}}, Source("stores/x")),
        ({"uri": "https://f.org", "startIndex": 3}, Source("", "https://f.org")),
    ],
)
def test_every_vendors_form_is_read(entry: dict[str, JSON], expected: Source) -> None:
    assert sources(citing({"citations": [entry]})) == (expected,)
    assert sources(citing({"annotations": [entry, entry]})) == (expected,)


def test_a_reply_may_cite_as_a_whole_with_several_sources_each() -> None:
    one: JSON = {"type": "document", "id": "d:0", "document": {"title": "Paris", "url": "http://p"}}
    two: JSON = {"type": "tool", "id": "read_file_x:0", "tool_output": {"content": "words"}}
    cited: JSON = [{"start": 0, "text": "It", "sources": [one, two]}, [{"sources": [one]}]]

    told = sources_text(citing({}, {"citations": cited}))

    assert told == "Sources:\n\n1. Paris — http://p\n2. read_file_x:0"


def test_control_characters_and_lines_are_taken_out_and_a_cut_address_is_none() -> None:
    entry: JSON = {"title": "a\x1b]8;;evil\x07\nb", "url": "https://x.org/" + "a" * 3_000}

    assert sources(citing({"citations": [entry]})) == (Source("a b"),)


def test_an_address_alone_is_a_source() -> None:
    cited: JSON = ["https://a.org", "http://b.org", "https://a.org", "javascript:alert(1)"]

    told = sources_text(citing({}, {"citations": cited}))

    assert told == "Sources:\n\n1. https://a.org\n2. http://b.org"


def test_what_is_no_entry_cites_nothing() -> None:
    assert sources(citing({"citations": ["text", None, 3], "annotations": "text"})) == ()
    assert sources(Message(role="assistant", parts=(Text("It is so."),))) == ()


def test_only_answers_cite() -> None:
    data: dict[str, JSON] = {"citations": [{"url": "https://a.org"}]}
    said = Message(role="user", parts=(Text("so", ProviderMetadata(ORIGIN, data)),))

    assert sources(said) == ()
    assert sources_text(said) == ""


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["sources", "url", "title", "document", "type", "id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_no_citation_whatever_breaks_the_reader(value: JSON) -> None:
    assert "\x1b" not in sources_text(citing({"citations": value}, {"annotations": value}))

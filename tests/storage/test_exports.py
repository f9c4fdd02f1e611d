"""What leaves the program as a document: readable, escaped, without keys."""

from __future__ import annotations

import json

import pytest

from flux_tui.core.codec import load_conversation
from flux_tui.core.messages import (
    Conversation,
    Image,
    Message,
    ProviderMetadata,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import ModelRef, Origin
from flux_tui.core.usage import JSON
from flux_tui.storage.exports import FORMATS, REDACTED, Format, export, redact

CANARY = "canary-0123456789"


def sample(text: str = "hello") -> Conversation:
    call = ToolCall("c1", "read_file", {"path": text})
    return Conversation("System <b>words</b>").plus(
        user_message(text, (Image(b"1234", "image/png", "<i>.png"),)),
        Message(
            role="assistant",
            parts=(Thinking("hmm\nwell"), Text("**yes**"), call),
            model=ModelRef("a", "b"),
            stop="interrupted",
        ),
        Message(role="tool", parts=(ToolResult("c1", "read_file", (Text("```\nx\n```"),)),)),
    )


def test_json_holds_the_whole_conversation() -> None:
    conversation = sample()

    assert load_conversation(json.loads(export(conversation, "json"))) == conversation


def test_markdown_shows_every_part_and_fences_what_has_fences() -> None:
    text = export(sample(), "md", title="A title\nof two lines")

    assert text.startswith("# A title")
    for words in ("hello", "**yes**", "> hmm\n> well", "read_file", "<i>.png", "a/b"):
        assert words in text
    assert "````\n```\nx\n```\n````" in text
    assert "stopped: interrupted" in text


def test_html_escapes_everything_that_is_not_ours() -> None:
    text = export(sample("<script>alert(1)</script> & \x1b[31m"), "html", title="</title><b>")

    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in text
    assert "<i>.png" not in text
    assert "\x1b" not in text
    assert "&lt;/title&gt;" in text


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("key", [CANARY, "sk-ant-api03-" + "x" * 40, "AIza" + "y" * 35])
def test_no_key_leaves_in_any_format(kind: str, key: str) -> None:
    text = export(sample(f"my key is {key}."), kind, secrets=[CANARY])  # type: ignore[arg-type]

    assert key not in text
    assert REDACTED in text


def test_ordinary_words_are_not_taken_for_keys() -> None:
    text = "task-management-of-long-names sk-8 ask-me short"

    assert redact(text, ["short"]) == text


@pytest.mark.parametrize("kind", ["md", "html"])
def test_what_an_answer_cites_stands_below_it(kind: Format) -> None:
    cited: JSON = [{"title": "<i>Paris</i>", "url": "https://example.org/p"}]
    origin = Origin("a", "cohere", "http://localhost", "b")
    answer = Message(
        role="assistant",
        parts=(Text("So it is."),),
        metadata=ProviderMetadata(origin, {"citations": cited}),
    )

    document = export(Conversation().plus(user_message("hi"), answer), kind)

    title = "<i>Paris</i>" if kind == "md" else "&lt;i&gt;Paris&lt;/i&gt;"
    assert f"Sources:\n\n1. {title} — https://example.org/p" in document

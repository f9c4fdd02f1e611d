"""The format "flux": round trips, its shape, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core import codec
from flux_tui.core.errors import CodecError
from flux_tui.core.events import TurnEvent
from flux_tui.core.messages import (
    Conversation,
    Image,
    Message,
    ProviderMetadata,
    Text,
    Thinking,
    ToolCall,
)
from tests.core.strategies import MODELS, conversations, json_values, turn_events


@given(conversations())
def test_a_conversation_comes_back_equal(conversation: Conversation) -> None:
    text = codec.dumps(codec.dump_conversation(conversation))

    loaded = codec.load_conversation(json.loads(text))

    assert loaded == conversation
    assert [m.usage and m.usage.raw for m in loaded.messages] == [
        m.usage and m.usage.raw for m in conversation.messages
    ]
    assert codec.dumps(codec.dump_conversation(loaded)) == text


@given(turn_events)
def test_an_event_comes_back_equal(event: TurnEvent) -> None:
    line = codec.dumps(codec.dump_event(event))

    assert "\n" not in line
    assert codec.load_event(json.loads(line)) == event


@given(json_values)
def test_json_text_can_always_be_encoded(value: Any) -> None:
    assert json.loads(codec.dumps(value).encode()) == value


def test_the_shape_of_version_1_stands() -> None:
    origin = MODELS[1].origin
    parts = (
        Text("hi", ProviderMetadata(origin, {"id": "msg_1"})),
        Image(b"\x00", "image/png"),
        ToolCall("c", "run", {"b": 1, "a": 2}),
    )
    at = datetime(2026, 11, 1, tzinfo=UTC)

    dumped = codec.dump_message(Message(role="assistant", parts=parts, id="m", at=at))

    assert dumped == {
        "role": "assistant",
        "parts": [
            {
                "type": "text",
                "text": "hi",
                "metadata": {
                    "origin": {
                        "provider": "openai",
                        "api": "openai-responses",
                        "base_url": "https://api.openai.com/v1",
                        "model": "gpt-5.4",
                    },
                    "data": {"id": "msg_1"},
                },
            },
            {"type": "image", "data": "AA==", "mime": "image/png"},
            {"type": "tool_call", "id": "c", "name": "run", "arguments": {"b": 1, "a": 2}},
        ],
        "id": "m",
        "at": "2026-11-01T00:00:00+00:00",
    }


@pytest.mark.parametrize("part", [Text("x"), Image(b"1", "image/png"), ToolCall("a", "b")])
def test_a_part_comes_back_equal(part: Any) -> None:
    assert codec.load_part(codec.dump_part(part)) == part


GOOD: dict[str, Any] = {"role": "user", "parts": [{"type": "text", "text": "x"}], "id": "m"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"role": "system"}, "p.role: 'system' is none of: user, assistant, tool"),
        ({"role": 3}, "p.role: 3 is none of: user, assistant, tool"),
        ({"parts": {}}, "p.parts: expected a list, found an object"),
        ({"parts": [1]}, "p.parts[0]: expected an object, found a number"),
        ({"parts": [{"type": "stopped"}]}, "p.parts[0].type: 'stopped' is none of: text, "),
        ({"parts": [{"type": []}]}, "p.parts[0].type: [] is none of: text, "),
        ({"parts": [{"type": "text"}]}, "p.parts[0].text: is missing"),
        ({"parts": [{"type": "image", "mime": "", "data": "é"}]}, "p.parts[0].data: is not base64"),
        ({"id": None}, "p.id: expected text, found null"),
        ({"at": "yesterday"}, "p.at: is not a time"),
        ({"at": "2026-11-01T00:00:00"}, "p.at: the time has no offset from UTC"),
        ({"usage": {"input": True}}, "p.usage.input: expected a whole number, found a boolean"),
        ({"usage": {"estimated": 1}}, "p.usage.estimated: expected true or false, found a number"),
        ({"cost": {"amount": "much"}}, "p.cost.amount: is not a decimal number"),
        ({"timing": {"first": None, "total": "1"}}, "p.timing.total: expected a number"),
    ],
)
def test_a_wrong_item_is_named_by_its_path(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CodecError) as caught:
        codec.load_message({**GOOD, **change}, "p")

    assert str(caught.value).startswith(complaint)


def test_a_number_too_large_for_a_float_is_infinite() -> None:
    timing = {"first": 10**400, "total": 1}

    loaded = codec.load_message({**GOOD, "timing": timing})

    assert loaded.timing is not None
    assert loaded.timing.first == float("inf")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "other"}, "format: is not 'flux'"),
        ({"version": 2}, "version: version 2 cannot be read, only 1"),
        ({"messages": [GOOD, GOOD]}, "messages[1].id: 'm' stands twice"),
        ({"messages": [{**GOOD, "parent": "z"}]}, "messages[0].parent: no message 'z' before it"),
        ({"head": "z"}, "head: no message 'z'"),
        ({"head": []}, "head: no message []"),
        ({"system": 1}, "system: expected text, found a number"),
    ],
)
def test_a_document_that_is_no_tree_is_refused(change: dict[str, Any], complaint: str) -> None:
    document = {"format": "flux", "version": 1, "messages": [GOOD], "head": "m", **change}

    with pytest.raises(CodecError) as caught:
        codec.load_conversation(document)

    assert str(caught.value) == complaint


@given(st.text(max_size=5))
def test_a_document_must_be_an_object(text: str) -> None:
    with pytest.raises(CodecError, match="expected an object, found text"):
        codec.load_conversation(text, "file")


def test_reasoning_keeps_its_seconds_and_that_of_older_files_has_none() -> None:
    old = codec.load_part({"type": "thinking", "text": "hm"})
    new = codec.load_part({"type": "thinking", "text": "hm", "seconds": 2.5})

    assert (old, new) == (Thinking("hm"), Thinking("hm", seconds=2.5))
    assert codec.dump_part(old) == {"type": "thinking", "text": "hm"}

"""Foreign bodies become conversations."""

from __future__ import annotations

from typing import Any

import pytest

from flux_tui.core.errors import CodecError
from flux_tui.core.messages import Document, Image, Opaque, Text, Thinking, ToolCall, ToolResult
from flux_tui.core.models import Api, ModelRef
from flux_tui.core.normalize import normalize
from flux_tui.providers.ingest import ingest
from tests.conversion.formats import encode
from tests.core.strategies import MODELS


def test_an_anthropic_body_is_read_whole() -> None:
    body: dict[str, Any] = {
        "model": "claude-sonnet-4-5",
        "system": [{"type": "text", "text": "Be brief."}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}, {"type": "web_search_1"}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "see\x1b[31m"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "AA=="},
                    },
                    {"type": "image", "source": {"type": "url", "url": "http://x/y.png"}},
                    {"type": "document", "source": {"type": "text", "data": "words"}},
                    {"type": "search_result", "content": [{"type": "text", "text": "found"}]},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "sig"},
                    {"type": "redacted_thinking", "data": "x"},
                    {"type": "text", "text": "ok", "citations": [{"a": 1}]},
                    {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": "no", "is_error": True}
                ],
            },
        ],
    }

    read = ingest(body, "anthropic")

    user, answer, result = read.conversation.path
    assert read.conversation.system == "Be brief."
    assert [tool.name for tool in read.tools] == ["f"]
    assert read.notes[0] == "tools[1]: 'web_search_1' is not carried over"
    assert [type(part) for part in user.parts] == [Text, Image, Text, Document, Text]
    assert user.parts[0] == Text("see")
    assert [type(part) for part in answer.parts] == [Thinking, Opaque, Text, ToolCall]
    assert answer.model == ModelRef("anthropic", "claude-sonnet-4-5")
    assert result.parts == (ToolResult("t", "f", (Text("no"),), is_error=True),)
    back = encode(MODELS[0], normalize(read.conversation.path, MODELS[0])[0])
    assert back["messages"][1]["content"][:2] == body["messages"][1]["content"][:2]


def test_a_responses_body_is_read_whole() -> None:
    items = [
        {"role": "developer", "content": "Rules."},
        {"role": "user", "content": "go"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c"},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
        {"type": "web_search_call", "id": "ws_1", "action": {"query": "flux"}},
        {"role": "system", "content": "Later."},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "no"}],
        },
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "text"},
        {
            "role": "user",
            "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}],
        },
        {"role": "user", "content": [{"type": "input_file", "file_id": "f1"}, {"type": "odd"}]},
    ]

    read = ingest({"model": "gpt-5.4", "instructions": "Sys.", "input": items}, "openai-responses")

    assert read.conversation.system == "Sys.\n\nRules."
    roles = [message.role for message in read.conversation.path]
    assert roles == ["user", "assistant", "tool", "assistant", "user", "assistant", "user"]
    sent = encode(MODELS[1], normalize(read.conversation.path, MODELS[1])[0])["input"]
    assert sent[1] == items[2]
    assert sent[2] == items[3]
    assert len(read.notes) == 3


def test_a_bare_string_is_one_user_message() -> None:
    read = ingest({"input": "hello"}, "openai-responses")

    assert [message.text for message in read.conversation.path] == ["hello"]


def test_a_chat_body_is_read_whole() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{bad"}}
    messages = [
        {"role": "system", "content": "Sys."},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                {
                    "type": "file",
                    "file": {"file_data": "data:text/plain;base64,aGk=", "filename": "a"},
                },
                {"type": "input_audio"},
            ],
        },
        {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "x"}]},
        {"role": "developer", "content": "Later."},
        {"role": "assistant", "refusal": "no"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "never"}]},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c2", "type": "custom", "custom": {"name": "g", "input": "t"}}],
        },
    ]

    read = ingest(messages, "openai-chat", "gpt-4.1")

    user, answer, result, later, last = read.conversation.path
    assert user.parts[1] == Document(b"hi", "text/plain", "a", "hi")
    broken = answer.tool_calls[0]
    assert broken.raw == "{bad"
    assert broken.error
    assert result.parts[0] == ToolResult("c1", "f", (Text("x"),))
    assert later.text == "<system>Later.</system>"
    assert [part.text for part in last.parts if isinstance(part, Text)] == ["no", "never"]
    assert last.tool_calls[0].arguments == {"input": "t"}


@pytest.mark.parametrize(
    ("api", "data", "complaint"),
    [
        ("anthropic", 3, "the document: expected a list"),
        ("anthropic", {}, "messages: is missing"),
        ("anthropic", {"messages": []}, "messages: holds no messages"),
        ("anthropic", [{"role": "bot"}], "[0].role: 'bot' is none of: user, assistant, system"),
        ("anthropic", {"messages": [3]}, "messages[0]: expected an object"),
        (
            "anthropic",
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text: is missing",
        ),
        (
            "anthropic",
            [{"role": "assistant", "content": [{"type": "tool_use", "id": 3, "name": "f"}]}],
            "[0].content[0].id: expected text",
        ),
        ("openai-chat", {"messages": [{"role": "user", "content": 3}]}, "messages[0].content: "),
        ("openai-chat", [{"role": "x"}], "[0].role: 'x' is none of: system, developer, "),
        ("anthropic", [{"role": []}], "[0].role: [] is none of: user, assistant, system"),
        ("openai-responses", [{"role": {}}], "[0].role: {} is none of: "),
        (
            "openai-chat",
            [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": "data:image/png;base64,é"}],
                }
            ],
            "[0].content[0]: is not base64",
        ),
        ("openai-responses", {"input": [{"role": "x"}]}, "input[0].role: 'x' is none of: "),
        ("openai-responses", {"input": "x", "instructions": 1}, "body.instructions: expected text"),
    ],
)
def test_bad_input_is_named_by_its_path(api: Api, data: Any, complaint: str) -> None:
    with pytest.raises(CodecError) as caught:
        ingest(data, api)

    assert str(caught.value).startswith(complaint)

"""Requests to Cohere, from history and back from foreign bodies."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from flux_tui.core.errors import CodecError, ProviderError
from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Opaque,
    Part,
    ProviderMetadata,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import Abilities, Effort, ModelInfo, ModelRef
from flux_tui.core.normalize import normalize
from flux_tui.providers.base import ChatRequest, ToolSpec
from flux_tui.providers.cohere import encode, repair
from flux_tui.providers.ingest import ingest
from flux_tui.sim.rules import cohere as rules

PNG = Image(b"\x89PNG\r\n\x1a\n" + b"0" * 40, "image/png", "a.png", 2, 2)
PDF = Document(b"%PDF-1.4 x", "application/pdf", "a.pdf", "the text")
TOOL = ToolSpec("read_file", "Read.", {"type": "object", "properties": {}})
MODEL = ModelInfo(
    ref=ModelRef("cohere", "command-a-reasoning-08-2025"),
    api="cohere",
    base_url="https://api.cohere.com/v2",
    max_output=32_000,
    abilities=Abilities(sampling=True),
    thinking="budget",
    thinking_default=True,
    efforts=("off", "low", "medium", "high"),
    source="profile",
)
ASK = user_message("go")


def said(*parts: Part, role: Any = "assistant") -> Message:
    return Message(role=role, parts=parts)


def own(**data: Any) -> ProviderMetadata:
    return ProviderMetadata(MODEL.origin, data)


def body(*messages: Message, **more: Any) -> dict[str, Any]:
    made = encode(ChatRequest(model=MODEL, messages=messages or (ASK,), **more))
    assert rules.check(json.loads(json.dumps(made))) == []
    return made


def results(*parts: Any, **more: Any) -> Message:
    return said(ToolResult("c", "read_file", parts, **more), role="tool")


CALL = said(Text("I will.", own(tool_plan=True)), ToolCall("c", "read_file", {"a": 1}))


def test_a_request_has_everything_it_was_given() -> None:
    made = body(
        system="Be brief.",
        tools=(TOOL,),
        max_output=5000,
        effort="medium",
        temperature=0.5,
        cache_key="k",
    )

    assert made == {
        "model": "command-a-reasoning-08-2025",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "go"},
        ],
        "stream": True,
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "read_file",
                    "description": "Read.",
                    "parameters": {"type": "object", "properties": {}},
                },
            }
        ],
        "max_tokens": 5000,
        "thinking": {"type": "enabled", "token_budget": 4000},
        "temperature": 0.5,
    }


@pytest.mark.parametrize(
    ("effort", "thinking"),
    [
        (None, None),
        ("off", {"type": "disabled"}),
        ("low", {"type": "enabled", "token_budget": 2_000}),
        ("medium", {"type": "enabled", "token_budget": 8_000}),
        ("max", {"type": "enabled", "token_budget": 31_000}),
    ],
)
def test_effort_is_a_budget(effort: Effort | None, thinking: Any) -> None:
    assert body(effort=effort).get("thinking") == thinking


def test_a_budget_that_does_not_fit_is_left_to_the_vendor() -> None:
    assert body(effort="low", max_output=900)["thinking"] == {"type": "enabled"}


def test_a_model_without_tools_is_offered_none() -> None:
    seer = replace(MODEL, abilities=Abilities(images=True, tools=False), efforts=())

    made = encode(ChatRequest(model=seer, messages=(ASK,), tools=(TOOL,), effort="high"))

    assert set(made) == {"model", "messages", "stream"}


def test_pictures_go_as_parts_and_files_as_text() -> None:
    made = encode(ChatRequest(model=MODEL, messages=(said(PNG, PDF, Text("see"), role="user"),)))

    parts: Any = made["messages"]
    kinds = [part["type"] for part in parts[0]["content"]]
    assert kinds == ["image_url", "text", "text"]


def test_a_plan_of_its_own_goes_back_to_its_place() -> None:
    made = body(ASK, CALL, results(Text("done")), ASK)

    assert made["messages"][1] == {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "c",
                "type": "function",
                "function": {"name": "read_file", "arguments": '{"a":1}'},
            }
        ],
        "tool_plan": "I will.",
    }
    assert made["messages"][2] == {"role": "tool", "tool_call_id": "c", "content": "done"}


def test_anothers_words_before_calls_stay_words() -> None:
    foreign = said(Text("Wait."), ToolCall("c", "read_file", {}))

    made = body(ASK, foreign, results(Text("done")))

    assert made["messages"][1]["content"] == "Wait."
    assert "tool_plan" not in made["messages"][1]


@pytest.mark.parametrize(
    ("parts", "error", "content"),
    [
        ((), False, "[no output]"),
        ((Text("no"),), True, "Error: no"),
        ((PNG, Text("seen")), False, "[image a.png, 2x2, image/png]\nseen"),
    ],
)
def test_a_result_is_words(parts: Any, error: bool, content: str) -> None:
    made = body(ASK, CALL, results(*parts, is_error=error))

    assert made["messages"][2]["content"] == content


def test_a_file_in_a_result_is_a_document() -> None:
    made = body(ASK, CALL, results(Text("found"), PDF))

    assert made["messages"][2]["content"] == [
        {"type": "text", "text": "found"},
        {
            "type": "document",
            "document": {"data": {"title": "a.pdf", "text": "a.pdf:\n```\nthe text\n```"}},
        },
    ]


def test_own_thinking_goes_back_and_foreign_does_not() -> None:
    mine = Thinking("hm", own(chunk="thinking"))
    foreign = Thinking("secret", ProviderMetadata(replace(MODEL.origin, model="x"), {"a": 1}))

    made = body(ASK, said(mine, foreign, Text("ok")), ASK)

    assert made["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "ok"},
    ]


def test_foreign_items_are_words() -> None:
    item = Opaque("search", ProviderMetadata(replace(MODEL.origin, model="x"), {}), "Searched.")

    made = body(said(item, role="user"), said(item, PNG, PDF), ASK)

    assert "Searched." in made["messages"][0]["content"]
    assert "a.png" in made["messages"][1]["content"]


def test_no_answer_stands_last_or_beside_another() -> None:
    made = body(ASK, said(Text("a")), said(Text("b")))

    roles = [message["role"] for message in made["messages"]]
    assert roles == ["user", "assistant", "user", "assistant", "user"]


def test_neighbouring_questions_are_one_and_an_empty_answer_none() -> None:
    made = body(ASK, ASK, said(Text("  "), Thinking("x", own(chunk="thinking"))), ASK)

    assert made["messages"] == [{"role": "user", "content": "go\n\ngo\n\ngo"}]


def test_a_refused_option_is_left_out() -> None:
    problem = ProviderError(
        "no",
        kind="bad_request",
        provider="cohere",
        status=400,
        detail="thinking is not supported by model 'x'",
    )

    assert repair(problem, {"model": "m", "thinking": {}}) == (
        {"model": "m"},
        "cohere does not take thinking",
    )
    assert repair(problem, {"model": "m"}) is None
    thought = {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}]}
    healed = repair(problem, {"messages": [thought]})
    assert healed is not None
    assert "hm" not in str(healed[0])


BODY: dict[str, Any] = {
    "model": "command-a-reasoning-08-2025",
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "f",
                "parameters": {"type": "object", "properties": {"type": {"type": "str"}}},
            },
        }
    ],
    "documents": [{"id": "d", "data": {"text": "The sky is green."}}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "see"}]},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm"}],
            "tool_plan": "I will.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": [{"type": "document", "document": {"data": {"k": "v"}}}],
        },
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "done"}],
            "citations": [{"start": 0}],
        },
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                {"type": "odd"},
            ],
        },
    ],
}


def test_a_foreign_body_is_read_whole() -> None:
    read = ingest(BODY, "cohere")

    user, answer, tools, last, more = read.conversation.path
    assert read.conversation.system == "Be brief."
    assert read.tools[0].schema["properties"] == {"type": {"type": "string"}}
    assert user.text == "see"
    assert [type(part) for part in answer.parts] == [Thinking, Text, ToolCall]
    assert [part.text for part in tools.parts if isinstance(part, ToolResult)] == ['{"k": "v"}']
    assert answer.model == ModelRef("cohere", "command-a-reasoning-08-2025")
    assert last.text == "done"
    assert [type(part) for part in more.parts] == [Image, Text, Text]
    assert "The sky is green." in more.text
    assert read.notes == (
        "messages[4].citations: not carried over",
        "messages[5].content[1]: 'odd' is not carried over",
        "documents: told as the user's words",
    )


def test_a_foreign_body_goes_back_as_it_came() -> None:
    read = ingest(BODY, "cohere")

    messages, _ = normalize(read.conversation.path, MODEL)
    made: Any = encode(ChatRequest(model=MODEL, messages=messages, system="Be brief."))

    assert made["messages"][2] == BODY["messages"][2]
    assert rules.check(json.loads(json.dumps(made))) == []


@pytest.mark.parametrize(
    ("messages", "path"),
    [
        ([{"role": "robot", "content": "x"}], "messages[0].role"),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
        ([{"role": "assistant", "tool_calls": [{"id": "a"}]}], "messages[0].tool_calls[0]"),
        ([{"role": "assistant", "content": [{"type": "thinking"}]}], "messages[0].content[0]"),
    ],
)
def test_a_broken_body_is_refused_with_its_place(messages: list[Any], path: str) -> None:
    with pytest.raises(CodecError) as caught:
        ingest({"messages": messages}, "cohere")

    assert caught.value.path.startswith(path)

"""Requests to Mistral, from history and back from foreign bodies."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from flux_tui.providers.ingest import ingest
from flux_tui.providers.mistral import encode, repair
from flux_tui.sim.rules import mistral as rules

PNG = Image(b"\x89PNG\r\n\x1a\n" + b"0" * 40, "image/png", "a.png", 2, 2)
PDF = Document(b"%PDF-1.4 x", "application/pdf", "a.pdf", "the text")
TOOL = ToolSpec("read_file", "Read.", {"type": "object", "properties": {}})
MODEL = ModelInfo(
    ref=ModelRef("mistral", "mistral-medium-3-5"),
    api="mistral",
    base_url="https://api.mistral.ai/v1",
    max_output=1000,
    abilities=Abilities(images=True, documents=True, sampling=True),
    thinking="effort",
    efforts=("off", "high"),
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


def called(*ids: str) -> Message:
    return said(Text("Wait."), *(ToolCall(one, "read_file", {"a": 1}) for one in ids))


def results(*ids: str, **more: Any) -> Message:
    parts = (ToolResult(one, "read_file", (Text("done"),), **more) for one in ids)
    return said(*parts, role="tool")


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
        "model": "mistral-medium-3-5",
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
        "max_tokens": 1000,
        "reasoning_effort": "high",
        "temperature": 0.5,
        "prompt_cache_key": "k",
    }


@pytest.mark.parametrize(
    ("effort", "sent"), [(None, None), ("off", "none"), ("low", "high"), ("max", "high")]
)
def test_effort_is_what_the_model_takes(effort: Effort | None, sent: str | None) -> None:
    assert body(effort=effort).get("reasoning_effort") == sent


def test_a_model_without_levels_gets_no_effort_and_without_sampling_no_temperature() -> None:
    plain = replace(MODEL, efforts=(), abilities=Abilities())

    made = encode(ChatRequest(model=plain, messages=(ASK,), effort="high", temperature=1.0))

    assert set(made) == {"model", "messages", "stream"}


def test_files_go_as_chunks() -> None:
    made = body(said(PNG, PDF, Text("see"), role="user"))

    kinds = [chunk["type"] for chunk in made["messages"][0]["content"]]
    assert kinds == ["image_url", "document_url", "text"]
    assert made["messages"][0]["content"][1]["document_name"] == "a.pdf"


def test_a_document_that_is_not_taken_goes_as_text() -> None:
    plain = replace(MODEL, abilities=Abilities())

    made = encode(ChatRequest(model=plain, messages=(said(PDF, role="user"),)))

    assert made["messages"] == [{"role": "user", "content": "a.pdf:\n```\nthe text\n```"}]


def test_calls_and_results_share_an_id_of_nine_characters() -> None:
    made = body(ASK, called("call_1", "abcdefgh1"), results("call_1", "abcdefgh1"))

    calls = made["messages"][1]["tool_calls"]
    answers = made["messages"][2:]
    assert [call["id"] for call in calls] == [answer["tool_call_id"] for answer in answers]
    assert calls[1]["id"] == "abcdefgh1"
    assert calls[0]["id"] != "call_1"
    assert answers[0] == {
        "role": "tool",
        "tool_call_id": calls[0]["id"],
        "name": "read_file",
        "content": "done",
    }


@given(st.lists(st.text(max_size=12), min_size=1, max_size=30, unique=True))
def test_different_ids_stay_different_and_the_first_ones_stay_the_same(ids: list[str]) -> None:
    def sent(some: list[str]) -> list[str]:
        made = encode(ChatRequest(model=MODEL, messages=(ASK, called(*some), results(*some))))
        entry: Any = made["messages"]
        return [call["id"] for call in entry[1]["tool_calls"]]

    assert len(set(sent(ids))) == len(ids)
    assert all(len(one) == 9 and one.isascii() and one.isalnum() for one in sent(ids))
    assert sent(ids[:1]) == sent(ids)[:1]


def test_a_hash_that_is_taken_is_hashed_again() -> None:
    made = encode(ChatRequest(model=MODEL, messages=(ASK, called("call_1"), results("call_1"))))
    entry: Any = made["messages"]
    taken = entry[1]["tool_calls"][0]["id"]

    again = body(ASK, called("call_1", taken), results("call_1", taken))

    ids = [call["id"] for call in again["messages"][1]["tool_calls"]]
    assert ids[0] == taken
    assert ids[1] != taken


def test_no_user_speaks_directly_after_a_tool() -> None:
    made = body(ASK, called("c"), results("c"), ASK)

    assert [message["role"] for message in made["messages"]] == [
        "user", "assistant", "tool", "assistant", "user",
    ]  # fmt: skip


def test_a_failed_tool_says_so() -> None:
    made = body(ASK, called("c"), results("c", is_error=True))

    assert made["messages"][-1]["content"] == "Error: done"


def test_pictures_of_a_result_follow_it() -> None:
    shown = said(ToolResult("c", "read_file", (PNG, PDF)), role="tool")

    made = body(ASK, called("c"), shown)

    assert "a.png" in made["messages"][2]["content"]
    assert "the text" in made["messages"][2]["content"]
    assert made["messages"][-1]["content"][1]["type"] == "image_url"


def test_own_thinking_goes_back_and_foreign_does_not() -> None:
    mine = Thinking("hm", own(chunk="thinking", signature="s", closed=True))
    foreign = Thinking("secret", ProviderMetadata(replace(MODEL.origin, model="x"), {"chunk": "y"}))

    made = body(ASK, said(mine, foreign, Text("ok")), ASK)

    assert made["messages"][1]["content"] == [
        {
            "type": "thinking",
            "thinking": [{"type": "text", "text": "hm"}],
            "signature": "s",
            "closed": True,
        },
        {"type": "text", "text": "ok"},
    ]


def test_own_chunks_go_back_and_foreign_items_as_words() -> None:
    reference = {"type": "reference", "reference_ids": [1]}
    mine = Opaque("reference", own(chunk=reference))
    foreign = Opaque("search", ProviderMetadata(replace(MODEL.origin, model="x"), {}), "Searched.")

    made = body(ASK, said(mine, foreign, PNG, PDF), ASK)

    assert made["messages"][1]["content"][:2] == [reference, {"type": "text", "text": "Searched."}]


def test_an_answer_that_stands_last_is_to_be_continued() -> None:
    assert body(ASK, said(Text("Once")))["messages"][-1]["prefix"] is True


def test_neighbours_of_one_role_are_one_message() -> None:
    made = body(ASK, ASK, said(Text("a")), said(Text("b")), said(PNG, role="user"), ASK)

    contents = [message["content"] for message in made["messages"]]
    assert contents[:2] == ["go\n\ngo", "a\n\nb"]
    assert [chunk["type"] for chunk in contents[2]] == ["image_url", "text"]


def test_an_empty_answer_is_left_out() -> None:
    assert len(body(ASK, said(Text("  ")), ASK)["messages"]) == 1


def refused(param: str, status: int = 422) -> ProviderError:
    return ProviderError("no", kind="bad_request", provider="mistral", status=status, param=param)


def test_a_refused_option_is_left_out() -> None:
    healed = repair(refused("reasoning_effort"), {"model": "m", "reasoning_effort": "high"})

    assert healed == ({"model": "m"}, "mistral does not take reasoning_effort")
    assert repair(refused("messages"), {"model": "m"}) is None


def test_refused_thinking_is_left_out_once() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    words = {"type": "text", "text": "ok"}
    problem = ProviderError(
        "no", kind="bad_request", provider="mistral", status=422, detail="Input tag 'thinking'"
    )
    given: Any = {
        "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [thought, words]},
            {"role": "assistant", "content": [thought]},
            {"role": "assistant", "content": [thought], "tool_calls": [1]},
        ]
    }

    healed = repair(problem, given)

    assert healed is not None
    assert healed[1] == "earlier thinking is left out"
    assert healed[0]["messages"] == [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [words]},
        {"role": "assistant", "content": [{"type": "text", "text": "[thinking left out]"}]},
        {"role": "assistant", "content": "", "tool_calls": [1]},
    ]
    assert repair(problem, healed[0]) is None


def test_a_temperature_is_not_hotter_than_the_vendor_takes() -> None:
    assert body(temperature=2.0)["temperature"] == 1.5


BODY: dict[str, Any] = {
    "model": "magistral-medium-2509",
    "tools": [{"function": {"name": "f", "parameters": {"type": "object"}}}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": "data:image/png;base64,AA=="},
                {
                    "type": "document_url",
                    "document_url": "data:application/pdf;base64,AA==",
                    "document_name": "a.pdf",
                },
                {"type": "input_audio", "input_audio": "AA=="},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": True},
                {"type": "reference", "reference_ids": [1]},
                {"type": "text", "text": "ok"},
            ],
            "tool_calls": [
                {"id": "abcdefgh1", "function": {"name": "f", "arguments": {"a": 1}}},
                {"id": "abcdefgh2", "function": {"name": "f", "arguments": '{"b": 2}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "abcdefgh1", "content": "one"},
        {"role": "tool", "tool_call_id": "abcdefgh2", "content": [{"type": "text", "text": "two"}]},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": "thanks"},
    ],
}


def test_a_foreign_body_is_read_whole() -> None:
    read = ingest(BODY, "mistral")

    user, answer, tools, last, _ = read.conversation.path
    assert read.conversation.system == "Be brief."
    assert [tool.name for tool in read.tools] == ["f"]
    assert [type(part) for part in user.parts] == [Text, Image, Document, Text]
    assert [type(part) for part in answer.parts] == [Thinking, Opaque, Text, ToolCall, ToolCall]
    assert [dict(call.arguments) for call in answer.tool_calls] == [{"a": 1}, {"b": 2}]
    assert [part.text for part in tools.parts if isinstance(part, ToolResult)] == ["one", "two"]
    assert answer.model == ModelRef("mistral", "magistral-medium-2509")
    assert last.text == "done"
    assert read.notes == ("messages[1].content[3]: 'input_audio' is not carried over",)


def test_a_foreign_body_goes_back_as_it_came() -> None:
    read = ingest(BODY, "mistral")
    model = replace(
        MODEL, ref=ModelRef("mistral", "magistral-medium-2509"), abilities=MODEL.abilities
    )

    messages, report = normalize(read.conversation.path, model)
    made: Any = encode(ChatRequest(model=model, messages=messages, system="Be brief."))

    assert made["messages"][2]["content"] == BODY["messages"][2]["content"]
    assert [call["id"] for call in made["messages"][2]["tool_calls"]] == ["abcdefgh1", "abcdefgh2"]
    assert made["messages"][3]["name"] == "f"
    assert not any(item.action == "dropped" for item in report.items)
    assert rules.check(json.loads(json.dumps(made))) == []


@pytest.mark.parametrize(
    ("messages", "path"),
    [
        ([{"role": "robot", "content": "x"}], "messages[0].role"),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
        ([{"role": "assistant", "tool_calls": [{"id": "a"}]}], "messages[0].tool_calls[0]"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text"),
    ],
)
def test_a_broken_body_is_refused_with_its_place(messages: list[Any], path: str) -> None:
    with pytest.raises(CodecError) as caught:
        ingest({"messages": messages}, "mistral")

    assert caught.value.path.startswith(path)

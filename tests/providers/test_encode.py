"""Neutral requests as bodies: accepted by the rules of each vendor, and the same each time."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.errors import ProviderError
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
from flux_tui.core.usage import JSON
from flux_tui.providers import anthropic, openai_chat, openai_responses
from flux_tui.providers.base import ChatRequest, ToolSpec
from flux_tui.providers.encoding import safe_id
from flux_tui.sim.rules import anthropic as anthropic_rules
from flux_tui.sim.rules import openai_chat as chat_rules
from flux_tui.sim.rules import openai_responses as responses_rules

PNG = Image(b"\x89PNG\r\n\x1a\n" + b"0" * 40, "image/png", "a.png", 2, 2)
PDF = Document(b"%PDF-1.4 x", "application/pdf", "a.pdf", "the text")
NOTES = Document(b"hi", "text/plain", "n.txt", "hi ``` there")
TOOL = ToolSpec("read_file", "Read.", {"type": "object", "properties": {}})
ABLE = Abilities(images=True, documents=True, tool_result_images=True)

CLAUDE = ModelInfo(
    ref=ModelRef("anthropic", "claude-opus-4-8"),
    api="anthropic",
    base_url="https://api.anthropic.com",
    abilities=ABLE,
    max_output=64000,
    thinking="adaptive",
    efforts=("off", "low", "medium", "high", "max"),
    source="profile",
)
GPT = ModelInfo(
    ref=ModelRef("openai", "gpt-5.5"),
    api="openai-responses",
    base_url="https://api.openai.com/v1",
    abilities=ABLE,
    thinking="effort",
    thinking_default=True,
    efforts=("off", "low", "medium", "high", "xhigh"),
    source="profile",
)
CHAT = replace(GPT, ref=ModelRef("openai-chat", "gpt-5.5"), api="openai-chat")
LOCAL = ModelInfo(ref=ModelRef("ollama", "qwen"), api="openai-chat", base_url="http://localhost/v1")


def asked(model: ModelInfo, *messages: Message, **more: object) -> ChatRequest:
    return replace(ChatRequest(model=model, messages=messages), **more)  # type: ignore[arg-type]


def said(model: ModelInfo, *parts: Part) -> Message:
    return Message(role="assistant", parts=parts, model=model.ref)


def own(model: ModelInfo, **data: JSON) -> ProviderMetadata:
    return ProviderMetadata(model.origin, data)


def rounds(text: str, *ids: str) -> tuple[Message, ...]:
    calls = tuple(ToolCall(each, "read_file", {"path": each}) for each in ids)
    results = tuple(ToolResult(each, "read_file", (Text(each), PNG)) for each in ids)
    return (
        user_message("look", (PNG, PDF, NOTES)),
        Message(role="assistant", parts=(Text(text), *calls)),
        Message(role="tool", parts=results),
        Message(role="assistant", parts=(Text("done"),)),
        user_message("thanks"),
    )


ids = st.lists(st.text(min_size=1, max_size=90), min_size=1, max_size=4, unique=True)


@given(st.text(), ids, st.sampled_from([None, "off", "low", "high", "max"]))
def test_the_rules_of_every_vendor_accept_what_is_encoded(
    text: str, names: list[str], effort: Effort | None
) -> None:
    clean = text.encode("utf-8", "replace").decode()
    history = rounds(clean, *names)
    more: dict[str, object] = {"system": "Be brief.", "tools": (TOOL,), "effort": effort}

    claude = anthropic.encode(asked(CLAUDE, *history, **more))
    gpt = openai_responses.encode(asked(GPT, *history, **more))
    chat = openai_chat.encode(asked(CHAT, *history, **more))

    assert anthropic_rules.check(claude) == []
    assert responses_rules.check(gpt) == []
    assert chat_rules.check(chat) == []
    assert json.dumps(claude) == json.dumps(anthropic.encode(asked(CLAUDE, *history, **more)))
    for body in (claude, gpt, chat):
        assert all(json.dumps(name)[1:-1] in json.dumps(body) for name in names)


@given(st.text(max_size=100), st.text(max_size=100), st.sampled_from([40, 64]), st.booleans())
def test_ids_fit_stay_the_same_and_never_meet(
    one: str, other: str, longest: int, wordlike: bool
) -> None:
    first, second = (safe_id(each, longest, wordlike=wordlike) for each in (one, other))

    assert 0 < len(first) <= longest
    assert first == safe_id(one, longest, wordlike=wordlike)
    assert (first == second) == (one == other)


def test_anthropic_gets_results_first_and_calls_last() -> None:
    mixed = said(CLAUDE, ToolCall("c1", "read_file"), Text("after the call"))
    result = Message(role="tool", parts=(Text("aside"), ToolResult("c1", "read_file", ())))

    body = anthropic.encode(asked(CLAUDE, user_message("a"), mixed, result, user_message("b")))

    kinds = [[block["type"] for block in turn["content"]] for turn in body["messages"]]  # type: ignore[index, union-attr, call-overload]
    assert kinds == [["text"], ["text", "tool_use"], ["tool_result", "text", "text"]]


def test_anthropic_gets_its_thinking_back_byte_for_byte_even_when_it_is_empty() -> None:
    thinking = Thinking("", own(CLAUDE, signature="sig"))
    exact = Thinking("a b", own(CLAUDE, signature="sig2", raw="a\x07 b"))
    unsigned = Thinking("half")
    redacted = Opaque(
        "redacted_thinking", own(CLAUDE, block={"type": "redacted_thinking", "data": "x"})
    )

    body = anthropic.encode(
        asked(CLAUDE, user_message("a"), said(CLAUDE, thinking, exact, unsigned, redacted))
    )

    assert body["messages"][1]["content"] == [  # type: ignore[index, call-overload]
        {"type": "thinking", "thinking": "", "signature": "sig"},
        {"type": "thinking", "thinking": "a\x07 b", "signature": "sig2"},
        {"type": "redacted_thinking", "data": "x"},
    ]


def test_replay_data_of_another_origin_is_never_sent() -> None:
    foreign = own(replace(CLAUDE, base_url="https://elsewhere"), signature="secret", id="rs_1")
    reply = said(CLAUDE, Thinking("why", foreign), Text("so", foreign))
    messages = (user_message("a"), reply, user_message("b"))

    bodies = [
        anthropic.encode(asked(CLAUDE, *messages)),
        openai_responses.encode(asked(GPT, *messages)),
        openai_chat.encode(asked(CHAT, *messages)),
    ]

    assert all("secret" not in str(body) and "rs_1" not in str(body) for body in bodies)


def test_tools_that_are_off_are_declared_closed_where_the_history_calls_them() -> None:
    history = (
        user_message("Look"),
        said(
            CLAUDE, ToolCall("a", "look", {}), ToolCall("b", "read", {}), ToolCall("c", "look", {})
        ),
        Message(
            role="tool",
            parts=tuple(ToolResult(name, name, (Text("seen"),)) for name in "abc"),
        ),
    )

    closed = anthropic.encode(asked(CLAUDE, *history))
    offered = anthropic.encode(asked(CLAUDE, *history, tools=(TOOL,)))
    without = anthropic.encode(asked(CLAUDE, user_message("Hi")))

    assert [tool["name"] for tool in closed["tools"]] == ["look", "read"]  # type: ignore[index, union-attr]
    assert closed["tool_choice"] == {"type": "none"}
    assert list(anthropic_rules.check(closed)) == []
    assert "tool_choice" not in offered
    assert "tools" not in without


BUDGETED = replace(
    CLAUDE, ref=ModelRef("anthropic", "claude-sonnet-4-5"), thinking="budget", efforts=("high",)
)


def test_anthropic_thinks_by_budget_only_if_the_running_answer_began_with_thinking() -> None:
    call, seen = ToolCall("a", "look", {}), ToolResult("a", "look", (Text("seen"),))
    results = Message(role="tool", parts=(seen,))
    thought = Thinking("hm", own(BUDGETED, signature="s"))
    asks = {"effort": "high", "tools": (TOOL,)}

    mine = anthropic.encode(
        asked(BUDGETED, user_message("Look"), said(BUDGETED, thought, call), results, **asks)
    )
    anothers = anthropic.encode(
        asked(BUDGETED, user_message("Look"), said(GPT, call), results, **asks)
    )
    refused = ProviderError(
        "x",
        kind="bad_request",
        provider="p",
        status=400,
        detail="Invalid `signature` in `thinking`",
    )
    healed = anthropic.repair(refused, mine)

    assert mine["thinking"] == {"type": "enabled", "budget_tokens": 16384}
    assert "thinking" not in anothers
    assert healed is not None
    assert "thinking" not in healed[0]
    for body in (mine, anothers, healed[0]):
        assert list(anthropic_rules.check(body)) == []


@pytest.mark.parametrize("given", [{}, {"type": "object"}, {"type": "object", "properties": {}}])
def test_a_tool_without_arguments_has_a_schema_that_every_vendor_takes(
    given: dict[str, JSON],
) -> None:
    tool = ToolSpec("now", "Tells the time.", given)

    for encode, model in (
        (anthropic.encode, CLAUDE),
        (openai_responses.encode, GPT),
        (openai_chat.encode, CHAT),
    ):
        body = encode(asked(model, user_message("When?"), tools=(tool,)))
        assert '{"type": "object", "properties": {}}' in json.dumps(body["tools"])


def test_anthropic_sets_at_most_four_cache_breakpoints() -> None:
    body = anthropic.encode(
        asked(CLAUDE, *rounds("x", "c1"), system="S", tools=(TOOL, replace(TOOL, name="b")))
    )

    assert json.dumps(body).count("cache_control") == 4
    assert "cache_control" in body["tools"][-1]  # type: ignore[index, operator, call-overload]


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        (CLAUDE, None, {}),
        (CLAUDE, "off", {}),
        (
            CLAUDE,
            "xhigh",
            {
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "max"},
            },
        ),
        (replace(CLAUDE, thinking_default=True), "off", {"thinking": {"type": "disabled"}}),
        (
            replace(CLAUDE, thinking="budget"),
            "low",
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        ),
        (replace(CLAUDE, thinking="budget", max_output=1500), "high", {}),
        (replace(CLAUDE, thinking="none"), "high", {}),
    ],
)
def test_effort_becomes_what_the_anthropic_model_takes(
    model: ModelInfo, effort: Effort | None, expected: dict[str, object]
) -> None:
    body = anthropic.encode(asked(model, user_message("a"), effort=effort))

    names = ("thinking", "output_config")
    assert {name: body[name] for name in names if name in body} == expected


def test_sampling_is_sent_only_to_models_that_take_it() -> None:
    taking = replace(CHAT, abilities=Abilities(sampling=True), thinking="none")

    kept = openai_chat.encode(asked(taking, user_message("a"), temperature=0.5))
    left = openai_chat.encode(asked(CHAT, user_message("a"), temperature=0.5))

    assert kept["temperature"] == 0.5
    assert "temperature" not in left


REASONING = Thinking("w", own(GPT, id="rs_1", summary=[], encrypted_content="ENC"))


@pytest.mark.parametrize(
    "follower",
    [
        Text("so", own(GPT, id="msg_1", phase="final_answer")),
        ToolCall("c1", "read_file", metadata=own(GPT, id="fc_1")),
    ],
)
def test_reasoning_goes_back_with_the_item_that_followed_it(follower: Part) -> None:
    body = openai_responses.encode(asked(GPT, user_message("a"), said(GPT, REASONING, follower)))

    items = body["input"]
    assert isinstance(items, list)
    assert items[1] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "ENC",
    }
    assert items[2]["id"] in {"msg_1", "fc_1"}  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    "parts",
    [
        (REASONING,),
        (REASONING, Text("cut off")),
        (REASONING, ToolCall("c1", "read_file", raw="{", error="bad", metadata=own(GPT, id="f"))),
        (Thinking("no ciphertext", own(GPT, id="rs_1")), Text("so", own(GPT, id="msg_1"))),
        (REASONING, Text("x"), Text("so", own(GPT, id="msg_1"))),
    ],
)
def test_reasoning_without_its_follower_takes_all_ids_with_it(parts: tuple[Part, ...]) -> None:
    body = openai_responses.encode(asked(GPT, user_message("a"), said(GPT, *parts)))

    text = json.dumps(body["input"])
    assert "rs_1" not in text
    assert "msg_1" not in text
    assert '"id"' not in text


def test_arguments_that_are_not_json_go_back_as_one_string() -> None:
    bad = ToolCall("c1", "read_file", raw='{"pa', error="not JSON")
    history = (
        user_message("a"),
        said(CLAUDE, bad),
        Message(
            role="tool", parts=(ToolResult("c1", "read_file", (Text("not run"),), is_error=True),)
        ),
    )

    claude = anthropic.encode(asked(CLAUDE, *history))
    gpt = openai_responses.encode(asked(GPT, *history))

    assert "INVALID_JSON" in str(claude)
    assert '"is_error": true' in json.dumps(claude)
    assert gpt["input"][1]["arguments"] == '{"INVALID_JSON":"{\\"pa"}'  # type: ignore[index, call-overload]
    assert gpt["input"][2]["output"] == "Error: not run"  # type: ignore[index, call-overload]


def test_pictures_of_a_tool_result_move_to_a_user_message_in_chat() -> None:
    body = openai_chat.encode(asked(CHAT, *rounds("x", "c1", "c2")))

    messages = body["messages"]
    assert isinstance(messages, list)
    roles = [message["role"] for message in messages]  # type: ignore[index, call-overload]
    assert roles == ["user", "assistant", "tool", "tool", "user", "assistant", "user"]
    assert json.dumps(messages[4]).count("image_url") == 4


def test_a_compatible_server_gets_the_common_dialect() -> None:
    request = asked(LOCAL, *rounds("x", "c1"), system="S", max_output=100, cache_key="k")

    body = openai_chat.encode(request)
    told = openai_chat.encode(
        request, {"output_limit": "max_completion_tokens", "stream_options": False}
    )

    assert body["max_tokens"] == 100
    assert "prompt_cache_key" not in body
    assert body["messages"][0]["role"] == "system"  # type: ignore[index, call-overload]
    assert told["max_completion_tokens"] == 100
    assert "stream_options" not in told


def test_openai_itself_gets_its_own_dialect() -> None:
    body = openai_chat.encode(asked(CHAT, user_message("a"), system="S", max_output=100))

    assert body["max_completion_tokens"] == 100
    assert body["messages"][0]["role"] == "developer"  # type: ignore[index, call-overload]


def test_empty_parts_and_turns_are_left_out() -> None:
    empty = said(CLAUDE, Text("  \n"))
    messages = (user_message("a"), empty, user_message("b"))

    claude = anthropic.encode(asked(CLAUDE, *messages))
    chat = openai_chat.encode(asked(LOCAL, *messages))

    assert len(claude["messages"]) == 1  # type: ignore[arg-type]
    assert chat["messages"] == [{"role": "user", "content": "a\n\nb"}]

"""The vendors' own clients accept everything the simulator sends, in process and over a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from flux_tui.sim.app import Simulator
from flux_tui.sim.server import SimServer
from flux_tui.sim.transport import SimTransport
from tests.sim.helpers import MODELS, tools

CARRIERS = ["process", "socket"]
PROMPTS = ["hi", "markdown please", "code", "emoji", "think hard", "refuse this", "truncate it"]


@pytest.fixture(params=CARRIERS)
async def http(
    request: pytest.FixtureRequest, sim: Simulator, server: SimServer
) -> AsyncIterator[tuple[str, httpx2.AsyncClient]]:
    if request.param == "process":
        async with httpx2.AsyncClient(transport=SimTransport(sim)) as client:
            yield "http://sim", client
    else:
        async with httpx2.AsyncClient(trust_env=False) as client:
            yield server.url, client


@pytest.fixture
def claude(http: tuple[str, httpx2.AsyncClient]) -> anthropic.AsyncAnthropic:
    url, client = http
    return anthropic.AsyncAnthropic(
        api_key="k", base_url=f"{url}/anthropic", http_client=client, max_retries=0
    )


@pytest.fixture
def gpt(http: tuple[str, httpx2.AsyncClient]) -> openai.AsyncOpenAI:
    url, client = http
    return openai.AsyncOpenAI(
        api_key="k", base_url=f"{url}/openai/v1", http_client=client, max_retries=0
    )


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_the_anthropic_stream_and_document_agree(
    claude: anthropic.AsyncAnthropic, prompt: str
) -> None:
    body: Any = {
        "model": MODELS["anthropic"],
        "max_tokens": 9000,
        "thinking": {"type": "adaptive", "display": "summarized"},
        "messages": [{"role": "user", "content": prompt}],
    }

    async with claude.messages.stream(**body) as stream:
        streamed = await stream.get_final_message()
    whole = await claude.messages.create(**body)

    assert [b.type for b in streamed.content] == [b.type for b in whole.content]
    assert [getattr(b, "text", "") for b in streamed.content] == [
        getattr(b, "text", "") for b in whole.content
    ]
    assert streamed.stop_reason == whole.stop_reason
    assert streamed.usage.output_tokens == whole.usage.output_tokens > 0


# The client's own accumulator demands `response.completed`, which a truncated answer never has.
@pytest.mark.parametrize("prompt", [prompt for prompt in PROMPTS if prompt != "truncate it"])
async def test_the_responses_stream_and_document_agree(
    gpt: openai.AsyncOpenAI, prompt: str
) -> None:
    body: Any = {
        "model": MODELS["responses"],
        "input": prompt,
        "store": False,
        "reasoning": {"effort": "low", "summary": "auto"},
    }

    async with gpt.responses.stream(**body) as stream:
        streamed = await stream.get_final_response()
    whole = await gpt.responses.create(**body)

    assert streamed.output_text == whole.output_text
    assert [i.type for i in streamed.output] == [i.type for i in whole.output]
    assert streamed.status == whole.status
    assert streamed.usage is not None
    assert whole.usage is not None
    assert streamed.usage.output_tokens == whole.usage.output_tokens > 0


# The client's own accumulator raises when an answer stops for length.
@pytest.mark.parametrize("prompt", [prompt for prompt in PROMPTS if prompt != "truncate it"])
async def test_the_chat_stream_and_document_agree(gpt: openai.AsyncOpenAI, prompt: str) -> None:
    body: Any = {
        "model": MODELS["chat"],
        "messages": [{"role": "user", "content": prompt}],
    }

    async with gpt.chat.completions.stream(
        **body, stream_options={"include_usage": True}
    ) as stream:
        streamed = await stream.get_final_completion()
    whole = await gpt.chat.completions.create(**body)

    assert streamed.choices[0].message.content == whole.choices[0].message.content
    assert streamed.choices[0].message.refusal == whole.choices[0].message.refusal
    assert streamed.choices[0].finish_reason == whole.choices[0].finish_reason
    assert streamed.usage is not None
    assert streamed.usage.total_tokens > 0


async def test_anthropic_tool_calls_go_round(claude: anthropic.AsyncAnthropic) -> None:
    body: Any = {"model": "claude-opus-5", "max_tokens": 4000, "tools": tools("anthropic")}
    asked: Any = {"role": "user", "content": "think, then compare two files"}

    async with claude.messages.stream(**body, messages=[asked]) as stream:
        first = await stream.get_final_message()
    calls = [block for block in first.content if block.type == "tool_use"]
    kept = [block.to_dict() for block in first.content]
    for block in kept:
        block.pop("parsed_output", None)
    results = [{"type": "tool_result", "tool_use_id": c.id, "content": "one\ntwo"} for c in calls]
    answered: Any = [
        asked,
        {"role": "assistant", "content": kept},
        {"role": "user", "content": results},
    ]
    second = await claude.messages.create(**body, messages=answered)

    assert [call.name for call in calls] == ["list_files", "read_file", "search_text"]
    assert first.content[0].type == "thinking"
    assert first.stop_reason == "tool_use"
    text = next(block.text for block in second.content if block.type == "text")
    assert all(call.name in text for call in calls)
    assert second.stop_reason == "end_turn"


async def test_responses_tool_calls_go_round(gpt: openai.AsyncOpenAI) -> None:
    body: Any = {
        "model": MODELS["responses"],
        "store": False,
        "tools": tools("responses"),
        "reasoning": {"effort": "high", "summary": "auto"},
    }
    asked: Any = {"role": "user", "content": "read `README.md` please"}

    async with gpt.responses.stream(**body, input=[asked]) as stream:
        first = await stream.get_final_response()
    kept = [item.to_dict() for item in first.output]
    for item in kept:
        item.pop("parsed_arguments", None)  # the client adds these to what the server sent
        for part in item.get("content") or []:
            part.pop("parsed", None)
    call = first.output[-1]
    assert call.type == "function_call"
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "text"}
    second: Any = await gpt.responses.create(**body, input=[asked, *kept, result])

    assert [item.type for item in first.output] == ["reasoning", "message", "function_call"]
    assert call.arguments == '{"path":"README.md"}'
    assert "read_file" in second.output_text


async def test_chat_tool_calls_go_round(gpt: openai.AsyncOpenAI) -> None:
    body: Any = {"model": MODELS["chat"], "tools": tools("chat")}
    asked: Any = {"role": "user", "content": "two tools at once"}

    async with gpt.chat.completions.stream(**body, messages=[asked]) as stream:
        first = (await stream.get_final_completion()).choices[0]
    calls = first.message.tool_calls or []
    kept: Any = {
        "role": "assistant",
        "content": first.message.content,
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in calls
        ],
    }
    results: Any = [{"role": "tool", "tool_call_id": c.id, "content": "text"} for c in calls]
    second = await gpt.chat.completions.create(**body, messages=[asked, kept, *results])

    assert len(calls) == 3
    assert first.finish_reason == "tool_calls"
    assert "search_text" in (second.choices[0].message.content or "")


async def test_both_clients_list_their_vendors_models(
    claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI
) -> None:
    claudes = [model.id async for model in claude.models.list()]
    gpts = [model.id async for model in gpt.models.list()]

    assert "claude-opus-5" in claudes
    assert "gpt-6.1-sol" in gpts
    assert (await claude.models.retrieve("claude-opus-5")).display_name == "Claude Opus 5"
    assert (await gpt.models.retrieve("gpt-5")).id == "gpt-5"


async def test_tokens_are_counted_before_they_are_sent(claude: anthropic.AsyncAnthropic) -> None:
    messages: Any = [{"role": "user", "content": "word " * 400}]

    counted = await claude.messages.count_tokens(model="claude-opus-5", messages=messages)

    assert 450 < counted.input_tokens < 600


async def test_the_clients_raise_their_typed_errors(
    claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI, sim: Simulator
) -> None:
    messages: Any = [{"role": "user", "content": "hi"}]

    with pytest.raises(anthropic.NotFoundError, match="model: claude-nine"):
        await claude.messages.create(model="claude-nine", max_tokens=9, messages=messages)
    with pytest.raises(openai.NotFoundError, match="gpt-nine"):
        await gpt.chat.completions.create(model="gpt-nine", messages=messages)
    sim.inject("overloaded")
    with pytest.raises(anthropic.OverloadedError):
        await claude.messages.create(model="claude-opus-5", max_tokens=9, messages=messages)
    sim.inject("quota")
    with pytest.raises(openai.RateLimitError) as quota:
        await gpt.responses.create(model="gpt-5", input="hi")
    assert quota.value.code == "insufficient_quota"


async def test_a_compatible_server_takes_any_model_and_shows_its_reasoning(
    http: tuple[str, httpx2.AsyncClient],
) -> None:
    url, client = http
    other = openai.AsyncOpenAI(api_key="k", base_url=f"{url}/compat/v1", http_client=client)

    stream = await other.chat.completions.create(
        model="some/model:7b", messages=[{"role": "user", "content": "think"}], stream=True
    )
    deltas = [chunk.choices[0].delta async for chunk in stream]

    thought = "".join(getattr(delta, "reasoning_content", "") or "" for delta in deltas)
    assert thought.startswith("Let me see")
    assert "some/model:7b" in "".join(delta.content or "" for delta in deltas)

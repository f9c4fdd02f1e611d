"""Whole replies say the same as streamed ones, and batches are divided as the vendors take them."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from flux_tui.core.builder import MessageBuilder
from flux_tui.core.errors import InputError
from flux_tui.core.messages import Message, Text, user_message
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.providers.base import ChatRequest, Endpoint, Provider, ToolSpec
from flux_tui.providers.batches import decode, open_batches, plain_body
from flux_tui.providers.failures import StreamFailure
from flux_tui.providers.profiles import describe
from flux_tui.providers.registry import PROVIDERS, make_provider
from flux_tui.session.batch_run import chunks
from flux_tui.sim.app import Simulator
from flux_tui.sim.transport import SimTransport

MODELS = {
    "anthropic": ("claude-opus-5-5", "/anthropic/v1/messages"),
    "openai": ("gpt-5.5", "/openai/v1/responses"),
    "openai-chat": ("gpt-4o", "/openai/v1/chat/completions"),
}
TOOLS = (ToolSpec("look", "Looks", {"type": "object", "properties": {}}),)
PROMPTS = (
    "Hello",
    'sim: think=2 text="A \\u202e bidi"',
    'sim: tool=look:{} tool=look:{"a":1} think=1',
    "sim: stop=length",
    "sim: stop=refusal",
)


def endpoint(provider: str, transport: SimTransport) -> Endpoint:
    spec = PROVIDERS[provider]
    base = f"http://simulator.invalid{'/anthropic' if provider == 'anthropic' else '/openai/v1'}"
    return Endpoint(
        provider=provider,
        label=spec.label,
        api=spec.api,
        base_url=base,
        key=SecretStr("sk-simulator"),
        transport=transport,
    )


async def streamed(provider: Provider, request: ChatRequest) -> Message:
    builder = MessageBuilder(request.model)
    async with aclosing(provider.stream(request)) as events:
        async for event in events:
            builder.feed(event)
    return builder.build()


async def whole(path: str, body: dict[str, Any], model: ModelInfo, sim: Simulator) -> Message:
    transport = SimTransport(sim)
    headers = {"x-api-key": "sk-k", "anthropic-version": "2026-10-21"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://sim") as client:
        reply = await client.post(path, json=body, headers=headers)
        assert reply.status_code == 200, reply.text
        return decode(reply.json(), model)


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("name", MODELS)
async def test_a_whole_reply_is_the_same_message_as_a_streamed_one(name: str, prompt: str) -> None:
    sim = Simulator()
    spec = PROVIDERS[name]
    model = describe(ModelRef(name, MODELS[name][0]), spec.api, spec.base_url, simulated=True)
    provider = make_provider(endpoint(name, SimTransport(sim)))
    request = ChatRequest(model=model, messages=(user_message(prompt),), tools=TOOLS)

    one = await streamed(provider, request)
    two = await whole(MODELS[name][1], plain_body(provider.body(request)), model, sim)
    await provider.aclose()

    assert two.text == one.text
    assert two.stop == one.stop
    assert [type(part) for part in two.parts] == [type(part) for part in one.parts]
    calls = [[(c.name, dict(c.arguments), c.error) for c in m.tool_calls] for m in (one, two)]
    assert calls[0] == calls[1]
    assert one.usage is not None
    assert two.usage is not None
    assert two.usage.output == one.usage.output


@pytest.mark.parametrize("name", MODELS)
def test_a_reply_that_is_none_is_a_failure(name: str) -> None:
    spec = PROVIDERS[name]
    model = describe(ModelRef(name, MODELS[name][0]), spec.api, spec.base_url)

    with pytest.raises(StreamFailure, match="without"):
        decode({"type": "message"}, model)


def test_a_reply_that_says_it_failed_is_a_failure() -> None:
    spec = PROVIDERS["openai"]
    model = describe(ModelRef("openai", "gpt-5.5"), spec.api, spec.base_url)

    with pytest.raises(StreamFailure, match="no luck"):
        decode({"status": "failed", "error": {"message": "no luck"}, "output": []}, model)


def test_a_citation_stays_with_its_text() -> None:
    spec = PROVIDERS["anthropic"]
    model = describe(ModelRef("anthropic", "claude-opus-5-5"), spec.api, spec.base_url)
    cited = {"type": "text", "text": "so", "citations": [{"type": "char_location"}]}

    (part,) = decode({"content": [cited], "stop_reason": "end_turn"}, model).parts

    assert isinstance(part, Text)
    assert part.metadata is not None
    assert part.metadata.data["citations"] == [{"type": "char_location"}]


def test_an_endpoint_without_batches_is_refused() -> None:
    spec = PROVIDERS["openai-chat"]
    other = Endpoint(provider="box", label="Box", api=spec.api, base_url="http://box.invalid/v1")

    with pytest.raises(InputError, match="no batch endpoint of Box is known"):
        open_batches(other)


def test_prompts_are_divided_by_number_and_by_size() -> None:
    assert [len(chunk) for chunk in chunks(range(25_000), lambda _: 1)] == [10_000, 10_000, 5_000]
    assert chunks(range(3), lambda _: 15_000_000) == [[0], [1], [2]]
    assert chunks((), lambda _: 1) == []

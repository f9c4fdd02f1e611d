"""The real adapters with their SDKs on the simulator, in process and over a socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from pydantic import SecretStr

from flux_tui.core.builder import MessageBuilder
from flux_tui.core.errors import ProviderError
from flux_tui.core.events import RetryScheduled, Stopped, StreamEvent
from flux_tui.core.messages import Message, Text, Thinking, ToolResult, user_message
from flux_tui.core.models import Abilities, Api, ModelInfo, ModelRef
from flux_tui.providers import transport
from flux_tui.providers.base import ChatRequest, Endpoint, Provider, ToolSpec
from flux_tui.providers.registry import PROVIDERS, make_provider
from flux_tui.sim.app import SimSettings, Simulator
from flux_tui.sim.server import serve
from flux_tui.sim.transport import SimTransport

KEY = "sk-canary-7f3a91"
MODELS = {
    "anthropic": "claude-opus-5",
    "openai": "gpt-5.5",
    "openai-chat": "gpt-5.5",
    "gemini": "gemini-3.5-flash",
    "mistral": "magistral-medium-2509",
    "cohere": "command-a-reasoning-08-2025",
}
PATHS = {
    "anthropic": "/anthropic",
    "openai": "/openai/v1",
    "openai-chat": "/openai/v1",
    "gemini": "/gemini",
    "mistral": "/mistral/v1",
    "cohere": "/cohere/v2",
}
UNSIGNED = {"openai-chat", "mistral", "cohere"}  # formats that sign no reasoning
UNNUMBERED = {"openai-chat", "mistral", "gemini"}  # formats that number no blocks
SIM_CALLS = 'sim: tool=read_file:{"path":"a.md"} tool=read_file:{"path":"b.md"}'
TOOLS = (
    ToolSpec(
        "read_file",
        "Read a file.",
        {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    ),
)


def info(provider: str, base_url: str) -> ModelInfo:
    api: Api = PROVIDERS[provider].api
    return ModelInfo(
        ref=ModelRef(provider, MODELS[provider]),
        api=api,
        base_url=base_url,
        max_output=8000,
        abilities=Abilities(images=True, documents=True),
        thinking="adaptive" if api == "anthropic" else "effort",
        thinking_default=True,
        efforts=("low", "medium", "high"),
        source="profile",
    )


class Rig:
    def __init__(self, provider: str, url: str, simulator: Simulator, *, wired: bool) -> None:
        self.simulator = simulator
        base_url = url + PATHS[provider]
        self.model = info(provider, base_url)
        self.endpoint = Endpoint(
            provider=provider,
            label=provider,
            api=self.model.api,
            base_url=base_url,
            key=SecretStr(KEY),
            key_name=PROVIDERS[provider].key_names[0],
            transport=None if wired else SimTransport(simulator),
        )
        self.provider: Provider = make_provider(self.endpoint)

    def request(self, text: str, **more: object) -> ChatRequest:
        given = ChatRequest(model=self.model, messages=(user_message(text),), system="Be brief.")
        return replace(given, **more)  # type: ignore[arg-type]

    async def events(self, request: ChatRequest) -> list[StreamEvent]:
        return [event async for event in self.provider.stream(request)]

    async def ask(self, request: ChatRequest) -> Message:
        return built(self.model, await self.events(request))


def built(model: ModelInfo, events: list[StreamEvent]) -> Message:
    builder = MessageBuilder(model)
    for event in events:
        builder.feed(event)
    return builder.build()


@pytest.fixture(params=list(MODELS))
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    made = Rig(request.param, "http://simulator.invalid", Simulator(SimSettings()), wired=False)
    yield made
    await made.provider.aclose()


@pytest.fixture(params=list(MODELS))
async def wired(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    simulator = Simulator(SimSettings())
    server = await serve(simulator)
    made = Rig(request.param, server.url, simulator, wired=True)
    yield made
    await made.provider.aclose()
    await server.aclose()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_WAIT", 0.01)


async def test_an_answer_streams_and_says_what_it_used(rig: Rig) -> None:
    events = await rig.events(rig.request("hello"))

    message = built(rig.model, events)
    assert "simulator" in message.text
    assert isinstance(events[-1], Stopped)
    assert message.stop == "end"
    assert message.usage is not None
    assert message.usage.prompt > 0
    assert message.usage.output > 0


async def test_the_same_answer_comes_over_a_socket(wired: Rig) -> None:
    message = await wired.ask(wired.request("hello"))

    assert "simulator" in message.text
    assert message.stop == "end"


async def test_the_models_are_listed(rig: Rig) -> None:
    assert MODELS[rig.endpoint.provider] in await rig.provider.models()


async def test_a_tool_call_and_its_result_go_round(rig: Rig) -> None:
    first = rig.request(SIM_CALLS, tools=TOOLS)
    reply = await rig.ask(first)
    assert reply.stop == "tool_calls"
    assert [dict(call.arguments) for call in reply.tool_calls] == [
        {"path": "a.md"},
        {"path": "b.md"},
    ]
    results = tuple(ToolResult(call.id, call.name, (Text("# Title"),)) for call in reply.tool_calls)
    answered = Message(role="tool", parts=results)

    again = await rig.ask(replace(first, messages=(*first.messages, reply, answered)))

    assert again.stop == "end"
    assert again.text


async def test_reasoning_is_replayed_to_the_model_that_wrote_it(rig: Rig) -> None:
    first = rig.request("sim: think")
    reply = await rig.ask(first)
    if rig.endpoint.provider == "openai-chat":
        pytest.skip("Chat Completions shows no reasoning")
    assert any(isinstance(part, Thinking) for part in reply.parts)

    follow = replace(first, messages=(*first.messages, reply, user_message("and then?")))
    again = await rig.ask(follow)

    sent = str(rig.provider.body(follow))
    assert any(
        mark in sent
        for mark in ("signature", "thoughtSignature", "encrypted_content", "'type': 'thinking'")
    )
    assert again.stop == "end"


@pytest.mark.parametrize(
    "fault", ["split", "crlf", "gzip", "comment", "retry", "id", "empty-data", "unknown-event"]
)
async def test_what_a_stream_may_contain_does_no_harm(rig: Rig, fault: str) -> None:
    plain = await rig.ask(rig.request("hello"))

    rig.simulator.inject(fault)
    odd = await rig.ask(rig.request("hello"))

    assert odd.text == plain.text
    assert odd.stop == plain.stop


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("unauthorized", "auth"),
        ("forbidden", "permission"),
        ("context", "context"),
        ("too-large", "too_large"),
        ("quota", "quota"),
        ("rate-limit-huge", "rate_limit"),
        ("html", "protocol"),
        ("empty", "protocol"),
        ("truncate", "incomplete"),
        ("bad-json", "protocol"),
        ("reset@2", "connection"),
        ("eof@2", "connection"),
        ("error@2", None),
        ("out-of-order", None),
        ("dns", "dns"),
        ("tls", "tls"),
    ],
)
async def test_a_failure_is_told_and_not_tried_again(
    rig: Rig, fault: str, kind: str | None
) -> None:
    rig.simulator.inject(fault, times=9)

    if fault == "out-of-order" and rig.endpoint.provider in UNNUMBERED:
        pytest.skip("the format has no blocks to be out of order")
    seen: list[StreamEvent] = []
    with pytest.raises(ProviderError) as caught:
        async for event in rig.provider.stream(rig.request("hello")):
            seen.append(event)

    problem = caught.value
    assert kind is None or problem.kind == kind
    assert problem.message.startswith(rig.endpoint.provider)
    assert KEY not in f"{problem} {problem.detail}"
    assert not any(isinstance(event, RetryScheduled) for event in seen)
    if kind == "auth":
        assert rig.endpoint.key_name in str(problem)


@pytest.mark.parametrize(
    "fault",
    [
        "request-timeout",
        "server-error",
        "bad-gateway",
        "unavailable",
        "gateway-timeout",
        "overloaded",
        "rate-limit-zero",
        "rate-limit-negative",
        "rate-limit-ms",
        "rate-limit-bare",
        "error-first",
        "refused",
        "disconnect",
    ],
)
async def test_what_passes_is_tried_again_before_the_first_content(rig: Rig, fault: str) -> None:
    rig.simulator.inject(fault, times=2)

    events = await rig.events(rig.request("hello"))

    waits = [event for event in events if isinstance(event, RetryScheduled)]
    assert [wait.attempt for wait in waits] == [2, 3]
    assert all(wait.reason.startswith(rig.endpoint.provider) for wait in waits)
    assert built(rig.model, events).stop == "end"


async def test_four_tries_are_enough(rig: Rig) -> None:
    rig.simulator.inject("server-error", times=9)
    waits: list[StreamEvent] = []

    with pytest.raises(ProviderError) as caught:
        async for event in rig.provider.stream(rig.request("hello")):
            waits.append(event)

    assert caught.value.kind == "server"
    assert len(waits) == 3


async def test_stopping_is_quick_while_waiting_to_try_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "FIRST_WAIT", 30.0)
    rig.simulator.inject("server-error")
    scheduled = asyncio.Event()

    async def run() -> None:
        async with aclosing(rig.provider.stream(rig.request("hello"))) as events:
            async for _ in events:
                scheduled.set()

    task = asyncio.create_task(run())
    await scheduled.wait()
    begun = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert time.monotonic() - begun < 15


async def test_a_silent_server_times_out_and_can_be_left(
    wired: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_SILENCE_SECONDS", 0.1)
    wired.simulator.inject("stall@2")

    with pytest.raises(ProviderError) as caught:
        await wired.events(wired.request("hello"))

    assert caught.value.kind == "timeout"


async def test_a_closed_generator_closes_the_request(wired: Rig) -> None:
    async with aclosing(wired.provider.stream(wired.request("hello"))) as events:
        first = await anext(events)

    assert first is not None
    assert (await wired.ask(wired.request("hello"))).stop == "end"


async def test_nothing_listening_is_a_connection_failure() -> None:
    rig = Rig("openai", "http://127.0.0.1:9", Simulator(SimSettings()), wired=True)

    with pytest.raises(ProviderError) as caught:
        await rig.events(rig.request("hello"))

    assert caught.value.kind == "connection"
    assert "127.0.0.1:9" in caught.value.message
    await rig.provider.aclose()


async def test_an_unknown_host_is_a_matter_of_dns() -> None:
    rig = Rig("anthropic", "https://no-such-host.invalid", Simulator(SimSettings()), wired=True)

    with pytest.raises(ProviderError) as caught:
        await rig.events(rig.request("hello"))

    assert caught.value.kind == "dns"
    await rig.provider.aclose()


async def test_a_missing_key_is_named_before_anything_is_sent(rig: Rig) -> None:
    keyless = make_provider(replace(rig.endpoint, key=None))

    with pytest.raises(ProviderError) as caught:
        await keyless.prepare()

    assert caught.value.kind == "auth"
    assert rig.endpoint.key_name in caught.value.message


async def test_a_loopback_request_passes_by_every_proxy(
    wired: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert (await wired.ask(wired.request("hello"))).stop == "end"


async def test_a_refused_reasoning_is_left_out_once(rig: Rig) -> None:
    if rig.endpoint.provider in UNSIGNED:
        pytest.skip("no reasoning that is sent back can be wrong")
    first = rig.request("sim: think")
    reply = await rig.ask(first)
    rig.simulator.inject("invalid-signature")

    follow = replace(first, messages=(*first.messages, reply, user_message("and then?")))
    events = await rig.events(follow)

    assert [type(event) for event in events].count(RetryScheduled) == 1
    assert built(rig.model, events).stop == "end"

"""The Gemini provider: its addresses, its key, its lists, and what Google's errors become."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from flux_tui.core.builder import MessageBuilder
from flux_tui.core.errors import ErrorKind, ProviderError
from flux_tui.core.events import RetryScheduled, StreamEvent
from flux_tui.core.messages import Message, Text, Thinking, ToolResult, user_message
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.normalize import normalize
from flux_tui.core.usage import Usage
from flux_tui.providers import transport
from flux_tui.providers.base import ChatRequest, Endpoint, ToolSpec
from flux_tui.providers.gemini import UNSIGNED, Gemini
from flux_tui.providers.gemini_errors import read_error
from flux_tui.providers.prices import price_usage
from flux_tui.providers.profiles import bundled, describe
from flux_tui.providers.registry import PROVIDERS, make_provider
from flux_tui.session.inspect import inspect
from flux_tui.session.outgoing import Outgoing
from flux_tui.sim import catalog
from flux_tui.sim.app import Simulator
from flux_tui.sim.transport import SimTransport

KEY = "AIza-canary-7f3a91"
GOOGLE = PROVIDERS["gemini"]
Answer = Callable[[httpx2.Request], httpx2.Response]
HELLO = {
    "candidates": [{"content": {"parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4},
}
READ = ToolSpec(
    "read_file",
    "Read a file.",
    {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
)
CALLS = 'sim: think=1 tool=read_file:{"path":"a.md"} tool=read_file:{"path":"b.md"}'


def stream(*chunks: object) -> httpx2.Response:
    lines = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=lines)


def provider(answer: Answer, base_url: str = GOOGLE.base_url) -> Gemini:
    endpoint = Endpoint(
        provider="gemini",
        label="Google Gemini",
        api="gemini",
        base_url=base_url,
        key=SecretStr(KEY),
        key_name="GEMINI_API_KEY",
        transport=httpx2.MockTransport(answer),
    )
    made = make_provider(endpoint)
    assert isinstance(made, Gemini)
    return made


def model(name: str = "gemini-3.5-flash", base_url: str = GOOGLE.base_url) -> ModelInfo:
    return describe(ModelRef("gemini", name), "gemini", base_url)


def request(name: str = "gemini-3.5-flash") -> ChatRequest:
    return ChatRequest(model=model(name), messages=(user_message("hello"),))


async def asked(made: Gemini, given: ChatRequest) -> tuple[Message, list[StreamEvent]]:
    builder = MessageBuilder(given.model)
    events = [event async for event in made.stream(given)]
    for event in events:
        builder.feed(event)
    await made.aclose()
    return builder.build(), events


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_WAIT", 0.01)


@pytest.mark.parametrize(
    ("base_url", "name", "address"),
    [
        ("https://g.example", "gemini-3.5-flash", "/v1beta/models/gemini-3.5-flash"),
        ("https://g.example/", "gemini-3.5-flash", "/v1beta/models/gemini-3.5-flash"),
        ("https://g.example/gemini", "m", "/gemini/v1beta/models/m"),
        ("https://g.example/v1beta", "m", "/v1beta/models/m"),
        ("https://g.example/v1", "tunedModels/mine", "/v1/tunedModels/mine"),
        ("https://g.example", "a?b#c", "/v1beta/models/a%3Fb%23c"),
    ],
)
async def test_the_model_stands_in_the_path_and_the_key_in_a_header_alone(
    base_url: str, name: str, address: str
) -> None:
    seen: list[httpx2.Request] = []

    def answer(sent: httpx2.Request) -> httpx2.Response:
        seen.append(sent)
        return stream(HELLO)

    message, _ = await asked(provider(answer, base_url), request(name))

    expected = f"https://g.example{address}:streamGenerateContent?alt=sse"
    assert str(seen[0].url) == expected
    assert seen[0].headers["x-goog-api-key"] == KEY
    assert "authorization" not in seen[0].headers
    body = json.loads(seen[0].content)
    assert body == provider(answer).body(request(name))
    assert "model" not in body
    assert KEY not in str(body)
    assert (message.text, message.stop) == ("Hello", "end")
    assert message.usage == Usage(input=3, output=1)


async def test_the_inspector_shows_the_address_that_is_used() -> None:
    seen: list[httpx2.Request] = []
    made = provider(lambda sent: seen.append(sent) or stream(HELLO))

    shown = inspect((user_message("hello"),), Outgoing(model=model()), made)
    await asked(made, request())

    assert shown.url == str(seen[0].url)
    assert ("x-goog-api-key", "$GEMINI_API_KEY") in shown.headers
    assert shown.body == json.loads(seen[0].content)


async def test_the_list_of_models_is_read_page_by_page() -> None:
    def answer(sent: httpx2.Request) -> httpx2.Response:
        assert sent.headers["x-goog-api-key"] == KEY
        assert sent.url.params["pageSize"] == "1000"
        if "pageToken" not in sent.url.params:
            rows = [
                {"name": "models/a", "supportedGenerationMethods": ["generateContent"]},
                {"name": "models/b", "supportedGenerationMethods": ["embedContent"]},
            ]
            return httpx2.Response(200, json={"models": rows, "nextPageToken": "two"})
        assert sent.url.params["pageToken"] == "two"
        return httpx2.Response(200, json={"models": [{"name": "models/c"}, {"odd": 1}]})

    assert await provider(answer).models() == ["a", "c"]


async def test_a_list_without_end_is_left() -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"models": [{"name": "models/a"}], "nextPageToken": "x"})

    assert len(await provider(answer).models()) == 50


async def test_a_refused_list_is_a_provider_error() -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        error = {"code": 403, "message": "Nope.", "status": "PERMISSION_DENIED"}
        return httpx2.Response(403, json={"error": error})

    with pytest.raises(ProviderError) as caught:
        await provider(answer).models()

    assert caught.value.kind == "permission"


def error(code: int, status: str, message: str = "m", *details: dict[str, Any]) -> Any:
    given = {"code": code, "status": status, "message": message, "details": list(details)}
    return {"error": given}


QUOTA = "You exceeded your current quota, please check your plan and billing details."
PER_MINUTE = {"violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]}
PER_DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error(400, "INVALID_ARGUMENT"), "bad_request"),
        (400, error(400, "INVALID_ARGUMENT", "API key not valid."), "auth"),
        (400, error(400, "INVALID_ARGUMENT", "m", {"reason": "API_KEY_INVALID"}), "auth"),
        (
            400,
            error(400, "INVALID_ARGUMENT", "The input token count (2) exceeds the maximum"),
            "context",
        ),
        (401, error(401, "UNAUTHENTICATED"), "auth"),
        (403, error(403, "PERMISSION_DENIED"), "permission"),
        (404, error(404, "NOT_FOUND"), "not_found"),
        (429, error(429, "RESOURCE_EXHAUSTED", QUOTA, PER_DAY), "quota"),
        (429, error(429, "RESOURCE_EXHAUSTED", f"{QUOTA} limit: 0"), "quota"),
        (400, [error(400, "FAILED_PRECONDITION")], "bad_request"),
    ],
)
async def test_what_google_refuses_is_told_once(status: int, body: Any, kind: ErrorKind) -> None:
    tries = 0

    def answer(_: httpx2.Request) -> httpx2.Response:
        nonlocal tries
        tries += 1
        return httpx2.Response(status, json=body)

    with pytest.raises(ProviderError) as caught:
        await asked(provider(answer), request())

    assert (caught.value.kind, caught.value.status, tries) == (kind, status, 1)
    assert KEY not in str(caught.value)
    assert kind != "auth" or "GEMINI_API_KEY" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, error(429, "RESOURCE_EXHAUSTED", QUOTA, PER_MINUTE, {"retryDelay": "0.02s"})),
        (500, error(500, "INTERNAL")),
        (503, error(503, "UNAVAILABLE")),
        (504, error(504, "DEADLINE_EXCEEDED")),
    ],
)
async def test_what_passes_is_tried_again(status: int, body: Any) -> None:
    answers = iter([httpx2.Response(status, json=body), stream(HELLO)])

    message, events = await asked(provider(lambda _: next(answers)), request())

    waits = [event for event in events if isinstance(event, RetryScheduled)]
    assert message.text == "Hello"
    assert len(waits) == 1
    assert status != 429 or waits[0].seconds == 0.02


def test_the_field_that_google_names_is_kept() -> None:
    details = {"fieldViolations": [{"field": "generation_config.temperature"}]}
    body = error(400, "INVALID_ARGUMENT", "m", details)

    assert read_error(body) == {
        "message": "m",
        "code": 400,
        "error_kind": "bad_request",
        "param": "generation_config.temperature",
    }
    assert read_error("a web page") == "a web page"


async def test_a_call_that_cannot_be_read_is_tried_again() -> None:
    broken = {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}
    answers = iter([stream(broken), stream(HELLO)])

    message, events = await asked(provider(lambda _: next(answers)), request())

    assert message.text == "Hello"
    assert "MALFORMED_FUNCTION_CALL" in next(
        event.reason for event in events if isinstance(event, RetryScheduled)
    )


async def test_a_cut_answer_stands_as_far_as_it_came() -> None:
    half = {"candidates": [{"content": {"parts": [{"text": "Hel"}]}}]}
    builder = MessageBuilder(model())

    with pytest.raises(ProviderError) as caught:
        async for event in provider(lambda _: stream(half)).stream(request()):
            builder.feed(event)

    assert caught.value.kind == "incomplete"
    assert (builder.build().text, builder.build().stop) == ("Hel", "interrupted")


def simulated(made: Simulator, name: str) -> tuple[ModelInfo, Gemini]:
    url = "http://simulator.invalid/gemini"
    info = describe(ModelRef("gemini", name), "gemini", url, simulated=True)
    endpoint = Endpoint(
        provider="gemini",
        label="",
        api="gemini",
        base_url=url,
        key=SecretStr(KEY),
        transport=SimTransport(made),
    )
    return info, Gemini(endpoint)


async def said(
    made: Gemini, info: ModelInfo, history: tuple[Message, ...], **more: object
) -> Message:
    messages, _ = normalize(history, info)
    given = ChatRequest(model=info, messages=messages, tools=(READ,))
    builder = MessageBuilder(info)
    async for event in made.stream(replace(given, **more)):  # type: ignore[arg-type]
        builder.feed(event)
    return builder.build()


@pytest.mark.parametrize("name", bundled("gemini"))
async def test_tools_go_round_with_every_bundled_model(name: str) -> None:
    info, made = simulated(Simulator(), name)
    history: tuple[Message, ...] = (user_message(CALLS),)

    reply = await said(made, info, history, effort="low")
    results = tuple(ToolResult(call.id, call.name, (Text("# T"),)) for call in reply.tool_calls)
    history = (*history, reply, Message(role="tool", parts=results))
    again = await said(made, info, history, effort="low")

    assert catalog.find(name, "gemini") is not None
    assert len(reply.tool_calls) == 2
    assert any(isinstance(part, Thinking) for part in reply.parts)
    assert again.stop == "end"
    assert "read_file" in again.text


async def test_a_conversation_goes_to_another_gemini_and_back() -> None:
    simulator = Simulator()
    first, made = simulated(simulator, "gemini-3.5-flash")
    second, _ = simulated(simulator, "gemini-3.8-flash")
    history: tuple[Message, ...] = (user_message(CALLS),)
    reply = await said(made, first, history)
    results = tuple(ToolResult(call.id, call.name, (Text("# T"),)) for call in reply.tool_calls)
    history = (*history, reply, Message(role="tool", parts=results))

    other = await said(made, second, history)
    sent_away = simulator.requests[-1].body.decode()
    history = (*history, other, user_message("hello again"))
    back = await said(made, first, history)
    sent_back = simulator.requests[-1].body.decode()

    mine = [part.metadata.data["signature"] for part in reply.tool_calls if part.metadata]
    assert other.stop == back.stop == "end"
    assert UNSIGNED in sent_away
    assert len(mine) == 1
    assert mine[0] not in sent_away
    assert mine[0] in sent_back


def test_what_a_gemini_answer_costs() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    usage = Usage(input=900_000, cache_read=100_000, output=1_000_000, reasoning=400_000)

    cost = price_usage(model("gemini-2.5-flash"), usage, at)

    # $0.30 a million in, a tenth of it from the cache, $2.50 a million out.
    assert cost.basis == "computed"
    assert cost.amount == Decimal("0.27") + Decimal("0.003") + Decimal("2.5")
    simulator = describe(ModelRef("gemini", "gemini-2.5-flash"), "gemini", "x", simulated=True)
    assert price_usage(simulator, usage, at).basis == "simulated"

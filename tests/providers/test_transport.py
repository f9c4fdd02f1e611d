"""The one boundary: what is repaired, how long is waited, and what a failure says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import httpx2
import pytest
from pydantic import SecretStr

from flux_tui.core.errors import ProviderError
from flux_tui.core.events import RetryScheduled, Stopped, StreamEvent, TextDelta
from flux_tui.core.messages import user_message
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.providers import anthropic, openai_chat, openai_responses, transport
from flux_tui.providers.base import ChatRequest, Endpoint
from flux_tui.providers.failures import StreamFailure, classify, retry_after, vendor_words
from flux_tui.providers.registry import PROVIDERS, make_provider
from flux_tui.providers.transport import is_loopback

KEY = "canary-4711-secret"
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
MODEL = ModelInfo(ref=ModelRef("local", "m"), api="openai-chat", base_url="http://local.test/v1")
DONE = (
    b'data: {"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


def endpoint(answer: Callable[[httpx2.Request], httpx2.Response] | None = None) -> Endpoint:
    return Endpoint(
        provider="local",
        label="Local",
        api="openai-chat",
        base_url="http://local.test/v1",
        key=SecretStr(KEY),
        key_name="LOCAL_KEY",
        transport=httpx2.MockTransport(answer) if answer else None,
    )


async def stream(
    answer: Callable[[httpx2.Request], httpx2.Response], **more: object
) -> list[StreamEvent]:
    provider = make_provider(endpoint(answer))
    request = ChatRequest(model=MODEL, messages=(user_message("hi"),), **more)  # type: ignore[arg-type]
    try:
        return [event async for event in provider.stream(request)]
    finally:
        await provider.aclose()


def served(content: bytes, kind: str = "text/event-stream") -> httpx2.Response:
    return httpx2.Response(200, headers={"content-type": kind}, content=content)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1 Jan 99999999999999999999999 00:00:00"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:07 GMT"}, 7.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "150", "retry-after": "9"}, 0.15),
    ],
)
def test_the_wait_a_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


async def test_a_refused_stream_option_is_left_out_once() -> None:
    bodies: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        bodies.append(request.content)
        if b"stream_options" in request.content:
            error = {"error": {"message": "Unknown parameter: stream_options"}}
            return httpx2.Response(400, json=error)
        return served(DONE)

    events = await stream(answer)

    assert [b"stream_options" in body for body in bodies] == [True, False]
    (again,) = [event for event in events if isinstance(event, RetryScheduled)]
    assert again.repaired
    assert "stream_options" in again.reason


async def test_an_output_limit_goes_under_the_name_the_server_wants() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if b'"max_tokens"' in request.content:
            text = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return httpx2.Response(400, json={"error": {"message": text, "param": "max_tokens"}})
        return served(DONE)

    events = await stream(answer, max_output=50)

    assert events[-1].__class__.__name__ == "Stopped"


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (b"<!DOCTYPE html><html>Sign in to the hotel</html>", "text/html", "a web page"),
        (b"", "text/event-stream", "broke off"),
        (b"", "", "an empty answer"),
        (b'{"id": "x"}', "application/json", "application/json"),
    ],
)
async def test_a_200_that_is_no_reply_is_a_failure(content: bytes, kind: str, words: str) -> None:
    with pytest.raises(ProviderError, match=words):
        await stream(lambda _: served(content, kind))


@pytest.mark.parametrize(
    ("kind", "start", "step"),
    [
        ("text/event-stream", b"\xef\xbb\xbf", 1),
        ("text/event-stream", b": \n\nid: 4\n\nretry: 9\n\ndata:\n\n", 3),
        ("text/event-stream; charset=ISO-8859-1", b"", 100),
        ("application/octet-stream", b"\xef\xbb\xbf", 100),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
async def test_an_event_stream_is_read_however_it_is_written(
    kind: str, start: bytes, step: int, end: bytes
) -> None:
    said = '{"choices":[{"index":0,\ndata: "delta":{"content":"déjà"}}]}'
    content = start + f"data: {said}\n\n".encode() + DONE
    content = content.replace(b"\n", end)

    async def body() -> AsyncIterator[bytes]:
        for at in range(0, len(content), step):
            yield content[at : at + step]

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": kind}, content=body())

    events = await stream(answer)

    assert [event.text for event in events if isinstance(event, TextDelta)] == ["déjà", "ok"]


@pytest.mark.parametrize("tail", [b'{\n  "error": %s\n}\n', b'[{"error": %s}]\r\n\r\n'])
async def test_an_error_that_breaks_off_a_stream_without_being_an_event_is_told(
    tail: bytes,
) -> None:
    begun = b'data: {"choices":[{"index":0,"delta":{"content":"so"}}]}\n\n'
    problem = b'{"type": "rate_limit_error", "message": "Resource exhausted"}'

    with pytest.raises(ProviderError, match="limits the rate of requests: Resource exhausted"):
        await stream(lambda _: served(begun + tail % problem))


async def test_an_error_with_the_status_of_a_success_is_told_as_what_it_is() -> None:
    problem = {"error": {"message": "no money", "code": "insufficient_quota"}}

    with pytest.raises(ProviderError) as caught:
        await stream(lambda _: httpx2.Response(200, json=problem))

    assert caught.value.kind == "quota"


async def test_a_failure_shows_neither_key_nor_control_characters() -> None:
    text = f"Incorrect API key provided: {KEY} sk-live-abcdefgh\x1b[31m \x07"

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(400, json={"error": {"message": text}})

    with pytest.raises(ProviderError) as caught:
        await stream(answer)

    told = f"{caught.value} {caught.value.detail}"
    assert KEY not in told
    assert "sk-live" not in told
    assert "\x1b" not in told
    assert "[key]" in told


def test_a_page_of_html_is_cut_short() -> None:
    assert len(vendor_words(endpoint(), "<html><body>" + "x" * 9000)) == 200


def test_a_refused_key_names_its_variable_and_status() -> None:
    class RefusedError(Exception):
        status_code = 401
        response = httpx2.Response(401, text="no")
        body = None

    problem = classify(endpoint(), RefusedError())

    assert str(problem).startswith("local refused the key in LOCAL_KEY (401)")


@pytest.mark.parametrize("problem", [AssertionError(), IndexError("x"), KeyError("y")])
def test_whatever_else_escapes_an_sdk_is_told_as_a_protocol_failure(problem: Exception) -> None:
    assert classify(endpoint(), problem).kind == "protocol"


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:80/x", True),
        ("http://[::1]/", True),
        ("http://localhost:1", True),
        ("https://api.openai.com", False),
        ("http://localhost.example", False),
    ],
)
def test_this_machine_is_known_by_its_address(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_reasoning_that_is_refused_is_taken_out_of_the_body() -> None:
    refused = ProviderError("x", kind="bad_request", provider="p", status=400, detail="")
    refused.detail = "This block is bound to a different conversation"
    signed = {"type": "thinking", "thinking": "t", "signature": "s"}
    body = {"messages": [{"role": "assistant", "content": [signed]}]}
    assert anthropic.repair(refused, body) == (  # type: ignore[arg-type]
        {"messages": []},
        "the reasoning of earlier turns is not sent",
    )

    refused.detail = "invalid_encrypted_content: could not be verified"
    call = {"type": "function_call", "id": "fc_1", "call_id": "c"}
    healed = openai_responses.repair(refused, {"input": [{"type": "reasoning", "id": "r"}, call]})  # type: ignore[list-item]
    assert healed is not None
    assert healed[0]["input"] == [{"type": "function_call", "call_id": "c"}]


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    "words",
    [
        "thinking is enabled but reasoning_content is missing in assistant tool call message at "
        "index 2",
        "Missing `reasoning_content` field in the assistant message at message index 1.",
        "The reasoning_content in the thinking mode must be passed back to the API.",
    ],
)
def test_calls_without_reasoning_get_a_place_for_it_where_that_is_wanted(words: str) -> None:
    refused = ProviderError("x", kind="bad_request", provider="p", status=400, detail=words)
    own = {"role": "assistant", "content": "", "tool_calls": [CALL], "reasoning_content": "hm"}
    others = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    answer = {"role": "assistant", "content": "so"}
    body = {"messages": [others, own, answer]}

    healed = openai_chat.repair(refused, body)  # type: ignore[arg-type]

    assert healed is not None
    assert healed[0]["messages"] == [{**others, "reasoning_content": " "}, own, answer]
    assert openai_chat.repair(refused, healed[0]) is None


def test_a_router_that_refuses_reasoning_gets_none() -> None:
    refused = ProviderError("x", kind="bad_request", provider="p", status=400)
    refused.detail = "Provider returned error: Invalid `signature` in `thinking` block"
    said = {"role": "assistant", "content": "so"}
    body = {"messages": [{**said, "reasoning_details": [{"text": "hm"}]}]}

    healed = openai_chat.repair(refused, body)  # type: ignore[arg-type]

    assert healed is not None
    assert healed[0] == {"messages": [said]}


async def test_an_answer_that_has_only_been_opened_may_be_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "FIRST_WAIT", 0.0)
    tries: list[int] = []

    def event(kind: str, **more: object) -> str:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"

    def answer(_: httpx2.Request) -> httpx2.Response:
        tries.append(1)
        opening = event("message_start", message={"usage": {"input_tokens": 1}}) + event(
            "content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}
        )
        overloaded = event("error", error={"type": "overloaded_error", "message": "busy"})
        grown = event(
            "content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"}
        )
        end = event("message_delta", delta={"stop_reason": "end_turn"}) + event("message_stop")
        return served((opening + (overloaded if len(tries) == 1 else grown + end)).encode())

    claude = ModelInfo(ref=ModelRef("anthropic", "m"), api="anthropic", base_url="http://a.test")
    place = replace(endpoint(answer), api="anthropic", base_url="http://a.test")
    provider = make_provider(place)
    request = ChatRequest(model=claude, messages=(user_message("hi"),))
    try:
        events = [event async for event in provider.stream(request)]
    finally:
        await provider.aclose()

    assert len(tries) == 2
    assert isinstance(events[-1], Stopped)


def test_every_provider_is_made_without_importing_an_sdk() -> None:
    code = """
import sys
from flux_tui.providers.base import Endpoint
from flux_tui.providers.registry import PROVIDERS, make_provider
for spec in PROVIDERS.values():
    make_provider(Endpoint(provider=spec.id, label="", api=spec.api, base_url=spec.base_url))
heavy = {"anthropic", "openai", "httpx2", "pydantic"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr


def test_the_built_in_providers_come_in_a_fixed_order() -> None:
    assert list(PROVIDERS)[:3] == ["anthropic", "openai", "openai-chat"]


def test_a_stream_failure_keeps_the_words_of_the_vendor() -> None:
    problem = classify(endpoint(), StreamFailure("overloaded", words="Overloaded"))

    assert problem.retryable
    assert problem.message == "local is overloaded: Overloaded"

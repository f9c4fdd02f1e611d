"""Mistral's and Cohere's addresses, lists of models, and error bodies, over the client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from flux_tui.core.errors import ErrorKind, ProviderError
from flux_tui.core.messages import user_message
from flux_tui.core.models import Api, ModelInfo, ModelRef
from flux_tui.providers.base import ChatRequest, Endpoint, Provider
from flux_tui.providers.registry import PROVIDERS, make_provider

KEY = "secret-canary-1"
Answer = Callable[[httpx2.Request], httpx2.Response]


def provider(api: Api, answer: Answer, base_url: str = "") -> Provider:
    endpoint = Endpoint(
        provider=api,
        label=api,
        api=api,
        base_url=base_url or PROVIDERS[api].base_url,
        key=SecretStr(KEY),
        key_name=PROVIDERS[api].key_names[0],
        transport=httpx2.MockTransport(answer),
    )
    return make_provider(endpoint)


async def sent_to(api: Api, base_url: str) -> list[httpx2.Request]:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(400, json={"message": "no"})

    made = provider(api, answer, base_url)
    info = ModelInfo(ref=ModelRef(api, "m"), api=api, base_url=base_url)
    with pytest.raises(ProviderError):
        async for _ in made.stream(ChatRequest(model=info, messages=(user_message("hi"),))):
            pass
    with pytest.raises(ProviderError):
        await made.models()
    await made.aclose()
    return seen


@pytest.mark.parametrize(
    ("api", "base_url", "chat", "models"),
    [
        ("mistral", "https://x.example/v1", "/v1/chat/completions", "/v1/models"),
        ("mistral", "https://x.example", "/v1/chat/completions", "/v1/models"),
        ("mistral", "https://x.example/gate/v1/", "/gate/v1/chat/completions", "/gate/v1/models"),
        ("cohere", "https://x.example/v2", "/v2/chat", "/v1/models"),
        ("cohere", "https://x.example/", "/v2/chat", "/v1/models"),
    ],
)
async def test_the_version_may_be_missing(api: Api, base_url: str, chat: str, models: str) -> None:
    seen = await sent_to(api, base_url)

    assert [request.url.path for request in seen] == [chat, models]


@pytest.mark.parametrize("api", ["mistral", "cohere"])
async def test_the_key_stands_in_one_header_alone(api: Api) -> None:
    for request in await sent_to(api, "https://x.example"):
        holding = [name for name, value in request.headers.items() if KEY in value]
        assert holding == ["authorization"]
        assert KEY not in str(request.url)
        assert KEY.encode() not in request.content


async def test_only_models_that_chat_are_listed() -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "capabilities": {"completion_chat": True}},
        {"id": "embed", "capabilities": {"completion_chat": False}},
        {"id": "old"},
        {"id": "a"},
        {"object": "odd"},
    ]
    made = provider("mistral", lambda _: httpx2.Response(200, json={"data": rows}))

    assert await made.models() == ["a", "old"]
    await made.aclose()


async def test_all_pages_of_a_list_are_read() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.params["endpoint"] == "chat"
        if "page_token" in request.url.params:
            return httpx2.Response(200, json={"models": [{"name": "b"}]})
        return httpx2.Response(200, json={"models": [{"name": "a"}, {}], "next_page_token": "t"})

    made = provider("cohere", answer)

    assert await made.models() == ["a", "b"]
    await made.aclose()


async def test_a_list_that_never_ends_is_left() -> None:
    page: dict[str, Any] = {"models": [{"name": "a"}], "next_page_token": "t"}
    made = provider("cohere", lambda _: httpx2.Response(200, json=page))

    assert await made.models() == ["a"]
    await made.aclose()


DETAIL = {"detail": [{"loc": ["body", "top_p"], "msg": "Input should be a valid number"}]}


@pytest.mark.parametrize(
    ("api", "status", "body", "kind", "words"),
    [
        ("mistral", 401, {"detail": "Unauthorized"}, "auth", "Unauthorized"),
        (
            "mistral",
            422,
            {"object": "error", "message": DETAIL, "type": "invalid_request_error"},
            "bad_request",
            "top_p: Input should be a valid number",
        ),
        (
            "mistral",
            400,
            {"object": "error", "message": "Unexpected role", "code": "3230", "type": "x"},
            "bad_request",
            "Unexpected role",
        ),
        (
            "mistral",
            400,
            {"object": "error", "message": "Invalid model: m", "type": "invalid_model"},
            "not_found",
            "Invalid model: m",
        ),
        (
            "mistral",
            400,
            {"message": "Prompt contains 9 tokens, too large for model with 8 maximum context"},
            "context",
            "Prompt contains",
        ),
        ("cohere", 401, {"message": "invalid api token"}, "auth", "invalid api token"),
        ("cohere", 404, {"message": "model 'm' not found"}, "not_found", "model 'm' not found"),
        ("cohere", 400, {"message": "too many tokens: 9"}, "context", "too many tokens"),
        (
            "cohere",
            429,
            {"message": "You are using a Trial key, limited to 1000 API calls / month"},
            "quota",
            "Trial key",
        ),
    ],
)
async def test_a_refusal_is_told_for_what_it_is(
    api: Api, status: int, body: Any, kind: ErrorKind, words: str
) -> None:
    made = provider(api, lambda _: httpx2.Response(status, json=body))

    with pytest.raises(ProviderError) as caught:
        await made.models()

    assert caught.value.kind == kind
    assert words in caught.value.detail
    assert caught.value.status == status
    if kind == "auth":
        assert PROVIDERS[api].key_names[0] in str(caught.value)
    await made.aclose()


async def test_the_id_of_a_request_is_kept_for_the_vendors_support() -> None:
    headers = {"mistral-correlation-id": "abc"}
    made = provider("mistral", lambda _: httpx2.Response(500, headers=headers, json={}))

    with pytest.raises(ProviderError) as caught:
        await made.models()

    assert caught.value.request_id == "abc"
    await made.aclose()

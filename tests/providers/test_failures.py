"""What vendors' refusals mean, by their own words."""

from __future__ import annotations

import errno
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from flux_tui.core.errors import ProviderError
from flux_tui.providers.base import Endpoint
from flux_tui.providers.failures import classify, kind_of, stale_reasoning, vendor_failure


def refused(words: str, status: int = 400) -> ProviderError:
    return ProviderError("no", kind="bad_request", provider="p", status=status, detail=words)


@pytest.mark.parametrize(
    "words",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.3.content.0: Invalid `data` in `redacted_thinking` block. The block is bound to "
        "a different conversation",
        "messages.5.content.1: `thinking` or `redacted_thinking` blocks in the latest assistant "
        "message cannot be modified.",
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`.",
        "messages.17: The final block in an assistant message cannot be `thinking`.",
        "The encrypted content gAAAAABo...x5Q= could not be verified.",
        "Item 'rs_68af' of type 'reasoning' was provided without its required following item.",
        "Item 'fc_68af' of type 'function_call' was provided without its required 'reasoning' "
        "item: 'rs_68af'.",
        "Item with id 'rs_68af' not found. Items are not persisted when `store` is set to false.",
    ],
)
def test_reasoning_that_is_refused_is_known_by_the_vendors_words(words: str) -> None:
    assert stale_reasoning(refused(words))


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("max_tokens must be greater than thinking.budget_tokens", 400),
        ("Unsupported parameter: 'temperature'", 400),
        ("The encrypted content could not be verified.", 500),
        ("The model `rs_1` does not exist", 404),
    ],
)
def test_other_refusals_are_not_healed_by_leaving_reasoning_out(words: str, status: int) -> None:
    assert not stale_reasoning(refused(words, status))


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "prompt token count of 200000 exceeds the limit of 128000",
        "Invalid request: Your request exceeded model token limit: 262144",
        "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).",
        "input length and `max_tokens` exceed context limit: 190000 + 21000 > 200000",
        "prompt too long; exceeded max context length by 3 tokens",
        "too large for model with 131072 maximum context length",
        "the request exceeds the available context size, try increasing it",
        "Input is too long for requested model.",
        "Prompt exceeds max length",
    ],
)
def test_a_full_window_is_known_by_the_vendors_words(words: str) -> None:
    assert kind_of({"type": "invalid_request_error"}, words) == "context"


def test_too_many_tokens_a_minute_are_no_full_window() -> None:
    words = "Too many tokens, please wait before trying again."

    assert kind_of({"type": "rate_limit_error"}, words) == "rate_limit"
    assert kind_of({"code": "context_length_exceeded"}, words) == "context"
    assert told(429, {"message": words}) == "rate_limit"
    assert told(400, {"message": words}) == "context"


def test_what_a_router_was_told_by_its_provider_is_told_on() -> None:
    raw = '{"error": {"message": "prompt is too long: 250000 tokens", "type": "x"}}'
    error = {"message": "Provider returned error", "metadata": {"raw": raw}}

    assert told(400, error) == "context"
    assert str(vendor_failure(error)) == (
        "Provider returned error: prompt is too long: 250000 tokens"
    )
    plain = {"message": "No", "metadata": {"raw": "upstream is down"}}
    assert str(vendor_failure(plain)) == "No: upstream is down"


def told(status: int, error: dict[str, Any]) -> str:
    class RefusedError(Exception):
        status_code = status
        response = httpx2.Response(status)
        body = error

    endpoint = Endpoint(provider="box", label="", api="openai-chat", base_url="http://box.test")
    return classify(endpoint, RefusedError()).kind


def broken(base_url: str, *chain: Exception) -> str:
    endpoint = Endpoint(provider="box", label="Box", api="openai-chat", base_url=base_url)
    for outer, inner in pairwise(chain):
        outer.__cause__ = inner
    return str(classify(endpoint, chain[0]))


def test_a_refused_connection_is_told_in_the_systems_words_and_what_to_do() -> None:
    refusal = OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)")
    chain = RuntimeError("Connection error."), httpx2.ConnectError("All failed"), refusal

    assert broken("http://127.0.0.1:1/v1", *chain) == (
        "box cannot be reached at 127.0.0.1:1: connection refused; "
        "start the server there, or choose another model"
    )
    assert broken("https://box.example/v1", *chain) == (
        "box cannot be reached at box.example: connection refused; "
        "check the network, then try again"
    )


def test_words_that_say_nothing_are_left_out() -> None:
    chain = RuntimeError("Connection error."), httpx2.ReadError("")

    assert broken("https://box.example/v1", *chain) == (
        "box closed the connection before the end; check the network, then try again"
    )

"""Any history, cancelled anywhere and swapped at any turn, makes requests that vendors accept."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from flux_tui.core.messages import Message, Text
from flux_tui.core.models import ModelInfo
from flux_tui.core.normalize import normalize
from flux_tui.core.repair import clean
from tests.core.strategies import MODELS, histories
from tests.providers.conversion import encode, refusals
from tests.providers.strict_types import problems

History = tuple[Message, ...]
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.ref.provider)
often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def requests_of(history: History, model: ModelInfo) -> list[dict[str, Any]]:
    """The bodies sent to *model*, one after each message that waits for an answer."""
    bodies: list[dict[str, Any]] = []
    for end in range(1, len(history) + 1):
        following = history[end].role if end < len(history) else ""
        asks = history[end - 1].role == "user"
        reports = history[end - 1].role == "tool" and following != "tool"
        if asks or (reports and any(m.tool_calls for m in history[max(0, end - 3) : end])):
            messages, _ = normalize(history[:end], model)
            if messages and messages[-1].role != "assistant":
                bodies.append(encode(model, messages, "Be brief."))
    return bodies


def items_of(body: dict[str, Any]) -> list[Any]:
    return body.get("messages") or body.get("input") or []


@each_model
@given(history=histories)
@often
def test_every_request_is_accepted(model: ModelInfo, history: History) -> None:
    for body in requests_of(history, model):
        assert refusals(model, body) == []


@each_model
@given(history=histories)
@often
def test_all_text_and_every_pair_of_call_and_result_arrive(
    model: ModelInfo, history: History
) -> None:
    messages, _ = normalize(history, model)

    body = encode(model, messages)

    wire = json.dumps(body, ensure_ascii=False)
    for message in history:
        for part in message.parts:
            whole = message.role != "tool" and message.stop != "refusal"
            if whole and isinstance(part, Text) and part.text.strip():
                assert json.dumps(clean(part.text), ensure_ascii=False)[1:-1] in wire
    calls = sum(len(message.tool_calls) for message in messages)
    marks = {
        "anthropic": ('"type": "tool_use"', '"type": "tool_result"'),
        "openai-responses": ('"type": "function_call"', '"type": "function_call_output"'),
        "openai-chat": ('"type": "function"', '"role": "tool"'),
        "mistral": ('"type": "function"', '"role": "tool"'),
    }
    assert [wire.count(mark) for mark in marks[model.api]] == [calls, calls]


@each_model
@given(history=histories)
@often
def test_the_same_history_gives_the_same_bytes(model: ModelInfo, history: History) -> None:
    first, second = (encode(model, normalize(history, model)[0]) for _ in range(2))

    assert json.dumps(first) == json.dumps(second)


MOVING = {"cache_control", "reasoning_content", "reasoning", "reasoning_details"}


def unmarked(value: Any) -> Any:
    """*value* without what moves on: cache marks, and reasoning echoed since the last question."""
    if isinstance(value, dict):
        return {key: unmarked(inner) for key, inner in value.items() if key not in MOVING}
    return [unmarked(inner) for inner in value] if isinstance(value, list) else value


@each_model
@given(history=histories)
@often
def test_a_request_begins_like_the_one_before(model: ModelInfo, history: History) -> None:
    bodies = [unmarked(items_of(body)) for body in requests_of(history, model)]

    for before, after in pairwise(bodies):
        # The last item may have grown by what the user said next.
        assert after[: len(before) - 1] == before[:-1]


GOOD: dict[str, dict[str, Any]] = {
    "anthropic": {
        "model": "m",
        "max_tokens": 1,
        "stream": True,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
    },
    "openai-chat": {
        "model": "m",
        "stream": True,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
    },
    "openai-responses": {
        "model": "m",
        "stream": True,
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}],
    },
}


@pytest.mark.parametrize("api", GOOD)
@pytest.mark.parametrize("place", ["body", "message", "part"])
def test_the_rebuilt_types_accept_good_and_refuse_strangers(api: Any, place: str) -> None:
    body = json.loads(json.dumps(GOOD[api]))
    message = (body.get("messages") or body["input"])[0]

    assert problems(api, body) == []

    {"body": body, "message": message, "part": message["content"][0]}[place]["stranger"] = 1
    assert problems(api, body)

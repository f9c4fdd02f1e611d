"""Any history, cancelled anywhere and swapped at any turn, makes requests that vendors accept.

The budget follows the hypothesis profile: HYPOTHESIS_PROFILE=soak runs about a hundred times more.
"""

from __future__ import annotations

import json
import os
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flux_tui.core import codec
from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Text,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import ModelInfo
from flux_tui.core.normalize import normalize
from flux_tui.core.repair import clean
from flux_tui.core.sanitize import sanitize
from flux_tui.providers.ingest import ingest
from tests.conversion.formats import (
    TARGETS,
    Body,
    encode,
    history_of,
    is_compatible,
    pairs_of,
    refusals,
)
from tests.conversion.histories import cut_answers, muddles, signed_conversations, signs, swapped
from tests.conversion.plain_types import PACKAGES, is_present
from tests.conversion.strict_types import problems
from tests.core.strategies import MODELS, histories

History = tuple[Message, ...]
each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda model: str(model.ref))


def often(share: float) -> settings:
    """A share of the examples that the profile in force asks for."""
    return settings(
        max_examples=max(1, int(settings().max_examples * share)),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def body_of(model: ModelInfo, history: History, system: str = "Be brief.") -> Body:
    return encode(model, normalize(history, model)[0], system)


def points(history: History) -> list[int]:
    """Where requests go out: after what the user said, and after the last result of a turn."""
    return [
        end
        for end in range(1, len(history) + 1)
        if history[end - 1].role == "user" or _reports(history, end)
    ]


def _reports(history: History, end: int) -> bool:
    whole = end == len(history) or history[end].role != "tool"
    spoken = [message for message in history[:end] if message.role != "tool"]
    called = bool(spoken) and spoken[-1].role == "assistant" and bool(spoken[-1].tool_calls)
    return history[end - 1].role == "tool" and whole and called


def told(history: History) -> list[str]:
    """All that was said and must arrive."""
    return [
        clean(part.text)
        for message in history
        if message.role != "tool" and message.stop != "refusal"
        for part in message.parts
        if isinstance(part, Text) and part.text.strip()
    ]


def readable(texts: list[str]) -> list[str]:
    """What reading a body leaves of *texts*; none where it depends on how a format joins them.

    A control string that one text opens and another ends is dropped with all between them, but
    only by a format that sends both as one.
    """
    alone = [sanitize(text) for text in texts]
    joined = all(sanitize(by.join(texts)) == by.join(alone) for by in ("", "\n\n"))
    return alone if joined else []


def in_wire(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


@each_target
@given(history=histories)
@often(0.25)
def test_every_request_is_accepted(target: ModelInfo, history: History) -> None:
    for end in points(history):
        messages, _ = normalize(history[:end], target)
        if messages[-1].role != "assistant":  # all results were orphans: nothing is asked
            assert refusals(target, encode(target, messages, "Be brief.")) == []


@given(plan=swapped(TARGETS))
@often(1)
def test_a_conversation_swapped_at_each_turn_is_accepted_each_time(
    plan: list[tuple[ModelInfo, History]],
) -> None:
    history: History = ()
    for model, (asked, *rest) in plan:
        history = (*history, asked)
        assert refusals(model, body_of(model, history)) == []
        history = (*history, *rest)


@each_target
@given(history=histories)
@often(0.25)
def test_all_text_and_every_pair_of_call_and_result_arrive(
    target: ModelInfo, history: History
) -> None:
    messages, _ = normalize(history, target)

    body = encode(target, messages)

    wire = json.dumps(body, ensure_ascii=False)
    for text in told(history):
        assert in_wire(text) in wire
    calls = sum(len(message.tool_calls) for message in messages)
    assert pairs_of(target, body) == (calls, calls)


@each_target
@given(history=histories)
@often(0.25)
def test_the_same_history_gives_the_same_bytes_even_when_it_was_stored(
    target: ModelInfo, history: History
) -> None:
    stored = tuple(
        codec.load_message(json.loads(codec.dumps(codec.dump_message(message))))
        for message in history
    )

    first, second = (json.dumps(body_of(target, history)) for _ in range(2))

    assert first == second
    if not any("\ud800" in text for text in map(str, history)):  # storing mends lone surrogates
        assert json.dumps(body_of(target, stored)) == first


MOVING = {"cache_control", "reasoning_content", "reasoning", "reasoning_details"}


def unmarked(value: Any) -> Any:
    """*value* without what moves on: cache marks, and reasoning echoed since the last question."""
    if isinstance(value, dict):
        return {key: unmarked(inner) for key, inner in value.items() if key not in MOVING}
    return [unmarked(inner) for inner in value] if isinstance(value, list) else value


@each_target
@given(history=histories)
@often(0.25)
def test_a_request_begins_like_the_one_before(target: ModelInfo, history: History) -> None:
    bodies = [
        unmarked(history_of(target, body_of(target, history[:end]))) for end in points(history)
    ]

    for before, after in pairwise(bodies):
        # The last item may have grown by what the user said next.
        assert after[: len(before) - 1] == before[:-1]


@each_target
@given(source=st.sampled_from(TARGETS), history=histories)
@often(0.25)
def test_a_body_that_is_read_back_goes_on_to_the_next_format(
    target: ModelInfo, source: ModelInfo, history: History
) -> None:
    history = (*history, user_message("and then?"))
    first = body_of(source, history)

    read = ingest(first, source.api, source.ref.name).conversation
    second = body_of(target, read.path, read.system)

    assert refusals(target, second) == []
    wire = json.dumps(second, ensure_ascii=False)
    for text in readable(told(history)):
        assert in_wire(text.strip()) in wire
    if target.abilities.tools and source.abilities.tools:
        assert pairs_of(target, second) == pairs_of(source, first)


@each_target
@given(answer=st.sampled_from(MODELS).flatmap(cut_answers))
@often(0.25)
def test_an_answer_cut_off_anywhere_is_accepted_by_every_model(
    target: ModelInfo, answer: Message
) -> None:
    history = (user_message("go"), answer, user_message("go on"))

    body = body_of(target, history)

    assert refusals(target, body) == []
    wire = json.dumps(body, ensure_ascii=False)
    for text in told(history):
        assert in_wire(text) in wire


@each_target
@given(history=muddles())
@often(0.4)
def test_any_part_in_any_role_is_made_acceptable(target: ModelInfo, history: History) -> None:
    assert refusals(target, body_of(target, history)) == []


@each_target
@given(talk=signed_conversations(TARGETS))
@often(0.25)
def test_a_model_gets_its_own_signed_reasoning_back_and_nobody_elses(
    target: ModelInfo, talk: tuple[History, dict[str, ModelInfo]]
) -> None:
    history, signatures = talk

    wire = json.dumps(body_of(target, history))

    for signature, owner in signatures.items():
        assert (signature in wire) == (owner is target and signs(target))


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
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "x"}]}]},
    "mistral": {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
    },
    "cohere": {
        "model": "m",
        "stream": True,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
    },
}


@pytest.mark.parametrize("api", GOOD)
@pytest.mark.parametrize("place", ["body", "message", "part"])
def test_the_rebuilt_types_accept_good_and_refuse_strangers(api: Any, place: str) -> None:
    if api in PACKAGES and not is_present(api):
        pytest.skip("the vendor's package is not installed")
    body = json.loads(json.dumps(GOOD[api]))
    message = (body.get("messages") or body.get("input") or body["contents"])[0]

    part = (message.get("content") or message["parts"])[0]
    assert problems(api, body) == []

    {"body": body, "message": message, "part": part}[place]["stranger"] = 1
    assert problems(api, body)


def test_one_target_is_a_compatible_server() -> None:
    assert any(is_compatible(model) for model in TARGETS)


@each_target
def test_names_and_prompts_of_another_encoding_can_be_sent(target: ModelInfo) -> None:
    # So the operating system gives what is no UTF-8, and so it comes from the command line.
    name = os.fsdecode(b"caf\xe9.pdf")
    files = (Document(b"%PDF-1.7", "application/pdf", name), Image(b"\x89PNG", "image/png", name))
    parts = (*files, Text("see"))
    asked = Message(role="user", parts=parts)
    call = ToolCall("c1", "run", {})
    history = (
        asked,
        Message(role="assistant", parts=(*parts, call), stop="tool_calls"),
        Message(role="tool", parts=(ToolResult("c1", "run", parts),)),
        asked,
    )

    assert refusals(target, body_of(target, history, system=f"You see {name}")) == []

"""The wire formats as a table: encode for each, and judge what comes of it.

A new format is one line here, and a model of it in `tests.core.strategies.MODELS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flux_tui.core.messages import Message
from flux_tui.core.models import Api, ModelInfo
from flux_tui.providers.base import ChatRequest, Endpoint, ToolSpec
from flux_tui.providers.registry import make_provider
from flux_tui.sim.rules import anthropic, cohere, gemini, mistral, openai_chat, openai_responses
from flux_tui.sim.rules.common import Violation
from tests.conversion.strict_types import problems
from tests.core.strategies import MODELS

Body = dict[str, Any]


@dataclass(frozen=True)
class Format:
    """How one format is judged: where its history stands, and what marks a call and a result."""

    history: str
    call: str
    result: str
    check: Callable[[Body, ModelInfo], list[Violation]]
    folder: str  # of its recorded traffic


def is_compatible(model: ModelInfo) -> bool:
    return model.ref.provider == "box"


FORMATS: dict[Api, Format] = {
    "anthropic": Format(
        "messages",
        '"type":"tool_use"',
        '"type":"tool_result"',
        lambda body, _: anthropic.check(body),
        "anthropic",
    ),
    "openai-responses": Format(
        "input",
        '"type":"function_call"',
        '"type":"function_call_output"',
        lambda body, _: openai_responses.check(body),
        "openai_responses",
    ),
    "openai-chat": Format(
        "messages",
        '"type":"function"',
        '"role":"tool"',
        lambda body, model: openai_chat.check(body, compat=is_compatible(model)),
        "openai_chat",
    ),
    "gemini": Format(
        "contents",
        '"functionCall":',
        '"functionResponse":',
        lambda body, model: gemini.check(body, model.ref.name),
        "gemini",
    ),
    "mistral": Format(
        "messages",
        '"type":"function"',
        '"role":"tool"',
        lambda body, _: mistral.check(body),
        "mistral",
    ),
    "cohere": Format(
        "messages",
        '"type":"function"',
        '"role":"tool"',
        lambda body, _: cohere.check(body),
        "cohere",
    ),
}

TARGETS = tuple(model for model in MODELS if model.api in FORMATS)


def encode(
    model: ModelInfo,
    messages: tuple[Message, ...],
    system: str = "",
    tools: tuple[ToolSpec, ...] = (),
) -> Body:
    """The body that the provider of *model* would send."""
    provider = model.ref.provider
    endpoint = Endpoint(provider=provider, label="", api=model.api, base_url=model.base_url)
    request = ChatRequest(model=model, messages=messages, system=system, tools=tools)
    return make_provider(endpoint).body(request)


def refusals(model: ModelInfo, body: Body) -> list[str]:
    """Everything anybody has against *body*."""
    sent = json.loads(json.dumps(body, ensure_ascii=False).encode())
    assert sent == body
    broken = FORMATS[model.api].check(sent, model)
    if is_compatible(model):
        # OpenAI's own types do not know what compatible servers want back.
        for message in sent["messages"]:
            message.pop("reasoning_content", None)
    return [*problems(model.api, sent), *(f"{v.rule} {v.path}: {v.message}" for v in broken)]


def history_of(model: ModelInfo, body: Body) -> list[Any]:
    """The messages of *body*, without its leading system message."""
    items = body[FORMATS[model.api].history]
    lead = {"system", "developer"}
    return items[1:] if items and items[0].get("role") in lead else items


def pairs_of(model: ModelInfo, body: Body) -> tuple[int, int]:
    """How many calls and how many results *body* holds."""
    wire = json.dumps(history_of(model, body), separators=(",", ":"))
    return wire.count(FORMATS[model.api].call), wire.count(FORMATS[model.api].result)

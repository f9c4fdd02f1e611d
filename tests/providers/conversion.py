"""Encode for each format, and judge the body by the rebuilt types and by the simulator's rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flux_tui.core.messages import Message
from flux_tui.core.models import ModelInfo
from flux_tui.providers.base import ChatRequest, Endpoint, ToolSpec
from flux_tui.providers.registry import make_provider
from flux_tui.sim.rules import anthropic as anthropic_rules
from flux_tui.sim.rules import mistral as mistral_rules
from flux_tui.sim.rules import openai_chat as chat_rules
from flux_tui.sim.rules import openai_responses as responses_rules
from flux_tui.sim.rules.common import Violation
from tests.providers.strict_types import problems

_CHECKS: dict[str, Callable[[dict[str, Any]], list[Violation]]] = {
    "anthropic": anthropic_rules.check,
    "openai-responses": responses_rules.check,
    "mistral": mistral_rules.check,
}
_TYPED = {"anthropic", "openai-responses", "openai-chat"}  # an SDK with types is installed


def encode(
    model: ModelInfo,
    messages: tuple[Message, ...],
    system: str = "",
    tools: tuple[ToolSpec, ...] = (),
) -> dict[str, Any]:
    request = ChatRequest(model=model, messages=messages, system=system, tools=tools)
    endpoint = Endpoint(
        provider=model.ref.provider, label="", api=model.api, base_url=model.base_url
    )
    return make_provider(endpoint).body(request)


def refusals(model: ModelInfo, body: dict[str, Any]) -> list[str]:
    """Everything anybody has against *body*."""
    sent = json.loads(json.dumps(body, ensure_ascii=False).encode())
    assert sent == body
    match model.api:
        case "openai-chat":
            broken = chat_rules.check(sent, compat=model.ref.provider == "box")
        case api:
            broken = _CHECKS[api](sent)
    if model.ref.provider == "box":
        # OpenAI's own types do not know what compatible servers want back.
        for message in sent["messages"]:
            message.pop("reasoning_content", None)
    typed = problems(model.api, sent) if model.api in _TYPED else []
    return [*typed, *(f"{v.rule} {v.path}: {v.message}" for v in broken)]

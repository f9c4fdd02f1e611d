"""Encode for each format, and judge the body by the rebuilt types and by the simulator's rules."""

from __future__ import annotations

import json
from typing import Any

from flux_tui.core.messages import Message
from flux_tui.core.models import ModelInfo
from flux_tui.providers import anthropic, openai_chat, openai_responses
from flux_tui.providers.base import ChatRequest, ToolSpec
from flux_tui.sim.rules import anthropic as anthropic_rules
from flux_tui.sim.rules import openai_chat as chat_rules
from flux_tui.sim.rules import openai_responses as responses_rules
from tests.providers.strict_types import problems


def encode(
    model: ModelInfo,
    messages: tuple[Message, ...],
    system: str = "",
    tools: tuple[ToolSpec, ...] = (),
) -> dict[str, Any]:
    request = ChatRequest(model=model, messages=messages, system=system, tools=tools)
    match model.api:
        case "anthropic":
            return anthropic.encode(request)
        case "openai-responses":
            return openai_responses.encode(request)
        case "openai-chat":
            return openai_chat.encode(request)


def refusals(model: ModelInfo, body: dict[str, Any]) -> list[str]:
    """Everything anybody has against *body*."""
    sent = json.loads(json.dumps(body, ensure_ascii=False).encode())
    assert sent == body
    match model.api:
        case "anthropic":
            broken = anthropic_rules.check(sent)
        case "openai-responses":
            broken = responses_rules.check(sent)
        case "openai-chat":
            broken = chat_rules.check(sent, compat=model.ref.provider == "box")
    if model.ref.provider == "box":
        # OpenAI's own types do not know what compatible servers want back.
        for message in sent["messages"]:
            message.pop("reasoning_content", None)
    return [*problems(model.api, sent), *(f"{v.rule} {v.path}: {v.message}" for v in broken)]

"""What the profiles say of a model is what its vendor accepts, setting by setting."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Text,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import EFFORTS, Effort, ModelInfo, ModelRef
from flux_tui.core.normalize import normalize
from flux_tui.providers.base import ChatRequest, Endpoint, ToolSpec
from flux_tui.providers.profiles import bundled, describe
from flux_tui.providers.registry import PROVIDERS, make_provider
from tests.conversion.formats import refusals
from tests.core.strategies import PNG

MODELS = tuple(
    describe(ModelRef(spec.id, name), spec.api, spec.base_url)
    for spec in PROVIDERS.values()
    for name in bundled(spec.id)
)
PICTURE = Image(PNG, "image/png", "a.png", 1, 1)
PDF = Document(b"%PDF-1.4", "application/pdf", "a.pdf", "its words")
HISTORY = (
    user_message("look", (PICTURE, PDF)),
    Message(role="assistant", parts=(Text("so"), ToolCall("call_1", "show")), stop="tool_calls"),
    Message(role="tool", parts=(ToolResult("call_1", "show", (Text("here"), PICTURE, PDF)),)),
    Message(role="assistant", parts=(Text("seen"),), stop="end"),
    user_message("more"),
)
TOOLS = (ToolSpec("show", "Show.", {"type": "object", "properties": {"path": {}}}),)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model.ref))
def test_every_setting_of_every_bundled_model_is_accepted(model: ModelInfo) -> None:
    endpoint = Endpoint(
        provider=model.ref.provider, label="", api=model.api, base_url=model.base_url
    )
    provider = make_provider(endpoint)
    messages, _ = normalize(HISTORY, model)
    efforts: tuple[Effort | None, ...] = (None, *EFFORTS)
    for effort, warm, most in product(efforts, (None, 0.5, 2.0), (None, 2_000, 9_999_999)):
        body = provider.body(
            ChatRequest(
                model=model,
                messages=messages,
                system="Be brief.",
                tools=TOOLS if model.abilities.tools else (),
                effort=effort,
                temperature=warm,
                max_output=most,
                cache_key="s" * 90,
            )
        )
        assert refusals(model, body) == [], (effort, warm, most)


def test_a_profile_that_promised_too_much_would_be_noticed() -> None:
    known = next(model for model in MODELS if model.ref.name == "claude-sonnet-4-6")
    boasting = replace(known, efforts=EFFORTS)
    endpoint = Endpoint(provider="anthropic", label="", api=known.api, base_url=known.base_url)

    body = make_provider(endpoint).body(
        ChatRequest(model=boasting, messages=(user_message("hi"),), effort="xhigh")
    )

    assert any(one.startswith("A-effort") for one in refusals(known, body))


def test_every_provider_has_models_to_test() -> None:
    assert {model.ref.provider for model in MODELS} == set(PROVIDERS)

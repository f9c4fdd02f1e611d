"""Which vendors are built in: one line each, read by the settings and by the providers."""

from __future__ import annotations

from dataclasses import dataclass

from flux_tui.core.models import Api


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A vendor's own endpoint.

    `target` is ``module:Class`` below `flux_tui.providers`. `key_names` are the environment
    variables that may hold the key, best first; `base_url_name` is the one that moves the endpoint.
    """

    id: str
    label: str
    target: str
    api: Api
    base_url: str
    key_names: tuple[str, ...]
    base_url_name: str


_OPENAI = "https://api.openai.com/v1"
_SPECS = (
    ProviderSpec(
        "anthropic",
        "Anthropic",
        "anthropic:Anthropic",
        "anthropic",
        "https://api.anthropic.com",
        ("ANTHROPIC_API_KEY",),
        "ANTHROPIC_BASE_URL",
    ),
    ProviderSpec(
        "openai",
        "OpenAI",
        "openai_responses:OpenAIResponses",
        "openai-responses",
        _OPENAI,
        ("OPENAI_API_KEY",),
        "OPENAI_BASE_URL",
    ),
    ProviderSpec(
        "openai-chat",
        "OpenAI Chat",
        "openai_chat:OpenAIChat",
        "openai-chat",
        _OPENAI,
        ("OPENAI_API_KEY",),
        "OPENAI_BASE_URL",
    ),
    ProviderSpec(
        "gemini",
        "Google Gemini",
        "gemini:Gemini",
        "gemini",
        "https://generativelanguage.googleapis.com",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "GEMINI_BASE_URL",
    ),
    ProviderSpec(
        "mistral",
        "Mistral",
        "mistral:Mistral",
        "mistral",
        "https://api.mistral.ai/v1",
        ("MISTRAL_API_KEY",),
        "MISTRAL_BASE_URL",
    ),
    ProviderSpec(
        "cohere",
        "Cohere",
        "cohere:Cohere",
        "cohere",
        "https://api.cohere.com/v2",
        ("CO_API_KEY",),
        "CO_BASE_URL",
    ),
)

PROVIDERS: dict[str, ProviderSpec] = {spec.id: spec for spec in _SPECS}
"""The built-in providers by id. A compatible server is a settings entry, not a line here."""

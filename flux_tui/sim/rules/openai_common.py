"""What OpenAI's two APIs refuse alike: model profiles, tools, files."""

from __future__ import annotations

from collections.abc import Iterator

from flux_tui.sim.catalog import GptProfile
from flux_tui.sim.rules.common import Violation, listed
from flux_tui.sim.values import Object, mapping, string

AUDIO_MODELS = ("gpt-audio", "gpt-4o-audio", "gpt-4o-mini-audio", "gpt-4o-realtime")


def unsupported(rule: str, name: str, more: str = "", code: str | None = None) -> Violation:
    """Refuse a parameter that the model does not take."""
    text = f"Unsupported parameter: '{name}' is not supported with this model.{more}"
    return Violation(rule, name, text, name, code)


def effort_violations(
    rule: str, param: str, effort: str, model: str, efforts: tuple[str, ...]
) -> Iterator[Violation]:
    """Refuse an effort level the model does not have."""
    if not efforts:
        yield unsupported(rule, param, code="unsupported_parameter")
    elif effort not in efforts:
        text = (
            f"Unsupported value: '{effort}' is not supported with the '{model}' model. "
            f"Supported values are: {listed(efforts)}."
        )
        yield Violation(rule, param, text, param, "unsupported_value")


def reasons(profile: GptProfile, effort: str) -> bool:
    """Whether a request with this effort ("" for none given) makes the model reason."""
    if not profile.reasoning:
        return False
    return effort != "none" if effort else profile.reasons_by_default


def choice_violations(rule: str, names: list[str], choice: object, chosen: str) -> list[Violation]:
    """Refuse a tool choice without tools, or of a tool that is not there."""
    if choice is None or choice in ("none", "auto"):
        return []
    if not names:
        text = "Tool choice 'required' must be specified with 'tools' parameter."
        return [Violation(rule, "tool_choice", text, "tool_choice")]
    if chosen and chosen not in names:
        text = f"Tool choice '{chosen}' not found in 'tools' parameter."
        return [Violation(rule, "tool_choice", text, "tool_choice")]
    return []


def image_violations(rule: str, path: str, url: str) -> Iterator[Violation]:
    """Refuse an image that is neither a web address nor a data URL of a known format."""
    if url.startswith(("http://", "https://")):
        return
    kinds = tuple(f"data:image/{kind};base64," for kind in ("png", "jpeg", "gif", "webp"))
    if not url.startswith(kinds):
        text = (
            f"Invalid '{path}'. Expected a valid URL, but got a value with an invalid format. "
            "Supported image formats are: png, jpeg, gif and webp."
        )
        yield Violation(rule, path, text, path, "invalid_value")


def schema_violations(rule: str, path: str, tool: Object) -> Iterator[Violation]:
    """Refuse parameters that are no JSON schema of an object with its properties."""
    name = string(tool.get("name"))
    schema = mapping(tool.get("parameters"))
    found = schema.get("type")
    if found not in (None, "object"):
        text = (
            f"Invalid schema for function '{name}': schema must be a JSON Schema of "
            f"'type: \"object\"', got 'type: \"{found}\"'."
        )
        yield Violation(rule, path, text, path, "invalid_function_parameters")
    elif found == "object" and "properties" not in schema:
        why = "In context=(), object schema missing properties."
        text = f"Invalid schema for function '{name}': {why}"
        yield Violation(rule, path, text, path, "invalid_function_parameters")

"""What each family of Gemini models accepts, and what Google refuses for it.

Source: the model pages and the guides on thinking and thought signatures of the Gemini API, read
2026-11-22; wording from recorded error bodies and public issue reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flux_tui.sim.rules.common import Violation
from flux_tui.sim.values import Object, integer, mapping, objects, string

SENTINELS = frozenset(
    {
        "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",  # skip_thought_signature_validator
        "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv",  # context_engineering_is_the_way_...
    }
)
"""What Google tells clients to send for calls that another model made, in base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeminiProfile:
    """What a family of Gemini models accepts.

    Attributes:
        levels: of thinkingLevel; empty when it takes none.
        budget: the smallest and the largest thinkingBudget; None when it does not think.
        can_stop: whether a budget of 0 turns thinking off.
        signs: whether the first call of each step must carry its thought signature.
        result_files: whether results of functions may hold files.
    """

    prefixes: tuple[str, ...]
    levels: tuple[str, ...] = ()
    budget: tuple[int, int] | None = None
    can_stop: bool = False
    thinks_by_default: bool = True
    signs: bool = False
    result_files: bool = False
    max_output: int = 65_536


_ALL = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
_BUDGET = (128, 32_768)

PROFILES = (
    GeminiProfile(
        prefixes=("gemini-2.0", "gemini-1", "gemma"), thinks_by_default=False, max_output=8192
    ),
    GeminiProfile(
        prefixes=("gemini-2.5-flash-lite",),
        budget=(512, 24_576),
        can_stop=True,
        thinks_by_default=False,
    ),
    GeminiProfile(prefixes=("gemini-2.5-flash",), budget=(1, 24_576), can_stop=True),
    GeminiProfile(prefixes=("gemini-2.5",), budget=_BUDGET),
    GeminiProfile(
        prefixes=("gemini-3-pro",),
        levels=("LOW", "HIGH"),
        budget=_BUDGET,
        signs=True,
        result_files=True,
    ),
    GeminiProfile(
        prefixes=("gemini-3.1-pro", "gemini-3.7", "gemini-3.8", "gemini-4"),
        levels=("LOW", "MEDIUM", "HIGH"),
        budget=_BUDGET,
        signs=True,
        result_files=True,
    ),
    GeminiProfile(
        prefixes=("gemini-3",), levels=_ALL, budget=_BUDGET, signs=True, result_files=True
    ),
)
OTHER = GeminiProfile(prefixes=("",), levels=_ALL, budget=_BUDGET, can_stop=True, result_files=True)


def profile_of(model: str) -> GeminiProfile:
    """What a Gemini model accepts."""
    return next((row for row in PROFILES if model.startswith(row.prefixes)), OTHER)


def model_violations(body: Object, model: str) -> Iterator[Violation]:
    """What this one model refuses in *body*, whose form is right."""
    profile = profile_of(model)
    config = mapping(body.get("generationConfig"))
    yield from _thinking(mapping(config.get("thinkingConfig")), profile, model)
    most = integer(config.get("maxOutputTokens"))
    if most is not None and not 0 < most <= profile.max_output:
        yield Violation(
            "G-output",
            "generation_config.max_output_tokens",
            f"Unable to submit request because it has a maxOutputTokens value of {most} but the "
            f"supported range is from 1 (inclusive) to {profile.max_output + 1} (exclusive). "
            "Update the value and try again.",
        )
    contents = objects(body.get("contents"))
    if not profile.result_files:
        yield from _result_files(contents)
    if profile.signs:
        yield from _signatures(contents)


def _thinking(config: Object, profile: GeminiProfile, model: str) -> Iterator[Violation]:
    path = "generation_config.thinking_config"
    level = string(config.get("thinkingLevel")).upper()
    budget = integer(config.get("thinkingBudget"))
    if profile.budget is None and (level or config.get("includeThoughts") or budget):
        yield Violation("G-thinking", path, f"Thinking is not enabled for models/{model}")
        return
    if level and budget is not None:
        text = "You can only set only one of thinking budget and thinking level."
        yield Violation("G-thinking", path, text)
    elif level and not profile.levels:
        yield Violation("G-level", path, "Thinking level is not supported for this model.")
    elif level and level not in profile.levels:
        text = (
            f"Thinking level {level} is not supported for this model. Please retry with other "
            "thinking level."
        )
        yield Violation("G-level", path, text)
    if budget is not None and budget != -1 and profile.budget is not None:
        yield from _budget(budget, profile.budget, path, can_stop=profile.can_stop)


def _budget(
    budget: int, bounds: tuple[int, int], path: str, *, can_stop: bool
) -> Iterator[Violation]:
    least, most = bounds
    if budget == 0 and not can_stop:
        text = "Budget 0 is invalid. This model only works in thinking mode."
        yield Violation("G-budget", path, text)
    elif budget and not least <= budget <= most:
        text = (
            f"The thinking budget {budget} is invalid. Please choose a value between {least} and "
            f"{most}."
        )
        yield Violation("G-budget", path, text)


def _result_files(contents: list[Object]) -> Iterator[Violation]:
    for at, content in enumerate(contents):
        for place, part in enumerate(objects(content.get("parts"))):
            if mapping(part.get("functionResponse")).get("parts"):
                path = f"contents[{at}].parts[{place}].function_response.parts"
                text = "Multimodal function responses are not supported for this model."
                yield Violation("G-result-files", path, text)


def _signatures(contents: list[Object]) -> Iterator[Violation]:
    """The steps since the user spoke last: the first call of each must be signed."""
    for at in range(_turn_begins(contents), len(contents)):
        parts = objects(contents[at].get("parts"))
        calls = [(place, part) for place, part in enumerate(parts) if part.get("functionCall")]
        merged = at > 0 and contents[at - 1].get("role") == contents[at].get("role")
        if not calls or calls[0][1].get("thoughtSignature") or merged:
            continue
        place, part = calls[0]
        name = string(mapping(part["functionCall"]).get("name"))
        yield Violation(
            "G8",
            f"contents[{at}].parts[{place}]",
            "Function call is missing a thought_signature in functionCall parts. This is "
            "required for tools to work correctly, and missing thought_signature may lead to "
            "degraded model performance. Additional data, function call "
            f"`default_api:{name}` , position {at + 1}. Please refer to "
            "https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
        )


def _turn_begins(contents: list[Object]) -> int:
    for at in range(len(contents) - 1, -1, -1):
        parts = objects(contents[at].get("parts"))
        answers = any("functionResponse" in part for part in parts)
        if contents[at].get("role") != "model" and not answers:
            return at
    return 0

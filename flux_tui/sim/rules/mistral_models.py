"""What each family of Mistral's models accepts.

Source: the vendor's model pages and the probes of pydantic-ai 2.68, read 2026-11-22. The first
row whose prefix begins the model's name counts.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MistralProfile:
    """What a family accepts. `efforts` is empty where the reasoning cannot be adjusted."""

    prefixes: tuple[str, ...]
    efforts: tuple[str, ...] = ()
    always_reasons: bool = False
    images: bool = True


_ADJUSTABLE = ("none", "high")
PROFILES = (
    MistralProfile(prefixes=("magistral",), always_reasons=True),
    MistralProfile(
        prefixes=(
            "mistral-medium-3-5",
            "mistral-medium-3.5",
            "mistral-medium-latest",
            "mistral-small-2603",
            "mistral-small-4",
            "mistral-small-latest",
            "mistral-large-4",
        ),
        efforts=_ADJUSTABLE,
    ),
    MistralProfile(
        prefixes=("codestral", "devstral", "mistral-tiny", "open-mistral", "mistral-7b"),
        images=False,
    ),
)
OTHER = MistralProfile(prefixes=("",))


def mistral_profile(model: str) -> MistralProfile:
    """What a Mistral model accepts."""
    return next((row for row in PROFILES if model.startswith(row.prefixes)), OTHER)


def reasons(model: str, effort: str, mode: str) -> bool:
    """Whether a request with this effort and prompt mode ("" for none given) makes it reason."""
    profile = mistral_profile(model)
    return profile.always_reasons or mode == "reasoning" or effort not in ("", "none")

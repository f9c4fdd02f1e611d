"""What each family of Cohere's models accepts.

Source: the vendor's model pages, read 2026-11-23. The first row whose prefix begins the model's
name counts.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CohereProfile:
    """What a family accepts; `max_output` in tokens."""

    prefixes: tuple[str, ...]
    thinks: bool = False
    images: bool = False
    tools: bool = True
    max_output: int = 4_000


PROFILES = (
    CohereProfile(prefixes=("command-a-reasoning",), thinks=True, max_output=32_000),
    CohereProfile(prefixes=("command-a-vision",), images=True, tools=False, max_output=8_000),
    CohereProfile(prefixes=("command-a",), max_output=8_000),
)
OTHER = CohereProfile(prefixes=("",))


def cohere_profile(model: str) -> CohereProfile:
    """What a Cohere model accepts."""
    return next((row for row in PROFILES if model.startswith(row.prefixes)), OTHER)

"""What is known of a model without asking its vendor: the rows of `profiles.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, TypedDict, cast

from flux_tui.core.models import (
    Abilities,
    Api,
    Effort,
    ModelInfo,
    ModelRef,
    ThinkingStyle,
)

Ability = Literal[
    "images", "documents", "tools", "tool_result_images", "sampling", "forced_tool_choice"
]
ABILITIES: tuple[Ability, ...] = (
    "images",
    "documents",
    "tools",
    "tool_result_images",
    "sampling",
    "forced_tool_choice",
)

# A model nobody told us about: tools are near universal, everything else may be refused.
_MINIMUM = Abilities()


class _Row(TypedDict, total=False):
    prefixes: list[str]
    window: int
    output: int
    can: list[Ability]
    images: int
    thinking: ThinkingStyle
    default: bool
    binds: bool
    efforts: list[Effort]
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class _Table:
    names: dict[str, tuple[str, ...]]
    families: dict[str, tuple[_Row, ...]]


# Whose rows a format reads; the others are called like their format.
_FAMILY: dict[Api, str] = {"openai-responses": "openai", "openai-chat": "openai"}
# How routers name the vendor before the model: anthropic/claude-opus-4.8.
_ROUTED = {
    "anthropic": "anthropic",
    "google": "gemini",
    "mistralai": "mistral",
    "mistral": "mistral",
    "cohere": "cohere",
}


@cache
def _table() -> _Table:
    text = resources.files("flux_tui.providers").joinpath("profiles.toml").read_text("utf-8")
    # The file is ours and its shape is tested; TOML itself knows no types of ours.
    data = cast("dict[str, list[_Row]]", tomllib.loads(text))
    names = cast("dict[str, list[str]]", data.pop("names"))
    return _Table(
        {provider: tuple(listed) for provider, listed in names.items()},
        {family: tuple(rows) for family, rows in data.items()},
    )


def describe(ref: ModelRef, api: Api, base_url: str, *, simulated: bool = False) -> ModelInfo:
    """Return what is known of *ref* at this endpoint; an unknown model gets the minimum.

    The minimum is text and tools: no images, no sampling parameters, no effort, no limits.
    Dated names (`gpt-5.1-2025-11-13`) have the facts of their family. Reads a bundled file on
    first use (about 2 ms), then answers from memory.
    """
    row = _find(ref.name, api)
    facts = row or _Row()
    efforts: tuple[Effort, ...] = tuple(facts.get("efforts", []))
    if api == "openai-chat":
        efforts = tuple(level for level in efforts if level != "max")
    return ModelInfo(
        ref=ref,
        api=api,
        base_url=base_url,
        context_window=facts.get("window"),
        max_output=facts.get("output"),
        max_images=facts.get("images"),
        abilities=_abilities(facts, api) if "can" in facts else _MINIMUM,
        thinking=facts.get("thinking", "none"),
        thinking_default=facts.get("default", False),
        efforts=efforts,
        binds_prefix=facts.get("binds", False),
        simulated=simulated,
        source="profile" if row is not None else "unknown",
        as_of=facts.get("date", ""),
    )


def bundled(provider_id: str) -> tuple[str, ...]:
    """Model names of *provider_id* that are known offline, best first; empty for other ids."""
    return _table().names.get(provider_id, ())


def ability_names(abilities: Abilities) -> tuple[Ability, ...]:
    """The abilities that are there, by name, in a fixed order."""
    return tuple(name for name in ABILITIES if getattr(abilities, name))


def _find(name: str, api: Api) -> _Row | None:
    family = _FAMILY.get(api, api)
    vendor, slash, bare = name.lower().rpartition("/")
    row = _row_of(bare, family)
    routed = _ROUTED.get(vendor.rpartition("/")[2]) if slash else None
    if row is not None or routed is None or api != "openai-chat":
        return row
    # Routers write Anthropic's version numbers with a point.
    row = _row_of(bare.replace(".", "-") if routed == "anthropic" else bare, routed)
    if row is None:
        return None
    # A router translates; what it makes of a vendor's own switches nobody told us.
    known = ("window", "output", "date")
    kept = cast("_Row", {fact: value for fact, value in row.items() if fact in known})
    kept["can"] = [able for able in row.get("can", ()) if able in {"images", "tools"}]
    return kept


def _row_of(name: str, family: str) -> _Row | None:
    rows = _table().families.get(family, ())
    return next((row for row in rows if name.startswith(tuple(row.get("prefixes", ())))), None)


def _abilities(row: _Row, api: Api) -> Abilities:
    can = set(row.get("can", ()))
    if api == "openai-chat":
        can.discard("tool_result_images")  # a tool message of this format is text alone
    return Abilities(**{name: name in can for name in ABILITIES})

"""What is known of a model without asking its vendor: the rows of `profiles.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, TypedDict, cast

from flux_tui.core.models import Abilities, Api, Effort, ModelInfo, ModelRef, ThinkingStyle

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
    thinking: ThinkingStyle
    default: bool
    efforts: list[Effort]
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class _Table:
    names: dict[str, tuple[str, ...]]
    families: dict[str, tuple[_Row, ...]]


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
    row = _find(ref.name, "anthropic" if api == "anthropic" else "openai")
    if row is None:
        return ModelInfo(
            ref=ref, api=api, base_url=base_url, abilities=_MINIMUM, simulated=simulated
        )
    efforts: tuple[Effort, ...] = tuple(row.get("efforts", []))
    if api == "openai-chat":
        efforts = tuple(level for level in efforts if level != "max")
    return ModelInfo(
        ref=ref,
        api=api,
        base_url=base_url,
        context_window=row.get("window"),
        max_output=row.get("output"),
        abilities=_abilities(row, api),
        thinking=row.get("thinking", "none"),
        thinking_default=row.get("default", False),
        efforts=efforts,
        simulated=simulated,
        source="profile",
        as_of=row.get("date", ""),
    )


def bundled(provider_id: str) -> tuple[str, ...]:
    """Model names of *provider_id* that are known offline, best first; empty for other ids."""
    return _table().names.get(provider_id, ())


def ability_names(abilities: Abilities) -> tuple[Ability, ...]:
    """The abilities that are there, by name, in a fixed order."""
    return tuple(name for name in ABILITIES if getattr(abilities, name))


def _find(name: str, family: str) -> _Row | None:
    rows = _table().families[family]
    # Routers put the vendor before the name: openai/gpt-5.1.
    bare = name.rpartition("/")[2].lower()
    return next((row for row in rows if bare.startswith(tuple(row.get("prefixes", ())))), None)


def _abilities(row: _Row, api: Api) -> Abilities:
    can = set(row.get("can", ()))
    if api == "openai-chat":
        can.discard("tool_result_images")  # a tool message of this format is text alone
    return Abilities(**{name: name in can for name in ABILITIES})

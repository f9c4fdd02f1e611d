from __future__ import annotations

import tomllib
from importlib import resources
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.models import (
    EFFORTS,
    Abilities,
    Api,
    Effort,
    ModelInfo,
    ModelRef,
    ThinkingStyle,
)
from flux_tui.providers.profiles import ABILITIES, ability_names, bundled, describe
from flux_tui.sim import catalog

APIS: tuple[Api, ...] = get_args(Api)
API_OF: dict[str, Api] = {
    "anthropic": "anthropic",
    "openai": "openai-responses",
    "openai-chat": "openai-chat",
    "gemini": "gemini",
    "mistral": "mistral",
    "cohere": "cohere",
}
FAMILIES = ("anthropic", "openai", "gemini", "mistral", "cohere")


def known(name: str, provider: str = "anthropic") -> ModelInfo:
    return describe(ModelRef(provider, name), API_OF[provider], "https://example.com")


def rows() -> list[tuple[str, dict[str, object]]]:
    text = resources.files("flux_tui.providers").joinpath("profiles.toml").read_text("utf-8")
    table = tomllib.loads(text)
    return [(family, row) for family in FAMILIES for row in table[family]]


def test_every_row_uses_only_known_words() -> None:
    for _, row in rows():
        extra = set(row) - {
            *("prefixes", "window", "output", "can", "thinking", "default"),
            *("efforts", "source", "date", "images", "binds"),
        }
        assert not extra
        assert set(row["can"]) <= set(ABILITIES)  # type: ignore[call-overload]
        assert row.get("thinking", "none") in get_args(ThinkingStyle)
        assert row["source"] in {"vendor", "probed", "prices"}
        assert str(row["date"]).startswith("2026-")


def test_efforts_of_every_row_are_listed_lowest_first() -> None:
    for _, row in rows():
        ranks = [EFFORTS.index(level) for level in row.get("efforts", [])]  # type: ignore[attr-defined]
        assert all(low < high for low, high in pairwise(ranks))
        assert bool(ranks) == (row.get("thinking", "none") != "none")


def test_no_row_is_hidden_by_an_earlier_one() -> None:
    for family in FAMILIES:
        seen: list[str] = []
        for row in (row for name, row in rows() if name == family):
            prefixes = row["prefixes"]
            assert isinstance(prefixes, list)
            for prefix in prefixes:
                assert not prefix.startswith(tuple(seen)), prefix
            seen.extend(prefixes)


@pytest.mark.parametrize("provider", list(API_OF))
def test_every_bundled_name_has_a_profile(provider: str) -> None:
    names = bundled(provider)

    assert 6 <= len(names) <= 10
    assert len(set(names)) == len(names)
    for name in names:
        info = known(name, provider)
        assert info.source == "profile"
        assert info.as_of
        assert info.context_window


@pytest.mark.parametrize("provider", ["anthropic", "openai", "openai-chat"])
def test_every_bundled_name_is_on_offer_in_the_simulator(provider: str) -> None:
    vendor = "anthropic" if provider == "anthropic" else "openai"
    for name in bundled(provider):
        info, row = known(name, provider), catalog.find(name, vendor)
        assert row is not None
        assert (info.context_window, info.max_output) == (row.window, row.max_output)


def test_efforts_agree_with_what_the_simulated_vendor_accepts() -> None:
    for name in bundled("anthropic"):
        info, profile = known(name), catalog.claude_profile(name)
        if info.thinking == "adaptive":
            assert set(info.efforts) - {"off"} == set(profile.efforts)
            can_stop = bool({"disabled", "between_tools"} & set(profile.thinking))
            assert ("off" in info.efforts) == can_stop
        assert info.thinking_default == profile.thinks_by_default
        assert info.abilities.forced_tool_choice == profile.forced_tools
    for name in bundled("openai"):
        gpt = catalog.gpt_profile(name)
        efforts = tuple(
            "none" if level == "off" else level for level in known(name, "openai").efforts
        )
        assert efforts == gpt.efforts


def test_an_unknown_model_gets_tools_and_nothing_else() -> None:
    info = describe(ModelRef("local", "qwen3:8b"), "openai-chat", "http://localhost:11434/v1")

    assert info.abilities == Abilities(tools=True)
    assert (info.source, info.efforts, info.context_window) == ("unknown", (), None)


def test_a_bench_model_is_the_minimum_on_every_api() -> None:
    for api in APIS:
        assert describe(ModelRef("x", "mock-md"), api, "http://127.0.0.1").source == "unknown"


def test_dated_and_routed_names_have_the_facts_of_their_family() -> None:
    assert known("gpt-5.1-2025-11-13", "openai").context_window == 400_000
    assert known("openai/gpt-5.1", "openai").context_window == 400_000
    assert known("claude-sonnet-4-5-20250929").thinking == "budget"


def test_chat_completions_has_neither_the_highest_effort_nor_images_in_results() -> None:
    info = known("gpt-6-sol", "openai-chat")

    assert info.efforts[-1] == "xhigh"
    assert not info.abilities.tool_result_images
    assert known("gpt-6-sol", "openai").efforts[-1] == "max"


def test_open_weights_are_not_taken_for_a_reasoning_model_of_the_vendor() -> None:
    assert known("gpt-oss-20b", "openai-chat").efforts == ()


def test_ability_names_list_what_is_there_in_order() -> None:
    assert ability_names(Abilities(images=True, forced_tool_choice=False)) == ("images", "tools")


@given(st.text(min_size=1), st.sampled_from(APIS), st.booleans())
def test_any_name_can_be_described(name: str, api: Api, simulated: bool) -> None:
    info = describe(ModelRef("p", name), api, "https://example.com", simulated=simulated)

    assert info.ref.name == name
    assert info.simulated is simulated
    assert info.abilities.tools or info.source == "profile"


def test_newer_gemini_models_take_levels_and_older_ones_a_budget() -> None:
    assert known("gemini-4-argon", "gemini").efforts == ("low", "medium", "high")
    assert known("gemini-2.5-flash", "gemini").thinking == "budget"
    assert "off" not in known("gemini-2.5-pro", "gemini").efforts
    assert not known("gemini-2.5-pro", "gemini").abilities.tool_result_images
    assert not known("gemini-3.1-flash-image-preview", "gemini").abilities.tools


def test_mistral_models_reason_highly_or_not_at_all() -> None:
    assert known("mistral-medium-latest", "mistral").efforts == ("off", "high")
    assert known("mistral-large-2512", "mistral").efforts == ()
    assert known("mistral-large-2512", "mistral").max_output is None


def test_only_the_newest_claude_models_bind_their_reasoning() -> None:
    bind = {name for name in bundled("anthropic") if known(name).binds_prefix}

    assert bind == {"claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"}


def test_a_router_gets_the_limits_of_the_vendors_model_but_none_of_its_switches() -> None:
    routed = known("anthropic/claude-opus-4.8", "openai-chat")

    assert (routed.context_window, routed.max_output) == (1_000_000, 128_000)
    assert routed.abilities.images
    assert (routed.thinking, routed.efforts, routed.max_images) == ("none", (), None)
    assert known("openrouter/google/gemini-3.8-flash", "openai-chat").abilities.images
    assert known("google/gemini-new", "openai-chat").source == "unknown"
    assert known("elsewhere/claude-opus-4-8", "openai-chat").source == "unknown"


@pytest.mark.parametrize("wanted", EFFORTS)
def test_an_effort_is_snapped_to_the_nearest_level_above(wanted: Effort) -> None:
    for provider in API_OF:
        for name in bundled(provider):
            info = known(name, provider)
            given = info.snap_effort(wanted)
            assert given in (info.efforts or (None,))

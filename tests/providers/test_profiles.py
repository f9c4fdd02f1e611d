from __future__ import annotations

import tomllib
from importlib import resources
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.models import EFFORTS, Abilities, Api, ModelInfo, ModelRef, ThinkingStyle
from flux_tui.providers.profiles import ABILITIES, ability_names, bundled, describe
from flux_tui.sim import catalog

APIS: tuple[Api, ...] = ("anthropic", "openai-responses", "openai-chat")
API_OF: dict[str, Api] = {
    "anthropic": "anthropic",
    "openai": "openai-responses",
    "openai-chat": "openai-chat",
}


def known(name: str, provider: str = "anthropic") -> ModelInfo:
    return describe(ModelRef(provider, name), API_OF[provider], "https://example.com")


def rows() -> list[tuple[str, dict[str, object]]]:
    text = resources.files("flux_tui.providers").joinpath("profiles.toml").read_text("utf-8")
    table = tomllib.loads(text)
    return [(family, row) for family in ("anthropic", "openai") for row in table[family]]


def test_every_row_uses_only_known_words() -> None:
    for _, row in rows():
        extra = set(row) - {
            *("prefixes", "window", "output", "can", "thinking", "default"),
            *("efforts", "source", "date"),
        }
        assert not extra
        assert set(row["can"]) <= set(ABILITIES)  # type: ignore[call-overload]
        assert row.get("thinking", "none") in get_args(ThinkingStyle)
        assert row["source"] in {"vendor", "probed"}
        assert str(row["date"]).startswith("2026-")


def test_efforts_of_every_row_are_listed_lowest_first() -> None:
    for _, row in rows():
        ranks = [EFFORTS.index(level) for level in row.get("efforts", [])]  # type: ignore[attr-defined]
        assert all(low < high for low, high in pairwise(ranks))
        assert bool(ranks) == (row.get("thinking", "none") != "none")


def test_no_row_is_hidden_by_an_earlier_one() -> None:
    for family in ("anthropic", "openai"):
        seen: list[str] = []
        for row in (row for name, row in rows() if name == family):
            prefixes = row["prefixes"]
            assert isinstance(prefixes, list)
            for prefix in prefixes:
                assert not prefix.startswith(tuple(seen)), prefix
            seen.extend(prefixes)


@pytest.mark.parametrize("provider", list(API_OF))
def test_every_bundled_name_has_a_profile_and_is_on_offer_in_the_simulator(provider: str) -> None:
    names = bundled(provider)

    assert 6 <= len(names) <= 10
    assert len(set(names)) == len(names)
    vendor = "anthropic" if provider == "anthropic" else "openai"
    for name in names:
        info = known(name, provider)
        assert info.source == "profile"
        row = catalog.find(name, vendor)
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

"""The models the simulator knows, and what each family of them accepts.

Source: the vendors' model pages and the probes of pydantic-ai 2.68 (profiles/anthropic.py,
profiles/openai.py), read 2026-11-22. A row applies to every model whose name begins with one of
its prefixes; the first row that fits counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Vendor: TypeAlias = Literal["anthropic", "openai", "gemini", "mistral", "cohere"]
Inline: TypeAlias = Literal["yes", "ignored", "no"]

_FULL = ("low", "medium", "high", "xhigh", "max")
_DATED = re.compile(r"-(20\d{6}|20\d\d-\d\d-\d\d)$|-latest$")


@dataclass(frozen=True, slots=True)
class SimModel:
    """One model on offer; `window` and `max_output` in tokens."""

    id: str
    vendor: Vendor
    name: str
    window: int
    max_output: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeProfile:
    """What a family of Anthropic models accepts."""

    prefixes: tuple[str, ...]
    thinking: tuple[str, ...] = ("adaptive", "disabled")
    thinks_by_default: bool = False
    shows_thinking: bool = False  # False: `thinking` is empty unless a summary is asked for
    efforts: tuple[str, ...] = _FULL
    efforts_off: tuple[str, ...] = _FULL  # while thinking is disabled or between_tools
    forced_tools: bool = True
    prefill: bool = False
    inline_system: Inline = "no"
    binds_prefix: bool = False
    sampling: bool = False  # even then only with anthropic-version 2023-06-01
    max_output: int = 128_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GptProfile:
    """What a family of OpenAI models accepts. `efforts` is empty when it does not reason."""

    prefixes: tuple[str, ...]
    efforts: tuple[str, ...] = ()
    reasons_by_default: bool = True
    modes: bool = False  # takes reasoning.mode
    all_turns: bool = False  # takes reasoning.context all_turns
    bills_cache_writes: bool = False
    phases: bool = False  # tells commentary from the final answer
    system_role: bool = True
    stop: bool = True

    @property
    def reasoning(self) -> bool:
        """Whether the family can reason at all."""
        return bool(self.efforts)


CLAUDE = (
    ClaudeProfile(
        prefixes=("claude-opus-5-5",),
        thinking=("adaptive",),
        thinks_by_default=True,
        forced_tools=False,
        inline_system="yes",
        binds_prefix=True,
    ),
    ClaudeProfile(
        prefixes=("claude-sonnet-5-5",),
        thinking=("adaptive", "between_tools"),
        thinks_by_default=True,
        efforts_off=("low", "medium", "high"),
        forced_tools=False,
        inline_system="yes",
        binds_prefix=True,
    ),
    ClaudeProfile(
        prefixes=("claude-haiku-5-5",),
        thinks_by_default=True,
        efforts_off=("low", "medium", "high"),
        inline_system="yes",
        binds_prefix=True,
    ),
    ClaudeProfile(
        prefixes=("claude-fable-5-", "claude-mythos-5-"),
        thinking=("adaptive",),
        thinks_by_default=True,
        forced_tools=False,
        inline_system="yes",
        binds_prefix=True,
    ),
    ClaudeProfile(
        prefixes=("claude-fable", "claude-mythos"),
        thinking=("adaptive",),
        thinks_by_default=True,
        inline_system="yes",
    ),
    ClaudeProfile(
        prefixes=("claude-opus-5",),
        thinks_by_default=True,
        efforts_off=("low", "medium", "high"),
        inline_system="yes",
    ),
    ClaudeProfile(
        prefixes=("claude-sonnet-5",),
        thinks_by_default=True,
        inline_system="ignored",
    ),
    ClaudeProfile(prefixes=("claude-opus-4-8",), inline_system="yes"),
    ClaudeProfile(prefixes=("claude-opus-4-7",)),
    ClaudeProfile(
        prefixes=("claude-opus-4-6", "claude-sonnet-4-6"),
        thinking=("enabled", "adaptive", "disabled"),
        shows_thinking=True,
        efforts=("low", "medium", "high", "max"),
        sampling=True,
    ),
    ClaudeProfile(
        prefixes=("claude-opus-4-5",),
        thinking=("enabled", "disabled"),
        shows_thinking=True,
        efforts=("low", "medium", "high"),
        prefill=True,
        sampling=True,
        max_output=64_000,
    ),
    ClaudeProfile(
        prefixes=("claude-3-haiku", "claude-3-opus", "claude-3-sonnet", "claude-3-5"),
        thinking=("disabled",),
        efforts=(),
        prefill=True,
        sampling=True,
        max_output=8192,
    ),
    ClaudeProfile(
        prefixes=("claude-",),
        thinking=("enabled", "disabled"),
        shows_thinking=True,
        efforts=(),
        prefill=True,
        sampling=True,
        max_output=64_000,
    ),
)
# An unknown model gets the newest surface without the bindings.
CLAUDE_OTHER = ClaudeProfile(
    prefixes=("",), thinking=("enabled", "adaptive", "disabled"), shows_thinking=True
)

_LOW_TO_XHIGH = ("none", "low", "medium", "high", "xhigh")
_WITH_MAX = ("none", *_FULL)

GPT = (
    GptProfile(
        prefixes=("gpt-6-astra", "gpt-6.1-sol", "gpt-6.2"),
        efforts=_FULL,
        modes=True,
        all_turns=True,
        bills_cache_writes=True,
        phases=True,
    ),
    GptProfile(
        prefixes=("gpt-6", "gpt-5.6"),
        efforts=_WITH_MAX,
        modes=True,
        all_turns=True,
        bills_cache_writes=True,
        phases=True,
    ),
    GptProfile(
        prefixes=("gpt-5.2-pro", "gpt-5.4-pro", "gpt-5.5-pro"), efforts=("medium", "high", "xhigh")
    ),
    GptProfile(prefixes=("gpt-5-chat", "gpt-5.1-chat", "gpt-5.2-chat", "gpt-5.3-chat")),
    GptProfile(prefixes=("gpt-5.5",), efforts=_LOW_TO_XHIGH, all_turns=True, phases=True),
    GptProfile(
        prefixes=("gpt-5.4",),
        efforts=_LOW_TO_XHIGH,
        reasons_by_default=False,
        all_turns=True,
        phases=True,
    ),
    GptProfile(prefixes=("gpt-5.3", "gpt-5.2"), efforts=_LOW_TO_XHIGH, reasons_by_default=False),
    GptProfile(
        prefixes=("gpt-5.1",), efforts=("none", "low", "medium", "high"), reasons_by_default=False
    ),
    GptProfile(prefixes=("gpt-5",), efforts=("minimal", "low", "medium", "high"), stop=False),
    GptProfile(prefixes=("o1-mini",), efforts=("low", "medium", "high"), system_role=False),
    GptProfile(prefixes=("o1", "o3", "o4"), efforts=("low", "medium", "high"), stop=False),
    GptProfile(prefixes=("gpt-",)),
)
GPT_OTHER = GptProfile(prefixes=("",))

MODELS = (
    SimModel("claude-opus-5-5", "anthropic", "Claude Opus 5.5", 1_000_000, 128_000),
    SimModel("claude-opus-5", "anthropic", "Claude Opus 5", 1_000_000, 128_000),
    SimModel("claude-sonnet-5-5", "anthropic", "Claude Sonnet 5.5", 1_000_000, 128_000),
    SimModel("claude-haiku-5-5", "anthropic", "Claude Haiku 5.5", 1_000_000, 128_000),
    SimModel("claude-sonnet-5", "anthropic", "Claude Sonnet 5", 1_000_000, 128_000),
    SimModel("claude-opus-4-8", "anthropic", "Claude Opus 4.8", 1_000_000, 128_000),
    SimModel("claude-sonnet-4-6", "anthropic", "Claude Sonnet 4.6", 1_000_000, 128_000),
    SimModel("claude-opus-4-5", "anthropic", "Claude Opus 4.5", 200_000, 64_000),
    SimModel("claude-sonnet-4-5", "anthropic", "Claude Sonnet 4.5", 200_000, 64_000),
    SimModel("claude-haiku-4-5", "anthropic", "Claude Haiku 4.5", 200_000, 64_000),
    SimModel("gpt-6.1-sol", "openai", "GPT-6.1 Sol", 1_050_000, 128_000),
    SimModel("gpt-6-sol", "openai", "GPT-6 Sol", 1_050_000, 128_000),
    SimModel("gpt-6-luna", "openai", "GPT-6 Luna", 1_050_000, 128_000),
    SimModel("gpt-5.6-sol", "openai", "GPT-5.6 Sol", 1_050_000, 128_000),
    SimModel("gpt-5.5", "openai", "GPT-5.5", 1_000_000, 128_000),
    SimModel("gpt-5.4", "openai", "GPT-5.4", 1_050_000, 128_000),
    SimModel("gpt-5.1", "openai", "GPT-5.1", 400_000, 128_000),
    SimModel("gpt-5", "openai", "GPT-5", 400_000, 128_000),
    SimModel("gpt-5-mini", "openai", "GPT-5 mini", 400_000, 128_000),
    SimModel("gpt-4.1", "openai", "GPT-4.1", 1_047_576, 32_768),
    SimModel("gpt-4o", "openai", "GPT-4o", 128_000, 16_384),
    SimModel("gpt-4o-mini", "openai", "GPT-4o mini", 128_000, 16_384),
    SimModel("gemini-4-argon", "gemini", "Gemini 4 Argon", 1_048_576, 65_536),
    SimModel("gemini-3.8-flash", "gemini", "Gemini 3.8 Flash", 1_048_576, 65_536),
    SimModel("gemini-3.7-flash", "gemini", "Gemini 3.7 Flash", 1_048_576, 65_536),
    SimModel("gemini-3.6-flash", "gemini", "Gemini 3.6 Flash", 1_048_576, 65_536),
    SimModel("gemini-3.5-flash", "gemini", "Gemini 3.5 Flash", 1_048_576, 65_536),
    SimModel("gemini-3.5-flash-lite", "gemini", "Gemini 3.5 Flash-Lite", 1_048_576, 65_536),
    SimModel("gemini-3.1-pro-preview", "gemini", "Gemini 3.1 Pro Preview", 1_048_576, 65_536),
    SimModel("gemini-3.1-flash-lite", "gemini", "Gemini 3.1 Flash-Lite", 1_048_576, 65_536),
    SimModel("gemini-3-pro-preview", "gemini", "Gemini 3 Pro Preview", 1_048_576, 65_536),
    SimModel("gemini-3-flash-preview", "gemini", "Gemini 3 Flash Preview", 1_048_576, 65_536),
    SimModel("gemini-2.5-pro", "gemini", "Gemini 2.5 Pro", 1_048_576, 65_536),
    SimModel("gemini-2.5-flash", "gemini", "Gemini 2.5 Flash", 1_048_576, 65_536),
    SimModel("gemini-2.5-flash-lite", "gemini", "Gemini 2.5 Flash-Lite", 1_048_576, 65_536),
    SimModel("gemini-2.0-flash", "gemini", "Gemini 2.0 Flash", 1_048_576, 8192),
    SimModel("mistral-medium-latest", "mistral", "Mistral Medium 3.5", 262_144, 262_144),
    SimModel("mistral-medium-3-5", "mistral", "Mistral Medium 3.5", 262_144, 262_144),
    SimModel("mistral-large-4", "mistral", "Mistral Large 4", 1_048_576, 262_144),
    SimModel("mistral-large-2512", "mistral", "Mistral Large 3", 262_144, 262_144),
    SimModel("mistral-large-latest", "mistral", "Mistral Large", 262_144, 262_144),
    SimModel("mistral-small-2603", "mistral", "Mistral Small 4", 262_144, 262_144),
    SimModel("mistral-small-latest", "mistral", "Mistral Small 4", 262_144, 262_144),
    SimModel("magistral-medium-2509", "mistral", "Magistral Medium 1.2", 131_072, 131_072),
    SimModel("magistral-medium-latest", "mistral", "Magistral Medium 1.2", 131_072, 131_072),
    SimModel("ministral-8b-2512", "mistral", "Ministral 3 8B", 262_144, 262_144),
    SimModel("devstral-2512", "mistral", "Devstral 2", 262_144, 262_144),
    SimModel("codestral-2508", "mistral", "Codestral", 256_000, 256_000),
    SimModel("command-a-reasoning-08-2025", "cohere", "Command A Reasoning", 256_000, 32_000),
    SimModel("command-a-vision-07-2025", "cohere", "Command A Vision", 128_000, 8_000),
    SimModel("command-a-03-2025", "cohere", "Command A", 256_000, 8_000),
    SimModel("command-r7b-12-2024", "cohere", "Command R7B", 128_000, 4_000),
    SimModel("command-r-plus-08-2024", "cohere", "Command R+", 128_000, 4_000),
    SimModel("command-r-08-2024", "cohere", "Command R", 128_000, 4_000),
    SimModel("command-r", "cohere", "Command R", 128_000, 4_000),
)
# A model both vendors' routes offer, for measurements that must not depend on a profile.
BENCH_MODEL = "mock-md"


def find(model: str, vendor: Vendor) -> SimModel | None:
    """The model *vendor* offers under this name; a dated or `-latest` name is its base's."""
    if model == BENCH_MODEL:
        return SimModel(BENCH_MODEL, vendor, "Simulator benchmark", 1_000_000, 1_000_000)
    base = _DATED.sub("", model)
    return next((row for row in MODELS if row.vendor == vendor and row.id in (model, base)), None)


def offered(vendor: Vendor) -> tuple[SimModel, ...]:
    """Every model of *vendor*, newest first."""
    return tuple(row for row in MODELS if row.vendor == vendor)


def claude_profile(model: str) -> ClaudeProfile:
    """What an Anthropic model accepts."""
    return next((row for row in CLAUDE if model.startswith(row.prefixes)), CLAUDE_OTHER)


def gpt_profile(model: str) -> GptProfile:
    """What an OpenAI model accepts."""
    return next((row for row in GPT if model.startswith(row.prefixes)), GPT_OTHER)

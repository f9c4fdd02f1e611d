from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.models import Api, ModelInfo, ModelRef
from flux_tui.core.usage import Usage
from flux_tui.providers.prices import Price, is_local, price_of, price_usage
from flux_tui.providers.profiles import describe

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def sonnet(*, simulated: bool = False) -> ModelInfo:
    ref = ModelRef("anthropic", "claude-sonnet-4-5")
    return describe(ref, "anthropic", "https://api.anthropic.com", simulated=simulated)


def compatible(base_url: str, name: str = "gpt-5") -> ModelInfo:
    return describe(ModelRef("mine", name), "openai-chat", base_url)


def test_every_bucket_has_its_own_price() -> None:
    usage = Usage(input=1000, cache_read=1000, cache_write=1000, cache_write_1h=500, output=10)

    cost = price_usage(sonnet(), usage, NOW)

    # $3 in, $0.30 read, $3.75 written for 5 minutes, $6 for an hour, $15 out, per million.
    assert cost.amount == Decimal("0.008325")
    assert cost.basis == "computed"
    assert cost.as_of.startswith("2026-")


def test_tokens_that_no_provider_reported_make_an_estimate() -> None:
    usage = Usage(input=1000, output=100, estimated=True)
    mine = {"anthropic/claude-sonnet-4-5": Price(input=Decimal(1), output=Decimal(1))}

    assert price_usage(sonnet(), usage, NOW).basis == "estimated"
    assert price_usage(sonnet(), usage, NOW, mine).basis == "estimated"
    assert price_usage(sonnet(simulated=True), usage, NOW).basis == "simulated"


def test_the_simulator_costs_the_same_and_says_that_nothing_was_spent() -> None:
    usage = Usage(input=1000, output=100)

    cost = price_usage(sonnet(simulated=True), usage, NOW)

    assert cost.basis == "simulated"
    assert cost.amount == price_usage(sonnet(), usage, NOW).amount == Decimal("0.0045")


@pytest.mark.parametrize(
    ("api", "name", "amount"),
    [
        ("mistral", "mistral-large-2512", "0.002"),  # $0.50 in, $1.50 out, per million
        ("cohere", "command-r7b-12-2024", "0.0001875"),  # $0.0375 in, $0.15 out
    ],
)
@pytest.mark.parametrize("simulated", [True, False])
def test_a_vendor_with_its_own_format_has_its_own_prices(
    api: Api, name: str, amount: str, simulated: bool
) -> None:
    info = ModelInfo(
        ref=ModelRef(api, name), api=api, base_url="https://x.example", simulated=simulated
    )

    cost = price_usage(info, Usage(input=1_000_000, output=1_000_000), NOW)

    assert cost.amount == Decimal(amount) * 1000
    assert cost.basis == ("simulated" if simulated else "computed")


@pytest.mark.parametrize(
    "usage",
    [Usage(input=-1), Usage(output=10**15), Usage(cache_write=1, cache_write_1h=2)],
)
def test_counts_that_cannot_be_have_no_price(usage: Usage) -> None:
    cost = price_usage(sonnet(), usage, NOW)

    assert (cost.amount, cost.basis) == (None, "unknown")


def test_an_unknown_model_is_unknown_and_never_free() -> None:
    info = compatible("https://llm.example.com/v1", "house-model")

    assert price_usage(info, Usage(input=5), NOW).basis == "unknown"
    assert price_of(info) is None


def test_a_server_on_this_machine_is_free_whatever_its_model_is_called() -> None:
    info = compatible("http://127.0.0.1:11434/v1")

    assert price_usage(info, Usage(input=5), NOW).basis == "free"
    price = price_of(info)
    assert price is not None
    assert price.input == 0


def test_a_gateway_on_this_machine_does_not_make_a_vendors_model_free() -> None:
    url = "http://127.0.0.1:4000"
    through = describe(ModelRef("anthropic", "claude-sonnet-4-5"), "anthropic", url)
    own = describe(ModelRef("openai", "llama-at-home"), "openai-chat", url)
    usage = Usage(input=1000, output=100)

    cost = price_usage(through, usage, NOW)

    assert (cost.amount, cost.basis) == (Decimal("0.0045"), "computed")
    assert price_of(through) == price_of(sonnet())
    assert price_usage(own, usage, NOW).basis == "free"


def test_a_price_of_the_user_goes_first() -> None:
    info = compatible("https://llm.example.com/v1", "house-model")
    overrides = {"mine/house-model": Price(input=Decimal(2), output=Decimal(10))}

    cost = price_usage(info, Usage(input=1000, cache_read=1000, output=100), NOW, overrides)

    assert cost.amount == Decimal("0.005")
    assert price_of(info, overrides) == overrides["mine/house-model"]
    half = {"mine/house-model": Price(input=Decimal(2))}
    assert price_usage(info, Usage(output=1), NOW, half).basis == "unknown"


def test_prices_per_million_come_with_their_date() -> None:
    price = price_of(sonnet())

    assert price is not None
    assert (price.input, price.output) == (Decimal(3), Decimal(15))
    assert (price.cache_read, price.cache_write) == (Decimal("0.3"), Decimal("3.75"))
    assert price.as_of


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1/v1", True),
        ("http://[::1]:1", True),
        ("http://192.168.1.5/v1", True),
        ("http://box.local", True),
        ("https://api.openai.com/v1", False),
        ("https://localhost.example.com", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_local_addresses_are_told_from_public_ones(url: str, local: bool) -> None:
    assert is_local(url) is local


@given(st.tuples(*[st.integers(0, 200_000)] * 4))
def test_more_tokens_never_cost_less(counts: tuple[int, int, int, int]) -> None:
    fresh, read, written, out = counts
    usage = Usage(input=fresh, cache_read=read, cache_write=written, output=out)
    more = Usage(input=fresh + 1, cache_read=read, cache_write=written, output=out)

    less_cost, more_cost = (price_usage(sonnet(), each, NOW).amount for each in (usage, more))

    assert less_cost is not None
    assert more_cost is not None
    assert 0 <= less_cost < more_cost


def test_only_the_vendors_asked_about_stay_in_memory() -> None:
    price_usage(sonnet(), Usage(input=1), NOW)
    price_usage(compatible("https://api.groq.com/openai/v1"), Usage(input=1), NOW)

    assert "genai_prices.data" not in sys.modules
    assert not hasattr(genai_prices, "data")


def test_a_server_that_the_table_knows_has_its_prices_among_the_vendors() -> None:
    cost = price_usage(
        compatible("https://openrouter.ai/api/v1", "openai/gpt-5"), Usage(input=1_000_000), NOW
    )

    assert cost.amount is not None
    assert cost.as_of == price_usage(sonnet(), Usage(input=1), NOW).as_of

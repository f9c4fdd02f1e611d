"""What vendors' refusals mean, by their own words."""

from __future__ import annotations

import pytest

from flux_tui.core.errors import ProviderError
from flux_tui.providers.failures import stale_reasoning


def refused(words: str, status: int = 400) -> ProviderError:
    return ProviderError("no", kind="bad_request", provider="p", status=status, detail=words)


@pytest.mark.parametrize(
    "words",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.3.content.0: Invalid `data` in `redacted_thinking` block. The block is bound to "
        "a different conversation",
        "messages.5.content.1: `thinking` or `redacted_thinking` blocks in the latest assistant "
        "message cannot be modified.",
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`.",
        "The encrypted content gAAAAABo...x5Q= could not be verified.",
        "Item 'rs_68af' of type 'reasoning' was provided without its required following item.",
        "Item 'fc_68af' of type 'function_call' was provided without its required 'reasoning' "
        "item: 'rs_68af'.",
        "Item with id 'rs_68af' not found. Items are not persisted when `store` is set to false.",
    ],
)
def test_reasoning_that_is_refused_is_known_by_the_vendors_words(words: str) -> None:
    assert stale_reasoning(refused(words))


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("max_tokens must be greater than thinking.budget_tokens", 400),
        ("Unsupported parameter: 'temperature'", 400),
        ("The encrypted content could not be verified.", 500),
        ("The model `rs_1` does not exist", 404),
    ],
)
def test_other_refusals_are_not_healed_by_leaving_reasoning_out(words: str, status: int) -> None:
    assert not stale_reasoning(refused(words, status))

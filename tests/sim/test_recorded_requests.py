from __future__ import annotations

from collections.abc import Callable

import pytest

from flux_tui.sim import catalog
from flux_tui.sim.rules import anthropic, openai_chat, openai_responses
from flux_tui.sim.rules.common import Violation
from tests.sim.helpers import recorded, recorded_root

pytestmark = pytest.mark.skipif(
    not recorded_root().is_dir(), reason="the recorded traffic is not at hand"
)

Check = Callable[[dict[str, object]], list[Violation]]
FORMATS: dict[str, Check] = {
    "anthropic": anthropic.check,
    "openai_responses": openai_responses.check,
    "openai_chat": openai_chat.check,
}
# Refused for what no rule about a request can know: the model's name, and a dead image address.
UNKNOWABLE = {"claude-sonet-4-5", "gpt-5.2-proo"}
DEAD_LINK = "test_vision_with_events_with_content.2"


@pytest.mark.parametrize("folder", FORMATS)
def test_every_request_a_vendor_accepted_passes_the_rules(folder: str) -> None:
    accepted = [(name, body) for name, status, body in recorded(folder) if status == 200]

    refused = {name: FORMATS[folder](body) for name, body in accepted if FORMATS[folder](body)}

    assert len(accepted) > 40
    assert refused == {}


@pytest.mark.parametrize("folder", FORMATS)
def test_every_request_a_vendor_refused_is_refused_when_the_rule_is_knowable(folder: str) -> None:
    refused = [(name, body) for name, status, body in recorded(folder) if status != 200]

    passed = [
        name
        for name, body in refused
        if not FORMATS[folder](body)
        and body["model"] not in UNKNOWABLE
        and not name.endswith(DEAD_LINK)
    ]

    assert refused
    assert passed == []


@pytest.mark.parametrize("model", sorted(UNKNOWABLE))
def test_a_misspelt_model_is_not_in_the_catalogue(model: str) -> None:
    assert catalog.find(model, "anthropic") is None
    assert catalog.find(model, "openai") is None

"""The table of the built-in vendors, and what is told beside messages."""

from __future__ import annotations

from typing import get_args

import pytest

from flux_tui.core.models import Api
from flux_tui.core.notices import KINDS, Notice, NoticeKind
from flux_tui.core.vendors import PROVIDERS, ProviderSpec


@pytest.mark.parametrize("spec", PROVIDERS.values(), ids=str)
def test_every_vendor_says_where_it_is_and_what_holds_its_key(spec: ProviderSpec) -> None:
    module, _, made = spec.target.partition(":")
    assert module.isidentifier()
    assert made.isidentifier()
    assert spec.api in get_args(Api)
    assert spec.base_url.startswith("https://")
    assert all(name.endswith("_API_KEY") for name in spec.key_names)
    assert spec.base_url_name.endswith("_BASE_URL")


def test_every_wire_format_has_a_vendor_of_its_own() -> None:
    assert {spec.api for spec in PROVIDERS.values()} == {*get_args(Api)}


def test_a_notice_is_a_value_of_a_known_kind() -> None:
    assert get_args(NoticeKind) == KINDS
    assert Notice(None, "switch", "a to b") == Notice(None, "switch", "a to b")

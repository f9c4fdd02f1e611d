"""`flux-tui cost`: sums that add up, in the documented shape."""

from __future__ import annotations

import argparse
import asyncio
import json
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path

import pytest

from flux_tui.commands import cost
from flux_tui.core.errors import InputError
from flux_tui.core.messages import Message, Text
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import Cost, Usage
from flux_tui.storage.sqlite import SqliteStore


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    cost.add_parser(parser.add_subparsers())
    return cost.run(parser.parse_args(["cost", *words]))


def answer(model: str, amount: str | None) -> Message:
    known = Cost(amount=Decimal(amount), basis="computed") if amount else Cost()
    usage = Usage(input=1000, cache_read=20, cache_write=3, output=40, reasoning=5)
    return Message(
        role="assistant", parts=(Text("x"),), model=ModelRef.parse(model), usage=usage, cost=known
    )


async def _fill(home: Path) -> None:
    async with aclosing(SqliteStore(home / "flux" / "data" / "flux.db")) as store:
        session = await store.create()
        for message in (answer("a/one", "0.1"), answer("a/one", "0.2"), answer("a/two", None)):
            await store.append(session, message)


@pytest.fixture(autouse=True)
def filled(own_home: Path) -> None:
    asyncio.run(_fill(own_home))


def test_sums_by_model_have_the_documented_shape(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--json") == 0

    one, two = json.loads(capsys.readouterr().out)
    assert one == {
        "key": "a/one",
        "requests": 2,
        "input": 2000,
        "cache_read": 40,
        "cache_write": 6,
        "output": 80,
        "reasoning": 10,
        "cost": {"usd": "0.3", "basis": "computed"},
    }
    assert two["cost"] == {"usd": None, "basis": "unknown"}


@pytest.mark.parametrize(("by", "groups"), [("provider", 1), ("session", 1), ("day", 1)])
def test_other_groupings(capsys: pytest.CaptureFixture[str], by: str, groups: int) -> None:
    assert call("--by", by, "--json") == 0

    found = json.loads(capsys.readouterr().out)
    assert len(found) == groups
    assert found[0]["cost"] == {"usd": "0.3", "basis": "partial"}


def test_the_table_ends_with_a_total(capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("model")
    assert lines[-1].split() == ["total", "3", "3,000", "60", "9", "120", "15", "≥$0.3000"]


def test_a_date_in_the_future_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--since", "2999-01-01") == 0
    assert capsys.readouterr().out == "nothing was spent\n"


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "1"])
def test_a_wrong_date_is_one_sentence(text: str) -> None:
    with pytest.raises(InputError, match="is not a date"):
        call("--since", text)

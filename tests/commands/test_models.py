"""`flux-tui models`: what is known offline, and what endpoints say."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from flux_tui.cli import main
from flux_tui.commands.models import as_json
from flux_tui.core.models import ModelRef
from flux_tui.providers.profiles import describe
from flux_tui.sim.app import SimSettings, Simulator
from flux_tui.sim.server import serve


def test_the_models_come_as_json_with_prices_and_where_facts_are_from(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["models", "--json"]) == 0

    rows = json.loads(capsys.readouterr().out)
    by_id = {row["id"]: row for row in rows}
    row = by_id["anthropic/claude-sonnet-4-6"]
    assert set(row) == {
        *("id", "provider", "name", "context_window", "abilities", "price", "source")
    }
    assert (row["provider"], row["name"]) == ("anthropic", "claude-sonnet-4-6")
    assert row["context_window"] == 1_000_000
    assert "tools" in row["abilities"]
    assert row["price"]["input"] == "3"
    assert row["source"] == "profile"


def test_one_provider_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--provider", "openai"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 5
    assert all(line.startswith("openai/") for line in lines[1:])


def test_an_unknown_provider_is_named_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["models", "--provider", "nobody"]) == 2

    assert "anthropic" in capsys.readouterr().err


def test_a_model_without_facts_has_null_for_what_is_not_known() -> None:
    info = describe(ModelRef("mine", "house"), "openai-chat", "https://llm.example.com")

    row = as_json(info, None)

    assert (row["context_window"], row["price"], row["source"]) == (None, None, "unknown")
    assert row["abilities"] == ["tools", "forced_tool_choice"]


@pytest.fixture
def simulator() -> Iterator[str]:
    """A simulator on another thread; its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(Simulator(SimSettings())), loop).result(10)
    yield server.url
    asyncio.run_coroutine_threadsafe(server.aclose(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_refreshed_lists_are_kept_for_the_next_time(
    simulator: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"{simulator}/anthropic")

    assert main(["models", "--provider", "anthropic"]) == 0
    before = capsys.readouterr().out
    assert main(["models", "--refresh", "--provider", "anthropic"]) == 0
    after = capsys.readouterr().out
    assert len(after.splitlines()) > len(before.splitlines())
    assert main(["models", "--provider", "anthropic"]) == 0
    assert capsys.readouterr().out == after


def test_an_endpoint_that_cannot_be_asked_is_named_and_the_known_models_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9/x")

    assert main(["models", "--refresh", "--provider", "anthropic"]) == 1

    told = capsys.readouterr()
    assert "anthropic/claude" in told.out
    assert "flux-tui: anthropic: " in told.err

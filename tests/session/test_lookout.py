"""Models found by asking: endpoints with a key, and servers of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path

import pytest

from flux_tui.config.settings import Settings, load_settings
from flux_tui.core.errors import InputError
from flux_tui.session import lookout
from flux_tui.session.listings import LocalServer
from flux_tui.session.lookout import Looked
from flux_tui.session.wiring import Runtime
from flux_tui.sim.app import SimSettings, Simulator
from flux_tui.sim.server import serve


def settings(tmp_path: Path, environ: Mapping[str, str]) -> Settings:
    return load_settings({}, {"FLUX_HOME": str(tmp_path / "home"), **environ}, tmp_path)


def names(runtime: Runtime, provider: str) -> list[str]:
    refs = [choice.info.ref for choice in runtime.choices()]
    return [ref.name for ref in refs if ref.provider == provider]


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> list[LocalServer]:
    """The servers of this machine, none at first; the real ports are left alone."""
    found: list[LocalServer] = []

    async def find(taken: object) -> tuple[LocalServer, ...]:
        return tuple(found)

    monkeypatch.setattr(lookout, "find_local", find)
    return found


async def test_a_vendor_with_a_key_is_asked_once_a_day(tmp_path: Path) -> None:
    simulator = Simulator(SimSettings())
    async with aclosing(await serve(simulator)) as server:
        url = f"http://127.0.0.1:{server.port}/anthropic"
        given = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": url}
        runtime = Runtime(settings(tmp_path, given))
        await runtime.start()
        known = set(names(runtime, "anthropic"))

        assert await runtime.lookout.quietly()
        listed = set(names(runtime, "anthropic"))
        assert listed > known
        asked = len(simulator.requests)
        assert not await runtime.lookout.quietly()
        assert len(simulator.requests) == asked
        await runtime.aclose()

    again = Runtime(settings(tmp_path, given))  # the server is gone, the list is kept
    await again.start()
    assert set(names(again, "anthropic")) == listed
    assert not await again.lookout.quietly()
    await again.aclose()


async def test_an_endpoint_that_does_not_answer_is_no_error_unless_asked_for(
    tmp_path: Path,
) -> None:
    given = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9/x"}
    runtime = Runtime(settings(tmp_path, given))
    await runtime.start()

    assert not await runtime.lookout.quietly()
    (looked,) = await runtime.lookout.ask("anthropic")
    assert (looked.provider, looked.models) == ("anthropic", 0)
    assert looked.problem
    with pytest.raises(InputError, match="no provider"):
        await runtime.lookout.ask("nobody")
    await runtime.aclose()


async def test_a_server_of_this_machine_is_offered_even_beside_the_simulator(
    tmp_path: Path, local: list[LocalServer]
) -> None:
    runtime = Runtime(settings(tmp_path, {}))
    await runtime.start()
    assert runtime.demo
    assert names(runtime, "ollama") == []

    local.append(LocalServer("ollama", "Ollama", "http://127.0.0.1:11434/v1", ("llama-4",)))

    assert await runtime.lookout.quietly()
    assert names(runtime, "ollama") == ["llama-4"]
    found = runtime.find_model("llama-4")
    assert (found.simulated, found.base_url) == (False, "http://127.0.0.1:11434/v1")
    assert not await runtime.lookout.quietly()
    await runtime.aclose()


async def test_a_local_model_can_be_named_before_its_server_was_seen(tmp_path: Path) -> None:
    runtime = Runtime(settings(tmp_path, {}))

    assert runtime.find_model("lmstudio/qwen-4").base_url == "http://127.0.0.1:1234/v1"


async def test_the_users_own_table_stands_over_the_usual_server(
    tmp_path: Path, local: list[LocalServer]
) -> None:
    home = tmp_path / "home"
    (home / "config.toml").write_text(
        '[providers.ollama]\nbase_url = "http://127.0.0.1:9999/v1"\nmodels = ["mine"]\n'
    )
    runtime = Runtime(settings(tmp_path, {}))
    local.append(LocalServer("ollama", "Ollama", "http://127.0.0.1:11434/v1", ("llama-4",)))
    await runtime.start()

    await runtime.lookout.quietly()

    assert names(runtime, "ollama") == ["mine"]
    await runtime.aclose()


async def test_an_asked_for_simulator_looks_nowhere(
    tmp_path: Path, local: list[LocalServer]
) -> None:
    local.append(LocalServer("ollama", "Ollama", "http://127.0.0.1:11434/v1", ("llama-4",)))
    given = load_settings({"demo": "true"}, {"FLUX_HOME": str(tmp_path / "home")}, tmp_path)
    runtime = Runtime(given)

    assert not await runtime.lookout.quietly()
    assert await runtime.lookout.ask("openai") == [
        Looked("openai", 0, "the simulator stands in for it")
    ]

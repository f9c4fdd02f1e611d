"""What the runtime keeps an eye on: the store, the keys it knows, the simulator's settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.core.events import Noted
from flux_tui.session.wiring import Runtime
from tests.session.helpers import committed, drain, ended

Make = Callable[..., Runtime]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes a runtime in a home of its own; all are closed at the end."""
    runtimes: list[Runtime] = []

    def build(environ: Mapping[str, str] | None = None, toml: str = "") -> Runtime:
        known = {"FLUX_HOME": str(tmp_path / "flux"), **(environ or {})}
        if toml:
            (tmp_path / "flux").mkdir()
            (tmp_path / "flux" / "config.toml").write_text(toml, "utf-8")
        settings = load_settings({"sim_speed": "0"}, known, tmp_path)
        runtimes.append(Runtime(settings, root=tmp_path))
        return runtimes[-1]

    yield build
    for runtime in runtimes:
        await runtime.aclose()


async def test_a_disk_that_fills_up_is_told_once_and_in_the_turn(make: Make) -> None:
    runtime = make()
    await runtime.start()
    session = runtime.new_session()
    assert ended(await drain(session.send("Hello"))).reason == "end"
    pages = "PRAGMA max_page_count = 1"
    await runtime.store._disk._run(lambda opened: opened.connection.execute(pages).fetchone())

    first = await drain(session.send("x" * 1_000_000))
    second = await drain(session.send("And on"))

    (notice,) = [event.text for event in (*first, *second) if isinstance(event, Noted)]
    assert "disk is full" in notice
    assert any(isinstance(event, Noted) for event in first)
    assert ended(second).reason == "end"
    assert session.id is not None
    assert await runtime.store.load(session.id) == session.conversation


async def test_the_demo_shows_what_a_cache_does(make: Make) -> None:
    runtime = make()
    await runtime.start()
    session = runtime.new_session()

    await drain(session.send("word " * 400))
    (second,) = committed(await drain(session.send("Go on")))

    assert second.usage is not None
    assert second.usage.cache_read > 0


async def test_the_keys_that_are_known_can_be_struck_from_a_report(make: Make) -> None:
    toml = (
        '[providers.box]\nkind = "openai_chat"\nbase_url = "http://127.0.0.1:9/v1"\n'
        'key_command = ["echo", "from-a-command-1234"]\nmodels = ["m"]\n'
        'headers = { "x-gate" = "gate-secret-99" }\n'
    )
    runtime = make({"OPENAI_API_KEY": "sk-test-0000000000000000"}, toml)
    assert runtime.secrets() == ("sk-test-0000000000000000",)

    await runtime.open_provider(runtime.find_model("box/m"))

    assert set(runtime.secrets()) == {
        "sk-test-0000000000000000",
        "from-a-command-1234",
        "gate-secret-99",
    }


async def test_the_simulators_key_is_no_secret(make: Make) -> None:
    runtime = make()
    await runtime.open_provider(runtime.default_model())

    assert runtime.secrets() == ()


async def test_the_first_token_is_not_the_beginning_of_an_empty_part(make: Make) -> None:
    runtime = make()
    await runtime.start()
    session = runtime.new_session(runtime.find_model("anthropic/claude-opus-5"))

    (answer,) = committed(await drain(session.send("sim: delay=0.3 tokens=5 think=1")))

    assert answer.timing is not None
    assert answer.timing.first is not None
    assert answer.timing.first >= 0.3


async def test_an_answer_knows_how_long_it_took_and_keeps_it(make: Make) -> None:
    runtime = make()
    await runtime.start()
    session = runtime.new_session()
    (answer,) = committed(await drain(session.send("Hello")))
    assert answer.timing is not None
    assert answer.timing.first is not None
    assert 0 < answer.timing.first <= answer.timing.total
    assert session.id is not None

    again = make()
    resumed = await again.resume(session.id)

    assert resumed.conversation.path[-1].timing == answer.timing

"""A session of the demo goes from Anthropic to Gemini and back, with tools and pictures."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flux_tui.config.keys import find_key
from flux_tui.config.settings import load_settings
from flux_tui.core.messages import Image, Thinking
from flux_tui.providers.gemini import UNSIGNED
from flux_tui.session.wiring import Runtime
from flux_tui.sim.app import Simulator
from tests.core.strategies import PNG
from tests.session.helpers import committed, drain, ended

CALL = 'sim: think=2 tool=read_file:{"path":"a.md"} tool=list_files:{"path":"."}'


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    (tmp_path / "a.md").write_text("# Title\n", "utf-8")
    settings = load_settings({"sim_speed": "0"}, {"FLUX_HOME": str(tmp_path / "flux")}, tmp_path)
    made = Runtime(settings, root=tmp_path)
    await made.start()
    yield made
    await made.aclose()


def sent(runtime: Runtime) -> str:
    simulator = runtime._simulator
    assert isinstance(simulator, Simulator)
    return simulator.requests[-1].body.decode()


async def test_the_demo_offers_the_models_of_gemini(runtime: Runtime) -> None:
    mine = [choice for choice in runtime.choices() if choice.info.ref.provider == "gemini"]

    assert len(mine) >= 8
    assert all(choice.available and choice.info.simulated for choice in mine)
    assert all(choice.info.context_window for choice in mine)


async def test_a_session_goes_to_gemini_and_back(runtime: Runtime) -> None:
    claude = runtime.find_model("anthropic/claude-opus-5")
    gemini = runtime.find_model("gemini/gemini-3.8-flash")
    session = runtime.new_session(claude)
    picture = Image(PNG, "image/png", "shot.png", 1, 1)

    assert ended(await drain(session.send(CALL))).reason == "end"
    session.swap(gemini)
    assert ended(await drain(session.send("What is this?", (picture,)))).reason == "end"
    first_for_gemini = sent(runtime)
    own = committed(await drain(session.send(CALL)))
    assert session.swap(claude).report.summary().startswith("thinking")
    assert ended(await drain(session.send("And now?"))).reason == "end"
    back_to_claude = sent(runtime)
    session.swap(gemini)
    assert ended(await drain(session.send("Once more"))).reason == "end"
    back_to_gemini = sent(runtime)

    calls = [call for message in own for call in message.tool_calls]
    signatures = [call.metadata.data["signature"] for call in calls if call.metadata]
    thoughts = [p for m in own for p in m.parts if isinstance(p, Thinking)]
    assert first_for_gemini.count(UNSIGNED) == 1
    assert "inlineData" in first_for_gemini
    assert len(calls) == 2
    assert thoughts
    assert len(signatures) == 1
    assert str(signatures[0]) in back_to_gemini
    assert str(signatures[0]) not in back_to_claude
    assert "thoughtSignature" not in back_to_claude
    history = json.loads(back_to_gemini)["contents"]
    assert (
        history[: len(json.loads(first_for_gemini)["contents"])]
        == json.loads(first_for_gemini)["contents"]
    )


@pytest.mark.parametrize("name", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
async def test_either_key_ends_the_demo(tmp_path: Path, name: str) -> None:
    environ = {
        "FLUX_HOME": str(tmp_path / "flux"),
        name: "AIza-test-0000",
        "GEMINI_BASE_URL": "http://127.0.0.1:9/gemini",
    }
    settings = load_settings({}, environ, tmp_path)
    runtime = Runtime(settings, root=tmp_path)

    model = runtime.find_model("gemini/gemini-3.5-flash")

    key = find_key(settings, "gemini", ("GEMINI_API_KEY", "GOOGLE_API_KEY"))
    assert not runtime.demo
    assert key is not None
    assert key.get_secret_value() == "AIza-test-0000"
    assert model.base_url == "http://127.0.0.1:9/gemini"
    await runtime.aclose()

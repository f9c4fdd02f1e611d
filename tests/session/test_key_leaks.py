"""A key goes to the endpoint it is for, whatever else the process's environment holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.session.wiring import Runtime
from flux_tui.sim.app import Simulator
from flux_tui.sim.server import serve
from tests.session.helpers import drain

FOREIGN = {
    "OPENAI_API_KEY": "sk-openai-of-the-process",
    "OPENAI_ADMIN_KEY": "sk-admin-of-the-process",
    "OPENAI_ORG_ID": "org-of-the-process",
    "OPENAI_PROJECT_ID": "proj-of-the-process",
    "OPENAI_CUSTOM_HEADERS": "x-own: header-of-the-process",
    "ANTHROPIC_API_KEY": "sk-ant-of-the-process",
    "ANTHROPIC_AUTH_TOKEN": "token-of-the-process",
    "ANTHROPIC_CUSTOM_HEADERS": "x-own: header-of-the-process",
    "MISTRAL_API_KEY": "mistral-of-the-process",
}
KINDS = {
    "anthropic": "/anthropic",
    "openai_responses": "/openai/v1",
    "openai_chat": "/openai/v1",
}


@pytest.mark.parametrize("key", ["", "box-key-000000"])
@pytest.mark.parametrize("kind", list(KINDS))
async def test_a_users_own_server_gets_no_key_of_a_vendor(
    kind: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)
    simulator = Simulator()
    server = await serve(simulator)
    home = tmp_path / "flux"
    home.mkdir()
    table = {"kind": kind, "base_url": server.url + KINDS[kind]}
    table["key_env"] = "BOX_KEY" if key else ""
    lines = [f'{name} = "{value}"' for name, value in table.items() if value]
    text = "\n".join(["[providers.box]", *lines, 'models = ["m"]', ""])
    (home / "config.toml").write_text(text, "utf-8")
    environ = {"FLUX_HOME": str(home), **FOREIGN, **({"BOX_KEY": key} if key else {})}
    runtime = Runtime(load_settings({}, environ, tmp_path), root=tmp_path)
    await runtime.start()
    try:
        await drain(runtime.new_session(runtime.find_model("box/m")).send("Hello"))
        seen = dict(simulator.requests[-1].headers)
    finally:
        await runtime.aclose()
        await server.aclose()

    assert seen.get("x-api-key") or seen.get("authorization")
    told = " ".join(seen.values())
    assert "of-the-process" not in told
    assert (key or "none") in told.split()

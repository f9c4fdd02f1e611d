"""What a module may load when it is imported, proved in a fresh interpreter."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "anthropic", "openai", "httpx2", "pydantic", "tiktoken", "genai_prices", "keyring", "h11",
}  # fmt: skip
SCREEN = {"textual", "rich"}

ADAPTERS = {
    f"flux_tui.providers.{name}"
    for name in ("anthropic", "openai_responses", "openai_chat", "gemini", "mistral", "cohere")
}

LATER = {
    "sqlite3", "tomllib", "markdown_it", "pygments", "flux_tui.core.messages",
    "flux_tui.session.wiring", "flux_tui.ui.widgets.transcript", "flux_tui.ui.screens.chat_actions",
}  # fmt: skip
"""What the first paint does without: people type sooner then."""

LIGHT = [
    ("flux_tui.cli", HEAVY | SCREEN | {"sqlite3", "asyncio", "dotenv", "markdown_it"}),
    ("flux_tui.core.normalize", HEAVY | SCREEN | {"sqlite3", "asyncio"}),
    ("flux_tui.session.session", HEAVY | SCREEN),
    ("flux_tui.session.wiring", HEAVY | SCREEN),
    ("flux_tui.headless", HEAVY | SCREEN),
    ("flux_tui.ui.app", HEAVY | ADAPTERS | LATER),
]


def loaded_by(code: str) -> set[str]:
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in json.loads(result.stdout)} | set(
        json.loads(result.stdout)
    )


@pytest.mark.parametrize(("module", "forbidden"), LIGHT, ids=[name for name, _ in LIGHT])
def test_importing_a_module_loads_nothing_heavy(module: str, forbidden: set[str]) -> None:
    assert loaded_by(f"import {module}") & forbidden == set()


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["models", "--help"]])
def test_help_and_version_load_nothing_heavy(words: list[str]) -> None:
    code = (
        "import contextlib, io\nfrom flux_tui.cli import main\n"
        f"with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    main({words!r})"
    )

    assert loaded_by(code) & (HEAVY | SCREEN) == set()


def test_the_simulator_never_imports_the_encoders() -> None:
    loaded = loaded_by("import flux_tui.sim.app, flux_tui.sim.transport, flux_tui.sim.server")

    assert {name for name in loaded if name.startswith("flux_tui.providers")} == set()

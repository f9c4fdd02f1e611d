from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import sys
import {module}
print([name for name in sys.modules if name.split(".")[0] in {heavy!r}])
"""
HEAVY = ["httpx2", "httpcore2", "h11", "anthropic", "openai", "pydantic", "textual", "rich"]


@pytest.mark.parametrize("module", ["app", "routes", "faults"])
def test_the_simulator_itself_needs_only_the_standard_library(module: str) -> None:
    code = PROBE.format(module=f"flux_tui.sim.{module}", heavy=HEAVY)

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"

"""A provider is one file and one line: nothing else has to know it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

# The file takes its place and the line is added; then the program starts as always.
START = """
import sys
from flux_tui.core.vendors import PROVIDERS, ProviderSpec
from tests.providers import parley

sys.modules["flux_tui.providers.parley"] = parley
PROVIDERS["parley"] = ProviderSpec(
    "parley", "Parley", "parley:Parley", "parley", "https://x.invalid",
    ("PARLEY_KEY",), "PARLEY_BASE_URL",
)
from flux_tui.cli import main

sys.exit(main(sys.argv[1:]))
"""


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        words = f"{self.headers['x-parley-key']} asks {asked['model']}: {asked['talk'][-1][1]}"
        events = ({"say": words}, {"end": "done", "read": 3, "wrote": 2})
        self._send("".join(f"data: {json.dumps(event)}\n\n" for event in events), "event-stream")

    def do_GET(self) -> None:
        self._send(json.dumps({"all": ["squire-1"]}), "json")

    def _send(self, content: str, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", f"{'text' if '-' in kind else 'application'}/{kind}")
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    made = HTTPServer(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


def flux(home: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(
        [sys.executable, "-c", START, *args],
        env={**kept, "HOME": str(home), "PYTHONPATH": str(root), **environment},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_a_file_and_a_line_make_a_provider(server: str, tmp_path: Path) -> None:
    mine = {"PARLEY_KEY": "me", "PARLEY_BASE_URL": server}

    asked = flux(tmp_path, "ask", "-m", "parley/squire-1", "how goes it?", **mine)
    listed = flux(tmp_path, "models", "--refresh", **mine)
    checked = flux(tmp_path, "doctor", **mine)

    assert asked.stdout == "me asks squire-1: how goes it?\n", asked.stderr
    assert "parley/squire-1" in listed.stdout, listed.stderr
    assert "key: parley" in checked.stdout


def test_without_its_key_the_simulator_says_that_it_does_not_know_the_format(
    tmp_path: Path,
) -> None:
    asked = flux(tmp_path, "ask", "-m", "parley/squire-1", "how goes it?")

    assert asked.returncode == 1
    assert "parley knows no such model or address" in asked.stderr
    assert "Traceback" not in asked.stderr

"""`flux-tui simulate` as a process of its own, and a wire to it that keeps what was sent."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Wire:
    """A loopback port that passes every byte on to the simulator and keeps the requests."""

    port: int
    target: int
    sent: list[bytearray] = field(default_factory=list)

    def requests(self) -> list[tuple[str, dict[str, Any]]]:
        """Every complete request so far, in the order of arrival: path and JSON body."""
        found: list[tuple[str, dict[str, Any]]] = []
        for stream in list(self.sent):
            found += _requests(bytes(stream))
        return found


def _requests(data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    while True:
        head, end, rest = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        size = int(length.group(1)) if length else 0
        if not end or len(rest) < size:
            return
        if size:
            yield head.split()[1].decode(), json.loads(rest[:size])
        data = rest[size:]


@contextlib.contextmanager
def wire_to(target: int) -> Iterator[Wire]:
    """Listen on a free port for as long as the block runs; the clients must end before it does."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            kept = bytearray()
            wire.sent.append(kept)
            with socket.create_connection(("127.0.0.1", target)) as server:
                back = threading.Thread(target=_pass_on, args=(server, self.request, None))
                back.start()
                _pass_on(self.request, server, kept)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listener:
        wire = Wire(listener.server_address[1], target)
        serving = threading.Thread(target=listener.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield wire
        finally:
            listener.shutdown()
            serving.join()


def _pass_on(source: socket.socket, sink: socket.socket, kept: bytearray | None) -> None:
    with contextlib.suppress(OSError):  # a killed program resets its connections
        while data := source.recv(65_536):
            if kept is not None:
                kept += data
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def simulator(speed: float = 50.0) -> Iterator[int]:
    """Run `flux-tui simulate` and give its port."""
    words = [sys.executable, "-m", "flux_tui", "simulate", "--port", "0", "--speed", str(speed)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found is not None, f"the simulator said {line!r}"
        yield int(found.group(1))
    finally:
        process.terminate()
        process.communicate(timeout=30)


def environment(port: int, home: Path) -> Mapping[str, str]:
    """The variables that send both vendors' requests to *port* on this machine."""
    return {
        "FLUX_HOME": str(home),
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}/anthropic",
        "ANTHROPIC_API_KEY": "sk-simulator",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/openai/v1",
        "OPENAI_API_KEY": "sk-simulator",
    }

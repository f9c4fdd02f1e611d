"""`flux-tui simulate`: serves until it is told to end, and says what to set."""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys

import pytest

from flux_tui.commands import simulate

RUN = """
import argparse
from flux_tui.commands import simulate
parser = argparse.ArgumentParser()
simulate.add_parser(parser.add_subparsers())
args = parser.parse_args()
raise SystemExit(args.run(args))
"""


def parse(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    simulate.add_parser(parser.add_subparsers())
    return parser.parse_args(["simulate", *argv])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_until_a_signal_and_prints_what_to_set(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, "simulate", "--speed", "0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode() for _ in range(5)]
    url = lines[1].split("=")[1].strip()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(url.split(":")[2].split("/")[0])
    )
    writer.write(b"GET /openai/v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n\r\n")

    assert await reader.readline() == b"HTTP/1.1 200 \r\n"
    assert lines[3].startswith("export OPENAI_BASE_URL=http://127.0.0.1:")
    writer.close()
    process.send_signal(number)
    _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


def test_a_taken_port_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert simulate.run(parse("--port", str(port))) == 2

    assert capsys.readouterr().err.startswith(f"flux-tui: port {port} cannot be used: ")


@pytest.mark.parametrize("option", ["--port=70000", "--port=x", "--speed=-1", "--speed=fast"])
def test_wrong_numbers_are_refused(option: str) -> None:
    with pytest.raises(SystemExit) as raised:
        parse(option)

    assert raised.value.code == 2

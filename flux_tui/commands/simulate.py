"""`flux-tui simulate`: the simulator as a server on the loopback interface."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flux_tui.sim.server import SimServer

KEY = "sk-simulator"  # opens nothing


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] - argparse names no public type
) -> None:
    """Add the command's options."""
    parser = subparsers.add_parser(
        "simulate",
        help="serve the built-in simulator on this machine",
        description="Serve the simulator over HTTP on 127.0.0.1 until interrupted.",
    )
    parser.add_argument(
        "--port", metavar="N", type=_port, default=0, help="0 takes a free one (default)"
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=50.0,
        metavar="TOKENS",
        help="tokens a second; 0 is as fast as possible (default 50)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 0 then, 2 if the port cannot be used."""
    import asyncio

    try:
        asyncio.run(_serve(args.port, args.speed))
    except OSError as problem:
        reason = problem.strerror or "unknown reason"
        sys.stderr.write(f"flux-tui: port {args.port} cannot be used: {reason}\n")
        return 2
    return 0


async def _serve(port: int, speed: float) -> None:
    import asyncio
    import signal

    from flux_tui.sim.server import run_server

    serving = asyncio.ensure_future(run_server(port, speed, started=_announce))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    await asyncio.wait({serving})
    if not serving.cancelled():
        serving.result()


def _announce(server: SimServer) -> None:
    lines = (
        f"The simulator listens on {server.url}; end it with Ctrl+C.",
        f"export ANTHROPIC_BASE_URL={server.url}/anthropic",
        f"export ANTHROPIC_API_KEY={KEY}",
        f"export OPENAI_BASE_URL={server.url}/openai/v1",
        f"export OPENAI_API_KEY={KEY}",
        f"export GEMINI_BASE_URL={server.url}/gemini",
        f"export GEMINI_API_KEY={KEY}",
        f"export MISTRAL_BASE_URL={server.url}/mistral/v1",
        f"export MISTRAL_API_KEY={KEY}",
        f"export CO_BASE_URL={server.url}/cohere/v2",
        f"export CO_API_KEY={KEY}",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; write a number from 0 to 65535")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed; write a number from 0 to 1000000")
    return speed

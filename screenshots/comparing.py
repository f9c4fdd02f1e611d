"""The pictures of the split view: running, diff, blind vote, scoreboard, replay, narrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.terminal.program import Program

FOUR = "anthropic/claude-opus-5 openai/gpt-5.5 gemini/gemini-3.5-flash mistral/mistral-large-latest"
TWO = "anthropic/claude-opus-5 openai/gpt-5.5"
ESC = "\x1b"  # before a letter: Alt


def comparisons(folder: Path, env: dict[str, str]) -> Iterator[tuple[str, Program]]:
    """Compare four models and vote without knowing them; replay the session on a fifth."""
    env = {**env, "FLUX_HOME": f"{env['FLUX_HOME']}-compare", "FLUX_SIM_SPEED": "60"}
    with Program(("--demo",), size=(160, 42), env=env, cwd=folder) as program:
        program.wait_for("Ready", "context")
        program.press("f6")
        program.wait_for("Compare models", "3 of 2 to 4", "$")
        yield "30-compare-models", program
        program.press("esc")
        program.wait_for("Compare models", gone=True)
        yield from _running(program)
        yield from _voting(program)
        yield from _replaying(program)
    with Program(("--demo",), size=(80, 24), env=env, cwd=folder) as program:
        program.wait_for("Ready", "F1")
        _say(program, f"/compare {TWO}")
        program.wait_for("gpt-5.5", "to all columns")
        _say(program, "show me a table")
        program.wait_for("All have answered")
        yield "38-80x24-compare", program


def _running(program: Program) -> Iterator[tuple[str, Program]]:
    """Four columns at the same time."""
    _say(program, f"/compare {FOUR}")
    program.wait_for("mistral-large-latest", "to all columns")
    _say(program, "bench n=900 r=50 k=mixed id=START")
    program.wait_for("4 of 4 answering", "def render_0", "tok/s")
    _say(program, "and shorter, please")
    program.wait_for("queued 1")
    yield "31-compare-running", program
    program.press("esc")
    program.wait_for("topped", "and shorter, please")
    program.press("ctrl+c")
    program.wait_for("and shorter, please", gone=True)


def _voting(program: Program) -> Iterator[tuple[str, Program]]:
    """A blind vote, what differs, the ratings, and the chat that goes on."""
    program.type(f"{ESC}y")
    program.wait_for("names, times and costs are hidden")
    _say(program, "hello, who are you and what can you do?")
    program.wait_for("All are there: Alt+V")
    program.type(f"{ESC}v")
    program.wait_for("Which answer is best?")
    yield "32-compare-blind-vote", program
    program.type("b")
    program.wait_for("★ best")
    yield "33-compare-voted", program
    program.type(f"{ESC}d")
    program.wait_for("marked: only")
    yield "34-compare-diff", program
    program.type(f"{ESC}o")
    program.wait_for("Scoreboard", "1 vote, 1 blind")
    yield "35-scoreboard", program
    program.press("esc")
    program.wait_for("Scoreboard", gone=True)
    program.type(f"{ESC}a")
    program.wait_for("Adopt this column?")
    program.read(0.6)
    program.press("enter")
    program.wait_for("as branches")
    yield "36-compare-adopted", program


def _replaying(program: Program) -> Iterator[tuple[str, Program]]:
    """The session again on another model."""
    _say(program, "/replay cohere/command-a-reasoning-08-2025")
    program.wait_for("read this conversation?")
    program.read(0.6)
    program.type("y")
    program.wait_for("Replay this session?")
    program.read(0.6)
    program.press("enter")
    program.wait_for("done of 2")
    yield "37-replay", program
    program.press("esc", "ctrl+q")
    program.wait_exit()


def _say(program: Program, text: str) -> None:
    program.type(text)
    program.press("enter")

"""One conversation from the first key to the day after a crash, told in steps.

The test checks what is on the screen at each step; `make screenshots` draws it.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.terminal.drafts import all_hold
from tests.terminal.program import Program

ANTHROPIC = "anthropic/claude-"
OPENAI = "openai/gpt-"
WHEEL_UP = "\x1b[<64;20;10M"
FIRST = "show me a table"
SECOND = "write summary.md"
THIRD = "what have we done so far?"
FOURTH = "and you, do you still know?"
FIFTH = "tell me a long story"


@dataclass
class Story:
    """The steps as a generator of (name, program); a step's name is also its picture's."""

    folder: Path
    env: Mapping[str, str]
    size: tuple[int, int] = (120, 40)
    models: list[str] = field(default_factory=list)
    partial: str = ""

    def start(self, *words: str) -> Program:
        """Start the program in the folder of the story."""
        return Program(words, size=self.size, env=self.env, cwd=self.folder)

    def steps(self) -> Iterator[tuple[str, Program]]:
        """Tell it up to the kill."""
        with self.start() as program:
            program.wait_for(ANTHROPIC, "▾", "Ready", "context")
            self.models.append(self.model(program))
            yield "01-start", program
            yield from self._stream(program)
            yield from self._tool(program)
            yield from self._swap(program)
            yield from self._back(program)
            yield from self._cost(program)
            yield from self._kill(program)

    def model(self, program: Program) -> str:
        """The model that the header names."""
        found = re.findall(r"((?:anthropic|openai|openai-chat)/\S+) ▾", program.text)
        assert found, program.text
        return found[-1]

    def _stream(self, program: Program) -> Iterator[tuple[str, Program]]:
        program.type(FIRST)
        program.press("enter")
        program.wait_for("You", FIRST, "Writing", "comparison as a table")
        yield "02-streaming", program
        program.wait_for("this is the simulator", "Ready")
        yield "03-answered", program

    def _tool(self, program: Program) -> Iterator[tuple[str, Program]]:
        program.type(SECOND)
        program.press("enter")
        program.wait_for("Allow write_file?", "+# summary.md")
        yield "04-tool-asks", program
        program.read(1.5)  # keys typed before the dialog had been there for a moment count for no
        program.press("y")
        program.wait_for("All of it worked", "Ready", "✓")
        yield "05-tool-ran", program

    def _swap(self, program: Program) -> Iterator[tuple[str, Program]]:
        program.press("f2")
        program.wait_for("Model of the next message", "claude-")
        program.type("openai/gpt")
        program.wait_for("  openai/gpt", "gpt-4.1")
        yield "06-model-picker", program
        program.press("enter")
        program.wait_for("Next message: openai/gpt-", "→ openai/gpt-")
        self.models.append(self.model(program))
        yield "07-divider", program
        program.type(THIRD)
        program.press("enter")
        program.wait_for("message 3 of our conversation", "search TODO", "Ready")
        yield "08-openai-goes-on", program

    def _back(self, program: Program) -> Iterator[tuple[str, Program]]:
        program.press("f3")
        while not self.model(program).startswith(ANTHROPIC):
            before = self.model(program)
            program.press("f3")
            program.wait_for(f"{before} ▾", gone=True)
        program.wait_for("→ anthropic/claude-")
        self.models.append(self.model(program))
        program.type(FOURTH)
        program.press("enter")
        program.wait_for("message 4 of our conversation", "search TODO", "Ready")
        yield "09-back-at-anthropic", program

    def _cost(self, program: Program) -> Iterator[tuple[str, Program]]:
        program.press("f7")
        program.wait_for("─ Tools ─", gone=True)
        program.wait_for("─ Cost ─", self.models[0], self.models[1], "context")
        yield "10-cost-by-model", program
        program.press("f7")
        program.wait_for("─ Tools ─")

    def _kill(self, program: Program) -> Iterator[tuple[str, Program]]:
        program.type(FIFTH)
        program.press("enter")
        program.wait_for(FIFTH, "Writing")
        self.partial = self._written(program)
        home = Path(self.env["FLUX_HOME"])
        program.wait_until(lambda: all_hold(home, self.partial), "stored what is shown")
        yield "11-before-the-kill", program
        program.signal(signal.SIGKILL)
        assert program.wait_exit() == -signal.SIGKILL

    def _written(self, program: Program) -> str:
        """Wait for some words of the story that is being written, and return them."""
        while True:
            lines = program.text.partition(FIFTH)[2].splitlines()
            words = [line[:72].strip() for line in lines]
            found = [line for line in words if re.fullmatch(r"[A-Z#][\w ,.#]{20,}", line)]
            if found:
                return found[0]
            assert program.read(0.1), program.text

    def after(self) -> Iterator[tuple[str, Program]]:
        """Tell how it goes on after the kill."""
        with self.start("--continue") as program:
            program.wait_for("broken off", "Ready")
            yield "12-continued", program
            for _ in range(30):
                if self.partial in program.text:
                    break
                program.type(WHEEL_UP)
                program.read(0.1)
            program.wait_for(self.partial)
            program.type(WHEEL_UP * 60)
            program.wait_for(FIRST, "comparison as a table", "this is the simulator")
            program.press("ctrl+end")
            program.wait_for("broken off")
            program.type("where were we?")
            program.press("enter")
            program.wait_for("message 6 of our conversation", "Ready")
            yield "13-goes-on", program
            program.press("ctrl+q")
            assert program.wait_exit() == 0

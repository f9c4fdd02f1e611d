"""What a tool is, and what it may touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from flux_tui.core.usage import JSON

Risk: TypeAlias = Literal["read", "write", "execute", "network"]
"""What a tool can do at worst; approvals are asked by this."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an approval shows: *kind* says how to draw *text* (a unified diff, a command line)."""

    kind: Literal["text", "diff", "command"]
    text: str
    fingerprint: str = ""  # binds the approval to what was shown; checked again when it runs


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """Where and how a tool runs.

    `root` is the folder it may touch, resolved. `emit` takes output as it comes, at once, from
    the event loop's thread. `approved` is the fingerprint of the preview the user agreed to.
    """

    root: Path
    emit: Callable[[str], None]
    approved: str = ""
    timeout: float = 120.0  # seconds for a command
    max_output: int = 30_000  # characters that go back to the model


class Tool(Protocol):
    """A function a model may call. One file in `tools/builtin`, ending in `TOOL = ...`."""

    @property
    def name(self) -> str:
        """The name the model uses: `[a-zA-Z_][a-zA-Z0-9_-]{0,63}`."""
        ...

    @property
    def description(self) -> str:
        """What it does, for the model."""
        ...

    @property
    def schema(self) -> Mapping[str, JSON]:
        """JSON Schema of the arguments, of type object."""
        ...

    @property
    def risk(self) -> Risk:
        """What it can do at worst."""
        ...

    def summary(self, arguments: Mapping[str, JSON]) -> str:
        """Return the arguments in a few words, for a list; sanitised, one line. Never raises."""
        ...

    async def preview(self, arguments: Mapping[str, JSON], context: ToolContext) -> Preview | None:
        """Return what an approval should show, or None for the plain arguments.

        Raises:
            ToolError: the call cannot work as it is; it is answered with that, unasked and unrun.
        """
        ...

    async def run(self, arguments: Mapping[str, JSON], context: ToolContext) -> str:
        """Do it and return text for the model. Cancelling the task stops what was started.

        Raises:
            ToolError: it failed; the message goes to the model.
        """
        ...

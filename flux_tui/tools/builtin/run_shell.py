"""Runs a command line in a shell."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from flux_tui.core.errors import ToolError
from flux_tui.core.sanitize import one_line, visible
from flux_tui.core.usage import JSON
from flux_tui.tools.arguments import shown, text, whole
from flux_tui.tools.base import Preview, Risk, ToolContext
from flux_tui.tools.process import FLOOD, Finished, run

_LONGEST = 100_000  # characters; the system refuses single arguments above 131,072 bytes


class RunShell:
    """One command line, run with bash in the workspace."""

    name = "run_shell"
    description = (
        "Run a command line with bash in the working folder and return its output (stdout and "
        "stderr together) and exit status. It has no terminal and no input, must end by itself, "
        "and what it leaves running is ended."
    )
    risk: Risk = "execute"
    schema: Mapping[str, JSON] = {
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "the command line, for bash -c"},
            "timeout": {"type": "integer", "description": "seconds it may take"},
        },
        "required": ["command"],
        "additionalProperties": False,
    }

    def summary(self, arguments: Mapping[str, JSON]) -> str:
        """The command line."""
        return one_line(shown(arguments, "command"))

    async def preview(self, arguments: Mapping[str, JSON], context: ToolContext) -> Preview | None:
        """Show the command line with every hidden character visible."""
        command = _command(arguments)
        return Preview("command", visible(command), _fingerprint(command))

    async def run(self, arguments: Mapping[str, JSON], context: ToolContext) -> str:
        """Run it and return its output; a failing status is a result, not an error."""
        command = _command(arguments)
        if context.approved and context.approved != _fingerprint(command):
            raise ToolError("this is not the command that was approved; nothing was run")
        longest = max(int(context.timeout), 1)
        seconds = whole(arguments, "timeout", longest, 1, longest)
        finished = await run(
            ("bash", "-c", command),
            cwd=context.root,
            timeout=seconds if "timeout" in arguments else context.timeout,
            limit=context.max_output,
            emit=context.emit,
        )
        return _told(finished, seconds)


def _command(arguments: Mapping[str, JSON]) -> str:
    command = text(arguments, "command")
    if not command.strip():
        raise ToolError("the command is empty")
    if len(command) > _LONGEST:
        raise ToolError("the command is too long", hint="write it to a file and run that")
    return command


def _fingerprint(command: str) -> str:
    return hashlib.sha256(command.encode()).hexdigest()


def _told(finished: Finished, seconds: int) -> str:
    if finished.timed_out:
        end = f"[stopped after {seconds} s, with everything it had started]"
    elif finished.flooded:
        end = f"[stopped after {FLOOD:,} bytes of output]"
    elif finished.status < 0:
        end = f"[ended by signal {-finished.status}]"
    elif finished.status or not finished.output:
        end = f"[exit status {finished.status}]"
    else:
        return finished.output
    return f"{finished.output.rstrip()}\n{end}".lstrip("\n")


TOOL = RunShell()

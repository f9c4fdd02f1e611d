"""A prompt of the command line: the argument, what comes through the pipe, or both."""

from __future__ import annotations

import select
import sys
from typing import TextIO

from flux_tui.core.errors import InputError
from flux_tui.core.sanitize import sanitize

MAX_PIPED = 20_000_000  # bytes
_LOOK = 8_000  # bytes, in which text has no NUL; git tells text from other files so
PIPE_SECONDS = 5.0
"""How long the first byte of a pipe is waited for beside a prompt."""


def read_prompt(given: str, *, wait: bool = False, hint: str = "") -> str:
    """Return the prompt from the argument, the pipe, or both, the argument first. Blocks.

    Beside an argument, a pipe that stays silent is left alone: a program started by another one
    often inherits an input that never ends. *wait* waits for it all the same.

    Raises:
        InputError: there is none, with *hint*, or the pipe holds too much, or no text.
    """
    piped = ""
    if sys.stdin is not None and not sys.stdin.isatty():
        if wait or not given.strip() or _speaks(sys.stdin):
            data = sys.stdin.buffer.read(MAX_PIPED + 1)
            if len(data) > MAX_PIPED:
                raise InputError(f"the piped text is larger than {MAX_PIPED // 1_000_000} MB")
            if b"\0" in data[:_LOOK]:
                raise InputError(
                    "what comes through the pipe is no text",
                    hint="save a text as UTF-8; a picture or a PDF file goes with ask --attach",
                )
            piped = data.decode("utf-8-sig", "replace").strip("\n")
        else:
            sys.stderr.write(
                f"flux-tui: nothing came through the pipe in {PIPE_SECONDS:.0f} s, it is not "
                "waited for; --stdin waits, < /dev/null saves the time\n"
            )
    prompt = "\n\n".join(text for text in (given, piped) if text.strip())
    if not sanitize(prompt).strip():
        raise InputError("there is no prompt", hint=hint)
    return prompt


def _speaks(stream: TextIO) -> bool:
    """Whether something, or the end, comes through the pipe in time."""
    try:
        number = stream.fileno()
    except OSError:
        return True  # no file of the system, so nothing that could keep us waiting
    return bool(select.select([number], [], [], PIPE_SECONDS)[0])

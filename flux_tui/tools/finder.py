"""Searches files for a pattern; runs as a process of its own.

A regular expression can take for ever and hold the interpreter's lock meanwhile: a thread would
freeze the screen and could not be stopped, a process can.
"""

from __future__ import annotations

import os
import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TextIO

from flux_tui.core.errors import ToolError
from flux_tui.tools.walk import walk
from flux_tui.tools.workspace import read_bytes, relative, resolve

_MOST = 2_000_000  # bytes of a file; larger ones are data, not text
_LINE = 300  # characters of a line


def main(arguments: list[str], out: TextIO) -> int:
    """Print `path:line:text` for every match; status 0 if any, 1 if none, 2 for a bad pattern.

    *arguments*: root, path below it, file name pattern or "", "i" or "", most matches, pattern.
    """
    root, below, glob, flags, most, pattern = arguments
    try:
        wanted = re.compile(pattern, re.IGNORECASE if flags == "i" else 0)
    except re.error as problem:
        out.write(f"not a regular expression: {problem}\n")
        return 2
    left = int(most)
    for path in _files(Path(root), below, glob):
        for number, line in _matches(Path(root), path, wanted):
            out.write(f"{relative(Path(root), path)}:{number}:{line[:_LINE]}\n")
            left -= 1
            if not left:
                return 0
    return 0 if left < int(most) else 1


def _files(root: Path, below: str, glob: str) -> list[Path]:
    top = resolve(root, below)
    if top.is_file():
        return [top]
    found = (
        Path(entry.path)
        for entry in walk(top, 40, 20, Path(os.path.realpath(root)))
        if entry.is_file(follow_symlinks=False)
    )
    return [
        path
        for path in found
        if not glob
        or fnmatchcase(path.name, glob)
        or fnmatchcase(path.relative_to(top).as_posix(), glob)
    ]


def _matches(root: Path, path: Path, wanted: re.Pattern[str]) -> list[tuple[int, str]]:
    try:
        found = read_bytes(root, resolve(root, str(path)), _MOST)
    except ToolError:
        return []  # secret, unreadable or gone: not for the model
    if b"\0" in found.data or found.size > _MOST:
        return []
    lines = found.data.decode("utf-8", "replace").splitlines()
    return [(number, line) for number, line in enumerate(lines, 1) if wanted.search(line)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout))

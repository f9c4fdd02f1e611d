"""The programs that a shell line may begin with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_MOST = 10_000


def list_programs(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the programs on PATH, sorted, each once. Blocks."""
    found: set[str] = set()
    for folder in environ.get("PATH", "").split(os.pathsep):
        try:
            with os.scandir(Path(folder)) as entries:
                found |= {entry.name for entry in entries if os.access(entry.path, os.X_OK)}
        except OSError:
            continue  # a folder of PATH need not exist
        if len(found) > _MOST:
            break
    return tuple(sorted(found))

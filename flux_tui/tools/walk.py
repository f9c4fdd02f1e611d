"""Walks a folder the way a reader of a project wants it: without what `.gitignore` leaves out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

_ALWAYS_OUT = frozenset((".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv"))


def walk(top: Path, depth: int, seconds: float) -> Iterator[os.DirEntry[str]]:
    """Yield what lies below *top*, folders before their content, sorted by name.

    Goes *depth* levels down, follows no symbolic link, leaves out what the `.gitignore` files from
    *top* down say, and ends after *seconds*.
    """
    yield from _below(top, depth, time.monotonic() + seconds, ())


def _below(
    folder: Path, depth: int, deadline: float, rules: tuple[tuple[Path, _Spec], ...]
) -> Iterator[os.DirEntry[str]]:
    own = _spec_of(folder)
    if own is not None:
        rules = (*rules, (folder, own))
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return  # unreadable folders show as empty: the listing is of what can be read
    for entry in entries:
        if time.monotonic() > deadline:
            return
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name in _ALWAYS_OUT or _ignored(entry, is_folder, rules):
            continue
        yield entry
        if is_folder and depth > 1:
            yield from _below(Path(entry.path), depth - 1, deadline, rules)


class _Spec:
    """The patterns of one `.gitignore`."""

    def __init__(self, text: str) -> None:
        from pathspec import GitIgnoreSpec

        self._spec = GitIgnoreSpec.from_lines(text.splitlines())

    def matches(self, path: str) -> bool:
        """Whether *path*, relative to the file's folder, is left out."""
        return self._spec.match_file(path)


def _spec_of(folder: Path) -> _Spec | None:
    try:
        with (folder / ".gitignore").open(encoding="utf-8", errors="replace") as file:
            return _Spec(file.read(200_000))
    except (OSError, ValueError):
        return None  # none there, or not one that can be understood


def _ignored(
    entry: os.DirEntry[str], is_folder: bool, rules: tuple[tuple[Path, _Spec], ...]
) -> bool:
    path = Path(entry.path)
    end = "/" if is_folder else ""
    return any(spec.matches(path.relative_to(base).as_posix() + end) for base, spec in rules)

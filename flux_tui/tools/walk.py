"""Walks a folder the way a reader of a project wants it: without what `.gitignore` leaves out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

_ALWAYS_OUT = frozenset((".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv"))


def walk(
    top: Path, depth: int, seconds: float, root: Path | None = None
) -> Iterator[os.DirEntry[str]]:
    """Yield what lies below *top*, folders before their content, sorted by name.

    Goes *depth* levels down, follows no symbolic link, leaves out what the `.gitignore` files from
    *root* (a folder above, *top* by default) down say, and ends after *seconds*. A *top* that is
    itself left out was asked for by name: the rules above it do not count then.
    """
    above = tuple(_rules_above(top, root)) if root is not None else ()
    rules = () if _left_out(top, True, above) else above
    yield from _below(top, depth, time.monotonic() + seconds, rules)


def _rules_above(top: Path, root: Path) -> Iterator[tuple[Path, _Spec]]:
    """Yield the rules of *root* and the folders on the way to *top*, which is not among them."""
    if not top.is_relative_to(root):
        return
    folder = root
    for part in top.relative_to(root).parts:
        own = _spec_of(folder)
        if own is not None:
            yield folder, own
        folder /= part


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
        if entry.name in _ALWAYS_OUT or _left_out(Path(entry.path), is_folder, rules):
            continue
        yield entry
        if is_folder and depth > 1:
            yield from _below(Path(entry.path), depth - 1, deadline, rules)


class _Spec:
    """The patterns of one `.gitignore`."""

    def __init__(self, text: str) -> None:
        from pathspec import GitIgnoreSpec

        self._spec = GitIgnoreSpec.from_lines(text.splitlines())

    def verdict(self, path: str) -> bool | None:
        """Whether *path*, relative to the file's folder, is left out; None if it is not named."""
        return self._spec.check_file(path).include


def _spec_of(folder: Path) -> _Spec | None:
    try:
        with (folder / ".gitignore").open(encoding="utf-8", errors="replace") as file:
            return _Spec(file.read(200_000))
    except (OSError, ValueError):
        return None  # none there, or not one that can be understood


def _left_out(path: Path, is_folder: bool, rules: tuple[tuple[Path, _Spec], ...]) -> bool:
    end = "/" if is_folder else ""
    # The file that stands deepest has the last word, as with git.
    for base, spec in reversed(rules):
        verdict = spec.verdict(path.relative_to(base).as_posix() + end)
        if verdict is not None:
            return verdict
    return False

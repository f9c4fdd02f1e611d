"""Finds the files that a user means: by a path that was typed or pasted, or by a part of one."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flux_tui.core.errors import InputError
from flux_tui.tools.walk import walk

MOST_FILES = 200_000
"""Files of a folder that are offered; the rest must be named in full."""

_DEPTH = 12
_SECONDS = 20.0
_WALKED = 50  # files that are found in a row, and
_SEARCHED = 250  # paths that are looked at in a row: half a millisecond
_REST = 0.0001  # seconds; a thread that never waits makes every key wait for its turn
_LONGEST_PATH = 1_000  # characters; what is longer is text
_MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|(\S+))')
_PATHLIKE = re.compile(r"""["'~/.]|file://|[A-Za-z]:\\|[^\s/]+(/|\.[A-Za-z0-9]{1,5}$)""")


class FileTree:
    """The files below *root* that `.gitignore` leaves, as relative paths.

    `fill` and `find` block: call them in threads, also at the same time; what is found so far can
    be searched while the walk goes on.
    """

    def __init__(self, root: Path) -> None:
        self.done = False
        self._root = root
        self._paths: list[str] = []
        self._narrow: tuple[str, list[str]] = ("", [])  # the last search, and all it found
        self._latest = object()  # the search that counts

    def __len__(self) -> int:
        return len(self._paths)

    def fill(self) -> None:
        """Walk, to the end or as far as is sensible."""
        above = len(str(self._root).rstrip(os.sep)) + 1
        for entry in walk(self._root, _DEPTH, _SECONDS):
            if entry.is_file(follow_symlinks=False):
                self._paths.append(entry.path[above:].replace(os.sep, "/"))
                if len(self._paths) >= MOST_FILES:
                    break
                if len(self._paths) % _WALKED == 0:
                    time.sleep(_REST)
        self.done = True

    def find(self, wanted: str, most: int = 50) -> tuple[str, ...]:
        """Return the best files for *wanted*, see `rank`; nothing if another search began."""
        search = self._latest = object()
        before, found = self._narrow
        # Who has the letters of a longer word has those of its beginning too.
        narrower = self.done and before and wanted.lower().startswith(before.lower())
        paths = found if narrower else list(self._paths)
        matches = matching(paths, wanted, lambda: self._latest is search)
        if self._latest is not search:
            return ()
        if self.done:
            self._narrow = (wanted, [path for _, _, path in matches])
        return tuple(path for _, _, path in nsmallest(most, matches))


def rank(paths: Iterable[str], wanted: str, most: int = 50) -> tuple[str, ...]:
    """Return the *paths* that hold the letters of *wanted* in their order, best first.

    A name that begins with it comes first, then one that holds it, then a path that does, then
    letters apart; shorter paths before longer ones.
    """
    return tuple(path for _, _, path in nsmallest(most, matching(paths, wanted)))


def matching(
    paths: Iterable[str], wanted: str, going_on: Callable[[], bool] = lambda: True
) -> list[tuple[int, int, str]]:
    """Return the *paths* that have the letters of *wanted*, each behind its order. Blocks.

    Gives up, with nothing, when *going_on* says no.
    """
    low = wanted.lower()
    scored: list[tuple[int, int, str]] = []
    for number, path in enumerate(paths):
        score = _score(path.lower(), low)
        if score is not None:
            scored.append((score, len(path), path))
        if number % _SEARCHED == _SEARCHED - 1:
            time.sleep(_REST)
            if not going_on():
                return []
    return scored


def _score(path: str, wanted: str) -> int | None:
    name = path.rpartition("/")[2]
    if name.startswith(wanted):
        return 0
    if wanted in name:
        return 1
    if wanted in path:
        return 2
    letters = iter(path)
    return 3 if all(letter in letters for letter in wanted) else None


def mentioned(text: str, root: Path) -> tuple[Path, ...]:
    """Return the existing files that *text* names with @, each once. Blocks."""
    found: dict[Path, None] = {}
    for match in _MENTION.finditer(text):
        word = match[1] or match[2]
        # A sentence may go on after the name: "see @a.py, then @b.py."
        for candidate in dict.fromkeys((word, word.rstrip(".,;:!?)"))):
            path = _existing(root, candidate)
            if path is not None:
                found[path] = None
                break
    return tuple(found)


def looks_like_paths(text: str) -> bool:
    """Whether it is worth asking the disk if *text* names files; never blocks."""
    stripped = text.strip()
    if not stripped or len(stripped) > _LONGEST_PATH:
        return False
    return all(_PATHLIKE.match(line.strip()) for line in stripped.splitlines())


def paths_in(text: str, root: Path) -> tuple[Path, ...]:
    """Return the existing files that *text* consists of; none if it is anything else. Blocks.

    Takes what terminals paste when files are dropped on them: quoted, with backslashes, as
    ``file://`` addresses, one a line or several in one.
    """
    if not looks_like_paths(text):
        return ()
    for words in _readings(text.strip()):
        found = [_existing(root, word) for word in words]
        if found and all(found):
            return tuple(dict.fromkeys(path for path in found if path is not None))
    return ()


def _readings(text: str) -> Iterable[Sequence[str]]:
    yield [line.strip() for line in text.splitlines()]
    try:
        yield shlex.split(text)
    except ValueError:
        return  # an open quote: no list of paths


def named_file(text: str, root: Path) -> Path:
    """Return the file that *text* names, from *root*. Blocks.

    Raises:
        InputError: there is none.
    """
    found = paths_in(text, root) or tuple(filter(None, [_existing(root, text.strip())]))
    if len(found) != 1:
        raise InputError(f"there is no file {text.strip()[:200]!r}", hint="/attach path")
    return found[0]


def _existing(root: Path, word: str) -> Path | None:
    if word.startswith("file://"):
        word = unquote(urlsplit(word).path)
    try:
        path = root / Path(word).expanduser()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None  # too long, with a zero byte, or the home of nobody

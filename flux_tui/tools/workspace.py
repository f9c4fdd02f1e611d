"""The one folder tools may touch: resolves a path inside it, or refuses."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from flux_tui.core.errors import ToolError
from flux_tui.core.sanitize import one_line
from flux_tui.tools.secrets import is_secret

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO waits for its writer for ever.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def resolve(root: Path, text: str) -> Path:
    """Return the absolute path that *text* names inside *root*, symbolic links followed.

    It need not exist. Blocks on the disk: call it in a thread.

    Raises:
        ToolError: it lies outside the root, or holds secrets.
    """
    shown = one_line(text)
    try:
        path = Path(os.path.realpath(root / text))
        base = Path(os.path.realpath(root))
    except (OSError, ValueError) as problem:
        raise ToolError(f"{shown!r} is not a usable path") from problem
    if not path.is_relative_to(base):
        raise ToolError(
            f"{shown!r} is outside the working folder", hint="name a path inside the folder"
        )
    if is_secret(path) or is_secret(Path(os.path.normpath(base / text))):
        raise ToolError(f"{shown!r} may hold secrets and is not opened for models")
    return path


def relative(root: Path, path: Path) -> str:
    """Return *path* as seen from *root*, with forward slashes."""
    return path.relative_to(os.path.realpath(root)).as_posix()


@contextmanager
def opened_folder(root: Path, folder: Path, *, create: bool = False) -> Generator[int, None, None]:
    """Give a descriptor of *folder*, reached from *root* one step at a time.

    No step follows a symbolic link, so a link put there after `resolve` leads nowhere.

    Raises:
        OSError: a step is missing, is a link, or is no folder.
    """
    at = os.open(os.path.realpath(root), _DIRECTORY)
    try:
        for part in folder.relative_to(os.path.realpath(root)).parts:
            if create:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=at)
            below = os.open(part, _DIRECTORY, dir_fd=at)
            os.close(at)
            at = below
        yield at
    finally:
        os.close(at)


@dataclass(frozen=True, slots=True)
class Bytes:
    """A stretch of a regular file: *size* and *mode* are those of the whole file."""

    data: bytes
    size: int
    mode: int


def read_bytes(root: Path, path: Path, limit: int, start: int = 0) -> Bytes:
    """Return at most *limit* bytes of the regular file *path*, from byte *start* on.

    Raises:
        ToolError: there is no such file, or it is no regular file, or it cannot be read.
    """
    shown = one_line(relative(root, path)) or "."
    try:
        with opened_folder(root, path.parent) as folder:
            descriptor = os.open(path.name, _READ, dir_fd=folder)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            facts = os.fstat(descriptor)
            if stat.S_ISDIR(facts.st_mode):
                raise ToolError(f"{shown!r} is a folder", hint="use list_files")
            if not stat.S_ISREG(facts.st_mode):
                raise ToolError(f"{shown!r} is not a regular file")
            return Bytes(_read(file.fileno(), limit, start), facts.st_size, facts.st_mode)
    except FileNotFoundError as problem:
        raise ToolError(f"there is no file {shown!r}") from problem
    except (OSError, ValueError) as problem:
        raise ToolError(f"cannot read {shown!r}: {_reason(problem)}") from problem


def _read(descriptor: int, limit: int, start: int) -> bytes:
    pieces: list[bytes] = []
    while limit > 0:
        piece = os.pread(descriptor, min(limit, 1 << 20), start)
        if not piece:
            break
        pieces.append(piece)
        start += len(piece)
        limit -= len(piece)
    return b"".join(pieces)


def _reason(problem: Exception) -> str:
    return (getattr(problem, "strerror", None) or type(problem).__name__).lower()


def replace_bytes(root: Path, path: Path, data: bytes, expected: Bytes | None) -> None:
    """Put *data* in place of *path* in one step, keeping its mode; folders on the way are made.

    *expected* is what the file must still hold, None if it must not exist.

    Raises:
        ToolError: it holds something else by now, or cannot be written.
    """
    shown = one_line(relative(root, path))
    try:
        with opened_folder(root, path.parent, create=True) as folder:
            _replace_in(folder, path.name, data, expected)
    except (OSError, ValueError) as problem:
        raise ToolError(f"cannot write {shown!r}: {_reason(problem)}") from problem


def _replace_in(folder: int, name: str, data: bytes, expected: Bytes | None) -> None:
    spare = f".{secrets.token_hex(6)}.flux-tui"
    mode = stat.S_IMODE(expected.mode) if expected is not None else 0o666
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(spare, flags, mode, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if expected is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        if _held(folder, name) != (expected.data if expected is not None else None):
            raise ToolError(
                "the file has changed since it was shown; nothing was written",
                hint="read it again",
            )
        os.rename(spare, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(spare, dir_fd=folder)
        raise
    os.fsync(folder)


def _held(folder: int, name: str) -> bytes | None:
    try:
        descriptor = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ToolError("not a regular file; nothing was written")
        return file.read()

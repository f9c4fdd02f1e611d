"""Answers on disk, one JSON object a line: what is there need not be asked again."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias, cast

from flux_tui.core.codec import dumps
from flux_tui.core.errors import InputError, StoreError
from flux_tui.core.usage import JSON

if TYPE_CHECKING:
    from collections.abc import Mapping

Record: TypeAlias = "dict[str, JSON]"
Key: TypeAlias = tuple[str, str, str]
"""The kind of a record, the digest of its prompt, and its model."""

_START = b'{"kind":'


def peek(path: Path) -> list[Record]:
    """Return the records in a file that another process may write to, oldest first. Blocks.

    A file that is not there has none, and a line that is torn or none of ours is left out.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return []
    found: list[Record] = []
    for line in lines:
        try:
            value: object = json.loads(line)
            record = cast("Record", value)  # what it is not fails in the next line
            key_of(record)
        except (ValueError, KeyError, TypeError):
            continue
        found.append(record)
    return found


def key_of(record: Mapping[str, JSON]) -> Key:
    """Return what makes two records the same one."""
    return str(record["kind"]), str(record["digest"]), str(record["model"])


class AnswerLog:
    """A file that only grows, and that one process at a time writes to.

    Every line is written at once and reaches the disk before `append` returns: a kill loses no
    answer that was told, and leaves at most a torn last line, which the next run cuts off. Of two
    records with the same key the later one counts; one with an error asks for another try.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[Key, Record] = {}
        self._file = -1
        self._writing = Lock()

    def open(self) -> None:
        """Read what is there and take the file for writing. Blocks.

        Raises:
            InputError: it holds something else, or another process writes to it.
        """
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as problem:
            raise InputError(f"{self.path} cannot be written: {problem.strerror}") from problem
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            self.close()
            raise InputError(f"{self.path} is no ordinary file", hint="name another one")
        self._claim()
        whole, torn = self._read()
        for number, line in enumerate(whole.split(b"\n"), 1):
            if line.strip():
                self._take(line, number)
        if torn:
            # Only behind records of ours: another kind of file is never cut.
            if torn[: len(_START)] != _START[: len(torn)]:
                raise InputError(f"{self.path} is no file of answers", hint="name another one")
            os.ftruncate(self._file, len(whole) + 1 if whole else 0)

    def _claim(self) -> None:
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            self.close()
            raise InputError(
                f"{self.path} is being written by another process", hint="wait for its end"
            ) from problem

    def _read(self) -> tuple[bytes, bytes]:
        """Return the whole lines, and what stands behind the last line break."""
        with open(self._file, "rb", closefd=False) as file:
            whole, _, torn = file.read().rpartition(b"\n")
        return whole, torn

    def _take(self, line: bytes, number: int) -> None:
        try:
            value: object = json.loads(line)
            record = cast("Record", value)  # what it is not fails in the next line
            key = key_of(record)
        except (ValueError, KeyError, TypeError) as problem:
            raise InputError(
                f"{self.path}:{number} is no answer of ours", hint="name another file"
            ) from problem
        if record.get("error") and not self.records.get(key, {}).get("error", True):
            return  # a good answer is not replaced by a failed try
        self.records[key] = record

    def append(self, record: Record) -> None:
        """Write *record*, which carries kind, digest and model. Blocks until it is on the disk.

        Raises:
            StoreError: it cannot be written; the file ends with the record before it then.
        """
        line = f"{dumps(record)}\n".encode()
        with self._writing:
            end = os.fstat(self._file).st_size
            try:
                while line:  # a signal may cut a write short
                    line = line[os.write(self._file, line) :]
                os.fsync(self._file)
            except OSError as problem:
                os.ftruncate(self._file, end)  # nothing is written behind a torn line
                raise StoreError(
                    f"{self.path} cannot be written: {problem.strerror}",
                    hint="make room and run it again; it goes on with what is missing",
                ) from problem
            self.records[key_of(record)] = record

    def close(self) -> None:
        """Let others write to it; idempotent."""
        with self._writing:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

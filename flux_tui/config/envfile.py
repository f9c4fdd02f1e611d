"""Read a `.env` file for known names only."""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from flux_tui.core.errors import ConfigError, Place

MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a `.env` file said: values by name, their lines, and warnings for the user."""

    path: Path
    values: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    lines: dict[str, int] = field(default_factory=dict[str, int])
    warnings: tuple[str, ...] = ()


def read_env_file(path: Path, known: Collection[str]) -> EnvFile:
    """Return the *known* names set in the file at *path*; a file that is not there sets none.

    Values are taken as they stand: nothing is interpolated, so that keys with `$` survive. A line
    that cannot be understood is left out with a warning; its text is not shown, it may be a key.

    Raises:
        ConfigError: the file cannot be read, is too large, or is not UTF-8.
    """
    text = _read(path)
    if not text:
        return EnvFile(path)
    from dotenv.parser import parse_stream  # 15 ms, and most folders have no such file

    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    warnings: list[str] = []
    for binding in parse_stream(io.StringIO(text)):
        # The binding's text may begin with the blank lines above it.
        string = binding.original.string
        blank = string[: len(string) - len(string.lstrip())]
        line = binding.original.line + blank.count("\n")
        if binding.error:
            warnings.append(f"{path}:{line}: not NAME=value; the line is ignored")
        elif binding.key is None or binding.key not in known:
            continue
        elif binding.value is not None:
            values[binding.key] = binding.value
            lines[binding.key] = line
        else:
            warnings.append(f"{path}:{line}: {binding.key} has no value; the line is ignored")
    return EnvFile(path, values, lines, tuple(warnings))


def _read(path: Path) -> str:
    place = Place(str(path))
    try:
        if not path.is_file():  # a directory of that name is a virtual environment, a fifo a trap
            return ""
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as problem:
        reason = problem.strerror or "unknown reason"
        raise ConfigError(f"cannot be read ({reason})", place=place, key=".env") from problem
    if len(data) > MAX_BYTES:
        raise ConfigError(f"larger than {MAX_BYTES:,} bytes", place=place, key=".env")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise ConfigError(
            "not UTF-8 text", place=Place(str(path), line), key=".env", hint="save it as UTF-8"
        ) from None

"""Read tables of `config.toml` so that every wrong value names its file, line and key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flux_tui.core.errors import ConfigError, Place
from flux_tui.core.near import did_you_mean

if TYPE_CHECKING:
    from flux_tui.core.usage import JSON


def one_of(word: str, accepted: Sequence[str], place: Place, key: str) -> str:
    """Return *word* if it is accepted.

    Raises:
        ConfigError: it is not; the message lists what is.
    """
    if word in accepted:
        return word
    raise ConfigError(
        f"{word!r} is not one of {', '.join(accepted)}",
        place=place,
        key=key,
        hint=did_you_mean(word, accepted),
    )


def number_wanted(low: float, high: float, *, whole: bool) -> str:
    """Return what a number must be."""
    return f"must be {'a whole number' if whole else 'a number'} from {low:,} to {high:,}"


def read_toml(path: Path) -> Table:
    """Return the table at the root of the file; a file that is not there is an empty table.

    Raises:
        ConfigError: it cannot be read, is not UTF-8 or not TOML.
    """
    place = Place(str(path))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return Table(path, "", {}, ())
    except OSError as problem:
        reason = problem.strerror or "unknown reason"
        raise ConfigError(f"cannot be read ({reason})", place=place, key="file") from problem
    except UnicodeDecodeError:
        raise ConfigError("not UTF-8 text", place=place, key="file") from None
    import tomllib  # here: without a file nothing waits for it

    try:
        return Table(path, text, tomllib.loads(text), ())
    except tomllib.TOMLDecodeError as problem:
        found = re.search(r"line (\d+)", str(problem))
        # Without a line it is the end: something was opened and never closed.
        line = int(found[1]) if found else len(text.splitlines())
        raise ConfigError(
            f"not TOML: {problem}", place=Place(str(path), line), key="file"
        ) from problem


class Table:
    """One table of the file; remembers which keys were asked for, to name the rest."""

    def __init__(self, path: Path, text: str, data: dict[str, object], where: tuple[str, ...]):
        self._path = path
        self._text = text
        self._data = data
        self._where = where
        self._asked: set[str] = set()

    def place(self, key: str = "") -> Place:
        """Return the file and the line of *key*, as well as it can be found."""
        return Place(str(self._path), _line_of(self._text, self._where, key))

    def full(self, key: str) -> str:
        """Return the dotted name of *key*."""
        return ".".join((*self._where, key))

    def wrong(self, key: str, message: str, hint: str = "") -> ConfigError:
        """Return the error that refuses the value of *key*."""
        return ConfigError(message, place=self.place(key), key=self.full(key), hint=hint)

    def get(self, key: str) -> object:
        """Return the value of *key* as it stands, or None."""
        self._asked.add(key)
        return self._data.get(key)

    def text(self, key: str) -> str | None:
        """Return a text, or None when *key* is not set."""
        value = self.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(key, f"must be a text in quotes, not {_kind(value)}")

    def choice(self, key: str, accepted: Sequence[str]) -> str | None:
        """Return one of the *accepted* words, or None when *key* is not set."""
        value = self.text(key)
        return None if value is None else one_of(value, accepted, self.place(key), self.full(key))

    def number(self, key: str, low: float, high: float, *, whole: bool = False) -> float | None:
        """Return a number from *low* to *high*, or None when *key* is not set."""
        value = self.get(key)
        if value is None:
            return None
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            wanted = number_wanted(low, high, whole=whole)
            raise self.wrong(key, f"{wanted}, not {_kind(value)}")
        return cast("float", value)

    def flag(self, key: str) -> bool | None:
        """Return true or false, or None when *key* is not set."""
        value = self.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(key, f"must be true or false, not {_kind(value)}")

    def texts(self, key: str) -> tuple[str, ...] | None:
        """Return a list of texts, or None when *key* is not set."""
        value = self.get(key)
        if value is None:
            return None
        items = cast("list[object]", value) if isinstance(value, list) else [None]
        if not all(isinstance(item, str) for item in items):
            raise self.wrong(key, 'must be a list of texts, as in ["a", "b"]')
        return tuple(cast("list[str]", items))

    def table(self, key: str) -> Table:
        """Return the table *key*, empty when it is not set."""
        value = self.get(key)
        if value is None:
            return Table(self._path, self._text, {}, (*self._where, key))
        if not isinstance(value, dict):
            raise self.wrong(key, f"must be a table, [{self.full(key)}], not {_kind(value)}")
        return Table(self._path, self._text, cast("dict[str, object]", value), (*self._where, key))

    def names(self) -> tuple[str, ...]:
        """Return the keys that are set, in the order of the file."""
        return tuple(self._data)

    def text_pairs(self) -> dict[str, str]:
        """Return the whole table as texts by name."""
        return {key: self._paired(key) for key in self._data}

    def _paired(self, key: str) -> str:
        value = self._data[key]
        if isinstance(value, dict) and value:
            # A name with a dot that stands without quotes is a table to TOML.
            whole = f"{key}.{next(iter(cast('dict[str, object]', value)))}"
            hint = f'write the name in quotes: "{whole}" = "…"'
            raise self.wrong(key, "must be a text in quotes, not a table", hint)
        return self.text(key) or ""

    def rest(self) -> dict[str, JSON]:
        """Return what nobody asked for."""
        return {
            key: cast("JSON", value)  # TOML holds JSON's types; dates are refused by callers' use
            for key, value in self._data.items()
            if key not in self._asked
        }

    def unknown(self) -> list[str]:
        """Return a warning for every key that nobody asked for."""
        known = sorted(self._asked - set(self._data))
        return [
            f"{self.place(key)}: {self.full(key)} is not a setting and is ignored"
            + (f"; {hint}" if (hint := did_you_mean(key, known)) else "")
            for key in self._data
            if key not in self._asked
        ]


def _kind(value: object) -> str:
    """Return *value* for a message; texts are not repeated, they may be secrets."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    names = {"str": "a text", "list": "a list", "dict": "a table"}
    name = type(value).__name__
    return names.get(name, f"a {name}")


def _line_of(text: str, where: tuple[str, ...], key: str) -> int:
    """Return the line where *key* of the table *where* is set, else its table's line, else 0."""
    current: tuple[str, ...] = ()
    table_line = 0
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("["):
            current = _dotted(bare.partition("]")[0].lstrip("["))
            if current in {where, (*where, key)}:
                table_line = table_line or number
                if key and current == (*where, key):
                    return number
        elif "=" in bare and not bare.startswith("#"):
            name = (*current, *_dotted(bare.partition("=")[0]))
            if name[: len(where) + 1] == (*where, key):
                return number
    # An inline table stands on the line of its own name.
    return table_line or (_line_of(text, where[:-1], where[-1]) if where else 0)


def _dotted(name: str) -> tuple[str, ...]:
    parts = re.findall(r"""\s*(?:"([^"]*)"|'([^']*)'|([^."'\s]+))\s*""", name)
    return tuple(double or single or bare for double, single, bare in parts)

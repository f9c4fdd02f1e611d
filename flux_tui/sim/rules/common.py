"""The vocabulary of the rules: a violation, and shapes that say which JSON is well-formed.

A shape yields neutral `Problem`s; each vendor's file words them as its own API does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from flux_tui.sim.values import is_array, is_object, mapping, sequence, string


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing the vendor refuses, worded as its error body words it.

    Attributes:
        rule: the rule's name; a letter for the wire format and a number or a word.
        path: where, in the vendor's notation.
        message: the vendor's sentence.
        param: the error body's `param` (OpenAI); None where the vendor sends null.
        code: the error body's `code` (OpenAI).
        status: the HTTP status it is refused with.
        type: the error body's `type`.
        wait: the time to wait that the error body tells (Google), as "2s".
    """

    rule: str
    path: str
    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400
    type: str = "invalid_request_error"
    wait: str = ""


class Tag(str):
    """A path step that names the member of a union; some vendors print it, some do not."""

    __slots__ = ()


Path: TypeAlias = tuple["str | int", ...]
Kind: TypeAlias = Literal[
    "missing", "unknown", "type", "choice", "tag", "pattern", "long", "low", "empty"
]


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that does not have its shape, in no vendor's words."""

    path: Path
    kind: Kind
    expected: str = ""
    choices: tuple[str, ...] = ()
    found: object = None
    rule: str = ""


class Shape(Protocol):
    """Knows whether a JSON value is well-formed."""

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """What is wrong with *value*, which stands at *path*."""
        ...

    @property
    def noun(self) -> str:
        """What a well-formed value is called: "a string"."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `rule` names the rule a wrong pattern or length breaks."""

    pattern: str = ""
    longest: int | None = None
    choices: tuple[str, ...] = ()
    rule: str = ""
    noun: str = "a string"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        if not isinstance(value, str):
            yield Problem(path, "type", self.noun, found=value)
            return
        if self.choices and value not in self.choices:
            yield Problem(path, "choice", choices=self.choices, found=value, rule=self.rule)
        if self.longest is not None and len(value) > self.longest:
            yield Problem(path, "long", str(self.longest), found=value, rule=self.rule)
        elif self.pattern and not re.fullmatch(self.pattern, value):
            yield Problem(path, "pattern", f"^{self.pattern}$", found=value, rule=self.rule)


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer of at least `least`."""

    least: int | None = None
    rule: str = ""
    noun: str = "an integer"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        if not isinstance(value, int) or isinstance(value, bool):
            yield Problem(path, "type", self.noun, found=value)
        elif self.least is not None and value < self.least:
            yield Problem(path, "low", str(self.least), found=value, rule=self.rule)


@dataclass(frozen=True, slots=True)
class Number:
    """Any JSON number."""

    noun: str = "a decimal"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            yield Problem(path, "type", self.noun, found=value)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    noun: str = "a boolean"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        if not isinstance(value, bool):
            yield Problem(path, "type", self.noun, found=value)


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value at all: what the rules have no opinion on."""

    noun: str = "a value"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A JSON object with any keys."""

    rule: str = ""
    noun: str = "an object"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        if not is_object(value):
            yield Problem(path, "type", self.noun, found=value, rule=self.rule)


@dataclass(frozen=True, slots=True)
class Items:
    """An array whose items all have one shape."""

    item: Shape
    empty: bool = True
    rule: str = ""
    noun: str = "an array"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        if not is_array(value):
            yield Problem(path, "type", self.noun, found=value)
            return
        items = sequence(value)
        if not items and not self.empty:
            yield Problem(path, "empty", rule=self.rule)
        for index, item in enumerate(items):
            yield from self.item.problems(item, (*path, index))


@dataclass(frozen=True, slots=True)
class Maybe:
    """The shape, or null."""

    shape: Shape

    @property
    def noun(self) -> str:
        """What the shape calls its value."""
        return self.shape.noun

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        if value is not None:
            yield from self.shape.problems(value, path)


@dataclass(frozen=True, slots=True)
class Either:
    """A string, or the other shape."""

    text: Shape
    other: Shape

    @property
    def noun(self) -> str:
        """Both, as one phrase."""
        return f"{self.text.noun} or {self.other.noun}"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        if isinstance(value, str):
            yield from self.text.problems(value, path)
        elif is_array(value) or is_object(value):
            yield from self.other.problems(value, path)
        else:
            yield Problem(path, "type", self.noun, found=value)


@dataclass(frozen=True, slots=True)
class Record:
    """A JSON object with these keys and no others."""

    required: Mapping[str, Shape] = field(default_factory=dict[str, Shape])
    optional: Mapping[str, Shape] = field(default_factory=dict[str, Shape])
    closed: bool = True
    noun: str = "an object"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        if not is_object(value):
            yield Problem(path, "type", self.noun, found=value)
            return
        found = mapping(value)
        for key in self.required:
            if key not in found:
                yield Problem((*path, key), "missing")
        for key, item in found.items():
            shape = self.required.get(key) or self.optional.get(key)
            if shape is not None:
                yield from shape.problems(item, (*path, key))
            elif self.closed:
                yield Problem((*path, key), "unknown")


@dataclass(frozen=True, slots=True)
class Tagged:
    """A JSON object whose `key` says which member of a union it is.

    `default` is the member meant when the key is absent. A tag of another kind that begins with
    one of `families` is a dated server-side feature and not looked into.
    """

    members: Mapping[str, Shape]
    key: str = "type"
    default: str = ""
    families: tuple[str, ...] = ()
    noun: str = "an object"

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        """See `Shape`."""
        if not is_object(value):
            yield Problem(path, "type", self.noun, found=value)
            return
        found = mapping(value)
        if self.key not in found and not self.default:
            yield Problem((*path, self.key), "missing")
            return
        tag = string(found.get(self.key) or self.default)
        if tag in self.members:
            yield from self.members[tag].problems(value, (*path, Tag(tag)))
        elif not (self.families and tag.startswith(self.families)):
            choices = tuple(self.members)
            yield Problem((*path, self.key), "tag", self.key, choices, found.get(self.key))


def dotted(path: Path) -> str:
    """`messages.0.content.1.text`: tags are steps like the others."""
    return ".".join(str(step) for step in path)


def bracketed(path: Path) -> str:
    """`messages[0].content[1]`: tags are left out."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif not isinstance(step, Tag):
            text += f".{step}" if text else str(step)
    return text


def listed(names: Sequence[str], last: str = "and") -> str:
    """`'a', 'b', and 'c'`."""
    quoted = [f"'{name}'" for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    if len(quoted) == 2:
        return f"{quoted[0]} {last} {quoted[1]}"
    return f"{', '.join(quoted[:-1])}, {last} {quoted[-1]}"


_NOUNS: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def noun_of(value: object) -> str:
    """What kind of JSON value this is, with its article."""
    return next((noun for kind, noun in _NOUNS if isinstance(value, kind)), "null")


def openai_violation(problem: Problem, rule: str) -> Violation:
    """*problem* in the words of OpenAI's two APIs."""
    where = bracketed(problem.path)
    message, code = _openai_words(problem, where)
    return Violation(problem.rule or rule, where, message, where, code)


def _openai_words(problem: Problem, where: str) -> tuple[str, str]:
    found = problem.found
    match problem.kind:
        case "missing":
            return f"Missing required parameter: '{where}'.", "missing_required_parameter"
        case "unknown":
            return f"Unknown parameter: '{where}'.", "unknown_parameter"
        case "type":
            got = noun_of(found)
            return (
                f"Invalid type for '{where}': expected {problem.expected}, but got {got} instead.",
                "invalid_type",
            )
        case "choice" | "tag":
            choices = listed(problem.choices)
            return f"Invalid value: '{found}'. Supported values are: {choices}.", "invalid_value"
        case "pattern":
            return (
                f"Invalid '{where}': string does not match pattern. Expected a string that "
                f"matches the pattern '{problem.expected}'.",
                "invalid_value",
            )
        case "long":
            return (
                f"Invalid '{where}': string too long. Expected a string with maximum length "
                f"{problem.expected}, but got a string with length {len(str(found))} instead.",
                "string_above_max_length",
            )
        case "low":
            return (
                f"Invalid '{where}': integer below minimum value. Expected a value >= "
                f"{problem.expected}, but got {found} instead.",
                "integer_below_min_value",
            )
        case "empty":
            return (
                f"Invalid '{where}': empty array. Expected an array with minimum length 1, but "
                "got an empty array instead.",
                "empty_array",
            )

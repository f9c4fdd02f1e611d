"""Two answers, side by side: which words of the prose and which lines of the code differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_WORDS = 4_000
"""In one changed passage; a longer one is marked whole, as comparing takes quadratic time."""

_MOST_LINES = 20_000
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_FENCE = re.compile(r"\s*(```|~~~)")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one answer from `start` to `end`, characters, that the other does not have."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AnswerDiff:
    """What only the left and only the right answer has, in order; `alike` is 0 to 1 of all text."""

    left: tuple[Span, ...]
    right: tuple[Span, ...]
    alike: float


def diff_answers(left: str, right: str) -> AnswerDiff:
    """Compare two Markdown answers: prose word by word, fenced code line by line.

    Takes some tenths of a second for 10,000 lines: call it in a thread.
    """
    mine, theirs = _lines(left), _lines(right)
    matcher = SequenceMatcher(
        None,
        [line.text for line in mine],
        [line.text for line in theirs],
        autojunk=max(len(mine), len(theirs)) > _MOST_LINES,
    )
    found: tuple[list[Span], list[Span]] = ([], [])
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            one, two = _passage(left, right, mine[a:b], theirs[c:d])
            found[0].extend(one)
            found[1].extend(two)
    return AnswerDiff(
        tuple(_joined(found[0], left)), tuple(_joined(found[1], right)), _alike(left, right, found)
    )


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    start: int
    end: int
    code: bool


def _lines(text: str) -> list[_Line]:
    found: list[_Line] = []
    fence = ""
    start = 0
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        code = bool(fence) or mark is not None
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1] == fence:
            fence = ""
        # An ending without a line break differs from no other line in what it says.
        found.append(_Line(line.rstrip("\r\n"), start, start + len(line), code))
        start += len(line)
    return found


def _passage(
    left: str, right: str, mine: Sequence[_Line], theirs: Sequence[_Line]
) -> tuple[list[Span], list[Span]]:
    """Compare what stands between two lines that are equal."""
    whole = _whole(mine), _whole(theirs)
    if not mine or not theirs or any(line.code for line in (*mine, *theirs)):
        return whole
    one = list(_WORDS.finditer(left, mine[0].start, mine[-1].end))
    two = list(_WORDS.finditer(right, theirs[0].start, theirs[-1].end))
    if len(one) + len(two) > MOST_WORDS:
        return whole
    matcher = SequenceMatcher(None, [m[0] for m in one], [m[0] for m in two], autojunk=False)
    spans: tuple[list[Span], list[Span]] = ([], [])
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            continue
        if b > a:
            spans[0].append(Span(one[a].start(), one[b - 1].end()))
        if d > c:
            spans[1].append(Span(two[c].start(), two[d - 1].end()))
    return spans


def _whole(lines: Sequence[_Line]) -> list[Span]:
    return [Span(line.start, line.end) for line in lines]


def _joined(spans: Sequence[Span], text: str) -> Iterator[Span]:
    """Join spans with only blanks between them, so that a changed phrase is marked as one."""
    pending: Span | None = None
    for span in spans:
        if pending is not None and not text[pending.end : span.start].strip(" "):
            pending = Span(pending.start, span.end)
            continue
        if pending is not None:
            yield pending
        pending = span
    if pending is not None:
        yield pending


def _alike(left: str, right: str, found: tuple[Sequence[Span], Sequence[Span]]) -> float:
    total = len(left) + len(right)
    if not total:
        return 1.0
    return 1.0 - sum(span.end - span.start for spans in found for span in spans) / total

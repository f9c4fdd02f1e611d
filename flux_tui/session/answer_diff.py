"""Two answers, side by side: which lines belong together, and which words and lines differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_WORDS = 4_000
"""In two changed lines; longer ones are marked whole, as comparing takes quadratic time."""

_MOST_LINES = 20_000
_MOST_PAIRS = 10_000  # of changed lines; in a longer passage the first stands beside the first
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_FENCE = re.compile(r"\s*(```|~~~)")

_LIKE = 0.3
"""Share of words that two lines have in common before one is taken for the other, changed."""

_BLANKS = 0.01
"""What it counts that two blank lines stand beside each other: less than any two words."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one answer from `start` to `end`, in characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Beside:
    """A line of each answer, line end included; None where that answer has nothing."""

    left: Span | None
    right: Span | None


@dataclass(frozen=True, slots=True)
class AnswerDiff:
    """What only the left and only the right answer has, in order; `alike` is 0 to 1 of all text.

    `rows` holds every line of both once, in their order, those that are equal beside each other.
    """

    left: tuple[Span, ...]
    right: tuple[Span, ...]
    alike: float
    rows: tuple[Beside, ...]


def diff_answers(left: str, right: str) -> AnswerDiff:
    """Compare two Markdown answers: prose word by word, fenced code line by line.

    Takes some tenths of a second for 10,000 lines: call it in a thread.
    """
    mine, theirs = _lines(left), _lines(right)
    matcher = SequenceMatcher(
        # Blank lines are everywhere: two that are equal do not tell what belongs together.
        lambda line: not line.strip(),
        [line.text for line in mine],
        [line.text for line in theirs],
        autojunk=max(len(mine), len(theirs)) > _MOST_LINES,
    )
    found: tuple[list[Span], list[Span]] = ([], [])
    rows: list[Beside] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        equal = kind == "equal"
        pairs = (
            zip(mine[a:b], theirs[c:d], strict=True) if equal else _pairs(mine[a:b], theirs[c:d])
        )
        for one, two in pairs:
            rows.append(Beside(one and one.span, two and two.span))
            if not equal:
                marks = _marks(left, right, one, two)
                found[0].extend(marks[0])
                found[1].extend(marks[1])
    return AnswerDiff(
        tuple(_joined(found[0], left)),
        tuple(_joined(found[1], right)),
        _alike(left, right, found),
        tuple(rows),
    )


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    span: Span
    code: bool
    words: Counter[str]

    @property
    def blank(self) -> bool:
        return not self.text.strip()


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
        words = Counter(re.findall(r"\w+", line))
        # An ending without a line break differs from no other line in what it says.
        found.append(_Line(line.rstrip("\r\n"), Span(start, start + len(line)), code, words))
        start += len(line)
    return found


# ── which lines belong together ──


def _pairs(
    mine: Sequence[_Line], theirs: Sequence[_Line]
) -> Iterator[tuple[_Line | None, _Line | None]]:
    """Put lines that differ beside those that they are most like, and the rest in order."""
    at = (0, 0)
    for a, b in (*_like(mine, theirs), (len(mine), len(theirs))):
        ones, twos = mine[at[0] : a], theirs[at[1] : b]
        for number in range(max(len(ones), len(twos))):
            one = ones[number] if number < len(ones) else None
            two = twos[number] if number < len(twos) else None
            yield one, two
        if a < len(mine) and b < len(theirs):
            yield mine[a], theirs[b]
        at = (a + 1, b + 1)


def _like(mine: Sequence[_Line], theirs: Sequence[_Line]) -> list[tuple[int, int]]:
    """Return which lines are like each other, as places in ascending order, most in all."""
    if len(mine) * len(theirs) > _MOST_PAIRS:
        return []
    # best[a][b]: what can be had from line a of the left and line b of the right on.
    best = [[0.0] * (len(theirs) + 1) for _ in range(len(mine) + 1)]
    worth = [[_likeness(one, two) for two in theirs] for one in mine]
    for a in range(len(mine) - 1, -1, -1):
        for b in range(len(theirs) - 1, -1, -1):
            both = worth[a][b] + best[a + 1][b + 1] if worth[a][b] else 0.0
            best[a][b] = max(both, best[a + 1][b], best[a][b + 1])
    found: list[tuple[int, int]] = []
    a = b = 0
    while a < len(mine) and b < len(theirs):
        if worth[a][b] and best[a][b] == worth[a][b] + best[a + 1][b + 1]:
            found.append((a, b))
            a, b = a + 1, b + 1
        elif best[a][b] == best[a + 1][b]:
            a += 1
        else:
            b += 1
    return found


def _likeness(one: _Line, two: _Line) -> float:
    """Return how much two lines have in common, 0 if that is too little to tell."""
    if one.blank and two.blank:
        return _BLANKS
    total = one.words.total() + two.words.total()
    if not total or one.code != two.code:
        return 0.0
    if 2 * min(one.words.total(), two.words.total()) < _LIKE * total:
        return 0.0
    share = 2 * sum(min(count, two.words[word]) for word, count in one.words.items()) / total
    return share if share >= _LIKE else 0.0


# ── what differs in them ──


def _marks(
    left: str, right: str, mine: _Line | None, theirs: _Line | None
) -> tuple[list[Span], list[Span]]:
    """Return what to mark in two lines that stand beside each other."""
    if mine and theirs and mine.text == theirs.text:
        return [], []
    whole = [mine.span] if mine else [], [theirs.span] if theirs else []
    if not mine or not theirs or mine.code or theirs.code or not _likeness(mine, theirs):
        return whole
    one = list(_WORDS.finditer(left, mine.span.start, mine.span.end))
    two = list(_WORDS.finditer(right, theirs.span.start, theirs.span.end))
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

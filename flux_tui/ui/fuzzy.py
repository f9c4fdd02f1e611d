"""Finds texts by some of their letters: for the search in what was said before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Spans = tuple[tuple[int, int], ...]
"""Where the letters that were found stand: begin and end of each run."""

_LOOKED_AT = 2_000
"""Characters of a text that are looked at; more would only find chance."""


def match(text: str, wanted: str) -> tuple[int, Spans] | None:
    """Return how far *text* is from *wanted* (0 is nearest) and where its letters stand.

    Upper and lower case are alike. All words as they are come first, in any order; then all
    letters in order, the closer together the nearer. None if letters are missing.
    """
    low, words = text[:_LOOKED_AT].lower(), wanted.lower().split()
    if len(low) != len(text[:_LOOKED_AT]):
        low = text[:_LOOKED_AT]  # a letter that changes its length: as it is
    found = [(at, at + len(word)) for word in words if (at := low.find(word)) >= 0]
    if len(found) == len(words):
        return 0, _joined(found)
    letters = "".join(words)
    spans = _in_order(low, letters)
    if not spans:
        return None
    spread = spans[-1][1] - spans[0][0] - len(letters)
    # Letters that are strewn over a long text say nothing.
    return (1 + spread, _joined(spans)) if spread <= 4 * len(letters) else None


def ranked(texts: Iterable[str], wanted: str, most: int = 100) -> list[tuple[str, Spans]]:
    """Return the *texts* that match, nearest first and else in their order. Blocks."""
    found = [
        (score[0], number, text, score[1])
        for number, text in enumerate(texts)
        if (score := match(text, wanted)) is not None
    ]
    found.sort(key=lambda each: each[:2])
    return [(text, spans) for _, _, text, spans in found[:most]]


def _in_order(text: str, letters: str) -> list[tuple[int, int]]:
    """Return where *letters* stand in order, as close together as from the last one back."""
    at = -1
    for letter in letters:
        at = text.find(letter, at + 1)
        if at < 0:
            return []
    back: list[tuple[int, int]] = []
    end = at + 1
    for letter in reversed(letters):
        end = text.rfind(letter, 0, end)
        back.append((end, end + 1))
    return back[::-1]


def _joined(spans: Sequence[tuple[int, int]]) -> Spans:
    """Return *spans* in order, those that touch as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return tuple(joined)

"""What somebody who wrote a wrong word may have meant: one rule and one wording for all places."""

from __future__ import annotations

from collections.abc import Iterable

_CLOSE = 0.6  # of difflib's ratio, where 1 is the same word
_AS_CLOSE = 0.06  # further off than this from the nearest one, a word is not meant
_MOST = 3
_SHORTEST = 3  # letters that are enough to be found inside of a longer word


def nearest(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three of the *known* words that *word* may mean, the nearest first.

    Small and capital letters are the same here. What is merely a part of a known word means it if
    nothing else is near.
    """
    from difflib import SequenceMatcher, get_close_matches  # only a mistake waits for it

    wanted = word.lower()
    names: dict[str, str] = {}
    for name in known:
        names.setdefault(name.lower(), name)
    found = get_close_matches(wanted, names, n=_MOST, cutoff=_CLOSE)
    ratios = [SequenceMatcher(None, name, wanted).ratio() for name in found]
    found = [
        name for name, ratio in zip(found, ratios, strict=True) if ratio >= ratios[0] - _AS_CLOSE
    ]
    if not found and len(wanted) >= _SHORTEST:
        found = [name for name in names if wanted in name][:_MOST]
    return tuple(names[name] for name in found)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` with up to three near words, or an empty text."""
    *first, last = [repr(name) for name in nearest(word, known)] or [""]
    listed = f"{', '.join(first)} or {last}" if first else last
    return f"did you mean {listed}?" if listed else ""

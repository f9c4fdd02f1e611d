"""What was said to columns that were still answering: each gets it as soon as it is free."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from flux_tui.ui.widgets.chips import Attachment


@dataclass(slots=True)
class Waiting:
    """A question and the columns, by index, that have not got it yet."""

    text: str
    files: tuple[Attachment, ...]
    columns: set[int]
    beyond: bool = False  # the user has agreed to break a budget with it


class Queue:
    """Questions in the order they were said; a column gets them one after the other."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._waiting)

    def add(self, item: Waiting) -> None:
        """Have its columns get a question after those that wait already."""
        self._waiting.append(item)

    def next_for(self, free: Collection[int]) -> tuple[Waiting, list[int]] | None:
        """Take the first question that some of the *free* columns can have now, and those."""
        held: set[int] = set()
        for item in self._waiting:
            ready = sorted(item.columns & set(free) - held)
            if ready:
                item.columns.difference_update(ready)
                if not item.columns:
                    self._waiting.remove(item)
                return item, ready
            held |= item.columns
        return None

    def take_back(self) -> Waiting | None:
        """Take the question said last out of the row; columns that have it keep it."""
        return self._waiting.pop() if self._waiting else None

    def take_all(self) -> tuple[str, tuple[Attachment, ...]]:
        """Take everything out, as one text with all files."""
        text = "\n\n".join(item.text for item in self._waiting if item.text)
        files = tuple(file for item in self._waiting for file in item.files)
        self._waiting.clear()
        return text, files

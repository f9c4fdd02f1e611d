"""Text that is too long keeps its head and its tail, and says what is missing."""

from __future__ import annotations

from collections import deque


class HeadTail:
    """Collects text in bounded memory: the first and the last half of *limit* characters."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head: list[str] = []
        self._room = self._half
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self.total = 0

    def add(self, text: str) -> None:
        """Take the next piece."""
        self.total += len(text)
        if self._room > 0:
            self._head.append(text[: self._room])
            taken = len(self._head[-1])
            self._room -= taken
            text = text[taken:]
        if not text:
            return
        self._tail.append(text[-self._half :])
        self._tail_size += len(self._tail[-1])
        while self._tail_size - len(self._tail[0]) >= self._half:
            self._tail_size -= len(self._tail.popleft())

    def text(self) -> str:
        """What was collected; where something is missing, a line in between says how much."""
        head, tail = "".join(self._head), "".join(self._tail)[-self._half :]
        missing = self.total - len(head) - len(tail)
        if not missing:
            return head + tail
        return f"{head}\n[… {missing:,} characters left out …]\n{tail}"


def cap(text: str, limit: int) -> str:
    """Return *text*, or its first and last *limit* / 2 characters with a note in between."""
    if len(text) <= limit:
        return text
    kept = HeadTail(limit)
    kept.add(text)
    return kept.text()

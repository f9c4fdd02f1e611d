"""Heights of many entries, with the sums that scrolling asks for in logarithmic time."""

from __future__ import annotations

from collections.abc import Iterable


class Heights:
    """A list of heights that knows where each begins and which one covers a line.

    A Fenwick tree: `set`, `append`, `top` and `find` cost O(log n).
    """

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._values = list(values)
        size = len(self._values)
        self._tree = [0, *self._values]
        for at in range(1, size + 1):
            above = at + (at & -at)
            if above <= size:
                self._tree[above] += self._tree[at]
        self._total = sum(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, index: int) -> int:
        return self._values[index]

    @property
    def total(self) -> int:
        """The sum of all heights."""
        return self._total

    def append(self, height: int) -> None:
        """Add an entry at the end."""
        self._values.append(height)
        self._total += height
        at = len(self._values)
        span = at & -at
        self._tree.append(self.top(at) - self.top(at - span) if span > 1 else height)

    def truncate(self, size: int) -> None:
        """Keep the first *size* entries alone."""
        if size < len(self._values):
            self._total = self.top(size)
            del self._values[size:]
            del self._tree[size + 1 :]

    def set(self, index: int, height: int) -> int:
        """Give an entry another height; return by how much it grew."""
        grown = height - self._values[index]
        if grown:
            self._values[index] = height
            self._total += grown
            at = index + 1
            while at < len(self._tree):
                self._tree[at] += grown
                at += at & -at
        return grown

    def top(self, index: int) -> int:
        """Return the sum of the heights before *index*: the line where that entry begins."""
        if index == len(self._values):
            return self._total
        sum_before = 0
        while index:
            sum_before += self._tree[index]
            index -= index & -index
        return sum_before

    def find(self, line: int) -> tuple[int, int]:
        """Return the entry that covers *line* and the line within it.

        Raises:
            IndexError: *line* is not covered by any entry.
        """
        if not 0 <= line < self._total:
            raise IndexError(line)
        index, left = 0, line
        step = 1 << (len(self._values).bit_length() - 1)
        while step:
            after = index + step
            if after < len(self._tree) and self._tree[after] <= left:
                index, left = after, left - self._tree[after]
            step >>= 1
        return index, left

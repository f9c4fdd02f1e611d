"""What was said before, brought back with Up and Down; what was being written waits below it."""

from __future__ import annotations

from collections.abc import Sequence


class Recalling:
    """The user's place among earlier messages, newest first."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self._at: int | None = None
        self._draft = ""
        self._shown = ""

    def add(self, text: str) -> None:
        """Remember *text* as said last, and stand below it again."""
        self._at = None
        if text.strip() and self.prompts[:1] != [text]:
            self.prompts.insert(0, text)

    def remember(self, prompts: Sequence[str]) -> None:
        """Take what was said before this run, behind what was said in it."""
        new = set(self.prompts)
        self.prompts += [text for text in prompts if text not in new]

    def among(self, shown: str) -> bool:
        """Whether *shown* is an earlier message that was not changed since."""
        return self._at is not None and shown == self._shown

    def step(self, step: int, shown: str) -> str | None:
        """Return what an older (1) or newer (-1) message is; None where there is none.

        *shown* is the text now. An earlier message that was changed is a new one: it waits, as
        anything does that was being written, below the newest.
        """
        if not self.among(shown):
            self._at, self._draft = None, shown
        at = (-1 if self._at is None else self._at) + step
        if not -1 <= at < len(self.prompts) or (self._at is None and step < 0):
            return None
        self._at = at if at >= 0 else None
        return self.prompts[at] if at >= 0 else self._draft

    def showing(self, shown: str) -> None:
        """Take note of how the message that `step` returned looks in the composer."""
        self._shown = shown

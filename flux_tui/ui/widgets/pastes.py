"""Chips in the text: a short name between brackets stands for a big paste."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

CHIP_SIZE = 2_000
"""Characters above which a paste is shown as a chip."""

CHIP_LINES = 10
"""Lines above which it is, however short they are."""

LARGEST = 40_000
"""Characters that a composer shows in full; with more, every key would be slow."""

_KEPT = 16_000_000  # characters of pastes whose chips are gone: undo may bring them back
_CHIP = re.compile(r"\[pasted [\d,]+ (?:lines|characters)(?: #\d+)?\]")


class Pastes:
    """What the chips of one composer stand for."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._texts)

    def chip(self, text: str) -> str:
        """Return the chip that stands for *text* from now on."""
        lines = text.rstrip("\n").count("\n") + 1
        words = f"{lines:,} lines" if lines > 1 else f"{len(text):,} characters"
        chip = f"[pasted {words}]"
        number = 2
        while self._texts.get(chip, text) != text:
            chip = f"[pasted {words} #{number}]"
            number += 1
        self._texts.pop(chip, None)
        self._texts[chip] = text  # the latest last
        return chip

    def shown(self, text: str) -> str:
        """Return what is shown of a paste: its chip when it is big, else itself."""
        big = len(text) > CHIP_SIZE or text.count("\n") >= CHIP_LINES
        return self.chip(text) if big else text

    def text_of(self, chip: str) -> str:
        """Return what a chip stands for; itself if it is none of ours."""
        return self._texts.get(chip, chip)

    def whole(self, text: str) -> str:
        """Return *text* with every chip replaced by what was pasted."""
        return _CHIP.sub(lambda found: self.text_of(found[0]), text) if self._texts else text

    def spans(self, line: str) -> Iterator[tuple[int, int]]:
        """Yield where chips stand in *line*."""
        if self._texts and "[pasted " in line:
            for found in _CHIP.finditer(line):
                if found[0] in self._texts:
                    yield found.span()

    def of(self, text: str) -> dict[str, str]:
        """Return the chips that are in *text*, with what they stand for."""
        return {text[start:end]: self._texts[text[start:end]] for start, end in self.spans(text)}

    def restore(self, texts: Mapping[str, str]) -> None:
        """Know these chips again."""
        self._texts |= texts

    def tidy(self, text: str) -> None:
        """Forget the oldest pastes that are not in *text*, when they are many."""
        kept = self.of(text)
        size = sum(map(len, self._texts.values()))
        for chip in [each for each in self._texts if each not in kept]:
            if size <= _KEPT:
                return
            size -= len(self._texts.pop(chip))

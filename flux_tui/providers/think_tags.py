"""Reasoning that a local server leaves in the text, between tags: `<think>…</think>`.

Ollama, llama.cpp and vLLM without a reasoning parser send what the model wrote. Only tags at the
very beginning of an answer count: further on they may be what the answer is about.
"""

from __future__ import annotations

from collections.abc import Iterator

_TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "[THINK]": "[/THINK]",  # Mistral's
}


class ThinkTags:
    """Splits the text of one answer, in pieces of any size, into reasoning and words."""

    def __init__(self) -> None:
        self._held = ""
        self._closing = ""  # the tag that is waited for
        self._decided = False
        self._fresh = False  # nothing but a tag was read: the blank lines after it are its own

    def feed(self, text: str) -> Iterator[tuple[bool, str]]:
        """Yield pieces, True for those that are reasoning; what may be half a tag is held back."""
        self._held += text
        if not self._decided:
            self._open()
        if not self._decided:
            return
        if self._closing:
            inside, tag, rest = self._held.partition(self._closing)
            if not tag:
                keep = _overlap(inside, self._closing)
                inside, self._held = inside[: len(inside) - keep], inside[len(inside) - keep :]
            yield from self._piece(inside, thinking=True)
            if not tag:
                return
            self._closing, self._held, self._fresh = "", rest, True
        held, self._held = self._held, ""
        yield from self._piece(held, thinking=False)

    def flush(self) -> Iterator[tuple[bool, str]]:
        """Yield what was held back."""
        if self._held:
            yield bool(self._closing), self._held
        self._held = ""

    def _open(self) -> None:
        start = self._held.lstrip()
        for opening, closing in _TAGS.items():
            if start.startswith(opening):
                self._closing, self._held = closing, start[len(opening) :]
                self._decided = self._fresh = True
                return
        self._decided = not any(opening.startswith(start) for opening in _TAGS)

    def _piece(self, text: str, *, thinking: bool) -> Iterator[tuple[bool, str]]:
        if self._fresh:
            text = text.lstrip("\r\n")
            self._fresh = not text
        if text:
            yield thinking, text


def _overlap(text: str, tag: str) -> int:
    """Return how many characters at the end of *text* may be the beginning of *tag*."""
    most = min(len(text), len(tag) - 1)
    return next((size for size in range(most, 0, -1) if text.endswith(tag[:size])), 0)

"""The files that go with the next message, above the composer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from textual import events
from textual.content import Content
from textual.message import Message

from flux_tui.ui.render.labels import assemble, one_line
from flux_tui.ui.widgets.plain import Plain

if TYPE_CHECKING:
    from flux_tui.core.messages import Document, Image

Attachment: TypeAlias = "Image | Document"

_REMOVE = "✕"


class Attachments(Plain):
    """One row a file; hidden when there is none. A click on the cross removes its file."""

    class Changed(Message):
        """A file was added or removed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.items: tuple[Attachment, ...] = ()
        self.display = False

    def add(self, item: Attachment) -> None:
        """Take another file; the same one twice counts once."""
        if item not in self.items:
            self._set((*self.items, item))

    def remove_last(self) -> Attachment | None:
        """Take the last file away, and return it."""
        last = self.items[-1] if self.items else None
        self._set(self.items[:-1])
        return last

    def take(self) -> tuple[Attachment, ...]:
        """Return all files, and have none any more."""
        items = self.items
        self._set(())
        return items

    def restore(self, items: Sequence[Attachment]) -> None:
        """Have *items* again, before those that came meanwhile."""
        self._set(tuple(dict.fromkeys((*items, *self.items))))

    def on_click(self, event: events.Click) -> None:
        """Remove the file of the row whose cross was hit."""
        event.stop()
        row = event.y
        if row < len(self.items) and event.x >= chip(self.items[row]).cell_length - 2:
            self._set((*self.items[:row], *self.items[row + 1 :]))

    def _set(self, items: tuple[Attachment, ...]) -> None:
        if items == self.items:
            return
        self.items = items
        self.display = bool(items)
        self.update(Content("\n").join([chip(item) for item in items]))
        self.post_message(self.Changed())


def chip(item: Attachment) -> Content:
    """Return a file in one line: kind, name, measures and a cross."""
    from flux_tui.core.messages import Image

    name = one_line(item.name or item.mime, 60)
    glyph = "▣" if isinstance(item, Image) else "▤"
    facts = size_words(len(item.data))
    if isinstance(item, Image) and item.width:
        facts = f"{item.width}×{item.height} {facts}"
    return assemble((f"{glyph} ", "$accent"), (name, "bold"), (f" {facts} ", "dim"), _REMOVE)


def size_words(size: int) -> str:
    """Return a number of bytes for people: 310 kB, 1.2 MB."""
    if size < 1_000:
        return f"{size} B"
    if size < 999_500:
        return f"{size / 1_000:.0f} kB"
    return f"{size / 1_000_000:.1f} MB"

"""What a conversation keeps and loses on its way to a model, item by item."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["kept", "adapted", "dropped"]

Subject: TypeAlias = Literal[
    "thinking",
    "image",
    "tool image",
    "document",
    "tool call",
    "tool use",
    "tool result",
    "item",
    "answer",
    "message",
]

_DONE: dict[tuple[Action, Subject], str] = {
    ("adapted", "image"): "replaced by a note",
    ("adapted", "tool image"): "moved behind the tool results",
    ("adapted", "document"): "sent as text",
    ("dropped", "document"): "replaced by a note",
    ("adapted", "tool call"): "answered as not run",
    ("dropped", "tool call"): "broken off, left out",
    ("adapted", "tool use"): "told as text",
    ("dropped", "tool result"): "without a call left out",
    ("adapted", "item"): "told as text",
    ("dropped", "answer"): "left out as declined",
}


@dataclass(frozen=True, slots=True)
class ReportItem:
    """What happened to one thing in the message *message_id*, and why."""

    action: Action
    what: Subject
    reason: str
    message_id: str


@dataclass(frozen=True, slots=True)
class SwapReport:
    """All that was kept of special data, adapted or dropped, in the order of the conversation.

    Text and paired tool calls always arrive; they are not listed.
    """

    items: tuple[ReportItem, ...] = ()

    @property
    def lossless(self) -> bool:
        """Whether everything arrives as it was."""
        return all(item.action == "kept" for item in self.items)

    def counts(self) -> dict[tuple[Action, Subject], int]:
        """How often each thing happened, in the order of its first time."""
        return dict(Counter((item.action, item.what) for item in self.items))

    def summary(self) -> str:
        """Return what is lost in one line, as ``thinking ×3 not sent``; empty if nothing is."""
        told: list[str] = []
        for (action, what), count in self.counts().items():
            if action == "kept":
                continue
            done = _DONE.get((action, what), "not sent")
            many = f"{what} ×{count}" if what == "thinking" else f"{count} {_plural(what, count)}"
            told.append(f"{many} {done}")
        return " · ".join(told)


def _plural(what: str, count: int) -> str:
    return what if count == 1 else f"{what}s"

"""Who may read what: turns that stay with their vendor, and vendors the user agreed to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from flux_tui.core.messages import Message, Text
from flux_tui.core.models import ModelInfo
from flux_tui.core.normalize import normalize
from flux_tui.core.report import ReportItem, SwapReport
from flux_tui.providers.prices import is_local

WITHHELD = "[The user does not hand over this part of the conversation.]"
"""What stands in a request for a turn that its reader may not see."""

_SAME_VENDOR = {"openai-chat": "openai"}


def vendor_of(provider: str) -> str:
    """Return the vendor behind a provider's id; two endpoints of one vendor are one reader."""
    return _SAME_VENDOR.get(provider, provider)


@dataclass(frozen=True, slots=True)
class Privacy:
    """A session's wishes. `private` holds ids of messages, `consented` vendors.

    A marked message stands for its whole turn: the user's words and all answers to them.
    """

    private: frozenset[str] = frozenset()
    consented: frozenset[str] = frozenset()

    def keep(self, message_id: str, *, on: bool) -> Privacy:
        """Return the wishes with one message marked "do not hand over", or no longer."""
        changed = self.private | {message_id} if on else self.private - {message_id}
        return replace(self, private=changed)

    def consent(self, vendor: str) -> Privacy:
        """Return the wishes with *vendor* allowed to read the history."""
        return replace(self, consented=self.consented | {vendor_of(vendor)})

    def new_reader(self, history: Iterable[Message], model: ModelInfo) -> str:
        """Return the vendor that would read *history* for the first time; empty if none would.

        A vendor that has answered has read it, and a server of the user's own is no vendor.
        """
        readers = {vendor_of(m.model.provider) for m in history if m.model is not None}
        vendor = vendor_of(model.ref.provider)
        if not readers or vendor in readers or (not model.simulated and is_local(model.base_url)):
            return ""
        return vendor

    def needs_consent(self, history: Iterable[Message], model: ModelInfo) -> str | None:
        """Return the vendor to ask the user about before *model* gets *history*; None if none."""
        vendor = self.new_reader(history, model)
        return vendor if vendor and vendor not in self.consented else None

    def withheld(self, history: Sequence[Message], model: ModelInfo) -> tuple[Message, ...]:
        """Return the messages of *history* that are kept from *model*."""
        return tuple(m for turn in _turns(history) if self._kept_from(turn, model) for m in turn)

    def shared(self, history: Sequence[Message]) -> tuple[Message, ...]:
        """Return *history* without the marked turns: what anybody may read."""
        turns = (t for t in _turns(history) if self.private.isdisjoint(m.id for m in t))
        return tuple(message for turn in turns for message in turn)

    def apply(
        self, history: Sequence[Message], model: ModelInfo
    ) -> tuple[tuple[Message, ...], tuple[ReportItem, ...]]:
        """Return *history* as *model* may see it, a sentence in place of what it may not."""
        if not self.private:
            return tuple(history), ()
        told: list[Message] = []
        items: list[ReportItem] = []
        for turn in _turns(history):
            if not self._kept_from(turn, model):
                told.extend(turn)
                continue
            reason = f"marked: not handed over to {vendor_of(model.ref.provider)}"
            items.extend(ReportItem("dropped", "message", reason, m.id) for m in turn)
            told.append(replace(turn[0], role="user", parts=(Text(WITHHELD),)))
        return tuple(told), tuple(items)

    def _kept_from(self, turn: Sequence[Message], model: ModelInfo) -> bool:
        if self.private.isdisjoint(message.id for message in turn):
            return False
        readers = {vendor_of(m.model.provider) for m in turn if m.model is not None}
        # Nobody has answered: this is the question that the user is asking just now.
        return bool(readers) and vendor_of(model.ref.provider) not in readers

    def dumps(self) -> str:
        """Return it as JSON, for the store."""
        return json.dumps({"private": sorted(self.private), "consented": sorted(self.consented)})

    @classmethod
    def loads(cls, saved: str | None) -> Privacy:
        """Read what `dumps` wrote; what is unreadable is no wish."""
        try:
            found = json.loads(saved or "{}")
        except ValueError:
            return cls()
        if not isinstance(found, dict):
            return cls()
        table = cast("dict[str, object]", found)  # json.loads gives objects with text keys
        return cls(_texts(table.get("private")), _texts(table.get("consented")))


def project(
    history: Sequence[Message], model: ModelInfo, privacy: Privacy, head: str = ""
) -> tuple[tuple[Message, ...], SwapReport]:
    """Return what *model* is sent of *history*, and what was kept, adapted and dropped.

    *head* is the digest of what stands before the history; see `core.normalize`.
    """
    told, items = privacy.apply(history, model)
    messages, report = normalize(told, model, head)
    return messages, SwapReport((*items, *report.items))


def _turns(history: Sequence[Message]) -> Iterator[list[Message]]:
    turn: list[Message] = []
    for message in history:
        if message.role == "user" and turn:
            yield turn
            turn = []
        turn.append(message)
    if turn:
        yield turn


def _texts(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        return frozenset()
    # The elements of a JSON list may be anything; only texts are ids and names.
    return frozenset(item for item in cast("list[object]", value) if isinstance(item, str))


def state_key(session_id: str) -> str:
    """Return the name under which a session's `Privacy` is remembered."""
    return f"privacy:{session_id}"

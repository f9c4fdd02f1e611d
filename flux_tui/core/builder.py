"""Deltas in, one message out: the only place where stream events become parts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from flux_tui.core.events import (
    Metadata,
    OpaqueItem,
    Stopped,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UsageUpdate,
)
from flux_tui.core.messages import (
    Message,
    Opaque,
    Part,
    ProviderMetadata,
    StopReason,
    Text,
    Thinking,
    ToolCall,
    new_id,
)
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import JSON, Usage

_Kind: TypeAlias = Literal["text", "thinking", "call", "opaque"]


@dataclass(slots=True)
class _Slot:
    kind: _Kind
    text: list[str] = field(default_factory=list[str])
    metadata: dict[str, JSON] = field(default_factory=dict[str, JSON])
    id: str = ""
    name: str = ""
    note: str = ""
    seconds: float | None = None


class MessageBuilder:
    """Collects the stream events of one reply.

    `stop` is "interrupted" until a terminal event was fed, so whatever is built before is marked
    as partial. `build` may be called at any time and as often as wanted: drafts use it.
    """

    def __init__(self, model: ModelInfo, message_id: str | None = None) -> None:
        self.model = model
        self.message_id = message_id or new_id()
        self.usage: Usage | None = None
        self.stop: StopReason = "interrupted"
        self.detail = ""
        self._slots: dict[tuple[int, _Kind], _Slot] = {}
        self._metadata: dict[str, JSON] = {}

    @property
    def empty(self) -> bool:
        """Whether no content has arrived."""
        return not self._slots

    def feed(self, event: StreamEvent) -> None:
        """Take one event."""
        match event:
            case TextDelta():
                self._grow("text", event.index, event.text, event.metadata)
            case ThinkingDelta():
                self._grow("thinking", event.index, event.text, event.metadata)
            case ToolCallDelta():
                slot = self._grow("call", event.index, event.json, event.metadata)
                slot.id = event.id or slot.id
                slot.name = event.name or slot.name
            case OpaqueItem():
                slot = self._grow("opaque", event.index, "", event.data)
                slot.name, slot.note = event.kind, event.note
            case UsageUpdate():
                self.usage = event.usage
            case Stopped():
                self.stop, self.detail = event.reason, event.detail
                self._metadata.update(event.metadata or {})
            case _:
                # A retry has parts of its own: one that was merely opened before is none.
                for at, slot in list(self._slots.items()):
                    if not (slot.text or slot.metadata or slot.name):
                        del self._slots[at]

    def thought(self, index: int, seconds: float) -> None:
        """Add to the time that the reasoning at *index* took; nothing where there is none."""
        slot = self._slots.get((index, "thinking"))
        if slot is not None:
            slot.seconds = round((slot.seconds or 0.0) + seconds, 3)

    def _grow(self, kind: _Kind, index: int, text: str, metadata: Metadata | None) -> _Slot:
        slot = self._slots.setdefault((index, kind), _Slot(kind))
        if text:
            slot.text.append(text)
        if metadata:
            slot.metadata.update(metadata)
        return slot

    def build(self) -> Message:
        """Return the reply as far as it is known.

        A tool call whose JSON cannot be parsed, or that never got a name, keeps its raw text and
        says in `error` why it will be answered without running.
        """
        order = sorted(self._slots, key=lambda key: key[0])
        parts = tuple(self._part(self._slots[key], key[0]) for key in order)
        return Message(
            role="assistant",
            parts=parts,
            id=self.message_id,
            model=self.model.ref,
            usage=self.usage,
            stop=self.stop,
            metadata=self._wrap(self._metadata),
        )

    def _part(self, slot: _Slot, index: int) -> Part:
        text = "".join(slot.text)
        metadata = self._wrap(slot.metadata)
        match slot.kind:
            case "text":
                return Text(text, metadata)
            case "thinking":
                return Thinking(text, metadata, slot.seconds)
            case "opaque":
                return Opaque(
                    slot.name, ProviderMetadata(self.model.origin, dict(slot.metadata)), slot.note
                )
            case _:
                return self._call(slot, index, text, metadata)

    def _call(
        self, slot: _Slot, index: int, raw: str, metadata: ProviderMetadata | None
    ) -> ToolCall:
        call_id = slot.id or f"call_{self.message_id[-12:]}_{index}"
        arguments, error = parse_arguments(raw)
        if not slot.name:
            error = "the call has no tool name"
        return ToolCall(
            call_id, slot.name, arguments, raw if error else "", error=error, metadata=metadata
        )

    def _wrap(self, data: dict[str, JSON]) -> ProviderMetadata | None:
        return ProviderMetadata(self.model.origin, dict(data)) if data else None


def parse_arguments(raw: str) -> tuple[dict[str, JSON], str]:
    """Return the argument object in *raw* and "", or an empty object and what is wrong.

    No text at all is an empty object: vendors send nothing for a call without arguments.
    """
    if not raw.strip():
        return {}, ""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        return {}, f"the arguments are not valid JSON ({problem})"
    if not isinstance(value, dict):
        return {}, f"the arguments are not a JSON object but {type(value).__name__}"
    return cast("dict[str, JSON]", value), ""  # json.loads gives nothing else

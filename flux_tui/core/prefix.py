"""Reasoning bound to what stood before it: what that was, and whether it still stands.

Some models refuse their own reasoning when the system prompt, the tools or an earlier message has
changed since ("bound to a different conversation"). Messages never change and know their parent,
so a whole chain of parents is enough for them; the head is compared by its digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from flux_tui.core.messages import Message, ProviderMetadata
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import JSON

_KEY = "head"


def head_digest(system: str, tools: Iterable[tuple[str, str, Mapping[str, JSON]]]) -> str:
    """Return 16 hex digits for a system prompt and tools as (name, description, schema)."""
    head = json.dumps([system, [[name, words, dict(schema)] for name, words, schema in tools]])
    return sha256(head.encode()).hexdigest()[:16]


def bind(answer: Message, model: ModelInfo, head: str) -> Message:
    """Return *answer* with the digest of the *head* it was asked under, if *model* binds to it."""
    if not model.binds_prefix or not head:
        return answer
    data = dict(answer.metadata.data) if answer.metadata else {}
    return replace(answer, metadata=ProviderMetadata(model.origin, {**data, _KEY: head}))


def moved(messages: Sequence[Message], head: str) -> frozenset[str]:
    """Return the ids of the answers before which something is known to have changed."""
    found: set[str] = set()
    before: str | None = None
    whole = True
    for message in messages:
        whole = whole and message.parent == before
        before = message.id
        told = message.metadata.data.get(_KEY) if message.metadata else None
        if told is not None and (told != head or not whole):
            found.add(message.id)
    return frozenset(found)

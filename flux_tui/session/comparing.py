"""The comparison that is open in a session, remembered with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

from flux_tui.core.errors import InputError
from flux_tui.core.messages import Conversation
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.session.compare import FEWEST, MOST, Comparison
from flux_tui.session.session import ChatSession
from flux_tui.storage.store import SessionStore


def comparison_key(session_id: str) -> str:
    """Return the name under which a session's comparison is remembered."""
    return f"compare:{session_id}"


async def remember(store: SessionStore, comparison: Comparison) -> None:
    """Keep the models of the columns in their order, and where each stands.

    Nothing is kept before the first message.

    Raises:
        StoreError: it cannot be stored.
    """
    if comparison.base.id is None or comparison.base.read_only:
        return
    arranged = [comparison.columns[index].session for index in comparison.order]
    columns = [
        {"model": str(session.model.ref), "head": session.conversation.head} for session in arranged
    ]
    tips = comparison.tips()
    fields = {
        "columns": columns,
        "reads": comparison.reads,
        "blind": comparison.blind,
        "voted": sorted(comparison.voted & tips),
        "named": sorted(comparison.named & tips),
    }
    await store.set_state(comparison_key(comparison.base.id), json.dumps(fields))
    if comparison.busy:
        return
    # What the columns say comes beside the session, which goes on where it stood.
    path = comparison.columns[0].session.conversation.path
    if comparison.blind:  # an answer would be shown with its name
        path = tuple(message for message in path if message.role == "user")
    first = path[-1].id if path else None
    await store.set_head(comparison.base.id, comparison.base.conversation.head or first)


async def forget(store: SessionStore, session_id: str) -> None:
    """Remember no comparison for a session."""
    await store.set_state(comparison_key(session_id), "")


async def recall(
    store: SessionStore, session: ChatSession, find: Callable[[str], ModelInfo]
) -> Comparison | None:
    """Return the comparison that was open in *session*, at the places where its columns stood.

    None if there is none, or its models or messages are not there any more.
    """
    if session.id is None:
        return None
    saved = await store.get_state(comparison_key(session.id))
    fields = _fields(saved or "")
    columns = _columns(fields)
    known = {message.id for message in session.conversation.messages}
    if not FEWEST <= len(columns) <= MOST or any(head not in known for _, head in columns):
        return None
    try:
        models = [find(name) for name, _ in columns]
    except InputError:
        return None
    found = Comparison(session, models, reads=fields.get("reads") is True)
    found.blind = fields.get("blind") is True
    found.voted, found.named = _ids(fields, "voted"), _ids(fields, "named")
    for column, (_, head) in zip(found.columns, columns, strict=True):
        tip = _newest(session.conversation, head, column.session.model.ref)
        column.session.conversation = session.conversation.at(tip)
        column.recall()
    return found


def _newest(conversation: Conversation, head: str, model: ModelRef) -> str:
    """Return where *model* got to after *head*: its answer may have come, or broken off, since."""
    following: dict[str, list[str]] = {}
    for message in conversation.messages:
        # A tool's results, and what this model said; never a question, nor another one's answer.
        if message.parent is not None and (message.role == "tool" or message.model == model):
            following.setdefault(message.parent, []).append(message.id)
    while found := following.get(head):
        head = found[-1]
    return head


def _fields(saved: str) -> dict[str, object]:
    try:
        value = json.loads(saved)
    except ValueError:
        return {}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _ids(fields: dict[str, object], name: str) -> frozenset[str]:
    value = fields.get(name)
    return frozenset(map(str, cast("list[object]", value) if isinstance(value, list) else []))


def _columns(fields: dict[str, object]) -> list[tuple[str, str]]:
    rows = fields.get("columns")
    found: list[tuple[str, str]] = []
    for row in cast("list[object]", rows) if isinstance(rows, list) else []:
        if isinstance(row, dict):
            each = cast("dict[str, object]", row)
            found.append((str(each.get("model")), str(each.get("head"))))
    return found

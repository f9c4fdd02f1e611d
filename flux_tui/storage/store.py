"""What a front end and a session ask of storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from flux_tui.core.messages import Conversation, Message
from flux_tui.core.notices import Notice
from flux_tui.core.usage import Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """One row of the session list; `messages` counts all branches, `models` by first use."""

    id: str
    title: str
    created: datetime
    updated: datetime
    messages: int
    models: tuple[str, ...]
    cost: Cost
    folder: str = ""  # the working directory it began in


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """Tokens and money of one assistant message, for the ledger and `cost`."""

    session: str
    message: str
    at: datetime
    model: str
    input: int
    cache_read: int
    cache_write: int
    output: int
    reasoning: int
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySpent:
    """What answers of one basis cost on one local day ("2026-11-23").

    When the basis is "unknown" `answers` says of how many the cost is not known, else it is 0.
    """

    day: str
    cost: Cost
    answers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHealth:
    """How the store is doing. `notice` is a sentence for the user when something is wrong."""

    path: str
    journal_mode: str
    schema_version: int
    writable: bool
    notice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteRow:
    """A judgement over the answers of `models` ("provider/name") to one question.

    `outcome` is "win", "tie" or "bad", `winner` one of the models for a win, else empty. It stays
    when the session is deleted: it holds nothing that was said there.
    """

    at: datetime
    session: str
    models: tuple[str, ...]
    outcome: str
    winner: str = ""
    tag: str = ""
    blind: bool = True


class NoticeStore(Protocol):
    """What happened to sessions beside their messages. Every method may raise StoreError."""

    async def add_notice(self, session_id: str, notice: Notice) -> None:
        """Store what happened to a session beside its messages."""
        ...

    async def notices(self, session_id: str) -> list[Notice]:
        """Return what was told of a session, oldest first."""
        ...


class SessionStore(NoticeStore, Protocol):
    """Append-only messages; a branch is a parent pointer. All methods leave the event loop free.

    Every method may raise StoreError. A failed write loses nothing that was stored before.
    """

    async def health(self) -> StoreHealth:
        """Open the store if needed and say how it is doing."""
        ...

    async def create(self, *, title: str = "", system: str = "", folder: str = "") -> str:
        """Make a session and return its id."""
        ...

    async def append(self, session_id: str, message: Message) -> None:
        """Store *message* for good, make it the head, and drop a draft of the same id."""
        ...

    async def draft(self, session_id: str, message: Message) -> None:
        """Store the reply in flight; replaced by the next draft or by `append` of the same id."""
        ...

    async def set_head(self, session_id: str, message_id: str | None) -> None:
        """Make another message the tip of the session."""
        ...

    async def load(self, session_id: str) -> Conversation:
        """Return a session.

        A draft that was never followed by its message comes back as an answer with the stop
        reason "interrupted"; a damaged row as a message that says so.
        """
        ...

    async def sessions(self, query: str = "", limit: int = 200) -> list[SessionInfo]:
        """List sessions, the last used first; *query* searches titles and text."""
        ...

    async def find(self, part: str) -> list[SessionInfo]:
        """Return the session of that id, else those whose id begins or ends with *part*."""
        ...

    async def latest(self) -> str | None:
        """Return the id of the session used last, or None."""
        ...

    async def rename(self, session_id: str, title: str) -> None:
        """Give a session another title."""
        ...

    async def delete(self, session_id: str) -> None:
        """Remove a session and its messages."""
        ...

    async def usage(self, since: datetime | None = None) -> list[UsageRow]:
        """Return tokens and cost of every answer since then, oldest first."""
        ...

    async def spent(self, since: datetime) -> list[DaySpent]:
        """Return what the answers since then cost by day; quick, however many there are."""
        ...

    async def get_state(self, key: str) -> str | None:
        """Return a small remembered value (last model, favourites, prompt history)."""
        ...

    async def set_state(self, key: str, value: str) -> None:
        """Remember a small value."""
        ...

    async def claim(self, session_id: str) -> bool:
        """Take a session for writing by this process; False if another live process has it."""
        ...

    async def prompts(self, limit: int = 500) -> Sequence[str]:
        """Return what users said last, over all sessions, newest first, without repeats."""
        ...

    async def add_vote(self, vote: VoteRow) -> None:
        """Store a vote for good."""
        ...

    async def votes(self) -> list[VoteRow]:
        """Return all votes, oldest first."""
        ...

    async def aclose(self) -> None:
        """Finish writing and close; idempotent."""
        ...

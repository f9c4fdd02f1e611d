"""The stored side of one session: what could not be written waits for the next write."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from flux_tui.core.errors import StoreError
from flux_tui.core.messages import Message
from flux_tui.core.notices import Notice
from flux_tui.storage.store import SessionStore


class Record:
    """Writes a session's messages in their order; nothing here raises for a failing store.

    *begin* returns the session's id; the first message makes it. *tell* gets a sentence for the
    user, once, when the conversation goes on in memory only.
    """

    def __init__(
        self,
        store: SessionStore,
        begin: Callable[[], Awaitable[str]],
        tell: Callable[[str], None],
    ) -> None:
        self._store = store
        self._begin = begin
        self._tell = tell
        self._unsaved: list[Message] = []
        self._unnoted: list[Notice] = []
        self._broken = False
        self._one = asyncio.Lock()

    async def add(self, message: Message) -> None:
        """Store a finished message."""
        self._unsaved.append(message)
        # Shielded: quitting in the middle must not tear apart what is written and what is noted.
        await asyncio.shield(asyncio.ensure_future(self._save()))

    async def note(self, notice: Notice) -> None:
        """Store a notice behind the messages that come before it."""
        self._unnoted.append(notice)
        await asyncio.shield(asyncio.ensure_future(self._save()))

    async def draft(self, session_id: str | None, message: Message) -> None:
        """Store the answer in flight, unless its parent waits: a later `add` writes both."""
        if session_id is not None and not self._unsaved:
            await self.attempt(self._store.draft(session_id, message))

    async def stand_at(self, session_id: str | None, message_id: str | None) -> None:
        """Note where the conversation goes on."""
        if session_id is not None and not self._unsaved:
            await self.attempt(self._store.set_head(session_id, message_id))

    async def attempt(self, writing: Coroutine[Any, Any, None]) -> bool:
        """Await a write; when it fails the chat goes on in memory, and the user is told once."""
        try:
            await writing
        except StoreError as problem:
            if not self._broken:
                self._tell(f"The conversation is kept in memory only: {problem}")
            self._broken = True
            return False
        return True

    async def _save(self) -> None:
        # One at a time: who waited for the one before may be gone, and that one still writes.
        async with self._one:
            if await self.attempt(self._write_unsaved()):
                self._broken = False

    async def _write_unsaved(self) -> None:
        session_id = await self._begin()
        while self._unsaved:
            await self._store.append(session_id, self._unsaved[0])
            del self._unsaved[0]
        while self._unnoted:
            await self._store.add_notice(session_id, self._unnoted[0])
            del self._unnoted[0]

"""A store that goes on in memory when the disk fails, so that the chat does not stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from flux_tui.core.messages import Conversation, Message
from flux_tui.core.notices import Notice
from flux_tui.core.usage import NO_COST
from flux_tui.storage.database import DiskError
from flux_tui.storage.memory import MemoryStore
from flux_tui.storage.sqlite import SqliteStore
from flux_tui.storage.store import (
    DaySpent,
    SessionInfo,
    SessionStore,
    StoreHealth,
    UsageRow,
    VoteRow,
)

T = TypeVar("T")


class _Refuge:
    """The disk, what stands in for it once it fails, and the small things, which go either way."""

    def __init__(self, path: Path) -> None:
        self._disk = SqliteStore(path)
        self._memory: MemoryStore | None = None
        self._problem = ""
        self._votes: list[VoteRow] = []
        self._notices: list[tuple[str, Notice]] = []
        self._state: dict[str, str] = {}
        self._one = asyncio.Lock()

    @property
    def problem(self) -> str:
        """What keeps new messages from the disk, as a sentence; empty while all is well."""
        return self._problem

    async def add_vote(self, vote: VoteRow) -> None:
        """Store a vote for good, or for this run."""
        try:
            await self._disk.add_vote(vote)
        except DiskError as problem:
            self._note(problem)
            self._votes.append(vote)

    async def votes(self) -> list[VoteRow]:
        """Return the votes on disk, then those in memory."""
        return await self._read(self._disk.votes(), []) + self._votes

    async def add_notice(self, session_id: str, notice: Notice) -> None:
        """Store a notice for good, or for this run."""
        try:
            await self._disk.add_notice(session_id, notice)
        except DiskError as problem:
            self._note(problem)
            self._notices.append((session_id, notice))

    async def notices(self, session_id: str) -> list[Notice]:
        """Return the notices on disk, then those in memory."""
        in_memory = [notice for session, notice in self._notices if session == session_id]
        return await self._read(self._disk.notices(session_id), []) + in_memory

    async def get_state(self, key: str) -> str | None:
        """Return a small remembered value."""
        if key in self._state:
            return self._state[key]
        return await self._read(self._disk.get_state(key), None)

    async def set_state(self, key: str, value: str) -> None:
        """Remember a small value, for this run if the disk refuses."""
        try:
            await self._disk.set_state(key, value)
        except DiskError as problem:
            self._note(problem)
            self._state[key] = value
        else:
            self._state.pop(key, None)

    async def _write_small_things(self) -> None:
        """Write the votes, notices and values that the disk refused, if it takes them by now."""
        async with self._one:  # sessions beside each other find the disk well at the same moment
            try:
                while self._votes:
                    await self._disk.add_vote(self._votes[0])
                    del self._votes[0]
                while self._notices:
                    await self._disk.add_notice(*self._notices[0])
                    del self._notices[0]
                for key, value in list(self._state.items()):
                    await self._disk.set_state(key, value)
                    self._state.pop(key, None)
            except DiskError:
                return  # `problem` has said so since the first refusal

    def _spare(self) -> MemoryStore:
        if self._memory is None:
            self._memory = MemoryStore()
        return self._memory

    def _note(self, problem: DiskError) -> None:
        if not self._problem:
            self._problem = (
                f"{problem.message}: what is new is kept in memory only and lost at the end; "
                "put that right, and your next message writes all of it"
            )

    async def _read(self, reading: Awaitable[T], otherwise: T) -> T:
        """Return what the disk has, or *otherwise* when it cannot be read."""
        try:
            return await reading
        except DiskError as problem:
            self._note(problem)
            return otherwise


class SafeStore(_Refuge, SessionStore):
    """The database at *path*; a session that it can no longer write goes on in memory.

    From the first failed write on, `health` says what happened. Sessions on disk stay readable.
    What is in memory is offered to the disk with every message of the user and once more at the
    end; only if the disk refuses then too it is lost.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._moved: set[str] = set()
        self._closed = False

    async def health(self) -> StoreHealth:
        """Say how the store is doing; `writable` is about the disk."""
        try:
            found = await self._disk.health()
        except DiskError as problem:
            self._note(problem)
            found = StoreHealth(
                path=self._disk.path, journal_mode="", schema_version=0, writable=False
            )
        if not found.writable and found.notice:
            self._note(DiskError(found.notice))  # known before anything is written
        if self._problem:
            return replace(found, writable=False, notice=self._problem)
        return found

    async def create(self, *, title: str = "", system: str = "", folder: str = "") -> str:
        """Make a session and return its id."""
        try:
            return await self._disk.create(title=title, system=system, folder=folder)
        except DiskError as problem:
            self._note(problem)
            session_id = await self._spare().create(title=title, system=system, folder=folder)
            self._moved.add(session_id)
            return session_id

    async def append(self, session_id: str, message: Message) -> None:
        """Store *message* for good, or for this run."""
        if session_id in self._moved and message.role == "user":
            await self._return(session_id)
        if session_id not in self._moved:
            try:
                await self._disk.append(session_id, message)
            except DiskError as problem:
                await self._move(session_id, problem)
            else:
                await self._recover()
                return
        await self._spare().append(session_id, message)

    async def draft(self, session_id: str, message: Message) -> None:
        """Store the reply in flight."""
        if session_id not in self._moved:
            try:
                await self._disk.draft(session_id, message)
            except DiskError as problem:
                await self._move(session_id, problem)
            else:
                return
        await self._spare().draft(session_id, message)

    async def set_head(self, session_id: str, message_id: str | None) -> None:
        """Make another message the tip of the session."""
        if session_id not in self._moved:
            try:
                await self._disk.set_head(session_id, message_id)
            except DiskError as problem:
                await self._move(session_id, problem)
            else:
                return
        await self._spare().set_head(session_id, message_id)

    async def load(self, session_id: str) -> Conversation:
        """Return a session from where it is."""
        return await self._home(session_id).load(session_id)

    async def sessions(self, query: str = "", limit: int = 200) -> list[SessionInfo]:
        """List the sessions in memory, then those on disk."""
        found = await self._memory.sessions(query, limit) if self._memory else []
        on_disk = await self._read(self._disk.sessions(query, limit), [])
        return (found + [info for info in on_disk if info.id not in self._moved])[:limit]

    async def find(self, part: str) -> list[SessionInfo]:
        """Return the session of that id, else those whose id begins or ends with *part*."""
        in_memory = await self._memory.find(part) if self._memory else []
        on_disk = await self._read(self._disk.find(part), [])
        found = in_memory + [info for info in on_disk if info.id not in self._moved]
        return [info for info in found if info.id == part] or found

    async def latest(self) -> str | None:
        """Return the id of the session used last, or None."""
        in_memory = await self._memory.latest() if self._memory else None
        return in_memory or await self._read(self._disk.latest(), None)

    async def rename(self, session_id: str, title: str) -> None:
        """Give a session another title; raises when the disk refuses."""
        await self._home(session_id).rename(session_id, title)

    async def delete(self, session_id: str) -> None:
        """Remove a session; raises when the disk refuses."""
        await self._home(session_id).delete(session_id)

    async def usage(self, since: datetime | None = None) -> list[UsageRow]:
        """Return tokens and cost of the answers on disk and in memory, each once."""
        in_memory = await self._memory.usage(since) if self._memory else []
        on_disk = await self._read(self._disk.usage(since), [])
        return [row for row in on_disk if row.session not in self._moved] + in_memory

    async def spent(self, since: datetime) -> list[DaySpent]:
        """Return what the answers on disk cost by day; those of this run may be in memory."""
        return await self._read(self._disk.spent(since), [])

    async def claim(self, session_id: str) -> bool:
        """Take a session for writing; one that is in memory belongs to this process anyway."""
        if session_id in self._moved:
            return True
        try:
            return await self._disk.claim(session_id)
        except DiskError as problem:
            await self._move(session_id, problem)
            return True

    async def prompts(self, limit: int = 500) -> Sequence[str]:
        """Return what users said last, newest first."""
        in_memory = list(await self._memory.prompts(limit)) if self._memory else []
        on_disk = await self._read(self._disk.prompts(limit), [])
        return (in_memory + [text for text in on_disk if text not in in_memory])[:limit]

    async def aclose(self) -> None:
        """Finish writing and close; idempotent."""
        if self._closed:
            return
        for session_id in sorted(self._moved):
            await self._return(session_id)
        await self._write_small_things()
        self._closed = True
        if self._memory is not None:
            await self._memory.aclose()
        await self._disk.aclose()

    def _home(self, session_id: str) -> SqliteStore:
        return self._spare() if session_id in self._moved else self._disk

    async def _move(self, session_id: str, problem: DiskError) -> None:
        """Take a session from the disk to memory, as far as the disk can still be read."""
        self._note(problem)
        conversation = await self._read(self._disk.load(session_id), Conversation())
        known = await self._read(self._disk.find(session_id), [])
        now = datetime.now(UTC)
        blank = SessionInfo(
            id=session_id, title="", created=now, updated=now, messages=0, models=(), cost=NO_COST
        )
        info = next((info for info in known if info.id == session_id), blank)
        await self._spare().adopt(info, conversation)
        self._moved.add(session_id)

    async def _return(self, session_id: str) -> None:
        """Write what memory alone has of a session to the disk, if that takes it by now."""
        spare = self._spare()
        conversation = await spare.load(session_id)
        try:
            if any(info.id == session_id for info in await self._disk.find(session_id)):
                if not await self._disk.claim(session_id):
                    return  # another program goes on with what is on disk
                stored = {m.id for m in (await self._disk.load(session_id)).messages}
                for message in conversation.messages:
                    if message.id not in stored:
                        await self._disk.append(session_id, message)
                await self._disk.set_head(session_id, conversation.head)
            else:
                for info in await spare.find(session_id):
                    await self._disk.adopt(info, conversation)
        except DiskError:
            return  # `problem` has said so since the first refusal
        await spare.delete(session_id)
        self._moved.discard(session_id)
        await self._recover()

    async def _recover(self) -> None:
        """Call all well again when the disk takes messages and has everything."""
        if self._problem and not self._moved:
            await self._write_small_things()
            self._problem = self._problem if self._votes or self._notices or self._state else ""

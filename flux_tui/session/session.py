"""One conversation with its model, its store and its running turn: what a front end holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from flux_tui.core.errors import FluxError, InputError, StoreError
from flux_tui.core.events import Committed, Noted, TurnEnded, TurnEvent
from flux_tui.core.messages import Conversation, Document, Image, Message, user_message
from flux_tui.core.models import Effort, ModelInfo
from flux_tui.core.normalize import normalize
from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.providers.base import Provider
from flux_tui.session.approvals import ApprovalPolicy, Approver, Unattended
from flux_tui.session.deps import CountTokens, TurnDeps
from flux_tui.session.ledger import CostLedger
from flux_tui.session.prompts import read_notes, system_prompt
from flux_tui.session.switch import ContextUse, Switch, measure
from flux_tui.session.turn import run_turn
from flux_tui.storage.store import SessionStore
from flux_tui.tools.base import Tool

T = TypeVar("T")

TITLE_LENGTH = 60  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What sessions share; made by `session.wiring` alone."""

    store: SessionStore
    open_provider: Callable[[ModelInfo], Awaitable[Provider]]
    count: CountTokens
    root: Path  # the folder that tools work in
    tools: Mapping[str, Tool] = field(default_factory=dict[str, Tool])
    max_output: int | None = None
    temperature: float | None = None
    news: Callable[[], str] = str  # a trouble that nobody was told yet; empty if there is none


class ChatSession:
    """A conversation that one model at a time carries on.

    Front ends drain what `send` and `retry` return under `aclosing`; nothing is raised there for
    a failing model, tool or store. `notices` collects sentences for the user: take and clear.
    """

    def __init__(
        self,
        services: Services,
        model: ModelInfo,
        *,
        ledger: CostLedger,
        policy: ApprovalPolicy | None = None,
        effort: Effort | None = None,
        conversation: Conversation | None = None,
        session_id: str | None = None,
        title: str = "",
        read_only: bool = False,
    ) -> None:
        self.id = session_id
        self.title = title
        self.conversation = conversation or Conversation()
        self.model = model
        self.effort: Effort | None = effort
        self.read_only = read_only
        self.notices: list[str] = []
        self.ledger = ledger
        self.policy = policy or ApprovalPolicy()
        self.approver: Approver = Unattended()
        self.budget: Decimal | None = None  # US dollars per turn
        self._services = services
        self._stop: asyncio.Event | None = None
        self._unsaved: list[Message] = []
        self._broken = False
        self._notes: str | None = None
        self._use: tuple[tuple[str | None, ModelInfo], ContextUse] | None = None

    @property
    def busy(self) -> bool:
        """Whether a turn is running."""
        return self._stop is not None

    def send(
        self, text: str, attachments: Sequence[Image | Document] = ()
    ) -> AsyncGenerator[TurnEvent]:
        """Say something and yield what happens; the user's message is stored before it is shown."""
        text = sanitize(text)
        if not text.strip() and not attachments:
            return _refused("there is nothing to send", "type a message first")
        return self._guarded(user_message(text, tuple(attachments)))

    def retry(self) -> AsyncGenerator[TurnEvent]:
        """Ask again for an answer to what was said last; an answer there becomes a branch."""
        tip = next((m for m in reversed(self.conversation.path) if m.role != "assistant"), None)
        if tip is None:
            return _refused("there is nothing to answer yet", "type a message first")
        return self._guarded(None, tip.id)

    def stop(self) -> None:
        """End the running turn; what has arrived of the answer is kept."""
        if self._stop is not None:
            self._stop.set()

    def swap(self, model: ModelInfo, effort: Effort | None = None) -> Switch:
        """Use *model* from the next message on; a running turn ends with the one it began with.

        The stored conversation stays as it is. *effort* None keeps the present one.
        """
        _, report = normalize(self.conversation.path, model)
        before, self.model = self.model, model
        self.effort = effort or self.effort
        use = self.context()
        readers = {m.model.provider for m in self.conversation.path if m.model is not None}
        return Switch(
            before=before.ref,
            after=model.ref,
            report=report,
            tokens=use.tokens,
            estimated=use.estimated,
            window=use.window,
            new_reader="" if not readers or model.ref.provider in readers else model.ref.provider,
        )

    async def rewind(self, message_id: str) -> str:
        """Stand before a message of the user, to say it differently; return its text.

        Nothing is deleted: what followed stays as a branch.

        Raises:
            InputError: a turn is running, or the message is not the user's.
        """
        if self.busy:
            raise InputError("an answer is still running", hint="stop it first")
        found = next((m for m in self.conversation.messages if m.id == message_id), None)
        if found is None or found.role != "user":
            raise InputError("only messages of the user can be edited")
        await self._stand_at(found.parent)
        return found.text

    def context(self) -> ContextUse:
        """Return how much of the window the conversation takes up."""
        key = (self.conversation.head, self.model)
        if self._use is None or self._use[0] != key:
            use = measure(self.conversation.path, self.model, self._services.count)
            self._use = (key, use)
        return self._use[1]

    async def rename(self, title: str) -> None:
        """Give the session another title."""
        self.title = one_line(title, TITLE_LENGTH)
        if self.id is not None and not self.read_only:
            await self._try(self._services.store.rename(self.id, self.title))

    async def _guarded(
        self, message: Message | None, tip: str | None = None
    ) -> AsyncGenerator[TurnEvent]:
        """Run one turn, alone: after *message*, or again from the message *tip*."""
        problem = self._why_not()
        if problem is not None:
            yield problem
            return
        self._stop = stop = asyncio.Event()
        try:
            if message is not None:
                yield Committed(await self._commit(message))
                for notice in self._taken():
                    yield notice
            elif tip != self.conversation.head:
                await self._stand_at(tip)
            async with aclosing(self._turn(stop)) as events:
                async for event in events:
                    # The end stays the last event, so what is to be said goes before.
                    for notice in self._taken():
                        yield notice
                    yield event
        finally:
            self._stop = None

    def _taken(self) -> list[Noted]:
        if news := self._services.news():
            self.notices.append(news)
        told, self.notices = [Noted(text) for text in self.notices], []
        return told

    def _why_not(self) -> TurnEnded | None:
        if self.busy:
            return TurnEnded("error", "an answer is still running", "wait for it or stop it")
        if self.read_only:
            hint = "close it there, or start a new session"
            return TurnEnded("error", "this session is open in another Flux TUI", hint)
        return None

    async def _turn(self, stop: asyncio.Event) -> AsyncGenerator[TurnEvent]:
        try:
            deps = await _unless(stop, self._deps(stop))
        except FluxError as problem:
            yield TurnEnded("error", problem.message, problem.hint)
            return
        if deps is None:
            yield TurnEnded("aborted")
            return
        async with aclosing(run_turn(self.conversation, deps)) as events:
            async for event in events:
                yield event

    async def _deps(self, stop: asyncio.Event) -> TurnDeps:
        services, model = self._services, self.model
        if self._notes is None:
            self._notes = await asyncio.to_thread(read_notes, services.root)
        tools: Mapping[str, Tool] = services.tools if model.abilities.tools else {}
        system = system_prompt(
            model,
            root=services.root,
            tools=bool(tools),
            notes=self._notes,
            own=self.conversation.system,
        )
        return TurnDeps(
            provider=await services.open_provider(model),
            model=model,
            tools=tools,
            policy=self.policy,
            approver=self.approver,
            ledger=self.ledger,
            root=services.root,
            stop=stop,
            commit=self._commit,
            draft=self._draft,
            count=services.count,
            system=system,
            effort=model.snap_effort(self.effort),
            max_output=services.max_output,
            temperature=services.temperature,
            cache_key=self.id or "",
            budget=self.budget,
        )

    async def _commit(self, message: Message) -> Message:
        """Add *message* to the conversation and store it; what the store refuses waits here."""
        self.conversation = self.conversation.plus(message)
        stored = self.conversation.messages[-1]
        self._unsaved.append(stored)
        # Shielded: quitting in the middle must not tear apart what is written and what is noted.
        await asyncio.shield(asyncio.ensure_future(self._save()))
        return stored

    async def _save(self) -> None:
        if await self._try(self._write_unsaved()):
            self._broken = False

    async def _write_unsaved(self) -> None:
        store = self._services.store
        if self.id is None:
            first = next((m.text for m in self.conversation.messages if m.role == "user"), "")
            self.title = self.title or one_line(first, TITLE_LENGTH)
            folder, system = str(self._services.root), self.conversation.system
            session_id = await store.create(title=self.title, system=system, folder=folder)
            await store.claim(session_id)
            self.id = session_id
        while self._unsaved:
            await store.append(self.id, self._unsaved[0])
            del self._unsaved[0]

    async def _draft(self, message: Message) -> None:
        if self.id is None or self._unsaved:
            return  # its parent is not in the store: a later commit writes both
        child = replace(message, parent=self.conversation.head)
        await self._try(self._services.store.draft(self.id, child))

    async def _stand_at(self, message_id: str | None) -> None:
        self.conversation = self.conversation.at(message_id)
        if self.id is not None and not self._unsaved:
            await self._try(self._services.store.set_head(self.id, message_id))

    async def _try(self, writing: Coroutine[Any, Any, None]) -> bool:
        """Await a write; when it fails the chat goes on in memory, and the user is told once."""
        try:
            await writing
        except StoreError as problem:
            if not self._broken:
                self.notices.append(f"The conversation is kept in memory only: {problem}")
            self._broken = True
            return False
        return True


async def _refused(error: str, hint: str) -> AsyncGenerator[TurnEvent]:
    yield TurnEnded("error", error, hint)


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what *work* returns, or None as soon as *stop* is set."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        working.cancel()
        stopping.cancel()

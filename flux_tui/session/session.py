"""One conversation with its model, its store and its running turn: what a front end holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal

from flux_tui.core.errors import FluxError, InputError
from flux_tui.core.events import Committed, Noted, TurnEnded, TurnEvent
from flux_tui.core.messages import Conversation, Document, Image, Message, user_message
from flux_tui.core.models import Effort, ModelInfo, ModelRef
from flux_tui.core.notices import Notice
from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.session.approvals import ApprovalPolicy, Approver, Unattended
from flux_tui.session.compact import INSTRUCTION, Summary, gather, summary_message
from flux_tui.session.deps import TurnDeps
from flux_tui.session.forecast import forecast
from flux_tui.session.inspect import Inspection, inspect
from flux_tui.session.ledger import CostLedger
from flux_tui.session.meter import ContextUse
from flux_tui.session.outgoing import Outgoing, compose
from flux_tui.session.preflight import Preflight, preflight
from flux_tui.session.privacy import Privacy, state_key
from flux_tui.session.prompts import read_notes
from flux_tui.session.purse import Purse
from flux_tui.session.races import unless
from flux_tui.session.record import Record
from flux_tui.session.services import Services
from flux_tui.session.shell_line import LineDeps, run_line
from flux_tui.session.switch import Switch, reserved
from flux_tui.session.told import Told
from flux_tui.session.turn import run_turn
from flux_tui.tools.base import Tool

TITLE_LENGTH = 60  # characters


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
        privacy: Privacy | None = None,
        notes: str | None = None,
        told: Sequence[Notice] = (),
    ) -> None:
        """Go on with *conversation*; *notes* are the folder's, None to read them when needed."""
        self.id = session_id
        self.title = title
        self.conversation = Conversation() if conversation is None else conversation
        self.model = self._asked = model
        self.effort: Effort | None = effort
        self.read_only = False
        self.notices: list[str] = []
        self.ledger = ledger
        self.policy = policy or ApprovalPolicy()
        self.approver: Approver = Unattended()
        self.budget: Decimal | None = None  # US dollars per turn
        self.purse = Purse(ledger)
        self.privacy = privacy or Privacy()
        self._services = services
        self._record = Record(services.store, self._begin, self._tell)
        self._told = Told(self._record.note, told)
        self._stop: asyncio.Event | None = None
        self._stale: dict[ModelRef, frozenset[str]] = {}
        self._notes = notes
        self._use: tuple[tuple[str | None, ModelInfo], ContextUse] | None = None

    @property
    def told(self) -> tuple[Notice, ...]:
        """What happened beside the messages: changes of model, notices, errors."""
        return self._told.at(self.conversation)

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
        message = user_message(text, tuple(attachments))
        return self._guarded(lambda stop: self._answering(stop, message))

    async def say(self, text: str, attachments: Sequence[Image | Document] = ()) -> Message:
        """Add what the user says without asking for an answer: `retry` asks for one.

        Raises:
            InputError: there is nothing to say, a turn is running, or the session is only read.
        """
        text = sanitize(text)
        if not text.strip() and not attachments:
            raise InputError("there is nothing to send", hint="type a message first")
        if (problem := self._why_not()) is not None:
            raise InputError(problem.error, hint=problem.hint)
        return await self._commit(user_message(text, tuple(attachments)))

    def retry(self) -> AsyncGenerator[TurnEvent]:
        """Ask again for an answer to what was said last; an answer there becomes a branch."""
        tip = next((m for m in reversed(self.conversation.path) if m.role != "assistant"), None)
        if tip is None:
            return _refused("there is nothing to answer yet", "type a message first")
        return self._guarded(lambda stop: self._answering(stop, None, tip.id))

    def run_line(self, line: str) -> AsyncGenerator[TurnEvent]:
        """Run a shell line of the user's, asked about as a tool call is; see `shell_line`."""
        return self._guarded(
            lambda stop: run_line(
                line, LineDeps(self._services, self.policy, self.approver, stop), self._commit
            )
        )

    def compact(self) -> AsyncGenerator[TurnEvent]:
        """Let the present model summarise the conversation, and go on from the summary alone.

        The original stays as another branch, with the request for the summary at its end. When
        no summary comes, everything stays as it was. Marked turns are in no summary. After
        `Noted` and `TurnEnded("end")` the conversation is another one: show it anew.
        """
        if not any(message.role == "assistant" for message in self.conversation.path):
            return _refused("there is nothing to compact yet", "")
        return self._guarded(lambda stop: self._heard(self._with_deps(stop, self._summarise)))

    def branch(
        self, model: ModelInfo, *, reads: bool = False, tools: Mapping[str, Tool] | None = None
    ) -> ChatSession:
        """Return another session at the same place of the same conversation, for *model*.

        It writes into the same stored session, beside this one, and counts its own cost. It has
        no tools, or with *reads* those that only read: what is done N times must change nothing.
        *tools* are given instead of them.
        """
        if tools is None:
            own = self._services.tools if reads else {}
            tools = {name: tool for name, tool in own.items() if tool.risk == "read"}
        made = ChatSession(
            replace(self._services, tools=tools),
            model,
            ledger=self.ledger.beside(),
            policy=ApprovalPolicy("read"),
            effort=self.effort,
            conversation=self.conversation,
            session_id=self.id,
            title=self.title,
            privacy=self.privacy,
            notes=self._notes,
        )
        made.read_only = self.read_only
        made._told = Told()  # what columns that stand at one message are told is not the base's
        made.budget = self.budget
        return made

    async def adopt(self, conversation: Conversation) -> None:
        """Go on at the tip of *conversation*, which is this one with branches added; stored.

        Raises:
            InputError: a turn is running.
        """
        if self.busy:
            raise InputError("an answer is still running", hint="stop it first")
        self.conversation = conversation
        self.ledger.restore(conversation.messages)
        await self._stand_at(conversation.head)

    def stop(self) -> None:
        """End the running turn; what has arrived of the answer is kept."""
        if self._stop is not None:
            self._stop.set()

    def swap(self, model: ModelInfo, effort: Effort | None = None, *, once: bool = False) -> Switch:
        """Use *model* from the next message on; a running turn ends with the one it began with.

        The stored conversation stays as it is. *effort* None keeps the present one. *once*
        says that the user means one message, and will swap back.
        """
        _, report = self._compose(model).request(self.conversation.path)
        before, self.model = self.model, model
        self.effort = effort or self.effort
        use = self.context()
        switch = Switch(
            before=before.ref,
            after=model.ref,
            report=report,
            tokens=use.tokens,
            estimated=use.estimated,
            window=use.window,
            reserve=reserved(model, self._services.max_output),
            new_reader=self.privacy.new_reader(self.conversation.path, model),
            once=once,
        )
        if self.conversation.path:
            self._told.switched(switch.line())
        return switch

    async def preflight(self, model: ModelInfo) -> Preflight:
        """Find out what sending the conversation to *model* next would mean; nothing is sent."""
        services = self._services
        outgoing = await self._outgoing(model)
        return await asyncio.to_thread(
            preflight,
            self.conversation.path,
            self.model,
            outgoing,
            meter=services.meter,
            price=services.price,
            label=services.label(model.ref.provider),
            larger=services.larger(model),
        )

    async def inspect(
        self,
        model: ModelInfo | None = None,
        text: str = "",
        attachments: Sequence[Image | Document] = (),
    ) -> Inspection:
        """Return the request that would go to *model*, by default the present one.

        *text* and *attachments* are what is being written and would be said with it.
        """
        model = model or self.model
        path = self.conversation.path
        if text.strip() or attachments:
            path = (*path, user_message(sanitize(text), tuple(attachments)))
        outgoing = await self._outgoing(model)
        provider = await asyncio.to_thread(self._services.blueprint, model)
        return await asyncio.to_thread(inspect, path, outgoing, provider)

    def needs_consent(self, model: ModelInfo) -> str | None:
        """Return the label of a vendor that would read the history for the first time.

        None if nobody new would, or the user has agreed to it with `consent`. Asking is the front
        end's part: `send` does not.
        """
        if self.privacy.needs_consent(self.conversation.path, model) is None:
            return None
        return self._services.label(model.ref.provider)

    async def consent(self, model: ModelInfo) -> None:
        """Note that the user lets *model*'s vendor read the history; kept with the session."""
        await self._wish(self.privacy.consent(model.ref.provider))

    async def keep_private(self, message_id: str, *, on: bool = True) -> None:
        """Mark a message, and with it its whole turn, "do not hand over"; kept with the session.

        A vendor that has not answered in that turn gets a sentence in its place.

        Raises:
            InputError: there is no such message.
        """
        if on and all(message.id != message_id for message in self.conversation.messages):
            raise InputError("there is no such message")
        await self._wish(self.privacy.keep(message_id, on=on))

    async def _wish(self, privacy: Privacy) -> None:
        self.privacy = privacy
        self._use = None
        if self.id is not None and not self.read_only:
            store, key = self._services.store, state_key(self.id)
            await self._record.attempt(store.set_state(key, privacy.dumps()))

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
            outgoing = self._compose(self.model)
            self._use = (key, outgoing.use(self.conversation.path, self._services.meter))
        return self._use[1]

    async def rename(self, title: str) -> None:
        """Give the session another title."""
        self.title = one_line(title, TITLE_LENGTH)
        if self.id is not None and not self.read_only:
            await self._record.attempt(self._services.store.rename(self.id, self.title))

    async def _guarded(
        self, run: Callable[[asyncio.Event], AsyncGenerator[TurnEvent]]
    ) -> AsyncGenerator[TurnEvent]:
        """Do one thing at a time, with a way to stop it, and tell what there is to tell."""
        problem = self._why_not()
        if problem is not None:
            yield problem
            return
        self._stop = stop = asyncio.Event()
        self._asked = self.model  # what is chosen from now on is for the next message
        try:
            async with aclosing(run(stop)) as events:
                async for event in events:
                    # The end stays the last event, so what is to be said goes before.
                    for notice in self._taken():
                        yield notice
                    yield event
        finally:
            self._stop = None

    async def _answering(
        self, stop: asyncio.Event, message: Message | None, tip: str | None = None
    ) -> AsyncGenerator[TurnEvent]:
        """Run one turn: after *message*, or again from the message *tip*."""
        before = self.conversation if message is not None else self.conversation.at(tip)
        said = (message,) if message is not None else ()
        if (refused := await self._unaffordable(stop, (*before.path, *said))) is not None:
            yield refused
            return
        if message is None and tip != self.conversation.head:
            await self._stand_at(tip)
        await self._told.begin(self.conversation.head)
        if message is not None:
            yield Committed(await self._commit(message))
        turn = self._with_deps(stop, lambda deps: run_turn(self.conversation, deps))
        async with aclosing(self._heard(turn)) as events:
            async for event in events:
                yield event

    async def _heard(self, turn: AsyncGenerator[TurnEvent]) -> AsyncGenerator[TurnEvent]:
        async with aclosing(turn) as events:
            async for event in events:
                await self._told.hear(event, self.conversation)
                yield event

    async def _unaffordable(
        self, stop: asyncio.Event, history: tuple[Message, ...]
    ) -> TurnEnded | None:
        """Return how the turn ends before it begins: the user does not go beyond a budget."""
        self.purse.begin(self.budget)
        if not self.purse.holds:
            return None
        outgoing, services = await self._outgoing(self._asked), self._services
        coming = await asyncio.to_thread(
            forecast, history, outgoing, meter=services.meter, price=services.price
        )
        return await self.purse.before(coming, stop)

    async def _summarise(self, deps: TurnDeps) -> AsyncGenerator[TurnEvent]:
        history, head = self.conversation.path, self.conversation.head
        material = await asyncio.to_thread(
            gather,
            history,
            self.privacy,
            deps.model.context_window,
            lambda messages: self._services.meter.weigh(messages, deps.model)[0],
        )
        if (refused := await self._unaffordable(deps.stop, history)) is not None:
            yield refused
            return
        self.ledger.begin_turn()
        question = user_message(INSTRUCTION)
        yield Committed(await self._commit(question))
        summary = Summary(deps, material, question)
        async with aclosing(summary.events()) as events:
            async for event in events:
                yield event
        if summary.answer is not None:
            yield Committed(await self._commit(summary.answer))
            self.ledger.record(summary.answer)
        if summary.answer is None or summary.ended.reason != "end":
            await self._stand_at(head)
            yield summary.ended
            return
        await self._stand_at(None)
        yield Committed(await self._commit(summary_message(deps.model.ref, summary.answer.text)))
        yield Noted(material.told())
        yield summary.ended

    def _tell(self, notice: str) -> None:
        self.notices.append(notice)  # another list, whenever somebody took the one before

    def _taken(self) -> list[Noted]:
        if news := self._services.news():
            self.notices.append(news)
        told, self.notices = [Noted(text) for text in self.notices], []
        return told

    def _why_not(self) -> TurnEnded | None:
        if self.busy:
            return TurnEnded("error", "an answer is still running", "wait for it or stop it")
        if self.read_only:
            hint = "close it where it is open, or start a new session"
            return TurnEnded("error", "this session can only be read here", hint)
        return None

    async def _with_deps(
        self, stop: asyncio.Event, run: Callable[[TurnDeps], AsyncGenerator[TurnEvent]]
    ) -> AsyncGenerator[TurnEvent]:
        try:
            deps = await unless(stop, self._deps(stop))
        except FluxError as problem:
            yield TurnEnded("error", problem.message, problem.hint)
            return
        if deps is None:
            yield TurnEnded("aborted")
            return
        async with aclosing(run(deps)) as events:
            async for event in events:
                yield event

    async def _deps(self, stop: asyncio.Event) -> TurnDeps:
        services, model = self._services, self._asked
        return TurnDeps(
            outgoing=await self._outgoing(model),
            provider=await services.open_provider(model),
            tools=services.tools if model.abilities.tools else {},
            policy=self.policy,
            approver=self.approver,
            ledger=self.ledger,
            purse=self.purse,
            root=services.root,
            stop=stop,
            commit=self._commit,
            draft=self._draft,
            meter=services.meter,
            refused=lambda ids: self._stale.update({model.ref: ids}),
            larger=services.larger,
        )

    async def _outgoing(self, model: ModelInfo) -> Outgoing:
        if self._notes is None:
            self._notes = await asyncio.to_thread(read_notes, self._services.root)
        return self._compose(model)

    def _compose(self, model: ModelInfo) -> Outgoing:
        return compose(
            self._services,
            model,
            own=self.conversation.system,
            notes=self._notes or "",
            effort=self.effort,
            cache_key=self.id or "",
            privacy=self.privacy,
            stale=self._stale.get(model.ref, frozenset()),
        )

    async def _commit(self, message: Message) -> Message:
        """Add *message* to the conversation and store it; what the store refuses waits."""
        self.conversation = self.conversation.plus(message)
        stored = self.conversation.messages[-1]
        await self._record.add(stored)
        return stored

    async def _begin(self) -> str:
        """Return the id of the stored session; the first message makes it."""
        if self.id is not None:
            return self.id
        store = self._services.store
        first = next((m.text for m in self.conversation.messages if m.role == "user"), "")
        self.title = self.title or one_line(first, TITLE_LENGTH)
        folder, system = str(self._services.root), self.conversation.system
        session_id = await store.create(title=self.title, system=system, folder=folder)
        await store.claim(session_id)
        self.id = session_id
        if self.privacy != Privacy():
            await store.set_state(state_key(session_id), self.privacy.dumps())
        return session_id

    async def _draft(self, message: Message) -> None:
        await self._record.draft(self.id, replace(message, parent=self.conversation.head))

    async def _stand_at(self, message_id: str | None) -> None:
        self.conversation = self.conversation.at(message_id)
        await self._record.stand_at(self.id, message_id)


async def _refused(error: str, hint: str) -> AsyncGenerator[TurnEvent]:
    yield TurnEnded("error", error, hint)

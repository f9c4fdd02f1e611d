"""One question, several models: columns that share a beginning and nothing that follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal

from flux_tui.core.errors import InputError
from flux_tui.core.events import Committed, TurnEvent
from flux_tui.core.messages import Conversation, Document, Image, Message
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import Cost, sum_costs
from flux_tui.session.column import Column
from flux_tui.session.preflight import Preflight
from flux_tui.session.session import ChatSession

FEWEST, MOST = 2, 4
_STOP_SECONDS = 2.0
"""How long a stopped column may take to store its answer before it is cancelled."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What asking all columns once will take: `requests`, and about what reading costs.

    `cost` is of what is sent; what the models write comes on top and nobody knows it before.
    """

    requests: int
    cost: Cost
    flights: tuple[Preflight, ...]


class Comparison:
    """Two to four columns beside the session they come from.

    Every column has its own history: what one model answers is on no other's path, unless
    `go_on_from` puts it there. All are stored in the one session, as branches of its tree.
    """

    def __init__(
        self, base: ChatSession, models: Sequence[ModelInfo], *, reads: bool = False
    ) -> None:
        """Begin at the tip of *base*; *reads* lets the columns use the tools that only read.

        Raises:
            InputError: too few or too many models, or an answer is still running.
        """
        if not FEWEST <= len(models) <= MOST:
            raise InputError(f"a comparison has {FEWEST} to {MOST} models, not {len(models)}")
        if base.busy:
            raise InputError("an answer is still running", hint="stop it first")
        self.base = base
        self.columns = [Column(base.branch(model, reads=reads)) for model in models]
        self.reads = reads

    @property
    def busy(self) -> bool:
        """Whether any column still answers."""
        return any(column.session.busy for column in self.columns)

    async def forecast(self) -> Forecast:
        """Find out, without sending anything, what the next question will take."""
        flights = await asyncio.gather(
            *(column.session.preflight(column.session.model) for column in self.columns)
        )
        return Forecast(len(flights), sum_costs(flight.cost for flight in flights), tuple(flights))

    async def ask(
        self,
        text: str,
        attachments: Sequence[Image | Document] = (),
        *,
        only: int | None = None,
    ) -> AsyncGenerator[tuple[int, TurnEvent]]:
        """Say *text* to every column, or to *only* one; yield what happens with its column.

        Columns that stand at the same place share the message, so that their answers are siblings.
        One that fails or waits holds up no other. Closing the generator stops all of them.

        Raises:
            InputError: there is nothing to send, or a column asked is still answering.
        """
        asked = range(len(self.columns)) if only is None else (only,)
        if any(self.columns[index].session.busy for index in asked):
            raise InputError("an answer is still running", hint="wait for it or stop it")
        said: dict[str | None, ChatSession] = {}
        for index in asked:
            session = self.columns[index].session
            head = session.conversation.head
            self._share_budget(session, len(asked))
            if head in said:
                _join(session, said[head])
            else:
                await session.say(text, attachments)
                said[head] = session
            # What is stored first makes the session that the others write into.
            self._named(session)
            yield index, Committed(session.conversation.path[-1])
        async with aclosing(self._run(asked)) as events:
            async for event in events:
                yield event

    async def retry(self, index: int) -> AsyncGenerator[tuple[int, TurnEvent]]:
        """Let one column answer again what was said last; its answer there becomes a branch."""
        async with aclosing(self._run((index,))) as events:
            async for event in events:
                yield event

    def stop(self, index: int | None = None) -> None:
        """End the answer of one column, or of all; what has arrived is kept."""
        for column in self.columns if index is None else (self.columns[index],):
            column.session.stop()

    def allow_reading(self, reads: bool) -> None:
        """Let the columns use the tools that only read, or none, from the next question on.

        Raises:
            InputError: an answer is still running.
        """
        if self.busy:
            raise InputError("an answer is still running", hint="stop it first")
        self.reads = reads
        for column in self.columns:
            before = column.session
            column.session = self.base.branch(before.model, reads=reads)
            column.session.conversation = before.conversation

    async def consent(self, model: ModelInfo) -> None:
        """Note that the user lets *model*'s vendor read what others said, in all columns."""
        await self.base.consent(model)
        for column in self.columns:
            column.session.privacy = self.base.privacy

    def change(self, index: int, model: ModelInfo) -> None:
        """Let another model go on in a column, from its next question."""
        self.columns[index].session.swap(model)

    async def adopt(self, index: int) -> None:
        """Let the base session go on with a column; the others stay as branches beside it.

        Raises:
            InputError: an answer is still running.
        """
        if self.busy:
            raise InputError("an answer is still running", hint="stop it first")
        chosen = self.columns[index].session
        await self.base.adopt(self._tree(chosen.conversation.head))
        self.base.model = chosen.model

    def go_on_from(self, index: int) -> None:
        """Let all columns go on from where one stands; their own answers stay as branches.

        Raises:
            InputError: an answer is still running.
        """
        if self.busy:
            raise InputError("an answer is still running", hint="stop it first")
        tree = self._tree(self.columns[index].session.conversation.head)
        for column in self.columns:
            column.session.conversation = tree

    async def go_back(self, index: int) -> None:
        """Let the base session stand where a column was asked last, all answers beside it.

        Raises:
            InputError: an answer is still running, or the column was asked nothing.
        """
        if self.busy:
            raise InputError("an answer is still running", hint="stop it first")
        path = self.columns[index].session.conversation.path
        question = next((m for m in reversed(path) if m.role == "user"), None)
        if question is None:
            raise InputError("there is no question yet")
        await self.base.adopt(self._tree(question.parent))

    def _tree(self, head: str | None) -> Conversation:
        """Return all that was said in any column as one tree, standing at *head*."""
        found: dict[str, Message] = {
            message.id: message for message in self.base.conversation.messages
        }
        for column in self.columns:
            for message in column.session.conversation.messages:
                found.setdefault(message.id, message)
        return Conversation(self.base.conversation.system, tuple(found.values()), head)

    def _named(self, first: ChatSession) -> None:
        for session in (self.base, *(column.session for column in self.columns)):
            session.id = session.id or first.id
            session.title = session.title or first.title

    def _share_budget(self, session: ChatSession, shares: int) -> None:
        if self.base.budget is not None:
            session.budget = self.base.budget / Decimal(shares)

    async def _run(self, indexes: Sequence[int]) -> AsyncGenerator[tuple[int, TurnEvent]]:
        """Let some columns answer at the same time; the events in the order they happen."""
        # Without a bound: a column that waited here could neither be stopped nor end.
        queue: asyncio.Queue[tuple[int, TurnEvent] | None] = asyncio.Queue()

        async def drain(index: int) -> None:
            column = self.columns[index]
            column.begin()
            try:
                async with aclosing(column.session.retry()) as events:
                    async for event in events:
                        column.apply(event)
                        queue.put_nowait((index, event))
            finally:
                column.end()
                queue.put_nowait(None)

        tasks = [asyncio.create_task(drain(index)) for index in indexes]
        try:
            for _ in tasks:
                while (item := await queue.get()) is not None:
                    if isinstance(item[1], Committed):
                        self.base.ledger.record(item[1].message)
                    yield item
            for task in tasks:
                task.result()
        finally:
            # Stopped first, so that every column stores what has arrived.
            for index in indexes:
                self.columns[index].session.stop()
            await asyncio.wait(tasks, timeout=_STOP_SECONDS)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _join(session: ChatSession, first: ChatSession) -> None:
    """Put what *first* was told last into *session* as well: the very same message."""
    session.conversation = session.conversation.plus(first.conversation.path[-1])

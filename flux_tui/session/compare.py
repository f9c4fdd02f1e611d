"""One question, several models: columns that share a beginning and nothing that follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from flux_tui.core.errors import InputError
from flux_tui.core.events import Committed, TurnEvent
from flux_tui.core.messages import Conversation, Document, Image, Message, user_message
from flux_tui.core.models import ModelInfo
from flux_tui.core.sanitize import sanitize
from flux_tui.core.usage import Cost, Usage, sum_costs
from flux_tui.session.budgets import crossed, left
from flux_tui.session.column import Column, Expected
from flux_tui.session.forecast import USUAL_ANSWER, answer_length
from flux_tui.session.preflight import Preflight
from flux_tui.session.session import ChatSession

FEWEST, MOST = 2, 4
_STOP_SECONDS = 2.0
"""How long a stopped column may take to store its answer before it is cancelled."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What asking columns once will take: `requests`, and about what they cost.

    `cost` is of what they read. `answers` is of what they write, as long as their earlier answers
    here on average, or `USUAL_ANSWER` tokens each: `lengths` by column, `measured` if any is known.
    """

    requests: int
    cost: Cost
    flights: tuple[Preflight, ...]
    answers: Cost
    lengths: tuple[int, ...]
    measured: bool

    @property
    def total(self) -> Cost:
        """Of reading and writing."""
        return sum_costs((self.cost, self.answers))

    @property
    def too_long(self) -> tuple[ModelInfo, ...]:
        """The models whose window the question does not fit."""
        return tuple(flight.model for flight in self.flights if flight.fits is False)


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
        self.order = list(range(len(models)))  # of the columns, as the user has arranged them
        self.reads = reads
        self.budgets = replace(base.ledger.budgets, turn=base.budget)
        self.blind = False  # nobody is to know yet which model is which
        self.voted: frozenset[str] = frozenset()  # ids of answers that a vote was about
        self.named: frozenset[str] = frozenset()  # of those that were read with their names
        self._own: tuple[tuple[Conversation, str | None], ...] = ()
        self._untold: list[Message] = []
        self._foretold: tuple[object, Forecast] | None = None

    def begin_at(self, message_id: str | None) -> None:
        """Let all columns begin after an earlier message of the base session; None: before all."""
        for column in self.columns:
            column.session.conversation = self.base.conversation.at(message_id)

    @property
    def busy(self) -> bool:
        """Whether any column still answers."""
        return any(column.session.busy for column in self.columns)

    def common(self) -> frozenset[str]:
        """Return the ids of the messages that every column has behind it."""
        paths = [{m.id for m in column.session.conversation.path} for column in self.columns]
        return frozenset(set.intersection(*paths))

    def tips(self) -> frozenset[str]:
        """Return the ids of the messages that the columns stand at."""
        heads = (column.session.conversation.head for column in self.columns)
        return frozenset(head for head in heads if head is not None)

    @property
    def shared(self) -> bool:
        """Whether the next question goes on from one column's answer in all of them."""
        return bool(self._own)

    async def forecast(
        self,
        text: str = "",
        attachments: Sequence[Image | Document] = (),
        *,
        only: Sequence[int] | None = None,
    ) -> Forecast:
        """Find out, without sending anything, what saying *text* to columns will take.

        Weighing a long history takes a while: the same question again is answered from memory.
        """
        asked = [self.columns[index] for index in self._places(only)]
        places = tuple((c.session.conversation.head, c.session.model.ref) for c in asked)
        key = (text, tuple(attachments), places, self.reads)
        if self._foretold is not None and self._foretold[0] == key:
            return self._foretold[1]
        flights = await asyncio.gather(
            *(self._flight(column, text, attachments) for column in asked)
        )
        known = [
            answer_length(column.session.conversation.path, column.session.model.ref)
            for column in asked
        ]
        usual = [length for length in known if length]
        other = sum(usual) // len(usual) if usual else USUAL_ANSWER
        lengths = tuple(length or other for length in known)
        now = datetime.now(UTC)
        answers = await asyncio.gather(
            *(
                column.session.ledger.charge(column.session.model, Usage(output=length), now)
                for column, length in zip(asked, lengths, strict=True)
            )
        )
        for column, flight, writing, length in zip(asked, flights, answers, lengths, strict=True):
            column.expected = Expected(flight.cost, writing, length)
        forecast = Forecast(
            requests=len(flights),
            cost=sum_costs(flight.cost for flight in flights),
            flights=tuple(flights),
            answers=sum_costs(answers),
            lengths=lengths,
            measured=bool(usual),
        )
        self._foretold = (key, forecast)
        return forecast

    def reasons_to_ask(self, forecast: Forecast) -> tuple[str, ...]:
        """Return why the user should say yes before this goes out; mostly there is nothing."""
        long = tuple(
            f"it does not fit the window of {model.ref.name}" for model in forecast.too_long
        )
        return (*crossed(self.budgets, self.base.ledger, forecast.total), *long)

    async def _flight(
        self, column: Column, text: str, attachments: Sequence[Image | Document]
    ) -> Preflight:
        session = column.session
        if not text.strip() and not attachments:
            return await session.preflight(session.model)
        probe = self.base.branch(session.model, reads=self.reads)
        message = user_message(sanitize(text), tuple(attachments))
        probe.conversation = session.conversation.plus(message)
        return await probe.preflight(session.model)

    async def ask(
        self,
        text: str,
        attachments: Sequence[Image | Document] = (),
        *,
        only: Sequence[int] | None = None,
        beyond: bool = False,
    ) -> AsyncGenerator[tuple[int, TurnEvent]]:
        """Say *text* to every column, or to *only* some; yield what happens with its column.

        *beyond* says that the user has agreed to break a budget with it.

        Columns that stand at the same place share the message, so that their answers are siblings.
        One that fails or waits holds up no other. Closing the generator stops all of them.

        Raises:
            InputError: there is nothing to send, or a column asked is still answering.
        """
        asked = self._places(only)
        if any(self.columns[index].session.busy for index in asked):
            raise InputError("an answer is still running", hint="wait for it or stop it")
        self._own = ()
        said: dict[str | None, ChatSession] = {}
        for index in asked:
            session = self.columns[index].session
            head = session.conversation.head
            session.budget = None if beyond else self._share(len(asked))
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
        """Let one column answer again what was said last; its answer there becomes a branch.

        An answer that is still running is stopped before.
        """
        self.stop(index)
        await self.columns[index].over()
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
        kept = tuple((c.session.conversation, c.session.conversation.head) for c in self.columns)
        self._own = self._own or kept
        for column in self.columns:
            column.session.conversation = tree

    def keep_own(self) -> None:
        """Let each column go on with its own answers again; takes `go_on_from` back.

        Raises:
            InputError: each has its own thread, or something was asked since.
        """
        if not self._own:
            raise InputError(
                "every column has its own thread already, or was asked since it was given another"
            )
        for column, (conversation, head) in zip(self.columns, self._own, strict=True):
            column.session.conversation = conversation.at(head)
        self._own = ()

    def reveal(self) -> None:
        """End being blind: what the answers cost is told to the base session's ledger."""
        self.blind = False
        untold, self._untold = self._untold, []
        for message in untold:
            self.base.ledger.record(message)

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

    def _places(self, only: Sequence[int] | None) -> Sequence[int]:
        return range(len(self.columns)) if only is None else tuple(only)

    def _record(self, message: Message) -> None:
        # Sums by model would tell who is who: lengths of answers are to be seen.
        if self.blind:
            self._untold.append(message)
        else:
            self.base.ledger.record(message)

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

    def _share(self, shares: int) -> Decimal | None:
        """Return a column's part of what a turn may cost, and of what is left altogether."""
        limits = [self.budgets.turn, left(self.budgets, self.base.ledger)]
        known = [limit for limit in limits if limit is not None]
        return min(known) / Decimal(shares) if known else None

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
                        if isinstance(event, Committed):
                            self._record(event.message)
                        queue.put_nowait((index, event))
            finally:
                column.end()
                queue.put_nowait(None)

        tasks = [asyncio.create_task(drain(index)) for index in indexes]
        try:
            for _ in tasks:
                while (item := await queue.get()) is not None:
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

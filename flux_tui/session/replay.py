"""A whole session once more with another model: the same questions, tools as then or run anew."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from decimal import Decimal

from flux_tui.core.codec import dumps
from flux_tui.core.errors import InputError, ToolError
from flux_tui.core.events import Committed, TurnEnded, TurnEvent
from flux_tui.core.messages import Conversation, Document, Image, Message, ToolResult
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import JSON, Cost
from flux_tui.session.column import Column
from flux_tui.session.session import ChatSession
from flux_tui.tools.base import Preview, Risk, Tool, ToolContext

NOT_RECORDED = (
    "This is a replay of an earlier session: no tool is run, and this call was not made there. "
    "Go on without it."
)


class RecordedTool:
    """A tool that answers as it did the last time, call by call, and does nothing.

    Answers of the same arguments come in the order in which they were recorded; the last of them
    is repeated. Pictures in results are left out: only text goes back.
    """

    def __init__(self, name: str, model: Tool | None, results: Mapping[str, list[ToolResult]]):
        self._name = name
        self._model = model
        self._results = {key: deque(found) for key, found in results.items()}

    @property
    def name(self) -> str:
        """The name the model uses."""
        return self._name

    @property
    def description(self) -> str:
        """What the real tool says of itself."""
        return self._model.description if self._model else f"The tool {self._name}."

    @property
    def schema(self) -> Mapping[str, JSON]:
        """The arguments of the real tool; any, when it is not there any more."""
        return self._model.schema if self._model else {"type": "object"}

    @property
    def risk(self) -> Risk:
        """Nothing happens."""
        return "read"

    def summary(self, arguments: Mapping[str, JSON]) -> str:
        """Return the arguments in a few words."""
        return self._model.summary(arguments) if self._model else ""

    async def preview(self, arguments: Mapping[str, JSON], context: ToolContext) -> Preview | None:
        """Nothing is asked, so nothing is shown."""
        del arguments, context

    async def run(self, arguments: Mapping[str, JSON], context: ToolContext) -> str:
        """Return what the call answered in the original.

        Raises:
            ToolError: it failed there too, or was not made there.
        """
        del context
        found = self._results.get(dumps(dict(arguments)))
        if not found:
            raise ToolError(NOT_RECORDED)
        result = found.popleft() if len(found) > 1 else found[0]
        if result.is_error:
            raise ToolError(result.text)
        return result.text


def recorded_tools(path: Sequence[Message], tools: Mapping[str, Tool]) -> dict[str, Tool]:
    """Return the tools that were called on *path*, each with its recorded results."""
    results = {
        part.call_id: part
        for message in path
        for part in message.parts
        if isinstance(part, ToolResult)
    }
    found: dict[str, dict[str, list[ToolResult]]] = defaultdict(lambda: defaultdict(list))
    for message in path:
        for call in message.tool_calls:
            if call.id in results:
                found[call.name][dumps(dict(call.arguments))].append(results[call.id])
    return {name: RecordedTool(name, tools.get(name), each) for name, each in found.items()}


class Replay:
    """The questions of `source` put to another model, one after the other, in `column`.

    What it says is stored as a branch of the same session. `done` counts answered questions.
    """

    def __init__(
        self,
        base: ChatSession,
        model: ModelInfo,
        tools: Mapping[str, Tool],
        *,
        thread: ChatSession | None = None,
        run_again: bool = False,
    ) -> None:
        """Begin before the first message of *base*; *tools* describe those called there.

        *thread* is what is repeated instead of *base*: a branch of it, as a column is.
        With *run_again* all of *tools* are run anew: those that only read at once, any other after
        the question that the session's approver asks. Else nothing is run.

        Raises:
            InputError: there is nothing to replay, or an answer is still running.
        """
        source = thread or base
        if base.busy or source.busy:
            raise InputError("an answer is still running", hint="stop it first")
        self._stood = base.conversation.head
        self.original = source.conversation
        self.source = Column(source)
        self.questions = [message for message in self.original.path if message.role == "user"]
        if not self.questions:
            raise InputError("there is nothing to replay yet")
        self.base = base
        self.run_again = run_again
        given = tools if run_again else recorded_tools(self.original.path, tools)
        session = base.branch(model, tools=given)
        session.approver = base.approver
        if base.policy.mode == "none":
            session.policy = base.policy
        session.conversation = self.original.at(None)
        self.column = Column(session)
        self.done = 0
        self._asked = False  # the next question is out, and has no whole answer

    @property
    def finished(self) -> bool:
        """Whether all questions are answered."""
        return self.done == len(self.questions)

    async def about(self) -> Cost:
        """Return about what reading costs: every question sends all that was said before it.

        It takes the answers to be as long as those of the original.
        """
        flight = await self.source.session.preflight(self.column.session.model)
        if flight.cost.amount is None:
            return flight.cost
        share = Decimal(len(self.questions) + 1) / 2
        return Cost(
            amount=flight.cost.amount * share, basis=flight.cost.basis, as_of=flight.cost.as_of
        )

    async def run(self) -> AsyncGenerator[TurnEvent]:
        """Ask on until all are answered, one fails, or `stop`; call it again to go on from there.

        A question whose answer failed or was stopped is answered again first.
        """
        session = self.column.session
        while not self.finished:
            question = self.questions[self.done]
            again = self._asked
            self._asked = True
            self.column.begin()
            stream = session.retry() if again else session.send(question.text, _files(question))
            ended: TurnEnded | None = None
            try:
                async with aclosing(stream) as events:
                    async for event in events:
                        self.column.apply(event)
                        if isinstance(event, Committed):
                            self.base.ledger.record(event.message)
                        if isinstance(event, TurnEnded):
                            ended = event
                        yield event
            finally:
                self.column.end()
            if ended is None or ended.error or ended.reason == "aborted":
                return
            self._asked = False
            self.done += 1

    def stop(self) -> None:
        """End the running answer; what has arrived is kept."""
        self.column.session.stop()

    async def adopt(self) -> None:
        """Let the base session go on with the replay; the original stays as a branch beside it.

        Raises:
            InputError: an answer is still running.
        """
        if self.column.session.busy:
            raise InputError("an answer is still running", hint="stop it first")
        await self.base.adopt(self._tree(self.column.session.conversation.head))
        self.base.model = self.column.session.model

    async def leave(self) -> None:
        """Let the stored session stand where it did."""
        await self.base.adopt(self._tree(self._stood))

    def _tree(self, head: str | None) -> Conversation:
        """Return what the base session, the original and the replay have said, at *head*."""
        said = (self.base.conversation, self.original, self.column.session.conversation)
        found = {message.id: message for each in said for message in each.messages}
        return Conversation(self.base.conversation.system, tuple(found.values()), head)


def _files(message: Message) -> tuple[Image | Document, ...]:
    return tuple(part for part in message.parts if isinstance(part, Image | Document))

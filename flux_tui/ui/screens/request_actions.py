"""What decides on the content of a request, and what shows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from flux_tui.core.errors import InputError
from flux_tui.core.messages import Message
from flux_tui.core.models import ModelInfo
from flux_tui.session.inspect import Inspection
from flux_tui.ui.screens.inspector import InspectorScreen
from flux_tui.ui.screens.listing import AskLine
from flux_tui.ui.screens.model_actions import ModelActions
from flux_tui.ui.widgets.composer import Composer
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine
from flux_tui.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from flux_tui.ui.screens.chat import ChatScreen


class RequestActions:
    """Files, private turns, compaction, and the inspector."""

    def __init__(self, screen: ChatScreen, models: ModelActions) -> None:
        self._screen = screen
        self._models = models
        self.table: Mapping[str, Callable[[str], Awaitable[None] | None]] = {
            "request.inspect": self._inspect,
            "chat.private": self._private,
            "chat.compact": self._compact,
            "prompt.attach": self._attach,
            "prompt.detach": self._detach,
        }

    def _inspect(self, argument: str) -> None:
        session = self._screen.open_session
        composer, prompt = self._screen.query_one(Composer), self._screen.query_one(Prompt)
        text, files = prompt.whole_text, composer.files
        runtime = self._screen.flux.runtime
        model = runtime.find_model(argument) if argument else session.model

        async def look(other: ModelInfo) -> Inspection:
            return await session.inspect(other, text, files)

        self._screen.app.push_screen(InspectorScreen(model, look, self._models.choose))

    async def _private(self, argument: str) -> None:
        del argument
        session = self._screen.open_session
        question = self._question()
        path = session.conversation.path
        turn = {m.id for m in turn_of(path, question.id)}
        marked = turn & session.privacy.private
        for message_id in marked:
            await session.keep_private(message_id, on=False)
        if not marked:
            await session.keep_private(question.id)
        self._screen.query_one(Transcript).keep_private(session.privacy.private)
        self._screen.refresh_session()
        words = "may be handed over" if marked else "is not handed over to other vendors"
        self._screen.query_one(StatusLine).say(f"This turn {words}", "⊘", "$secondary")

    def _question(self) -> Message:
        """Return the user's message of the focused turn, or of the last one."""
        path = self._screen.open_session.conversation.path
        selected = self._screen.query_one(Transcript).selected
        turn = turn_of(path, selected) if selected else ()
        found = next((m for m in (*turn, *reversed(path)) if m.role == "user"), None)
        if found is None:
            raise InputError("there is no message to mark yet")
        return found

    def _compact(self, argument: str) -> None:
        del argument
        if self._screen.sending.busy:
            raise InputError("an answer is still running", hint="stop it first")
        self._screen.compact()

    def _attach(self, argument: str) -> None:
        composer = self._screen.query_one(Composer)

        def named(path: str | None) -> None:
            if path:
                composer.attach(path)

        if argument:
            composer.attach(argument)
        else:
            self._screen.app.push_screen(AskLine("File to attach: picture, PDF or text"), named)

    def _detach(self, argument: str) -> None:
        del argument
        if self._screen.query_one(Composer).remove_last() is None:
            raise InputError("no file is attached")


def turn_of(path: tuple[Message, ...], message_id: str) -> tuple[Message, ...]:
    """Return the turn in *path* that a message belongs to; empty if it is not there."""
    turn: list[Message] = []
    found = False
    for message in path:
        if message.role == "user":
            if found:
                break
            turn = []
        turn.append(message)
        found = found or message.id == message_id
    return tuple(turn) if found else ()

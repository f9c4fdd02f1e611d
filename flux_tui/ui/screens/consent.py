"""Asks before a vendor reads a conversation that others have had so far; the way out is no."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from flux_tui.core.messages import Document, Image, Message, ToolResult
from flux_tui.core.models import ModelInfo
from flux_tui.session.session import ChatSession
from flux_tui.ui.render.labels import assemble, count, one_line
from flux_tui.ui.screens.guarded import Choice, GuardedDialog, Page
from flux_tui.ui.widgets.plain import Plain, PlainButton


class ConsentScreen(GuardedDialog[bool]):
    """Returns whether *reader* may have the conversation; Escape and the default button say no."""

    AUTO_FOCUS = "#no"
    FREE = frozenset({"n", "escape"})  # a no that comes too soon does no harm
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Hand over"),
        Binding("n,escape", "dismiss(False)", "No"),
    ]

    def __init__(self, reader: str, text: Content) -> None:
        super().__init__()
        self._reader = reader
        self._text = text

    def compose(self) -> ComposeResult:
        """Yield what would be read, and the two answers."""
        with Vertical(classes="dialog dialog-small question", id="consent") as box:
            box.border_title = Content(f"Let {one_line(self._reader, 40)} read this conversation?")
            with Page(id="consent-what", can_focus=False):
                yield Plain(self._text, id="consent-text")
            with Horizontal(classes="buttons"):
                yield Choice("n  No", id="no")
                yield Choice("y  Hand over", id="yes")
            yield Plain("←→ choose · Enter take · Esc no", classes="keys")

    @on(PlainButton.Pressed)
    def _pressed(self, event: PlainButton.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")


def consent_text(session: ChatSession, model: ModelInfo, reader: str) -> Content:
    """Return what *reader* would get to read with *model*'s next message."""
    path = session.conversation.path
    withheld = session.privacy.withheld(path, model)
    hidden = {message.id for message in withheld}
    handed = [message for message in path if message.id not in hidden]
    turns = sum(message.role == "user" for message in withheld)
    answered = {m.model.provider for m in session.conversation.messages if m.model is not None}
    read = "not read all of it" if model.ref.provider in answered else "read nothing of it"
    lines = [
        assemble((one_line(reader, 40), "bold"), f" has {read} yet."),
        assemble("The next message to ", (one_line(model.ref.name, 60), "bold"), " would send it"),
        assemble(("  " + _amount(handed), "bold $warning")),
    ]
    if turns:
        words = f"{_many(turns, 'turn')} marked private stay{'s' if turns == 1 else ''} here"
    else:
        words = "No turn is marked private; /private keeps one back"
    lines.append(assemble(("  " + words, "$success" if turns else "dim")))
    if model.simulated:
        lines.append(assemble(("  Demo: the simulator plays the vendor", "dim")))
    return Content("\n").join(lines)


def _amount(messages: Sequence[Message]) -> str:
    """Return "12 messages, 2 images, 1 file"."""
    parts = [part for message in messages for part in _files(message)]
    images = sum(isinstance(part, Image) for part in parts)
    files = len(parts) - images
    told = [_many(len(messages), "message")]
    told += [_many(images, "image")] if images else []
    told += [_many(files, "file")] if files else []
    return ", ".join(told)


def _files(message: Message) -> Iterable[Image | Document]:
    for part in message.parts:
        inner = part.parts if isinstance(part, ToolResult) else (part,)
        yield from (one for one in inner if isinstance(one, Image | Document))


def _many(number: int, what: str) -> str:
    return f"{count(number)} {what}{'' if number == 1 else 's'}"

"""The conversation: parts, messages, and the tree they form. Immutable throughout.

A conversation is kept as it happened, in no vendor's format. What only its own model may read
back rides along as `ProviderMetadata`; a change of model never touches what is stored.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from flux_tui.core.models import ModelRef, Origin
from flux_tui.core.usage import JSON, Cost, Usage

Role: TypeAlias = Literal["user", "assistant", "tool"]
"""Who speaks. The system prompt belongs to the conversation, not to a message."""

StopReason: TypeAlias = Literal[
    "end",  # the model was done
    "tool_calls",  # it waits for tool results
    "length",  # its output limit was reached
    "context",  # the window was full
    "refusal",  # the vendor or the model declined
    "pause",  # the vendor paused a long turn; resend as it is to go on
    "aborted",  # the user stopped it
    "interrupted",  # the connection or the program broke off
    "error",  # the provider reported a failure
]


ToolState: TypeAlias = Literal["done", "failed", "denied", "cancelled"]
"""How a tool call ended; "denied" by the user or the settings."""

DENIED = "Refused: "
CANCELLED = "Cancelled by the user"
"""How the results of calls begin that were not run to their end: the model reads it as well."""


def new_id() -> str:
    """Return a new identifier: 48 bits of milliseconds and 72 random bits, 30 hex digits.

    Identifiers made later sort later, to the millisecond; nothing may rely on more than that.
    """
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(9)}"


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """Replay data for *origin* alone: signatures, ciphertext, item ids, raw blocks."""

    origin: Origin
    data: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Text:
    """Prose, as Markdown source."""

    text: str
    metadata: ProviderMetadata | None = None


@dataclass(frozen=True, slots=True)
class Thinking:
    """Reasoning that the vendor chose to show; may be empty and still carry a signature.

    `seconds` is how long it took to arrive; None if nobody measured.
    """

    text: str
    metadata: ProviderMetadata | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, as its original bytes.

    *mime* is image/png, image/jpeg, image/gif or image/webp; sizes are pixels, 0 if unknown.
    """

    data: bytes = field(repr=False)
    mime: str
    name: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """A file given to the model: the original bytes, and its text where that could be extracted."""

    data: bytes = field(repr=False)
    mime: str
    name: str = ""
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to run a tool.

    `id` is unique within the conversation. `raw` keeps the model's own JSON text when it could
    not be parsed; `arguments` is then empty and `error` says why the call is answered unrun.
    """

    id: str
    name: str
    arguments: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    raw: str = ""
    error: str = ""
    metadata: ProviderMetadata | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered: text, images and documents, in order."""

    call_id: str
    name: str
    parts: tuple[Text | Image | Document, ...]
    is_error: bool = False
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """All text of the result."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def state(self) -> ToolState:
        """How the call ended."""
        if not self.is_error:
            return "done"
        begin = next((part.text for part in self.parts if isinstance(part, Text)), "")
        if begin.startswith(DENIED):
            return "denied"
        return "cancelled" if begin.startswith(CANCELLED) else "failed"


@dataclass(frozen=True, slots=True)
class Opaque:
    """An item of one vendor that has no neutral form (a server-side search, redacted thinking).

    `kind` is the vendor's type name; `note` is what to tell a reader or another model, or empty.
    """

    kind: str
    metadata: ProviderMetadata
    note: str = ""


Part: TypeAlias = Text | Thinking | Image | Document | ToolCall | ToolResult | Opaque


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from request to first content (None if none came) and to the end; monotonic clock."""

    first: float | None
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of one speaker.

    `parent` is the message it answers or follows, None for a root. Assistant messages carry the
    model that wrote them, usage, cost, stop reason and timing; `error` holds the sentence that
    was shown when the answer broke off.
    """

    role: Role
    parts: tuple[Part, ...]
    id: str = field(default_factory=new_id)
    parent: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    model: ModelRef | None = None
    usage: Usage | None = None
    cost: Cost | None = None
    stop: StopReason | None = None
    error: str = ""
    timing: Timing | None = None
    metadata: ProviderMetadata | None = None

    @property
    def text(self) -> str:
        """All prose of the message."""
        return "\n\n".join(part.text for part in self.parts if isinstance(part, Text) and part.text)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


@dataclass(frozen=True, slots=True)
class Conversation:
    """A tree of messages and the tip that is being talked to.

    `messages` are all messages in the order they were added, parents before children; `head` is
    the id of the current tip. `path` is the line from the root to the head: what a model is sent.
    Appending shares everything that was there, so a branch costs a few pointers.
    """

    system: str = ""
    messages: tuple[Message, ...] = ()
    head: str | None = None
    path: tuple[Message, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        by_id = {message.id: message for message in self.messages}
        line: list[Message] = []
        at = self.head
        while at is not None:
            message = by_id[at]
            line.append(message)
            at = message.parent
        object.__setattr__(self, "path", tuple(reversed(line)))

    def plus(self, *messages: Message) -> Conversation:
        """Return the conversation with *messages* added in a line below the head.

        A message without a parent gets the one before it; the last one becomes the head.
        """
        if len(messages) == 1:
            return self._appended(messages[0])
        # All at once: one by one would copy the whole tree for each.
        line = list(self.messages)
        head = self.head
        for message in messages:
            if message.parent is None and head is not None:
                message = replace(message, parent=head)  # noqa: PLW2901 - the same, put in its place
            line.append(message)
            head = message.id
        return Conversation(self.system, tuple(line), head)

    def _appended(self, message: Message) -> Conversation:
        if message.parent is None and self.head is not None:
            message = replace(message, parent=self.head)
        if message.parent != self.head:
            return Conversation(self.system, (*self.messages, message), message.id)
        # The common case, one more at the tip: extend the path instead of walking it again.
        grown = object.__new__(Conversation)
        object.__setattr__(grown, "system", self.system)
        object.__setattr__(grown, "messages", (*self.messages, message))
        object.__setattr__(grown, "head", message.id)
        object.__setattr__(grown, "path", (*self.path, message))
        return grown

    def at(self, message_id: str | None) -> Conversation:
        """Return the same tree with another head; None stands before the first message.

        Raises:
            KeyError: no message has that id.
        """
        return Conversation(self.system, self.messages, message_id)

    def children(self, message_id: str | None) -> tuple[Message, ...]:
        """The messages that directly follow *message_id*, oldest first; None asks for the roots."""
        return tuple(message for message in self.messages if message.parent == message_id)

    def __len__(self) -> int:
        return len(self.path)

    def __iter__(self) -> Iterator[Message]:
        return iter(self.path)


def user_message(text: str, attachments: tuple[Image | Document, ...] = ()) -> Message:
    """Return what the user says: attachments first, as the vendors advise, then the text."""
    words: tuple[Part, ...] = (Text(text),) if text else ()
    return Message(role="user", parts=(*attachments, *words))

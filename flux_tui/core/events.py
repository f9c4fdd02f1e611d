"""What flows: from a provider to the turn, and from the turn to a front end.

`index` in a stream event is the place of a part within the reply: deltas of one index belong to
one part, and parts stand in order of their index. `metadata` is merged into the part's replay
data; the builder adds the origin, so decoders need not know where they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from flux_tui.core.messages import Message, StopReason, ToolCall, ToolResult, ToolState
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import JSON, Usage

Metadata: TypeAlias = Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of the answer, already sanitised."""

    index: int
    text: str
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More visible reasoning, already sanitised; may be empty and carry only metadata."""

    index: int
    text: str
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call. `json` fragments concatenate; id and name come with the first."""

    index: int
    id: str | None = None
    name: str | None = None
    json: str = ""
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class OpaqueItem:
    """A whole vendor item without a neutral form. `data` is what to replay."""

    index: int
    kind: str
    data: Metadata
    note: str = ""


@dataclass(frozen=True, slots=True)
class UsageUpdate:
    """The usage of this request so far: each update replaces the one before."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """Nothing was received yet, and the request will be sent again after `seconds`.

    With `repaired` it is not the same request: `reason` says what is left out of it this time.
    With `unreasoned` that is the reasoning of all earlier answers.
    """

    reason: str
    seconds: float
    attempt: int  # the try that comes next, counted from 2
    attempts: int  # how many there will be at the most
    repaired: bool = False
    unreasoned: bool = False


@dataclass(frozen=True, slots=True)
class Stopped:
    """The terminal event was seen. `detail` holds the vendor's explanation of a refusal, if any."""

    reason: StopReason
    detail: str = ""
    metadata: Metadata | None = None  # of the whole reply: response id, the model that served it


StreamEvent: TypeAlias = (
    TextDelta | ThinkingDelta | ToolCallDelta | OpaqueItem | UsageUpdate | RetryScheduled | Stopped
)


def written(event: StreamEvent) -> bool:
    """Whether the model has written something in *event*, be it hidden in an item of its vendor.

    A part that only begins, or only carries what is to be replayed, holds no token yet.
    """
    match event:
        case TextDelta(text=text) | ThinkingDelta(text=text):
            return bool(text)
        case ToolCallDelta(name=name, json=text):
            return bool(name or text)
        case _:
            return isinstance(event, OpaqueItem)


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """A request goes out. The reply will be committed under `message_id`."""

    message_id: str
    model: ModelRef


@dataclass(frozen=True, slots=True)
class ReplyDelta:
    """One stream event of the reply in flight."""

    message_id: str
    event: StreamEvent


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A call was taken up. `waiting` is true while it asks for approval, false once it runs."""

    call: ToolCall
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """Output of a running tool, as it comes, sanitised."""

    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A call has its result. `state` also tells a refusal by the user from a failure."""

    result: ToolResult
    state: ToolState


@dataclass(frozen=True, slots=True)
class Committed:
    """A message is final and stored: the user's, an answer (even partial), or tool results."""

    message: Message


@dataclass(frozen=True, slots=True)
class Noted:
    """A sentence for the user that belongs here: what was left out, what is not saved."""

    text: str


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """Always the last event of a turn. `error` and `hint` are sentences for the user."""

    reason: StopReason | Literal["max_steps", "budget"]
    error: str = ""
    hint: str = ""
    retryable: bool = field(default=False)


TurnEvent: TypeAlias = (
    ReplyStarted
    | ReplyDelta
    | ToolStarted
    | ToolOutput
    | ToolFinished
    | Committed
    | Noted
    | TurnEnded
)

"""What passes between a wire format and the scripted answers: an Ask in, a Reply out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, TypeAlias

from flux_tui.sim.values import Object

Wire: TypeAlias = Literal[
    "anthropic", "openai-responses", "openai-chat", "gemini", "mistral", "cohere"
]
Stop: TypeAlias = Literal["end", "tool_use", "length", "refusal"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool the client offers; `schema` is the JSON schema of its arguments."""

    name: str
    schema: Object = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one earlier call, as the client sent it back."""

    name: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the request as a prompt cache sees it; `text` is canonical JSON."""

    text: str
    breakpoint: bool = False  # the client asked to cache up to and including here


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request, read by its wire format and stripped of wire particulars.

    `text` is the last user message that is not a tool result. `outcomes` are the tool results
    that came after it, oldest first, and `rounds` how many assistant turns asked for them.
    """

    wire: Wire
    model: str
    seed: str
    text: str = ""
    outcomes: tuple[Outcome, ...] = ()
    rounds: int = 0
    tools: tuple[Tool, ...] = ()
    attachments: tuple[str, ...] = ()
    turns: int = 1
    stream: bool = False
    reasons: bool = False  # the model reasons in this request
    asked_to_reason: bool = False  # the client asked for it in so many words
    max_output: int | None = None
    parallel: bool = True
    forced: str | None = None  # "" any tool, else the name of the one that must be called
    schema: Object | None = None  # the answer must be JSON of this schema
    stops: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to make; `raw` replaces the encoded arguments when it is not None."""

    name: str
    arguments: Object = field(default_factory=dict[str, object])
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What an answer cites: each wire format has a form of its own for it, Mistral's has none."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer before it is put into a wire format; texts are cut into tokens."""

    thinking: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    pages: tuple[Page, ...] = ()
    stop: Stop = "end"
    stop_sequence: str | None = None
    redacted: bool = False  # the reasoning is hidden even from the client
    reports_usage: bool = True


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one exchange. `cached` and `written` are parts of `prompt`."""

    prompt: int
    cached: int
    written: int
    output: int
    reasoning: int


class Action(Enum):
    """What a carrier does to the connection in the middle of a body."""

    RESET = "reset"  # a TCP reset
    EOF = "eof"  # the connection closes without the last chunk
    STALL = "stall"  # open, and silent for ever
    END = "end"  # the body ends cleanly here, whatever is missing


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event (or a few that belong together), `tokens` of pace to spend on it."""

    data: bytes
    tokens: int = 0
    terminal: bool = False  # a client that never sees this frame has an incomplete answer


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything a wire format needs to write one answer."""

    ask: Ask
    reply: Reply
    tokens: Tokens
    body: Object

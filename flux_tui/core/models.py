"""What a model is called, what it takes, and how each fact is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from flux_tui.core.efforts import EFFORTS, Effort
from flux_tui.core.errors import InputError

Api: TypeAlias = Literal[
    "anthropic", "openai-responses", "openai-chat", "gemini", "mistral", "cohere"
]
"""The wire format spoken to an endpoint."""

ThinkingStyle: TypeAlias = Literal["none", "budget", "adaptive", "effort"]
"""How thinking is asked for: not at all, by a token budget, adaptively, or by an effort level."""

FactSource: TypeAlias = Literal["profile", "endpoint", "user", "unknown"]


@dataclass(frozen=True, slots=True, order=True)
class ModelRef:
    """A model's name everywhere: the provider's id and the vendor's own model id."""

    provider: str
    name: str

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """Read ``provider/model``; the model part may itself contain slashes.

        Raises:
            InputError: *text* has no provider part or no model part.
        """
        provider, slash, name = text.strip().partition("/")
        if not (slash and provider and name):
            raise InputError(
                f"{text!r} is not a model name", hint="write provider/model, e.g. openai/gpt-5.5"
            )
        return cls(provider, name)

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who produced a piece of replay data; only the very same origin may read it back."""

    provider: str
    api: Api
    base_url: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a model takes and gives."""

    images: bool = False
    documents: bool = False
    tools: bool = True
    tool_result_images: bool = False
    sampling: bool = False  # temperature and top_p are accepted
    forced_tool_choice: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """One model at one endpoint, as far as it is known.

    Limits are in tokens unless said; None means that nobody told us. `efforts` lists the levels
    the model accepts, lowest first; "off" among them means that thinking can be turned off.
    """

    ref: ModelRef
    api: Api
    base_url: str
    label: str = ""
    context_window: int | None = None
    max_output: int | None = None
    max_images: int | None = None  # in one request
    abilities: Abilities = field(default_factory=Abilities)
    thinking: ThinkingStyle = "none"
    thinking_default: bool = False  # the model thinks when nothing is said
    efforts: tuple[Effort, ...] = ()
    binds_prefix: bool = False  # refuses its reasoning when what stood before it has changed
    simulated: bool = False
    source: FactSource = "unknown"
    as_of: str = ""  # date of the facts, ISO 8601
    origin: Origin = field(init=False, repr=False, compare=False)
    """The identity under which this model's replay data is kept."""

    def __post_init__(self) -> None:
        origin = Origin(self.ref.provider, self.api, self.base_url, self.ref.name)
        object.__setattr__(self, "origin", origin)

    def snap_effort(self, wanted: Effort | None) -> Effort | None:
        """Return the lowest accepted level at or above *wanted*, else the highest; None if none."""
        if wanted is None or not self.efforts:
            return None
        asked = EFFORTS.index(wanted)
        accepted = sorted(EFFORTS.index(level) for level in self.efforts)
        return EFFORTS[next((rank for rank in accepted if rank >= asked), accepted[-1])]

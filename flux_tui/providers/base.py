"""What a provider is: one endpoint, one key, one wire format."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from flux_tui.core.events import StreamEvent
from flux_tui.core.messages import Message
from flux_tui.core.models import Api, Effort, ModelInfo
from flux_tui.core.repair import clean
from flux_tui.core.usage import JSON

if TYPE_CHECKING:
    import httpx2
    from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it; *schema* is a JSON Schema of type object."""

    name: str
    description: str
    schema: Mapping[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One request in neutral form. `messages` have passed `normalize` for `model`.

    Limits are in tokens. `effort` None leaves the model's default. `cache_key` groups requests of
    one session for vendors that route by it.
    """

    model: ModelInfo
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    max_output: int | None = None
    effort: Effort | None = None
    temperature: float | None = None
    cache_key: str = ""

    def __post_init__(self) -> None:
        # Messages are clean by now. A prompt given on the command line may hold bytes of another
        # encoding, as lone surrogates that no vendor's JSON can carry.
        object.__setattr__(self, "system", clean(self.system))


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where requests go and with what key.

    `transport` replaces the network (the simulator, in process). `options` are switches of a
    compatible server, from the configuration: see `providers.openai_chat`.
    """

    provider: str
    label: str
    api: Api
    base_url: str
    key: SecretStr | None = None
    key_name: str = ""  # the variable to name when the key is refused
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    transport: httpx2.AsyncBaseTransport | None = None
    options: Mapping[str, JSON] = field(default_factory=dict[str, JSON])


class Provider(Protocol):
    """Talks to one endpoint with one key. Cheap to make; opens its connection on first use."""

    endpoint: Endpoint

    async def prepare(self) -> None:
        """Import what is needed and make the client, in a thread; may be called often.

        Raises:
            ProviderError: of kind "sdk" when the vendor's package cannot be imported.
        """
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[StreamEvent]:
        """Yield the reply as it arrives; the last event is `Stopped`.

        Closing the generator aborts the request. Before the first byte of an answer it may wait
        and try again, and says so with `RetryScheduled`. Text is sanitised.

        Raises:
            ProviderError: and nothing else; what was yielded before stands.
        """
        ...

    async def models(self) -> list[str]:
        """Return the names of the models the endpoint lists.

        Raises:
            ProviderError: the endpoint refused or could not be reached.
        """
        ...

    def body(self, request: ChatRequest) -> dict[str, JSON]:
        """Return the exact JSON body that `stream` would send for *request*."""
        ...

    async def aclose(self) -> None:
        """Close the connection; idempotent."""
        ...

"""A foreign request body, or its bare list of messages -> a conversation.

What has no neutral form (hosted tools, files kept at the vendor) stays as an opaque item that its
own model may read back, or becomes a note. Bad input is a `CodecError` naming the item's path.
"""

from __future__ import annotations

from dataclasses import dataclass

from flux_tui.core.errors import CodecError
from flux_tui.core.messages import Conversation
from flux_tui.core.models import Api
from flux_tui.core.sanitize import one_line
from flux_tui.providers.base import ToolSpec
from flux_tui.providers.ingest_anthropic import read_anthropic
from flux_tui.providers.ingest_chat import read_chat
from flux_tui.providers.ingest_cohere import read_cohere
from flux_tui.providers.ingest_common import Reading
from flux_tui.providers.ingest_gemini import read_gemini
from flux_tui.providers.ingest_mistral import read_mistral
from flux_tui.providers.ingest_responses import read_responses

_READERS = {
    "anthropic": read_anthropic,
    "openai-responses": read_responses,
    "openai-chat": read_chat,
    "gemini": read_gemini,
    "mistral": read_mistral,
    "cohere": read_cohere,
}

# Read by every reader, or made anew for each request; what else a body holds is a setting.
_REMADE = frozenset(
    {
        "documents", "include", "instructions", "model", "store", "stream", "stream_options",
        "system", "systemInstruction", "tools",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ingested:
    """A conversation, the function tools declared beside it, and what could not be carried."""

    conversation: Conversation
    tools: tuple[ToolSpec, ...] = ()
    notes: tuple[str, ...] = ()


def ingest(data: object, api: Api, model: str = "") -> Ingested:
    """Read *data*, parsed JSON in the format *api*.

    *model* is the vendor's name of the model that gave the answers, where the body names none.

    Raises:
        CodecError: *data* breaks the format.
    """
    reading = Reading.of(data, api, model)
    _READERS[api](reading)
    if not reading.turns:
        raise CodecError("holds no messages", path=reading.key)
    settings = sorted(reading.body.keys() - _REMADE - {reading.key})
    if settings:
        names = one_line(", ".join(settings), 200)
        reading.notes.append(f"settings of the request are not carried over: {names}")
    conversation = Conversation("\n\n".join(reading.system)).plus(*reading.messages())
    return Ingested(conversation, tuple(reading.tools), tuple(reading.notes))

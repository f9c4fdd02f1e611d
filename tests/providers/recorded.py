"""Recorded traffic of the vendors, when it is at hand, and how it is fed to a decoder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import httpx2

from flux_tui.core.builder import MessageBuilder
from flux_tui.core.events import StreamEvent
from flux_tui.core.messages import Message
from flux_tui.core.models import Api, ModelInfo, ModelRef

_ROOT = Path(__file__).resolve().parents[2]
RECORDED = Path(os.environ.get("RECORDED_TRAFFIC") or _ROOT.parent / "shared" / "recorded")
MODULES: dict[Api, str] = {
    "anthropic": "anthropic_stream",
    "openai-responses": "responses_stream",
    "openai-chat": "chat_stream",
    "gemini": "gemini_stream",
    "mistral": "mistral_stream",
    "cohere": "cohere_stream",
}


def model(api: Api = "anthropic", name: str = "a-model", **facts: object) -> ModelInfo:
    given: dict[str, object] = {"base_url": "http://localhost/v1", "source": "profile", **facts}
    return ModelInfo(ref=ModelRef("test", name), api=api, **given)  # type: ignore[arg-type]


def streams(folder: str) -> list[Path]:
    return sorted((RECORDED / folder).glob("*.sse"))


def decoder(api: Api):
    return import_module(f"flux_tui.providers.{MODULES[api]}").Decoder()


async def events_of(api: Api, data: bytes, *, step: int = 65536) -> list[StreamEvent]:
    """Decode *data* as it would arrive in chunks of *step* bytes."""

    async def body() -> AsyncIterator[bytes]:
        for at in range(0, len(data), step):
            yield data[at : at + step]

    response = httpx2.Response(
        200,
        headers={"content-type": "text/event-stream"},
        content=body(),
        request=httpx2.Request("POST", "http://localhost/"),
    )
    made = decoder(api)
    found: list[StreamEvent] = []
    async for sse in httpx2.EventSource(response, max_event_size=None):
        if sse.data.strip():
            found.extend(made.feed(sse.event, sse.data))
        if made.finished:
            break
    found.extend(made.close())
    return found


async def message_of(api: Api, data: bytes) -> Message:
    builder = MessageBuilder(model(api))
    for event in await events_of(api, data):
        builder.feed(event)
    return builder.build()

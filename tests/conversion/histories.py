"""Histories for the conversion: swapped at each turn, cut off in the stream, signed by many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from flux_tui.core.builder import MessageBuilder
from flux_tui.core.events import StreamEvent, TextDelta, ThinkingDelta, ToolCallDelta
from flux_tui.core.messages import (
    Message,
    ProviderMetadata,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import JSON
from tests.core.strategies import names, odd_ids, replay_data, turns, words

History = tuple[Message, ...]


@st.composite
def swapped(draw: st.DrawFn, targets: Sequence[ModelInfo]) -> list[tuple[ModelInfo, History]]:
    """Turns with the model that is asked in each; what follows may be another's."""
    return [
        (draw(st.sampled_from(targets)), tuple(turn))
        for turn in draw(st.lists(turns(), min_size=1, max_size=4))
    ]


@st.composite
def cut_answers(draw: st.DrawFn, model: ModelInfo) -> Message:
    """An answer of *model* as its stream stood when the user or the line broke it off."""
    events: list[StreamEvent] = []
    for index, kind in enumerate(draw(st.lists(st.sampled_from("htcc"), max_size=4))):
        text = draw(words)
        if kind == "h":
            signed = draw(replay_data(model, "thinking"))
            events += [ThinkingDelta(index, piece) for piece in text]
            events.append(ThinkingDelta(index, "", signed))
        elif kind == "t":
            events += [TextDelta(index, piece) for piece in text]
            events.append(TextDelta(index, "", draw(replay_data(model, "text")) or None))
        else:
            data = draw(replay_data(model, "call")) or None
            events.append(ToolCallDelta(index, draw(odd_ids), draw(names), metadata=data))
            events += [ToolCallDelta(index, json=piece) for piece in '{"path":"a"}']
    builder = MessageBuilder(model)
    for event in events[: draw(st.integers(0, len(events)))]:
        builder.feed(event)
    built = builder.build()
    return replace(built, stop=draw(st.sampled_from(["aborted", "interrupted", "error"])))


def signs(model: ModelInfo) -> bool:
    """Whether the vendor gives signed reasoning, and takes it back in every later turn."""
    return model.api in {"anthropic", "openai-responses", "gemini"}


def _replay(model: ModelInfo, kind: str, secret: str) -> ProviderMetadata | None:
    data: dict[str, JSON] = {}
    match model.api, kind:
        case "anthropic", "thinking":
            data = {"signature": secret}
        case "openai-responses", "thinking":
            data = {"id": f"rs_{secret}", "encrypted_content": secret}
        case "openai-responses", "text":
            data = {"id": f"msg_{secret}x"}
        case "openai-responses", "call":
            data = {"id": f"fc_{secret}x"}
        case "gemini", "thinking" | "call":
            data = {"signature": secret}
        case _:
            pass
    return ProviderMetadata(model.origin, data) if data else None


@st.composite
def signed_conversations(
    draw: st.DrawFn, targets: Sequence[ModelInfo]
) -> tuple[History, dict[str, ModelInfo]]:
    """Whole turns of many models, each with reasoning signed by its own; and who signed what."""
    history: list[Message] = []
    signed: dict[str, ModelInfo] = {}
    for number, model in enumerate(draw(st.lists(st.sampled_from(targets), max_size=6))):
        secret = f"secret{number:06}"  # base64, as some want it
        signed[secret] = model
        thinking = Thinking(draw(words), _replay(model, "thinking", secret))
        call = ToolCall(f"call_{number}", "run", {}, metadata=_replay(model, "call", secret))
        text = Text("so", _replay(model, "text", secret))
        calls = draw(st.booleans())
        parts = (thinking, call) if calls else (thinking, text)
        history.append(user_message("what?"))
        history.append(Message(role="assistant", parts=parts, model=model.ref, stop="end"))
        if calls:
            result = ToolResult(call.id, "run", (Text("done"),))
            history.append(Message(role="tool", parts=(result,)))
    return (*history, user_message("and?")), signed

"""Histories for the conversion: swapped at each turn, cut off in the stream, signed by many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from flux_tui.core.builder import MessageBuilder
from flux_tui.core.events import StreamEvent, TextDelta, ThinkingDelta, ToolCallDelta
from flux_tui.core.messages import (
    Message,
    Opaque,
    ProviderMetadata,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import ModelInfo
from flux_tui.core.usage import JSON
from tests.core.strategies import (
    MODELS,
    calls,
    documents,
    images,
    metadata,
    names,
    odd_ids,
    replay_data,
    turns,
    words,
)

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


@st.composite
def items(draw: st.DrawFn, model: ModelInfo) -> Opaque:
    """What only its vendor can read: as it came, where the vendor takes it back."""
    kind = draw(st.sampled_from(["redacted_thinking", "server_tool_use"]))
    block: dict[str, JSON] = {"type": kind, "data": "cipher"}
    if kind == "server_tool_use":
        name = f"srvtoolu_{draw(st.uuids()).hex}"
        block = {"type": kind, "id": name, "name": "web_search", "input": {}}
    data: dict[str, JSON] = {"block": block} if model.api == "anthropic" else {}
    return Opaque(kind, ProviderMetadata(model.origin, data), draw(words))


@st.composite
def muddles(draw: st.DrawFn) -> History:
    """Messages as no program of ours makes them: any part in any role, in any order."""
    model = draw(st.sampled_from(MODELS))
    thinking = st.builds(Thinking, words, metadata(model, "thinking"))
    results = st.builds(
        ToolResult,
        odd_ids,
        names,
        st.lists(st.one_of(st.builds(Text, words), images, documents), max_size=2).map(tuple),
        st.booleans(),
    )
    part = st.one_of(
        st.builds(Text, words, metadata(model, "text")),
        thinking,
        images,
        documents,
        calls(model),
        results,
        items(model),
    )
    stops = st.sampled_from([None, "end", "tool_calls", "length", "pause", "aborted", "refusal"])
    messages = st.builds(
        Message,
        role=st.sampled_from(["user", "assistant", "tool"]),
        parts=st.lists(part, max_size=4).map(tuple),
        stop=stops,
    )
    return (*draw(st.lists(messages, max_size=6)), user_message("so?"))


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
        called = draw(st.booleans())
        parts = (thinking, call) if called else (thinking, text)
        history.append(user_message("what?"))
        history.append(Message(role="assistant", parts=parts, model=model.ref, stop="end"))
        if called:
            result = ToolResult(call.id, "run", (Text("done"),))
            history.append(Message(role="tool", parts=(result,)))
    return (*history, user_message("and?")), signed

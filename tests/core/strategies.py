"""Random values of the core: parts, messages, conversations, events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from flux_tui.core import events
from flux_tui.core.messages import (
    Conversation,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    ProviderMetadata,
    Text,
    Thinking,
    Timing,
    ToolCall,
    ToolResult,
)
from flux_tui.core.models import Abilities, ModelInfo, ModelRef
from flux_tui.core.usage import Cost, Usage

SURROGATE = chr(0xD800)
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
    b"\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\x0f\x00\x01\x01\x01\x00\x18\xdd\x8d\xb0"
    b"\x00\x00\x00\x00IEND\xaeB`\x82"
)

MODELS = (
    ModelInfo(
        ref=ModelRef("anthropic", "claude-sonnet-4-5"),
        api="anthropic",
        base_url="https://api.anthropic.com",
        max_output=64_000,
        abilities=Abilities(images=True, documents=True, tool_result_images=True),
        thinking="budget",
    ),
    ModelInfo(
        ref=ModelRef("openai", "gpt-5.4"),
        api="openai-responses",
        base_url="https://api.openai.com/v1",
        max_output=128_000,
        abilities=Abilities(images=True, documents=True, tool_result_images=True),
        thinking="effort",
        efforts=("off", "low", "medium", "high"),
    ),
    ModelInfo(
        ref=ModelRef("openai-chat", "gpt-4.1"),
        api="openai-chat",
        base_url="https://api.openai.com/v1",
        abilities=Abilities(images=True, documents=True),
    ),
    ModelInfo(ref=ModelRef("box", "small"), api="openai-chat", base_url="http://127.0.0.1:8080/v1"),
    ModelInfo(
        ref=ModelRef("gemini", "gemini-3.5-flash"),
        api="gemini",
        base_url="https://generativelanguage.googleapis.com",
        abilities=Abilities(images=True, documents=True, tool_result_images=True),
        thinking="effort",
        thinking_default=True,
        efforts=("minimal", "low", "medium", "high"),
    ),
    ModelInfo(
        ref=ModelRef("mistral", "magistral-medium-2509"),
        api="mistral",
        base_url="https://api.mistral.ai/v1",
        abilities=Abilities(images=True, documents=True),
    ),
    ModelInfo(
        ref=ModelRef("cohere", "command-a-reasoning-08-2025"),
        api="cohere",
        base_url="https://api.cohere.com/v2",
        max_output=32_000,
        thinking="budget",
        efforts=("off", "low", "medium", "high"),
    ),
    ModelInfo(
        ref=ModelRef("anthropic", "claude-opus-5-5"),
        api="anthropic",
        base_url="https://api.anthropic.com",
        abilities=Abilities(images=True, documents=True, tool_result_images=True),
        thinking="adaptive",
        thinking_default=True,
        binds_prefix=True,
        source="profile",
    ),
    ModelInfo(
        ref=ModelRef("box", "deaf"),
        api="openai-chat",
        base_url="http://127.0.0.1:8080/v1",
        abilities=Abilities(tools=False),
    ),
)

words = st.one_of(
    st.sampled_from(
        ["", " ", "\n", "yes", "é漢😀", f"a{SURROGATE}b", "nul\x00here", "two\n\nlines"]
    ),
    st.text(max_size=12),
)
names = st.sampled_from(["read_file", "run_shell", "old tool!", "x" * 80, "", "9lives"])
odd_ids = st.sampled_from(
    ["call_1", "call_2", "toolu_01", "a|b:c/d", "", "x" * 70, "é", "call_1#2", "tail_"]
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), words),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(words, inner, max_size=2)),
    max_leaves=4,
)
objects = st.dictionaries(words, json_values, max_size=3)
images = st.builds(
    Image,
    st.just(PNG),
    st.sampled_from(["image/png", "image/png", "image/bmp"]),
    name=st.sampled_from(["", "shot.png"]),
    width=st.sampled_from([0, 1]),
    height=st.sampled_from([0, 1]),
)
documents = st.builds(
    Document,
    st.just(b"%PDF-1.4"),
    st.sampled_from(["application/pdf", "text/plain"]),
    name=st.sampled_from(["", "a.pdf"]),
    text=st.one_of(st.none(), words),
)


def replay_data(model: ModelInfo, kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """What the adapters of that format keep with a part of that kind."""
    hexes = st.text("0123456789abcdef", min_size=4, max_size=8)
    if model.api == "anthropic":
        if kind == "thinking":
            return st.one_of(
                st.builds(lambda s: {"signature": s}, hexes), st.just({"signature": ""})
            )
        return st.just({})
    if model.api == "openai-responses":
        prefix = {"thinking": "rs_", "text": "msg_", "call": "fc_"}[kind]
        more = {"encrypted_content": "cipher"} if kind == "thinking" else {}
        return st.builds(lambda h: {"id": prefix + h, **more}, hexes)
    if model.api == "gemini":
        signed = st.builds(lambda h: {"signature": h[:4]}, hexes)  # four of them are base64
        if kind == "text":
            ends = st.sampled_from([0, 99])
            signed = st.builds(lambda h, at: {"signature": h[:4], "from": at}, hexes, ends)
        return st.one_of(st.just({}), signed)
    if model.api == "mistral":
        return st.just({"chunk": "thinking", "closed": True} if kind == "thinking" else {})
    if model.api == "cohere":
        marks = {"thinking": {"chunk": "thinking"}, "text": {"tool_plan": True}}
        return st.sampled_from([{}, marks.get(kind, {})])
    # OpenAI's own Chat Completions shows no reasoning.
    shown = kind == "thinking" and model.ref.name == "small"
    return st.just({"field": "reasoning_content"} if shown else {})


@st.composite
def metadata(draw: st.DrawFn, model: ModelInfo, kind: str) -> ProviderMetadata | None:
    if draw(st.booleans()) and draw(st.booleans()):
        return None
    data = draw(replay_data(model, kind))
    return ProviderMetadata(model.origin, data) if data else None


@st.composite
def calls(draw: st.DrawFn, model: ModelInfo) -> ToolCall:
    broken = draw(st.sampled_from([False, False, True]))
    return ToolCall(
        draw(odd_ids),
        draw(names),
        {} if broken else draw(objects),
        '{"path": "a' if broken else "",
        error="the arguments are not valid JSON" if broken else "",
        metadata=draw(metadata(model, "call")),
    )


@st.composite
def assistant_parts(draw: st.DrawFn, model: ModelInfo) -> tuple[Part, ...]:
    parts: list[Part] = []
    for kind in draw(st.lists(st.sampled_from("ttcchoi"), max_size=5)):
        match kind:
            case "t":
                parts.append(Text(draw(words), draw(metadata(model, "text"))))
            case "h":
                took = draw(st.none() | st.floats(0, 1e6))
                parts.append(Thinking(draw(words), draw(metadata(model, "thinking")), took))
            case "c":
                parts.append(draw(calls(model)))
            case "o":
                data = {"type": "redacted_thinking", "data": "cipher"}
                parts.append(
                    Opaque("redacted_thinking", ProviderMetadata(model.origin, data), draw(words))
                )
            case _:
                parts.append(draw(images))
    return tuple(parts)


@st.composite
def results(draw: st.DrawFn, call: ToolCall) -> ToolResult:
    inner = st.lists(st.one_of(st.builds(Text, words), images, documents), max_size=3)
    return ToolResult(
        draw(st.sampled_from([call.id, call.id, call.id, "nobody"])),
        call.name,
        tuple(draw(inner)),
        draw(st.booleans()),
        draw(st.sampled_from([0.0, 0.25])),
    )


@st.composite
def turns(draw: st.DrawFn) -> list[Message]:
    """One user message and what followed: answers and results, possibly broken off anywhere."""
    said = st.lists(st.one_of(st.builds(Text, words), images, documents), max_size=3)
    line = [Message(role="user", parts=tuple(draw(said)))]
    model = draw(st.sampled_from(MODELS))
    for _ in range(draw(st.integers(0, 2))):
        stop: Any = draw(
            st.sampled_from(
                ["end", "tool_calls", "length", "refusal", "pause", "aborted", "interrupted"]
            )
        )
        answer = Message(
            role="assistant",
            parts=draw(assistant_parts(model)),
            model=model.ref,
            stop=stop,
            usage=draw(st.one_of(st.none(), usages)),
            cost=draw(st.one_of(st.none(), costs)),
            timing=draw(st.sampled_from([None, Timing(None, 1.5), Timing(0.5, 2.0)])),
        )
        line.append(answer)
        given = tuple(draw(results(call)) for call in draw(st.permutations(answer.tool_calls)))
        kept = given[: draw(st.integers(0, len(given)))] + given[: draw(st.integers(0, 1))]
        if kept:
            line.append(Message(role="tool", parts=kept))
    return line


usages = st.builds(
    Usage,
    input=st.integers(0, 99),
    output=st.integers(0, 99),
    cache_read=st.integers(0, 9),
    estimated=st.booleans(),
    raw=objects,
)
costs = st.builds(
    Cost,
    amount=st.one_of(st.none(), st.decimals(0, 9, places=6)),
    basis=st.sampled_from(["reported", "computed", "unknown"]),
    as_of=st.sampled_from(["", "2026-11-01"]),
)
histories = st.lists(turns(), max_size=5).map(
    lambda drawn: tuple(message for turn in drawn for message in turn)
)
models = st.sampled_from(MODELS)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """A tree: some turns start at an earlier message."""
    tree = Conversation(draw(words))
    for turn in draw(st.lists(turns(), max_size=3)):
        if tree.messages and draw(st.booleans()):
            tree = tree.at(draw(st.sampled_from(tree.messages)).id)
        tree = tree.plus(*turn)
    return tree


stream_events = st.one_of(
    st.builds(events.TextDelta, st.integers(0, 3), words, st.one_of(st.none(), objects)),
    st.builds(events.ThinkingDelta, st.integers(0, 3), words, st.one_of(st.none(), objects)),
    st.builds(
        events.ToolCallDelta, st.integers(0, 3), st.none() | odd_ids, st.none() | names, words
    ),
    st.builds(events.OpaqueItem, st.integers(0, 3), words, objects, words),
    st.builds(events.UsageUpdate, usages),
    st.builds(events.RetryScheduled, words, st.floats(0, 60), st.just(2), st.just(4)),
    st.builds(events.Stopped, st.sampled_from(["end", "refusal"]), words),
)
turn_events = st.one_of(
    st.builds(events.ReplyStarted, words, st.just(MODELS[0].ref)),
    st.builds(events.ReplyDelta, words, stream_events),
    st.builds(events.ToolStarted, calls(MODELS[1]), st.booleans()),
    st.builds(events.ToolOutput, words, words),
    st.builds(
        events.ToolFinished, calls(MODELS[0]).flatmap(results), st.sampled_from(["done", "denied"])
    ),
    st.builds(
        events.Committed,
        st.builds(
            lambda parts: Message(
                role="user", parts=tuple(parts), at=datetime(2026, 11, 1, tzinfo=UTC)
            ),
            st.lists(st.one_of(images, documents), max_size=2),
        ),
    ),
    st.builds(
        events.TurnEnded,
        st.sampled_from(["end", "max_steps", "budget", "error"]),
        words,
        words,
        st.booleans(),
    ),
)

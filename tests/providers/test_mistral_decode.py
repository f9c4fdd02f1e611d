"""Mistral's streams: the recorded ones, and what may go wrong in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flux_tui.core.errors import ErrorKind
from flux_tui.core.events import Stopped, UsageUpdate
from flux_tui.core.messages import Opaque, Text, Thinking
from flux_tui.core.usage import Usage
from flux_tui.providers.failures import StreamFailure
from flux_tui.providers.mistral_stream import STOP_REASONS, Decoder, read_error, usage_of
from tests.providers.recorded import RECORDED, events_of, message_of, streams

PATHS = streams("mistral")


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"id": "c", "model": "m", "object": "chat.completion.chunk", "choices": [choice]}
    return f"data: {json.dumps({**data, **more})}\n\n".encode()


DONE = b"data: [DONE]\n\n"
END = chunk({"content": ""}, "stop") + DONE


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded traffic at hand")
def test_there_are_recordings() -> None:
    assert len(PATHS) >= 6


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
async def test_a_recorded_stream_is_what_its_lines_add_up_to(path: Path) -> None:
    lines = path.read_text().splitlines()
    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    deltas = [choice["delta"] for one in chunks for choice in one["choices"]]
    said, thought = [], []
    for content in (delta.get("content") for delta in deltas):
        for piece in content if isinstance(content, list) else [{"text": content or ""}]:
            inner = piece.get("thinking", [])
            thought += [step["text"] for step in inner]
            said += [] if inner else [piece["text"]]
    entries = [entry for delta in deltas for entry in delta.get("tool_calls") or []]
    told = [one["usage"] for one in chunks if "usage" in one][-1]
    cached = told.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    reason = [c["finish_reason"] for one in chunks for c in one["choices"]][-1]

    message = await message_of("mistral", path.read_bytes())

    assert message.text == "".join(said)
    assert "".join(p.text for p in message.parts if isinstance(p, Thinking)) == "".join(thought)
    assert [call.id for call in message.tool_calls] == [e["id"] for e in entries if e.get("id")]
    arguments = "".join(entry["function"]["arguments"] for entry in entries)
    assert [dict(call.arguments) for call in message.tool_calls] == (
        [json.loads(arguments)] if entries else []
    )
    assert message.usage == Usage(
        input=told["prompt_tokens"] - cached, cache_read=cached, output=told["completion_tokens"]
    )
    assert message.stop == STOP_REASONS[reason]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
async def test_the_size_of_the_pieces_makes_no_difference(path: Path) -> None:
    data = path.read_bytes()

    assert await events_of("mistral", data, step=7) == await events_of("mistral", data)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.95])
async def test_a_stream_that_ends_early_is_incomplete(path: Path, kept: float) -> None:
    blocks = path.read_bytes().split(b"\n\n")

    with pytest.raises(StreamFailure) as caught:
        await events_of("mistral", b"\n\n".join(blocks[: int(len(blocks) * kept)]))

    assert caught.value.kind == "incomplete"


@pytest.mark.parametrize("data", [chunk({"content": "x"}) + DONE, chunk({"content": "x"}, "stop")])
async def test_both_the_reason_and_the_last_line_must_come(data: bytes) -> None:
    with pytest.raises(StreamFailure) as caught:
        await events_of("mistral", data)

    assert caught.value.kind == "incomplete"


async def test_parallel_calls_are_kept_apart() -> None:
    first = {"index": 0, "id": "aaaaaaaaa", "function": {"name": "f", "arguments": '{"a":'}}
    second = {"index": 1, "id": "bbbbbbbbb", "function": {"name": "g", "arguments": {"b": 2}}}
    more = {"index": 0, "id": "null", "function": {"name": "", "arguments": "1}"}}
    data = chunk({"tool_calls": [first, second]}) + chunk({"tool_calls": [more]}, "tool_calls")

    message = await message_of("mistral", data + DONE)

    assert [(c.id, c.name, dict(c.arguments)) for c in message.tool_calls] == [
        ("aaaaaaaaa", "f", {"a": 1}),
        ("bbbbbbbbb", "g", {"b": 2}),
    ]
    assert message.stop == "tool_calls"


async def test_thinking_and_text_may_take_turns() -> None:
    def thinking(text: str, **more: Any) -> dict[str, Any]:
        return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **more}

    words = {"type": "text", "text": "So."}
    data = (
        chunk({"content": [thinking("One")]})
        + chunk({"content": [thinking(" two", signature="s", closed=True), words]})
        + chunk({"content": [thinking("Three")]})
        + chunk({"content": "Done."})
    )

    message = await message_of("mistral", data + END)

    parts = [(type(p), p.text) for p in message.parts if isinstance(p, (Text, Thinking))]
    assert parts == [(Thinking, "One two"), (Text, "So."), (Thinking, "Three"), (Text, "Done.")]
    first = message.parts[0]
    assert isinstance(first, Thinking)
    assert first.metadata is not None
    assert first.metadata.data == {"chunk": "thinking", "signature": "s", "closed": True}


async def test_a_reference_is_kept_for_its_model() -> None:
    reference = {"type": "reference", "reference_ids": [1]}

    message = await message_of(
        "mistral", chunk({"content": [{"type": "text", "text": "See"}, reference]}) + END
    )

    assert [type(part) for part in message.parts] == [Text, Opaque]
    kept = message.parts[1]
    assert isinstance(kept, Opaque)
    assert kept.metadata.data == {"chunk": reference}


async def test_terminal_sequences_never_get_through() -> None:
    message = await message_of(
        "mistral", chunk({"content": "a\x1b]52;"}) + chunk({"content": "c;x\x07b"}) + END
    )

    assert message.text == "ab"


def test_what_nobody_knows_is_counted() -> None:
    decoder = Decoder()

    assert list(decoder.feed("message", '{"object": "weather"}')) == []
    assert list(decoder.feed("message", chunk({"content": [{"type": "odd"}]}).decode()[6:])) == []
    assert decoder.unknown == 2


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("{", "protocol"),
        ('{"object": "error", "message": "slow", "type": "rate_limited"}', "rate_limit"),
        ('{"object": "error", "message": "x", "type": "internal_server_error"}', "server"),
        (
            '{"object": "error", "message": "full", "type": "service_tier_capacity_exceeded", '
            '"code": "3505"}',
            "overloaded",
        ),
        ('{"error": {"message": "too large for model with 1 maximum context length"}}', "context"),
        ('{"object": "error", "message": "no", "code": "3230"}', "server"),
    ],
)
def test_an_error_event_ends_the_reply(data: str, kind: ErrorKind) -> None:
    with pytest.raises(StreamFailure) as caught:
        list(Decoder().feed("message", data))

    assert caught.value.kind == kind


async def test_a_finish_reason_may_be_an_error() -> None:
    with pytest.raises(StreamFailure) as caught:
        await events_of("mistral", chunk({"content": "x"}, "error") + DONE)

    assert caught.value.kind == "server"


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        (
            {
                "object": "error",
                "message": {
                    "detail": [
                        {"loc": ["body", "messages", 0, "x"], "msg": "Extra inputs", "input": 1},
                        {"loc": ["body", "n"], "msg": ["odd"]},
                    ]
                },
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            },
            'messages.0.x: Extra inputs; n: ["odd"]',
            "messages.0.x",
        ),
        ({"detail": [{"loc": ["body", "stop"], "msg": "bad"}]}, "stop: bad", "stop"),
        ({"detail": "Unauthorized"}, "Unauthorized", None),
        ({"object": "error", "message": "no", "param": "model"}, "no", "model"),
    ],
)
def test_error_bodies_are_read(body: Any, message: str, param: str | None) -> None:
    told = read_error(body)

    assert isinstance(told, dict)
    assert (told["message"], told["param"]) == (message, param)


def test_a_strange_error_body_stays_as_it_is() -> None:
    assert read_error({"odd": 1}) == {"odd": 1}


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        ({"prompt_tokens": 64, "num_cached_tokens": 32}, Usage(input=32, cache_read=32)),
        ({"prompt_tokens": 5, "num_cached_tokens": 9}, Usage(cache_read=5)),
        ({"prompt_tokens": -1, "completion_tokens": 2}, Usage(output=2)),
    ],
)
def test_usage_is_disjoint(raw: Any, usage: Usage) -> None:
    assert usage_of(raw) == usage


async def test_the_last_events_are_usage_and_stop() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4}

    events = await events_of("mistral", chunk({"content": "x"}, "model_length", usage=usage) + DONE)

    assert isinstance(events[-1], Stopped)
    assert events[-1].reason == "context"
    assert events[-1].metadata == {"id": "c", "model": "m"}
    assert [e.usage for e in events if isinstance(e, UsageUpdate)] == [Usage(input=3, output=4)]

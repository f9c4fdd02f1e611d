"""Cohere's streams: the recorded ones, and what may go wrong in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flux_tui.core.events import Stopped, UsageUpdate
from flux_tui.core.messages import Text, Thinking
from flux_tui.core.usage import Usage
from flux_tui.providers.cohere_stream import Decoder, content_text, read_error, usage_of
from flux_tui.providers.failures import StreamFailure
from tests.providers.recorded import RECORDED, events_of, message_of, streams

PATHS = streams("cohere")
STOPS = {"COMPLETE": "end", "TOOL_CALL": "tool_calls", "MAX_TOKENS": "length"}


def event(kind: str, index: int | None = None, **delta: Any) -> bytes:
    data: dict[str, Any] = {"type": kind}
    if index is not None:
        data["index"] = index
    if delta:
        data["delta"] = delta if kind == "message-end" else {"message": delta}
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def text(*words: str, index: int = 0) -> bytes:
    start = event("content-start", index, content={"type": "text", "text": ""})
    return start + b"".join(event("content-delta", index, content={"text": w}) for w in words)


END = event("message-end", finish_reason="COMPLETE")


def recorded(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def failed(path: Path) -> bool:
    return any(one.get("delta", {}).get("finish_reason") == "ERROR" for one in recorded(path))


WHOLE = [path for path in PATHS if not failed(path)]


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded traffic at hand")
def test_there_are_recordings() -> None:
    assert len(WHOLE) >= 8
    assert len(PATHS) > len(WHOLE)


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
async def test_a_recorded_stream_is_what_its_events_add_up_to(path: Path) -> None:
    said, thought, plan = "", "", ""
    calls: dict[int, list[Any]] = {}
    end: dict[str, Any] = {}
    for one in recorded(path):
        message = one.get("delta", {}).get("message", {})
        content = message.get("content") or {}
        said += content.get("text", "") if content else ""
        thought += content.get("thinking", "") if content else ""
        plan += message.get("tool_plan", "")
        call = message.get("tool_calls")
        if one["type"] == "tool-call-start":
            calls[one["index"]] = [call["id"], call["function"]["name"], ""]
        if one["type"].startswith("tool-call-") and call:
            calls[one["index"]][2] += call["function"]["arguments"]
        end = one["delta"] if one["type"] == "message-end" else end
    billed, read = end["usage"]["billed_units"], end["usage"]["tokens"]

    message = await message_of("cohere", path.read_bytes())

    assert "".join(p.text for p in message.parts if isinstance(p, Text)) == plan + said
    assert "".join(p.text for p in message.parts if isinstance(p, Thinking)) == thought
    assert [(c.id, c.name, dict(c.arguments)) for c in message.tool_calls] == [
        (name, tool, json.loads(arguments or "{}")) for name, tool, arguments in calls.values()
    ]
    assert message.usage == Usage(
        input=billed["input_tokens"],
        output=billed["output_tokens"],
        uncharged=read["input_tokens"] - billed["input_tokens"],
    )
    assert message.stop == STOPS[end["finish_reason"]]


@pytest.mark.parametrize("path", [p for p in PATHS if failed(p)], ids=lambda path: path.stem)
async def test_a_recorded_failure_is_one_and_says_why(path: Path) -> None:
    with pytest.raises(StreamFailure) as caught:
        await events_of("cohere", path.read_bytes())

    assert caught.value.kind == "server"
    assert "invalid tool generation" in caught.value.words


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
async def test_the_size_of_the_pieces_makes_no_difference(path: Path) -> None:
    data = path.read_bytes()

    assert await events_of("cohere", data, step=7) == await events_of("cohere", data)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
@pytest.mark.parametrize("kept", [0.0, 0.5])
async def test_a_stream_that_ends_early_is_incomplete(path: Path, kept: float) -> None:
    blocks = path.read_bytes().split(b"\n\n")

    with pytest.raises(StreamFailure) as caught:
        await events_of("cohere", b"\n\n".join(blocks[: int(len(blocks) * kept)]) + b"\n\n")

    assert caught.value.kind == "incomplete"


async def test_done_alone_is_no_end() -> None:
    with pytest.raises(StreamFailure) as caught:
        await events_of("cohere", text("x") + b"data: [DONE]\n\n")

    assert caught.value.kind == "incomplete"


async def test_parts_keep_the_order_they_began_in() -> None:
    thinking = event("content-start", 0, content={"type": "thinking", "thinking": ""})
    thinking += event("content-delta", 0, content={"thinking": "hm"})
    call = event("tool-call-start", 0, tool_calls={"id": "a", "function": {"name": "f"}})
    call += event("tool-call-start", 1, tool_calls={"id": "b", "function": {"name": "g"}})
    call += event("tool-call-delta", 1, tool_calls={"function": {"arguments": '{"b":'}})
    call += event("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"a":1}'}})
    call += event("tool-call-delta", 1, tool_calls={"function": {"arguments": "2}"}})
    plan = event("tool-plan-delta", tool_plan="I will.")

    message = await message_of("cohere", thinking + plan + text("So.", index=1) + call + END)

    assert [getattr(part, "text", "") for part in message.parts] == ["hm", "I will.", "So.", "", ""]
    assert [(c.id, c.name, dict(c.arguments)) for c in message.tool_calls] == [
        ("a", "f", {"a": 1}),
        ("b", "g", {"b": 2}),
    ]
    assert message.stop == "tool_calls"
    marks = [p.metadata.data for p in message.parts if isinstance(p, Text) and p.metadata]
    assert marks == [{"tool_plan": True}]


async def test_citations_are_kept_as_they_came() -> None:
    citation = {"start": 0, "end": 3, "text": "sky", "sources": []}

    message = await message_of(
        "cohere",
        text("sky") + event("citation-start", 0, citations=citation) + event("citation-end") + END,
    )

    assert message.metadata is not None
    assert message.metadata.data["citations"] == [citation]


async def test_terminal_sequences_never_get_through() -> None:
    message = await message_of("cohere", text("a\x1b]52;", "c;x\x07b") + END)

    assert message.text == "ab"


def test_what_nobody_knows_is_counted() -> None:
    decoder = Decoder()

    assert list(decoder.feed("x", '{"type": "debug"}')) == []
    assert decoder.unknown == 1


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("{", "protocol"),
        ('{"type": "content-delta", "index": 3}', "protocol"),
        ('{"type": "tool-call-delta", "index": 3}', "protocol"),
        ('{"message": "too many tokens: use a shorter prompt"}', "context"),
        ('{"type": "error", "message": "no"}', "server"),
    ],
)
def test_a_wrong_event_ends_the_reply(data: str, kind: str) -> None:
    with pytest.raises(StreamFailure) as caught:
        list(Decoder().feed("message", data))

    assert caught.value.kind == kind


@pytest.mark.parametrize(("reason", "kind"), [("ERROR", "server"), ("TIMEOUT", "timeout")])
async def test_an_end_may_be_a_failure(reason: str, kind: str) -> None:
    with pytest.raises(StreamFailure) as caught:
        await events_of("cohere", text("x") + event("message-end", finish_reason=reason))

    assert caught.value.kind == kind
    assert reason in caught.value.words


async def test_the_last_events_are_usage_and_stop() -> None:
    usage = {"billed_units": {"input_tokens": 3, "output_tokens": 4}, "cached_tokens": 99}

    events = await events_of(
        "cohere", text("x") + event("message-end", finish_reason="MAX_TOKENS", usage=usage)
    )

    assert isinstance(events[-1], Stopped)
    assert events[-1].reason == "length"
    assert [e.usage for e in events if isinstance(e, UsageUpdate)] == [Usage(input=3, output=4)]


async def test_a_reason_nobody_knows_is_told() -> None:
    events = await events_of("cohere", text("x") + event("message-end", finish_reason="WEATHER"))

    assert isinstance(events[-1], Stopped)
    assert (events[-1].reason, events[-1].detail) == ("end", "WEATHER")


def test_usage_without_bills_is_what_was_read() -> None:
    tokens: dict[str, Any] = {"tokens": {"input_tokens": 5, "output_tokens": 6}}

    assert usage_of(tokens) == Usage(input=5, output=6)
    assert usage_of(tokens).raw == tokens


def test_what_was_read_and_not_charged_takes_room_all_the_same() -> None:
    tokens = {"input_tokens": 1394, "output_tokens": 54}
    usage = usage_of({"billed_units": {"input_tokens": 8, "output_tokens": 50}, "tokens": tokens})

    assert (usage.input, usage.output, usage.total) == (8, 50, 58)
    assert usage.room == 1394 + 50
    assert (usage + usage).room == 2 * usage.room


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"message": "Trial keys are limited to 1000 API calls / month"}, "insufficient_quota"),
        ({"message": "Trial keys are limited to 20 API calls / minute"}, None),
    ],
)
def test_a_used_up_month_is_a_matter_of_quota(body: Any, kind: str | None) -> None:
    told = read_error(body)

    assert isinstance(told, dict)
    assert told.get("type") == kind


def test_a_documents_data_is_text_or_json() -> None:
    pieces: Any = [
        {"type": "text", "text": "one"},
        {"type": "document", "document": {"data": {"a": 1}}},
        {"type": "document", "document": "bare"},
    ]

    assert content_text(pieces) == 'one\n{"a": 1}\nbare'

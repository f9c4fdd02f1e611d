"""The decoders on streams that are odd, cut or broken."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_tui.core.builder import MessageBuilder
from flux_tui.core.events import OpaqueItem, Stopped, StreamEvent
from flux_tui.core.messages import Message, Thinking
from flux_tui.core.models import Api
from flux_tui.core.sources import Source, sources
from flux_tui.providers import anthropic_stream, chat_stream, responses_stream
from flux_tui.providers.failures import StreamFailure
from tests.providers.recorded import MODULES, decoder, model


def feed(api: Api, *payloads: object) -> list[StreamEvent]:
    made = decoder(api)
    found: list[StreamEvent] = []
    for payload in payloads:
        data = payload if isinstance(payload, str) else json.dumps(payload)
        found.extend(made.feed("message", data))
    return [*found, *made.close()]


def built(api: Api, *payloads: object) -> Message:
    builder = MessageBuilder(model(api))
    for event in feed(api, *payloads):
        builder.feed(event)
    return builder.build()


def block(index: int, **content: object) -> dict[str, object]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def grow(index: int, **delta: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def shut(index: int) -> dict[str, object]:
    return {"type": "content_block_stop", "index": index}


def chunk(finish: str | None = None, **delta: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def call(place: int | None, call_id: str, name: str, arguments: str) -> dict[str, object]:
    entry: dict[str, object] = {"function": {"name": name, "arguments": arguments}}
    if call_id:
        entry["id"] = call_id
    if place is not None:
        entry["index"] = place
    return chunk(tool_calls=[entry])


END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}
STOP = {"type": "message_stop"}
START = {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3}}}


def test_anthropic_counts_are_cumulative_and_a_second_start_changes_nothing() -> None:
    message = built(
        "anthropic",
        START,
        block(0, type="text", text=""),
        grow(0, type="text_delta", text="hi"),
        START,
        shut(0),
        END,
        STOP,
    )

    assert message.text == "hi"
    assert message.usage is not None
    assert (message.usage.input, message.usage.output) == (3, 9)


def test_anthropic_keeps_an_empty_signed_thought_and_the_exact_bytes_of_another() -> None:
    message = built(
        "anthropic",
        block(0, type="thinking", thinking="", signature=""),
        grow(0, type="signature_delta", signature="S"),
        shut(0),
        block(1, type="thinking", thinking="a\x1b[1mb", signature="T"),
        shut(1),
        END,
        STOP,
    )

    first, second = message.parts
    assert isinstance(first, Thinking)
    assert first.metadata is not None
    assert first.metadata.data == {"signature": "S"}
    assert isinstance(second, Thinking)
    assert second.text == "ab"
    assert second.metadata is not None
    assert second.metadata.data == {"signature": "T", "raw": "a\x1b[1mb"}


def test_anthropic_items_without_a_neutral_form_are_kept_whole() -> None:
    events = feed(
        "anthropic",
        block(0, type="redacted_thinking", data="xyz"),
        shut(0),
        block(1, type="server_tool_use", id="s", name="web_search", input={}),
        grow(1, type="input_json_delta", partial_json='{"query": "cats"}'),
        shut(1),
        END,
        STOP,
    )

    first, second = [event for event in events if isinstance(event, OpaqueItem)]
    assert first.data == {"block": {"type": "redacted_thinking", "data": "xyz"}}
    assert second.note == "web_search: cats"
    assert second.data["block"]["input"] == {"query": "cats"}  # type: ignore[index, call-overload]


@pytest.mark.parametrize("reason", list(anthropic_stream.STOP_REASONS))
def test_every_anthropic_stop_reason_has_a_neutral_one(reason: str) -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": reason}}
    said = [block(0, type="tool_use", id="a", name="f", input={})] if reason == "tool_use" else []

    assert built("anthropic", *said, end, STOP).stop == anthropic_stream.STOP_REASONS[reason]


def test_a_refusal_tells_the_explanation_of_the_vendor() -> None:
    details = {"category": "x", "explanation": "not that"}
    end = {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": details}}

    stopped = feed("anthropic", end, STOP)[-1]

    assert isinstance(stopped, Stopped)
    assert (stopped.reason, stopped.detail) == ("refusal", "not that")


@pytest.mark.parametrize(
    ("api", "payloads", "kind"),
    [
        ("anthropic", [START, END], "incomplete"),
        ("anthropic", [grow(0, type="text_delta", text="x")], "protocol"),
        ("anthropic", ["{nonsense"], "protocol"),
        ("anthropic", [{"type": "error", "error": {"type": "overloaded_error"}}], "overloaded"),
        ("openai-responses", [{"type": "response.created"}], "incomplete"),
        (
            "openai-responses",
            [{"type": "response.output_text.delta", "output_index": 0, "content_index": 0}],
            "protocol",
        ),
        (
            "openai-responses",
            [{"type": "error", "error": {"code": "rate_limit_exceeded", "message": "slow"}}],
            "rate_limit",
        ),
        ("openai-responses", [{"type": "error", "code": "server_error"}], "server"),
        (
            "openai-responses",
            [{"type": "response.failed", "response": {"error": {"code": "server_error"}}}],
            "server",
        ),
        ("openai-chat", [chunk(content="x")], "incomplete"),
        ("openai-chat", [call(0, "a", "f", "{}"), "[DONE]"], "incomplete"),
        ("openai-chat", ["[DONE]"], "incomplete"),
        ("openai-chat", [{"error": {"message": "m", "code": 429}}], "rate_limit"),
        ("openai-chat", [{"error": "broken"}], "server"),
        ("openai-chat", ["[]x"], "protocol"),
    ],
)
def test_a_broken_stream_is_told_by_its_kind(api: Api, payloads: list[object], kind: str) -> None:
    with pytest.raises(StreamFailure) as caught:
        feed(api, *payloads)

    assert caught.value.kind == kind


def test_chat_calls_are_told_apart_by_index_and_by_id() -> None:
    apart = built(
        "openai-chat",
        call(0, "a", "f", '{"x"'),
        call(1, "b", "g", "{}"),
        call(0, "", "", ": 1}"),
        chunk("tool_calls"),
    )
    same_index = built(
        "openai-chat", call(0, "a", "f", "{}"), call(0, "b", "g", "{}"), chunk("stop")
    )
    no_index = built(
        "openai-chat", call(None, "a", "f", '{"y": '), call(None, "", "", "2}"), chunk("stop")
    )

    assert [(c.id, c.name, dict(c.arguments)) for c in apart.tool_calls] == [
        ("a", "f", {"x": 1}),
        ("b", "g", {}),
    ]
    assert [c.id for c in same_index.tool_calls] == ["a", "b"]
    assert same_index.stop == "tool_calls"
    assert [dict(c.arguments) for c in no_index.tool_calls] == [{"y": 2}]


def test_chat_reasoning_is_read_once_from_either_field() -> None:
    message = built(
        "openai-chat",
        chunk(reasoning_content="why", reasoning="why"),
        chunk(content="so"),
        chunk("stop"),
    )

    assert [part.text for part in message.parts if isinstance(part, Thinking)] == ["why"]
    assert message.text == "so"


def test_chat_text_without_a_finish_reason_ends_when_the_server_says_done() -> None:
    message = built("openai-chat", chunk(content="so"), "[DONE]")

    assert message.stop == "end"
    assert message.metadata is not None
    assert message.metadata.data["unfinished"] is True


@pytest.mark.parametrize(
    ("more", "annotations", "expected"),
    [
        # A search model of OpenAI's or OpenRouter's: with the text, or again with the last chunk.
        (
            {},
            [{"type": "url_citation", "url_citation": {"url": "https://a.org", "title": "A"}}],
            "A",
        ),
        # Perplexity: with every chunk.
        (
            {
                "citations": ["https://a.org"],
                "search_results": [{"title": "A", "url": "https://a.org", "date": None}],
            },
            [],
            "A",
        ),
        ({"citations": ["https://a.org"]}, [], ""),
        # A gateway that tells both.
        ({"citations": ["https://a.org"]}, [{"url": "https://a.org", "title": "A"}], "A"),
    ],
)
def test_chat_citations_are_kept_once(
    more: dict[str, object], annotations: list[object], expected: str
) -> None:
    message = built(
        "openai-chat",
        chunk(content="It is so.", annotations=annotations) | more,
        chunk(annotations=annotations) | more,
        chunk("stop") | more,
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    )

    assert message.text == "It is so."
    assert sources(message) == (Source(expected, "https://a.org"),)


def test_chat_refusals_are_named() -> None:
    stopped = feed("openai-chat", chunk(refusal="I will not"), chunk("stop"))[-1]

    assert isinstance(stopped, Stopped)
    assert (stopped.reason, stopped.detail) == ("refusal", "I will not")


@given(*(st.integers(0, 10**6) for _ in range(4)))
def test_openai_buckets_are_disjoint_and_add_up(
    fresh: int, read: int, written: int, out: int
) -> None:
    total = fresh + read + written
    inside = {"cached_tokens": read, "cache_write_tokens": written}
    responses = responses_stream.usage_of(
        {"input_tokens": total, "input_tokens_details": dict(inside), "output_tokens": out}
    )
    chat = chat_stream.usage_of(
        {"prompt_tokens": total, "prompt_tokens_details": dict(inside), "completion_tokens": out}
    )

    for usage in (responses, chat):
        assert (usage.input, usage.cache_read, usage.cache_write) == (fresh, read, written)
        assert usage.total == total + out


@pytest.mark.parametrize("count", [-5, 1e300, float("nan"), True, "-7", "x", "٣", None])
def test_absurd_counts_are_nothing(count: object) -> None:
    assert anthropic_stream.usage_of({"output_tokens": count}).output == 0  # type: ignore[dict-item]


def test_reasoning_details_are_put_together_from_their_fragments() -> None:
    text = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
    cipher = {"type": "reasoning.encrypted", "data": "gA", "index": 1}
    fragments = [
        {**text, "text": "Let", "signature": None},
        {**text, "text": " me."},
        {**text, "signature": "Et8"},
        {**text, "text": "Another."},
        cipher,
        {**cipher, "data": "gB"},
        {"type": "reasoning.text", "text": "whole"},
        {"type": "reasoning.text", "text": "as well"},
    ]
    chunks = [chunk(reasoning="x", reasoning_details=[fragment]) for fragment in fragments]

    message = built("openai-chat", *chunks, chunk("stop", content="so"))

    (thinking,) = [part for part in message.parts if isinstance(part, Thinking)]
    assert thinking.metadata is not None
    assert thinking.metadata.data["details"] == [
        {**text, "text": "Let me.", "signature": "Et8"},
        {**text, "text": "Another."},
        cipher,
        {**cipher, "data": "gB"},
        *fragments[-2:],
    ]


def test_a_number_in_quotes_is_a_number() -> None:
    usage = chat_stream.usage_of({"prompt_tokens": "12", "completion_tokens": "3"})

    assert (usage.input, usage.output) == (12, 3)


@pytest.mark.parametrize(("total", "output"), [(135, 103), (41, 9), (None, 9)])
def test_reasoning_counts_once_within_the_completion_or_beside_it(
    total: int | None, output: int
) -> None:
    # 135 is what xAI tells, which counts it beside; nobody can have thought more than was written.
    raw = {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": total}
    usage = chat_stream.usage_of({**raw, "completion_tokens_details": {"reasoning_tokens": 94}})

    assert usage.output == output
    assert usage.reasoning == min(94, output)


def test_no_bucket_is_larger_than_what_it_is_a_part_of() -> None:
    details = {"input_tokens_details": {"cached_tokens": 9, "cache_write_tokens": 9}}
    of_openai = responses_stream.usage_of({"input_tokens": 5, **details})
    split = {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3}
    of_anthropic = anthropic_stream.usage_of({"cache_creation": split})

    assert (of_openai.prompt, of_openai.cache_read) == (5, 5)
    assert (of_anthropic.cache_write, of_anthropic.cache_write_1h) == (5, 3)


def test_responses_take_the_rest_of_a_text_from_the_end_of_its_item() -> None:
    item = {"type": "message", "id": "msg_1"}
    done = {**item, "content": [{"type": "output_text", "text": "hello"}], "phase": "final_answer"}

    message = built(
        "openai-responses",
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {
            "type": "response.output_text.delta",
            "output_index": 0,
            "content_index": 0,
            "delta": "hel",
        },
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": {"id": "r", "output": [done]}},
    )

    assert message.text == "hello"
    assert message.parts[0].metadata is not None  # type: ignore[union-attr]
    assert message.parts[0].metadata.data == {"id": "msg_1", "phase": "final_answer"}  # type: ignore[union-attr]


def test_a_numbered_responses_event_that_comes_twice_is_taken_once() -> None:
    item = {"type": "message", "id": "msg_1"}
    done = {**item, "content": [{"type": "output_text", "text": "ha ha"}]}
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0}

    message = built(
        "openai-responses",
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {**delta, "delta": "ha", "sequence_number": 3},
        {**delta, "delta": "ha", "sequence_number": 3},
        {**delta, "delta": " ", "sequence_number": 4},
        {**delta, "delta": "ha", "sequence_number": 5},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": {"id": "r", "output": [done]}},
    )

    assert message.text == "ha ha"


@pytest.mark.parametrize(
    ("why", "stop"),
    [("max_output_tokens", "length"), ("content_filter", "refusal"), ("steered", "pause")],
)
def test_an_incomplete_response_says_why(why: str, stop: str) -> None:
    response = {"incomplete_details": {"reason": why}}

    assert (
        built("openai-responses", {"type": "response.incomplete", "response": response}).stop
        == stop
    )


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "index",
                    "delta",
                    "content_block",
                    "item",
                    "choices",
                    "usage",
                    "error",
                    "message",
                    "content",
                    "tool_calls",
                    "function",
                    "thinking",
                    "candidates",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
names = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "response.output_item.done",
        "response.completed",
        "response.output_text.delta",
        "content-start",
        "content-delta",
        "tool-call-start",
        "tool-call-delta",
        "message-end",
        "error",
        "anything",
    ]
)


@settings(max_examples=200)
@given(
    st.sampled_from(list(MODULES)),
    st.lists(st.tuples(names, junk), max_size=6),
)
def test_junk_is_decoded_or_refused_but_never_crashes(
    api: Api, events: list[tuple[str, object]]
) -> None:
    made = decoder(api)
    try:
        for name, payload in events:
            list(made.feed(name, json.dumps(payload)))
        list(made.close())
    except StreamFailure as problem:
        assert problem.kind

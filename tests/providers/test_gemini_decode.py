"""Gemini's streams: the recorded ones, and what may go wrong in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.builder import MessageBuilder
from flux_tui.core.errors import ErrorKind
from flux_tui.core.events import Stopped, StreamEvent, UsageUpdate
from flux_tui.core.messages import Message, Opaque, Text, Thinking
from flux_tui.core.sanitize import sanitize
from flux_tui.core.sources import sources
from flux_tui.core.usage import Usage
from flux_tui.providers.failures import StreamFailure
from flux_tui.providers.gemini_arguments import PartialArguments, steps_of
from flux_tui.providers.gemini_stream import STOP_REASONS, Decoder, usage_of
from tests.providers.recorded import RECORDED, events_of, message_of, model, streams

PATHS = streams("gemini")
Piece = dict[str, Any]
recordings = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def response(*parts: Piece, finish: str = "", **more: Any) -> str:
    candidate: Piece = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return json.dumps({"candidates": [candidate], "modelVersion": "m", **more})


END = response({"text": ""}, finish="STOP")


def feed(*chunks: str) -> list[StreamEvent]:
    decoder = Decoder()
    found = [event for chunk in chunks for event in decoder.feed("", chunk)]
    return [*found, *decoder.close()]


def built(*chunks: str) -> Message:
    builder = MessageBuilder(model("gemini"))
    for event in feed(*chunks):
        builder.feed(event)
    return builder.build()


def data_of(part: Any) -> Piece:
    return dict(part.metadata.data) if part.metadata else {}


# Computed apart from the decoder: a fold over the parts of the recorded lines.


def lines_of(path: Path) -> list[Piece]:
    lines = path.read_text("utf-8").splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def parts_of(path: Path) -> list[Piece]:
    candidates = [c for line in lines_of(path) for c in line.get("candidates", [])]
    return [part for c in candidates for part in c.get("content", {}).get("parts", [])]


def arguments_of(parts: list[Piece]) -> list[tuple[str, Piece]]:
    """Every call with its arguments; pieces are put at their paths one by one."""
    calls: list[tuple[str, Piece]] = []
    for call in (part["functionCall"] for part in parts if "functionCall" in part):
        if call.get("name"):
            calls.append((call["name"], {**call.get("args", {})}))
        for piece in call.get("partialArgs", []):
            at: Any = calls[-1][1]
            *way, last = re.findall(r"\w+", piece["jsonPath"])
            for step, following in zip(way, [*way, last][1:], strict=True):
                empty: Any = [] if following.isdigit() else {}
                if step.isdigit():
                    at.extend([empty] * (int(step) + 1 - len(at)))
                    at = at[int(step)]
                else:
                    at = at.setdefault(step, empty)
            text = piece.get("stringValue")
            at[last] = piece["numberValue"] if text is None else at.get(last, "") + text
    return calls


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded traffic at hand")
def test_there_are_recordings() -> None:
    assert len(PATHS) >= 10


@recordings
async def test_a_recorded_stream_is_what_its_parts_add_up_to(path: Path) -> None:
    parts = parts_of(path)
    texts = [(part["text"], bool(part.get("thought"))) for part in parts if "text" in part]
    plain = {"text", "functionCall"}
    other = [
        next(iter(part.keys() - {"thoughtSignature"})) for part in parts if not plain & {*part}
    ]

    message = await message_of("gemini", path.read_bytes())

    said = "".join(part.text for part in message.parts if isinstance(part, Text))
    thought = "".join(part.text for part in message.parts if isinstance(part, Thinking))
    assert said == sanitize("".join(text for text, is_thought in texts if not is_thought))
    assert thought == sanitize("".join(text for text, is_thought in texts if is_thought))
    assert [(c.name, dict(c.arguments)) for c in message.tool_calls] == arguments_of(parts)
    assert [part.kind for part in message.parts if isinstance(part, Opaque)] == other


@recordings
async def test_every_recorded_signature_is_kept_once(path: Path) -> None:
    sent = [part["thoughtSignature"] for part in parts_of(path) if "thoughtSignature" in part]

    message = await message_of("gemini", path.read_bytes())

    found = [data_of(part) for part in message.parts]
    kept = [data.get("part", data) for data in found]
    signatures = [data.get("signature") or data.get("thoughtSignature") for data in kept]
    assert [one for one in signatures if one] == sent


@recordings
async def test_recorded_counts_and_reasons_are_told(path: Path) -> None:
    lines = lines_of(path)
    told = {k: v for line in lines for k, v in line.get("usageMetadata", {}).items()}
    thoughts = told.get("thoughtsTokenCount", 0)

    message = await message_of("gemini", path.read_bytes())

    assert message.usage is not None
    assert message.usage.prompt == told["promptTokenCount"] + told.get("toolUsePromptTokenCount", 0)
    assert message.usage.output == told.get("candidatesTokenCount", 0) + thoughts
    assert message.usage.reasoning == thoughts
    assert message.usage.total == told["totalTokenCount"]
    assert lines[-1]["candidates"][0]["finishReason"] == "STOP"
    assert message.stop == ("tool_calls" if message.tool_calls else "end")


@recordings
async def test_a_recorded_stream_that_is_cut_is_not_whole(path: Path) -> None:
    head, _, _ = path.read_bytes().rstrip().rpartition(b"data: ")

    with pytest.raises(StreamFailure) as caught:
        await events_of("gemini", head)

    assert caught.value.kind == "incomplete"


@recordings
async def test_a_recorded_stream_split_at_odd_bytes_is_the_same(path: Path) -> None:
    data = path.read_bytes()

    assert await events_of("gemini", data, step=7) == await events_of("gemini", data)


def test_texts_that_follow_each_other_are_one_part_and_calls_divide_them() -> None:
    message = built(
        response({"text": "a", "thought": True}, {"text": "b", "thought": True}),
        response({"text": "c"}, {"text": "d"}),
        response({"functionCall": {"name": "f"}}, {"functionCall": {"name": "g", "id": "1"}}),
        response({"text": "e"}, finish="STOP"),
    )

    assert [getattr(part, "text", "") or getattr(part, "name", "") for part in message.parts] == [
        "ab",
        "cd",
        "f",
        "g",
        "e",
    ]
    assert len({call.id for call in message.tool_calls}) == 2
    assert message.tool_calls[1].id == "1"
    assert message.stop == "tool_calls"


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([response({"text": "ab"}), response({"text": "", "thoughtSignature": "s"})], [2]),
        ([response({"text": "ab"}), response({"text": "cd", "thoughtSignature": "s"})], [2]),
        ([response({"text": "ab", "thoughtSignature": "s"}), response({"text": "cd"})], [0, None]),
    ],
)
def test_a_signature_of_text_remembers_where_its_part_began(
    chunks: list[str], expected: list[int | None]
) -> None:
    message = built(*chunks, END)

    assert [data_of(part).get("from") for part in message.parts] == expected


@pytest.mark.parametrize(
    "before", [[], [{"functionCall": {"name": "f"}}], [{"text": "a", "thoughtSignature": "r"}]]
)
def test_a_signature_without_a_part_of_its_own_is_kept_in_its_place(before: list[Piece]) -> None:
    last = response({"text": "", "thoughtSignature": "s"}, finish="STOP")

    message = built(response(*before), last)

    assert len(message.parts) == len(before) + 1
    assert isinstance(message.parts[-1], Thinking)
    assert data_of(message.parts[-1]) == {"signature": "s", "bare": True}


def test_the_last_empty_text_of_a_tool_call_is_no_part() -> None:
    message = built(response({"functionCall": {"name": "f", "args": {"a": 1}}}), END)

    assert [type(part).__name__ for part in message.parts] == ["ToolCall"]


def test_server_side_tools_are_kept_whole_and_told_in_words() -> None:
    message = built(
        response(
            {"executableCode": {"code": "print(1)"}, "thoughtSignature": "s"},
            {"codeExecutionResult": {"output": "1\n"}},
            {"toolCall": {"args": {"queries": ["q"]}}},
            {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        ),
        END,
    )

    kept = [part for part in message.parts if isinstance(part, Opaque)]
    assert [part.note for part in kept] == [
        "```python\nprint(1)\n```",
        "```\n1\n\n```",
        "[searched: q]",
        "[file made by the model: image/png]",
    ]
    assert data_of(kept[0])["part"]["thoughtSignature"] == "s"


@pytest.mark.parametrize("reason", STOP_REASONS)
def test_every_reason_to_stop_has_its_meaning(reason: str) -> None:
    stopped = feed(response({"text": "x"}, finish=reason))[-1]

    assert isinstance(stopped, Stopped)
    assert stopped.reason == STOP_REASONS[reason]


def test_what_a_search_found_is_cited_once() -> None:
    web: Piece = {"web": {"uri": "https://a.org", "title": "a.org"}}
    more: Piece = {"web": {"uri": "https://b.org", "title": "b.org"}}
    first, second = json.loads(response({"text": "It is "})), json.loads(response({"text": "so."}))
    first["candidates"][0]["groundingMetadata"] = {"groundingChunks": [web]}
    second["candidates"][0]["groundingMetadata"] = {"groundingChunks": [web, more]}
    second["candidates"][0]["citationMetadata"] = {"citationSources": [{"uri": "https://c.org"}]}

    message = built(json.dumps(first), json.dumps(second), END)

    assert message.text == "It is so."
    assert [source.url for source in sources(message)] == [
        "https://a.org",
        "https://b.org",
        "https://c.org",
    ]


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded traffic at hand")
def test_the_sources_of_a_recorded_search_are_found() -> None:
    path = next(path for path in PATHS if "web_search_tool_stream" in path.name)
    chunks = [json.dumps(line) for line in lines_of(path)]

    found = sources(built(*chunks))

    assert found[0].title.startswith("Weather information for San Francisco")
    assert all(source.url.startswith("https://") for source in found)


def test_an_end_without_a_word_is_a_failure() -> None:
    with pytest.raises(StreamFailure) as caught:
        feed(END)

    assert caught.value.kind == "server"
    assert built(response({"text": "hm", "thought": True}), END).stop == "end"


def test_a_reason_nobody_knows_is_an_end() -> None:
    assert built(response({"text": "x"}, finish="BORED")).stop == "end"


def test_an_unspecified_reason_is_none() -> None:
    with pytest.raises(StreamFailure):
        feed(response({"text": "x"}, finish="FINISH_REASON_UNSPECIFIED"))


@pytest.mark.parametrize(
    "reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE", "OTHER"]
)
def test_a_failure_of_the_model_is_one_of_the_turn(reason: str) -> None:
    with pytest.raises(StreamFailure) as caught:
        feed(response(finish=reason))

    assert caught.value.kind == "server"
    assert reason in caught.value.what


def test_a_blocked_prompt_is_a_refusal_that_says_why() -> None:
    blocked = json.dumps({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})

    stopped = feed(blocked)[-1]

    assert isinstance(stopped, Stopped)
    assert (stopped.reason, stopped.detail) == ("refusal", "PROHIBITED_CONTENT")


def test_some_models_tell_their_reason_in_every_event() -> None:
    message = built(
        response({"text": "a"}, finish="STOP"), response({"text": "b"}, finish="MAX_TOKENS")
    )

    assert (message.text, message.stop) == ("ab", "length")


@pytest.mark.parametrize(
    ("chunks", "kind"),
    [
        ([], "incomplete"),
        ([response({"text": "x"})], "incomplete"),
        (["{broken"], "protocol"),
        (["3"], "incomplete"),
        ([json.dumps({"error": {"code": 503, "status": "UNAVAILABLE"}})], "overloaded"),
        ([json.dumps({"error": {"code": 500, "status": "INTERNAL"}})], "server"),
        ([json.dumps({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}})], "rate_limit"),
    ],
)
def test_a_broken_stream_is_no_answer(chunks: list[str], kind: ErrorKind) -> None:
    with pytest.raises(StreamFailure) as caught:
        feed(*chunks)

    assert caught.value.kind == kind


def test_strange_events_and_other_candidates_are_ignored_and_counted() -> None:
    decoder = Decoder()
    other = {"candidates": [{"content": {"parts": [{"text": "x"}]}, "index": 1}]}

    events = [*decoder.feed("", '{"weather": 1}'), *decoder.feed("", json.dumps(other))]
    events += decoder.feed("", response({}))

    assert events == []
    assert decoder.unknown == 2


def test_counts_only_grow_and_lie_in_disjoint_buckets() -> None:
    first = {"promptTokenCount": 100, "cachedContentTokenCount": 60, "thoughtsTokenCount": 7}
    last = {"promptTokenCount": 90, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 3}

    events = feed(
        response({"text": "x"}, usageMetadata=first), response(finish="STOP", usageMetadata=last)
    )

    updates = [event.usage for event in events if isinstance(event, UsageUpdate)]
    assert updates[-1] == Usage(input=45, cache_read=60, output=10, reasoning=7)


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text() | st.none()))
def test_any_counts_make_sane_usage(raw: Piece) -> None:
    usage = usage_of(raw)

    assert min(usage.input, usage.cache_read, usage.output, usage.reasoning) >= 0


hostile = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "candidates", "content", "parts", "text", "functionCall", "name", "args", "id",
                "partialArgs", "jsonPath", "stringValue", "thoughtSignature", "usageMetadata",
                "finishReason", "promptFeedback", "blockReason", "thought", "index", "inlineData",
            ]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(hostile, max_size=4))
def test_no_event_makes_the_decoder_fall_over(chunks: list[Any]) -> None:
    decoder = Decoder()
    builder = MessageBuilder(model("gemini"))
    try:
        for chunk in chunks:
            for event in decoder.feed("", json.dumps(chunk)):
                builder.feed(event)
        for event in decoder.close():
            builder.feed(event)
    except StreamFailure:
        assert builder.build().stop == "interrupted"


def test_control_characters_are_inert_also_across_events() -> None:
    message = built(response({"text": "a\x1b]52;c;"}), response({"text": "eA==\x07b"}), END)

    assert message.text == "ab"


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$.a", ["a"]),
        ("$.a[0].b", ["a", 0, "b"]),
        ("$['a b'][12]", ["a b", 12]),
        ("$", []),
        ("a", []),
        ("$.a..b", []),
    ],
)
def test_a_json_path_has_its_steps(path: str, steps: list[str | int]) -> None:
    assert steps_of(path) == steps


def test_pieces_of_arguments_grow_only_while_they_say_so() -> None:
    arguments = PartialArguments()
    more: Piece = {"jsonPath": "$.a", "stringValue": "x", "willContinue": True}

    arguments.take(None, [more])
    arguments.take(None, [{**more, "stringValue": "y"}])
    arguments.take(None, [{"jsonPath": "$.a", "stringValue": "z"}])
    arguments.take(None, [{"jsonPath": "$.b[1]", "boolValue": True}])
    arguments.take(None, [{"jsonPath": "$.c", "nullValue": None}, {"jsonPath": "$.d[99999999]"}])

    assert json.loads(arguments.text()) == {"a": "xyz", "b": [None, True], "c": None, "d": []}

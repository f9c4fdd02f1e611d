"""Whatever a server sends, a decoder fails in our words or tells an answer that can go on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flux_tui.core import codec
from flux_tui.core.builder import MessageBuilder
from flux_tui.core.messages import Message, Text, ToolResult, user_message
from flux_tui.core.models import Api
from flux_tui.core.normalize import normalize
from flux_tui.providers.base import ChatRequest, Endpoint
from flux_tui.providers.failures import StreamFailure
from flux_tui.providers.registry import make_provider
from tests.providers.damage import WHOLE, Event, damaged, has_ended, read
from tests.providers.recorded import RECORDED, decoder, model

FOLDERS: dict[Api, str] = {
    "anthropic": "anthropic",
    "openai-responses": "openai_responses",
    "openai-chat": "compat",
    "gemini": "gemini",
    "mistral": "mistral",
    "cohere": "cohere",
}
each_format = pytest.mark.parametrize("api", list(WHOLE))
modest = settings(
    max_examples=2 * settings().max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def recorded(api: Api) -> list[Path]:
    found = sorted((RECORDED / FOLDERS[api]).rglob("*.sse"), key=lambda path: path.stat().st_size)
    return [path for path in found if not path.parent.name.startswith("responses_")][:12]


def answer_of(api: Api, events: list[Event]) -> tuple[Message, StreamFailure | None]:
    made, builder = decoder(api), MessageBuilder(model(api))
    failure = None
    try:
        for name, data in events:
            for event in made.feed(name, data):
                builder.feed(event)
            if made.finished:
                break
        for event in made.close():
            builder.feed(event)
    except StreamFailure as problem:
        failure = problem
    return builder.build(), failure


def sendable(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def judge(api: Api, events: list[Event]) -> None:
    message, failure = answer_of(api, events)

    assert (message.stop == "interrupted") == (failure is not None)
    assert failure or has_ended(api, events)
    assert codec.load_message(json.loads(codec.dumps(codec.dump_message(message)))) is not None
    usage = message.usage
    assert usage is None or (
        usage.reasoning <= usage.output and usage.cache_write_1h <= usage.cache_write
    )
    # The conversation goes on, with the very model that wrote it.
    whole = replace(message, stop=message.stop if failure is None else "error")
    results = tuple(ToolResult(one.id, one.name, (Text("r"),)) for one in message.tool_calls)
    tools = (Message(role="tool", parts=results),) if results else ()
    history = (user_message("go"), whole, *tools, user_message("on"))
    info = model(api)
    endpoint = Endpoint(provider="test", label="", api=api, base_url=info.base_url)
    request = ChatRequest(model=info, messages=normalize(history, info)[0])
    assert sendable(make_provider(endpoint).body(request))


@each_format
def test_the_streams_that_are_damaged_here_are_whole(api: Api) -> None:
    message, failure = answer_of(api, WHOLE[api])

    assert failure is None
    assert message.stop == "tool_calls"
    assert len(message.tool_calls) == 1
    assert has_ended(api, WHOLE[api])
    assert not has_ended(api, WHOLE[api][:-1]) or api == "openai-chat"
    judge(api, WHOLE[api])


@each_format
@given(data=st.data())
@modest
def test_a_damaged_stream_fails_in_our_words_or_leaves_an_answer(
    api: Api, data: st.DataObject
) -> None:
    judge(api, data.draw(damaged(WHOLE[api])))


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded traffic at hand")
@each_format
@given(data=st.data())
@settings(modest, max_examples=settings().max_examples)
def test_a_damaged_recorded_stream_fails_in_our_words_or_leaves_an_answer(
    api: Api, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(recorded(api)))
    judge(api, data.draw(damaged(read(path))))


@each_format
def test_a_stream_cut_anywhere_is_never_a_whole_answer(api: Api) -> None:
    for end in range(len(WHOLE[api])):
        _, failure = answer_of(api, WHOLE[api][:end])

        assert failure is not None or has_ended(api, WHOLE[api][:end])


def test_half_characters_and_no_numbers_do_not_end_a_conversation() -> None:
    for api, events in WHOLE.items():
        judge(api, [(name, data.replace("hello", "\\ud83d")) for name, data in events])
        judge(api, [(name, data.replace('"q"', "NaN")) for name, data in events])


def test_a_character_that_arrives_in_halves_goes_back_whole() -> None:
    deltas = [("hi", "hi"), ("\\ud83d", "\\ude00")]
    events = [
        (name, data.replace("hel\\u001b[1mlo", piece))
        for name, data in WHOLE["anthropic"]
        for piece in (deltas[1] if "text_delta" in data else deltas[0][:1])
    ]

    message, _ = answer_of("anthropic", events)

    assert message.text == "😀"
    (text,) = [part for part in message.parts if isinstance(part, Text)]
    assert text.metadata is None

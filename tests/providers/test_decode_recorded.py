"""Every recorded stream decodes to what the vendor's own SDK makes of it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import httpx2
import pytest

from flux_tui.core.events import Stopped
from flux_tui.core.messages import Message, Opaque, Text, Thinking
from flux_tui.core.models import Api
from flux_tui.core.sanitize import sanitize
from flux_tui.core.sources import sources
from flux_tui.providers import anthropic_stream
from tests.providers.recorded import RECORDED, events_of, message_of, streams

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded traffic at hand")

# Its text deltas were shortened by whoever made the fixture, its last event was not.
COMPAT = sorted((RECORDED / "compat").rglob("*.sse"))
LIKE_RESPONSES = [path for path in COMPAT if path.parent.name.startswith("responses_")]
BEYOND_THE_SDK = "vercel__anthropic-fallback-tool-call"  # its accumulator demands a call 0
LIKE_CHAT = [path for path in COMPAT if path not in LIKE_RESPONSES]
ABRIDGED = {"vercel__openai-shell-container.1"}


def whole(path: Path) -> bytes:
    """The first reply in the file; some fixtures hold several, or lack the last blank line."""
    head, end, _ = path.read_bytes().partition(b'"type":"message_stop"}')
    return head + end + b"\n\n"


def served(path: Path) -> httpx2.AsyncClient:
    def answer(_: httpx2.Request) -> httpx2.Response:
        kind = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=kind, content=whole(path))

    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))


def texts(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, Text))


def thoughts(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, Thinking))


def calls(message: Message) -> list[tuple[str, str, object]]:
    return [(call.id, call.name, dict(call.arguments)) for call in message.tool_calls]


def named(paths: list[Path]):
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


@named(streams("anthropic"))
async def test_an_anthropic_stream_is_what_the_sdk_accumulates(path: Path) -> None:
    import anthropic

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = anthropic.AsyncAnthropic(
            api_key="k", base_url="http://localhost", http_client=served(path), max_retries=0
        )
        async with client.beta.messages.stream(
            model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}]
        ) as stream:
            told = await stream.get_final_message()
        await client.close()

    message = await message_of("anthropic", whole(path))

    blocks = [block.to_dict(warnings=False) for block in told.content]
    kinds = {"text", "thinking", "tool_use"}
    assert texts(message) == sanitize("".join(b["text"] for b in blocks if b["type"] == "text"))
    assert thoughts(message) == sanitize(
        "".join(b["thinking"] for b in blocks if b["type"] == "thinking")
    )
    assert calls(message) == [
        (b["id"], b["name"], b["input"]) for b in blocks if b["type"] == "tool_use"
    ]
    assert [
        (part.metadata.data["signature"] if part.metadata else "")
        for part in message.parts
        if isinstance(part, Thinking)
    ] == [b["signature"] for b in blocks if b["type"] == "thinking"]
    assert [part.kind for part in message.parts if isinstance(part, Opaque)] == [
        b["type"] for b in blocks if b["type"] not in kinds
    ]
    assert message.usage is not None
    usage = told.usage
    assert message.usage.output == usage.output_tokens
    assert message.usage.input == usage.input_tokens
    assert message.usage.cache_read == (usage.cache_read_input_tokens or 0)
    assert message.usage.cache_write == (usage.cache_creation_input_tokens or 0)
    assert message.stop == anthropic_stream.STOP_REASONS.get(told.stop_reason or "", "end")


@named([*streams("openai_responses"), *LIKE_RESPONSES])
async def test_a_responses_stream_is_what_the_sdk_accumulates(path: Path) -> None:
    import openai

    client = openai.AsyncOpenAI(
        api_key="k", base_url="http://localhost", http_client=served(path), max_retries=0
    )
    told = None
    failure = ""
    try:
        stream = await client.responses.create(model="m", input="x", stream=True)
        async for event in stream:
            if event.type in {"response.completed", "response.incomplete"}:
                told = event.response
                break
            if event.type == "response.failed":
                failure = "failed"
    except (openai.APIError, json.JSONDecodeError) as problem:
        failure = str(problem)
    await client.close()
    if told is None:
        from flux_tui.providers.failures import StreamFailure

        with pytest.raises(StreamFailure):
            await message_of("openai-responses", whole(path))
        assert failure or path.read_bytes().count(b"response.completed") == 0
        return

    message = await message_of("openai-responses", whole(path))

    output = [item.to_dict(warnings=False) for item in told.output]
    if output or not message.parts:  # some servers leave the output of the last event empty
        pieces = [c for i in output if i["type"] == "message" for c in i["content"]]
        if path.stem not in ABRIDGED:
            assert texts(message) == sanitize(
                "".join(str(c.get("text", c.get("refusal"))) for c in pieces)
            )
        assert calls(message) == [
            (i["call_id"], i["name"], json.loads(str(i["arguments"]) or "{}"))
            for i in output
            if i["type"] == "function_call"
        ]
        plain = {"message", "function_call", "reasoning"}
        assert [part.kind for part in message.parts if isinstance(part, Opaque)] == [
            i["type"] for i in output if i["type"] not in plain
        ]
        # The ciphertext is made anew for the last event, so only its presence can be compared.
        assert [
            bool(part.metadata and part.metadata.data.get("encrypted_content"))
            for part in message.parts
            if isinstance(part, Thinking)
        ] == [bool(i.get("encrypted_content")) for i in output if i["type"] == "reasoning"]
    if told.usage is not None:
        assert message.usage is not None
        assert message.usage.prompt == told.usage.input_tokens
        assert message.usage.output == told.usage.output_tokens
        assert message.usage.cache_read == told.usage.input_tokens_details.cached_tokens
        assert message.usage.reasoning == told.usage.output_tokens_details.reasoning_tokens
    if told.status == "completed":
        assert message.stop == ("tool_calls" if message.tool_calls else "end")


@named([path for path in (*streams("openai_chat"), *LIKE_CHAT) if path.stem != BEYOND_THE_SDK])
async def test_a_chat_stream_is_what_the_sdk_accumulates(path: Path) -> None:
    import openai
    from openai.lib.streaming.chat import ChatCompletionStreamState

    client = openai.AsyncOpenAI(
        api_key="k", base_url="http://localhost", http_client=served(path), max_retries=0
    )
    state = ChatCompletionStreamState()
    usage = None
    failure = ""
    try:
        async for chunk in await client.chat.completions.create(
            model="m", messages=[], stream=True
        ):
            usage = chunk.usage or usage
            state.handle_chunk(chunk)
    except openai.APIError as problem:
        failure = str(problem)
    await client.close()
    if failure:
        from flux_tui.providers.failures import StreamFailure

        with pytest.raises(StreamFailure):
            await message_of("openai-chat", whole(path))
        return

    message = await message_of("openai-chat", whole(path))

    choice = state.current_completion_snapshot.choices[0]
    said = (choice.message.content or "") + (choice.message.refusal or "")
    assert texts(message) == sanitize(said)
    assert calls(message) == [
        (call.id, call.function.name, json.loads(call.function.arguments or "{}"))
        for call in choice.message.tool_calls or []
    ]
    if usage is not None:
        assert message.usage is not None
        assert message.usage.prompt == usage.prompt_tokens
        assert message.usage.output == usage.completion_tokens
    expected = {"stop": "end", "length": "length", "tool_calls": "tool_calls"}
    if choice.finish_reason in expected and not message.tool_calls:
        assert message.stop == expected[choice.finish_reason]


@named([path for path in LIKE_CHAT if path.stem == BEYOND_THE_SDK])
async def test_calls_that_are_counted_from_one_are_read_too(path: Path) -> None:
    message = await message_of("openai-chat", path.read_bytes())

    assert texts(message) == "Reading it."
    assert calls(message) == [("toolu_sanitized", "read_file", {"path": "a.txt"})]
    assert message.stop == "tool_calls"


@named([path for folder in ("anthropic", "openai_responses") for path in streams(folder)][::6])
async def test_a_stream_split_at_odd_bytes_decodes_the_same(path: Path) -> None:
    api = "anthropic" if path.parent.name == "anthropic" else "openai-responses"
    data = whole(path)

    try:
        once = await events_of(api, data)
    except Exception as problem:  # a recorded failure stays the same failure
        with pytest.raises(type(problem)):
            await events_of(api, data, step=7)
        return

    assert await events_of(api, data, step=7) == once
    assert isinstance(once[-1], Stopped)


@pytest.mark.parametrize(
    ("api", "place", "expected"),
    [
        (
            "anthropic",
            "anthropic/test_anthropic__test_anthropic_web_search_tool_stream.0",
            "https:",
        ),
        ("openai-responses", "openai_responses/vercel__azure-web-search-preview-tool.1", "https:"),
        (
            "openai-responses",
            "openai_responses/test_openai_responses__"
            "test_openai_responses_model_file_search_tool_stream.3",
            ".txt",
        ),
        ("openai-responses", "compat/responses_xai/vercel__xai-web-search-tool.1", "https:"),
    ],
)
async def test_what_an_answer_cites_is_known(api: Api, place: str, expected: str) -> None:
    message = await message_of(api, whole(RECORDED / f"{place}.sse"))

    cited = sources(message)

    assert cited
    assert all(expected in source.line for source in cited)

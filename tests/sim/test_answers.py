from __future__ import annotations

import asyncio
import json
import time

import httpx2
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.sim import catalog
from flux_tui.sim.app import SimRequest, SimSettings, Simulator
from flux_tui.sim.content import filler
from flux_tui.sim.prompts import FaultOrder, parse
from flux_tui.sim.replies import example
from flux_tui.sim.script import Action, Call
from flux_tui.sim.tokens import count, pieces
from flux_tui.sim.transport import SimTransport
from tests.sim.helpers import MODELS, PATHS, body, events, headers, text_of, tools

WIRES = ("anthropic", "responses", "chat", "compat", "mistral", "cohere")
Body = dict[str, object]


async def ask(client: httpx2.AsyncClient, wire: str, prompt: str, **more: object) -> bytes:
    reply = await client.post(
        PATHS[wire], json=body(wire, prompt, **more), headers=headers(wire), timeout=30
    )
    assert reply.status_code == 200, reply.text
    return reply.content


def calls_of(wire: str, document: Body) -> list[tuple[str, Body]]:
    if wire == "anthropic":
        return [
            (block["name"], block["input"])
            for block in document["content"]
            if block["type"] == "tool_use"
        ]
    if wire == "responses":
        return [
            (item["name"], json.loads(item["arguments"]))
            for item in document["output"]
            if item["type"] == "function_call"
        ]
    message = document["message"] if wire == "cohere" else document["choices"][0]["message"]
    made = message.get("tool_calls") or []
    return [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in made]


@given(st.text())
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@given(st.text(), st.text())
def test_a_longer_text_never_has_fewer_tokens(first: str, second: str) -> None:
    assert count(first) <= count(first + second) <= count(first) + count(second)


@given(st.integers(0, 600), st.sampled_from(["md", "prose", "code", "list", "table"]))
def test_filler_has_exactly_as_many_tokens_as_asked(tokens: int, kind: str) -> None:
    made = filler(tokens, kind, "seed")

    assert len(made) == tokens
    assert made == filler(tokens, kind, "seed")


@given(st.integers(20, 600), st.sampled_from(["md", "prose", "code", "list", "table"]))
@hypothesis.example(173, "md")
def test_marked_filler_begins_and_ends_with_its_markers(tokens: int, kind: str) -> None:
    text = "".join(filler(tokens, kind, "", "a1"))

    assert text.startswith("alphaa1\n")
    assert text.endswith("\n\nomegaa1")
    assert text.count("```") % 2 == 0


def test_directions_are_read_from_a_prompt() -> None:
    found = parse(
        'Please\nsim: fault=stall@7*2 speed=50 tool=read_file:{"path": "a b.md"} tool=ls '
        'think=3 tokens=200 seed=4 text="hi \\"you\\"" redacted=1'
    )

    assert found is not None
    assert found.faults == (FaultOrder("stall", 7, 2),)
    assert found.calls == (Call("read_file", {"path": "a b.md"}), Call("ls"))
    assert (found.speed, found.think, found.tokens, found.seed) == (50, 3, 200, "4")
    assert found.text == 'hi "you"'
    assert found.redacted
    assert found.unknown == ()


def test_broken_arguments_are_sent_as_they_are_written() -> None:
    found = parse('sim: tool=read_file:{"path":')

    assert found is not None
    assert found.calls == (Call("read_file", raw='{"path":'),)


def test_a_plain_prompt_holds_no_directions() -> None:
    assert parse("please simulate something at the bench") is None


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("prompt", "sign"),
    [
        ("hello", "simulator"),
        ("a table please", "|---"),
        ("show code", "```python"),
        ("a list", "- [x]"),
        ("a quote", "> "),
        ("emoji", "日本"),
        ("links", "](https://"),
        ("markdown", "# Everything"),
        ("a long one", "## 1. "),
    ],
)
async def test_a_keyword_chooses_the_kind_of_text(
    client: httpx2.AsyncClient, wire: str, prompt: str, sign: str
) -> None:
    text = text_of(wire, await ask(client, wire, prompt))

    assert sign in text or (sign == "|---" and "|:--" in text)


@pytest.mark.parametrize("wire", WIRES)
async def test_the_simulator_names_its_format_and_model(
    client: httpx2.AsyncClient, wire: str
) -> None:
    text = text_of(wire, await ask(client, wire, "hello"))

    assert f"`{MODELS[wire]}`" in text
    named = {"responses": "openai-responses", "chat": "openai-chat", "compat": "openai-chat"}
    assert named.get(wire, wire) in text


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("prompt", "name", "arguments"),
    [
        ("read `docs/a.md` for me", "read_file", {"path": "docs/a.md"}),
        ("list files in src", "list_files", {"path": "src"}),
        ("search for TODO", "search_text", {"pattern": "TODO", "path": "."}),
        ("run git status", "run_shell", {"command": "git status"}),
    ],
)
async def test_a_tool_word_calls_the_tool_of_that_meaning(
    client: httpx2.AsyncClient, wire: str, prompt: str, name: str, arguments: Body
) -> None:
    raw = await ask(client, wire, prompt, stream=False, tools=tools(wire))

    assert calls_of(wire, json.loads(raw)) == [(name, arguments)]


@pytest.mark.parametrize("wire", WIRES)
async def test_a_file_to_write_gets_some_content(client: httpx2.AsyncClient, wire: str) -> None:
    raw = await ask(client, wire, "write notes.md", stream=False, tools=tools(wire))

    ((name, arguments),) = calls_of(wire, json.loads(raw))
    assert name == "write_file"
    assert arguments["path"] == "notes.md"
    assert arguments["content"]


@pytest.mark.parametrize("wire", WIRES)
async def test_a_tool_that_is_not_offered_is_not_called(
    client: httpx2.AsyncClient, wire: str
) -> None:
    raw = await ask(client, wire, "run rm -rf /", stream=False)

    assert calls_of(wire, json.loads(raw)) == []


async def test_argument_names_come_from_the_tools_own_schema(client: httpx2.AsyncClient) -> None:
    schema = {
        "type": "object",
        "properties": {"file_path": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["file_path", "limit"],
    }
    own = [{"name": "read", "input_schema": schema}]

    raw = await ask(client, "anthropic", "read a.txt", stream=False, tools=own)

    assert calls_of("anthropic", json.loads(raw)) == [("read", {"file_path": "a.txt", "limit": 1})]


@pytest.mark.parametrize("wire", WIRES)
async def test_several_tools_are_called_at_once_unless_forbidden(
    client: httpx2.AsyncClient, wire: str
) -> None:
    single: Body = {"parallel_tool_calls": False}
    if wire == "anthropic":
        single = {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}

    many = await ask(client, wire, "in parallel", stream=False, tools=tools(wire))
    assert len(calls_of(wire, json.loads(many))) == 3
    if wire == "cohere":
        return  # it has no such switch
    one = await ask(client, wire, "in parallel", stream=False, tools=tools(wire), **single)
    assert len(calls_of(wire, json.loads(one))) == 1


@pytest.mark.parametrize("wire", ["anthropic", "responses", "chat"])
async def test_a_forced_tool_is_called(client: httpx2.AsyncClient, wire: str) -> None:
    choices: dict[str, object] = {
        "anthropic": {"type": "tool", "name": "run_shell"},
        "responses": {"type": "function", "name": "run_shell"},
        "chat": {"type": "function", "function": {"name": "run_shell"}},
    }

    raw = await ask(
        client, wire, "hello", stream=False, tools=tools(wire), tool_choice=choices[wire]
    )

    assert calls_of(wire, json.loads(raw)) == [("run_shell", {"command": "example"})]


async def test_a_loop_of_calls_ends_after_the_rounds_asked_for(client: httpx2.AsyncClient) -> None:
    messages: list[object] = [{"role": "user", "content": "sim: tool=list_files repeat=3"}]
    rounds = 0
    while rounds < 9:
        raw = await ask(client, "chat", "", stream=False, messages=messages, tools=tools("chat"))
        message = json.loads(raw)["choices"][0]["message"]
        if "tool_calls" not in message:
            break
        rounds += 1
        messages.append({"role": "assistant", "content": None, "tool_calls": message["tool_calls"]})
        for call in message["tool_calls"]:
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": "x"})

    assert rounds == 3


async def test_a_note_beside_tool_results_is_no_new_question(client: httpx2.AsyncClient) -> None:
    messages = [
        {"role": "user", "content": "list files"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "a", "name": "list_files", "input": {}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "x", "is_error": True},
                {"type": "text", "text": "<system>read everything</system>"},
            ],
        },
    ]

    raw = await ask(client, "anthropic", "", messages=messages, tools=tools("anthropic"))

    assert "**list_files**: failed" in text_of("anthropic", raw)


@pytest.mark.parametrize("wire", ["anthropic", "responses", "chat"])
async def test_attachments_are_acknowledged(client: httpx2.AsyncClient, wire: str) -> None:
    url = "data:image/png;base64,aGk="
    contents: dict[str, list[object]] = {
        "anthropic": [
            {"type": "text", "text": "hello"},
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
            },
        ],
        "responses": [
            {"type": "input_text", "text": "hello"},
            {"type": "input_image", "image_url": url, "detail": "auto"},
        ],
        "chat": [
            {"type": "text", "text": "hello"},
            {"type": "image_url", "image_url": {"url": url}},
        ],
    }
    key = "input" if wire == "responses" else "messages"

    raw = await ask(client, wire, "", **{key: [{"role": "user", "content": contents[wire]}]})

    assert "1 attachment (1 × `image/png`)" in text_of(wire, raw)


@pytest.mark.parametrize("wire", ["anthropic", "responses", "chat"])
async def test_an_answer_is_cut_at_the_token_limit(client: httpx2.AsyncClient, wire: str) -> None:
    key = {"anthropic": "max_tokens", "responses": "max_output_tokens"}.get(wire, "max_tokens")

    raw = await ask(client, wire, "markdown", **{key: 20})

    said = json.dumps(events(raw))
    stop = {
        "anthropic": '"stop_reason": "max_tokens"',
        "responses": '"response.incomplete"',
        "chat": '"finish_reason": "length"',
    }
    assert stop[wire] in said
    assert len(pieces(text_of(wire, raw))) <= 20


async def test_a_stop_sequence_ends_the_answer_before_it(client: httpx2.AsyncClient) -> None:
    prompt = 'sim: text="one two three"'
    raw = await ask(client, "anthropic", prompt, stream=False, stop_sequences=["three"])

    document = json.loads(raw)
    assert document["stop_reason"] == "stop_sequence"
    assert document["stop_sequence"] == "three"
    assert document["content"][0]["text"] == "one two "


async def test_a_schema_gets_an_answer_that_fits(client: httpx2.AsyncClient) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "size": {"type": "integer"}},
        "required": ["city", "size"],
    }
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    raw = await ask(client, "chat", "hello", response_format=form)

    assert json.loads(text_of("chat", raw)) == {"city": "example", "size": 1}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 3}, 3),
        ({"enum": ["b", "a"]}, "b"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"type": ["boolean", "null"]}, True),
        ({"type": "array", "items": {"type": "number"}}, [1.5]),
        ({}, {}),
    ],
)
def test_an_example_fits_its_schema(schema: Body, value: object) -> None:
    assert example(schema) == value


@pytest.mark.parametrize("wire", WIRES)
async def test_equal_requests_get_equal_bytes(wire: str) -> None:
    async def fresh() -> bytes:
        async with httpx2.AsyncClient(
            transport=SimTransport(Simulator()), base_url="http://sim"
        ) as client:
            return await ask(client, wire, "think about markdown", tools=tools(wire))

    assert await fresh() == await fresh()


async def test_event_order_of_an_anthropic_stream(client: httpx2.AsyncClient) -> None:
    raw = await ask(
        client,
        "anthropic",
        'sim: think=1 text="hi" tool=list_files',
        tools=tools("anthropic"),
        thinking={"type": "adaptive", "display": "summarized"},
    )

    kinds = [event["type"] for event in events(raw)]
    blocks = [e["content_block"]["type"] for e in events(raw) if e["type"] == "content_block_start"]
    deltas = list(
        dict.fromkeys(e["delta"]["type"] for e in events(raw) if "index" in e and "delta" in e)
    )
    assert kinds[:3] == ["message_start", "ping", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert blocks == ["thinking", "text", "tool_use"]
    assert deltas == ["thinking_delta", "signature_delta", "text_delta", "input_json_delta"]


async def test_event_order_of_a_responses_stream(client: httpx2.AsyncClient) -> None:
    raw = await ask(client, "responses", "list files", tools=tools("responses"))

    found = events(raw)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert list(dict.fromkeys(event["type"].removeprefix("response.") for event in found)) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "completed",
    ]


async def test_usage_is_streamed_by_chat_completions_only_when_asked(
    client: httpx2.AsyncClient,
) -> None:
    without = await ask(client, "chat", "hi")
    asked = await ask(client, "chat", "hi", stream_options={"include_usage": True})

    assert b'"usage"' not in without
    assert events(asked)[-1]["choices"] == []
    assert events(asked)[-1]["usage"]["total_tokens"] > 0
    assert asked.endswith(b"data: [DONE]\n\n")


async def test_anthropic_counts_its_cache_beside_the_input(client: httpx2.AsyncClient) -> None:
    cached = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": "rules " * 100, **cached}]

    first = json.loads(await ask(client, "anthropic", "one", stream=False, system=system))
    second = json.loads(await ask(client, "anthropic", "two", stream=False, system=system))
    other = json.loads(
        await ask(client, "anthropic", "two", stream=False, system=system, model="claude-opus-4-8")
    )

    written = first["usage"]["cache_creation_input_tokens"]
    assert written > 100
    assert first["usage"]["cache_read_input_tokens"] == 0
    assert second["usage"]["cache_read_input_tokens"] == written
    assert second["usage"]["cache_creation_input_tokens"] == 0
    assert 0 < second["usage"]["input_tokens"] < 50
    assert other["usage"]["cache_read_input_tokens"] == 0


async def test_openai_counts_its_cache_within_the_input(client: httpx2.AsyncClient) -> None:
    system = "rules " * 100

    first = json.loads(await ask(client, "responses", "one", stream=False, instructions=system))
    second = json.loads(await ask(client, "responses", "two", stream=False, instructions=system))
    old = json.loads(
        await ask(client, "responses", "one", stream=False, instructions=system, model="gpt-4o")
    )

    assert first["usage"]["input_tokens_details"]["cached_tokens"] == 0
    assert first["usage"]["input_tokens_details"]["cache_write_tokens"] > 100
    assert second["usage"]["input_tokens_details"]["cached_tokens"] > 100
    assert (
        second["usage"]["input_tokens"] > second["usage"]["input_tokens_details"]["cached_tokens"]
    )
    assert old["usage"]["input_tokens_details"]["cache_write_tokens"] == 0


async def test_a_prompt_larger_than_the_window_is_refused(client: httpx2.AsyncClient) -> None:
    reply = await client.post(
        PATHS["chat"], json=body("chat", "x " * 300_000), headers=headers("chat")
    )

    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "context_length_exceeded"


async def test_an_answer_keeps_the_pace_it_was_told(client: httpx2.AsyncClient) -> None:
    started = time.monotonic()
    await ask(client, "chat", "bench n=40 r=200 k=prose id=x")
    paced = time.monotonic() - started

    assert 0.17 <= paced <= 15  # 0.2 s, and what a busy machine adds


async def test_content_arrives_while_the_rest_is_still_to_come() -> None:
    simulator = Simulator(SimSettings(speed=20, first_token=1))
    async with (
        httpx2.AsyncClient(transport=SimTransport(simulator), base_url="http://sim") as client,
        client.stream(
            "POST", PATHS["chat"], json=body("chat", "markdown"), headers=headers("chat")
        ) as reply,
    ):
        began = time.monotonic()
        raw = b""
        async for chunk in reply.aiter_bytes():
            raw += chunk
            if b'"content":"#' in chunk:
                break
        waited = time.monotonic() - began

    assert waited > 0.2, "the headers came with the content"
    assert b"[DONE]" not in raw


@pytest.mark.parametrize("wire", WIRES)
async def test_a_benchmark_streams_as_many_tokens_as_asked(
    client: httpx2.AsyncClient, wire: str
) -> None:
    model = "mock-md"
    raw = await ask(client, wire, "bench n=300 r=0 k=md id=a1", model=model)

    text = text_of(wire, raw)
    assert text.startswith("alphaa1")
    assert text.endswith("omegaa1")
    assert raw.count(b"\n\n") >= 300


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"anthropic-version": "2026-10-21"}, 401),
        ({"anthropic-version": "2026-10-21", "x-api-key": "invalid"}, 401),
        ({"anthropic-version": "2026-10-21", "authorization": "Bearer k"}, 200),
        ({"x-api-key": "k"}, 400),
    ],
)
async def test_a_key_and_a_version_are_required(
    client: httpx2.AsyncClient, sent: dict[str, str], status: int
) -> None:
    reply = await client.post(PATHS["anthropic"], json=body("anthropic", "hi"), headers=sent)

    assert reply.status_code == status


async def test_a_wrong_key_is_shown_masked(client: httpx2.AsyncClient) -> None:
    sent = {"authorization": "Bearer sk-invalid-123456"}

    reply = await client.post(PATHS["chat"], json=body("chat", "hi"), headers=sent)

    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "invalid_api_key"
    assert "sk-invalid-123456" not in reply.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/embeddings", 404),
        ("GET", "/", 404),
        ("GET", "/v1/messages", 405),
        ("POST", "/compat/v1/responses", 404),
        ("GET", "/v1/models/nothing", 404),
        ("GET", "/anthropic/v1/models", 200),
        ("GET", "/openai/v1/models", 200),
        ("GET", "/compat/v1/models", 200),
        ("GET", "/models", 200),
    ],
)
async def test_only_known_paths_are_served(
    client: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    reply = await client.request(method, path, headers=headers("chat"))

    assert reply.status_code == status


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b"1" * 5000])
async def test_a_body_that_is_no_object_is_refused(client: httpx2.AsyncClient, raw: bytes) -> None:
    reply = await client.post(PATHS["chat"], content=raw, headers=headers("chat"))

    assert reply.status_code == 400
    assert reply.json()["error"]["message"]


async def test_the_last_requests_are_kept_for_a_look(
    sim: Simulator, client: httpx2.AsyncClient
) -> None:
    await ask(client, "chat", "hi")

    seen = sim.requests[-1]
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    assert json.loads(seen.body)["model"] == "gpt-4o"


# Gemini's paths name the model; they have a file of their own.
@pytest.mark.parametrize(
    "model", [row for row in catalog.MODELS if row.vendor != "gemini"], ids=lambda row: row.id
)
async def test_every_model_on_offer_answers(
    client: httpx2.AsyncClient, model: catalog.SimModel
) -> None:
    wires = {"openai": ["responses", "chat"]}.get(model.vendor, [model.vendor])
    for wire in wires:
        assert text_of(wire, await ask(client, wire, "hello", model=model.id))


def test_a_dated_name_is_the_model_it_dates() -> None:
    assert catalog.find("claude-sonnet-4-5-20250929", "anthropic") == catalog.find(
        "claude-sonnet-4-5", "anthropic"
    )
    assert catalog.find("gpt-5-2025-08-07", "openai") is not None
    assert catalog.find("gpt-5", "anthropic") is None


@given(st.binary(max_size=200))
def test_no_body_makes_the_simulator_fall_over(raw: bytes) -> None:
    async def run() -> int:
        request = SimRequest("POST", PATHS["chat"], headers("chat"), raw)
        return (await Simulator().handle(request)).status

    assert asyncio.run(run()) == 400


KEYS = st.sampled_from(
    ["role", "content", "type", "text", "id", "call_id", "tool_calls", "output", "tool_use_id"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
VALUES = st.fixed_dictionaries(
    {"model": st.sampled_from(["gpt-4o", "claude-opus-5"])},
    optional={
        "messages": JSON,
        "input": JSON,
        "tools": JSON,
        "tool_choice": JSON,
        "system": JSON,
        "thinking": JSON,
        "reasoning": JSON,
        "max_tokens": JSON,
        "stream": st.booleans(),
    },
)


@given(VALUES, st.sampled_from(WIRES))
def test_no_document_makes_the_simulator_fall_over(document: Body, wire: str) -> None:
    async def run() -> int:
        raw = json.dumps(document).encode()
        reply = await Simulator().handle(SimRequest("POST", PATHS[wire], headers(wire), raw))
        if reply.body is not None:
            async for chunk in reply.body:
                assert not isinstance(chunk, Action)
        return reply.status

    assert asyncio.run(run()) in {200, 400, 404, 422}


@pytest.mark.parametrize(
    ("order", "stop"),
    [("stop=refusal", "refusal"), ("stop=length tokens=20", "max_tokens"), ("think=1", "end_turn")],
)
async def test_a_direction_decides_how_the_answer_ends(
    client: httpx2.AsyncClient, order: str, stop: str
) -> None:
    document = json.loads(await ask(client, "anthropic", f"sim: {order}", stream=False))

    assert document["stop_reason"] == stop
    assert (document["stop_details"] is not None) == (stop == "refusal")


async def test_a_benchmark_can_think_for_half_of_its_tokens(client: httpx2.AsyncClient) -> None:
    raw = await ask(client, "compat", "bench n=100 r=0 k=think id=x", stream=False)

    usage = json.loads(raw)["usage"]
    assert usage["completion_tokens"] == 100
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 50


async def test_newer_gpts_tell_commentary_from_the_answer(client: httpx2.AsyncClient) -> None:
    async def phase(prompt: str, model: str) -> object:
        more = {"model": model, "tools": tools("responses"), "stream": False}
        raw = await ask(client, "responses", prompt, **more)
        message = next(i for i in json.loads(raw)["output"] if i["type"] == "message")
        return message.get("phase")

    assert await phase("list files", "gpt-6.1-sol") == "commentary"
    assert await phase("hello", "gpt-6.1-sol") == "final_answer"
    assert await phase("hello", "gpt-4o") is None


async def test_both_vendors_count_tokens(client: httpx2.AsyncClient) -> None:
    claude = body("anthropic", "hello")
    del claude["max_tokens"]
    del claude["stream"]
    wrong = {**claude, "messages": []}

    first = await client.post(
        "/v1/messages/count_tokens", json=claude, headers=headers("anthropic")
    )
    second = await client.post(
        "/v1/responses/input_tokens", json=body("responses", "hello"), headers=headers("responses")
    )
    third = await client.post("/v1/messages/count_tokens", json=wrong, headers=headers("anthropic"))

    assert first.json()["input_tokens"] > 0
    assert second.json()["object"] == "response.input_tokens"
    assert third.status_code == 400


async def test_images_of_chat_tool_results_are_no_new_question(client: httpx2.AsyncClient) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    messages = [
        {"role": "user", "content": "list files"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "see below"},
        {"role": "user", "content": [{"type": "text", "text": "From the tool:"}, picture]},
    ]

    raw = await ask(client, "chat", "", messages=messages, tools=tools("chat"))

    assert "**look**" in text_of("chat", raw)


async def test_a_request_of_more_than_32_megabytes_is_too_large(client: httpx2.AsyncClient) -> None:
    raw = b" " * (32 * 1024 * 1024 + 1)

    reply = await client.post(PATHS["anthropic"], content=raw, headers=headers("anthropic"))

    assert reply.status_code == 413
    assert reply.json()["error"]["type"] == "request_too_large"


async def test_only_some_megabytes_of_requests_are_kept() -> None:
    simulator = Simulator()

    for _ in range(4):
        await simulator.handle(SimRequest("POST", "/nowhere", body=b"x" * 1_500_000))

    assert len(simulator.requests) == 2

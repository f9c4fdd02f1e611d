"""A body for every rule of Cohere's, wrong in exactly one way, and what the vendor accepted."""

from __future__ import annotations

import copy
import json
from typing import Any

import httpx2
import pytest

from flux_tui.sim.rules import cohere
from tests.sim.helpers import PATHS, body, headers, recorded, recorded_root

Body = dict[str, Any]
USER = {"role": "user", "content": "hi"}
ANSWER = {"role": "assistant", "content": "ok"}
RESULT = {"role": "tool", "tool_call_id": "t_1", "content": "done"}
TOOL = {"type": "function", "function": {"name": "t", "parameters": {"type": "object"}}}
PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
THINKING = {"type": "thinking", "thinking": "hm"}
DOCUMENT = {"type": "document", "document": {"data": {"text": "x"}, "id": "d"}}
THINKER = "command-a-reasoning-08-2025"
SEER = "command-a-vision-07-2025"


def call(name: str = "t_1", arguments: str = "{}") -> Body:
    return {"id": name, "type": "function", "function": {"name": "t", "arguments": arguments}}


def calling(*calls: Body) -> Body:
    return {"role": "assistant", "tool_plan": "I will.", "tool_calls": list(calls) or [call()]}


def chat(*messages: Body, **more: object) -> Body:
    return {"model": "command-a-03-2025", "messages": list(messages) or [USER], **more}


def user(*parts: Body) -> Body:
    return {"role": "user", "content": list(parts)}


LOOP = (USER, calling(), RESULT)
GOOD: dict[str, Body] = {
    "plain": chat(),
    "system": chat({"role": "system", "content": "Be brief."}, USER),
    "two users": chat(USER, USER),
    "tool loop": chat(*LOOP, tools=[TOOL]),
    "user after tool": chat(*LOOP, USER, tools=[TOOL]),
    "documents in a result": chat(*LOOP[:2], {**RESULT, "content": [DOCUMENT]}),
    "calls with words": chat(USER, {**calling(), "content": "Wait."}, RESULT),
    "thinking goes back": chat(
        USER, {"role": "assistant", "content": [THINKING, {"type": "text", "text": "ok"}]}, USER
    ),
    "image": chat(user(PNG), model=SEER),
    "thinking": chat(model=THINKER, thinking={"type": "enabled", "token_budget": 100}),
    "no thinking": chat(model=THINKER, thinking={"type": "disabled"}),
    "required tool": chat(tools=[TOOL], tool_choice="REQUIRED"),
    "nucleus": chat(p=0.9, k=40, temperature=0.3),
    "documents": chat(documents=[{"id": "d", "data": {"text": "x"}}]),
}
BAD: list[tuple[str, Body]] = [
    ("H0", chat(top_p=0.5)),
    ("H0", chat(parallel_tool_calls=False)),
    ("H0", chat({**USER, "name": "Ann"})),
    ("H0", chat({"role": "developer", "content": "x"}, USER)),
    ("H0", chat(USER, {**RESULT, "content": [PNG]})),
    ("H0", chat(USER, {**ANSWER, "prefix": True}, USER)),
    ("H0", chat(max_tokens="many")),
    ("H0", chat(max_tokens=0)),
    ("H0", {"messages": [USER]}),
    ("H1", chat(messages=[])),
    ("H1", chat({"role": "user", "content": " "})),
    ("H1", chat(USER, {"role": "assistant", "content": ""}, USER)),
    ("H2", chat(USER, ANSWER, RESULT)),
    ("H2", chat(*LOOP, {**RESULT, "tool_call_id": "other"})),
    ("H3", chat(tools=[TOOL], tool_choice="auto")),
    ("H3", chat(tool_choice="REQUIRED")),
    ("H4", chat(USER, ANSWER)),
    ("H5", chat(USER, calling(), USER)),
    ("H5", chat(USER, calling(call(), call("t_2")), RESULT)),
    ("H6", chat(USER, calling(), {**RESULT, "content": ""})),
    ("H7", chat(USER, calling(call(arguments="{")), RESULT)),
    ("H8", chat(p=1.0)),
    ("H8", chat(frequency_penalty=-1)),
    ("H8", chat(stop_sequences=list("abcdef"))),
    ("H9", chat(USER, calling(call(), call()), RESULT)),
    ("H-image", chat(user(PNG))),
    (
        "H-image",
        chat(user({**PNG, "image_url": {"url": "data:image/bmp;base64,aGk="}}), model=SEER),
    ),
    ("H-image", chat(user(*[PNG] * 21), model=SEER)),
    ("H-tool", chat(tools=[TOOL], model=SEER)),
    ("H-tool", chat(tools=[TOOL, TOOL])),
    ("H-tool", chat(tools=[{**TOOL, "function": {"name": "a b", "parameters": {}}}])),
    (
        "H-tool",
        chat(tools=[{**TOOL, "function": {"name": "a", "parameters": {"type": "array"}}}]),
    ),
    ("H-safety", chat(tools=[TOOL], safety_mode="STRICT")),
    ("H-output", chat(max_tokens=9_000)),
    ("H-thinking", chat(thinking={"type": "enabled"})),
]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_body_passes(name: str) -> None:
    assert cohere.check(copy.deepcopy(GOOD[name])) == []


@pytest.mark.parametrize(("rule", "given"), BAD, ids=[f"{n}-{r}" for n, (r, _) in enumerate(BAD)])
def test_a_wrong_body_breaks_its_rule(rule: str, given: Body) -> None:
    before = copy.deepcopy(given)

    assert {violation.rule for violation in cohere.check(given)} == {rule}
    assert given == before


def test_every_rule_has_a_wrong_body() -> None:
    assert len({rule for rule, _ in BAD}) >= 12


@pytest.mark.skipif(not recorded_root().is_dir(), reason="the recorded traffic is not at hand")
def test_every_request_the_vendor_accepted_passes() -> None:
    accepted = [(name, sent) for name, status, sent in recorded("cohere") if status == 200]

    assert len(accepted) >= 12
    assert {name: cohere.check(sent) for name, sent in accepted if cohere.check(sent)} == {}


@pytest.mark.parametrize(
    ("given", "status", "message"),
    [
        (chat(*LOOP[:1], ANSWER, RESULT), 400, "tool call id not found in previous tool calls"),
        (chat(model="gpt-4o"), 404, "model 'gpt-4o' not found"),
        (chat(top_p=1), 400, "unknown field: parameter 'top_p'"),
    ],
)
async def test_a_refusal_is_one_sentence(
    client: httpx2.AsyncClient, given: Body, status: int, message: str
) -> None:
    reply = await client.post(PATHS["cohere"], json=given, headers=headers("cohere"))

    assert reply.status_code == status
    assert set(reply.json()) == {"id", "message"}
    assert message in reply.json()["message"]


async def test_a_missing_key_is_told(client: httpx2.AsyncClient) -> None:
    reply = await client.post(PATHS["cohere"], json=chat())

    assert (reply.status_code, reply.json()["message"]) == (401, "no api key supplied")


async def test_the_list_tells_what_a_model_takes(client: httpx2.AsyncClient) -> None:
    listed = (await client.get("/cohere/v1/models?endpoint=chat", headers=headers("cohere"))).json()

    by_name = {row["name"]: row for row in listed["models"]}
    assert by_name[THINKER]["context_length"] == 256_000
    assert by_name[SEER]["features"] == ["vision"]
    assert listed["next_page_token"] == ""


async def test_what_is_said_before_calls_is_a_plan(client: httpx2.AsyncClient) -> None:
    prompt = 'sim: tool=t:{"a":1} tool=t:{"a":2} text="I will." think=1'
    sent = body("cohere", prompt, tools=[TOOL], model=THINKER)

    raw = (await client.post(PATHS["cohere"], json=sent, headers=headers("cohere"))).text

    lines = [line[6:] for line in raw.splitlines() if line.startswith("data: ")]
    kinds = [line[7:] for line in raw.splitlines() if line.startswith("event: ")]
    events = [json.loads(line) for line in lines[:-1]]
    assert lines[-1] == "[DONE]"
    assert list(dict.fromkeys(kinds)) == [
        "message-start",
        "content-start",
        "content-delta",
        "content-end",
        "tool-plan-delta",
        "tool-call-start",
        "tool-call-delta",
        "tool-call-end",
        "message-end",
    ]
    assert [event["type"] for event in events] == kinds
    assert events[-1]["delta"]["finish_reason"] == "TOOL_CALL"
    assert events[-1]["delta"]["usage"]["billed_units"]["output_tokens"] > 0


async def test_thinking_can_be_turned_off(client: httpx2.AsyncClient) -> None:
    async def thought(**more: object) -> bool:
        sent = body("cohere", "hello", model=THINKER, **more)
        reply = await client.post(PATHS["cohere"], json=sent, headers=headers("cohere"))
        return '"thinking"' in reply.text

    assert await thought()
    assert not await thought(thinking={"type": "disabled"})


async def test_a_whole_answer_is_one_document(client: httpx2.AsyncClient) -> None:
    sent = body("cohere", "hello", stream=False, stop_sequences=["simulator"])

    reply = (await client.post(PATHS["cohere"], json=sent, headers=headers("cohere"))).json()

    assert reply["finish_reason"] == "STOP_SEQUENCE"
    assert reply["message"]["content"][0]["type"] == "text"

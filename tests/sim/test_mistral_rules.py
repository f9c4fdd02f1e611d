"""A body for every rule of Mistral's, wrong in exactly one way, and what the vendor accepted."""

from __future__ import annotations

import copy
import json
from typing import Any

import httpx2
import pytest

from flux_tui.sim.rules import mistral
from tests.sim.helpers import PATHS, body, headers, recorded, recorded_root

Body = dict[str, Any]
USER = {"role": "user", "content": "hi"}
ANSWER = {"role": "assistant", "content": "ok"}
RESULT = {"role": "tool", "tool_call_id": "abcdefgh1", "name": "t", "content": "done"}
TOOL = {"type": "function", "function": {"name": "t", "parameters": {"type": "object"}}}
PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
PDF = {"type": "document_url", "document_url": "data:application/pdf;base64,aGk="}
THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}


def call(name: str = "abcdefgh1", arguments: object = "{}") -> Body:
    return {"id": name, "type": "function", "function": {"name": "t", "arguments": arguments}}


def calling(*calls: Body) -> Body:
    return {"role": "assistant", "content": "", "tool_calls": list(calls) or [call()]}


def chat(*messages: Body, **more: object) -> Body:
    return {"model": "mistral-medium-3-5", "messages": list(messages) or [USER], **more}


def user(*chunks: Body) -> Body:
    return {"role": "user", "content": list(chunks)}


LOOP = (USER, calling(), RESULT)
GOOD: dict[str, Body] = {
    "plain": chat(),
    "system first": chat({"role": "system", "content": "Be brief."}, USER),
    "two users": chat(USER, USER),
    "tool loop": chat(*LOOP, tools=[TOOL]),
    "arguments as an object": chat(USER, calling(call(arguments={"a": 1})), RESULT),
    "parallel calls": chat(
        USER, calling(call(), call("abcdefgh2")), RESULT, {**RESULT, "tool_call_id": "abcdefgh2"}
    ),
    "content is an empty list": chat(USER, {**calling(), "content": []}, RESULT),
    "answer between tool and user": chat(*LOOP, ANSWER, USER),
    "prefix": chat(USER, {**ANSWER, "prefix": True}),
    "thinking goes back": chat(USER, {"role": "assistant", "content": [THINKING]}, USER),
    "signed thinking": chat(
        USER, {"role": "assistant", "content": [{**THINKING, "signature": "s"}]}, USER
    ),
    "image and PDF file": chat(user({"type": "text", "text": "see"}, PNG, PDF)),
    "image as bare text": chat(user({"type": "image_url", "image_url": "https://x/y.png"})),
    "effort": chat(reasoning_effort="high"),
    "mode": chat(model="magistral-medium-2509", prompt_mode="reasoning"),
    "any tool": chat(tools=[TOOL], tool_choice="any"),
    "one tool": chat(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "t"}}),
    "tool without a type": chat(tools=[{"function": TOOL["function"]}]),
}
BAD: list[tuple[str, Body]] = [
    ("M0", chat(max_completion_tokens=9)),
    ("M0", chat(stream_options={"include_usage": True})),
    ("M0", chat({**USER, "name": "Ann"})),
    ("M0", chat(USER, {**ANSWER, "reasoning_content": "hm"}, USER)),
    ("M0", chat(user(THINKING))),
    ("M0", chat({"role": "developer", "content": "x"}, USER)),
    ("M0", chat(max_tokens="many")),
    ("M0", chat(reasoning_effort="huge")),
    ("M0", chat(max_tokens=-1)),
    ("M0", {"messages": [USER]}),
    ("M1", {"model": "m", "messages": []}),
    ("M1", chat({"role": "user", "content": ""})),
    ("M1", chat(USER, {"role": "assistant", "content": ""}, USER)),
    ("M2", chat(USER, calling(call("call_123")), {**RESULT, "tool_call_id": "call_123"})),
    ("M2", chat(USER, calling(call("abc-efgh1")), {**RESULT, "tool_call_id": "abc-efgh1"})),
    ("M2", chat(USER, calling(call(), call()), RESULT, RESULT)),
    ("M3", chat(USER, calling(), ANSWER, USER)),
    ("M3", chat(USER, calling(call(), call("abcdefgh2")), RESULT)),
    ("M4", chat(USER, ANSWER, RESULT)),
    ("M4", chat(*LOOP, RESULT)),
    ("M5", chat(*LOOP, USER)),
    ("M6", chat(USER, {"role": "system", "content": "x"}, USER)),
    ("M7", chat(USER, ANSWER)),
    ("M7", chat({"role": "system", "content": "x"})),
    ("M8", chat(USER, {**ANSWER, "prefix": True}, USER)),
    ("M9", chat(temperature=2)),
    ("M9", chat(top_p=-0.1)),
    ("M10", chat(USER, calling(call(arguments="{")), RESULT)),
    ("M10", chat(USER, calling(call(arguments="[]")), RESULT)),
    ("M-tool", chat(tools=[{"function": {"name": "a b", "parameters": {}}}])),
    ("M-tool", chat(tools=[{"function": {"name": "a", "parameters": {"type": "array"}}}])),
    ("M-tool-choice", chat(tool_choice="required")),
    ("M-tool-choice", chat(tools=[TOOL], tool_choice={"function": {"name": "other"}})),
    ("M-stop", chat(stop=list("abcde"))),
    ("M-image", chat(user({**PNG, "image_url": "data:image/bmp;base64,aGk="}))),
    ("M-image", chat(user(PNG), model="codestral-2508")),
    ("M-document", chat(user({**PDF, "document_url": "data:text/plain;base64,aGk="}))),
    ("M-effort", chat(reasoning_effort="high", model="mistral-large-2512")),
    ("M-effort", chat(reasoning_effort="low")),
    ("M-effort", chat(prompt_mode="reasoning")),
]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_body_passes(name: str) -> None:
    assert mistral.check(copy.deepcopy(GOOD[name])) == []


@pytest.mark.parametrize(("rule", "given"), BAD, ids=[f"{n}-{r}" for n, (r, _) in enumerate(BAD)])
def test_a_wrong_body_breaks_its_rule(rule: str, given: Body) -> None:
    before = copy.deepcopy(given)

    assert {violation.rule for violation in mistral.check(given)} == {rule}
    assert given == before


def test_every_rule_has_a_wrong_body() -> None:
    assert len({rule for rule, _ in BAD}) >= 12


@pytest.mark.skipif(not recorded_root().is_dir(), reason="the recorded traffic is not at hand")
def test_every_request_the_vendor_accepted_passes() -> None:
    accepted = [(name, sent) for name, status, sent in recorded("mistral") if status == 200]

    assert len(accepted) >= 6
    assert {name: mistral.check(sent) for name, sent in accepted if mistral.check(sent)} == {}


async def test_a_broken_shape_is_a_list_of_places(client: httpx2.AsyncClient) -> None:
    sent = body("mistral", "hi", max_completion_tokens=9)

    reply = await client.post(PATHS["mistral"], json=sent, headers=headers("mistral"))

    assert reply.status_code == 422
    assert reply.json() == {
        "object": "error",
        "message": {
            "detail": [
                {
                    "type": "extra_forbidden",
                    "loc": ["body", "max_completion_tokens"],
                    "msg": "Extra inputs are not permitted",
                    "input": None,
                }
            ]
        },
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


async def test_a_wrong_order_has_the_vendors_number(client: httpx2.AsyncClient) -> None:
    reply = await client.post(PATHS["mistral"], json=chat(*LOOP, USER), headers=headers("mistral"))

    assert reply.status_code == 400
    assert reply.json() == {
        "object": "error",
        "message": "Unexpected role 'user' after role 'tool'",
        "type": "invalid_request_message_order",
        "param": None,
        "code": "3230",
    }


async def test_a_missing_key_and_an_unknown_model(client: httpx2.AsyncClient) -> None:
    locked = await client.post(PATHS["mistral"], json=chat())
    unknown = await client.post(
        PATHS["mistral"], json=chat(model="gpt-4o"), headers=headers("mistral")
    )

    assert (locked.status_code, locked.json()) == (401, {"detail": "Unauthorized"})
    assert unknown.json()["type"] == "invalid_model"


async def test_the_list_tells_what_a_model_takes(client: httpx2.AsyncClient) -> None:
    listed = (await client.get("/mistral/v1/models", headers=headers("mistral"))).json()["data"]

    by_name = {row["id"]: row for row in listed}
    assert by_name["mistral-medium-3-5"]["max_context_length"] == 262_144
    assert not by_name["codestral-2508"]["capabilities"]["vision"]
    one = await client.get("/mistral/v1/models/devstral-2512", headers=headers("mistral"))
    assert one.json() == by_name["devstral-2512"]


async def test_calls_come_whole_and_usage_with_the_finish_reason(
    client: httpx2.AsyncClient,
) -> None:
    prompt = 'sim: tool=t:{"a":1} tool=t:{"a":2} think=1'
    sent = body("mistral", prompt, tools=[TOOL], reasoning_effort="high")

    raw = (await client.post(PATHS["mistral"], json=sent, headers=headers("mistral"))).text

    lines = [line[6:] for line in raw.splitlines() if line.startswith("data: ")]
    chunks = [json.loads(line) for line in lines[:-1]]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    calls = [entry for delta in deltas for entry in delta.get("tool_calls", [])]
    assert lines[-1] == "[DONE]"
    assert [entry["function"]["arguments"] for entry in calls] == ['{"a":1}', '{"a":2}']
    assert all(len(entry["id"]) == 9 and entry["id"].isalnum() for entry in calls)
    assert deltas[1]["content"][0]["type"] == "thinking"
    assert ["usage" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"

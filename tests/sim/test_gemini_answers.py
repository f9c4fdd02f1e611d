"""The simulator speaks Gemini: streams, documents, calls, signatures, counts, faults, lists."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from flux_tui.sim import catalog
from flux_tui.sim.app import Simulator
from flux_tui.sim.rules.gemini_models import SENTINELS
from tests.sim.helpers import TOOL_SCHEMAS, events

Body = dict[str, Any]
MODEL = "gemini-3.5-flash"
OFFERED = catalog.offered("gemini")
CALLS = 'sim: tool=read_file:{"path":"a.md"} tool=read_file:{"path":"b.md"} think=1'
TOOLS = [
    {
        "functionDeclarations": [
            {"name": name, "parametersJsonSchema": schema} for name, schema in TOOL_SCHEMAS.items()
        ]
    }
]
THOUGHTS = {"thinkingConfig": {"includeThoughts": True}}


def asked(prompt: str, **more: object) -> Body:
    return {"contents": [{"role": "user", "parts": [{"text": prompt}]}], **more}


async def post(
    client: httpx2.AsyncClient,
    body: Body,
    model: str = MODEL,
    verb: str = "streamGenerateContent",
    key: str = "k",
) -> httpx2.Response:
    path = f"/gemini/v1beta/models/{model}:{verb}?alt=sse"
    return await client.post(path, json=body, headers={"x-goog-api-key": key}, timeout=30)


def parts(reply: httpx2.Response) -> list[Body]:
    candidates = [c for event in events(reply.content) for c in event.get("candidates", [])]
    return [part for c in candidates for part in c["content"]["parts"]]


def answers(calls: list[Body]) -> Body:
    named = [{k: v for k, v in part["functionCall"].items() if k != "args"} for part in calls]
    made = [{"functionResponse": {**one, "response": {"output": "# Title"}}} for one in named]
    return {"role": "user", "parts": made}


@pytest.mark.parametrize("model", OFFERED, ids=lambda row: row.id)
async def test_every_model_on_offer_answers(
    client: httpx2.AsyncClient, model: catalog.SimModel
) -> None:
    reply = await post(client, asked("hello"), model.id)

    assert reply.status_code == 200, reply.text
    assert f"as `{model.id}`" in "".join(part["text"] for part in parts(reply))


async def test_a_stream_ends_with_its_reason_and_its_counts(client: httpx2.AsyncClient) -> None:
    body = asked("think of something", generationConfig=THOUGHTS)

    told = events((await post(client, body)).content)

    last: Any = told[-1]
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert [e for e in told[:-1] if "finishReason" in e["candidates"][0]] == []  # type: ignore[index]
    usage = last["usageMetadata"]
    assert usage["thoughtsTokenCount"] > 0
    assert usage["totalTokenCount"] == (
        usage["promptTokenCount"] + usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]
    )
    assert last["candidates"][0]["content"]["parts"][0]["text"] == ""
    assert last["candidates"][0]["content"]["parts"][0]["thoughtSignature"]


async def test_thoughts_are_shown_only_when_asked_for(client: httpx2.AsyncClient) -> None:
    shown = await post(client, asked("think", generationConfig=THOUGHTS))
    hidden = await post(client, asked("think"))

    assert [part for part in parts(shown) if part.get("thought")]
    assert [part for part in parts(hidden) if part.get("thought")] == []


async def test_one_document_says_what_the_stream_says(client: httpx2.AsyncClient) -> None:
    body = asked("think of a table", generationConfig=THOUGHTS)
    streamed = parts(await post(client, body))

    whole = (await post(client, body, verb="generateContent")).json()

    made = whole["candidates"][0]["content"]["parts"]
    for thought in (True, False):
        texts = [
            "".join(part["text"] for part in given if bool(part.get("thought")) is thought)
            for given in (streamed, made)
        ]
        assert texts[0] == texts[1] != ""
    assert whole["candidates"][0]["finishReason"] == "STOP"


async def test_of_parallel_calls_only_the_first_is_signed(client: httpx2.AsyncClient) -> None:
    made = [p for p in parts(await post(client, asked(CALLS, tools=TOOLS))) if "functionCall" in p]

    assert [part["functionCall"]["args"] for part in made] == [{"path": "a.md"}, {"path": "b.md"}]
    assert ["thoughtSignature" in part for part in made] == [True, False]
    assert made[0]["functionCall"]["id"] != made[1]["functionCall"]["id"]


async def test_an_older_model_gives_neither_signature_nor_id(client: httpx2.AsyncClient) -> None:
    reply = await post(client, asked(CALLS, tools=TOOLS), "gemini-2.0-flash")

    made = [part for part in parts(reply) if "functionCall" in part]
    assert [list(part) for part in made] == [["functionCall"], ["functionCall"]]
    assert [list(part["functionCall"]) for part in made] == [["name", "args"]] * 2


async def test_calls_and_their_results_go_round(client: httpx2.AsyncClient) -> None:
    body = asked(CALLS, tools=TOOLS)
    made = [part for part in parts(await post(client, body)) if "functionCall" in part]
    body["contents"] += [{"role": "model", "parts": made}, answers(made)]

    reply = await post(client, body)

    assert reply.status_code == 200, reply.text
    assert "read_file" in "".join(part.get("text", "") for part in parts(reply))


@pytest.mark.parametrize("sentinel", sorted(SENTINELS))
async def test_the_sentinels_stand_for_a_signature(
    client: httpx2.AsyncClient, sentinel: str
) -> None:
    call = {"functionCall": {"name": "read_file", "args": {}}, "thoughtSignature": sentinel}
    body = asked("hello", tools=TOOLS)
    body["contents"] += [{"role": "model", "parts": [call]}, answers([call])]

    assert (await post(client, body)).status_code == 200


@pytest.mark.parametrize("signature", ["c2lnbmVk", "of another model"])
async def test_a_foreign_signature_is_refused(client: httpx2.AsyncClient, signature: str) -> None:
    if signature != "c2lnbmVk":
        made = parts(await post(client, asked(CALLS, tools=TOOLS), "gemini-3.6-flash"))
        signature = next(p["thoughtSignature"] for p in made if "functionCall" in p)
    call = {"functionCall": {"name": "read_file", "args": {}}, "thoughtSignature": signature}
    body = asked("hello", tools=TOOLS)
    body["contents"] += [{"role": "model", "parts": [call]}, answers([call])]

    reply = await post(client, body)

    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == "Corrupted thought signature."


async def test_images_are_counted_and_results_of_tools_are_no_question(
    client: httpx2.AsyncClient,
) -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
    body = asked("What is this?")
    body["contents"][0]["parts"] += [image, image]

    said = "".join(part["text"] for part in parts(await post(client, body)))

    assert "2 attachments (2 × `image/png`)" in said


async def test_the_same_beginning_is_read_from_the_cache(client: httpx2.AsyncClient) -> None:
    body = asked("hello, " * 50)

    counts = [events((await post(client, body)).content)[-1]["usageMetadata"] for _ in range(2)]

    assert "cachedContentTokenCount" not in counts[0]  # type: ignore[operator]
    assert counts[1]["cachedContentTokenCount"] == counts[1]["promptTokenCount"]  # type: ignore[index]


async def test_a_tool_may_be_forced_and_a_schema_too(client: httpx2.AsyncClient) -> None:
    forced = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["run_shell"]}}
    config = {
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}},
    }

    called = parts(await post(client, asked("hello", tools=TOOLS, toolConfig=forced)))
    typed = parts(await post(client, asked("hello", generationConfig=config)))

    assert [p["functionCall"]["name"] for p in called if "functionCall" in p] == ["run_shell"]
    assert json.loads("".join(part["text"] for part in typed)) == {"n": 1}


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("sim: stop=refusal", "SAFETY"),
        ("sim: tokens=5 stop=length", "MAX_TOKENS"),
        ("sim: tool=read_file:{broken", "MALFORMED_FUNCTION_CALL"),
    ],
)
async def test_an_answer_can_end_badly(
    client: httpx2.AsyncClient, prompt: str, reason: str
) -> None:
    last: Any = events((await post(client, asked(prompt, tools=TOOLS))).content)[-1]

    assert last["candidates"][0]["finishReason"] == reason


@pytest.mark.parametrize(
    ("fault", "code", "status", "detail"),
    [
        ("unauthorized", 400, "INVALID_ARGUMENT", "API_KEY_INVALID"),
        ("rate-limit", 429, "RESOURCE_EXHAUSTED", '"retryDelay":"2s"'),
        ("quota", 429, "RESOURCE_EXHAUSTED", "PerDay"),
        ("overloaded", 503, "UNAVAILABLE", ""),
        ("server-error", 500, "INTERNAL", ""),
        ("not-found", 404, "NOT_FOUND", "is not found for API version v1beta"),
        ("context", 400, "INVALID_ARGUMENT", "exceeds the maximum number of tokens"),
        ("invalid-signature", 400, "INVALID_ARGUMENT", "Corrupted thought signature"),
    ],
)
async def test_a_fault_comes_in_googles_own_error_body(
    client: httpx2.AsyncClient, fault: str, code: int, status: str, detail: str
) -> None:
    reply = await post(client, asked(f"sim: fault={fault}"))

    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["status"]) == (code, code, status)
    assert detail in reply.text
    assert "retry-after" not in reply.headers


async def test_keys_are_asked_for(client: httpx2.AsyncClient) -> None:
    assert (await post(client, asked("hello"), key="")).status_code == 403
    assert (await post(client, asked("hello"), key="invalid")).status_code == 400


async def test_a_wrong_request_is_refused_with_its_field(client: httpx2.AsyncClient) -> None:
    reply = await post(client, asked("hello", stream=True))

    error = reply.json()["error"]
    assert reply.status_code == 400
    assert error["details"][0]["fieldViolations"][0]["field"] == "stream"


async def test_the_models_are_listed_and_described(client: httpx2.AsyncClient) -> None:
    headers = {"x-goog-api-key": "k"}
    rows = (await client.get("/gemini/v1beta/models", headers=headers)).json()["models"]
    one = (await client.get(f"/gemini/v1beta/models/{MODEL}", headers=headers)).json()
    none = await client.get("/gemini/v1beta/models/gemini-9", headers=headers)

    assert [row["name"] for row in rows][:-1] == [f"models/{row.id}" for row in OFFERED]
    assert one in rows
    assert none.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", f"/gemini/v1beta/models/{MODEL}:embedContent", 404),
        ("PUT", f"/gemini/v1beta/models/{MODEL}:generateContent", 405),
        ("POST", "/gemini/v1beta/models/gemini-9:generateContent", 404),
        ("POST", f"/v1beta/models/{MODEL}:generateContent", 200),
    ],
)
async def test_paths_that_nobody_serves(
    client: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    headers = {"x-goog-api-key": "k"}

    reply = await client.request(method, path, headers=headers, json=asked("hello"))

    assert reply.status_code == status


async def test_a_fault_may_strike_before_the_body_is_read(
    client: httpx2.AsyncClient, sim: Simulator
) -> None:
    sim.inject("not-found")

    reply = await post(client, asked("hello"))

    assert f"models/{MODEL} is not found" in reply.json()["error"]["message"]

"""Reasoning can be replayed to the model that made it, in its place, and nowhere else."""

from __future__ import annotations

import httpx2
import pytest

from tests.sim.helpers import body, headers, tools

Body = dict[str, object]


async def post(
    client: httpx2.AsyncClient, wire: str, request: Body, **more: str
) -> httpx2.Response:
    path = "/v1/messages" if wire == "anthropic" else "/v1/responses"
    return await client.post(path, json=request, headers=headers(wire, **more))


async def thought(client: httpx2.AsyncClient, model: str, **more: object) -> list[Body]:
    first = body("anthropic", "think", stream=False, model=model, **more)
    reply = await post(client, "anthropic", first)
    assert reply.status_code == 200, reply.text
    return reply.json()["content"]


def follow_up(model: str, content: list[Body], **more: object) -> Body:
    messages = [
        {"role": "user", "content": "think"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": "go on"},
    ]
    return body("anthropic", "", stream=False, model=model, messages=messages, **more)


async def test_thinking_goes_back_to_its_model(client: httpx2.AsyncClient) -> None:
    content = await thought(client, "claude-opus-5")

    reply = await post(client, "anthropic", follow_up("claude-opus-5", content))

    assert reply.status_code == 200


@pytest.mark.parametrize("change", ["model", "text", "signature"])
async def test_thinking_of_another_origin_is_refused(
    client: httpx2.AsyncClient, change: str
) -> None:
    content = await thought(client, "claude-opus-5")
    model = "claude-opus-4-8" if change == "model" else "claude-opus-5"
    if change == "text":
        content[0]["thinking"] = "something else"
    if change == "signature":
        content[0]["signature"] = "ErUBCkYIARgCIkCepoF8"

    reply = await post(client, "anthropic", follow_up(model, content))

    assert reply.status_code == 400
    assert reply.json()["error"] == {
        "type": "invalid_request_error",
        "message": "messages.1.content.0: Invalid `signature` in `thinking` block",
    }


async def test_a_changed_prefix_unbinds_thinking_on_newer_models(
    client: httpx2.AsyncClient,
) -> None:
    content = await thought(client, "claude-opus-5-5", system="be brief")
    same = follow_up("claude-opus-5-5", content, system="be brief")
    marked = follow_up(
        "claude-opus-5-5",
        content,
        system=[{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
    )
    changed = follow_up("claude-opus-5-5", content, system="be long")
    drops = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}

    assert (await post(client, "anthropic", same)).status_code == 200
    assert (await post(client, "anthropic", marked)).status_code == 200
    refused = await post(client, "anthropic", changed)
    assert "bound to a different conversation" in refused.json()["error"]["message"]
    dropped = await post(
        client,
        "anthropic",
        {**changed, "thinking": drops},
        **{"anthropic-beta": "thinking-binding-controls-2026-08-01"},
    )
    assert dropped.status_code == 200
    assert (await post(client, "anthropic", {**changed, "thinking": drops})).status_code == 400


async def test_older_models_do_not_mind_a_changed_prefix(client: httpx2.AsyncClient) -> None:
    content = await thought(client, "claude-opus-5", system="be brief")

    reply = await post(client, "anthropic", follow_up("claude-opus-5", content, system="be long"))

    assert reply.status_code == 200


async def test_hidden_thinking_is_signed_and_can_be_replayed(client: httpx2.AsyncClient) -> None:
    messages = [{"role": "user", "content": "sim: think=2 redacted=1"}]
    first = body("anthropic", "", stream=False, model="claude-opus-5", messages=messages)
    content = (await post(client, "anthropic", first)).json()["content"]
    omitted = await thought(client, "claude-opus-5")

    again = [*messages, {"role": "assistant", "content": content}, *messages]
    reply = await post(client, "anthropic", {**first, "messages": again})

    assert content[0]["type"] == "redacted_thinking"
    assert reply.status_code == 200
    assert omitted[0]["thinking"] == ""
    assert omitted[0]["signature"]


async def reasoned(client: httpx2.AsyncClient) -> list[Body]:
    request = body("responses", "think and read a.txt", stream=False, tools=tools("responses"))
    reply = await post(client, "responses", request)
    assert reply.status_code == 200, reply.text
    items = reply.json()["output"]
    result = {"type": "function_call_output", "call_id": items[-1]["call_id"], "output": "x"}
    return [{"role": "user", "content": "think and read a.txt"}, *items, result]


def replay(items: list[Body], **more: object) -> Body:
    return body("responses", "", stream=False, tools=tools("responses"), **{"input": items, **more})


async def test_a_reasoning_item_goes_back_to_its_model(client: httpx2.AsyncClient) -> None:
    items = await reasoned(client)

    reply = await post(client, "responses", replay(items))

    assert reply.status_code == 200


@pytest.mark.parametrize("change", ["model", "ciphertext", "summary"])
async def test_a_reasoning_item_of_another_origin_is_refused(
    client: httpx2.AsyncClient, change: str
) -> None:
    items = await reasoned(client)
    if change == "ciphertext":
        items[1]["encrypted_content"] = "gAAAAABpgjunk"
    if change == "summary":
        items[1]["summary"] = [{"type": "summary_text", "text": "edited"}]
    model = "gpt-6-luna" if change == "model" else "gpt-6.1-sol"

    reply = await post(client, "responses", replay(items, model=model))

    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "invalid_encrypted_content"


@pytest.mark.parametrize("change", ["removed", "nameless"])
async def test_a_reasoning_item_needs_the_item_it_led_to(
    client: httpx2.AsyncClient, change: str
) -> None:
    items = await reasoned(client)
    if change == "removed":
        del items[2]  # the message; the call now follows
    else:
        del items[2]["id"]

    reply = await post(client, "responses", replay(items))

    assert reply.status_code == 400
    assert "without its required following item" in reply.json()["error"]["message"]


async def test_what_refers_to_stored_responses_is_not_found(client: httpx2.AsyncClient) -> None:
    chained = body("responses", "hi", previous_response_id="resp_1", store=True)
    reference = replay([{"type": "item_reference", "id": "msg_1"}], store=True)

    assert (await post(client, "responses", chained)).json()["error"]["code"] == (
        "previous_response_not_found"
    )
    assert (await post(client, "responses", reference)).status_code == 404

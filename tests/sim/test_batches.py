"""The batch endpoints, asked with the vendors' own packages."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from flux_tui.sim.app import SimSettings, Simulator
from flux_tui.sim.transport import SimTransport

PARAMS = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}
BODY = {"model": "gpt-5.5", "input": "Hello", "store": False}


@pytest.fixture
def sim() -> Simulator:
    return Simulator(SimSettings(batch_seconds=0.02))


def claude(sim: Simulator) -> anthropic.AsyncAnthropic:
    client = httpx2.AsyncClient(transport=SimTransport(sim))
    return anthropic.AsyncAnthropic(
        api_key="sk-k", base_url="http://sim/anthropic", http_client=client, max_retries=0
    )


def gpt(sim: Simulator) -> openai.AsyncOpenAI:
    client = httpx2.AsyncClient(transport=SimTransport(sim))
    return openai.AsyncOpenAI(
        api_key="sk-k", base_url="http://sim/openai/v1", http_client=client, max_retries=0
    )


def asked(custom_id: str, text: str = "Hello", **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"custom_id": custom_id, "params": {**PARAMS, "messages": messages, **more}}


def line(custom_id: str, url: str = "/v1/responses", **more: Any) -> str:
    body = {**BODY, **more}
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": url, "body": body})


async def message_batch(sim: Simulator, *requests: Any) -> dict[str, Any]:
    client = claude(sim)
    made = await client.messages.batches.create(requests=requests)
    assert made.processing_status == "in_progress"
    assert made.request_counts.processing == len(requests)
    while made.processing_status != "ended":
        await asyncio.sleep(0.01)
        made = await client.messages.batches.retrieve(made.id)
    path = f"/v1/messages/batches/{made.id}/results"
    reply = await client.get(path, cast_to=httpx2.Response)
    await client.close()
    return {row["custom_id"]: row["result"] for row in map(json.loads, reply.text.splitlines())}


async def openai_batch(sim: Simulator, *lines: str, endpoint: Any = "/v1/responses") -> Any:
    client = gpt(sim)
    content = "\n".join(lines).encode()
    file = await client.files.create(file=("in.jsonl", content), purpose="batch")
    made = await client.batches.create(
        input_file_id=file.id, endpoint=endpoint, completion_window="24h", metadata={"a": "b"}
    )
    while made.status == "in_progress":
        await asyncio.sleep(0.01)
        made = await client.batches.retrieve(made.id)
    rows: dict[str, Any] = {}
    for name in (made.output_file_id, made.error_file_id):
        text = (await client.files.content(name)).text if name else ""
        rows |= {row["custom_id"]: row for row in map(json.loads, text.splitlines())}
    await client.close()
    return made, rows


async def test_every_request_of_a_message_batch_gets_what_it_would_get_alone(
    sim: Simulator,
) -> None:
    found = await message_batch(
        sim,
        asked("good"),
        asked("wrong", temperature=5),
        asked("model", model="claude-0"),
        asked("stream", stream=True),
        asked("expired", "sim-batch: expired"),
        asked("canceled", "sim-batch: canceled"),
    )

    kinds = {name: result["type"] for name, result in found.items()}
    assert kinds == {
        "good": "succeeded",
        "wrong": "errored",
        "model": "errored",
        "stream": "errored",
        "expired": "expired",
        "canceled": "canceled",
    }
    assert found["good"]["message"]["stop_reason"] == "end_turn"
    assert found["model"]["error"]["error"]["type"] == "not_found_error"


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ([], "1 to 100000"),
        ([asked("a b")], "should match pattern"),
        ([asked("a"), asked("a")], "Duplicate"),
        ([{"custom_id": "a", "params": 1}], "should be an object"),
        ([{**asked("a"), "extra": 1}], "should be an object"),
    ],
)
async def test_a_message_batch_of_the_wrong_form_is_refused(
    sim: Simulator, requests: Any, words: str
) -> None:
    client = claude(sim)
    with pytest.raises(anthropic.BadRequestError, match=words):
        await client.messages.batches.create(requests=requests)
    await client.close()


async def test_results_before_the_end_and_strange_ids_are_not_found() -> None:
    client = claude(Simulator(SimSettings(batch_seconds=60)))
    made = await client.messages.batches.create(requests=[asked("a")])  # type: ignore[list-item]

    for name in (made.id, "msgbatch_none"):
        with pytest.raises(anthropic.NotFoundError):
            await client.get(f"/v1/messages/batches/{name}/results", cast_to=httpx2.Response)
    await client.close()


async def test_every_line_of_a_file_gets_what_it_would_get_alone(sim: Simulator) -> None:
    made, rows = await openai_batch(
        sim,
        line("good"),
        line("wrong", store="yes"),
        line("expired", input="sim-batch: expired"),
    )

    assert (made.status, made.metadata) == ("completed", {"a": "b"})
    assert rows["good"]["response"]["body"]["status"] == "completed"
    assert rows["wrong"]["response"]["status_code"] == 400
    assert rows["expired"]["error"]["code"] == "batch_expired"
    counts = made.request_counts
    assert (counts.total, counts.completed, counts.failed) == (3, 1, 2)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["{"], "invalid_json_line"),
        ([line("")], "missing_required_parameter"),
        ([line("a"), line("a")], "duplicate_custom_id"),
        ([line("a", url="/v1/chat/completions")], "invalid_url"),
        ([line("a"), line("b", model="gpt-5.4")], "mismatched_model"),
        ([json.dumps({"custom_id": "a", "method": "GET", "body": BODY})], "invalid_method"),
        ([""], "invalid_request_count"),
    ],
)
async def test_a_file_with_a_wrong_line_fails_as_a_whole(
    sim: Simulator, lines: list[str], code: str
) -> None:
    made, rows = await openai_batch(sim, *lines)

    assert made.status == "failed"
    assert code in [error.code for error in made.errors.data]
    assert rows == {}


async def test_a_batch_that_is_cancelled_answers_nothing_more(sim: Simulator) -> None:
    client = gpt(Simulator(SimSettings(batch_seconds=60)))
    file = await client.files.create(file=("in.jsonl", line("a").encode()), purpose="batch")
    made = await client.batches.create(
        input_file_id=file.id, endpoint="/v1/responses", completion_window="24h"
    )

    await client.batches.cancel(made.id)
    made = await client.batches.retrieve(made.id)

    assert made.status == "cancelled"
    assert [batch.id async for batch in client.batches.list()] == [made.id]
    await client.close()


async def test_a_key_is_needed(sim: Simulator) -> None:
    client = gpt(sim)
    client.api_key = "sk-invalid"
    with pytest.raises(openai.AuthenticationError):
        await client.batches.list()
    await client.close()

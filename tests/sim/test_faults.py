from __future__ import annotations

import asyncio
import json
import time
from email.utils import parsedate_to_datetime

import httpx2
import pytest

from flux_tui.sim.app import Simulator
from flux_tui.sim.faults import BYTES, CONNECTION, FAULTS, HTTP, HUGE_EVENT, STREAM
from flux_tui.sim.transport import SimTransport
from tests.sim.helpers import PATHS, body, events, headers, text_of

WIRES = ("anthropic", "responses", "chat", "compat", "mistral", "cohere")
# Over a socket these cannot happen to a server that listens; it resets the connection instead.
IN_PROCESS_ONLY = {"refused", "dns", "tls"}
SILENT = {"no-headers", "stall", "stall-first"}


async def outcome(client: httpx2.AsyncClient, wire: str, fault: str) -> tuple[object, ...]:
    """What a client sees: the status and the body, or the exception's class and text."""
    request = body(wire, "hi")
    sent = headers(wire, **{"x-sim-fault": fault})
    try:
        reply = await client.post(PATHS[wire], json=request, headers=sent)
    except httpx2.TransportError as problem:
        return type(problem), str(problem)
    return reply.status_code, reply.headers["content-type"], reply.content


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - IN_PROCESS_ONLY - {"drip"}))
async def test_a_fault_looks_the_same_in_process_and_over_a_socket(
    fault: str, client: httpx2.AsyncClient, net_client: httpx2.AsyncClient
) -> None:
    # Only those that say nothing more are given up on; the others may take a busy machine's time.
    patience = 0.5 if fault in SILENT else 30
    client.timeout = net_client.timeout = httpx2.Timeout(30, read=patience)

    inside = await outcome(client, "anthropic", fault)
    outside = await outcome(net_client, "anthropic", fault)

    assert inside == outside


async def test_a_refused_connection_reads_as_on_a_network(client: httpx2.AsyncClient) -> None:
    closed = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = closed.sockets[0].getsockname()[1]
    closed.close()
    await closed.wait_closed()

    async with httpx2.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as real:
        outside = await outcome(real, "chat", "refused")
    inside = await outcome(client, "chat", "refused")

    assert inside == outside


@pytest.mark.parametrize("fault", ["dns", "tls"])
async def test_a_host_that_cannot_be_reached_is_a_connect_error(
    client: httpx2.AsyncClient, fault: str
) -> None:
    assert (await outcome(client, "chat", fault))[0] is httpx2.ConnectError


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fault", sorted(HTTP))
async def test_an_http_fault_has_a_status_and_the_vendors_body(
    client: httpx2.AsyncClient, wire: str, fault: str
) -> None:
    status, kind, raw = await outcome(client, wire, fault)

    if fault in {"html", "empty"}:
        assert status == 200
        assert kind in {"text/html", "text/plain"}
        return
    assert 400 <= status < 600
    if kind == "text/html":
        assert b"<html>" in raw
        return
    document = json.loads(raw)
    if wire == "cohere":
        assert set(document) == {"id", "message"}
        return
    if wire == "mistral":
        assert document.get("detail") or {"message", "type", "code"} < set(document)
        return
    assert document["error"]["message"]
    assert document["error"]["type"]
    if wire == "anthropic":
        assert document["type"] == "error"
        assert document["request_id"].startswith("req_")
    else:
        assert set(document["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("fault", "anthropic", "openai"),
    [
        ("bad-request", 400, 400),
        ("context", 400, 400),
        ("too-large", 413, 413),
        ("unauthorized", 401, 401),
        ("forbidden", 403, 403),
        ("not-found", 404, 404),
        ("request-timeout", 408, 408),
        ("server-error", 500, 500),
        ("bad-gateway", 502, 502),
        ("unavailable", 503, 503),
        ("gateway-timeout", 504, 504),
        ("overloaded", 529, 503),
        ("quota", 400, 429),
        ("rate-limit", 429, 429),
    ],
)
async def test_http_faults_carry_the_statuses_of_the_vendors(
    client: httpx2.AsyncClient, fault: str, anthropic: int, openai: int
) -> None:
    assert (await outcome(client, "anthropic", fault))[0] == anthropic
    assert (await outcome(client, "chat", fault))[0] == openai


@pytest.mark.parametrize(
    ("fault", "wait", "milliseconds"),
    [
        ("rate-limit", "2", None),
        ("rate-limit-zero", "0", None),
        ("rate-limit-negative", "-1", None),
        ("rate-limit-huge", "99999", None),
        ("rate-limit-ms", None, "150"),
        ("rate-limit-bare", None, None),
    ],
)
async def test_a_rate_limit_says_when_to_come_back(
    client: httpx2.AsyncClient, fault: str, wait: str | None, milliseconds: str | None
) -> None:
    sent = headers("chat", **{"x-sim-fault": fault})

    reply = await client.post(PATHS["chat"], json=body("chat", "hi"), headers=sent)

    assert reply.status_code == 429
    assert reply.headers.get("retry-after") == wait
    assert reply.headers.get("retry-after-ms") == milliseconds


async def test_a_rate_limit_can_name_a_date(client: httpx2.AsyncClient) -> None:
    sent = headers("chat", **{"x-sim-fault": "rate-limit-date"})
    before = time.time()

    reply = await client.post(PATHS["chat"], json=body("chat", "hi"), headers=sent)

    when = parsedate_to_datetime(reply.headers["retry-after"]).timestamp()
    assert before + 1 <= when <= time.time() + 2  # a date has whole seconds


async def stream(client: httpx2.AsyncClient, wire: str, prompt: str) -> bytes:
    reply = await client.post(PATHS[wire], json=body(wire, prompt), headers=headers(wire))
    assert reply.status_code == 200, reply.text
    return reply.content


def ended(wire: str, raw: bytes) -> bool:
    """Whether the terminal event of the wire format was seen."""
    if wire == "anthropic":
        return b'"message_stop"' in raw
    if wire == "responses":
        return b'"response.completed"' in raw
    if wire == "cohere":
        return b'"finish_reason":"COMPLETE"' in raw
    return b'"finish_reason":"stop"' in raw


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "fault",
    ["bad-json", "unknown-event", "comment", "retry", "id", "empty-data", "out-of-order"],
)
async def test_a_stranger_in_the_stream_leaves_the_rest_whole(
    client: httpx2.AsyncClient, wire: str, fault: str
) -> None:
    clean = await stream(client, wire, 'sim: text="one two three four"')
    spoilt = await stream(client, wire, f'sim: text="one two three four" fault={fault}@2')

    assert ended(wire, spoilt)
    # By blocks, not bytes: the formats pad their events to lengths of their own.
    assert spoilt.count(b"\n\n") > clean.count(b"\n\n")
    if fault not in {"bad-json", "out-of-order"}:
        assert text_of(wire, clean) == "one two three four"
    marks = {"comment": b"\n: keepalive", "retry": b"\nretry: 3000\n\n", "id": b"\nid: 42\n\n"}
    assert marks.get(fault, b"") in spoilt


@pytest.mark.parametrize("wire", WIRES)
async def test_a_truncated_stream_ends_cleanly_without_its_final_events(
    client: httpx2.AsyncClient, wire: str
) -> None:
    raw = await stream(client, wire, 'sim: text="one two three four" fault=truncate@2')

    assert not ended(wire, raw)
    assert text_of(wire, raw) == "one two"


@pytest.mark.parametrize("wire", WIRES)
async def test_an_error_event_comes_after_some_content_or_before_any(
    client: httpx2.AsyncClient, wire: str
) -> None:
    late = await stream(client, wire, 'sim: text="one two three four" fault=error@2')
    early = await stream(client, wire, 'sim: text="one two three four" fault=error-first')

    assert b'"error"' in late
    assert b'"error"' in early
    assert b"one" in late
    assert b"one" not in early
    assert not ended(wire, late)


@pytest.mark.parametrize("wire", WIRES)
async def test_duplicate_events_double_the_text(client: httpx2.AsyncClient, wire: str) -> None:
    raw = await stream(client, wire, 'sim: text="one two" fault=duplicate')

    assert text_of(wire, raw) == "oneone two two"


@pytest.mark.parametrize("wire", WIRES)
async def test_a_huge_event_is_eight_megabytes(client: httpx2.AsyncClient, wire: str) -> None:
    raw = await stream(client, wire, 'sim: text="one two" fault=huge-event')

    assert max(map(len, raw.split(b"\n"))) > HUGE_EVENT
    assert ended(wire, raw)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_stream_can_hide_its_usage(client: httpx2.AsyncClient, wire: str) -> None:
    raw = await stream(client, wire, 'sim: text="one two" fault=no-usage')

    usages = [event["usage"] for event in events(raw) if event.get("usage")]
    assert all(not any(usage.values()) for usage in usages)


@pytest.mark.parametrize("fault", ["split", "crlf", "gzip", "drip"])
async def test_byte_faults_change_the_bytes_and_not_the_words(
    client: httpx2.AsyncClient, fault: str
) -> None:
    clean = await stream(client, "chat", 'sim: text="one two"')
    request = body("chat", f'sim: text="one two" fault={fault}')
    chunks: list[bytes] = []
    client.timeout = httpx2.Timeout(30)

    async with client.stream("POST", PATHS["chat"], json=request, headers=headers("chat")) as reply:
        async for chunk in reply.aiter_raw():
            chunks.append(chunk)
            if fault == "drip" and len(chunks) > 20:
                break

    raw = b"".join(chunks)
    if fault in {"split", "drip"}:
        assert {len(chunk) for chunk in chunks} == {1}
    elif fault == "crlf":
        # identifiers depend on the prompt, so only the framing can be compared
        assert raw.count(b"\r\n") == raw.count(b"\n") == clean.count(b"\n")
    else:
        assert raw[:2] == b"\x1f\x8b"
        assert reply.headers["content-encoding"] == "gzip"


async def test_an_injected_fault_strikes_as_often_as_it_was_told(
    sim: Simulator, client: httpx2.AsyncClient
) -> None:
    sim.inject("overloaded", times=2)

    statuses = [
        (
            await client.post(PATHS["chat"], json=body("chat", "hi"), headers=headers("chat"))
        ).status_code
        for _ in range(3)
    ]

    assert statuses == [503, 503, 200]


async def test_a_fault_in_a_prompt_can_pass_after_some_tries(client: httpx2.AsyncClient) -> None:
    request = body("anthropic", "sim: fault=overloaded*2")

    statuses = [
        (
            await client.post(PATHS["anthropic"], json=request, headers=headers("anthropic"))
        ).status_code
        for _ in range(3)
    ]

    assert statuses == [529, 529, 200]


@pytest.mark.parametrize("prompt", ["sim: fault=nonsense", "sim: colour=red"])
async def test_a_misspelt_direction_is_refused(client: httpx2.AsyncClient, prompt: str) -> None:
    reply = await client.post(PATHS["chat"], json=body("chat", prompt), headers=headers("chat"))

    assert reply.status_code == 400
    assert reply.json()["error"]["message"].startswith("sim: ")


def test_an_unknown_fault_cannot_be_injected(sim: Simulator) -> None:
    with pytest.raises(ValueError, match="no fault is called 'nonsense'"):
        sim.inject("nonsense")


def test_every_fault_is_described_and_belongs_to_one_kind() -> None:
    assert len(FAULTS) == len(CONNECTION) + len(HTTP) + len(STREAM) + len(BYTES)
    assert all(FAULTS.values())


async def test_a_stream_fault_strikes_a_document_too(client: httpx2.AsyncClient) -> None:
    request = body("chat", "sim: fault=eof@1", stream=False)

    with pytest.raises(httpx2.RemoteProtocolError):
        await client.post(PATHS["chat"], json=request, headers=headers("chat"))


async def test_a_cancelled_request_leaves_nothing_behind(sim: Simulator) -> None:
    async with httpx2.AsyncClient(transport=SimTransport(sim), base_url="http://sim") as client:
        request = body("chat", "sim: fault=stall")
        task = asyncio.ensure_future(
            client.post(PATHS["chat"], json=request, headers=headers("chat"))
        )
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        reply = await client.post(PATHS["chat"], json=body("chat", "hi"), headers=headers("chat"))

    assert reply.status_code == 200


async def test_faults_can_be_combined(client: httpx2.AsyncClient) -> None:
    orders = "fault=comment fault=duplicate fault=truncate@2 fault=crlf"

    raw = await stream(client, "chat", f'sim: text="one two three" {orders}')

    assert b": keepalive\r\n" in raw
    assert not ended("chat", raw)
    assert text_of("chat", raw.replace(b"\r", b"")) == "oneone two"


@pytest.mark.parametrize("first", ["reset@1", "stall@1"])
async def test_nothing_follows_a_fault_that_ends_the_stream(
    client: httpx2.AsyncClient, first: str
) -> None:
    prompt = f'sim: text="one two three" fault={first} fault=bad-json@2 fault=duplicate fault=split'
    client.timeout = httpx2.Timeout(30, read=0.1)

    with pytest.raises(httpx2.TransportError):
        await stream(client, "chat", prompt)


async def test_a_misspelt_fault_in_the_header_is_refused(client: httpx2.AsyncClient) -> None:
    status, _, raw = await outcome(client, "chat", "nonsense")

    assert status == 400
    assert b"no fault is called 'nonsense'" in raw


async def test_a_fault_needs_no_readable_body(client: httpx2.AsyncClient) -> None:
    sent = headers("chat", **{"x-sim-fault": "not-found"})

    reply = await client.post(PATHS["chat"], content=b"{", headers=sent)

    assert reply.status_code == 404

"""The client for vendors without an SDK."""

from __future__ import annotations

import httpx2
import pytest
from pydantic import SecretStr

from flux_tui.core.usage import JSON
from flux_tui.providers.base import Endpoint
from flux_tui.providers.failures import classify
from flux_tui.providers.plain_http import PlainClient, RefusedError


def client(answer: httpx2.Response) -> tuple[PlainClient, Endpoint]:
    endpoint = Endpoint(
        provider="p",
        label="P",
        api="mistral",
        base_url="http://127.0.0.1:9/v1/",
        key=SecretStr("k"),
        transport=httpx2.MockTransport(lambda _: answer),
    )
    made = PlainClient(endpoint, httpx2.Timeout(1.0), {"authorization": "Bearer k"}, _as_it_is)
    return made, endpoint


def _as_it_is(body: JSON) -> JSON:
    return body


async def test_a_document_is_read() -> None:
    made, _ = client(httpx2.Response(200, json={"data": [1]}))

    assert await made.get("/models") == {"data": [1]}
    await made.close()


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx2.Response(400, json={"message": "no", "code": "3230"}), "bad_request", "no"),
        (httpx2.Response(401, json={"message": "who?"}), "auth", "who?"),
        (httpx2.Response(502, html="<html>502</html>"), "server", "<html>502</html>"),
        (httpx2.Response(429, json={"message": "slow", "code": "1300"}), "rate_limit", "slow"),
    ],
)
async def test_a_refusal_says_what_the_vendor_said(
    answer: httpx2.Response, kind: str, words: str
) -> None:
    made, endpoint = client(answer)

    with pytest.raises(RefusedError) as caught:
        async with made.stream("/chat", {}):
            pytest.fail("a refused request has no stream")

    told = classify(endpoint, caught.value)
    assert (told.kind, told.detail) == (kind, words)
    assert told.status == answer.status_code
    await made.close()

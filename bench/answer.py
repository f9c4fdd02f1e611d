"""How the two programs beside ours get an answer: the OpenAI chat format, read by hand."""

import json
import os
from collections.abc import AsyncIterator

import httpx2

URL = os.environ["BENCH_URL"] + "/openai/v1/chat/completions"
HEADERS = {"authorization": "Bearer sk-simulator"}


async def answer(history: list[dict[str, str]]) -> AsyncIterator[str]:
    """The texts of the answer to *history* as they come."""
    body = {"model": "mock-md", "messages": history, "stream": True}
    async with (
        httpx2.AsyncClient(timeout=600) as client,
        client.stream("POST", URL, json=body, headers=HEADERS) as reply,
    ):
        async for line in reply.aiter_lines():
            if line.startswith("data: {"):
                for choice in json.loads(line[6:])["choices"]:
                    yield choice["delta"].get("content") or ""

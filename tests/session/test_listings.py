"""Lists of models from endpoints, and servers found on this machine."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flux_tui.session import listings
from flux_tui.session.listings import FRESH_SECONDS, LocalServer, ModelLists, find_local

URL = "https://example.invalid/v1"


def test_names_survive_the_program_and_age(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    lists = ModelLists(tmp_path / "cache" / "models.json", lambda: clock[0])
    assert lists.names("openai", URL) == ()
    assert not lists.is_fresh("openai", URL)

    lists.keep("openai", URL, ["b", "a", "b"])
    lists.save()

    again = ModelLists(tmp_path / "cache" / "models.json", lambda: clock[0])
    again.load()
    assert again.names("openai", URL) == ("b", "a")
    assert again.names("openai", "https://elsewhere.invalid/v1") == ()
    assert again.is_fresh("openai", URL)
    clock[0] += FRESH_SECONDS
    assert not again.is_fresh("openai", URL)
    clock[0] = 5.0  # the computer's clock was set back
    assert not again.is_fresh("openai", URL)


def test_only_what_can_be_talked_to_is_kept_and_nothing_hostile(tmp_path: Path) -> None:
    lists = ModelLists(tmp_path / "models.json")

    kept = lists.keep(
        "openai",
        URL,
        [
            "gpt-6",
            "text-embedding-3-small",
            "whisper-1",
            "gpt-image-2",
            "x\x1b[31m\ny",
            "",
            "tts-1",
        ],
    )

    assert kept == ("gpt-6", "x y")


def test_a_damaged_file_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    for text in ("{", "[]", '{"a b": 3}', '{"a b": {"at": "x", "names": []}}'):
        path.write_text(text)
        lists = ModelLists(path)
        lists.load()
        assert lists.names("a", "b") == ()


@asynccontextmanager
async def server(answer: bytes):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def http(body: object, status: str = "200 OK") -> bytes:
    data = json.dumps(body).encode()
    return b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (
        status.encode(),
        len(data),
        data,
    )


async def test_a_server_on_a_usual_port_is_found_with_its_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listings, "_LOOK_SECONDS", 30.0)
    async with server(http({"data": [{"id": "llama-4"}, {"id": "nomic-embed-text"}]})) as port:
        found = await find_local({port: ("ollama", "Ollama")})

    assert found == (LocalServer("ollama", "Ollama", f"http://127.0.0.1:{port}/v1", ("llama-4",)),)


async def test_what_is_set_up_already_is_not_asked() -> None:
    async with server(http({"data": [{"id": "m"}]})) as port:
        taken = [f"http://localhost:{port}/v1/"]

        assert await find_local({port: ("vllm", "vLLM")}, taken) == ()


async def test_other_services_and_closed_ports_are_no_error() -> None:
    answers = [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: http://example.invalid/\r\n\r\n",
        http({"data": "x"}),
        http([1]),
        http({"data": [3, {"id": 4}]}),
        http({}, "401 Unauthorized"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{{{",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + b"[" * 200_000,
        b"",
    ]
    for answer in answers:
        async with server(answer) as port:
            pass_through = await find_local({port: ("x", "X")})
        assert pass_through == ()
        assert await find_local({port: ("x", "X")}) == ()  # closed by now


async def test_a_silent_service_holds_up_nothing() -> None:
    waiting = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        waiting += 1
        await reader.read()
        writer.close()
        waiting -= 1

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        async with asyncio.timeout(20):
            assert await find_local({port: ("x", "X")}) == ()
            while waiting:
                await asyncio.sleep(0.01)

"""The models that endpoints list themselves: kept for a day, and found on this machine's ports."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flux_tui.core.sanitize import one_line

if TYPE_CHECKING:
    import httpx2

FRESH_SECONDS = 24 * 3600.0
MOST_NAMES = 2_000
"""Of one endpoint; a router lists some hundreds."""

_LOOK_SECONDS = 0.6
_MOST_BYTES = 4_000_000

_NO_CHAT = re.compile(
    r"embed|whisper|\btts\b|dall-e|moderation|gpt-image|imagen|\bveo|\bsora|realtime|-audio|"
    r"transcribe|\bocr\b|rerank|babbage|davinci|\baqa\b",
    re.IGNORECASE,
)


class ModelLists:
    """Names as endpoints gave them, in a file of the cache folder. Nothing here is precious.

    Names are kept by provider and base URL: the same provider elsewhere offers other models.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._kept: dict[str, tuple[float, tuple[str, ...]]] = {}

    def load(self) -> None:
        """Read the file; one that is missing or damaged counts as empty. Blocking."""
        try:
            found: object = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return
        if isinstance(found, dict):
            self._kept = {
                str(key): kept
                for key, value in cast("dict[object, object]", found).items()
                if (kept := _entry(value)) is not None
            }

    def names(self, provider: str, base_url: str) -> tuple[str, ...]:
        """Return what the endpoint listed last, in its order; empty if it was never asked."""
        return self._kept.get(_key(provider, base_url), (0.0, ()))[1]

    def is_fresh(self, provider: str, base_url: str) -> bool:
        """Whether the endpoint was asked within a day."""
        at = self._kept.get(_key(provider, base_url), (0.0, ()))[0]
        return 0 <= self._now() - at < FRESH_SECONDS

    def keep(self, provider: str, base_url: str, names: Iterable[str]) -> tuple[str, ...]:
        """Take what the endpoint listed now; return the names of models one can talk to."""
        listed = chat_models(names)
        self._kept[_key(provider, base_url)] = (self._now(), listed)
        return listed

    def save(self) -> None:
        """Write the file, whole or not at all. Blocking.

        Raises:
            OSError: the cache folder cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = json.dumps({key: {"at": at, "names": n} for key, (at, n) in self._kept.items()})
        partial = self._path.with_suffix(".new")
        partial.write_text(text, "utf-8")
        partial.replace(self._path)


def chat_models(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that a conversation can be had with, each once, fit to be shown."""
    clean = (one_line(name, 200) for name in names)
    return tuple(dict.fromkeys(n for n in clean if n and not _NO_CHAT.search(n)))[:MOST_NAMES]


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A model server found on this machine, and what it serves."""

    id: str
    label: str
    base_url: str
    models: tuple[str, ...]


USUAL_PORTS: Mapping[int, tuple[str, str]] = {
    11434: ("ollama", "Ollama"),
    1234: ("lmstudio", "LM Studio"),
    8080: ("llamacpp", "llama.cpp"),
    8000: ("vllm", "vLLM"),
    4000: ("litellm", "LiteLLM"),
}
"""Where local servers listen unless told otherwise: their id and label here, by port."""


async def find_local(
    ports: Mapping[int, tuple[str, str]] = USUAL_PORTS, taken: Iterable[str] = ()
) -> tuple[LocalServer, ...]:
    """Return the model servers that answer on this machine's *ports*, within about a second.

    Only loopback is asked, without any key, and not what the user already set up (*taken*, base
    URLs). A port where nothing or something else answers is no error.
    """
    known = {_port_url(url) for url in taken}
    wanted = [(port, *named) for port, named in ports.items() if local_url(port) not in known]
    found = await asyncio.gather(*(_ask(port, name, label) for port, name, label in wanted))
    return tuple(server for server in found if server is not None)


async def _ask(port: int, name: str, label: str) -> LocalServer | None:
    try:
        # A closed port says so at once; the client library is only loaded for an open one.
        async with asyncio.timeout(_LOOK_SECONDS):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
    except (OSError, TimeoutError):
        return None
    models = chat_models(await _listed(local_url(port)))
    return LocalServer(name, label, local_url(port), models) if models else None


async def _listed(base_url: str) -> list[str]:
    client = await asyncio.to_thread(_make_client)  # it reads the certificates of this machine
    import httpx2

    try:
        async with (
            asyncio.timeout(_LOOK_SECONDS * 2),
            client,
            client.stream("GET", f"{base_url}/models") as response,
        ):
            if response.status_code != 200:
                return []
            return _ids(await _body(response))
    except (httpx2.HTTPError, TimeoutError, ValueError, RecursionError):
        return []  # something else listens there


async def _body(response: httpx2.Response) -> bytes:
    data = b""
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > _MOST_BYTES:
            raise ValueError("no list of models is that long")
    return data


def _make_client() -> httpx2.AsyncClient:
    import httpx2

    return httpx2.AsyncClient(trust_env=False, follow_redirects=False)


def _ids(data: bytes) -> list[str]:
    found: object = json.loads(data)
    rows = cast("dict[str, object]", found).get("data") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        return []
    ids = (
        cast("dict[str, object]", row).get("id")
        for row in cast("list[object]", rows)
        if isinstance(row, dict)
    )
    return [name for name in ids if isinstance(name, str)]


def local_url(port: int) -> str:
    """Return the base URL of a compatible server on this machine's *port*."""
    return f"http://127.0.0.1:{port}/v1"


def _port_url(base_url: str) -> str:
    return base_url.rstrip("/").replace("//localhost:", "//127.0.0.1:")


def _key(provider: str, base_url: str) -> str:
    return f"{provider} {base_url}"


def _entry(value: object) -> tuple[float, tuple[str, ...]] | None:
    if not isinstance(value, dict):
        return None
    row = cast("dict[str, object]", value)
    at, names = row.get("at"), row.get("names")
    if not isinstance(at, int | float) or not isinstance(names, list):
        return None
    return float(at), chat_models(n for n in cast("list[object]", names) if isinstance(n, str))

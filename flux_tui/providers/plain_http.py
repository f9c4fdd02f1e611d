"""A vendor without an SDK: JSON over httpx2, with the exceptions that `failures` understands."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import httpx2

from flux_tui.core.usage import JSON
from flux_tui.providers.transport import Body, is_loopback

if TYPE_CHECKING:
    from flux_tui.providers.base import Endpoint

ErrorReader = Callable[[JSON], JSON]
"""Turns a vendor's error body into `{message, type, code, param}`, or hands it on as it is."""


class RefusedError(Exception):
    """An answer with an error status; carries what the SDKs' exceptions carry."""

    def __init__(self, response: httpx2.Response, body: JSON) -> None:
        super().__init__(f"status {response.status_code}")
        self.status_code = response.status_code
        self.response = response
        self.body = body


class PlainClient:
    """Sends JSON below one base URL. The key stands in *headers*, unwrapped by the maker alone."""

    def __init__(
        self,
        endpoint: Endpoint,
        timeout: httpx2.Timeout,
        headers: Mapping[str, str],
        read_error: ErrorReader,
    ) -> None:
        self._base_url = endpoint.base_url.rstrip("/")
        self._read_error = read_error
        self._http = httpx2.AsyncClient(
            transport=endpoint.transport,
            # A proxy from the environment must never see requests to this machine.
            trust_env=not is_loopback(endpoint.base_url),
            timeout=timeout,
            headers={**endpoint.headers, **headers},
        )

    @asynccontextmanager
    async def stream(self, path: str, body: Body) -> AsyncGenerator[httpx2.Response]:
        """POST *body* and give the open response.

        Raises:
            RefusedError: the status is not a success.
            httpx2.HTTPError: the network failed.
        """
        accept = {"accept": "text/event-stream"}
        async with self._http.stream(
            "POST", self._base_url + path, json=body, headers=accept
        ) as response:
            await self._demand_success(response)
            yield response

    async def get(self, path: str, **query: str) -> JSON:
        """GET a JSON document.

        Raises:
            RefusedError: the status is not a success.
            httpx2.HTTPError: the network failed.
            ValueError: the answer is not JSON.
        """
        async with self._http.stream("GET", self._base_url + path, params=query) as response:
            await self._demand_success(response)
            await response.aread()
            return cast("JSON", response.json())

    async def _demand_success(self, response: httpx2.Response) -> None:
        if response.is_success:
            return
        await response.aread()
        try:
            body = self._read_error(cast("JSON", response.json()))
        except ValueError:
            body = None  # a web page; `failures` reads the response's text
        raise RefusedError(response, body)

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

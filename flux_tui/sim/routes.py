"""Which request goes to which wire format, and the lists of models."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from flux_tui.sim.batches import is_batch_path
from flux_tui.sim.catalog import BENCH_MODEL, Vendor, offered
from flux_tui.sim.catalog import find as find_model
from flux_tui.sim.formats.anthropic import AnthropicFormat
from flux_tui.sim.formats.base import EPOCH, WireFormat
from flux_tui.sim.formats.cohere import CohereFormat
from flux_tui.sim.formats.gemini import GeminiFormat
from flux_tui.sim.formats.gemini import listed as gemini_list
from flux_tui.sim.formats.mistral import MistralFormat
from flux_tui.sim.formats.openai_chat import ChatFormat
from flux_tui.sim.formats.openai_responses import ResponsesFormat
from flux_tui.sim.rules.cohere_models import cohere_profile
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.rules.mistral_models import mistral_profile
from flux_tui.sim.values import Object

Kind: TypeAlias = Literal["answer", "count", "models", "batch"]
_CREATED = "2026-09-21T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes; `name` is the model that its path names, or empty."""

    kind: Kind
    wire: WireFormat
    name: str = ""

    @property
    def compat(self) -> bool:
        """Whether this is a compatible server, which takes any model name."""
        return isinstance(self.wire, ChatFormat) and self.wire.compat


_ANTHROPIC = AnthropicFormat()
_RESPONSES = ResponsesFormat()
_CHAT = ChatFormat()
_COMPAT = ChatFormat(compat=True)
_MISTRAL = MistralFormat()
_COHERE = CohereFormat()

_POST: dict[str, Route] = {
    "/messages": Route("answer", _ANTHROPIC),
    "/messages/count_tokens": Route("count", _ANTHROPIC),
    "/responses": Route("answer", _RESPONSES),
    "/responses/input_tokens": Route("count", _RESPONSES),
    "/chat/completions": Route("answer", _CHAT),
}
# Behind these prefixes stands one vendor alone, whose paths others may have too.
_OWN: dict[str, dict[str, Route]] = {
    "/compat": {"/chat/completions": Route("answer", _COMPAT)},
    "/mistral": {"/chat/completions": Route("answer", _MISTRAL)},
    "/cohere": {"/v2/chat": Route("answer", _COHERE)},
}
_PREFIXES: dict[str, WireFormat] = {
    "/anthropic": _ANTHROPIC,
    "/openai": _RESPONSES,
    "/compat": _COMPAT,
    "/mistral": _MISTRAL,
    "/cohere": _COHERE,
}
_GEMINI = re.compile(
    r"(?:/gemini)?/v1(?:alpha|beta)/models(?:/(?P<name>[^/:]+)(?::(?P<verb>\w+))?)?"
)


def find(method: str, path: str, headers: Mapping[str, str]) -> Route | Violation:
    """The route of a request, or the refusal of a path or method nobody serves.

    A vendor's name may stand before the path (`/mistral` and `/cohere` must), and `/v1` may be
    missing.
    """
    gemini = _GEMINI.fullmatch(path.rstrip("/"))
    if gemini is not None:
        return _gemini(method, path, gemini["name"] or "", gemini["verb"] or "")
    prefix = next((p for p in _PREFIXES if path == p or path.startswith(f"{p}/")), "")
    rest = path.removeprefix(prefix).removeprefix("/v1").rstrip("/")
    if method == "GET" and (rest == "/models" or rest.startswith("/models/")):
        wire = _PREFIXES.get(prefix)
        if wire is None:
            wire = _ANTHROPIC if "anthropic-version" in headers else _RESPONSES
        return Route("models", wire, rest.removeprefix("/models").removeprefix("/"))
    if prefix in ("", "/anthropic", "/openai") and is_batch_path(rest):
        return Route("batch", _ANTHROPIC if rest.startswith("/messages") else _RESPONSES)
    route = _OWN.get(prefix, _POST).get(rest)
    if route is None:
        return Violation("path", path, f"Not Found: {method} {path}", status=404)
    if method != "POST":
        return Violation("method", path, f"Method Not Allowed: {method} {path}", status=405)
    return route


def _gemini(method: str, path: str, name: str, verb: str) -> Route | Violation:
    """The route of Google's API, whose paths name the model and what to do with it."""
    wire = GeminiFormat(name, streams=verb == "streamGenerateContent")
    if method == "GET" and not verb:
        return Route("models", wire, name)
    if verb not in {"streamGenerateContent", "generateContent"}:
        return Violation("path", path, f"Not Found: {method} {path}", status=404)
    if method != "POST":
        return Violation("method", path, f"Method Not Allowed: {method} {path}", status=405)
    return Route("answer", wire, name)


def model_list(vendor: Vendor, name: str) -> Object | None:
    """The vendor's list of models, or the one called *name*; None when there is no such model."""
    if vendor == "gemini":
        return gemini_list(name)
    describe = _DESCRIBE[vendor]
    if name:
        found = find_model(name, vendor)
        return describe(found.id, found.name, found.window, found.max_output) if found else None
    rows = [describe(m.id, m.name, m.window, m.max_output) for m in offered(vendor)]
    if vendor == "openai":
        return {"object": "list", "data": [*rows, _gpt(BENCH_MODEL, "", 0, 0)]}
    if vendor == "mistral":
        return {"object": "list", "data": rows}
    if vendor == "cohere":
        return {"models": rows, "next_page_token": ""}
    first, last = rows[0]["id"], rows[-1]["id"]
    return {"data": rows, "has_more": False, "first_id": first, "last_id": last}


def _claude(name: str, title: str, window: int, most: int) -> Object:
    return {
        "type": "model",
        "id": name,
        "display_name": title,
        "created_at": _CREATED,
        "max_input_tokens": window,
        "max_tokens": most,
    }


def _gpt(name: str, title: str, window: int, most: int) -> Object:
    del title, window, most  # the list of this vendor says no more than the name
    return {"id": name, "object": "model", "created": EPOCH, "owned_by": "system"}


def _mistral(name: str, title: str, window: int, most: int) -> Object:
    del most  # the list says nothing of it
    profile = mistral_profile(name)
    return {
        "id": name,
        "object": "model",
        "created": EPOCH,
        "owned_by": "mistralai",
        "name": title,
        "max_context_length": window,
        "aliases": [],
        "capabilities": {
            "completion_chat": True,
            "function_calling": True,
            "vision": profile.images,
            "reasoning": profile.always_reasons or bool(profile.efforts),
        },
        "type": "base",
    }


def _cohere(name: str, title: str, window: int, most: int) -> Object:
    del title, most  # the list says nothing of them
    profile = cohere_profile(name)
    able = {"tools": profile.tools, "vision": profile.images, "reasoning": profile.thinks}
    return {
        "name": name,
        "is_deprecated": False,
        "endpoints": ["chat"],
        "finetuned": False,
        "context_length": window,
        "tokenizer_url": "",
        "default_endpoints": [],
        "features": [feature for feature, has in able.items() if has],
    }


_DESCRIBE: dict[Vendor, Callable[[str, str, int, int], Object]] = {
    "anthropic": _claude,
    "openai": _gpt,
    "mistral": _mistral,
    "cohere": _cohere,
}

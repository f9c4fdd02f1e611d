"""What would be sent, to the byte, beside what is stored; without a key and without sending."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from flux_tui.core.codec import dump_message
from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from flux_tui.core.models import Api, ModelInfo
from flux_tui.core.report import Action, ReportItem, SwapReport
from flux_tui.core.usage import JSON
from flux_tui.providers.base import Endpoint, Provider
from flux_tui.session.outgoing import Outgoing

# Below the base URL. Read off the real requests, and compared with them in the tests.
_PATHS: dict[Api, str] = {
    "anthropic": "/v1/messages",
    "openai-responses": "/responses",
    "openai-chat": "/chat/completions",
    "mistral": "/v1/chat/completions",
    "cohere": "/v2/chat",
}
_KEY_HEADERS: dict[Api, tuple[str, str]] = {"gemini": ("x-goog-api-key", "{key}")}
_VERSIONS = ("2026-10-21", "2023-06-01")  # of Anthropic's API: as its SDK says, with a temperature


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in `Inspection.history` that is not sent as it stands there.

    `path` is like ``messages[3].parts[0]``; `action` is "adapted" or "dropped".
    """

    path: str
    action: Action
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A request as it would go out to `model` now.

    Attributes:
        model: who would be asked.
        url: where the body would go.
        headers: what goes with it and matters; secrets stand as ``$VARIABLE``.
        body: the exact JSON body, as the provider makes it.
        history: the neutral messages it was made from: ``{"messages": [...]}``.
        marks: places in `history` that are adapted or dropped, in their order.
        report: the same by kind.
    """

    model: ModelInfo
    url: str
    headers: tuple[tuple[str, str], ...]
    body: dict[str, JSON]
    history: dict[str, JSON]
    marks: tuple[Mark, ...]
    report: SwapReport

    def body_text(self) -> str:
        """Return the body as indented JSON."""
        return json.dumps(self.body, indent=2, ensure_ascii=False)

    def as_curl(self) -> str:
        """Return a shell command that sends the body; the key is the variable's, never shown."""
        lines = [f"curl --no-buffer {shlex.quote(self.url)}"]
        # Double quotes let the shell put the key in; everything else in them is escaped.
        lines += [f'  -H "{name}: {_quoted(value)}"' for name, value in self.headers]
        lines.append("  --data-binary @- <<'JSON'")
        return " \\\n".join(lines) + f"\n{self.body_text()}\nJSON\n"


def inspect(history: tuple[Message, ...], outgoing: Outgoing, provider: Provider) -> Inspection:
    """Return the request that would carry *history*. Pure, but long: call it in a thread.

    *provider* only says where requests go and makes the body; it needs no key.
    """
    request, report = outgoing.request(history)
    body = provider.body(request)
    sent = {message.id: message for message in request.messages}
    return Inspection(
        model=outgoing.model,
        url=_url(provider.endpoint, outgoing.model),
        headers=_headers(provider.endpoint, body),
        body=body,
        history={"messages": [dump_message(message) for message in history]},
        marks=tuple(_marks(history, sent, report)),
        report=report,
    )


def _url(endpoint: Endpoint, model: ModelInfo) -> str:
    base_url = endpoint.base_url
    if endpoint.api == "gemini":  # its addresses name the model
        # An adapter is imported when it is needed, and not at the start of the program.
        from flux_tui.providers.gemini import request_path

        return base_url.rstrip("/") + request_path(base_url, model.ref.name)
    path = _PATHS.get(endpoint.api, "")
    # The providers of these two take their base URL with or without the version.
    version = {"cohere": "/v2", "mistral": "/v1"}.get(endpoint.api, "")
    return base_url.rstrip("/").removesuffix(version) + path


def _headers(endpoint: Endpoint, body: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
    name, form = _KEY_HEADERS.get(endpoint.api, ("authorization", "Bearer {key}"))
    found = [("content-type", "application/json")]
    if endpoint.key_name:
        found.append((name, form.format(key=f"${endpoint.key_name}")))
    if endpoint.api == "anthropic":
        found.append(("anthropic-version", _VERSIONS["temperature" in body]))
    # The user's own headers may hold keys as well.
    found += [(own.lower(), f"${_variable(own)}") for own in endpoint.headers]
    return tuple(found)


def _variable(header: str) -> str:
    return re.sub(r"\W", "_", header).upper()


def _quoted(value: str) -> str:
    return re.sub(r'["`\\]', lambda found: f"\\{found[0]}", value)


def _marks(
    history: tuple[Message, ...], sent: Mapping[str, Message], report: SwapReport
) -> Iterator[Mark]:
    reasons: dict[str, list[ReportItem]] = {}
    for item in report.items:
        reasons.setdefault(item.message_id, []).append(item)
    for place, message in enumerate(history):
        told = [item for item in reasons.get(message.id, ()) if item.action != "kept"]
        there = sent.get(message.id)
        if there is None:
            reason = told[0].reason if told else "nothing of it can be sent"
            yield Mark(f"messages[{place}]", "dropped", reason)
            continue
        yield from _part_marks(place, message, there, told)


def _part_marks(
    place: int, message: Message, there: Message, told: list[ReportItem]
) -> Iterator[Mark]:
    for index, part in enumerate(message.parts):
        path = f"messages[{place}].parts[{index}]"
        if part in there.parts:
            continue
        if _bare(part) in [_bare(other) for other in there.parts]:
            yield Mark(f"{path}.metadata", "dropped", "only the model that wrote it can read it")
            continue
        item = next((one for one in told if one.what in _subjects(part)), None)
        if item is not None:
            yield Mark(path, item.action, item.reason)
        elif told and told[0].what == "message":
            yield Mark(path, "dropped", told[0].reason)
        else:
            yield Mark(path, "adapted", "made well formed")


def _bare(part: Part) -> Part:
    """Return *part* without its replay data."""
    return replace(part, metadata=None) if isinstance(part, Text | Thinking | ToolCall) else part


def _subjects(part: Part) -> tuple[str, ...]:
    match part:
        case Thinking():
            return ("thinking",)
        case Image():
            return ("image",)
        case Document():
            return ("document",)
        case ToolCall():
            return ("tool call",)
        case ToolResult():
            return ("tool result", "tool image", "image", "document")
        case Opaque():
            return ("item",)
        case Text():
            return ("text",)

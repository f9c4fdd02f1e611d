"""Everything that can go wrong between a client and a vendor, on demand by name.

Three ways to order one: a `sim: fault=NAME` line in the prompt, the request header
`x-sim-fault: NAME`, or `Simulator.inject(NAME)`. `NAME@5` lets five content events pass first,
`NAME*2` is over after two requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from flux_tui.sim.formats.base import WireFormat, event_of
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.script import Action, Frame
from flux_tui.sim.values import Object

HUGE_EVENT = 8 * 1024 * 1024  # characters in the event of the fault `huge-event`

CONNECTION: dict[str, str] = {
    "refused": "nothing listens at the address (over a socket: reset before any answer)",
    "dns": "the host name cannot be resolved (in process only; over a socket like `refused`)",
    "tls": "the certificate cannot be verified (in process only; over a socket like `refused`)",
    "disconnect": "the server closes the connection without a word",
    "no-headers": "the request is taken and nothing ever comes back",
}
HTTP: dict[str, str] = {
    "bad-request": "400 with the vendor's error body",
    "context": "400: the prompt does not fit the model's window",
    "too-large": "413: the request is too many bytes",
    "unauthorized": "401: the key is wrong",
    "forbidden": "403: the key may not do this",
    "not-found": "404 or 400: there is no such model",
    "request-timeout": "408",
    "server-error": "500 with the vendor's error body",
    "bad-gateway": "502 with a page of HTML",
    "unavailable": "503 with the vendor's error body",
    "gateway-timeout": "504 with a page of HTML",
    "overloaded": "529 (Anthropic) or 503 (OpenAI)",
    "rate-limit": "429 with Retry-After: 2",
    "rate-limit-date": "429 with Retry-After as an HTTP date, two seconds from now",
    "rate-limit-zero": "429 with Retry-After: 0",
    "rate-limit-negative": "429 with Retry-After: -1",
    "rate-limit-huge": "429 with Retry-After: 99999",
    "rate-limit-ms": "429 with retry-after-ms: 150",
    "rate-limit-bare": "429 that says nothing about when",
    "quota": "429 (OpenAI) or 400 (Anthropic): the money is used up",
    "html": "200 with a page of HTML, as a captive portal sends",
    "empty": "200 with no body at all",
    "invalid-signature": "400: reasoning that was sent back is not the vendor's own",
}
STREAM: dict[str, str] = {
    "reset": "a TCP reset in the middle of the stream",
    "eof": "the connection closes without the last chunk",
    "truncate": "a clean end without the final events",
    "stall": "the stream falls silent for ever after some content",
    "stall-first": "headers, and then silence for ever",
    "bad-json": "an event whose data is not JSON",
    "unknown-event": "an event of a type nobody knows",
    "comment": "comment lines between the events",
    "retry": "an event that has only a retry: field",
    "id": "an event that has only an id: field",
    "empty-data": "an event with empty data",
    "duplicate": "every content event is sent twice",
    "duplicate-start": "the first event is sent twice",
    "out-of-order": "content for a block that has not begun",
    "huge-event": "one event of 8 MB",
    "error": "an error event after some content",
    "error-first": "an error event before any content",
    "no-usage": "a stream that never says how many tokens it was",
}
BYTES: dict[str, str] = {
    "split": "every byte arrives by itself",
    "crlf": "lines end in CR LF",
    "gzip": "the body is compressed",
    "drip": "one byte at a time, slowly",
}
FAULTS: dict[str, str] = {**CONNECTION, **HTTP, **STREAM, **BYTES}

_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n"
    "<body><center><h1>{title}</h1></center><hr><center>nginx</center></body></html>\n"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is no answer: a status, headers and a body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = None  # None: the vendor's error body for `violation`
    violation: Violation | None = None


def page(title: str) -> bytes:
    """The HTML a proxy sends instead of an answer."""
    return _PAGE.format(title=title).encode()


def failure(name: str, wire: WireFormat, model: str, window: int) -> Failure:
    """The HTTP failure called *name*, as *wire*'s vendor words it."""
    plain = _PLAIN.get(name)
    if plain is not None:
        status, title = plain
        body = page(title) if title else b""
        kind = "text/html" if title else "text/plain"
        return Failure(status, (("content-type", kind),), body)
    if name.startswith("rate-limit"):
        violation = _worded("rate", wire, 429)
        if wire.vendor == "gemini":  # the body says it, no header does
            return Failure(429, (), None, replace(violation, wait=_DELAYS.get(name, "")))
        return Failure(429, _waits(name), None, violation)
    made = {
        "context": lambda: wire.too_long(window + 4321, window),
        "unauthorized": lambda: wire.unauthorized("sk-invalid-0000"),
        "not-found": lambda: wire.unknown_model(model),
        "quota": lambda: _quota(wire),
        "invalid-signature": lambda: _signature(wire),
    }.get(name)
    violation = made() if made else _worded(name, wire, _status(name, wire))
    return Failure(violation.status, (), None, violation)


_DELAYS = {
    "rate-limit": "2s",
    "rate-limit-date": "2s",
    "rate-limit-zero": "0s",
    "rate-limit-huge": "99999s",
    "rate-limit-ms": "0.150s",
}
_PLAIN = {
    "bad-gateway": (502, "502 Bad Gateway"),
    "gateway-timeout": (504, "504 Gateway Time-out"),
    "html": (200, "Sign in to the network"),
    "empty": (200, ""),
}
# name -> (Anthropic type, OpenAI type, OpenAI code, message)
_WORDS: dict[str, tuple[str, str, str | None, str]] = {
    "bad-request": (
        "invalid_request_error",
        "invalid_request_error",
        None,
        "The simulator was asked to refuse this request.",
    ),
    "too-large": (
        "request_too_large",
        "invalid_request_error",
        "request_too_large",
        "Request exceeds the maximum allowed number of bytes.",
    ),
    "forbidden": (
        "permission_error",
        "invalid_request_error",
        "permission_denied",
        "Your API key does not have permission to use the specified resource.",
    ),
    "request-timeout": ("timeout_error", "timeout", None, "Request timed out."),
    "server-error": (
        "api_error",
        "server_error",
        None,
        "The server had an error while processing your request. Sorry about that!",
    ),
    "unavailable": ("api_error", "server_error", None, "Service Unavailable."),
    "overloaded": (
        "overloaded_error",
        "service_unavailable_error",
        "server_is_overloaded",
        "Overloaded",
    ),
    "rate": (
        "rate_limit_error",
        "requests",
        "rate_limit_exceeded",
        "This request would exceed your rate limit. Please slow down and try again.",
    ),
}
_STATUSES = {
    "bad-request": 400,
    "too-large": 413,
    "forbidden": 403,
    "request-timeout": 408,
    "server-error": 500,
    "unavailable": 503,
}


def _status(name: str, wire: WireFormat) -> int:
    if name == "overloaded":
        return 529 if wire.vendor == "anthropic" else 503
    return _STATUSES[name]


def _worded(name: str, wire: WireFormat, status: int) -> Violation:
    anthropic, openai, code, message = _WORDS[name]
    kind = anthropic if wire.vendor == "anthropic" else openai
    return Violation(name, "", message, None, code, status, kind)


def _quota(wire: WireFormat) -> Violation:
    if wire.vendor == "anthropic":
        text = (
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & "
            "Billing to upgrade or purchase credits."
        )
        return Violation("quota", "", text)
    text = "You exceeded your current quota, please check your plan and billing details."
    kind = "insufficient_quota"
    return Violation("quota", "", text, None, kind, 429, kind)


def _signature(wire: WireFormat) -> Violation:
    if wire.vendor == "anthropic":
        text = "messages.1.content.0: Invalid `signature` in `thinking` block"
        return Violation("A-signature", "messages.1.content.0", text)
    if wire.vendor == "gemini":
        path = "contents[1].parts[0].thought_signature"
        return Violation("G-signature", path, "Corrupted thought signature.")
    text = "The encrypted content gAAAAAxx...xxxx could not be verified."
    return Violation("R-signature", "input", text, None, "invalid_encrypted_content")


def _waits(name: str) -> tuple[tuple[str, str], ...]:
    if name == "rate-limit-date":
        when = datetime.now(UTC) + timedelta(seconds=2)
        return (("retry-after", format_datetime(when, usegmt=True)),)
    return {
        "rate-limit": (("retry-after", "2"),),
        "rate-limit-zero": (("retry-after", "0"),),
        "rate-limit-negative": (("retry-after", "-1"),),
        "rate-limit-huge": (("retry-after", "99999"),),
        "rate-limit-ms": (("retry-after-ms", "150"),),
    }.get(name, ())


def spoil(
    frames: Iterator[Frame | Action], name: str, after: int, wire: WireFormat
) -> Iterator[Frame | Action]:
    """*frames* with the stream fault *name* in them, once *after* content events have passed."""
    if name in {
        "stall-first",
        "error-first",
        "duplicate-start",
        "duplicate",
        "truncate",
        "comment",
    }:
        yield from _throughout(frames, name, after, wire)
        return
    passed = 0
    struck = False
    last: Object = {}
    for frame in frames:
        if isinstance(frame, Action):  # an earlier fault ends the stream
            yield frame
            return
        # An answer shorter than `after` still shows its fault, before its final events.
        if not struck and (passed >= after or frame.terminal):
            struck = True
            yield wire.enlarged(last, HUGE_EVENT) if name == "huge-event" else _strike(name, wire)
            if name in _FATAL:
                return
        yield frame
        if frame.tokens and name == "huge-event":
            last = event_of(frame)
        passed += frame.tokens > 0


_FATAL = frozenset({"reset", "eof", "stall", "error"})
_ACTIONS = {"reset": Action.RESET, "eof": Action.EOF, "stall": Action.STALL}
_LINES = {
    "bad-json": b'event: message\ndata: {"broken": \n\n',
    "retry": b"retry: 3000\n\n",
    "id": b"id: 42\n\n",
    "empty-data": b"data:\n\n",
}


def _strike(name: str, wire: WireFormat) -> Frame | Action:
    if name in _ACTIONS:
        return _ACTIONS[name]
    if name in _LINES:
        return Frame(_LINES[name])
    if name == "error":
        return wire.error_frame("overloaded", "Overloaded")
    return wire.orphan() if name == "out-of-order" else wire.stranger()


def _throughout(
    frames: Iterator[Frame | Action], name: str, after: int, wire: WireFormat
) -> Iterator[Frame | Action]:
    if name == "stall-first":
        yield Action.STALL
        return
    if name == "error-first":
        yield wire.error_frame("overloaded", "Overloaded")
        return
    passed = 0
    for index, frame in enumerate(frames):
        if isinstance(frame, Action):
            yield frame
            return
        if name == "truncate" and (passed >= after or frame.terminal):
            yield Action.END
            return
        yield frame
        again = name == "duplicate" and frame.tokens > 0
        if again or (name == "duplicate-start" and index == 0):
            yield Frame(frame.data)
        if name == "comment":
            yield Frame(b": keepalive\n\n")
        passed += frame.tokens > 0

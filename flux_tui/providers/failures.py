"""Any exception of an SDK or the network -> a ProviderError that says it in one sentence."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from flux_tui.core.errors import ErrorKind, ProviderError
from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.providers.json_values import mapping, string

if TYPE_CHECKING:
    from flux_tui.providers.base import Endpoint

_DETAIL = 2_000  # characters of the vendor's words that are kept
_PAGE = 200  # characters of a web page that are kept
_SHOWN = 240  # characters of the vendor's words within the sentence

_REQUEST_IDS = ("request-id", "x-request-id", "mistral-correlation-id", "x-debug-trace-id")
_BY_STATUS: dict[int, ErrorKind] = {
    401: "auth",
    402: "quota",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "server",
    413: "too_large",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
# Types and codes of error bodies and in-stream errors, which have no status of their own.
_BY_TYPE: dict[str, ErrorKind] = {
    "authentication_error": "auth",
    "invalid_api_key": "auth",
    "billing_error": "quota",
    "insufficient_quota": "quota",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "model_not_found": "not_found",
    "invalid_request_error": "bad_request",
    "invalid_prompt": "bad_request",
    "request_too_large": "too_large",
    "context_length_exceeded": "context",
    "rate_limit_error": "rate_limit",
    "rate_limit_exceeded": "rate_limit",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
    "server_is_overloaded": "overloaded",
    "slow_down": "overloaded",
    "service_unavailable_error": "overloaded",
    "api_error": "server",
    "server_error": "server",
}
_OVERFLOW = re.compile(
    r"context[ _](length|window|limit)|maximum context|prompt is too long|too many (input )?tokens"
    r"|exceeds? the (model's )?(context|available context)|input is too long"
    r"|reduce the length of the (messages|input)|request_too_large.*token"
    # xAI, Kimi, GitHub and Gemini behind a router, IBM, z.ai (2026-11)
    r"|maximum prompt length is|model token limit|token limit exceeded"
    r"|token count.{0,40} exceeds the (limit|maximum)|exceeds the maximum allowed input length"
    r"|prompt exceeds max length",
    re.IGNORECASE,
)
# Anthropic, then OpenAI Responses, then Gemini, as their answers of 400 word it (2026-11-22).
_STALE = re.compile(
    r"bound to a different conversation"
    r"|invalid `?(signature|data)`? in `?(redacted_)?thinking"
    r"|`thinking` or `redacted_thinking` blocks? .{0,60}cannot be modified"
    r"|final block in an assistant message cannot be `(redacted_)?thinking"
    r"|expected `thinking` or `redacted_thinking`"
    r"|invalid_encrypted_content|encrypted content"
    r"|without its required (following|'reasoning') item"
    r"|item with id '?rs_\w+'? not found|required following item|required 'reasoning' item"
    r"|thought[ _]?signature",
    re.IGNORECASE,
)
_MONEY = re.compile(r"credit balance is too low|insufficient[_ ]quota|exceeded your current quota")
_KEY = re.compile(r"\b(sk-|sk_|key-|gsk_|xai-|AIza|Bearer\s+)[A-Za-z0-9_\-.*]{4,}")
_WEB_PAGE = re.compile(r"<\s*(!doctype|html|head|body|title|center)\b", re.IGNORECASE)

_SAYS: dict[ErrorKind, tuple[str, str]] = {
    # kind: what the provider did, what to do
    "auth": ("refused {key}", "set {variable} to a valid key"),
    "permission": ("does not allow this with {key}", "choose another model or another key"),
    "not_found": ("knows no such model or address", "choose another model"),
    "bad_request": ("refused the request", ""),
    "context": (
        "says that the conversation does not fit the model's window",
        "rewind, start a new session, or choose a model with a larger window",
    ),
    "too_large": ("refused the request as too large", "send fewer or smaller attachments"),
    "rate_limit": ("limits the rate of requests", "wait a little and try again"),
    "quota": (
        "says that the account's credit or quota is used up",
        "add credit, wait until the quota is renewed, or choose another provider",
    ),
    "overloaded": ("is overloaded", "try again, or choose another model"),
    "server": ("failed on its side", "try again, or choose another model"),
    "timeout": ("did not answer in time", "try again"),
    "dns": ("cannot be found: no address for {host}", "check the network and the base URL"),
    "tls": (
        "has no valid certificate at {host}",
        "check the clock, the proxy, and SSL_CERT_FILE for a company's own certificates",
    ),
    "connection": ("cannot be reached at {host}", "check the network, then try again"),
    "protocol": ("sent something that is not a reply", "check the base URL and any proxy"),
    "incomplete": ("broke off before the end of the reply", "ask to go on, or try again"),
    "sdk": ("cannot be used: its package is missing or broken", "install flux-tui again"),
}

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_EMPTY_WORDS = frozenset(
    {"Connection error.", "Request timed out.", "All connection attempts failed"}
)
"""What SDKs and networks say when they say nothing."""

_KINDS: dict[str, ErrorKind] = {kind: kind for kind in _SAYS}


class StreamFailure(Exception):  # noqa: N818 - it is told apart from the errors a user sees
    """What a decoder found wrong; the boundary in `transport` makes a ProviderError of it.

    `words` are the vendor's own, or empty.
    """

    def __init__(self, kind: ErrorKind, what: str = "", *, words: str = "") -> None:
        super().__init__(what or words)
        self.kind: ErrorKind = kind
        self.what = what
        self.words = words


def vendor_failure(error: Mapping[str, object]) -> StreamFailure:
    """Return the failure that an error object of a vendor tells: `{type, code, message}`."""
    words = _words(error) or string(error.get("type"))
    return StreamFailure(kind_of(error, words) or "server", words=words)


def kind_of(error: Mapping[str, object], words: str) -> ErrorKind | None:
    """Return the kind that an error object's type, code and words tell, None if they don't.

    An adapter that knows more of its vendor's errors has put the kind under `error_kind`.
    """
    if (sure := _KINDS.get(string(error.get("error_kind")))) is not None:
        return sure
    names = [string(error.get("code")), string(error.get("type"))]
    # "Too many tokens, please wait" is about a minute, not about the window.
    hurried = any(_BY_TYPE.get(name) == "rate_limit" for name in names)
    if _OVERFLOW.search(words) and not hurried:
        return "context"
    if _MONEY.search(words):
        return "quota"
    for name in (error.get("code"), error.get("type")):
        found = _BY_TYPE.get(string(name))
        if found is not None and found != "bad_request":
            return found
        number = name if isinstance(name, int) else _number(string(name))
        if 400 <= number < 600:  # other numbers are a vendor's own, not a status
            return _of_status(number)
    return _BY_TYPE.get(string(error.get("type")))


def _number(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0


def _of_status(status: int) -> ErrorKind:
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    return "server" if status >= 500 else "bad_request"


def provider_error(
    endpoint: Endpoint,
    kind: ErrorKind,
    *,
    what: str = "",
    words: str = "",
    status: int | None = None,
    retry_after: float | None = None,
    request_id: str = "",
    param: str = "",
    hint: str = "",
) -> ProviderError:
    """Return the error of *kind* with its sentence: provider, cause, next step.

    *what* replaces the usual cause, *hint* the usual next step. *words* are the vendor's, not yet
    sanitised.
    """
    cause, usual = _SAYS[kind]
    hint = hint or usual
    key = f"the key in {endpoint.key_name}" if endpoint.key_name else "the key"
    variable = endpoint.key_name or "the key"
    host = urlsplit(endpoint.base_url).netloc or endpoint.base_url
    said = what or cause.format(key=key, host=host)
    detail = vendor_words(endpoint, words)
    sentence = f"{endpoint.provider} {said}" + (f" ({status})" if status else "")
    if detail and kind not in {"auth", "quota"}:
        sentence = f"{sentence}: {one_line(detail, _SHOWN).rstrip('.')}"
    if retry_after is not None and kind == "rate_limit" and retry_after > 0:
        hint = f"it asks to wait {math.ceil(retry_after)} s; then try again"
    return ProviderError(
        sentence,
        kind=kind,
        provider=endpoint.provider,
        status=status,
        hint=hint.format(variable=variable),
        retry_after=retry_after,
        request_id=one_line(request_id),
        detail=detail,
        param=one_line(param),
    )


def stale_reasoning(problem: ProviderError) -> bool:
    """Whether the vendor refuses reasoning of earlier turns that was sent back to it.

    It was changed, stands in another conversation, is not the vendor's own, or has lost the item
    it belongs to: the same request without reasoning will be taken.
    """
    return problem.status in {400, 404} and _STALE.search(problem.detail) is not None


def vendor_words(endpoint: Endpoint, words: str) -> str:
    """Return *words* sanitised, without anything that looks like a key, and cut.

    The key itself is unwrapped here for one comparison: some servers echo what they refuse.
    """
    text = sanitize(words[: 4 * _DETAIL])
    if endpoint.key is not None and (key := endpoint.key.get_secret_value()):
        text = text.replace(key, "[key]")
    text = _KEY.sub("[key]", text).strip()
    return text[: _PAGE if _WEB_PAGE.search(text[:500]) else _DETAIL]


def classify(endpoint: Endpoint, problem: Exception) -> ProviderError:
    """Return *problem* as the user is told it.

    The SDKs' exceptions are no closed set (raw JSONDecodeError, AssertionError and httpx2 errors
    escape them), so they are known by what they carry, not by their class.
    """
    if isinstance(problem, ProviderError):
        return problem
    if isinstance(problem, StreamFailure):
        return provider_error(endpoint, problem.kind, what=problem.what, words=problem.words)
    status = getattr(problem, "status_code", None)
    response = getattr(problem, "response", None)
    if isinstance(status, int) and response is not None:
        return _refused(endpoint, status, response, getattr(problem, "body", None))
    return _broken(endpoint, problem)


def _refused(endpoint: Endpoint, status: int, response: object, body: object) -> ProviderError:
    headers = cast("Mapping[str, str]", getattr(response, "headers", {}))  # httpx2.Headers
    error = error_object(body)
    words = _words(error)
    if not words:
        raw = body if isinstance(body, str) else str(getattr(response, "text", "") or "")
        words = raw
    kind = _of_status(status)
    if status in {400, 403, 404, 413, 422, 429}:
        told = kind_of({"type": "rate_limit_error", **error} if status == 429 else error, words)
        if told in {"context", "quota", "not_found"} or (told and kind == "bad_request"):
            kind = told
    return provider_error(
        endpoint,
        kind,
        words=words,
        status=status,
        retry_after=_wait(headers, error),
        request_id=next((headers[name] for name in _REQUEST_IDS if name in headers), ""),
        param=string(error.get("param")),
    )


def _wait(headers: Mapping[str, str], error: Mapping[str, object]) -> float | None:
    """Seconds to wait as the headers tell, or else the error object under `retry_after`."""
    told = retry_after(headers, datetime.now(UTC))
    given = error.get("retry_after")
    return float(given) if told is None and isinstance(given, (int, float)) else told


def _words(error: Mapping[str, object]) -> str:
    """Return the message of an error object, and what a router says its own provider said."""
    words = string(error.get("message"))
    raw = string(mapping(error.get("metadata")).get("raw"))  # OpenRouter's
    try:
        inner = string(error_object(json.loads(raw)).get("message")) if raw else ""
    except (ValueError, RecursionError):
        inner = ""
    return f"{words}: {inner or raw}" if raw else words


def error_object(body: object) -> Mapping[str, object]:
    """Return the innermost `{type, code, message}` of an error body, empty if there is none."""
    outer = mapping(body)
    inner = outer.get("error")
    if isinstance(inner, str):
        return {"message": inner, **{k: v for k, v in outer.items() if k != "error"}}
    return mapping(inner) or outer


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that the response asks to wait, at least 0; None if it says nothing.

    `retry-after-ms` wins over Retry-After, which is a number of seconds or an HTTP date.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if not value:
            continue
        try:
            seconds = float(value) * unit
        except ValueError:
            seconds = _until(value, now)
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None


def _until(date: str, now: datetime) -> float:
    try:
        at = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return math.nan
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp()


def _broken(endpoint: Endpoint, problem: Exception) -> ProviderError:
    import httpx2

    chain = list(_causes(problem))
    text = _reason(chain)
    if any(isinstance(cause, httpx2.TimeoutException) for cause in chain):
        return provider_error(endpoint, "timeout")
    if any(isinstance(cause, ssl.SSLError) for cause in chain) or "CERTIFICATE" in text:
        return provider_error(endpoint, "tls", words=text)
    if any(_is_dns(cause) for cause in chain):
        return provider_error(endpoint, "dns")
    if any(isinstance(cause, httpx2.ProxyError) for cause in chain):
        return provider_error(
            endpoint, "connection", what="cannot be reached through the proxy", words=text
        )
    if any(isinstance(cause, httpx2.ConnectError) for cause in chain):
        host = urlsplit(endpoint.base_url).hostname
        hint = "start the server there, or choose another model" if host in _HERE else ""
        return provider_error(endpoint, "connection", words=text, hint=hint)
    if any(isinstance(c, (httpx2.NetworkError, httpx2.RemoteProtocolError)) for c in chain):
        return provider_error(
            endpoint, "connection", what="closed the connection before the end", words=text
        )
    if isinstance(problem, ImportError):
        return provider_error(endpoint, "sdk", words=text)
    return provider_error(endpoint, "protocol", words=f"{type(problem).__name__}: {text}")


def _reason(chain: Sequence[BaseException]) -> str:
    """Return the innermost cause that says something, in the system's words if it has any."""
    for cause in reversed(chain):
        if isinstance(cause, OSError) and cause.errno and cause.errno in errno.errorcode:
            return os.strerror(cause.errno).lower()
        if (text := str(cause)) and text not in _EMPTY_WORDS:
            return text
    return ""


def _causes(problem: BaseException) -> Iterator[BaseException]:
    at: BaseException | None = problem
    seen: set[int] = set()
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _is_dns(cause: BaseException) -> bool:
    import socket

    text = str(cause)
    return isinstance(cause, socket.gaierror) or any(
        sign in text
        for sign in ("Name or service not known", "nodename nor servname", "getaddrinfo")
    )

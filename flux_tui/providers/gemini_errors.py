"""Google's error bodies -> what `failures` understands.

`{"error": {"code", "status", "message", "details": [...]}}`: the HTTP status alone does not tell
a wrong key (400) from a wrong request, nor a limit a minute from one a day, and the time to wait
stands in the details, not in a header. Source: google.rpc error details; tried 2026-11-23.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from flux_tui.core.errors import ErrorKind
from flux_tui.core.usage import JSON
from flux_tui.providers.json_values import items, mapping, string

_BY_STATUS: dict[str, ErrorKind] = {
    "INVALID_ARGUMENT": "bad_request",
    "FAILED_PRECONDITION": "bad_request",
    "OUT_OF_RANGE": "bad_request",
    "UNAUTHENTICATED": "auth",
    "PERMISSION_DENIED": "permission",
    "NOT_FOUND": "not_found",
    "RESOURCE_EXHAUSTED": "rate_limit",
    "ABORTED": "server",
    "CANCELLED": "server",
    "INTERNAL": "server",
    "UNKNOWN": "server",
    "UNAVAILABLE": "overloaded",
    "DEADLINE_EXCEEDED": "timeout",
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)s")
_OVERFLOW = re.compile(
    r"input token count.*exceeds|exceeds the maximum number of tokens", re.IGNORECASE
)


def read_error(body: JSON) -> JSON:
    """Return *body* as `{message, error_kind, retry_after, param}`; others as they are.

    Without ``alt=sse`` the body is a list of one error.
    """
    given = items(body)[0] if items(body) else body
    error = mapping(mapping(given).get("error"))
    if not error:
        return body
    message = string(error.get("message"))
    read: dict[str, JSON] = {"message": message, "code": error.get("code")}
    kind = _kind(error, message)
    if kind is not None:
        read["error_kind"] = kind
    details = [mapping(detail) for detail in items(error.get("details"))]
    waits = [_DURATION.fullmatch(string(detail.get("retryDelay"))) for detail in details]
    seconds = [float(wait[1]) for wait in waits if wait is not None]
    if seconds:
        read["retry_after"] = max(seconds)
    fields = [string(field.get("field")) for field in _violations(details, "fieldViolations")]
    if fields:
        read["param"] = fields[0]
    return read


def _kind(error: dict[str, JSON], message: str) -> ErrorKind | None:
    details = [mapping(detail) for detail in items(error.get("details"))]
    reasons = {string(detail.get("reason")) for detail in details}
    if reasons & {"API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED"} or "API key not valid" in message:
        return "auth"
    if _OVERFLOW.search(message):
        return "context"
    found = _BY_STATUS.get(string(error.get("status")))
    if found == "rate_limit":
        quotas = [string(one.get("quotaId")) for one in _violations(details, "violations")]
        # Limits a day, and free tiers of nothing at all, do not pass by waiting a minute.
        if any("PerDay" in name for name in quotas) or re.search(r"\blimit: 0\b", message):
            return "quota"
    return found


def _violations(details: list[dict[str, JSON]], key: str) -> Iterator[dict[str, JSON]]:
    for detail in details:
        yield from map(mapping, items(detail.get(key)))

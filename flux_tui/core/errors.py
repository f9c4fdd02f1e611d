"""Every error of the program, one tree.

FluxError                 a sentence for the user, and what to do
├── InputError            wrong usage or input              (exit status 2)
│   ├── ConfigError       a setting; names file, line, key
│   └── CodecError        a document; names the path of the item
├── ProviderError         an endpoint refused, failed or broke off (exit status 1)
├── ToolError             a tool's failure: text for the model, not for the user
├── StoreError            the database cannot be read or written   (exit status 1)
└── BudgetError           a spending limit was reached             (exit status 3)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

ErrorKind: TypeAlias = Literal[
    "auth",  # 401: the key is missing or refused
    "permission",  # 403
    "not_found",  # 404: no such model or path
    "bad_request",  # 400, 422: the request itself
    "context",  # the conversation does not fit the window
    "too_large",  # 413
    "rate_limit",  # 429, will pass
    "quota",  # 429 or 402 that will not pass by waiting
    "overloaded",  # 503, 529
    "server",  # other 5xx, and error events of that kind
    "timeout",  # no byte for too long
    "dns",
    "tls",
    "connection",  # refused, reset, unreachable
    "protocol",  # the answer is not what the wire format promises
    "incomplete",  # the stream ended without its terminal event
    "sdk",  # a vendor's package is missing or broken
]

_RETRYABLE: frozenset[ErrorKind] = frozenset(
    {"rate_limit", "overloaded", "server", "timeout", "connection"}
)


class FluxError(Exception):
    """A failure told in one sentence, with what to do about it.

    Attributes:
        message: what happened; one sentence without a final stop.
        hint: what to do; may be empty.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class InputError(FluxError):
    """Wrong usage, or input that cannot be understood."""

    exit_status = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a setting stands: a file and a line (0 if unknown), or an environment variable."""

    source: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


class ConfigError(InputError):
    """A setting with a wrong value; the message names place, key and what is accepted."""

    def __init__(self, message: str, *, place: Place, key: str, hint: str = "") -> None:
        # A variable and an option are their own place: the name is said once.
        own = (f" {key}", f"--{key}")
        where = f"{place}" if f"{place}".endswith(own) else f"{place}: {key}"
        super().__init__(f"{where}: {message}", hint=hint)
        self.place = place
        self.key = key


class CodecError(InputError):
    """A document that breaks its format; *path* names the item, as in `messages[2].role`."""

    def __init__(self, message: str, *, path: str = "", hint: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message, hint=hint)
        self.path = path


class ProviderError(FluxError):
    """An endpoint refused, failed or broke off.

    Attributes:
        kind: what sort of failure; decides retry and advice.
        provider: the provider's id.
        status: HTTP status, or None when there was none.
        retry_after: seconds the server asked to wait, or None.
        request_id: the vendor's id of the request, for its support; may be empty.
        detail: the vendor's own words, sanitised, at most 2,000 characters.
        param: the request field that the vendor named; may be empty.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind,
        provider: str,
        status: int | None = None,
        hint: str = "",
        retry_after: float | None = None,
        request_id: str = "",
        detail: str = "",
        param: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind: ErrorKind = kind
        self.provider = provider
        self.status = status
        self.retry_after = retry_after
        self.request_id = request_id
        self.detail = detail
        self.param = param

    @property
    def retryable(self) -> bool:
        """Whether waiting and sending the same bytes again can help."""
        return self.kind in _RETRYABLE


class ToolError(FluxError):
    """A tool could not do what was asked; the message goes to the model as an error result."""


class StoreError(FluxError):
    """The database cannot be read or written."""


class BudgetError(FluxError):
    """A spending limit was reached."""

    exit_status = 3

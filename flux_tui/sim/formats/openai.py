"""What OpenAI's two wire formats share: refusals, error bodies, reading parts."""

from __future__ import annotations

from flux_tui.sim.rules.common import Violation
from flux_tui.sim.values import Object, mapping, objects, string

STREAM_ERRORS = {
    "overloaded": ("service_unavailable_error", "server_is_overloaded"),
    "server": ("server_error", "server_error"),
    "rate": ("rate_limit_error", "rate_limit_exceeded"),
}


def unauthorized(key: str | None) -> Violation:
    """The refusal of a missing key (None) or of a wrong one, which is shown masked."""
    if not key:
        text = (
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        )
        return Violation("auth", "", text, status=401)
    masked = f"{key[:3]}{'*' * 8}{key[-4:]}" if len(key) > 8 else "*" * len(key)
    text = (
        f"Incorrect API key provided: {masked}. You can find your API key at "
        "https://platform.openai.com/account/api-keys."
    )
    return Violation("auth", "", text, None, "invalid_api_key", 401)


def error_body(violation: Violation) -> Object:
    """The JSON document of an HTTP error."""
    return {
        "error": {
            "message": violation.message,
            "type": violation.type,
            "param": violation.param,
            "code": violation.code,
        }
    }


def part_text(content: object) -> str:
    """The text in a message's or a tool result's content, parts joined by lines."""
    if isinstance(content, str):
        return content
    parts = objects(content)
    return "\n".join(string(part.get("text")) for part in parts if part.get("text"))


def data_kind(url: str, other: str) -> str:
    """The media type of a data URL, or *other* for an address."""
    if url.startswith("data:"):
        return url[5:].split(";", 1)[0].split(",", 1)[0]
    return other


def schema_of(response_format: Object) -> Object | None:
    """The JSON schema an answer must have, in either API's spelling."""
    inner = mapping(response_format.get("json_schema")) or response_format
    return mapping(inner.get("schema")) or None


def json_pieces(raw: str) -> tuple[str, ...]:
    """The arguments of a call in the fragments they are streamed in."""
    return tuple(raw[at : at + 12] for at in range(0, len(raw), 12))

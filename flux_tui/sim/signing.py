"""Signatures over reasoning that only the simulator can make, so that it can check a replay.

A vendor's signature is opaque; so is this one to a client. The key is public and fixed: it
protects nothing, it only tells reasoning this simulator wrote from reasoning it did not write.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from flux_tui.sim.values import Object, dumps, mapping, string

_KEY = b"flux-tui simulator, not a secret"


def sign(claims: Object, *texts: str) -> str:
    """Base64 of *claims* and of a code over *claims* and *texts*."""
    payload = dumps(claims).encode()
    return base64.urlsafe_b64encode(_code(payload, texts) + payload).decode()


def verify(signature: str, *texts: str) -> Object | None:
    """The claims of *signature*, or None when this simulator did not make it for *texts*."""
    try:
        raw = base64.urlsafe_b64decode(signature.encode("ascii"))
    except ValueError:  # covers binascii.Error and UnicodeEncodeError
        return None
    code, payload = raw[:32], raw[32:]
    if not hmac.compare_digest(code, _code(payload, texts)):
        return None
    claims = mapping(json.loads(payload))
    return claims or None


def digest(*parts: str) -> str:
    """A stable hexadecimal name for *parts*."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()


def claim(claims: Object | None, name: str) -> str:
    """One claim as text; empty when it is missing."""
    return string(mapping(claims).get(name))


def _code(payload: bytes, texts: tuple[str, ...]) -> bytes:
    mac = hmac.new(_KEY, payload, hashlib.sha256)
    for text in texts:
        raw = text.encode("utf-8", "replace")
        mac.update(len(raw).to_bytes(8, "big") + raw)
    return mac.digest()

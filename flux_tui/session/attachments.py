"""Files that are given to a model: pictures by their bytes, documents with their text."""

from __future__ import annotations

import struct
from pathlib import Path

from flux_tui.core.errors import InputError
from flux_tui.core.messages import Document, Image
from flux_tui.core.sanitize import one_line, sanitize

MAX_BYTES = 20_000_000
"""Larger files are refused: no vendor takes them in a message."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def read_attachment(path: Path) -> Image | Document:
    """Return the file as what a message holds. Blocks: call it in a thread.

    Pictures and PDF are told by their first bytes, text by being valid UTF-8.

    Raises:
        InputError: the file cannot be read, is too large, or is of no kind that models take.
    """
    name = one_line(path.name, 200)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as problem:
        reason = problem.strerror or "unknown reason"
        raise InputError(f"{name} cannot be attached: {reason}") from problem
    if len(data) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB", hint="attach less")
    return _recognised(data, name)


def _recognised(data: bytes, name: str) -> Image | Document:
    mime = next((mime for magic, mime in _MAGIC if data.startswith(magic)), "")
    if not mime and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        mime = "image/webp"
    if mime:
        width, height = _size(data, mime)
        return Image(data, mime, name, width, height)
    if data.startswith(b"%PDF-"):
        return Document(data, "application/pdf", name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise InputError(
            f"{name} is neither a picture (PNG, JPEG, GIF, WebP) nor a PDF nor UTF-8 text",
            hint="convert it first",
        ) from problem
    return Document(data, "text/plain", name, sanitize(text))


def _size(data: bytes, mime: str) -> tuple[int, int]:
    """Return width and height in pixels where they stand at a fixed place, else zeros."""
    if mime == "image/png" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if mime == "image/gif" and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    return 0, 0

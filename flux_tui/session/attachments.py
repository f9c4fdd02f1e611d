"""Files that are given to a model: checked once, when attached, and pictures scaled to fit."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING

from flux_tui.core.errors import InputError
from flux_tui.core.messages import Document, Image
from flux_tui.core.sanitize import one_line, sanitize

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_FILE_BYTES = 20_000_000
"""Larger files are refused: no vendor takes them in a message."""

MAX_IMAGE_SIDE = 2_000
"""Pixels. Vendors scale what is larger, or refuse it beside many other pictures."""

MAX_IMAGE_BYTES = 3_700_000
"""In base64 this stays under 5 MB, the smallest limit of a vendor."""

PDF_SECONDS = 10.0
"""How long a PDF's text may take; pages not read by then are left out, and the text says so."""

_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
_NO_KIND = "is neither a picture (PNG, JPEG, GIF, WebP) nor a PDF nor UTF-8 text"


def read_attachment(path: Path) -> Image | Document:
    """Return the file as what a message holds. Blocks: call it in a thread.

    A picture within the limits keeps its bytes; a larger one is turned upright and scaled. What
    a file is, its bytes say, not its name.

    Raises:
        InputError: the file cannot be read, is too large, or is of no kind that models take.
    """
    name = one_line(path.name, 200)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as problem:
        reason = problem.strerror or "unknown reason"
        raise InputError(f"{name} cannot be attached: {reason}") from problem
    if len(data) > MAX_FILE_BYTES:
        raise InputError(
            f"{name} is larger than {MAX_FILE_BYTES // 1_000_000} MB", hint="send less"
        )
    if not data:
        raise InputError(f"{name} is empty")
    if data.startswith(b"%PDF-"):
        return Document(data, "application/pdf", name, _pdf_text(data))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _image(data, name)
    return Document(data, "text/plain", name, sanitize(text))


def _image(data: bytes, name: str) -> Image:
    import PIL.Image
    from PIL import ImageOps, UnidentifiedImageError

    try:
        # Only these: Pillow's decoders of rare formats are attacked, and no vendor takes them.
        with PIL.Image.open(io.BytesIO(data), formats=tuple(_FORMATS)) as picture:
            mime = _FORMATS[picture.format or ""]
            width, height = picture.size
            if max(width, height) <= MAX_IMAGE_SIDE and len(data) <= MAX_IMAGE_BYTES:
                picture.load()  # a damaged file is told now, not by the vendor
                return Image(data, mime, name, width, height)
            upright = ImageOps.exif_transpose(picture)
            return _scaled(upright, name)
    except UnidentifiedImageError as problem:
        raise InputError(f"{name} {_NO_KIND}", hint="convert it first") from problem
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as problem:
        raise InputError(f"the picture {name} is damaged or too large to open") from problem


def _scaled(picture: Picture, name: str) -> Image:
    """Return the picture within the limits: PNG where it has transparency, else JPEG."""
    transparent = picture.has_transparency_data
    flat = picture.convert("RGBA" if transparent else "RGB")
    side = MAX_IMAGE_SIDE
    while True:
        flat.thumbnail((side, side))
        buffer = io.BytesIO()
        if transparent:
            flat.save(buffer, "PNG", optimize=True)
        else:
            flat.save(buffer, "JPEG", quality=88)
        if buffer.tell() <= MAX_IMAGE_BYTES:
            mime = "image/png" if transparent else "image/jpeg"
            return Image(buffer.getvalue(), mime, name, *flat.size)
        side = side * 3 // 4


def _pdf_text(data: bytes) -> str | None:
    """Return the words of a PDF for models that cannot read one; None if it yields none."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    end = time.monotonic() + PDF_SECONDS
    pages: list[str] = []
    try:
        reader = PdfReader(io.BytesIO(data))
        total = len(reader.pages)
        for page in reader.pages:
            if time.monotonic() > end:
                pages.append(f"[only {len(pages)} of {total} pages could be read in time]")
                break
            pages.append(sanitize(page.extract_text()).strip())
    except (PyPdfError, ValueError, KeyError, TypeError, IndexError, RecursionError, OSError):
        # The bytes may still be good enough for a vendor's own reader.
        return "\n\n".join(pages).strip() or None
    return "\n\n".join(page for page in pages if page) or None

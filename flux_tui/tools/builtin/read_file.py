"""Reads a text file, or a stretch of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.core.usage import JSON
from flux_tui.tools.arguments import flag, shown, text, whole
from flux_tui.tools.base import Preview, Risk, ToolContext
from flux_tui.tools.output import cap
from flux_tui.tools.workspace import Bytes, read_bytes, resolve

_MOST = 4_000_000  # bytes read at most
_LINES = 2000


class ReadFile:
    """The text of a file of the workspace."""

    name = "read_file"
    description = (
        "Read a text file in the working folder. Long files are read in stretches: give offset "
        "(first line, from 1) and limit (number of lines). Binary files are only described."
    )
    risk: Risk = "read"
    schema: Mapping[str, JSON] = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "file, relative to the working folder"},
            "offset": {"type": "integer", "description": "first line, from 1"},
            "limit": {"type": "integer", "description": f"number of lines; default {_LINES}"},
            "line_numbers": {"type": "boolean", "description": "begin lines with their number"},
        },
        "required": ["path"],
        "additionalProperties": False,
    }

    def summary(self, arguments: Mapping[str, JSON]) -> str:
        """The file."""
        return one_line(shown(arguments, "path"))

    async def preview(self, arguments: Mapping[str, JSON], context: ToolContext) -> Preview | None:
        """Nothing beyond the arguments."""
        return None

    async def run(self, arguments: Mapping[str, JSON], context: ToolContext) -> str:
        """Return the text, with a last line that says what is missing."""
        path = text(arguments, "path")
        first = whole(arguments, "offset", 1, 1, 1 << 40)
        limit = whole(arguments, "limit", _LINES, 1, 1_000_000)
        numbered = flag(arguments, "line_numbers")
        return await asyncio.to_thread(_read, context, path, first, limit, numbered)


def _read(context: ToolContext, path: str, first: int, limit: int, numbered: bool) -> str:
    found = read_bytes(context.root, resolve(context.root, path), _MOST)
    if b"\0" in found.data[:65_536]:
        return f"[binary file, {found.size:,} bytes{_kind(found.data)}]"
    whole_text = found.data.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = whole_text.splitlines(keepends=True)
    chosen = lines[first - 1 : first - 1 + limit]
    body = cap(_numbered(chosen, first) if numbered else "".join(chosen), context.max_output)
    clean = sanitize(body)
    notes = _notes(found, len(lines), first, len(chosen))
    if clean != body.replace("\r\n", "\n"):
        notes.append("control characters left out")
    if "\ufffd" in body and "\ufffd".encode() not in found.data:
        notes.append("bytes that are not UTF-8 replaced")
    note = f"[{'; '.join(notes)}]" if notes else ""
    return "\n".join(piece for piece in (clean.rstrip("\n") if note else clean, note) if piece)


def _numbered(lines: list[str], first: int) -> str:
    return "".join(f"{number:6}  {line}" for number, line in enumerate(lines, first))


def _notes(found: Bytes, total: int, first: int, count: int) -> list[str]:
    notes: list[str] = []
    if not found.data:
        return ["empty file"]
    if not count:
        return [f"the file has only {total:,} lines"]
    if first > 1 or count < total:
        notes.append(f"lines {first:,} to {first + count - 1:,} of {total:,}")
    if found.size > len(found.data):
        notes.append(f"only the first {len(found.data):,} of {found.size:,} bytes were read")
    return notes


def _kind(data: bytes) -> str:
    kinds = {
        b"\x89PNG": "PNG image",
        b"\xff\xd8\xff": "JPEG image",
        b"GIF8": "GIF image",
        b"PK\x03\x04": "ZIP archive",
        b"\x7fELF": "program",
        b"%PDF": "PDF document",
        b"SQLite": "SQLite database",
        b"\x1f\x8b": "gzip archive",
    }
    return next((f", {name}" for start, name in kinds.items() if data.startswith(start)), "")


TOOL = ReadFile()

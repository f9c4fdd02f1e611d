"""Writes a text file, after showing what would change."""

from __future__ import annotations

import asyncio
import codecs
import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flux_tui.core.errors import ToolError
from flux_tui.core.sanitize import one_line, visible
from flux_tui.core.usage import JSON
from flux_tui.tools.arguments import shown, text
from flux_tui.tools.base import Preview, Risk, ToolContext
from flux_tui.tools.workspace import Bytes, read_bytes, relative, replace_bytes, resolve

_MOST = 4_000_000  # bytes of the old and of the new file
_DIFF_LINES = 20_000  # beyond that a diff takes seconds and nobody reads it


class WriteFile:
    """The whole content of a file of the workspace."""

    name = "write_file"
    description = (
        "Write a text file in the working folder: the whole new content replaces the old one. "
        "Folders on the way are made. Line endings and byte order mark of an old file are kept."
    )
    risk: Risk = "write"
    schema: Mapping[str, JSON] = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "file, relative to the working folder"},
            "content": {"type": "string", "description": "the whole new text"},
        },
        "required": ["path", "content"],
        "additionalProperties": False,
    }

    def summary(self, arguments: Mapping[str, JSON]) -> str:
        """The file."""
        return one_line(shown(arguments, "path"))

    async def preview(self, arguments: Mapping[str, JSON], context: ToolContext) -> Preview | None:
        """Show the change as a unified diff, bound to the old and the new content."""
        path, content = text(arguments, "path"), text(arguments, "content")
        return await asyncio.to_thread(_preview, context.root, path, content)

    async def run(self, arguments: Mapping[str, JSON], context: ToolContext) -> str:
        """Write it in one step; refuse if the file is not what the preview showed."""
        path, content = text(arguments, "path"), text(arguments, "content")
        return await asyncio.to_thread(_write, context, path, content)


@dataclass(frozen=True, slots=True)
class _Change:
    path: Path
    name: str
    old: Bytes | None
    new: bytes

    @property
    def fingerprint(self) -> str:
        """Stands for exactly this change of exactly this file."""
        digest = hashlib.sha256(self.name.encode("utf-8", "surrogatepass"))
        for piece in (b"" if self.old is None else b"+" + self.old.data, self.new):
            digest.update(hashlib.sha256(piece).digest())
        return digest.hexdigest()


def _change(root: Path, text: str, content: str) -> _Change:
    path = resolve(root, text)
    name = relative(root, path)
    if ".git" in path.parts:
        raise ToolError("files of git itself are not written", hint="use git commands")
    if path.is_dir():
        raise ToolError(f"{one_line(text)!r} is a folder")
    old = read_bytes(root, path, _MOST + 1) if path.exists() else None
    new = _as_before(content, old)
    if len(new) > _MOST or (old is not None and old.size > _MOST):
        raise ToolError(f"the file is larger than {_MOST:,} bytes", hint="use another way")
    return _Change(path, name, old, new)


def _as_before(content: str, old: Bytes | None) -> bytes:
    """Encode *content* with the line endings and the byte order mark that *old* has."""
    new = content.encode()
    if old is None:
        return new
    if b"\r\n" in old.data and old.data.count(b"\n") == old.data.count(b"\r\n"):
        new = new.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if old.data.startswith(codecs.BOM_UTF8) and not new.startswith(codecs.BOM_UTF8):
        new = codecs.BOM_UTF8 + new
    return new


def _preview(root: Path, text: str, content: str) -> Preview:
    change = _change(root, text, content)
    return Preview("diff", visible(_diff(change)), change.fingerprint)


def _diff(change: _Change) -> str:
    name = one_line(change.name, 300)
    if change.old is not None and b"\0" in change.old.data:
        return f"{name}: replaces a binary file of {change.old.size:,} bytes"
    before = _lines(change.old.data) if change.old is not None else []
    after = _lines(change.new)
    if len(before) + len(after) > _DIFF_LINES:
        return f"{name}: {len(before):,} lines are replaced by {len(after):,}"
    source = f"a/{name}" if change.old is not None else "/dev/null"
    pieces = difflib.unified_diff(before, after, source, f"b/{name}", lineterm="")
    return "\n".join(pieces) or f"{name}: no change"


def _lines(data: bytes) -> list[str]:
    # Only \n ends a line here; the \r of a changed line ending must show.
    return data.decode("utf-8", "replace").removesuffix("\n").split("\n") if data else []


def _write(context: ToolContext, text: str, content: str) -> str:
    change = _change(context.root, text, content)
    if context.approved and context.approved != change.fingerprint:
        raise ToolError(
            "the file has changed since it was shown; nothing was written", hint="read it again"
        )
    replace_bytes(context.root, change.path, change.new, change.old)
    verb = "created" if change.old is None else "replaced"
    return f"{verb} {one_line(change.name, 300)} ({len(change.new):,} bytes)"


TOOL = WriteFile()

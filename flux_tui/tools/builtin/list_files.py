"""Lists what is in a folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from flux_tui.core.errors import ToolError
from flux_tui.core.sanitize import one_line
from flux_tui.core.usage import JSON
from flux_tui.tools.arguments import shown, text, whole
from flux_tui.tools.base import Preview, Risk, ToolContext
from flux_tui.tools.output import cap
from flux_tui.tools.walk import walk
from flux_tui.tools.workspace import relative, resolve

_MOST = 1000
_SECONDS = 5.0


class ListFiles:
    """Names and sizes below a folder of the workspace."""

    name = "list_files"
    description = (
        "List files and folders in the working folder, one a line: folders end in a slash, files "
        "show their size in bytes. What .gitignore leaves out is not shown."
    )
    risk: Risk = "read"
    schema: Mapping[str, JSON] = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "folder, relative to the working folder"},
            "depth": {"type": "integer", "description": "levels to go down, 1 to 10; default 1"},
        },
        "additionalProperties": False,
    }

    def summary(self, arguments: Mapping[str, JSON]) -> str:
        """The folder."""
        return one_line(shown(arguments, "path", "."))

    async def preview(self, arguments: Mapping[str, JSON], context: ToolContext) -> Preview | None:
        """Nothing beyond the arguments."""
        return None

    async def run(self, arguments: Mapping[str, JSON], context: ToolContext) -> str:
        """Return the listing."""
        folder = text(arguments, "path", ".") or "."
        depth = whole(arguments, "depth", 1, 1, 10)
        return await asyncio.to_thread(_listing, context, folder, depth)


def _listing(context: ToolContext, text: str, depth: int) -> str:
    folder = resolve(context.root, text)
    if not folder.is_dir():
        raise ToolError(f"there is no folder {one_line(text)!r}")
    lines: list[str] = []
    for entry in walk(folder, depth, _SECONDS, Path(os.path.realpath(context.root))):
        if len(lines) == _MOST:
            lines.append(f"[more than {_MOST:,} entries; name a folder further down]")
            break
        lines.append(_line(context.root, entry))
    return cap("\n".join(lines), context.max_output) or "[empty]"


def _line(root: Path, entry: os.DirEntry[str]) -> str:
    name = one_line(relative(root, Path(entry.path)), 300)
    if entry.is_symlink():
        return f"{name} (symbolic link)"
    if entry.is_dir():
        return name + "/"
    try:
        return f"{name} ({entry.stat(follow_symlinks=False).st_size:,} bytes)"
    except OSError:
        return name  # gone since it was listed


TOOL = ListFiles()

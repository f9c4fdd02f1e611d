"""Searches the text of files."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import flux_tui
from flux_tui.core.errors import ToolError
from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.core.usage import JSON
from flux_tui.tools.arguments import flag, shown, text, whole
from flux_tui.tools.base import Preview, Risk, ToolContext
from flux_tui.tools.process import run
from flux_tui.tools.secrets import is_secret
from flux_tui.tools.workspace import relative, resolve

_SECONDS = 30.0
_RAW = 2_000_000  # characters of output that are looked through


class SearchText:
    """Lines of the workspace's files that match a pattern."""

    name = "search_text"
    description = (
        "Search files below the working folder with a regular expression. Returns path:line:text "
        "for each match. What .gitignore leaves out is not searched."
    )
    risk: Risk = "read"
    schema: Mapping[str, JSON] = {
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "description": "regular expression"},
            "path": {"type": "string", "description": "folder or file to search; default all"},
            "glob": {"type": "string", "description": "only files like this, e.g. *.py"},
            "ignore_case": {"type": "boolean"},
            "limit": {"type": "integer", "description": "most matches; default 100"},
        },
        "required": ["pattern"],
        "additionalProperties": False,
    }

    def summary(self, arguments: Mapping[str, JSON]) -> str:
        """The pattern and where it is looked for."""
        where = shown(arguments, "path", "")
        return one_line(shown(arguments, "pattern") + (f" in {where}" if where else ""))

    async def preview(self, arguments: Mapping[str, JSON], context: ToolContext) -> Preview | None:
        """Nothing beyond the arguments."""
        return None

    async def run(self, arguments: Mapping[str, JSON], context: ToolContext) -> str:
        """Return the matching lines."""
        pattern = text(arguments, "pattern")
        glob = text(arguments, "glob", "")
        most = whole(arguments, "limit", 100, 1, 1000)
        folded = flag(arguments, "ignore_case")
        if not pattern:
            raise ToolError("the pattern is empty")
        place = await asyncio.to_thread(_place, context.root, text(arguments, "path", ".") or ".")
        program = await asyncio.to_thread(shutil.which, "rg")
        argv = (
            _ripgrep(program, pattern, place, glob, folded)
            if program
            else _own(context.root, pattern, place, glob, folded, most=most)
        )
        finished = await run(
            argv, cwd=context.root, timeout=_SECONDS, limit=_RAW, emit=lambda _: None
        )
        # ripgrep also ends with 2 when it could not open one of many files.
        refused = not program or finished.output.startswith(("rg:", "regex parse error"))
        if finished.status >= 2 and refused:
            raise ToolError(f"the search failed: {one_line(finished.output, 300)}")
        found = await asyncio.to_thread(_lines, context, finished.output, most)
        if finished.timed_out:
            found.append(f"[stopped after {_SECONDS:.0f} s; there may be more]")
        return "\n".join(found) or "[no match]"


def _place(root: Path, path: str) -> str:
    found = resolve(root, path)
    if not found.exists():
        raise ToolError(f"there is nothing at {one_line(path)!r}")
    return relative(root, found)


def _ripgrep(program: str, pattern: str, place: str, glob: str, folded: bool) -> Sequence[str]:
    return (
        *(
            program,
            "--no-config",
            "--no-messages",
            "--line-number",
            "--with-filename",
            "--no-heading",
        ),
        *("--color=never", "--no-require-git", "--max-columns=300", "--max-filesize=2M"),
        *("--ignore-case",) * folded,
        *((f"--glob={glob}",) if glob else ()),
        *("--regexp", pattern, "--", place),
    )


def _own(
    root: Path, pattern: str, place: str, glob: str, folded: bool, *, most: int
) -> Sequence[str]:
    # -I keeps a `re.py` in the working folder from being imported in place of the real one.
    home = str(Path(flux_tui.__file__).parents[1])
    start = f"import sys; sys.path.append({home!r}); from flux_tui.tools.finder import main; "
    start += "sys.exit(main(sys.argv[1:], sys.stdout))"
    options = ("-I", "-X", "utf8", "-c", start)
    case = "i" if folded else ""
    return (sys.executable, *options, str(root), place, glob, case, str(most + 1), pattern)


def _lines(context: ToolContext, output: str, most: int) -> list[str]:
    found: list[str] = []
    size = 0
    for line in output.splitlines():
        name = line.partition(":")[0]
        if not line or is_secret(Path(context.root, name)):
            continue
        size += len(line) + 1
        if len(found) == most or size > context.max_output:
            found.append("[more matches left out; narrow the pattern or the path]")
            break
        found.append(sanitize(line).removeprefix("./"))
    return found


TOOL = SearchText()

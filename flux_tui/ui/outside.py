"""Other programs on the user's desk: the editor and the local clipboard. Keys stay in here."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from flux_tui.core.errors import InputError
from flux_tui.core.sanitize import sanitize
from flux_tui.tools.process import child_environment

_DESK = (
    *("TERM", "COLORTERM", "NO_COLOR", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "TMUX"),
    *("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"),
    *("DBUS_SESSION_BUS_ADDRESS", "XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE", "XDG_DATA_DIRS"),
    *("VIMINIT", "MYVIMRC", "NVIM_APPNAME", "EDITOR", "VISUAL"),
)
_CLIPBOARDS = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
)
_PATIENCE = 2.0  # seconds for a clipboard program; those that stay behind have forked by then


def desk_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the user's own programs get: no key, but their terminal and their windows."""
    kept = {name: environ[name] for name in _DESK if name in environ}
    clean = child_environment(environ)
    for name in ("TERM", "NO_COLOR", "PAGER", "GIT_PAGER", "GIT_TERMINAL_PROMPT"):
        clean.pop(name, None)
    return clean | kept


def clipboard_program(environ: Mapping[str, str], platform: str = sys.platform) -> tuple[str, ...]:
    """Return the command that fills this desk's clipboard from stdin; empty if there is none.

    Over ssh there is none: the clipboard there is not the one before the user.
    """
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return ()
    path = environ.get("PATH")
    if platform == "darwin":
        return ("pbcopy",) if shutil.which("pbcopy", path=path) else ()
    for needed, command in _CLIPBOARDS:
        if environ.get(needed) and shutil.which(command[0], path=path):
            return command
    return ()


async def copy_locally(text: str, environ: Mapping[str, str]) -> str:
    """Put *text* into the clipboard of this desk; return the program's name, empty if not done."""
    command = await asyncio.to_thread(clipboard_program, environ)
    if not command:
        return ""
    nowhere = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=nowhere,
            stderr=nowhere,
            env=desk_environment(environ),
        )
    except OSError:
        return ""
    try:
        await asyncio.wait_for(process.communicate(text.encode("utf-8", "replace")), _PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
    return command[0] if process.returncode == 0 else ""


async def open_link(target: str, environ: Mapping[str, str], platform: str = sys.platform) -> None:
    """Open an http or https address in the user's browser.

    Raises:
        InputError: it is another kind of address, or no browser can be started.
    """
    if not target.startswith(("http://", "https://")):
        raise InputError("only http and https links are opened")
    opener = "open" if platform == "darwin" else "xdg-open"
    nowhere = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            opener,
            target,
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
            env=desk_environment(environ),
        )
        status = await asyncio.wait_for(process.wait(), _PATIENCE)
    except TimeoutError:
        return  # it stays beside the browser it started
    except OSError:
        status = 1
    if status:
        raise InputError("no browser could be started", hint="copy the link instead")


class Draft:
    """A text in a file of its own, for an editor; the file is gone afterwards.

    Use it as ``async with``; `edit` runs the editor in the terminal, which must be free.
    """

    def __init__(self, text: str, environ: Mapping[str, str]) -> None:
        self._text = text
        self._environ = environ
        self._path: Path | None = None

    async def __aenter__(self) -> Draft:
        self._path = await asyncio.to_thread(self._write)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._path is not None:
            await asyncio.to_thread(self._path.unlink, missing_ok=True)

    def _write(self) -> Path:
        handle, name = tempfile.mkstemp(prefix="flux-", suffix=".md")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(self._text)
        return Path(name)

    def command(self) -> tuple[str, ...]:
        """Return the editor's command line.

        Raises:
            InputError: $VISUAL or $EDITOR cannot be understood.
        """
        editor = self._environ.get("VISUAL") or self._environ.get("EDITOR") or "vi"
        try:
            return (*shlex.split(editor), str(self._path))
        except ValueError as problem:
            raise InputError(f"$EDITOR cannot be understood: {problem}") from None

    async def edit(self) -> str:
        """Run the editor to its end and return the text, sanitised.

        Raises:
            InputError: the editor cannot be run, or it failed; the text is as before.
        """
        command = self.command()
        try:
            process = await asyncio.create_subprocess_exec(
                *command, env=desk_environment(self._environ)
            )
            status = await process.wait()
        except OSError as problem:
            words = f"the editor {command[0]!r} cannot be run ({problem.strerror})"
            raise InputError(words, hint="set $EDITOR") from None
        if status:
            raise InputError(f"the editor ended with status {status}; the message is as before")
        if self._path is None:
            return self._text
        return sanitize(await asyncio.to_thread(self._path.read_text, "utf-8", "replace")).rstrip()

"""The list of sessions: find, resume, rename, delete, or begin a new one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from flux_tui.core.errors import FluxError
from flux_tui.storage.store import SessionInfo, SessionStore
from flux_tui.ui.render.labels import assemble, money, one_line
from flux_tui.ui.screens.listing import AskLine, ListScreen, Row

NEW = ""
"""What the dialog returns for a new session, instead of an id."""


def session_row(info: SessionInfo, current: str | None) -> Row:
    """Return a session as a row of two lines."""
    models = one_line(", ".join(info.models), 60) or "no model yet"
    when = f"{info.updated.astimezone():%d %b %Y %H:%M}"
    facts = f"{when} · {info.messages} messages · {models} · {money(info.cost)}"
    mark = ("● ", "$success") if info.id == current else "  "
    title = (one_line(info.title or "Untitled", 70), "bold")
    return info.id, assemble(mark, title, ("\n  " + facts, "dim"))


class SessionsScreen(ListScreen):
    """Returns the id of the session to resume, `NEW`, or None.

    *rename* and *delete* do what they say for an id; *current* is the open session, which can be
    renamed but not deleted.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "new", "New session", priority=True),
        Binding("ctrl+r", "rename", "Rename", priority=True),
        Binding("ctrl+d", "delete", "Delete", priority=True),
    ]
    KEYS = "Enter resume · Ctrl+N new · Ctrl+R rename · Ctrl+D delete · Esc close"

    def __init__(
        self,
        store: SessionStore,
        current: str | None,
        rename: Callable[[str, str], Awaitable[None]],
    ) -> None:
        super().__init__("Sessions", "Search titles and text", self._rows)
        self._store = store
        self._current = current
        self._rename = rename
        self._doomed: str | None = None
        self._titles: dict[str, str] = {}

    async def _rows(self, wanted: str) -> list[Row]:
        found = await self._store.sessions(wanted)
        self._titles = {info.id: info.title for info in found}
        return [session_row(info, self._current) for info in found]

    def title_of(self, session_id: str) -> str:
        """Return the title of a session that is listed."""
        return self._titles.get(session_id, "")

    def action_new(self) -> None:
        """Close and begin a new session."""
        self.dismiss(NEW)

    def action_rename(self) -> None:
        """Ask for another title of the session under the cursor."""
        session_id = self.highlighted
        if session_id is None:
            return

        async def named(title: str | None) -> None:
            if title:
                await self._attempt(self._rename(session_id, title))

        self.app.push_screen(AskLine("Title", self.title_of(session_id)), named)

    def action_delete(self) -> None:
        """Delete the session under the cursor; the first press only says so."""
        session_id = self.highlighted
        if session_id is None:
            return
        if session_id == self._current:
            self.say("This session is open: begin another one before you delete it", "$warning")
        elif session_id != self._doomed:
            title = one_line(self.title_of(session_id) or "Untitled", 40)
            self.say(f"Press Ctrl+D again to delete “{title}” for good", "$error")
            self._doomed = session_id
        else:
            self._delete(session_id)

    def moved(self) -> None:
        """Take the threat back: the second press must name the same session."""
        self._doomed = None
        super().moved()

    @work(group="delete", exit_on_error=False)
    async def _delete(self, session_id: str) -> None:
        await self._attempt(self._store.delete(session_id))

    async def _attempt(self, doing: Awaitable[None]) -> None:
        try:
            await doing
        except FluxError as problem:
            self.say(str(problem), "$error")
            return
        self.moved()
        self.refill()

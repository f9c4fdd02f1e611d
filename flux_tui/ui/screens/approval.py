"""Asks before a tool runs: shows exactly what it would do; the way out is no."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from flux_tui.core.messages import ToolCall
from flux_tui.core.sanitize import visible
from flux_tui.session.approvals import Answer
from flux_tui.tools.base import Preview, Tool
from flux_tui.ui.render.labels import assemble, one_line
from flux_tui.ui.screens.guarded import Choice, GuardedDialog, Page, asked
from flux_tui.ui.screens.listing import preview_content
from flux_tui.ui.widgets.plain import Plain, PlainButton


class ApprovalScreen(GuardedDialog[Answer]):
    """Returns the user's answer; Escape and the default button say no."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('once')", "Run once"),
        Binding("s,a", "answer('session')", "Always in this session"),
        Binding("n,d,escape", "answer('no')", "Deny"),
    ]

    def __init__(
        self,
        call: ToolCall,
        tool: Tool,
        preview: Preview | None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(now)
        self._call = call
        self._tool = tool
        self._preview = preview

    def compose(self) -> ComposeResult:
        """Yield what would run and the three answers."""
        with Vertical(classes="dialog", id="approval") as box:
            box.border_title = Content(f"Allow {one_line(visible(self._call.name), 40)}?")
            yield Plain(f"This tool can {_CAN[self._tool.risk]}.", id="approval-risk")
            with Page(id="approval-what", can_focus=True):
                yield Plain(self._what(), id="approval-text")
            with Horizontal(id="approval-buttons"):
                yield Choice("n  Deny", id="no")
                yield Choice("y  Run once", id="once")
                if self._tool.risk != "execute":
                    yield Choice("s  Session", id="session")
            yield Plain("←→ choose · Enter take · Esc deny · PgUp PgDn scroll", classes="keys")

    def action_answer(self, answer: Literal["once", "session", "no"]) -> None:
        """Close with *answer*; commands are never allowed for a whole session."""
        if answer == "session" and self._tool.risk == "execute":
            return
        self.dismiss(Answer(answer))

    @on(PlainButton.Pressed)
    def _pressed(self, event: PlainButton.Pressed) -> None:
        event.stop()
        self.dismiss(Answer(event.button.id))

    def _what(self) -> Content:
        if self._preview is None:
            return assemble(visible(json.dumps(dict(self._call.arguments), indent=2)))
        return preview_content(self._preview)


_CAN = {
    "read": "read files of this folder",
    "write": "change files of this folder",
    "execute": "run commands on this computer",
    "network": "reach the network",
}


class ScreenApprover:
    """Asks in a dialog, one call after the other."""

    def __init__(self, app: App[Any], asked: Callable[[ToolCall, Preview | None], None]) -> None:
        self._app = app
        self._asked = asked  # told of each question before it is put
        self._one = asyncio.Lock()

    async def ask(self, call: ToolCall, tool: Tool, preview: Preview | None) -> Answer:
        """Return the user's answer; a cancelled question closes its dialog."""
        async with self._one:
            self._asked(call, preview)
            screen = ApprovalScreen(call, tool, preview)
            return await asked(self._app, screen) or Answer.NO

"""The request inspector: the exact body that would be sent, beside what is stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, TypeAlias, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from flux_tui.core.errors import FluxError
from flux_tui.core.models import ModelInfo
from flux_tui.session.inspect import Inspection
from flux_tui.ui.render.labels import assemble, one_line, plain
from flux_tui.ui.screens.listing import AskLine, Dialog
from flux_tui.ui.widgets.fitting import whole_hints
from flux_tui.ui.widgets.json_view import JsonLine, JsonView, Kind, added_texts, json_lines, marked
from flux_tui.ui.widgets.plain import Plain

if TYPE_CHECKING:
    from flux_tui.ui.app import FluxApp

Look: TypeAlias = Callable[[ModelInfo], Awaitable[Inspection]]
"""Makes the request that would go to a model; `ChatSession.inspect`."""

Pick: TypeAlias = Callable[[ModelInfo, Callable[[ModelInfo | None], None]], None]
"""Lets the user choose another model than the one given, and tells which."""

_KEYS = (
    ("Tab", "other side"),
    ("Esc", "close"),
    ("m", "model"),
    ("d D", "differences"),
    ("c", "copy as curl"),
    ("y", "copy body"),
    ("/", "find"),
)


class InspectorScreen(Dialog[None]):
    """Shows what *look* says of *model*; *pick* asks for another one."""

    AUTO_FOCUS = "#inspector-body"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f10", "dismiss(None)", "Close"),
        Binding("tab", "turn", "Other side", priority=True),
        Binding("m", "model", "Model"),
        Binding("d", "mark(1)", "Next difference"),
        Binding("D", "mark(-1)", "Previous difference"),
        Binding("slash,ctrl+f", "find", "Find"),
        Binding("n", "hit(1)", "Next place"),
        Binding("N", "hit(-1)", "Previous place"),
        Binding("c", "copy('curl')", "Copy as curl"),
        Binding("y", "copy('body')", "Copy body"),
    ]

    def __init__(self, model: ModelInfo, look: Look, pick: Pick) -> None:
        super().__init__()
        self.model = model
        self.found: Inspection | None = None
        self._said = ""
        self._look = look
        self._pick = pick

    def compose(self) -> ComposeResult:
        """Yield where it goes, the two sides, and the keys."""
        with Vertical(classes="dialog", id="inspector"):
            yield Plain(id="inspector-where")
            with Horizontal(id="inspector-sides"):
                yield JsonView(id="inspector-history")
                yield JsonView(id="inspector-body")
            yield Plain(id="inspector-keys", classes="keys")

    def on_mount(self) -> None:
        """Begin with the body."""
        self.query_one("#inspector-history", JsonView).border_title = "Stored, in no vendor's form"
        self.query_one("#inspector-body", JsonView).border_title = "Sent, to the byte"
        self._say_keys()
        self._load()

    @property
    def _side(self) -> JsonView:
        name = "history" if self.has_class("-stored") else "body"
        return self.query_one(f"#inspector-{name}", JsonView)

    @work(exclusive=True, group="inspect", exit_on_error=False)
    async def _load(self) -> None:
        model = self.model
        self.query_one("#inspector", Vertical).border_title = Content(
            f"Request to {one_line(str(model.ref), 60)}"
        )
        where = self.query_one("#inspector-where", Plain)
        try:
            found = await self._look(model)
        except FluxError as problem:
            where.update(plain(str(problem), "$error"))
            return
        history, body = await asyncio.to_thread(both_sides, found)
        self.found = found
        where.update(_heading(found, body))
        self.query_one("#inspector-history", JsonView).show(history)
        self.query_one("#inspector-body", JsonView).show(body)

    def _say_keys(self, words: str = "") -> None:
        self._said = words
        parts: list[str | tuple[str, str]] = [(f"{words} · ", "bold $accent")] if words else []
        room = self.size.width - 4 - (len(words) + 3 if words else 0)
        for number, (key, label) in enumerate(whole_hints(_KEYS, room, gap=3)):
            parts += [" · " if number else "", (key, "$accent"), f" {label}"]
        self.query_one("#inspector-keys", Plain).update(assemble(*parts))

    def on_resize(self) -> None:
        """Show as many keys as fit now."""
        self._say_keys(self._said)

    def action_turn(self) -> None:
        """Go to the other side; where there is room for one only, show it."""
        self.toggle_class("-stored")
        self.call_after_refresh(self._side.focus)

    def action_model(self) -> None:
        """Ask for another model."""

        def picked(model: ModelInfo | None) -> None:
            if model is not None:
                self.model = model
                self._load()

        self._pick(self.model, picked)

    def action_mark(self, step: int) -> None:
        """Go to a difference of this side."""
        there = self._side.next_mark(step)
        self._say_keys("" if there else "No more differences that way")

    def action_find(self) -> None:
        """Ask what to find in this side."""

        def find(words: str | None) -> None:
            if words:
                count = self._side.search(words)
                self._say_keys(f"{count} found, n N go on" if count else "Not found")

        self.app.push_screen(AskLine("Find on this side"), find)

    def action_hit(self, step: int) -> None:
        """Go to another place of what was searched."""
        number, count = self._side.next_hit(step)
        self._say_keys(f"{number} of {count}" if count else "Press / to find something")

    @work(group="copy", exit_on_error=False)
    async def action_copy(self, what: str) -> None:
        """Copy the body, or a command that sends it; no key is in either."""
        if self.found is None:
            return
        if what == "curl":
            text = await asyncio.to_thread(self.found.as_curl)
        else:
            text = await asyncio.to_thread(self.found.body_text)
        cast("FluxApp", self.app).copy(text, "the request" if what == "curl" else "the body")


def both_sides(found: Inspection) -> tuple[tuple[JsonLine, ...], tuple[JsonLine, ...]]:
    """Return history and body as lines, differences marked. Long: call it in a thread."""
    marks: dict[str, tuple[Kind, str]] = {
        mark.path: ("dropped" if mark.action == "dropped" else "adapted", mark.reason)
        for mark in found.marks
    }
    history = marked(tuple(json_lines(found.history)), marks)
    body = marked(tuple(json_lines(found.body)), added_texts(found.body, found.history))
    return history, body


def _heading(found: Inspection, body: tuple[JsonLine, ...]) -> Content:
    actions = Counter(mark.action for mark in found.marks)
    added = len({line.path for line in body if line.mark})
    parts: list[str | tuple[str, str]] = [("POST ", "bold $success"), one_line(found.url, 200)]
    for number, (name, value) in enumerate(found.headers[1:]):
        parts += ["  " if number else "\n", (f"{name}: ", "$primary"), one_line(value, 60)]
    parts += ["\n", (f"≈ {actions['adapted']} adapted", "$warning"), " · "]
    parts += [(f"✗ {actions['dropped']} not sent", "$error"), " · "]
    parts.append((f"+ {added} only in the request", "$success"))
    return assemble(*parts)

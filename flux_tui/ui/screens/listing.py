"""Smaller dialogs: sessions, prompt history, themes, help, tool details, one line of text."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from flux_tui.core.sanitize import visible
from flux_tui.ui.keymap import ACTIONS, COMPOSER_KEYS, keys_of
from flux_tui.ui.render.labels import assemble, plain
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.tool_pane import CallRow

Row = tuple[str, Content]


class ListScreen(ModalScreen[str | None]):
    """A searched list; *find* gives the rows for a query. Returns the id of the chosen row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("down", "move(1)", "Next", show=False, priority=True),
        Binding("up", "move(-1)", "Previous", show=False, priority=True),
    ]

    def __init__(
        self, title: str, hint: str, find: Callable[[str], Awaitable[Sequence[Row]]]
    ) -> None:
        super().__init__()
        self._title = title
        self._hint = hint
        self._find = find
        self._ids: list[str] = []

    def compose(self) -> ComposeResult:
        """Yield search field and list."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            yield Input(placeholder=self._hint)
            yield OptionList(markup=False)
            yield Plain("Enter choose · Esc close", classes="dialog-keys")

    def on_mount(self) -> None:
        """Show everything at first."""
        self.query_one(Input).focus()
        self._refill("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._refill(event.value)

    @work(exclusive=True, group="find", exit_on_error=False)
    async def _refill(self, wanted: str) -> None:
        rows = await self._find(wanted)
        self._ids = [row_id for row_id, _ in rows]
        listing = self.query_one(OptionList)
        listing.clear_options()
        listing.add_options(
            [Option(label) for _, label in rows] or [Option("Nothing found", disabled=True)]
        )
        listing.highlighted = 0 if rows else None

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.query_one(OptionList).action_select()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        if event.option_index < len(self._ids):
            self.dismiss(self._ids[event.option_index])

    def action_move(self, step: int) -> None:
        """Move the highlight."""
        listing = self.query_one(OptionList)
        if step > 0:
            listing.action_cursor_down()
        else:
            listing.action_cursor_up()


class TextScreen(ModalScreen[None]):
    """A page of text to scroll: help, the details of a tool call."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1,enter,ctrl+o", "dismiss(None)", "Close")
    ]

    def __init__(self, title: str, text: Content) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Yield the page."""
        with Vertical(classes="dialog dialog-tall") as box:
            box.border_title = Content(self._title)
            with VerticalScroll(can_focus=True):
                yield Plain(self._text)
            yield Plain("↑ ↓ scroll · Esc close", classes="dialog-keys")

    def on_mount(self) -> None:
        """Let the keys scroll."""
        self.query_one(VerticalScroll).focus()


class AskLine(ModalScreen[str | None]):
    """Asks for one line of text; Escape returns None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close")]

    def __init__(self, title: str, value: str = "") -> None:
        super().__init__()
        self._title = title
        self._value = value

    def compose(self) -> ComposeResult:
        """Yield the field."""
        with Vertical(classes="dialog dialog-small") as box:
            box.border_title = self._title
            yield Input(self._value)
            yield Plain("Enter take · Esc close", classes="dialog-keys")

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


def help_text(overrides: Mapping[str, str]) -> Content:
    """Return keys, slash commands and what they do, by group."""
    parts: list[str | tuple[str, str]] = [("Composer\n", "bold $primary")]
    for keys, words in COMPOSER_KEYS:
        parts += [f"  {words}: ", (f"{keys}\n", "$accent")]
    group = ""
    for action in ACTIONS:
        if action.group != group:
            group = action.group
            parts += ["\n", (f"{group}\n", "bold $primary")]
        keys = ", ".join(keys_of(action.id, overrides))
        slash = f"/{action.slash}" + (f" [{action.argument}]" if action.argument else "")
        parts += [(f"  {keys:<16}", "$accent"), (f"{slash:<22}", "$secondary")]
        parts += [f" {action.help}\n"]
    return assemble(*parts)


def call_text(row: CallRow) -> Content:
    """Return arguments and result of a call, hidden characters shown."""
    arguments = json.dumps(dict(row.call.arguments), indent=2, ensure_ascii=False) or row.call.raw
    result = row.result.text if row.result else row.output or "no result yet"
    parts: list[str | tuple[str, str]] = [
        ("state  ", "dim"),
        (row.state, "bold"),
        ("\n\narguments\n", "bold $primary"),
        visible(arguments),
        ("\n\nresult\n", "bold $primary"),
        visible(result[:200_000]),
    ]
    return assemble(*parts)


def rows_of(texts: Sequence[str]) -> list[Row]:
    """Return rows whose ids are their texts."""
    return [(text, plain(" ".join(text.split())[:200])) for text in texts]

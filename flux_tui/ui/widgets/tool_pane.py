"""Every tool call of the session, live: state, name, arguments, duration, size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from rich.text import Text as RichText
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import DataTable

from flux_tui.core.events import ToolFinished, ToolOutput, ToolStarted, TurnEnded, TurnEvent
from flux_tui.core.messages import Conversation, ToolCall, ToolResult
from flux_tui.core.sanitize import sanitize
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.labels import one_line, seconds, size
from flux_tui.ui.widgets.plain import Plain

State: TypeAlias = Literal["waiting", "running", "done", "failed", "denied", "cancelled"]

_LOOKS: dict[State, tuple[str, str]] = {
    "waiting": ("?", "yellow"),
    "running": ("▶", "cyan"),
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "denied": ("⊘", "red"),
    "cancelled": ("■", "yellow"),
}


@dataclass(slots=True)
class CallRow:
    """One call as the pane knows it."""

    call: ToolCall
    state: State
    began: float = 0.0
    output: str = ""
    result: ToolResult | None = None


class ToolPane(Vertical):
    """A table with a row for each call; Enter or a click posts `Opened`."""

    COLUMNS: ClassVar[tuple[str, ...]] = ("", "tool", "arguments", "time", "size")

    class Opened(Message):
        """The user wants to see one call in full."""

        def __init__(self, row: CallRow) -> None:
            super().__init__()
            self.row = row

    def __init__(self, clock: FrameClock, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._clock = clock
        self._rows: dict[str, CallRow] = {}
        self._dirty: set[str] = set()

    def compose(self) -> ComposeResult:
        """Yield a hint for the empty pane, and the table."""
        yield Plain(
            "No tool calls yet.\nFiles read or written and commands run show here.", id="no-tools"
        )
        yield DataTable[RichText](id="tool-table", cursor_type="row", zebra_stripes=False)

    def on_mount(self) -> None:
        """Make the columns and join the clock."""
        self.border_title = "Tools"
        self._table.add_columns(*((RichText(name), name or "state") for name in self.COLUMNS))
        self._clock.add(self.paint)
        self._show_hint()

    @property
    def _table(self) -> DataTable[RichText]:
        return self.query_one(DataTable)

    @property
    def selected(self) -> CallRow | None:
        """The row under the cursor, or the last one."""
        rows = list(self._rows.values())
        at = self._table.cursor_row
        return rows[at] if 0 <= at < len(rows) else (rows[-1] if rows else None)

    def row(self, call_id: str) -> CallRow | None:
        """Return a call by its id."""
        return self._rows.get(call_id)

    def show(self, conversation: Conversation) -> None:
        """List the calls of *conversation*, in place of what is there."""
        self._table.clear()
        self._rows.clear()
        for message in conversation.path:
            for part in message.parts:
                if isinstance(part, ToolCall):
                    self._rows[part.id] = CallRow(part, "cancelled")
                elif isinstance(part, ToolResult) and part.call_id in self._rows:
                    row = self._rows[part.call_id]
                    row.result, row.state = part, "failed" if part.is_error else "done"
        self._dirty = set(self._rows)
        self._clock.request()

    def apply(self, event: TurnEvent) -> None:
        """Take one event of the turn."""
        match event:
            case ToolStarted(call=call, waiting=waiting):
                row = self._rows.setdefault(call.id, CallRow(call, "running"))
                row.state = "waiting" if waiting else "running"
                row.began = time.monotonic()
                self._touch(call.id)
            case ToolOutput(call_id=call_id, text=text) if call_id in self._rows:
                row = self._rows[call_id]
                row.output = (row.output + text)[-100_000:]
                self._touch(call_id)
            case ToolFinished(result=result, state=state):
                row = self._rows.get(result.call_id)
                if row is not None:
                    row.result, row.state = result, state
                    self._touch(result.call_id)
            case TurnEnded():
                for call_id, row in self._rows.items():
                    if row.state in {"waiting", "running"}:
                        row.state = "cancelled"
                        self._touch(call_id)
            case _:
                pass

    def _touch(self, call_id: str) -> None:
        self._dirty.add(call_id)
        self._clock.request()

    def paint(self) -> None:
        """Bring the table up to date."""
        if not self._dirty:
            return
        table = self._table
        known = {key.value for key in table.rows}
        for call_id in [each for each in self._rows if each in self._dirty]:
            cells = _cells(self._rows[call_id])
            if call_id not in known:
                table.add_row(*cells, key=call_id)
                table.move_cursor(row=table.row_count - 1)
                continue
            for column, cell in zip(self.COLUMNS, cells, strict=True):
                table.update_cell(call_id, column or "state", cell, update_width=True)
        self._dirty.clear()
        self._show_hint()

    def _show_hint(self) -> None:
        self.query_one("#no-tools").display = not self._rows
        self._table.display = bool(self._rows)
        self.border_subtitle = "Enter details" if self._rows else ""

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the details."""
        event.stop()
        row = self._rows.get(event.row_key.value or "")
        if row is not None:
            self.post_message(self.Opened(row))


def _cells(row: CallRow) -> tuple[RichText, ...]:
    glyph, colour = _LOOKS[row.state]
    arguments = " ".join(str(value) for value in row.call.arguments.values()) or row.call.raw
    took = seconds(row.result.seconds) if row.result else ""
    much = size(len(row.result.text)) if row.result else size(len(row.output)) if row.output else ""
    return (
        RichText(glyph, style=colour),
        RichText(one_line(sanitize(row.call.name), 16)),
        RichText(one_line(sanitize(arguments), 22)),
        RichText(took, style="dim", justify="right"),
        RichText(much, style="dim", justify="right"),
    )

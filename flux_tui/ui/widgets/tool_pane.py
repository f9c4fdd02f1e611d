"""Every tool call of the session, live: state, name, arguments, duration, size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from rich.text import Text as RichText
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import DataTable

from flux_tui.core.events import (
    Committed,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    TurnEnded,
    TurnEvent,
)
from flux_tui.core.messages import Conversation, ToolCall, ToolResult
from flux_tui.core.sanitize import sanitize
from flux_tui.session.switch import short_count
from flux_tui.tools.base import Preview
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.labels import one_line, seconds
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
    preview: Preview | None = None  # what was shown when the call asked


class ToolPane(Vertical):
    """A table with a row for each call; Enter or a click posts `Opened`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "jump", "Go to its place in the transcript", show=False),
    ]
    COLUMNS: ClassVar[tuple[str, ...]] = ("", "tool", "arguments", "time", "chars")
    WIDTHS: ClassVar[tuple[int, ...]] = (2, 13, 0, 8, 6)
    """Cells of each column with the space after it; the arguments get what is left."""

    SHORT: ClassVar[int] = 46
    """Cells below which the sizes are left out."""

    class JumpWished(Message):
        """The user wants to see a call in the transcript."""

        def __init__(self, call_id: str) -> None:
            super().__init__()
            self.call_id = call_id

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
        self._width = -1
        self._ticking = False

    def compose(self) -> ComposeResult:
        """Yield a hint for the empty pane, and the table."""
        yield Plain(
            "No tool calls yet.\nFiles read or written and commands run show here.", id="no-tools"
        )
        yield DataTable[RichText](id="tool-table", cursor_type="row", cell_padding=0)

    def on_mount(self) -> None:
        """Make the columns and join the clock."""
        self.border_title = "Tools"
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

    @property
    def calls(self) -> int:
        """How many calls are listed."""
        return len(self._rows)

    def take_focus(self) -> None:
        """Let the keys go to the list."""
        self._table.focus()

    def row(self, call_id: str) -> CallRow | None:
        """Return a call by its id."""
        return self._rows.get(call_id)

    def asked(self, call: ToolCall, preview: Preview | None) -> None:
        """Keep what the user is shown of a call that asks, for its details."""
        self._rows.setdefault(call.id, CallRow(call, "waiting")).preview = preview

    def show(self, conversation: Conversation) -> None:
        """List the calls of *conversation*, in place of what is there."""
        previews = {call_id: row.preview for call_id, row in self._rows.items()}
        self._table.clear()
        self._rows.clear()
        for message in conversation.path:
            for part in message.parts:
                if isinstance(part, ToolCall):
                    row = CallRow(part, "cancelled", preview=previews.get(part.id))
                    self._rows[part.id] = row
                elif isinstance(part, ToolResult) and part.call_id in self._rows:
                    row = self._rows[part.call_id]
                    row.result, row.state = part, part.state
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
            case Committed(message=message):
                for call in message.tool_calls:  # those that are not taken up yet wait too
                    self._rows.setdefault(call.id, CallRow(call, "waiting"))
                    self._touch(call.id)
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

    def on_resize(self, event: events.Resize) -> None:
        """Give the arguments the room there is."""
        del event
        self._clock.request()

    def paint(self) -> None:
        """Bring the table up to date."""
        table = self._table
        # The border and its padding take four cells, the scrollbar one.
        width = max(self.size.width - 1, 30)
        if width != self._width:
            self._set_columns(width)
        if not self._dirty:
            return
        known = {key.value for key in table.rows}
        room = self._room(width)
        for call_id in [each for each in self._rows if each in self._dirty]:
            cells = _cells(self._rows[call_id], room)
            if call_id not in known:
                table.add_row(*cells, key=call_id)
                table.move_cursor(row=table.row_count - 1)
                continue
            for column, cell in zip(self.COLUMNS, cells, strict=True):
                table.update_cell(call_id, column or "state", cell)
        self._dirty.clear()
        self._show_hint()
        self._tick_soon()

    def _set_columns(self, width: int) -> None:
        self._width = width
        table, at = self._table, self._table.cursor_row
        table.clear(columns=True)
        room = self._room(width)
        for name, cells in zip(self.COLUMNS, self._widths(width), strict=True):
            heading = RichText(name.rjust(cells - 1) if name in {"time", "chars"} else name)
            table.add_column(
                heading, key=name or "state", width=room if name == "arguments" else cells
            )
        for call_id, row in self._rows.items():
            table.add_row(*_cells(row, room), key=call_id)
        table.move_cursor(row=at)

    def _widths(self, width: int) -> tuple[int, ...]:
        return (*self.WIDTHS[:-1], 0) if width < self.SHORT - 4 else self.WIDTHS

    def _room(self, width: int) -> int:
        return width - sum(self._widths(width))

    def _tick_soon(self) -> None:
        """Count the seconds of what runs."""
        if not self._ticking and any(row.state == "running" for row in self._rows.values()):
            self._ticking = True
            self.set_timer(1.0, self._tick)

    def _tick(self) -> None:
        self._ticking = False
        for call_id, row in self._rows.items():
            if row.state == "running":
                self._touch(call_id)

    def _show_hint(self) -> None:
        self.query_one("#no-tools").display = not self._rows
        self._table.display = bool(self._rows)
        self.border_subtitle = "Enter details · j jump" if self._rows else ""

    def action_jump(self) -> None:
        """Ask for the place of the selected call."""
        row = self.selected
        if row is not None:
            self.post_message(self.JumpWished(row.call.id))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the details."""
        event.stop()
        row = self._rows.get(event.row_key.value or "")
        if row is not None:
            self.post_message(self.Opened(row))


def _cells(row: CallRow, room: int) -> tuple[RichText, ...]:
    glyph, colour = _LOOKS[row.state]
    arguments = " ".join(str(value) for value in row.call.arguments.values()) or row.call.raw
    if row.result:
        took = _short(row.result.seconds)
    else:
        took = _short(time.monotonic() - row.began) if row.state == "running" else ""
    text = row.result.text if row.result else row.output
    much = short_count(len(text)) if text else ""
    return (
        RichText(glyph, style=colour),
        RichText(one_line(sanitize(row.call.name), 12)),
        RichText(one_line(sanitize(arguments), max(room - 1, 4))),
        RichText(took.rjust(7), style="dim"),
        RichText(much.rjust(5), style="dim"),
    )


def _short(span: float) -> str:
    span = max(span, 0.0)
    return seconds(span) if span < 60 else f"{span // 60:.0f}m{span % 60:02.0f}s"

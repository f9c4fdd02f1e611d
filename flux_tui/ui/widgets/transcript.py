"""The conversation on the screen: one widget, however long the conversation is."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message as Notice
from textual.reactive import reactive

from flux_tui.core.events import (
    Committed,
    Noted,
    ReplyDelta,
    ReplyStarted,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    TurnEnded,
    TurnEvent,
)
from flux_tui.core.messages import Conversation, Message, ToolResult, new_id
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.markdown import fences
from flux_tui.ui.widgets.transcript_entries import (
    Answered,
    Divider,
    DividerKind,
    Entry,
    Finished,
    Live,
)
from flux_tui.ui.widgets.transcript_sections import CallState
from flux_tui.ui.widgets.transcript_view import EntryView


class Transcript(EntryView, can_focus=True):
    """Shows a conversation and follows it as it grows.

    `show` replaces everything, `apply` takes the events of a turn, `divider` adds a line.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "transcript--text",
        "transcript--user",
        "transcript--user-bar",
        "transcript--model",
        "transcript--tool",
        "transcript--quiet",
        "transcript--thinking",
        "transcript--rule",
        "transcript--quote",
        "transcript--quote-bar",
        "transcript--code",
        "transcript--code-bar",
        "transcript--code-name",
        "transcript--inline-code",
        "transcript--link",
        "transcript--bullet",
        "transcript--h1",
        "transcript--h2",
        "transcript--h3",
        "transcript--success",
        "transcript--warning",
        "transcript--error",
        "transcript--notice",
        "transcript--switch",
        "transcript--marked",
        "transcript--selection",
    }

    DEFAULT_CSS = """
    Transcript {
        height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: scroll;
        scrollbar-size-vertical: 1; color: $foreground;
        & .transcript--text { color: $foreground; }
        & .transcript--user { color: $secondary; text-style: bold; }
        & .transcript--user-bar { color: $secondary; }
        & .transcript--model { color: $primary; text-style: bold; }
        & .transcript--tool { color: $accent; }
        & .transcript--quiet { color: $foreground 65%; }
        & .transcript--thinking { color: $foreground 65%; text-style: italic; }
        & .transcript--rule { color: $border; }
        & .transcript--quote { text-style: italic; }
        & .transcript--quote-bar { color: $secondary; }
        & .transcript--code { color: $foreground; }
        & .transcript--code-bar { color: $border; }
        & .transcript--code-name { color: $foreground 65%; text-style: italic; }
        & .transcript--inline-code { color: $accent; }
        & .transcript--link { color: $primary; text-style: underline; }
        & .transcript--bullet { color: $primary; }
        & .transcript--h1 { color: $primary; text-style: bold underline; }
        & .transcript--h2 { color: $primary; text-style: bold; }
        & .transcript--h3 { text-style: bold; }
        & .transcript--success { color: $success; }
        & .transcript--warning { color: $warning; }
        & .transcript--error { color: $error; }
        & .transcript--notice { color: $foreground 65%; }
        & .transcript--switch { color: $secondary; }
        & .transcript--marked { color: $accent; text-style: bold; }
        & .transcript--selection { text-style: reverse; }
        &:ansi .transcript--quiet, &:ansi .transcript--thinking, &:ansi .transcript--notice,
        &:ansi .transcript--code-name {
            color: ansi_default; text-style: dim;
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "select(-1)", "previous message", show=False),
        Binding("down,j", "select(1)", "next message", show=False),
        Binding("home", "first", "beginning", show=False),
        Binding("end", "last", "end", show=False),
        Binding("enter,space", "open", "open or close", show=False),
    ]

    selected: reactive[str | None] = reactive(None)
    """The id of the message chosen with the keys."""

    class CallPicked(Notice):
        """A tool call was clicked or entered."""

        def __init__(self, call_id: str) -> None:
            super().__init__()
            self.call_id = call_id

    def __init__(
        self,
        clock: FrameClock,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(clock, name=name, id=id, classes=classes)
        self._results: dict[str, ToolResult] = {}
        self._calls: dict[str, str] = {}  # call id to message id

    def show(self, conversation: Conversation) -> None:
        """Show the path of *conversation* from its end, in place of what is there."""
        self._results = {}
        self._calls = {}
        self.selected = None
        entries: list[Entry] = []
        for message in conversation.path:
            if message.role == "tool":
                self._keep_results(message)
                continue
            entries.append(Finished(message, self._results))
            for call in message.tool_calls:
                self._calls[call.id] = message.id
        self._set_entries(entries)
        self.refresh()

    def apply(self, event: TurnEvent) -> None:
        """Take one event of a turn; it is painted with the next frame."""
        match event:
            case ReplyStarted():
                self._add(Live(event.message_id, event.model))
            case ReplyDelta():
                entry = self._entry(event.message_id)
                if isinstance(entry, Live):
                    entry.feed(event.event)
                    self._touch(entry)
            case Committed():
                self._commit(event.message)
            case ToolStarted():
                self._change_call(event.call.id, "waiting" if event.waiting else "running")
            case ToolOutput():
                self._change_call(event.call_id, output=len(event.text))
            case ToolFinished():
                self._results[event.result.call_id] = event.result
                self._change_call(event.result.call_id, event.state, event.result)
            case Noted():
                self.divider(event.text, "notice")
            case TurnEnded():
                self._end(event)

    def divider(self, text: str, kind: DividerKind = "switch") -> None:
        """Add a line between messages: what a change of model does, a notice, an error."""
        self._add(Divider(new_id(), text, kind))

    def source_text(self, message_id: str) -> str:
        """Return a message as it was written; empty if there is no such message."""
        entry = self._entry(message_id)
        return entry.source() if entry else ""

    def code_blocks(self, message_id: str) -> list[str]:
        """Return the code of each fence of a message, in order."""
        return fences(self.source_text(message_id))

    def jump(self, message_id: str) -> bool:
        """Bring a message to the top of the window; say whether it is there."""
        at = self._index.get(message_id)
        if at is None:
            return False
        self._place(self._heights.top(at))
        self._measure_visible()
        self._place(self._heights.top(at))
        self.follow = self.scroll_offset.y >= self.max_scroll_y
        return True

    def jump_to_call(self, call_id: str) -> bool:
        """Bring the message of a tool call into sight; say whether it is there."""
        return self.jump(self._calls.get(call_id, ""))

    # ── events ──

    def _keep_results(self, message: Message) -> None:
        for part in message.parts:
            if isinstance(part, ToolResult):
                self._results[part.call_id] = part

    def _commit(self, message: Message) -> None:
        if message.role == "tool":
            self._keep_results(message)
            return
        before = self._entry(message.id)
        if isinstance(before, Live):
            before.finish()
        entry = Finished(message, self._results)
        if message.tool_calls:
            spent = before.spent if isinstance(before, Live) else {}
            entry = Answered(message, self._results, spent)
            for call in message.tool_calls:
                self._calls[call.id] = message.id
        if before is None:
            self._add(entry)
            if message.role == "user":
                self.follow = True
        else:
            self._replace(entry)

    def _change_call(
        self,
        call_id: str,
        state: CallState | None = None,
        result: ToolResult | None = None,
        output: int = 0,
    ) -> None:
        entry = self._entry(self._calls.get(call_id, ""))
        if not isinstance(entry, Answered) or call_id not in entry.calls:
            return
        section = entry.calls[call_id]
        section.state = state or section.state
        section.result = result or section.result
        section.output += output
        entry.changed()
        self._touch(entry)

    def _end(self, event: TurnEnded) -> None:
        for entry in self._entries[-2:]:
            if isinstance(entry, Live):
                entry.finish()
                self._touch(entry)
        if event.error:
            hint = f"\n{event.hint}" if event.hint else ""
            retry = "\npress r to try again" if event.retryable else ""
            self.divider(f"{event.error}{hint}{retry}", "error")
        self._settle()

    # ── keys ──

    def watch_selected(self, selected: str | None) -> None:
        """Show which message is chosen."""
        self._marked = selected
        self.refresh()

    def action_select(self, step: int) -> None:
        """Choose the message before or after; without one, the last."""
        messages = [at for at, entry in enumerate(self._entries) if entry.role != "divider"]
        if not messages:
            return
        now = self._index.get(self.selected or "", -1)
        place = messages.index(now) + step if now in messages else len(messages) - 1
        at = messages[min(max(place, 0), len(messages) - 1)]
        self.selected = self._entries[at].id
        self._reveal(at)

    def _reveal(self, at: int) -> None:
        self._measure(at)
        top, height = self._heights.top(at), self._heights[at]
        first, window = self.scroll_offset.y, self.size.height
        if top < first or height >= window:
            self._place(top)
        elif top + height > first + window:
            self._place(top + height - window)
        self.follow = self.scroll_offset.y >= self.max_scroll_y

    def action_first(self) -> None:
        """Go to the beginning."""
        self._place(0)
        self.follow = self.max_scroll_y == 0
        self._measure_visible()

    def action_last(self) -> None:
        """Go to the end and stay there."""
        self._measure_end()
        self._place_end()
        self.follow = True

    def action_open(self) -> None:
        """Open or close the reasoning of the chosen message, or pick its first tool call."""
        entry = self._entry(self.selected or "")
        if entry is None:
            return
        targets = [row.target for row in entry.rows(self.text_width) if row.target]
        thoughts = [target for target in dict.fromkeys(targets) if target.startswith("thinking:")]
        for target in thoughts or targets[:1]:
            self._act(entry, target)

    def on_click(self, event: Click) -> None:
        """Act on a folded line or a tool call."""
        line = event.y + self.scroll_offset.y
        if not 0 <= line < self._heights.total:
            return
        at, within = self._heights.find(line)
        rows = self._rows(self._entries[at])
        if within < len(rows) and rows[within].target:
            self._act(self._entries[at], rows[within].target)

    def _act(self, entry: Entry, target: str) -> None:
        if target.startswith("call:"):
            self.post_message(self.CallPicked(target.removeprefix("call:")))
        elif entry.toggle(target):
            self._touch(entry)

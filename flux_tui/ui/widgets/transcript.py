"""The conversation on the screen: one widget, however long the conversation is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message as News

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
from flux_tui.core.notices import Notice, NoticeKind
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.inline import bare_link_at, bare_links, link_at, openable
from flux_tui.ui.widgets.transcript_divider import Divider, dividers, joined
from flux_tui.ui.widgets.transcript_entries import FOLD, Entry, Finished, Live, Running, Speaking
from flux_tui.ui.widgets.transcript_lines import GUTTER
from flux_tui.ui.widgets.transcript_reading import Goal, ReadingView
from flux_tui.ui.widgets.transcript_sections import CallState


class Transcript(ReadingView, can_focus=True):
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
        "transcript--match",
        "transcript--hit",
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
        & .transcript--match { background: $warning 30%; text-style: underline; }
        & .transcript--hit { background: $warning; color: $background; text-style: bold; }
        &:ansi .transcript--quiet, &:ansi .transcript--thinking, &:ansi .transcript--notice,
        &:ansi .transcript--code-name {
            color: ansi_default; text-style: dim;
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "go('message', -1)", "previous message", show=False),
        Binding("down", "go('message', 1)", "next message", show=False),
        Binding("shift+up", "go('block', -1)", "previous block", show=False),
        Binding("shift+down", "go('block', 1)", "next block", show=False),
        Binding("home", "first", "beginning", show=False),
        Binding("end", "last", "end", show=False),
        Binding("enter", "open", "open or close", show=False),
        Binding("escape", "release", "choose nothing", show=False),
        *(
            Binding(key, action, show=False, id=f"read.{name}")
            for name, key, action in (
                ("previous_message", "k", "go('message', -1)"),
                ("next_message", "j", "go('message', 1)"),
                ("previous_block", "K", "go('block', -1)"),
                ("next_block", "J", "go('block', 1)"),
                ("previous_code", "left_square_bracket", "go('code', -1)"),
                ("next_code", "right_square_bracket", "go('code', 1)"),
                ("previous_error", "E", "go('error', -1)"),
                ("next_error", "e", "go('error', 1)"),
                ("next_hit", "n", "next_hit(1)"),
                ("previous_hit", "N", "next_hit(-1)"),
                ("open", "space", "open"),
                ("fold", "f", "fold"),
                ("copy_block", "c", "copy"),
                ("link", "o", "open_link"),
            )
        ),
    ]

    class CallPicked(News):
        """A tool call was clicked or entered."""

        def __init__(self, call_id: str) -> None:
            super().__init__()
            self.call_id = call_id

    class LinkPicked(News):
        """A link is wished; to be opened only after *target* was shown. Empty: there is none."""

        def __init__(self, target: str) -> None:
            super().__init__()
            self.target = target

    class CopyAsked(News):
        """Something is to be copied: *text*, and *what* it is, for people."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text, self.what = text, what

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
        self.again = "/retry"  # what asks again, as the user knows it

    def show(self, conversation: Conversation, told: Iterable[Notice] = ()) -> None:
        """Show the path of *conversation* from its end, in place of what is there.

        What was *told* stands behind its messages.
        """
        notices: dict[str | None, list[Notice]] = {}
        for notice in told:
            notices.setdefault(notice.after, []).append(notice)
        self._results = {}
        self._calls = {}
        self._search = None
        self.selected = None
        entries: list[Entry] = dividers(notices.get(None, ()))
        for message in conversation.path:
            if message.role == "tool":
                self._keep_results(message)
            else:
                entries.append(Finished(message, self._results))
            for call in message.tool_calls:
                self._calls[call.id] = message.id
            entries += dividers(notices.get(message.id, ()))
        self._set_entries(entries)

    def apply(self, event: TurnEvent) -> None:
        """Take one event of a turn; it is painted with the next frame."""
        match event:
            case ReplyStarted():
                self._add(Live(event.message_id, event.model))
                self._stream(True)
            case ReplyDelta():
                entry = self._entry(event.message_id)
                if isinstance(entry, Live):
                    awaited = entry.empty
                    entry.feed(event.event)
                    self._touch(entry)
                    if awaited and not entry.empty:
                        self._clock.request(soon=True)
            case Committed():
                self._commit(event.message)
                self._clock.request(soon=True)
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
                self._clock.request(soon=True)

    def divider(self, text: str, kind: NoticeKind = "switch") -> None:
        """Add a line between messages: what a change of model does, a notice, an error.

        Changes of model with nothing said between them are one change.
        """
        last = self._entries[-1] if self._entries else None
        if kind == "switch" and isinstance(last, Divider) and last.kind == "switch":
            self._replace(Divider(last.id, joined(last.text, text), kind))
        else:
            self._add(Divider(new_id(), text, kind))

    def keep_private(self, ids: frozenset[str]) -> None:
        """Label the messages *ids*, and no others, as not handed over."""
        for entry in self._entries:
            if isinstance(entry, Speaking) and entry.keep_private(entry.id in ids):
                self._touch(entry)

    def jump(self, message_id: str) -> bool:
        """Bring a message to the top of the window; say whether it is there."""
        at = self._index.get(message_id)
        if at is None:
            return False
        self._layout(at)
        self._go(self._heights.top(at))
        self._measure_visible()
        self.follow = self._ended
        self._look_ahead()
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
        live = before if isinstance(before, Live) else None
        entry = (Running if message.tool_calls else Finished)(message, self._results, live)
        for call in message.tool_calls:
            self._calls[call.id] = message.id
        if before is None:
            self._add(entry)
            if message.role == "user":
                self.follow, self._reach = True, 0
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
        if isinstance(entry, Finished) and entry.change_call(call_id, state, result, output):
            self._touch(entry)

    def _end(self, event: TurnEnded) -> None:
        for entry in self._entries[-2:]:
            if isinstance(entry, Live):
                entry.finish()
                self._touch(entry)
        last = self._entries[-1] if self._entries else None
        said = isinstance(last, Finished) and bool(last.message.error)
        if event.error and not said:  # a reply that broke off says it itself
            hint = f"\n{event.hint}" if event.hint else ""
            retry = f"\n{self.again} asks again" if event.retryable else ""
            self.divider(f"{event.error}{hint}{retry}", "error")
        self._stream(False)

    # ── keys ──

    def action_go(self, goal: Goal, step: int) -> None:
        """Choose the next or previous message, block, code block, table or error."""
        self.go(goal, step)

    def action_next_hit(self, step: int) -> None:
        """Show the next or previous hit of the search."""
        self.next_hit(step)

    def action_first(self) -> None:
        """Go to the beginning."""
        self._go(0)
        self._measure_visible()
        self.follow = self._ended
        self._look_ahead()

    def action_last(self) -> None:
        """Go to the end and stay there."""
        self._reach = 0
        self._measure_end()
        self._place_end()
        self.follow = True
        self.update_window()

    def action_release(self) -> None:
        """Choose no message any more, and end the search."""
        self.selected = None
        self.search("")

    def action_copy(self) -> None:
        """Ask for a copy of the chosen block or message."""
        text, what = self.chosen()
        if text:
            self.post_message(self.CopyAsked(text, what))

    def action_fold(self) -> None:
        """Fold or unfold the chosen message."""
        entry = self._entry(self.selected or "")
        if entry is not None:
            self._block = None
            self._act(entry, FOLD)

    def action_open(self) -> None:
        """Do what a click on the chosen thing does: open reasoning, a giant, a call, a link."""
        entry = self._entry(self.selected or "")
        if entry is None:
            return
        pieces = self._layout(self._index[entry.id]).pieces
        if entry.folded:
            self._act(entry, FOLD)
            return
        if self._block is not None:
            pieces = pieces[self._block : self._block + 3]
        targets = [piece.target for piece in pieces if piece.target and piece.target != FOLD]
        thoughts = [target for target in dict.fromkeys(targets) if target.startswith("thinking:")]
        for target in thoughts or targets[:1]:
            self._act(entry, target)

    def action_open_link(self) -> None:
        """Ask to open the first link of the chosen block or message; an empty one if none."""
        entry = self._entry(self.selected or "")
        if entry is None:
            return
        pieces = self._layout(self._index[entry.id]).pieces
        here = [piece for number, piece in enumerate(pieces) if self._in_block(entry, number)]
        targets = (link_at(row.content) for piece in here for row in self._rows_of(piece))
        bare = bare_links(self.chosen()[0])
        target = next(filter(None, targets), bare[0] if bare else "")
        self.post_message(self.LinkPicked(target))

    def on_click(self, event: Click) -> None:
        """Act on a folded line, a tool call or a link."""
        found = self.row_at(event.y)
        if found is None:
            return
        entry, row, _ = found
        cell = event.x - GUTTER
        target = link_at(row.content, cell) or bare_link_at(row.content, cell, entry.source())
        if target and openable(target):
            self.post_message(self.LinkPicked(target))
        elif row.target and (row.target != FOLD or entry.folded or event.chain == 2):
            self._act(entry, row.target)

    def _act(self, entry: Entry, target: str) -> None:
        if target.startswith("call:"):
            self.post_message(self.CallPicked(target.removeprefix("call:")))
            return
        anchor = self._top_anchor()
        if entry.toggle(target):
            self._layout(self._index[entry.id])
            self.follow = False
            self._restore(anchor)
            self.follow = self._ended
            self.update_window()

"""Smaller dialogs: sessions, prompt history, themes, help, tool details, one line of text."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from flux_tui.core.errors import FluxError
from flux_tui.core.sanitize import visible
from flux_tui.tools.base import Preview
from flux_tui.ui.keymap import ACTIONS, keys_of
from flux_tui.ui.place_keys import COMPOSER_KEYS, place_keys
from flux_tui.ui.render.diff import diff_content
from flux_tui.ui.render.labels import assemble, one_line, plain, seconds
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.tool_pane import CallRow

Row = tuple[str, Content]
T = TypeVar("T")
_SLOTS = tuple(action.id for action in ACTIONS if action.id.startswith("model.slot"))
_NARROW = 74
"""Cells below which help takes two lines for an action."""

_LONGEST = 200_000  # characters of a result; more would only be slow to look at


class Dialog(ModalScreen[T]):
    """What all dialogs share: the keys that end the program work here too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "app.leave(0)", "Quit", show=False, priority=True),
        Binding("ctrl+c", "app.interrupt", "Copy or quit", show=False, priority=True),
    ]


class ListScreen(Dialog[str | None]):
    """A searched list; *find* gives the rows for a query. Returns the id of the chosen row."""

    KEYS = "Enter choose · Esc close"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("pagedown", "move(8)", "Page", show=False, priority=True),
        Binding("pageup", "move(-8)", "Page", show=False, priority=True),
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
        self.ids: list[str] = []  # of the rows, in their order
        self._shown: str | None = None  # the query that the rows answer
        self._hurried = False  # Enter came before the rows of what was typed

    def compose(self) -> ComposeResult:
        """Yield search field and list."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            yield Input(placeholder=self._hint)
            yield OptionList(markup=False)
            yield Plain(self.KEYS, classes="keys")

    def on_mount(self) -> None:
        """Show everything at first."""
        self.query_one(Input).focus()
        self.refill()

    @property
    def highlighted(self) -> str | None:
        """The id of the row under the cursor."""
        at = self.query_one(OptionList).highlighted
        return self.ids[at] if at is not None and at < len(self.ids) else None

    def refill(self) -> None:
        """Search again."""
        self._refill(self.query_one(Input).value)

    def say(self, words: str, style: str = "") -> None:
        """Show *words* in the line of the keys until the cursor moves."""
        self.query_one(".keys", Plain).update(plain(words, style))

    def moved(self) -> None:
        """Show the keys again."""
        self.say(self.KEYS)

    @on(Input.Changed)
    def _typed(self) -> None:
        self._hurried = False
        self.refill()
        self.moved()

    @work(exclusive=True, group="find", exit_on_error=False)
    async def _refill(self, wanted: str) -> None:
        try:
            rows = await self._find(wanted)
        except FluxError as problem:
            rows = []
            self.say(str(problem), "$error")
        self.ids = [row_id for row_id, _ in rows]
        listing = self.query_one(OptionList)
        listing.clear_options()
        listing.add_options(
            [Option(label) for _, label in rows] or [Option("Nothing found", disabled=True)]
        )
        listing.highlighted = 0 if rows else None
        self._shown = wanted
        if self._hurried:
            self._hurried = False
            listing.action_select()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.value == self._shown:
            self.query_one(OptionList).action_select()
        else:
            self._hurried = True

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        if event.option_index < len(self.ids):
            self.dismiss(self.ids[event.option_index])

    def action_move(self, step: int) -> None:
        """Move the cursor, within the list."""
        listing = self.query_one(OptionList)
        if listing.highlighted is not None:
            last = listing.option_count - 1
            listing.highlighted = min(max(listing.highlighted + step, 0), last)
        self.moved()


class TextScreen(Dialog[bool]):
    """A page of text to scroll. Returns whether a subclass's key was pressed."""

    AUTO_FOCUS = "VerticalScroll"
    KEYS = "↑ ↓ scroll · Esc close"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1,enter,ctrl+o", "dismiss(False)", "Close")
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
            yield Plain(self.KEYS, classes="keys")


class CallScreen(TextScreen):
    """The details of a tool call. Returns whether to go to its place in the transcript."""

    KEYS = "↑ ↓ scroll · j its place in the transcript · Esc close"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("j", "dismiss(True)", "Jump")]

    def __init__(self, row: CallRow) -> None:
        super().__init__(f"Tool call: {one_line(row.call.name, 60)}", call_text(row))


class LinkScreen(Dialog[tuple[str, str]]):
    """Shows where a link leads before anything is done. Returns "open" or "copy", and the link."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "dismiss(('', ''))", "Close"),
        Binding("o", "use('open')", "Open"),
        Binding("c,y", "use('copy')", "Copy"),
    ]

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target

    def compose(self) -> ComposeResult:
        """Yield the whole address, hidden characters shown."""
        with Vertical(classes="dialog dialog-small") as box:
            box.border_title = "Link"
            yield Plain(visible(self._target), id="link-target")
            yield Plain("o open in the browser · c copy · Esc close", classes="keys")

    def action_use(self, how: str) -> None:
        """Close with what to do."""
        self.dismiss((how, self._target))


class AskLine(Dialog[str | None]):
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
            yield Input(self._value, select_on_focus=False)
            yield Plain("Enter take · Esc close", classes="keys")

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


def page_width(screen: int) -> int:
    """Return the cells that a `TextScreen` has for its text on a screen of *screen* cells."""
    return min(screen * 9 // 10, 96) - 5


def help_text(overrides: Mapping[str, str], width: int) -> Content:
    """Return keys, slash commands and what they do, by group, in *width* cells."""
    parts: list[str | tuple[str, str]] = []
    group = ""
    for action in ACTIONS:
        if action.group != group:
            parts += ["\n" if group else "", (f"{action.group}\n", "bold $primary")]
            group = action.group
        if action.id in _SLOTS[1:]:
            continue
        keys, slash, words = (
            ", ".join(keys_of(action.id, overrides)),
            f"/{action.slash}",
            action.help,
        )
        if action.id == _SLOTS[0]:
            last = next(iter(keys_of(_SLOTS[-1], overrides)), "")
            keys, slash, words = f"{keys} … {last}", "/slot1 … /slot9", "Use favourite model 1 to 9"
        slash += f" [{action.argument}]" if action.argument else ""
        parts += _help_row(keys, slash, words, width)
    for name, rows in (("Composer", COMPOSER_KEYS), *place_keys(overrides)):
        parts += ["\n", (f"{name}\n", "bold $primary")]
        for keys, words in rows:
            parts += _help_row(keys, "", words, width)
    return assemble(*parts)


def _help_row(keys: str, slash: str, words: str, width: int) -> list[str | tuple[str, str]]:
    if width < _NARROW:
        lines = textwrap.wrap(words, max(width - 4, 20))
        text = "".join(f"\n    {line}" for line in lines)
        gap = "  " if not slash or len(keys) + len(slash) + 4 <= width else "\n    "
        return [(f"  {keys}", "$accent"), (gap + slash, "$secondary"), f"{text}\n"]
    indent = 18 if not slash else 41
    lines = textwrap.wrap(words, width - indent - 4)
    text = ("\n" + " " * (indent + 2)).join(lines)
    return [
        (f"  {keys:<17} ", "$accent"),
        (f"{slash:<22} " if slash else "", "$secondary"),
        f"{text}\n",
    ]


def preview_content(preview: Preview) -> Content:
    """Return what a call would do: a coloured diff, a command, or text; nothing hidden."""
    text = visible(preview.text)
    if preview.kind == "diff":
        return diff_content(text)
    return assemble(("$ ", "bold $accent") if preview.kind == "command" else "", text)


def call_text(row: CallRow) -> Content:
    """Return arguments, preview and result of a call, hidden characters shown."""
    arguments = json.dumps(dict(row.call.arguments), indent=2, ensure_ascii=False) or row.call.raw
    result = row.result.text if row.result else row.output or "no result yet"
    parts: list[str | tuple[str, str]] = [
        (f"{row.state}", "bold"),
        (f" · {seconds(row.result.seconds)}" if row.result else "", "dim"),
        ("\n\nArguments\n", "bold $primary"),
        visible(arguments),
        ("\n\nResult\n", "bold $primary"),
        visible(result[:_LONGEST]),
        (
            f"\n… {len(result) - _LONGEST:,} more characters" if len(result) > _LONGEST else "",
            "dim",
        ),
    ]
    if row.preview is None:
        return assemble(*parts)
    shown = assemble(("Shown for approval\n", "bold $primary")), preview_content(row.preview)
    return Content("\n").join([assemble(*parts), Content(""), *shown])

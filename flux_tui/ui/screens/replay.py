"""A session and its replay by another model, side by side."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import ClassVar

from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from flux_tui.core.errors import InputError
from flux_tui.core.events import TurnEnded
from flux_tui.session.replay import Replay
from flux_tui.ui.render.labels import assemble, money, one_line
from flux_tui.ui.screens.compare_columns import TOGETHER, ColumnsScreen
from flux_tui.ui.screens.compare_dialogs import QuestionScreen, key_table
from flux_tui.ui.screens.compare_reading import ReadingActions
from flux_tui.ui.screens.listing import ListScreen, Row, TextScreen, page_width
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.status_line import StatusLine

REPLAY_KEYS: tuple[tuple[str, str, str], ...] = (
    ("back", "Esc, F6", "Stop; while nothing runs: back to the chat"),
    ("go_on", "r, F5", "Go on where it stopped, or ask again what failed"),
    ("adopt", "a", "Let the session go on with the replay; the original stays as a branch"),
    (
        "read('diff')",
        "d",
        "Mark what the latest answer and the original's to the same question do not share",
    ),
    ("read('together')", "l", "Scroll by turn, by heading, by block, or each alone"),
    ("read('zoom')", "z", "Show this column alone, or both again"),
    ("app.focus_next", "Tab", "The other column"),
    ("commands", "Ctrl+P", "Search these commands"),
    ("help", "F1, ?", "Show these keys"),
)
"""Action, keys and what it does."""
_HINTS = (("Esc", "Stop"), ("r", "Go on"), ("d", "Diff"), ("a", "Adopt"), ("F1", "Help"))


_TOOLS = (
    "Tools give the results they had, and none is run; or they run again:\n"
    "what only reads at once, anything else after a question."
)


async def ask_replay(app: App[object], make: Callable[[bool], Replay]) -> Replay | None:
    """Say what a replay takes, and return it if the user means it; *make*: with tools run anew."""
    replay = make(False)
    number = len(replay.questions)
    about = await replay.about()
    reading = (
        ("what reading costs is not known", "")
        if about.amount is None
        else (f"about {money(about)} to read", "bold")
    )
    called = any(message.tool_calls for message in replay.original.path)
    text = assemble(
        (f"{number} question{'s' if number > 1 else ''}", "bold"),
        f" again, to {one_line(str(replay.column.session.model.ref), 60)}: ",
        reading,
        " if its\nanswers are as long; what it writes comes on top.\n",
        (_TOOLS if called else "", "dim"),
    )
    question = QuestionScreen(
        "Replay this session?",
        text,
        "Reuse results" if called else "Replay",
        "Run tools again" if called else "",
    )
    if not await app.push_screen_wait(question):
        return None
    return make(True) if question.otherwise else replay


class ReplayScreen(ColumnsScreen):
    """Shows `replay` beside what it repeats; it runs from the start.

    *left* is called when it is closed, with what is to be said, and whether the session goes on
    with the replay.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", priority=True),
        Binding("f6", "back", "Back", show=False, priority=True),
        Binding("r,f5", "go_on", "Go on"),
        Binding("a,alt+a", "adopt", "Adopt"),
        Binding("d,alt+d", "read('diff')", "Diff"),
        Binding("l,alt+l", "read('together')", "Scroll together"),
        Binding("z,alt+x", "read('zoom')", "Zoom"),
        Binding("ctrl+p", "commands", "Commands", show=False, priority=True),
        Binding("f1,question_mark", "help", "Help"),
    ]

    def __init__(self, replay: Replay, left: Callable[[str, bool], None]) -> None:
        replay.source.recall()
        super().__init__([replay.source, replay.column])
        self._left = left
        self.replay = replay
        self.reading = ReadingActions(self)

    def compose(self) -> ComposeResult:
        """Yield a bar, two columns and the status."""
        yield Plain("The terminal is too small.\nFlux TUI needs 40×10.", id="too-small")
        yield Plain(id="compare-bar")
        yield Plain(id="compare-tabs")
        with Horizontal(id="columns"):
            yield from self.panes
        yield StatusLine(self.clock, id="status")

    def on_mount(self) -> None:
        """Begin."""
        self.panes[0].note, self.panes[1].note = "original", "replay"
        self.panes[1].text.again = "r"
        self.clock.add(self.paint_tabs)
        self.choose(self.panes[1])
        self.panes[1].focus()
        self.query_one(StatusLine).hints(_HINTS)
        self.call_after_refresh(self.refresh_bar)
        self.run()

    def refresh_bar(self) -> None:
        """Say how far it is."""
        if not self.is_mounted:
            return
        replay = self.replay
        at = min(replay.done + 1, len(replay.questions))
        tools = "tools run again" if replay.run_again else "no tool is run"
        words = "done" if replay.finished else f"turn {at}"
        bar = assemble(
            ("◆ Replay", "bold $primary"),
            (" DEMO" if replay.base.model.simulated else "", "bold $warning"),
            f"  {one_line(replay.base.title, 40)}",
            (f"  {words} of {len(replay.questions)}", "bold"),
            (f"  {tools} · {TOGETHER[self.together]}", "dim"),
        )
        self.query_one("#compare-bar", Plain).update(bar)
        self.clock.request()

    @work(exclusive=True, group="replay", exit_on_error=False)
    async def run(self) -> None:
        """Ask on until all is answered, or something stops it."""
        replay, pane = self.replay, self.panes[1]
        self.say("Replaying", "◉")
        ended: TurnEnded | None = None
        async with aclosing(replay.run()) as events:
            async for event in events:
                pane.apply(event)
                if isinstance(event, TurnEnded):
                    ended = event
                    self.refresh_bar()
        self.refresh_bar()
        if replay.finished:
            self.say("All questions are answered: d marks differences, a adopts the replay")
        elif ended is not None and ended.error:
            self.say(f"{one_line(ended.error, 100)}: r tries again", "✗", "$error")
        else:
            self.say("Stopped: r goes on", "■", "$warning")

    async def action_read(self, name: str) -> None:
        """Do one of the things that change nothing that is said."""
        result = self.reading.table[name]("")
        if result is not None:
            await self.attempt(result)

    def action_go_on(self) -> None:
        """Ask on."""
        if not self.busy and not self.replay.finished:
            self.panes[1].show_before_answer()
            self.run()

    async def action_back(self) -> None:
        """Stop; or end a diff; or go to the chat, which stands where it stood."""
        if self.busy:
            self.replay.stop()
        elif self.reading.comparing:
            self.reading.end_diff(told=True)
        else:
            await self.attempt(self._leave(adopt=False))

    def action_adopt(self) -> None:
        """Ask whether the session goes on with the replay."""

        async def answered(yes: bool | None) -> None:
            if yes:
                await self.attempt(self._leave(adopt=True))

        if self.busy:
            self.flux.warn(InputError("an answer is still running", hint="stop it first"))
            return
        name = one_line(str(self.replay.column.session.model.ref), 60)
        text = assemble(
            "The session goes on with what ",
            (name, "bold"),
            " said.\nThe original stays in it as a branch.",
        )
        self.app.push_screen(QuestionScreen("Adopt the replay?", text, "Adopt"), answered)

    def action_help(self) -> None:
        """Show the keys."""
        rows = key_table([row[1:] for row in REPLAY_KEYS], page_width(self.size.width))
        self.app.push_screen(TextScreen("Keys of the replay", rows))

    def action_commands(self) -> None:
        """Search the commands."""

        async def find(wanted: str) -> list[Row]:
            return [
                (action, assemble((f"{keys:<9} ", "$accent"), words))
                for action, keys, words in REPLAY_KEYS
                if wanted.lower() in f"{keys} {words}".lower()
            ]

        async def chosen(action: str | None) -> None:
            if action is not None:
                await self.run_action(action)

        screen = ListScreen("Commands of the replay", "Search commands", find)
        self.app.push_screen(screen, chosen)

    async def _leave(self, *, adopt: bool) -> None:
        replay = self.replay
        if adopt:
            await replay.adopt()
            note = f"{replay.column.session.model.ref} goes on from its replay · the original is a"
            note += " branch beside it"
        else:
            await replay.leave()
            note = f"replayed with {replay.column.session.model.ref}: a branch beside this one"
        self.app.pop_screen()
        self._left(note, adopt)

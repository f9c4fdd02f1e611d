"""The ways from the chat to the split view, the replay, the scoreboard and the benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flux_tui.core.errors import InputError
from flux_tui.core.models import ModelInfo
from flux_tui.session.compare import Comparison
from flux_tui.session.comparing import recall
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from flux_tui.session.replay import Replay
    from flux_tui.session.session import ChatSession
    from flux_tui.ui.screens.chat import ChatScreen
    from flux_tui.ui.screens.compare import CompareScreen
    from flux_tui.ui.screens.compare_picker import Lineup
    from flux_tui.ui.screens.replay import ReplayScreen

_NAME = "compare"


class CompareOpening:
    """Keeps the split view that is open, so that F6 goes to and fro."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._open: CompareScreen | None = None
        self._replaying: ReplayScreen | None = None
        self._place: tuple[str | None, str] | None = None
        self.table: Mapping[str, Callable[[str], Coroutine[Any, Any, None] | None]] = {
            "compare.open": self._compare,
            "compare.scoreboard": lambda _: self._scoreboard(),
            "compare.replay": self._replay,
            "bench.open": lambda _: self._benchmarks(),
        }

    @property
    def sessions(self) -> list[ChatSession]:
        """Those of the columns and of the replay that were opened last."""
        panes = [*(self._open.panes if self._open else ())]
        panes += self._replaying.panes[1:] if self._replaying else ()
        return [pane.column.session for pane in panes]

    async def _compare(self, argument: str) -> None:
        """Go to the open split view, or begin one with the models that *argument* names."""
        session = self._screen.open_session
        if self._screen.sending.busy:
            raise InputError("an answer is still running", hint="stop it first")
        if session.read_only:
            raise InputError("this session can only be read here")
        app = self._screen.app
        words = argument.split()
        blind = "blind" in words
        names = [word for word in words if word != "blind"]
        kept = self._open if self._open and app.is_screen_installed(self._open) else None
        self._place = self._chosen_place(session)
        known = not words and self._place is None
        if known and kept is not None and kept.comparison.base is session:
            app.push_screen(_NAME)
            return
        if names:
            models = [self._screen.flux.runtime.find_model(name) for name in names]
            self._agreed(models, blind=blind, reads=False)
            return
        runtime = self._screen.flux.runtime
        before = await recall(runtime.store, session, runtime.find_model) if known else None
        if before is not None:
            self._offer(before)
        else:
            self.choose((), blind=blind)

    def _chosen_place(self, session: ChatSession) -> tuple[str | None, str] | None:
        """Return where the message chosen in the transcript lets columns begin, and what to say.

        Before a message of the user, with its text; after the turn of any other one.
        """
        transcript, path = self._screen.transcript, session.conversation.path
        chosen = transcript.selected if transcript.has_focus else None
        at = next((at for at, message in enumerate(path) if message.id == chosen), None)
        if at is None:
            return None
        if path[at].role == "user":
            return path[at].parent, path[at].text
        while at + 1 < len(path) and path[at + 1].role != "user":
            at += 1
        return (path[at].id, "") if at + 1 < len(path) else None

    def choose(self, marked: Sequence[ModelInfo], *, blind: bool = False) -> None:
        """Let the user mark the models; *marked* are at first, or a fair suggestion."""
        from flux_tui.ui.screens.compare_picker import ComparePicker, suggested

        flux, session = self._screen.flux, self._screen.open_session
        choices = flux.runtime.choices()
        refs = [info.ref for info in marked] or suggested(choices, session.model.ref)

        def chosen(lineup: Lineup | None) -> None:
            if lineup is not None:
                self._agreed(lineup.models, blind=lineup.blind, reads=lineup.reads)
            else:
                self._place = None

        where = " from the chosen message on" if self._place is not None else ""
        picker = ComparePicker(
            choices, refs, flux.prices, flux.load_prices, blind=blind, where=where
        )
        self._screen.app.push_screen(picker, chosen)

    def _offer(self, before: Comparison) -> None:
        from flux_tui.ui.render.labels import assemble, one_line
        from flux_tui.ui.screens.compare_dialogs import QuestionScreen

        # In an order that does not tell: it may be blind.
        models = sorted(str(column.session.model.ref) for column in before.columns)
        names = "\n".join(f"  {one_line(name, 60)}" for name in models)
        text = assemble("This session has a comparison of\n", (names, "bold"))

        def answered(yes: bool | None) -> None:
            if yes:
                self._show(before)
            else:
                self.choose(())

        self._screen.app.push_screen(QuestionScreen("Go on comparing?", text, "Go on"), answered)

    def _agreed(self, models: Sequence[ModelInfo], *, blind: bool, reads: bool) -> None:
        """Begin once every vendor that is new here may read the conversation."""
        session = self._screen.open_session
        waiting = [model for model in models if session.needs_consent(model) is not None]
        if not waiting:
            comparison = Comparison(session, models, reads=reads)
            comparison.blind = blind
            text = ""
            if self._place is not None:
                (at, text), self._place = self._place, None
                comparison.begin_at(at)
            self._show(comparison, text)
            return

        def refused(reader: str) -> None:
            words = f"Not compared: {reader} does not get this conversation"
            self._screen.query_one(StatusLine).say(words, "⊘", "$warning")

        def again() -> None:
            self._agreed(models, blind=blind, reads=reads)

        self._screen.actions.models.agreed(waiting[0], again, refused)

    def _show(self, comparison: Comparison, text: str = "") -> None:
        from flux_tui.ui.screens.compare import CompareScreen

        app = self._screen.app
        if self._open is not None and app.is_screen_installed(self._open):
            app.uninstall_screen(self._open)
            self._open.remove()
        prompt = self._screen.query_one(Prompt)
        if not text and not prompt.text.startswith("/"):
            text = prompt.whole_text  # what is being written goes on there
            prompt.empty()
        self._open = CompareScreen(comparison, draft=text)
        app.install_screen(self._open, _NAME)
        app.push_screen(_NAME)
        for column in comparison.columns:
            self._screen.flux.prepare(column.session.model)

    def _scoreboard(self) -> None:
        from flux_tui.ui.screens.scoreboard import ScoreboardScreen

        runtime = self._screen.flux.runtime
        self._screen.app.push_screen(ScoreboardScreen(runtime.store, runtime.root))

    def _benchmarks(self) -> None:
        from flux_tui.session.measure import HISTORY_NAME
        from flux_tui.ui.screens.benchmarks import BenchmarksScreen

        folder = self._screen.flux.settings.paths.data_dir
        self._screen.app.push_screen(BenchmarksScreen(folder / HISTORY_NAME))

    def _replay(self, argument: str) -> None:
        """Ask which model repeats the session, and whether what that takes is meant."""
        models = self._screen.actions.models
        session = self._screen.open_session
        columns = self._open.panes if self._open else ()
        if not session.conversation.path and any(pane.turns for pane in columns):
            key = self._screen.key_of("compare.open") or "/compare"
            hint = f"{key} shows the columns: /replay there repeats one of them"
            raise InputError("nothing was said in this chat, only in the columns", hint=hint)
        if self._screen.sending.busy or session.read_only or not session.conversation.path:
            raise InputError("there is nothing here that can be replayed now")

        def chosen(model: ModelInfo | None) -> None:
            if model is not None:
                models.agreed(model, lambda: self._foretell(model), self._refused)

        if argument:
            chosen(self._screen.flux.runtime.find_model(argument))
        else:
            models.choose(session.model, chosen)

    def _refused(self, reader: str) -> None:
        words = f"Not replayed: {reader} does not get this conversation"
        self._screen.query_one(StatusLine).say(words, "⊘", "$warning")

    def _foretell(self, model: ModelInfo) -> None:
        from flux_tui.session.replay import Replay

        session, tools = self._screen.open_session, self._screen.flux.runtime.tools

        def make(run_again: bool) -> Replay:
            return Replay(session, model, tools, run_again=run_again)

        def left(note: str, adopted: bool) -> None:
            del adopted
            self._screen.show_conversation()
            self._screen.transcript.divider(note, "notice")

        showing = partial(self.replay, make, left)
        self._screen.run_worker(showing, group="replay", exit_on_error=False)

    async def replay(
        self, make: Callable[[bool], Replay], left: Callable[[str, bool], None]
    ) -> None:
        """Ask whether what a replay takes is meant, and show it; *left*: see `ReplayScreen`."""
        from flux_tui.ui.screens.replay import ReplayScreen, ask_replay

        replay = await ask_replay(self._screen.app, make)
        if replay is not None:
            self._replaying = ReplayScreen(replay, left)
            self._screen.app.push_screen(self._replaying)

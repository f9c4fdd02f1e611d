"""What becomes of a typed message: a command, a shell line, a question; at once or in turn."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flux_tui.core.errors import FluxError, InputError
from flux_tui.core.near import did_you_mean
from flux_tui.ui import keymap
from flux_tui.ui.render.labels import one_line
from flux_tui.ui.typed import Ask, Command, Said, ShellLine, Typed, read, unknown_command
from flux_tui.ui.widgets.chips import Attachment, Attachments
from flux_tui.ui.widgets.completing import Offer
from flux_tui.ui.widgets.composer import Composer
from flux_tui.ui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from flux_tui.core.models import ModelInfo
    from flux_tui.ui.screens.chat import ChatScreen

_ONLY_READ = "This session is open elsewhere and can only be read here: close it there, or /new"


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message that is in no conversation yet: as it was typed, and its files."""

    text: str
    files: tuple[Attachment, ...] = ()


class Sending:
    """Sends what the composer gives, one after the other; nothing of it is ever lost."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._queue: list[Unsent] = []
        # On its way, and not yet in the conversation; of a shell line, until it has run.
        self._going: Unsent | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is running, or something is on its way to get one."""
        session, workers = self._screen.session, self._screen.workers
        begun = any(w.group == "turn" and not w.is_finished for w in workers)
        return begun or self._going is not None or (session is not None and session.busy)

    @property
    def waiting(self) -> tuple[Unsent, ...]:
        """What waits, the next one first: the user may still be asked about that."""
        going = () if self._going is None else (self._going,)
        return (*going, *self._queue)

    async def take(self, text: str, files: tuple[Attachment, ...]) -> None:
        """Do what the user typed, or let it wait for the answer that runs."""
        typed = read(text)
        if isinstance(typed, Command):
            if files:
                self._screen.query_one(Attachments).restore(files)
            await self._command(typed, text)
            return
        item = Unsent(text, files)
        session = self._screen.session
        # Before there is a session nothing can be said of a message: it waits.
        if session is not None and (problem := self._wrong(typed)):
            self._return(item, problem)
        elif session is None or self.busy or self._queue:
            self._queue.append(item)
            self._show()
        else:
            self._go(item)

    def said(self) -> None:
        """Note that what was sent last is in the conversation."""
        self._going = None
        self._screen.drafts.changed()

    def next(self, *, broken: bool) -> None:
        """Go on with what waits; after a failure all of it goes back to the composer.

        So does what never came into the conversation.
        """
        if self._going is not None:
            self._queue.insert(0, self._going)
            self._going, broken = None, True
        if not self._queue:
            return
        if broken:
            self._return_all()
        else:
            self._going = item = self._queue.pop(0)
            self._show()
            self._screen.call_later(self._go, item)

    def take_back(self) -> bool:
        """Let the user edit what was queued last; whether anything waited."""
        if not self._queue:
            return False
        item = self._queue.pop()
        self._screen.query_one(Composer).give_back(item.text, item.files)
        self._show()
        return True

    @contextmanager
    def for_once(self, model: ModelInfo | None) -> Generator[None]:
        """Let *model* answer, and afterwards the session's own again; None changes nothing."""
        session, screen = self._screen.open_session, self._screen
        own, effort = session.model, session.effort
        if model is None or model.ref == own.ref:
            yield
            return
        there = session.swap(model, screen.flux.runtime.effort_of(model.ref), once=True)
        if session.conversation.path:
            screen.transcript.divider(there.line(), "switch")
        screen.refresh_session()
        try:
            yield
        finally:
            if session.model.ref == model.ref:  # else the user chose another one meanwhile
                back = session.swap(own, effort)
                session.effort = effort
                screen.transcript.divider(back.line(), "switch")
                screen.refresh_session()
                keeping = partial(screen.flux.runtime.keep_model, session)
                screen.run_worker(keeping, group="draft", exit_on_error=False)

    def models(self) -> Sequence[Offer]:
        """Return the models that can be asked, for the menu."""
        if self._screen.session is None:
            return ()
        found = [c for c in self._screen.flux.runtime.choices() if c.available]
        return [Offer(str(c.info.ref), "favourite" if c.favourite else "") for c in found]

    def _show(self) -> None:
        self._screen.query_one(Composer).show_waiting([item.text for item in self._queue])
        self._screen.drafts.changed()

    def _return(self, item: Unsent, why: str) -> None:
        self._screen.query_one(Composer).give_back(item.text, item.files)
        self._screen.flux.warn(why)

    def _return_all(self) -> None:
        composer, items = self._screen.query_one(Composer), self._queue
        self._queue = []
        files = tuple(file for item in items for file in item.files)
        composer.give_back("\n\n".join(item.text for item in items if item.text), files)
        self._show()

    async def _command(self, typed: Command, text: str) -> None:
        action = keymap.BY_SLASH.get(typed.word)
        if action is None:
            self._return(Unsent(text), unknown_command(typed.word))
        elif typed.argument and not action.argument:
            words = f"/{typed.word} takes nothing behind it. //{typed.word} … sends it as text"
            self._return(Unsent(text), words)
        else:
            await self._screen.run_command(action.id, typed.argument)

    def _wrong(self, typed: Typed) -> str:
        """Return why what was typed cannot be sent; empty if it can."""
        if self._screen.open_session.read_only:
            return _ONLY_READ
        match typed:
            case ShellLine(""):
                return "A shell line follows the exclamation mark. !!text sends text with one"
            case Ask(name, ""):
                return f"A message follows +{one_line(name, 60)}; it alone asks nothing"
            case Ask(name):
                try:
                    self._model(name)
                except FluxError as problem:
                    return f"{problem}. ++{one_line(name, 40)} … sends it as text"
            case _:
                pass
        return ""

    def _model(self, name: str) -> ModelInfo:
        """Return the model that *name* means, or the only one that has it in its name.

        Raises:
            InputError: there is none, or there are several.
        """
        runtime = self._screen.flux.runtime
        if "/" in name:
            return runtime.find_model(name)
        infos = [choice.info for choice in runtime.choices()]
        exact = [info for info in infos if info.ref.name == name]
        near = exact or [info for info in infos if name.lower() in info.ref.name.lower()]
        if len(near) == 1 or exact:
            return near[0]
        names = [info.ref.name for info in infos]
        hint = did_you_mean(name, names) or "F2 shows all models"
        raise InputError(f"there is no model {name!r}; {hint.rstrip('?')}")

    def _go(self, item: Unsent) -> None:
        """Send *item* now."""
        self._going = item
        typed = read(item.text)
        if problem := self._wrong(typed):  # it may have waited for the program to start
            self._refused(item, problem)
            return
        match typed:
            case ShellLine(line):
                self._screen.run_line(line)
            case Ask(name, text):
                self._say(item, text, self._model(name))
            case Said(text):
                self._say(item, text, None)
            case Command():
                self._say(item, item.text, None)

    def again(self) -> None:
        """Ask again for an answer to what was said last."""
        self._say(None, None, None)

    def _say(self, item: Unsent | None, text: str | None, model: ModelInfo | None) -> None:
        """Send *text*, or ask again when it is None; a vendor that is new here is asked about."""
        screen, files = self._screen, item.files if item else ()
        screen.drafts.changed()

        def refused(reader: str) -> None:
            words = f"Not sent: {reader} does not get this conversation"
            self._refused(item, "")
            screen.query_one(StatusLine).say(words, "⊘", "$warning")

        reader = model or screen.open_session.model
        screen.actions.models.agreed(reader, lambda: screen.turn(text, files, model), refused)

    def _refused(self, item: Unsent | None, why: str) -> None:
        self._going = None
        if item is not None:
            self._queue.insert(0, item)
        self._return_all()
        if why:
            self._screen.flux.warn(why)

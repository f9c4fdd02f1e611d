"""The ways to another model; each asks first when a new vendor would read the conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from flux_tui.core.errors import InputError
from flux_tui.core.models import EFFORTS, Effort, ModelInfo
from flux_tui.ui.screens.check import CheckScreen
from flux_tui.ui.screens.consent import ConsentScreen, consent_text
from flux_tui.ui.screens.model_picker import ModelPicker
from flux_tui.ui.widgets.status_line import StatusLine
from flux_tui.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from flux_tui.ui.screens.chat import ChatScreen


class ModelActions:
    """What changes the model of the next message, and what says what that would mean."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self.table: Mapping[str, Callable[[str], None]] = {
            "model.pick": self._pick,
            "model.check": self._check,
            "model.next_provider": lambda _: self._next_provider(),
            "model.next_favourite": lambda _: self._favourite(1),
            "model.previous_favourite": lambda _: self._favourite(-1),
            "model.effort": self._effort,
            **{f"model.slot{slot + 1}": lambda _, at=slot: self._slot(at) for slot in range(9)},
        }

    def agreed(
        self, model: ModelInfo, then: Callable[[], object], refused: Callable[[str], None]
    ) -> None:
        """Do *then* once *model*'s vendor may read the conversation; asks if nobody has yet.

        Without a yes *refused* is called with the vendor's label.
        """
        session = self._screen.open_session
        reader = session.needs_consent(model)
        if reader is None:
            then()
            return

        async def answered(yes: bool | None) -> None:
            if yes:
                await session.consent(model)
                then()
            else:
                refused(reader)

        text = consent_text(session, model, reader)
        self._screen.app.push_screen(ConsentScreen(reader, text), answered)

    def use(self, model: ModelInfo) -> None:
        """Make *model* that of the next message."""

        def refused(reader: str) -> None:
            words = f"Not switched: {reader} does not get this conversation"
            self._screen.query_one(StatusLine).say(words, "⊘", "$warning")

        if model.ref != self._screen.open_session.model.ref:
            self.agreed(model, lambda: self._swap(model), refused)

    def _swap(self, model: ModelInfo) -> None:
        session = self._screen.open_session
        switch = session.swap(model, self._screen.flux.runtime.effort_of(model.ref))
        if session.conversation.path:
            self._screen.query_one(Transcript).divider(switch.line(), "switch")
        self._screen.refresh_session()
        self._screen.flux.prepare(model)
        if switch.fits is False:
            words = f"{model.ref.name} has no room for all of it: /compact, or a larger model"
            self._screen.query_one(StatusLine).say(words, "!", "$warning")
            return
        later = "; the running answer ends with its own model" if session.busy else ""
        self._screen.query_one(StatusLine).say(f"Next message: {model.ref}{later}", "⇄")

    def _pick(self, argument: str) -> None:
        if argument:
            self.use(self._screen.flux.runtime.find_model(argument))
        else:
            self.choose(self._screen.open_session.model, self._picked)

    def _picked(self, model: ModelInfo | None) -> None:
        if model is not None:
            self.use(model)

    def choose(self, here: ModelInfo, then: Callable[[ModelInfo | None], None]) -> None:
        """Let the user choose a model, the cursor on *here* at first."""
        flux, session = self._screen.flux, self._screen.open_session
        picker = ModelPicker(flux.runtime.choices(), here.ref, flux.prices, session.preflight)

        async def star() -> None:
            for ref, on in picker.starred.items():
                await flux.runtime.favourite(ref, on)

        async def picked(model: ModelInfo | None) -> None:
            await self._screen.attempt(star())
            if picker.beside is not None:
                self._screen.actions.comparing.choose((here, picker.beside))
            else:
                then(model)

        self._screen.app.push_screen(picker, picked)
        # The screen's, not the picker's: what is found is kept when the picker is closed.
        looking = partial(self._look_out, picker)
        self._screen.run_worker(looking, group="lookout", exclusive=True, exit_on_error=False)
        flux.load_prices()

    async def _look_out(self, picker: ModelPicker) -> None:
        """Look for local servers and new lists of models; *picker* gets what is new."""
        runtime = self._screen.flux.runtime
        if await runtime.lookout.quietly() and picker.is_attached:
            picker.offer(runtime.choices())

    def _check(self, argument: str) -> None:
        session = self._screen.open_session
        model = self._screen.flux.runtime.find_model(argument) if argument else session.model

        def closed(use: bool | None) -> None:
            if use:
                self.use(model)

        current = model.ref == session.model.ref
        self._screen.app.push_screen(CheckScreen(model, session.preflight, current=current), closed)

    def _next_provider(self) -> None:
        session = self._screen.open_session
        found = [c.info for c in self._screen.flux.runtime.choices() if c.available]
        names = list(dict.fromkeys(info.ref.provider for info in found))
        here = session.model.ref.provider
        if len(names) < 2:
            raise InputError("there is only one provider", hint="set a key for another one")
        following = names[(names.index(here) + 1) % len(names) if here in names else 0]
        used = [m.model for m in session.conversation.path if m.model is not None]
        # Coming back to a provider means its model that was talked to last.
        last = next((ref for ref in reversed(used) if ref.provider == following), None)
        mine = [info for info in found if info.ref.provider == following]
        self.use(next((info for info in mine if info.ref == last), mine[0]))

    def _favourites(self) -> Sequence[ModelInfo]:
        found = self._screen.flux.runtime.choices()
        return [c.info for c in found if c.favourite and c.available]

    def _favourite(self, step: int) -> None:
        models = self._favourites()
        if not models:
            raise InputError("there are no favourites yet", hint="F2, then Ctrl+F on a model")
        refs = [info.ref for info in models]
        here = self._screen.open_session.model.ref
        at = refs.index(here) + step if here in refs else 0
        self.use(models[at % len(models)])

    def _slot(self, at: int) -> None:
        models = self._favourites()
        if at >= len(models):
            raise InputError(f"favourite {at + 1} is not set", hint="F2, then Ctrl+F on a model")
        self.use(models[at])

    def _effort(self, argument: str) -> None:
        session = self._screen.open_session
        levels = session.model.efforts
        if argument and argument not in EFFORTS:
            raise InputError(f"{argument!r} is no effort", hint="one of " + ", ".join(EFFORTS))
        if not levels:
            raise InputError(f"{session.model.ref.name} has no effort to set")
        wanted: Effort | None = next((level for level in EFFORTS if level == argument), None)
        if wanted is None:
            now = session.model.snap_effort(session.effort)
            wanted = levels[(levels.index(now) + 1) % len(levels)] if now in levels else levels[0]
        session.effort = wanted

        async def remember() -> None:
            wish = self._screen.flux.runtime.wish_effort(session.model.ref, wanted)
            await self._screen.attempt(wish)

        self._screen.run_worker(remember, exit_on_error=False)
        self._screen.refresh_session()
        self._screen.query_one(StatusLine).say(f"Effort: {wanted}")

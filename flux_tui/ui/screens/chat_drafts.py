"""Keeps what is being written with its session: it is there again after a crash or a switch."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flux_tui.core.errors import FluxError
from flux_tui.core.sanitize import sanitize
from flux_tui.ui.widgets.chips import Attachment, Attachments
from flux_tui.ui.widgets.composer import Composer
from flux_tui.ui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from flux_tui.session.session import ChatSession
    from flux_tui.ui.screens.chat import ChatScreen

_EVERY = 0.4
"""Seconds between two writes: what a crash loses of it."""

_FORGIVING = 2.5
"""Seconds for which a text that Ctrl+C took away is kept: the next Ctrl+C may end the program."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is being written: text with chips, what they stand for, what waits, files of both."""

    text: str = ""
    pastes: Mapping[str, str] = field(default_factory=dict[str, str])
    waiting: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text or self.waiting or self.files)

    def dumps(self, claim: str) -> str:
        """Return it as JSON, with the process that writes it; empty if it is empty."""
        data = {"text": self.text, "waiting": self.waiting, "files": self.files, "by": claim}
        return json.dumps(data) if self else ""

    @classmethod
    def loads(cls, data: str, pastes: str) -> tuple[Draft, str]:
        """Return the draft and who wrote it; an empty one if the data make no sense."""
        try:
            found: dict[str, Any] = json.loads(data)
            chips: dict[str, str] = json.loads(pastes or "{}")
            waiting, files = tuple(map(str, found["waiting"])), tuple(map(str, found["files"]))
            return cls(sanitize(str(found["text"])), chips, waiting, files), str(found["by"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls(), ""


class Drafts:
    """Follows the composer of one chat screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._session: ChatSession | None = None
        self._written: dict[str, Draft] = {}  # by key, what the store has
        self._away: dict[str, tuple[Draft, bool]] = {}  # by key, of sessions left, to be written
        self._files: dict[str, tuple[Attachment, ...]] = {}  # of the sessions left in this run
        self._opening = False
        self._unnamed = False  # whether the session had no id when that was looked at last
        self._timer = False
        self._one = asyncio.Lock()

    def open(self, session: ChatSession) -> None:
        """Put the present draft away and show that of *session*."""
        before, self._session = self._session, session
        composer = self._screen.query_one(Composer)
        if before is not None:
            old, new = self._key(before), self._key(session)
            if old == new:
                return
            left = self._draft()
            self._files[old] = composer.put_away()
            composer.query_one(Prompt).empty()
            if not before.read_only:
                self._away[old] = left, self._named(old)
                self._screen.run_worker(self._put_away, group="draft", exit_on_error=False)
        self._opening = True
        self._unnamed = session.id is None
        showing = partial(self._show, session)
        self._screen.run_worker(showing, group="draft", exit_on_error=False)

    def changed(self) -> None:
        """Write the draft soon."""
        if not self._timer and self._session is not None:
            self._timer = True
            self._screen.set_timer(_EVERY, self._due)

    async def flush(self) -> None:
        """Write the draft now, if there is anything new."""
        if self._session is None or self._opening or self._forgives:
            return
        if self._session.read_only:
            return  # the draft is that of the window that may write
        key = self._key(self._session)
        await self._keep(key, self._draft(), self._named(key))

    def _named(self, key: str) -> bool:
        """Whether the session of *key* has got its id since this was asked last."""
        was, self._unnamed = self._unnamed, key == self._new
        return was and not self._unnamed

    async def _put_away(self) -> None:
        """Write the drafts of the sessions that were left."""
        while self._away:
            key, left = next(iter(self._away.items()))
            await self._keep(key, *left)
            if self._away.get(key) is left:
                del self._away[key]

    async def _keep(self, key: str, draft: Draft, named: bool) -> None:
        await self._write(key, draft)
        if named:
            await self._write(self._new, Draft())

    async def leave(self) -> None:
        """Write what is not yet written before the program ends, if that does not take long."""
        try:
            async with asyncio.timeout(1):
                await self._put_away()
                await self.flush()
        except TimeoutError:
            self._screen.log.warning("the draft was slow to be written")

    @property
    def _forgives(self) -> bool:
        prompt = self._screen.query_one(Prompt)
        return not prompt.text and time.monotonic() - prompt.discarded < _FORGIVING

    def _due(self) -> None:
        self._timer = False
        if self._forgives:
            self.changed()
        else:
            self._screen.run_worker(self.flush, group="draft", exit_on_error=False)

    @property
    def _new(self) -> str:
        return f"new:{self._screen.flux.root}"

    def _key(self, session: ChatSession) -> str:
        return session.id or self._new

    def _draft(self) -> Draft:
        composer = self._screen.query_one(Composer)
        prompt = composer.query_one(Prompt)
        waiting = self._screen.sending.waiting
        pastes: dict[str, str] = {}
        for line in prompt.text.split("\n") if prompt.pastes else ():
            pastes |= prompt.pastes.of(line)
        files = [*(file for item in waiting for file in item.files), *composer.files]
        paths = dict.fromkeys(map(str, composer.paths_of(files)))
        return Draft(prompt.text, pastes, tuple(item.text for item in waiting), tuple(paths))

    async def _write(self, key: str, draft: Draft) -> None:
        """Store *draft* under *key*."""
        from flux_tui.storage.claims import own_claim

        store = self._screen.flux.runtime.store
        async with self._one:
            before = self._written.get(key, Draft())
            if draft == before:
                return
            try:
                if draft.pastes != before.pastes:
                    text = await asyncio.to_thread(json.dumps, dict(draft.pastes))
                    await store.set_state(f"draft-pastes:{key}", text)
                claim = await asyncio.to_thread(own_claim)
                await store.set_state(f"draft:{key}", draft.dumps(claim))
            except FluxError:
                return  # the store says itself, once, that nothing can be saved
            self._written[key] = draft

    async def _show(self, session: ChatSession) -> None:
        key = self._key(session)
        try:
            draft = Draft() if session.read_only else await self._read(key)
        finally:
            self._opening = False
        if session is not self._session:
            return
        composer = self._screen.query_one(Composer)
        prompt = composer.query_one(Prompt)
        if draft:
            prompt.pastes.restore(draft.pastes)
            kept = [text for text in (*draft.waiting, draft.text, prompt.text) if text]
            prompt.fill("\n\n".join(kept))
        files = self._files.pop(key, ())
        composer.query_one(Attachments).restore(files)
        if not files and draft.files:
            composer.attach_again([Path(name) for name in draft.files])

    async def _read(self, key: str) -> Draft:
        from flux_tui.storage.claims import is_free

        store = self._screen.flux.runtime.store
        try:
            data = await store.get_state(f"draft:{key}") or ""
            pastes = await store.get_state(f"draft-pastes:{key}") or ""
        except FluxError:
            return Draft()
        draft, writer = Draft.loads(data, pastes)
        # Another window of this folder may just be writing its first message.
        if not key.startswith("new:") or await asyncio.to_thread(is_free, writer):
            self._written[key] = draft
            return draft
        return Draft()

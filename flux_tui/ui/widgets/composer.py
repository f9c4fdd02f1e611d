"""Where a message is made: commands, the files that @ may mean, attached files, the text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from flux_tui.core.errors import FluxError
from flux_tui.ui import keymap
from flux_tui.ui.render.labels import assemble
from flux_tui.ui.widgets.chips import Attachment, Attachments, Menu
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt

_COMMANDS = 6  # that are shown at once
_MAYBE_PATH = re.compile(r"""\s*['"]?(?:~/|\.{1,2}/|file://|/[^\s/]+[/.])""")


class Composer(Vertical):
    """Posts `Sent` with the text and the files; *root* gives the folder that paths start from.

    A *bare* one is only the text until `furnish`: the first paint does without the rest.
    """

    class Sent(Message):
        """The user sends *text* with *files*."""

        def __init__(self, text: str, files: tuple[Attachment, ...]) -> None:
            super().__init__()
            self.text = text
            self.files = files

    class Trouble(Message):
        """Something cannot be attached; *words* say why."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(
        self,
        root: Callable[[], Path],
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        bare: bool = False,
    ) -> None:
        super().__init__(id=id)
        self._furnished = not bare
        self._root = root
        self._listing: asyncio.Task[tuple[str, ...]] | None = None

    def compose(self) -> ComposeResult:
        """Yield what helps above, the text below."""
        if self._furnished:
            yield from self._help()
        yield Prompt(id="prompt")

    def _help(self) -> tuple[Plain, ...]:
        return Plain(id="commands"), Menu(id="mentions"), Attachments(id="attachments")

    def on_mount(self) -> None:
        """Let the text know its menu."""
        if self._furnished:
            self._connect()

    async def furnish(self) -> None:
        """Have what helps, and help with what was typed before."""
        await self.mount(*self._help(), before="#prompt")
        self._furnished = True
        self._connect()
        self._typed()

    def _connect(self) -> None:
        prompt = self.query_one(Prompt)
        prompt.menu = self.query_one(Menu)
        prompt.claim = self._claim

    @property
    def files(self) -> tuple[Attachment, ...]:
        """What goes with the next message."""
        return self.query_one(Attachments).items if self._furnished else ()

    def give_back(self, text: str, files: Sequence[Attachment] = ()) -> None:
        """Have *text* and *files* again, before what was written meanwhile."""
        prompt = self.query_one(Prompt)
        prompt.fill("\n\n".join(part for part in (text, prompt.whole_text) if part))
        self.query_one(Attachments).restore(files)

    def remove_last(self) -> Attachment | None:
        """Take the last file away, and return it."""
        return self.query_one(Attachments).remove_last()

    @work(group="attach", exit_on_error=False)
    async def attach(self, words: str) -> None:
        """Attach the file that *words* name."""
        from flux_tui.session.files import named_file

        try:
            path = await asyncio.to_thread(named_file, words, self._root())
            await self._take((path,))
        except FluxError as problem:
            self.post_message(self.Trouble(str(problem)))

    async def _claim(self, text: str) -> bool:
        """Attach the files that a paste consists of; whether it does."""
        from flux_tui.session.files import paths_in

        empty = not self.query_one(Prompt).text
        paths = await asyncio.to_thread(paths_in, text, self._root())
        # A relative path in the middle of a sentence is more likely a part of the sentence.
        if not paths or not (empty or text.strip().lstrip("'\"").startswith(("/", "~", "file:"))):
            return False
        self._attach_all(paths)
        return True

    @work(group="attach", exit_on_error=False)
    async def _attach_all(self, paths: Sequence[Path]) -> None:
        try:
            await self._take(paths)
        except FluxError as problem:
            self.post_message(self.Trouble(str(problem)))

    async def _take(self, paths: Sequence[Path]) -> None:
        from flux_tui.session.attachments import read_attachment

        for path in paths:
            self.query_one(Attachments).add(await asyncio.to_thread(read_attachment, path))

    @on(Attachments.Changed)
    def _files_changed(self) -> None:
        self.query_one(Prompt).may_send_nothing = bool(self.files)

    @on(Prompt.DetachWished)
    def _detach_wished(self, event: Prompt.DetachWished) -> None:
        event.stop()
        self.remove_last()

    @on(Prompt.Submitted)
    def _submitted(self, event: Prompt.Submitted) -> None:
        event.stop()
        if not self._furnished:
            self.post_message(self.Sent(event.text, ()))
        elif "@" in event.text or _MAYBE_PATH.match(event.text):
            self._resolve(event.text)
        else:
            self.post_message(self.Sent(event.text, self.query_one(Attachments).take()))

    @work(group="attach", exit_on_error=False)
    async def _resolve(self, text: str) -> None:
        """Attach what *text* names, then send it; text that is nothing but paths is not sent."""
        from flux_tui.session.files import mentioned, paths_in

        root = self._root()
        try:
            alone = await asyncio.to_thread(paths_in, text, root)
            await self._take(alone or await asyncio.to_thread(mentioned, text, root))
        except FluxError as problem:
            self.give_back(text)
            self.post_message(self.Trouble(str(problem)))
            return
        if not alone:
            self.post_message(self.Sent(text, self.query_one(Attachments).take()))

    @on(Prompt.Changed)
    @on(Prompt.SelectionChanged)
    def _typed(self) -> None:
        if not self._furnished:
            return
        prompt = self.query_one(Prompt)
        self._show_commands(prompt)
        wanted = prompt.mention
        if wanted is None or prompt.declined == wanted:
            self._listing = None if wanted is None else self._listing
            self.query_one(Menu).show(())
        else:
            self._offer(wanted)

    @work(exclusive=True, group="mention", exit_on_error=False)
    async def _offer(self, wanted: str) -> None:
        from flux_tui.session.files import list_files, rank

        # One walk serves a whole mention; the next mention sees the folder as it is then.
        if self._listing is None:
            self._listing = asyncio.create_task(asyncio.to_thread(list_files, self._root()))
        paths = await asyncio.shield(self._listing)
        found = await asyncio.to_thread(rank, paths, wanted)
        if self.query_one(Prompt).mention == wanted:
            self.query_one(Menu).show(found)

    @on(Prompt.Mentioned)
    def _mentioned(self, event: Prompt.Mentioned) -> None:
        event.stop()
        self._attach_all((self._root() / event.path,))

    def _show_commands(self, prompt: Prompt) -> None:
        commands = self.query_one("#commands", Plain)
        found = keymap.completions(prompt.text)
        prompt.completion = f"/{found[0].slash} " if found else ""
        commands.display = bool(found)
        parts: list[str | tuple[str, str]] = []
        for action in found[:_COMMANDS]:
            argument = f" [{action.argument}]" if action.argument else ""
            parts += ["\n" if parts else "", (f"/{action.slash}{argument}", "bold $accent")]
            parts += [f"  {action.help}"]
        more = len(found) - _COMMANDS
        parts += [(f"\n… {more} more; Tab takes the first", "dim")] if more > 0 else []
        commands.update(assemble(*parts))

"""Where a message is made: commands, the files that @ may mean, attached files, the text."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from flux_tui.core.errors import FluxError
from flux_tui.ui import keymap
from flux_tui.ui.render.labels import assemble, one_line
from flux_tui.ui.typed import Command, ShellLine, read
from flux_tui.ui.widgets.chips import Attachment, Attachments
from flux_tui.ui.widgets.completing import Offer, Wanted
from flux_tui.ui.widgets.menu import Menu
from flux_tui.ui.widgets.pastes import LARGEST
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from flux_tui.session.files import FileTree

_WAITING = 3  # messages that are shown of those that wait
_LOW = 20  # rows of a window; in a lower one only the next message is shown
_PAUSE = 0.03  # seconds without a key before a search begins
_GLANCE = 0.15  # seconds after which a list shows what was found so far
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
        self.models: Callable[[], Sequence[Offer]] | None = None  # that + may mean
        self.takes_shell_lines = False
        self._waiting: Sequence[str] = ()
        self._tree: FileTree | None = None  # the last one that was walked to the end
        self._walk: tuple[FileTree, asyncio.Task[None]] | None = None  # of the present word
        self._programs: asyncio.Task[tuple[str, ...]] | None = None
        self._paths: dict[int, Path] = {}  # where files are, by their hash: they may be large
        self._again: Sequence[Path] = ()  # files of a draft, on their way

    def compose(self) -> ComposeResult:
        """Yield what helps above, the text below."""
        if self._furnished:
            yield from self._help()
        yield Prompt(id="prompt")

    def _help(self) -> tuple[Plain, ...]:
        return Plain(id="waiting"), Menu(id="menu"), Attachments(id="attachments")

    def on_mount(self) -> None:
        """Let the text know its menu."""
        if self._furnished:
            self._connect()

    async def furnish(self) -> None:
        """Have what helps, and help with what was typed before."""
        await self.mount(*self._help(), before="#prompt")
        self._furnished = True
        self._connect()
        self.show_waiting(self._waiting)
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
        if files:
            self.query_one(Attachments).restore(files)

    def remove_last(self) -> Attachment | None:
        """Take the last file away, and return it."""
        return self.query_one(Attachments).remove_last() if self._furnished else None

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
            item = await asyncio.to_thread(read_attachment, path)
            self._paths[await asyncio.to_thread(hash, item)] = path
            self.query_one(Attachments).add(item)

    def expand_file(self) -> bool:
        """Put the text of the last attached file into the message instead; whether it has one."""
        from flux_tui.core.messages import Document

        last = self.files[-1] if self.files else None
        text = last.text if isinstance(last, Document) else ""
        if text:
            self.remove_last()
            prompt = self.query_one(Prompt)
            prompt.insert(text if len(text) <= LARGEST else prompt.pastes.shown(text))
        return bool(text)

    def paths_of(self, files: Iterable[Attachment]) -> tuple[Path, ...]:
        """Return where *files* lie that were attached here, and those that are being read again."""
        known = (self._paths.get(hash(item)) for item in files)
        return (*self._again, *(path for path in known if path is not None))

    def attach_again(self, paths: Sequence[Path]) -> None:
        """Attach the files of a draft, those that can still be; the first that cannot is told."""
        self._again = paths  # at once: who leaves before one is read must not lose them
        self._read_again(paths)

    @work(group="attach", exit_on_error=False)
    async def _read_again(self, paths: Sequence[Path]) -> None:
        troubles: list[str] = []
        for path in paths:
            try:
                await self._take((path,))
            except FluxError as problem:
                troubles.append(f"Of your draft, {problem}")
        self._again = ()
        if troubles:
            more = f" (and {len(troubles) - 1} more)" if len(troubles) > 1 else ""
            self.post_message(self.Trouble(troubles[0] + more))

    def put_away(self) -> tuple[Attachment, ...]:
        """Take the files away; none that is still being read comes to what is written next.

        While those of a draft are read, all of its files are left to be read again with it.
        """
        self.workers.cancel_group(self, "attach")
        again, self._again = self._again, ()
        files = self.query_one(Attachments).take()
        return () if again else files

    def show_waiting(self, texts: Sequence[str]) -> None:
        """Show the messages that wait for the answer, the next one first."""
        prompt = self.query_one(Prompt)
        prompt.others_wait = bool(texts)
        self._waiting = texts
        if not self._furnished:
            return
        rows = self.query_one("#waiting", Plain)
        rows.display = bool(texts)
        parts: list[str | tuple[str, str]] = []
        shown = _WAITING if self.screen.size.height >= _LOW else 1
        for number, text in enumerate(texts[:shown], 1):
            parts += ["\n" if parts else "", ("◷ ", "$warning"), (f"queued {number} ", "dim")]
            parts += [one_line(text, 200)]
        more = len(texts) - shown
        parts += [(f"  … {more} more", "dim")] if more > 0 else []
        rows.update(assemble(*parts))

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
        typed = read(event.text)
        shell = isinstance(typed, ShellLine) and self.takes_shell_lines
        if shell or not self._furnished:
            self.post_message(self.Sent(event.text, ()))
        elif isinstance(typed, Command) and not _MAYBE_PATH.match(event.text):
            self.post_message(self.Sent(event.text, self.query_one(Attachments).take()))
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
        word = prompt.wanted
        if word is None or word.kind not in {"file", "path"}:
            self._walk = None  # the next mention sees the folder as it is then
        if word is None or prompt.declined == word or prompt.recalling.among(prompt.text):
            self._offering(None)
        else:
            prompt.declined = None
            self._offering(word)

    def _offering(self, word: Wanted | None) -> None:
        """Offer what *word* may become."""
        menu = self.query_one(Menu)
        if word is None or word.kind in {"command", "model"}:
            self.workers.cancel_group(self, "offer")
        match word:
            case Wanted("command", text):
                menu.show(self.commands(text), word, more="commands; type more of the name")
            case Wanted("model", text, begin) if self.models is not None:
                found = _holding(self.models(), text)
                # A command does without: Enter lets one choose from the list of models.
                menu.show(found, word, more="models; type more of the name", willing=begin == 1)
            case Wanted("program") if self.takes_shell_lines:
                self._offer_programs(word)
            case Wanted("file") | Wanted("path"):
                self._offer_files(word)
            case _:
                menu.show(())

    def commands(self, text: str) -> list[Offer]:
        """Return the slash commands that begin with *text*."""
        return [
            Offer(f"{action.slash} " if action.argument else action.slash, _told(action))
            for action in keymap.completions(f"/{text}")
        ]

    @work(exclusive=True, group="offer", exit_on_error=False)
    async def _offer_programs(self, word: Wanted) -> None:
        from flux_tui.session.programs import list_programs

        if self._programs is None:
            self._programs = asyncio.create_task(asyncio.to_thread(list_programs, os.environ))
        names = await asyncio.shield(self._programs)
        prompt = self.query_one(Prompt)
        lines = dict.fromkeys(p[1:] for p in prompt.recalling.prompts if p.startswith("!"))
        found = [Offer(line, "earlier") for line in lines if line.startswith(word.text)][:20]
        if word.text:
            found += [Offer(name) for name in names if name.startswith(word.text)]
        if prompt.awaits(word):
            self.query_one(Menu).show(found, word, more="programs; type more of the name")

    @work(exclusive=True, group="offer", exit_on_error=False)
    async def _offer_files(self, word: Wanted) -> None:
        from flux_tui.session.files import FileTree

        # One walk serves a whole mention; until it is over, the last one serves too.
        if self._walk is None:
            tree = FileTree(self._root())
            self._walk = tree, asyncio.create_task(asyncio.to_thread(tree.fill))
        tree, walking = self._walk
        await asyncio.sleep(_PAUSE)  # who types on is not searched for in vain
        while True:
            done = tree.done or walking.done()
            known = self._tree if not done and self._tree is not None else tree
            found = await asyncio.to_thread(known.find, word.text)
            if not self.query_one(Prompt).awaits(word):
                return
            if found or done:
                willing = word.kind == "file"
                rows = [Offer(path) for path in found]
                more = f"best of {len(known):,} files"
                self.query_one(Menu).show(rows, word, more=more, willing=willing)
            if done:
                self._tree = tree
                return
            await asyncio.wait({walking}, timeout=_GLANCE)

    @on(Menu.Clicked)
    def _row_clicked(self, event: Menu.Clicked) -> None:
        event.stop()
        prompt = self.query_one(Prompt)
        prompt.take()
        prompt.focus()

    @on(Prompt.Taken)
    def _taken(self, event: Prompt.Taken) -> None:
        event.stop()
        if event.kind == "file":
            self._attach_all((self._root() / event.text,))


def _told(action: keymap.Action) -> str:
    return f"[{action.argument}] {action.help}" if action.argument else action.help


def _holding(offers: Sequence[Offer], text: str) -> list[Offer]:
    """Return the offers that hold *text*, those whose name begins with it first."""
    low = text.lower()
    found = [offer for offer in offers if low in offer.text.lower()]
    begin = [o for o in found if o.text.lower().rpartition("/")[2].startswith(low)]
    return [*begin, *(offer for offer in found if offer not in begin)]

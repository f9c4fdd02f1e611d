"""The programs that are measured, each started anew in a home of its own."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import string
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from bench.machine import Foreign, cpu_seconds
from bench.server import Server
from bench.terminal import Terminal
from flux_tui.core.messages import Message, Text, user_message
from flux_tui.core.models import ModelRef

PROBES = (
    "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюяΓΔΘΛΞΠΣΦΨΩαβγδεζηθλμξπρσφψω"
)
"""One-cell letters that occur nowhere else, so an echo is recognised in the raw output."""

IDS = itertools.product(string.ascii_letters, string.ascii_letters + string.digits)
"""Of the answers: two characters, for then the markers are one token each."""

FOUR = "/compare openai/mock-md openai-chat/mock-md anthropic/mock-md anthropic/claude-opus-5"

ASKED = "Ask all columns?"
"""On the screen when the first question to four models is to be confirmed."""


@dataclass(frozen=True)
class Subject:
    """A program under measurement."""

    name: str
    ready: str  # on the screen when it takes input
    module: str = "flux_tui"
    words: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()  # the words when four columns are wanted
    command: str = ""  # what to type to get four columns
    home: str = ""  # the folder to start with a copy of
    env: Mapping[str, str] = field(default_factory=dict)


OURS = "flux-tui"
STORED = "10,000 stored"
RESUMED = "10,000 resumed"
FLOOR = "minimal Textual"
TEXTUAL = "Textual Markdown"
PLAIN = "plain script"

_MODEL = ("--model", "openai/mock-md")
_READY = "Ask anything"

SUBJECTS = (
    Subject(OURS, _READY, words=_MODEL, columns=_MODEL, command=FOUR, home="new"),
    Subject(STORED, _READY, words=_MODEL, home="long"),
    Subject(RESUMED, _READY, words=(*_MODEL, "--continue"), home="long"),
    Subject(FLOOR, "ready to type", module="bench.floor"),
    Subject(TEXTUAL, "ready to type", module="bench.markdown", words=("1",), columns=("4",)),
    Subject(PLAIN, "ready to type", module="bench.plain"),
)


async def fill(path: Path, count: int) -> None:
    """Store a session of *count* messages."""
    from flux_tui.storage.sqlite import SqliteStore

    store = SqliteStore(path)
    session = await store.create(title="A long session")
    parent = None
    for index in range(count):
        if index % 2:
            message = Message(
                role="assistant",
                parts=(Text(f"Answer {index}.\n\n- one\n- two\n\n```python\nx = {index}\n```\n"),),
                model=ModelRef("openai", "mock-md"),
                stop="end",
                parent=parent,
            )
        else:
            message = replace(user_message(f"Question {index}"), parent=parent)
        await store.append(session, message)
        parent = message.id
    await store.aclose()


class Ground:
    """Where everything happens: the server, and the homes that the programs begin with."""

    def __init__(self, folder: Path, server: Server, messages: int) -> None:
        self.folder = folder
        self.server = server
        self.messages = messages

    def prepare(self) -> None:
        """Fill the homes, and start the program once in each: what only a first start does."""
        asyncio.run(fill(self.folder / "long" / "data" / "flux.db", self.messages))
        for subject in (item for item in SUBJECTS if item.home):
            home = self.folder / subject.home
            home.mkdir(exist_ok=True)
            with Session(self, subject, home=home) as session:
                session.ready()
                session.terminal.rest()

    def env(self, home: Path) -> dict[str, str]:
        """What a program is told: no key of the user's, and the server's address."""
        hidden = {name: "" for name in os.environ if name.endswith("_API_KEY")}
        url = self.server.url
        return hidden | {
            "FLUX_HOME": str(home),
            "OPENAI_BASE_URL": f"{url}/openai/v1",
            "OPENAI_API_KEY": "sk-simulator",
            "ANTHROPIC_BASE_URL": f"{url}/anthropic",
            "ANTHROPIC_API_KEY": "sk-simulator",
            "BENCH_URL": url,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "TEXTUAL_ANIMATIONS": "full",
        }


class Session:
    """One run of a subject, from its start until the context is left."""

    def __init__(
        self, ground: Ground, subject: Subject, *, four: bool = False, home: Path | None = None
    ) -> None:
        self.subject = subject
        self.server = ground.server
        self.four = four
        self.home = home or Path(tempfile.mkdtemp(dir=ground.folder)) / "home"
        if home is None and subject.home:
            shutil.copytree(ground.folder / subject.home, self.home)
        project = ground.folder / "project"
        project.mkdir(exist_ok=True)
        words = subject.columns if four else subject.words
        env = {**ground.env(self.home), **subject.env}
        self.terminal = Terminal(words, module=subject.module, env=env, cwd=project)
        self.foreign = Foreign((self.server.pid, self.terminal.pid))
        self._probes = iter(PROBES)
        self._typed = 0

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.terminal.__exit__(kind, problem, trace)

    def cpu(self) -> float:
        """CPU seconds so far."""
        return cpu_seconds(self.terminal.pid)

    def ready(self) -> None:
        """Wait until input is taken, and no more happens."""
        self.terminal.until(lambda text: self.subject.ready in text)
        self.terminal.rest()
        if self.four and self.subject.command:
            self.terminal.type(self.subject.command)
            self.terminal.rest()
            self.terminal.type("\r")
            self.terminal.until(lambda text: "to all columns" in text)
            self.terminal.rest()

    def write(self, tokens: int, rate: int, kind: str) -> str:
        """Type a prompt; returns the answer's id."""
        ident = "".join(next(IDS))
        self.erase()
        self.terminal.type(f"bench n={tokens} r={rate} k={kind} id={ident}")
        self.terminal.until(lambda text: f"id={ident}" in text, 20)
        return ident

    def enter(self) -> float:
        """Press Enter; when."""
        at = time.monotonic()
        self.terminal.type("\r")
        return at

    def turn(self, tokens: int, rate: int = 0, kind: str = "md") -> float:
        """A whole exchange; how long from Enter to its last word, seconds."""
        ident = self.write(tokens, rate, kind)
        begun = self.enter()
        columns, word = 4 if self.four else 1, f"omega{ident}"
        seconds = 20 + (tokens / rate if rate else 0)

        def answered(text: str) -> bool:
            return text.count(word) >= columns

        shown = self.terminal.until(lambda text: answered(text) or ASKED in text, seconds)
        if not answered(self.terminal.text):
            self.terminal.rest()  # a key that comes too soon after the question does not count
            self.terminal.type("y")
            shown = self.terminal.until(answered, seconds)
        return shown - begun

    def probe(self) -> tuple[float, bytes]:
        """Type a letter that was never typed before; when, and what to look for."""
        letter = next(self._probes)
        at = time.monotonic()
        self.terminal.type(letter)
        self._typed += 1
        return at, letter.encode()

    def echo(self, seconds: float = 5) -> float:
        """How long a key takes to appear, seconds; *seconds* when it did not."""
        terminal = self.terminal
        mark = len(terminal.output)
        at, letter = self.probe()
        while terminal.output.find(letter, mark) < 0:
            if time.monotonic() - at > seconds:
                return seconds
            terminal.read(0.001)
        return terminal.notes.chunks[-1][0] - at

    def erase(self) -> None:
        """Take back what the probes left in the input."""
        if not self._typed:
            return
        self.terminal.type("\x7f" * self._typed)
        self._typed = 0
        self.terminal.read(0.1)  # Textual may act on it after what is typed right behind it

"""The terminal and the server that measure: do they see what happens, and when?"""

import asyncio
import time
from pathlib import Path

import httpx2
import pytest

from bench.server import Server
from bench.terminal import Terminal

pytestmark = pytest.mark.terminal

TALKER = """
import sys, tty
tty.setraw(0)
def show(text):
    sys.stdout.write(text)
    sys.stdout.flush()
def key():
    return sys.stdin.buffer.raw.read(64).decode()
show("\\x1b[?2026$p\\x1b[?2048$pready")
answers = key()
while answers.count("$y") < 2:
    answers += key()
show("\\x1b[1;20H" + answers.replace("\\x1b", "E"))
for word in ("first", "second", "third"):
    key()
    show("\\x1b[2J\\x1b[H" + word)
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A program that shows the next word for every key."""
    (tmp_path / "talker.py").write_text(TALKER)
    return Terminal((), module="talker", env={}, cwd=tmp_path)


def read_until(terminal: Terminal, mark: bytes) -> float:
    """Take what comes up to *mark* without looking at the screen; when that was."""
    while mark not in terminal.output:
        assert terminal.read(0.05)
    return time.monotonic()


def test_a_screen_that_is_gone_again_is_dated_to_when_it_was(terminal: Terminal) -> None:
    with terminal:
        begun = time.monotonic()
        came = [read_until(terminal, b"2048;0$y")]
        for word in (b"first", b"second"):
            terminal.type("x")
            came.append(read_until(terminal, word))
        ready = terminal.until(lambda text: "ready" in text)
        first = terminal.until(lambda text: "first" in text)
        second = terminal.until(lambda text: "second" in text)
    assert begun < ready <= came[0] < first <= came[1] < second <= came[2]


def test_it_answers_what_a_program_asks_its_terminal(terminal: Terminal) -> None:
    with terminal:
        terminal.until(lambda text: "E[?2026;2$y" in text)


def test_what_never_shows_is_told_with_the_screen(terminal: Terminal) -> None:
    with terminal:
        terminal.until(lambda text: "ready" in text)
        with pytest.raises(TimeoutError, match="ready"):
            terminal.until(lambda text: "nothing of the kind" in text, 0.2)


async def ask(url: str, prompt: str) -> str:
    body = {"model": "mock-md", "stream": True, "messages": [{"role": "user", "content": prompt}]}
    headers = {"authorization": "Bearer sk-simulator"}
    async with httpx2.AsyncClient(timeout=60) as client:
        reply = await client.post(f"{url}/openai/v1/chat/completions", json=body, headers=headers)
        return reply.text


@pytest.mark.parametrize("order", ["r=0 k=md", "r=400 k=md", "r=0 k=first"])
def test_the_server_tells_when_an_answer_was_asked_begun_and_ended(
    order: str, tmp_path: Path
) -> None:
    with Server(tmp_path) as server:
        assert server.find("request", "ab") is None
        text = asyncio.run(ask(server.url, f"bench n=40 {order} id=ab"))
        times = [server.find(what, "ab") for what in ("request", "first", "last")]
        assert server.find("first", "ab", 2) is None
    request, first, last = times
    assert request is not None
    assert first is not None
    assert last is not None
    assert request <= first <= last
    assert "alphaab" in text
    wait = {"r=0 k=md": 0.0, "r=400 k=md": 0.09, "r=0 k=first": 0.6}[order]
    assert last - first >= wait

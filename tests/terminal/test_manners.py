"""How the program comes and goes: signals, suspend, crash, no terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal.program import Program

pytestmark = [pytest.mark.terminal, pytest.mark.slow]
DEMO = {"FLUX_SIM_SPEED": "80"}
ENDS = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGQUIT: 131}


def started(program: Program) -> Program:
    program.wait_for("Ready", "context")
    return program


def streaming(program: Program) -> str:
    """Ask for a long answer; returns once some of it is on the screen."""
    started(program)
    program.type("tell me a long story")
    program.press("enter")
    program.wait_for("Writing", "Compare plain")
    program.read(1)  # what is on the screen is stored within half a second
    return program.text


def last_message(folder: Path) -> dict[str, object]:
    words = [sys.executable, "-m", "flux_tui", "sessions", "export", "last", "--format", "json"]
    done = subprocess.run(
        words, check=True, cwd=folder, env=dict(os.environ), capture_output=True, timeout=60
    )
    return json.loads(done.stdout)["messages"][-1]


def test_it_starts_to_the_welcome_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with Program(("--demo",), cwd=tmp_path) as program:
        started(program)
        assert "simulator" in program.text
        assert "alternate screen" in program.disorder()

        program.press("ctrl+q")

        assert program.wait_exit() == 0
        assert program.disorder() == []


@pytest.mark.parametrize("number", ENDS, ids=lambda number: number.name)
def test_a_signal_ends_it_cleanly_and_the_partial_answer_is_kept(
    number: signal.Signals, tmp_path: Path
) -> None:
    with Program(("--demo",), env=DEMO, cwd=tmp_path) as program:
        streaming(program)

        program.signal(number)

        assert program.wait_exit() == ENDS[number]
        assert program.disorder() == []
    last = last_message(tmp_path)
    assert last["role"] == "assistant"
    assert last["stop"] in {"aborted", "interrupted"}
    assert "Compare plain" in json.dumps(last)


def test_a_lost_connection_ends_it_and_keeps_the_partial_answer(tmp_path: Path) -> None:
    with Program(("--demo",), env=DEMO, cwd=tmp_path) as program:
        streaming(program)

        program.hang_up()

        assert program.wait_exit() == ENDS[signal.SIGHUP]
    last = last_message(tmp_path)
    assert "Compare plain" in json.dumps(last)


def test_quitting_in_the_middle_of_an_answer_keeps_what_came(tmp_path: Path) -> None:
    with Program(("--demo",), env=DEMO, cwd=tmp_path) as program:
        streaming(program)

        program.press("ctrl+q")

        assert program.wait_exit() == 0
        assert program.disorder() == []
    assert last_message(tmp_path)["stop"] == "aborted"


def test_ctrl_z_gives_the_shell_back_and_fg_the_screen(tmp_path: Path) -> None:
    shell = ["bash", "--norc", "--noprofile", "-i"]
    with Program(argv=shell, env={**DEMO, "PS1": "shell$ "}, cwd=tmp_path) as program:
        program.wait_for("shell$")
        program.type(f"{sys.executable} -m flux_tui --demo\r")
        started(program)
        program.type("written before")
        program.wait_for("written before")

        program.press("ctrl+z")
        program.wait_for("Stopped", "shell$")
        # The shell that edits its next line needs these two for itself.
        assert set(program.disorder()) <= {"line settings", "bracketed paste"}
        program.type("fg\r")
        program.wait_for("written before", "Ready", "context")
        program.wait_for("Flux TUI", "Cost", "Tools")
        program.type(" and after")
        program.wait_for("written before and after")
        program.press("ctrl+q")
        program.wait_for("shell$")
        program.type("exit\r")

        assert program.wait_exit() == 0


BREAK = """
import sys
from flux_tui.ui.widgets.prompt import Prompt
{imports}
def broken(self, *args, **kwargs):
    hidden = "sk-" + "onlyalocal1234567890"
    raise RuntimeError("the reason, with sk-abcdefgh1234567890abcd inside")
{where} = broken
from flux_tui.cli import main
sys.exit(main(["--demo"]))
"""


@pytest.mark.parametrize(
    ("imports", "where", "trigger"),
    [
        ("", "Prompt._enter", "hello\r"),
        (
            "from flux_tui.ui.widgets.status_line import StatusLine",
            "StatusLine.paint",
            "",
        ),
        ("from flux_tui.ui.app import FluxApp", "FluxApp._watch_input", ""),
    ],
    ids=["key", "first paint", "timer"],
)
def test_a_crash_gives_the_terminal_back_and_a_report_without_secrets(
    imports: str, where: str, trigger: str, tmp_path: Path
) -> None:
    code = BREAK.format(imports=imports, where=where)
    with Program(argv=[sys.executable, "-c", code], cwd=tmp_path) as program:
        if trigger:
            started(program)
            program.type(trigger)

        assert program.wait_exit() == 70
        assert program.disorder() == []
        program.wait_for("internal error", "crash-")
        output = bytes(program.output)
    (report,) = Path(os.environ["FLUX_HOME"]).rglob("crash-*.txt")
    text = report.read_text()
    assert "RuntimeError" in text
    assert "broken" in text
    for secret in ("onlyalocal", "abcdefgh1234"):
        assert secret not in text
        assert secret.encode() not in output
    assert report.stat().st_mode & 0o077 == 0


BLOCK = """
import sys, time
from flux_tui.ui.widgets.prompt import Prompt
def blocked(self):
    sys.__stderr__.write("\\x1b]0;blocked\\x07")
    sys.__stderr__.flush()
    time.sleep(300)
Prompt._enter = blocked
from flux_tui.cli import main
sys.exit(main(["--demo"]))
"""


def test_a_signal_ends_even_a_program_that_hangs(tmp_path: Path) -> None:
    with Program(argv=[sys.executable, "-c", BLOCK], cwd=tmp_path) as program:
        started(program)
        program.type("x\r")
        while b"blocked" not in program.output:
            assert program.read(0.1)

        program.signal(signal.SIGTERM)

        assert program.wait_exit(40) == 143
        assert program.disorder() == []


@pytest.mark.parametrize("words", [[], ["--continue"]])
def test_without_a_terminal_it_says_so_in_one_sentence(words: list[str]) -> None:
    argv = [sys.executable, "-m", "flux_tui", *words]
    done = subprocess.run(
        argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert "terminal" in done.stderr
    assert len(done.stderr) < 250


def test_with_its_input_closed_it_says_so(tmp_path: Path) -> None:
    command = f"{sys.executable} -m flux_tui <&-"
    done = subprocess.run(
        ["sh", "-c", command], check=False, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, "needs a terminal" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_draw_is_refused(term: str, tmp_path: Path) -> None:
    with Program(("--demo",), env={"TERM": term}, cwd=tmp_path) as program:
        assert program.wait_exit() == 2
        assert b"\x1b" not in program.output
        assert "TERM" in program.text


def test_reset_terminal_repairs_what_a_killed_program_left(tmp_path: Path) -> None:
    command = f"{sys.executable} -m flux_tui"
    script = f"{command} --demo; {command} --reset-terminal; echo done"
    with Program(argv=["sh", "-c", script], cwd=tmp_path) as program:
        started(program)
        (child,) = children(program.pid)
        os.kill(child, signal.SIGKILL)

        assert program.wait_exit() == 0
        assert program.disorder() == []
        assert "done" in program.text


def children(pid: int) -> list[int]:
    """The processes that *pid* started; not every kernel has a list of these."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and parent(entry) == pid
    ]


def parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return 0

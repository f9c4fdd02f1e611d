"""The command line as a shell sees it."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from flux_tui import __version__
from flux_tui.cli import COMMANDS, INTERNAL_ERROR, main


def run(
    *words: str, stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flux_tui", *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(env or {})},
    )


def test_version_is_one_line_on_standard_output() -> None:
    result = run("--version")

    assert (result.returncode, result.stdout) == (0, f"flux-tui {__version__}\n")


def test_help_names_every_command() -> None:
    result = run("--help")

    assert result.returncode == 0
    assert [name for name in COMMANDS if f"\n    {name} " not in result.stdout] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str) -> None:
    result = run(name, "--help")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"usage: flux-tui {name}")


def test_without_a_terminal_one_sentence_and_status_2() -> None:
    result = run()

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert "needs a terminal" in result.stderr


def test_an_unknown_flag_is_refused_with_status_2() -> None:
    result = run("--no-such-flag")

    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_a_wrong_setting_names_variable_and_accepted_values() -> None:
    result = run("ask", "hello", env={"FLUX_EFFORT": "enormous"})

    assert (result.returncode, result.stdout) == (2, "")
    assert "FLUX_EFFORT" in result.stderr
    assert "medium" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_error_of_ours_is_one_sentence_without_its_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_args: object) -> int:
        raise ValueError("sk-ant-a-key-in-a-message")

    monkeypatch.setattr("flux_tui.commands.models.run", fail)

    assert main(["models"]) == INTERNAL_ERROR

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("flux-tui: internal error, ValueError at test_cli.py:")
    assert told.err.count("\n") == 1
    assert "sk-ant" not in told.err

"""The command line in a shell's hands: wrong words, closed and odd streams, endless pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from flux_tui.cli import COMMANDS
from tests.interrupting import interrupted

HEAVY = {
    *("textual", "rich", "anthropic", "openai", "httpx2", "pydantic"),
    *("tiktoken", "genai_prices", "dotenv", "asyncio"),
}
FAST = {"FLUX_DEMO": "1", "FLUX_SIM_SPEED": "100000"}


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
        env={**os.environ, **FAST, **(env or {})},
    )


def shell(line: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run *line* in bash; $F is the program."""
    program = f"{sys.executable} -m flux_tui"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'F="{program}"; {line}'],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **FAST, **(env or {})},
    )


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(option: str) -> None:
    script = (
        "import sys\n"
        "from flux_tui.cli import main\n"
        f"try: main([{option!r}])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )

    assert HEAVY & {name.partition(".")[0] for name in result.stderr.split()} == set()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--modle x", "there is no option --modle (did you mean '--model'?)"),
        ("modles", "'modles' is not one of"),
        ("modles", "did you mean 'models'?"),
        ("ask hi --jsn", "did you mean '--json'?"),
        ("sessions lst", "did you mean 'list'?"),
        ("convert --from flux --to anthropc", "did you mean 'anthropic'?"),
        ("--theme x models", "models has no option --theme"),
        ("ask hi --session a --continue", "not allowed with"),
        ("ask hi --max-cost lots", "no amount of US dollars"),
        ("ask hi --session nope", "there is no session 'nope'"),
        ("ask hi --continue", "there is no session yet"),
        ("--theme flux-drak", "--theme: 'flux-drak' is not one of"),
        ("--model nowhere/x", "there is no provider 'nowhere'"),
        ("ask hi -m nowhere/x", "there is no model 'nowhere/x'"),
        ("--model claude-opus-55", "did you mean 'claude-opus-5-5'"),
        ("--session nope", "there is no session 'nope'"),
        ("models --provider antropic", "anthropic"),
        ("cost --since yesterday", "write YYYY-MM-DD"),
    ],
)
def test_a_wrong_word_is_one_sentence_with_the_near_right_one(line: str, words: str) -> None:
    result = run(*line.split())

    told = [row for row in result.stderr.splitlines() if "simulator answers" not in row]
    assert (result.returncode, result.stdout) == (2, "")
    assert len(told) == 1
    assert words in told[0]


@pytest.mark.parametrize(
    "start", ["-m flux_tui", "-c 'from flux_tui.cli import main; exit(main())'"]
)
def test_a_wrong_setting_names_file_line_and_what_is_accepted(own_home: Path, start: str) -> None:
    folder = own_home / "flux"
    folder.mkdir()
    (folder / "config.toml").write_text('theme = "flux-dark"\neffort = "mega"\n', "utf-8")

    result = shell(f"{sys.executable} {start} models")

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert f"{folder / 'config.toml'}:2: effort: 'mega' is not one of off, minimal" in result.stderr


def test_the_name_of_a_command_may_be_the_value_of_an_option() -> None:
    result = run("--session", "cost", "ask", "hi")

    assert result.returncode == 2
    assert "there is no session 'cost'" in result.stderr


def test_a_pipe_beside_the_prompt_is_read_to_its_end() -> None:
    result = shell('(echo one; sleep 0.3; echo two) | $F ask "say" --stream-json')

    first = json.loads(result.stdout.splitlines()[0])
    assert result.returncode == 0
    assert first["message"]["parts"][0]["text"] == "say\n\none\ntwo"


@pytest.mark.slow
def test_an_inherited_pipe_that_never_ends_does_not_hold_up_a_prompt() -> None:
    reading, writing = os.pipe()
    try:
        result = subprocess.run(
            [sys.executable, "-m", "flux_tui", "ask", "hi"],
            stdin=reading,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, **FAST},
        )
    finally:
        os.close(reading)
        os.close(writing)

    assert (result.returncode, result.stdout != "") == (0, True)
    assert "nothing came through the pipe" in result.stderr


@pytest.mark.parametrize(
    "line", ["$F models | true", "$F models --json | head -c 1 >/dev/null", "$F ask hi | true"]
)
def test_a_reader_that_leaves_is_no_error(line: str) -> None:
    result = shell(line)

    assert result.returncode == 0
    assert "Broken" not in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("words", ["models", "ask hi", "cost --json"])
def test_a_full_disk_behind_the_output_is_one_sentence(words: str) -> None:
    result = shell(f"$F {words} >/dev/full")

    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "flux-tui: No space left on device"


def test_closed_streams_do_no_harm() -> None:
    assert shell("$F models >&-").returncode == 0
    assert shell("$F modles 2>&-").returncode == 2


@pytest.mark.parametrize(
    "words", ["compare --prompts - -m a/b --out x", "sessions import -", "check --for a/b"]
)
def test_a_closed_input_is_an_empty_one(words: str, tmp_path: Path) -> None:
    result = shell(f"cd {tmp_path} && $F {words} <&-")

    assert result.returncode == 2
    assert "standard input" in result.stderr


def test_a_terminal_of_few_letters_gets_escapes() -> None:
    result = run("ask", "show me emoji", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})

    assert result.returncode == 0
    assert "\\u65e5" in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_130_and_the_partial_answer_is_kept(
    number: signal.Signals, own_home: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "flux_tui", "ask", "long", "--stream-json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **FAST, "FLUX_SIM_SPEED": "20"},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "text_delta" in line:
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    result = json.loads(out.splitlines()[-1])
    assert process.returncode == 130
    assert (result["type"], result["stop"]) == ("result", "aborted")
    assert "interrupted; what had arrived of the answer is kept" in err
    shown = run("sessions", "show", "last")
    assert result["text"]
    assert result["text"][:20] in shown.stdout
    assert "stopped: aborted" in shown.stdout


@pytest.mark.parametrize(
    "line",
    [
        "compare hi -m openai/gpt-5.5 -m openai/gpt-5.4",
        "compare hi -m openai/gpt-5.5 --batch",
        "bench -m openai/gpt-5.5 --runs 1",
    ],
)
def test_a_warning_is_told_once(line: str) -> None:
    result = run(*line.split(), env={"ANTHROPIC_BASE_URL": "http://there.invalid"})

    warning = "environment variable ANTHROPIC_BASE_URL: base_url: keys and conversations go to"
    assert result.returncode == 0
    assert result.stderr.count(warning) == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("cost", "/data cannot be made (File exists)"),
        ("sessions list", "/data cannot be made (File exists)"),
        ("compare hi -m openai/gpt-5.5 --batch", "/data/batches for jobs cannot be made: Not a"),
    ],
)
def test_a_home_that_cannot_be_is_told_with_what_to_do(
    line: str, told: str, own_home: Path
) -> None:
    (own_home / "flux").mkdir()
    (own_home / "flux" / "data").write_text("no folder", "utf-8")

    result = run(*line.split())

    last = result.stderr.splitlines()[-1]
    assert (result.returncode, result.stdout) == (1, "")
    assert told in last
    assert "FLUX_HOME" in last


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["sessions", "import"],
        ["convert", "--from", "flux", "--to", "flux"],
        ["compare", "-m", "openai/gpt-5.5", "-m", "openai/gpt-5.4", "--prompts"],
    ],
)
def test_a_file_without_an_end_does_not_outlive_an_interrupt(
    words: list[str], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    process = subprocess.Popen(
        [sys.executable, "-m", "flux_tui", *words, str(tmp_path / "pipe")],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **FAST},
    )
    told = interrupted(process, tmp_path / "pipe", tries=30)

    assert (process.returncode, told) == (130, "")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_command_writes_control_characters_into_a_pipe(name: str, tmp_path: Path) -> None:
    words = {"ask": ["ask", "show me everything"], "simulate": ["simulate", "--help"]}
    words["convert"] = ["convert", "--help"]
    words["sessions"] = ["sessions", "list"]

    result = run(*words.get(name, [name]))

    assert not [char for char in result.stdout if ord(char) < 32 and char not in "\n\t"]
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("module", ["flux_tui.core.errors", "argparse", "flux_tui.headless"])
def test_an_interrupt_while_the_program_loads_is_130_without_a_word(module: str) -> None:
    script = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from flux_tui.cli import main\n"
        "raise SystemExit(main(['ask', 'hi']))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )

    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


@pytest.mark.parametrize(
    "words",
    [
        ["--\x1b[31mred"],
        ["--\udcff"],
        ["sessions", "show", "\x1b[31mred"],
        ["sessions", "show", "long-\udcff"],
        ["convert", "--from", "flux", "--to", "flux", "no\x1b[31msuch"],
        ["models", "--provider", "\x1b[31m"],
        ["ask", "hi", "-m", "openai/a\nb"],
        ["ask", "hi", "-m", "openai/\udcff"],
    ],
)
def test_words_that_are_no_text_are_refused_in_plain_letters(words: list[str]) -> None:
    result = run(*words)

    told = [row for row in result.stderr.splitlines() if "simulator answers" not in row]
    assert (result.returncode, result.stdout, len(told)) == (2, "", 1)
    assert all(letter.isprintable() for letter in told[0])


def test_a_search_for_what_is_no_text_finds_nothing() -> None:
    result = run("sessions", "search", "x\udcff")

    assert (result.returncode, result.stdout, result.stderr) == (0, "nothing found\n", "")

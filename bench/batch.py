"""2,000 prompts through the batch endpoints of two vendors, killed half way and resumed.

    python -m bench.batch [PROMPTS]

The simulator serves both vendors over loopback. The program is killed (SIGKILL) twice: as soon as
the first batch was handed in, and when half of the answers are on the disk. The same command then
goes on. Ends with status 1 unless every prompt was answered once by each model, no batch was handed
in twice, and the costs in the store are those of the answers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

MODELS = ("anthropic/claude-opus-5-5", "openai/gpt-5.5")


def main() -> int:
    prompts = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "flux_tui", "simulate", "--speed", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            return run(Path(folder), server, prompts)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def run(folder: Path, server: subprocess.Popen[str], prompts: int) -> int:
    assert server.stdout is not None
    lines = [server.stdout.readline().strip() for _ in range(5)]
    base = lines[1].partition("=")[2].removesuffix("/anthropic")
    env = {
        **{name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")},
        "FLUX_HOME": str(folder / "home"),
        "ANTHROPIC_API_KEY": "sk-simulated",
        "OPENAI_API_KEY": "sk-simulated",
        "ANTHROPIC_BASE_URL": f"{base}/anthropic",
        "OPENAI_BASE_URL": f"{base}/openai/v1",
    }
    asked, out = folder / "prompts.jsonl", folder / "answers.jsonl"
    asked.write_text("".join(f'{{"prompt": "What is {n} + 1?"}}\n' for n in range(prompts)))
    command = [sys.executable, "-m", "flux_tui", "compare", "--prompts", str(asked), "--batch"]
    command += ["--wait", "--out", str(out), "--json"]
    command += [word for model in MODELS for word in ("-m", model)]

    began = time.monotonic()
    killed_at = [
        kill_when(command, env, lambda: handed_in(base) >= 1),
        kill_when(command, env, lambda: lines_of(out) >= prompts),
    ]
    at_kill = lines_of(out)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    return report(out, env, base, prompts, at_kill, (*killed_at, took), done)


def kill_when(command: list[str], env: dict[str, str], reached: Callable[[], bool]) -> float:
    began = time.monotonic()
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not reached():
        if process.poll() is not None:
            raise SystemExit(f"it ended before it was killed, with status {process.returncode}")
        time.sleep(0.002)
    process.kill()
    process.wait(60)
    return time.monotonic() - began


def handed_in(base: str) -> int:
    return sum(len(listed(f"{base}{path}")) for path in PATHS)


PATHS = ("/anthropic/v1/messages/batches", "/openai/v1/batches")


def listed(url: str) -> list[object]:
    request = urllib.request.Request(url, headers={"x-api-key": "sk-simulated"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)["data"]


def lines_of(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def report(
    out: Path,
    env: dict[str, str],
    base: str,
    prompts: int,
    at_kill: int,
    times: tuple[float, ...],
    done: subprocess.CompletedProcess[str],
) -> int:
    records = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    times_answered = Counter((record["digest"], record["model"]) for record in records)
    good = sum(not record["error"] for record in records)
    spent = sum((Decimal(record["cost"]["usd"]) for record in records), Decimal(0))
    cost = subprocess.run(
        [sys.executable, "-m", "flux_tui", "cost", "--json"],
        env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = json.loads(cost.stdout)
    stored = sum((Decimal(row["cost"]["usd"]) for row in rows), Decimal(0))
    wanted = prompts * len(MODELS)
    batches = handed_in(base)
    print(f"prompts x models            {prompts:,} x {len(MODELS)} = {wanted:,}")
    print(f"killed after (s)            {times[0]:.1f} handing in, {times[1]:.1f} collecting")
    print(f"answers on disk when killed {at_kill:,}")
    print(f"resumed, status             {done.returncode}")
    print(f"answers, each once          {good:,} of {wanted:,}, twice: {len(records) - good}")
    print(f"most often answered         {max(times_answered.values())}")
    print(f"batches handed in           {batches} (as few as there are models: {len(MODELS)})")
    print(f"cost in answers / in store  ${spent} / ${stored} at half price")
    print(f"requests counted in store   {sum(row['requests'] for row in rows):,}")
    print(f"seconds altogether          {times[2]:.1f}")
    fine = (
        done.returncode == 0
        and len(records) == good == len(times_answered) == wanted
        and batches == len(MODELS)
        and spent == stored
        and 0 < at_kill < wanted
    )
    if not fine:
        print(done.stderr[-2_000:])
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""`make bench`: start, streaming, echo and memory, ours beside others in turn, in one run.

The floor is a minimal Textual application; `Textual Markdown` one with that library's own stream
of Markdown and a widget a message; the plain script prints. All get their answers from the
simulator in another process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.machine import preferred
from bench.scenarios import Scenario, scenarios
from bench.server import Server
from bench.subjects import SUBJECTS, Ground, Subject
from bench.table import medians, table

NOISY = 0.4  # cores


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--only", action="append", metavar="NAME", help="only this scenario")
    parser.add_argument("--runs", type=int, default=1, help="of every scenario (default 1)")
    parser.add_argument("--ours", action="store_true", help="leave the others out")
    parser.add_argument("--quick", action="store_true", help="a short history, one run each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run to this file")
    return parser.parse_args()


def wanted(scenario: Scenario, args: argparse.Namespace) -> list[Subject]:
    """The subjects to measure, in the order of the columns."""
    subjects = [item for item in SUBJECTS if item.name in scenario.subjects]
    return [item for item in subjects if item.module == "flux_tui" or not args.ours]


def run(scenario: Scenario, ground: Ground, args: argparse.Namespace) -> dict[str, list]:
    """Measure all subjects of *scenario* in turn, as often as wanted."""
    subjects = wanted(scenario, args)
    found: dict[str, list] = {item.name: [] for item in subjects}
    for _ in range(1 if args.quick else args.runs * scenario.runs):
        for subject in subjects:
            sys.stderr.write(f"\r{scenario.name}: {subject.name} ...\x1b[K")
            try:
                found[subject.name].append(scenario.measure(ground, subject))
            except TimeoutError as problem:
                sys.stderr.write(f"\r{scenario.name}: {subject.name} FAILED: {problem}\n")
    sys.stderr.write("\r\x1b[K")
    return {name: runs for name, runs in found.items() if runs}


def main() -> int:
    """Measure and print; 1 when a measurement failed, 2 when there is no such scenario."""
    args = arguments()
    chosen = scenarios(30 if args.quick else 200)
    names = [scenario.name for scenario in chosen]
    if unknown := [name for name in args.only or () if name not in names]:
        sys.stderr.write(f"no scenario is called {unknown[0]}; there are: {', '.join(names)}\n")
        return 2
    subprocess.run([sys.executable, "-m", "compileall", "-q", "bench", "flux_tui"], check=True)
    results: dict[str, dict[str, list]] = {}
    begun, failed = time.monotonic(), False
    with preferred(), tempfile.TemporaryDirectory() as name, Server(Path(name)) as server:
        ground = Ground(Path(name), server, 1_000 if args.quick else 10_000)
        ground.prepare()
        for scenario in chosen:
            if args.only and scenario.name not in args.only:
                continue
            found = results[scenario.name] = run(scenario, ground, args)
            by_subject = {subject: medians(runs) for subject, runs in found.items()}
            failed = failed or len(found) < len(wanted(scenario, args))
            noise = max((values["foreign"] for values in by_subject.values()), default=0)
            noisy = f"; NOISY: others used up to {noise:.1f} cores" if noise > NOISY else ""
            print(f"\n{scenario.name}: {scenario.title}{noisy}")
            print(table(scenario.name, by_subject), flush=True)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))
    print(f"\n{time.monotonic() - begun:.0f} s altogether")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""`make screenshots`: draw the story, and other sizes and themes, from the real program."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from screenshots.comparing import comparisons
from screenshots.draw import save_png
from tests.terminal.program import Program
from tests.terminal.simulation import environment, simulator
from tests.terminal.story import Story

HERE = Path(__file__).parent
README_PICTURE = "09-back-at-anthropic"
_FOREIGN = ("FLUX_", "ANTHROPIC_", "OPENAI_", "NO_COLOR", "XDG_")


def looks(folder: Path, env: dict[str, str]) -> Iterator[tuple[str, Program]]:
    """Give the last screen of the story again, in other sizes and themes."""
    views = (
        ("14-light", (120, 40), "flux-light"),
        ("15-ansi", (120, 40), "flux-ansi"),
        ("16-wide", (200, 50), "flux-dark"),
        ("17-80x24", (80, 24), "flux-dark"),
        ("18-80x24-light", (80, 24), "flux-light"),
        ("19-40x12", (40, 12), "flux-dark"),
    )
    for name, size, theme in views:
        words = ("--continue", "--theme", theme)
        with Program(words, size=size, env=env, cwd=folder) as program:
            program.wait_for("Ready", " tok ")
            yield name, program
    with Program(("--continue",), size=(80, 24), env=env, cwd=folder) as program:
        program.wait_for("Ready", "message 6 of our")
        program.type("run echo hello")
        program.press("enter")
        program.wait_for("Allow run_shell?")
        yield "20-80x24-approval", program
        program.press("esc")
        program.wait_for("Allow", gone=True)
        program.press("f1")
        program.wait_for("Help")
        yield "21-80x24-help", program


def switches(folder: Path, env: dict[str, str]) -> Iterator[tuple[str, Program]]:
    """Show what is told before and after a change of model, and the request itself."""
    Image.effect_noise((1200, 800), 60).save(folder / "photo.png")
    env = {**env, "FLUX_HOME": f"{env['FLUX_HOME']}-demo", "FLUX_SIM_SPEED": "20"}
    with Program(("--demo",), size=(120, 40), env=env, cwd=folder) as program:
        program.wait_for("Ready", "context")
        program.type("what do you see on @pho")
        program.wait_for("▸ photo.png")
        program.press("tab")
        program.wait_for("1200×800")
        yield "22-attached", program
        program.press("enter")
        program.wait_for("I received 1 attachment", " tok ", "Ready")
        program.press("f2")
        program.wait_for("Model of the next message")
        program.type("devstral")
        program.wait_for("mistral/devstral", "fits", "Dropped")
        yield "23-picker-preflight", program
        program.press("enter")
        program.wait_for("read this conversation?", "1 image")
        yield "24-consent", program
        program.read(0.6)
        program.press("y")
        program.wait_for("→ mistral/devstral")
        yield "25-lossy-switch", program
        program.type("and which colours?")
        program.press("f10")
        program.wait_for("POST", "$MISTRAL_API_KEY", "[image omitted: photo.png")
        yield "26-inspector", program
        program.press("esc", "ctrl+q")
        program.wait_exit()
    for name, size in (("27-80x24-preflight", (80, 24)), ("28-40x12-preflight", (40, 12))):
        with Program(("--continue", "--demo"), size=size, env=env, cwd=folder) as program:
            program.wait_for("Ready", " tok ")
            program.press("f2")
            program.wait_for("Model of the next")
            program.type("devstral")
            program.wait_for("devstral")
            if size[0] == 40:
                program.press("tab")
            program.wait_for("fits")
            yield name, program


def main() -> None:
    """Make the pictures anew, in a home of their own."""
    parser = argparse.ArgumentParser(prog="python -m screenshots")
    parser.add_argument("--to", type=Path, default=HERE, help="folder of the pictures")
    args = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as home, simulator(50) as port:
        folder = Path(home) / "notes"
        folder.mkdir()
        env = {**environment(port, Path(home) / "flux"), "HOME": home}
        story = Story(folder, env)
        told = (story.steps(), story.after(), looks(folder, env), switches(folder, env))
        for steps in (*told, comparisons(folder, env)):
            for name, program in steps:
                program.read(0.5)
                _draw(program, args.to / f"{name}.png")
                if name == README_PICTURE:
                    _draw(program, args.to / "chat.png")
                print(name)


def _draw(program: Program, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_png(program.screen, path)


if __name__ == "__main__":
    main()

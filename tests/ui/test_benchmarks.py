"""The screen of what was measured: by key, command and palette, at any size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from flux_tui.session.bench_history import METRICS
from flux_tui.session.measure import HISTORY_NAME
from flux_tui.ui.screens.benchmarks import BenchmarksScreen, benchmarks_text
from tests.session.test_bench_history import row
from tests.ui.driving import Chat, chatting, wait_until

LONG = "compatible-server/a-model-with-a-very-long-name-indeed-2026-11"


def write_history(home: Path) -> None:
    rows = [row("openai/gpt-5.5", day, 300 + 20 * day) for day in range(1, 15)]
    rows += [row("anthropic/claude-opus-5-5", day, 700 - 20 * day) for day in range(1, 15)]
    rows += [row(LONG, 3, 90, prompt="Count \x1b[31mto ten."), row("openai/gpt-5.5", 4, 250)]
    rows.append(row("openai/gpt-5.4", 5, 1, failed=4, first_token_ms=None))
    path = home / "flux" / "data" / HISTORY_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(one)}\n" for one in rows), "utf-8")


async def opened(chat: Chat) -> BenchmarksScreen:
    screen = await chat.dialog(BenchmarksScreen)
    await wait_until(lambda: chat.text("#benchmarks-text"))
    return screen


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12)])
async def test_models_stand_with_figures_and_plots_at_every_size(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    write_history(tmp_path)
    async with chatting(tmp_path, size) as chat:
        await chat.press("alt+g")
        screen = await opened(chat)

        await wait_until(lambda: "claude-opus-5-5" in chat.text("#benchmarks-text"))
        text = chat.text("#benchmarks-text")
        width = screen.query_one("#benchmarks-text").content_size.width
        assert max(map(cell_len, text.splitlines())) <= width, text
        assert "0.58 s" in text  # the newest of openai/gpt-5.5
        assert "openai/gpt-5.4: 0 of 4 answered" in text
        assert "█" in text
        assert "2026-11-01 to 11-14" in text
        await chat.press("escape")


async def test_keys_change_metric_and_prompt(tmp_path: Path) -> None:
    write_history(tmp_path)
    async with chatting(tmp_path) as chat:
        await chat.send("/bench")
        await opened(chat)
        await wait_until(lambda: "First token" in chat.text("#benchmarks-text"))

        await chat.press("m")
        await wait_until(lambda: "Tokens per second" in chat.text("#benchmarks-text"))
        await chat.press("m", "m", "m", "p")
        text = chat.text("#benchmarks-text")
        assert "Count to ten." in text
        assert "\x1b" not in text
        assert "gpt-5.5" not in text
        assert "0.09 s" in text


async def test_nothing_measured_says_how_to_begin_and_is_read_again(tmp_path: Path) -> None:
    async with chatting(tmp_path, (40, 12)) as chat:
        await chat.press("alt+g")
        await opened(chat)
        await wait_until(lambda: "flux-tui bench -m P/M" in chat.text("#benchmarks-text"))
        write_history(tmp_path)

        await chat.press("r")

        await wait_until(lambda: "gpt-5.5" in chat.text("#benchmarks-text"))


def test_a_measurement_of_yesterday_is_no_newer_than_its_date() -> None:
    rows = [row("a/x", 2, 100), row("a/x", 1, 400)]

    text = str(benchmarks_text(rows, METRICS[0], "Why?", width=76, rows=2))

    assert "0.10 s" in text.splitlines()[4]

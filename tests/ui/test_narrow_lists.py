"""Rows of the model lists in narrow windows: nothing of them is cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.widgets import OptionList

from flux_tui.ui.screens.compare_picker import ComparePicker
from flux_tui.ui.screens.model_picker import ModelPicker
from tests.ui.driving import chatting


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40)])
@pytest.mark.parametrize(("key", "kind"), [("f2", ModelPicker), ("f6", ComparePicker)])
async def test_a_row_fits_the_list_and_tells_the_window(
    tmp_path: Path, size: tuple[int, int], key: str, kind: type[ModelPicker | ComparePicker]
) -> None:
    async with chatting(tmp_path, size=size) as chat:
        await chat.press(key)
        found = (await chat.dialog(kind)).query_one(OptionList)
        await chat.pilot.pause()

        rows = [str(option.prompt) for option in found.options if not option.disabled]

        assert len(rows) > 10
        assert max(map(cell_len, rows)) <= found.scrollable_content_region.width
        assert all(any(unit in row for unit in ("1M", "k", ".05M", "?")) for row in rows)

"""The pages of keys: their words are broken where they are, and not once more by the dialog."""

from __future__ import annotations

from pathlib import Path

import pytest

from flux_tui.ui.screens.listing import TextScreen
from flux_tui.ui.widgets.plain import Plain
from tests.ui.comparing import comparing
from tests.ui.driving import Chat, chatting

SIZES = ((40, 12), (80, 24), (120, 40), (200, 50))


async def lines_fit(chat: Chat) -> bool:
    await chat.press("f1")
    text = (await chat.dialog(TextScreen)).query(Plain).first()
    return text.size.height == str(text.content).count("\n") + 1


@pytest.mark.parametrize("size", SIZES)
async def test_the_help_of_the_chat_fits_its_dialog(tmp_path: Path, size: tuple[int, int]) -> None:
    async with chatting(tmp_path, size=size) as chat:
        assert await lines_fit(chat)


@pytest.mark.parametrize("size", SIZES)
async def test_the_help_of_the_split_view_fits_its_dialog(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with comparing(tmp_path, size=size) as view:
        assert await lines_fit(view.chat)

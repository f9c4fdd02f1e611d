"""The order in which the user has arranged the columns."""

from __future__ import annotations

from pathlib import Path

from tests.ui.comparing import MODELS, comparing, reopened
from tests.ui.driving import wait_until


async def test_columns_stand_after_a_restart_as_they_were_arranged(tmp_path: Path) -> None:
    async with comparing(tmp_path, MODELS) as view:
        await view.say("hello")
        before = [pane.column.author for pane in view.panes]
        await view.press("alt+1", "alt+right", "alt+right")
        arranged = [pane.column.author for pane in view.screen.panes]
        assert arranged == [*before[1:], before[0]]
        answers = {pane.column.author: pane.answer() for pane in view.panes}
        await wait_until(lambda: all(w.is_finished for w in view.screen.workers))
        session = view.screen.comparison.base.id

    async with reopened(tmp_path, session) as view:
        assert [pane.column.author for pane in view.panes] == arranged
        assert {pane.column.author: pane.answer() for pane in view.panes} == answers
        assert [pane.letter for pane in view.panes] == ["A", "B", "C"]

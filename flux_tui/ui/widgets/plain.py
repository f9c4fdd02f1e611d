"""Text and buttons that never read markup: the only way the screens show a line of text."""

from __future__ import annotations

from typing import Literal

from textual import events
from textual.content import Content
from textual.message import Message
from textual.visual import VisualType
from textual.widgets import Button, Static


class Plain(Static):
    """A `Static` whose text is taken as it is."""

    def __init__(
        self,
        text: str | Content = "",
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(text, id=id, classes=classes, markup=False)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show *content*; what is shown already is neither laid out nor painted again."""
        if not _same(self.content, content):
            super().update(content, layout=layout)
            if layout:
                # Textual 8.2.8 counts once until the widget is idle, and keeps heights by the
                # count: a layout between two updates would leave the first one's.
                self._layout_updates += 1


class ActionText(Plain):
    """Text that does an action of the keymap when it is clicked."""

    class Clicked(Message):
        """The user wants *action_id*."""

        def __init__(self, action_id: str) -> None:
            super().__init__()
            self.action_id = action_id

    def __init__(
        self,
        action_id: str,
        text: str | Content = "",
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(text, id=id, classes=classes)
        self.action_id = action_id

    def on_click(self, event: events.Click) -> None:
        """Tell the screen."""
        event.stop()
        self.post_message(self.Clicked(self.action_id))


class PlainButton(Button):
    """A `Button` whose label is taken as it is."""

    def __init__(
        self,
        label: str,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        variant: Literal["default", "success", "error"] = "default",
    ) -> None:
        super().__init__(Content(label), id=id, variant=variant)


def _same(before: VisualType, now: VisualType) -> bool:
    if isinstance(before, Content) and isinstance(now, Content):
        return before.is_same(now)
    return isinstance(before, str) and before == now

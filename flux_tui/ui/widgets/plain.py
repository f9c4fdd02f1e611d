"""Text and buttons that never read markup: the only way the screens show a line of text."""

from __future__ import annotations

from typing import Literal

from textual.content import Content
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

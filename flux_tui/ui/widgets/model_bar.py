"""The header: title, model, effort, context meter, cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from flux_tui.ui.render.labels import assemble, money_sum, one_line, plain
from flux_tui.ui.widgets.fitting import Forms, fitted
from flux_tui.ui.widgets.plain import ActionText, Plain

if TYPE_CHECKING:
    from flux_tui.core.models import Effort, ModelInfo
    from flux_tui.core.usage import Cost
    from flux_tui.session.meter import ContextUse

_METER = 8
_TITLE = 14
"""Cells below which a title says nothing."""

_GAP = 2
_NOTHING = Content("")
_STEPS = (
    *("brand", "context", "effort", "effort", "title", "model", "cost", "context"),
    *("model", "demo", "context"),
)
"""What gets shorter, or goes, as the window gets narrower: model and cost stay longest."""


class ModelBar(Horizontal):
    """Shows what is known of the session in one line, in whole pieces at any width."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._title = ""
        self._whole = False
        self._painted: dict[str, Content] = {}
        self._pieces: dict[str, Forms] = {
            "brand": (plain("◆ Flux"), _NOTHING),
            "demo": (_NOTHING,),
            "kept": (_NOTHING,),
            "title": (plain(" " * _TITLE), _NOTHING),
            "model": (_NOTHING,),
            "effort": (_NOTHING,),
            "context": (_NOTHING,),
            "cost": (_NOTHING,),
        }

    def compose(self) -> ComposeResult:
        """Yield what is shown before there is a session."""
        yield Plain(self._pieces["brand"][0], id="bar-brand")

    async def furnish(self) -> None:
        """Have all pieces, from left to right."""
        await self.mount(
            Plain(id="bar-demo"),
            Plain(id="bar-kept"),
            ActionText("session.rename", id="bar-title"),
            ActionText("model.pick", id="bar-model"),
            ActionText("model.effort", id="bar-effort"),
            ActionText("pane.cost", id="bar-context"),
            ActionText("pane.cost", id="bar-cost"),
        )
        self._whole = True

    def show_title(self, title: str, *, demo: bool) -> None:
        """Show the session's title, and that nothing is real in the demo."""
        self._title = one_line(title or "New session", 200)
        self._pieces["demo"] = (plain(" DEMO "), _NOTHING) if demo else (_NOTHING,)

    def show_kept(self, *, saved: bool, read_only: bool) -> None:
        """Show, at any width, when what is said here does not reach the disk."""
        words = " READ ONLY " if read_only else "" if saved else " NOT SAVED "
        self._pieces["kept"] = (plain(words),)

    def show_model(self, model: ModelInfo, effort: Effort | None) -> None:
        """Show the model of the next message and how hard it thinks."""
        full, short = str(model.ref), model.ref.name
        self._pieces["model"] = tuple(
            assemble((one_line(name, limit), "bold"), " ▾")
            for name, limit in ((full, 48), (short, 30), (short, 18))
        )
        level = model.snap_effort(effort) or ("auto" if model.efforts else "")
        words = (f"effort {level}", level) if level else ("", "")
        self._pieces["effort"] = (*map(plain, words), _NOTHING)

    def show_use(self, use: ContextUse, cost: Cost) -> None:
        """Show how full the window is and what the session cost."""
        from flux_tui.session.switch import short_count

        about = "≈" if use.estimated else ""
        tokens = f"{about}{short_count(use.tokens)}"
        share = use.share
        if share is None or use.window is None:
            forms = (plain(f"{tokens} tokens"), plain(tokens), _NOTHING)
        else:
            full = min(_METER, round(share * _METER))
            style = "$error" if share > 0.9 else "$warning" if share > 0.7 else "$success"
            bar = ("▰" * full, style), ("▱" * (_METER - full), "dim")
            window = f"{tokens}/{short_count(use.window)}"
            forms = (
                assemble(*bar, f" {window}"),
                plain(window),
                plain(f"{about}{share:.0%}", style),
                _NOTHING,
            )
        self._pieces["context"] = forms
        amount = money_sum(cost)
        self._pieces["cost"] = plain(amount), plain(amount.replace(" simulated", " sim"))
        self._lay_out()

    def on_resize(self, event: events.Resize) -> None:
        """Leave out what no longer fits."""
        del event
        self._lay_out()

    def _lay_out(self) -> None:
        if not self._whole:
            return
        # One cell is the least of the empty title.
        line = fitted(self._pieces, _STEPS, self.size.width - 1, _GAP)
        has_title = bool(line["title"])
        for name, content in line.items():
            text = plain(self._title if has_title else "") if name == "title" else content
            before = self._painted.get(name)
            if before is not None and before.is_same(text):
                continue
            self._painted[name] = text
            piece = self.query_one(f"#bar-{name}", Plain)
            # Without a title its empty space stays, so that the model does not jump to the left.
            piece.display = name == "title" or bool(content)
            piece.set_class(not content, "-empty")
            piece.update(text)

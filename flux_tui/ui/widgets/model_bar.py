"""The header: title, model, effort, context meter, cost."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from flux_tui.core.models import Effort, ModelInfo
from flux_tui.core.usage import Cost
from flux_tui.session.meter import ContextUse
from flux_tui.session.switch import short_count
from flux_tui.ui.render.labels import assemble, money, one_line, plain
from flux_tui.ui.widgets.plain import Plain

_METER = 8


class ModelButton(Plain):
    """The model's name; a click opens the list."""

    class Clicked(Message):
        """The user wants another model."""

    def on_click(self, event: events.Click) -> None:
        """Tell the screen."""
        event.stop()
        self.post_message(self.Clicked())


class ModelBar(Horizontal):
    """Shows what is known of the session in one line; narrow screens see less of it."""

    def compose(self) -> ComposeResult:
        """Yield the pieces from left to right."""
        yield Plain("◆ Flux", id="bar-brand")
        yield Plain("DEMO", id="bar-demo")
        yield Plain("New session", id="bar-title")
        yield ModelButton("", id="bar-model")
        yield Plain("", id="bar-effort")
        yield Plain("", id="bar-context")
        yield Plain("", id="bar-cost")

    def show_title(self, title: str, *, demo: bool) -> None:
        """Show the session's title."""
        self.query_one("#bar-title", Plain).update(plain(one_line(title or "New session", 200)))
        self.query_one("#bar-demo", Plain).display = demo

    def show_model(self, model: ModelInfo, effort: Effort | None) -> None:
        """Show the model of the next message and how hard it thinks."""
        name = one_line(str(model.ref), 60)
        self.query_one("#bar-model", Plain).update(assemble((name, "bold"), " ▾"))
        snapped = model.snap_effort(effort)
        words = f"effort {snapped}" if snapped else ("effort auto" if model.efforts else "")
        self.query_one("#bar-effort", Plain).update(plain(words))

    def show_use(self, use: ContextUse, cost: Cost) -> None:
        """Show how full the window is and what the session cost."""
        about = "≈" if use.estimated else ""
        tokens = f"{about}{short_count(use.tokens)}"
        share = use.share
        if share is None or use.window is None:
            meter = plain(f"{tokens} tokens")
        else:
            full = min(_METER, round(share * _METER))
            style = "$error" if share > 0.9 else "$warning" if share > 0.7 else "$success"
            bar = ("▰" * full, style), ("▱" * (_METER - full), "dim")
            meter = assemble(*bar, f" {tokens}/{short_count(use.window)}")
        self.query_one("#bar-context", Plain).update(meter)
        self.query_one("#bar-cost", Plain).update(plain(money(cost)))

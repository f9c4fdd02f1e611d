"""What an empty chat shows: how to begin, where a key goes, what the start had to tell."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from flux_tui.core.sanitize import one_line
from flux_tui.ui.render.labels import assemble
from flux_tui.ui.widgets.plain import Plain

_LOW = 14
"""Rows below which only the essential lines are shown."""

_Parts = list[str | tuple[str, str]]


class Welcome(VerticalScroll, can_focus=False):
    """The first screen; shorter where there is little room."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._demo = False
        self._notices: tuple[str, ...] = ()
        self._keys: tuple[tuple[str, str], ...] = ()
        self._servers: tuple[str, ...] = ()
        self._ready = False

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield Plain(id="welcome-text")

    def show(self, *, demo: bool, notices: Sequence[str], keys: Sequence[tuple[str, str]]) -> None:
        """Show the text; *notices* are sentences of the start, *keys* the keys to know first."""
        self._demo, self._notices, self._keys = demo, tuple(notices), tuple(keys)
        self._ready = True
        self._write()

    def offer(self, servers: Sequence[str]) -> None:
        """Offer model servers that answer on this machine: a line about each."""
        self._servers = tuple(servers)
        self._write()

    def on_resize(self, event: events.Resize) -> None:
        """Say less where there is less room."""
        del event
        self._write()

    def _write(self) -> None:
        if self._ready:
            text = self._brief() if self.size.height < _LOW else self._full()
            self.query_one("#welcome-text", Plain).update(text)

    def _full(self) -> Content:
        parts: _Parts = [
            ("◆ Flux TUI\n", "bold $primary"),
            ("One conversation, any model of any vendor.\n\n", "dim"),
        ]
        parts += [(f"▲ {notice}\n", "$warning") for notice in self._notices]
        if self._notices:
            parts.append("\n")
        if self._demo:
            from flux_tui.core.vendors import PROVIDERS

            names = dict.fromkeys(spec.key_names[0] for spec in PROVIDERS.values())
            parts += [
                "To talk to a real model, set one of these and start again:\n",
                (" · ".join(names), "$accent"),
                ("\nin the environment, or in a file .env of this folder\n\n", "dim"),
            ]
        if self._servers:
            parts.append("No key is needed for what answers on this machine:\n")
            parts += [(f"  {one_line(server, 70)}\n", "$accent") for server in self._servers]
            parts.append("\n")
        parts += ["Type a first message below, for instance\n"]
        parts += [("  What can you do?\n\n", "bold")]
        for at, (key, words) in enumerate(self._keys):
            end = "\n" if at % 2 else ""
            parts += [(f"  {key:<8}", "bold $accent"), f"{words:<20}{end}"]
        return assemble(*parts)

    def _brief(self) -> Content:
        parts: _Parts = [("◆ Flux TUI\n", "bold $primary")]
        parts += [(f"▲ {notice}\n", "$warning") for notice in self._notices]
        parts += [(f"{one_line(server, 60)}\n", "$accent") for server in self._servers[:1]]
        parts += ["Type a message below.\n"]
        for key, words in self._keys[:3]:
            parts += [(key, "bold $accent"), f" {words}  "]
        return assemble(*parts)

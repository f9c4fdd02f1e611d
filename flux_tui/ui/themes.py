"""Our own themes, beside those that Textual brings."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="flux-dark",
    primary="#7aa2f7",
    secondary="#bb9af7",
    accent="#7dcfff",
    warning="#e0af68",
    error="#f7768e",
    success="#9ece6a",
    foreground="#c8d0f0",
    background="#14161f",
    surface="#1a1d29",
    panel="#242838",
    dark=True,
    variables={
        "border": "#3b4261",
        "border-blurred": "#2b3046",
        "footer-key-foreground": "#7dcfff",
    },
)
LIGHT = Theme(
    name="flux-light",
    primary="#2e5bd0",
    secondary="#7847bd",
    accent="#00708f",
    warning="#8f5e15",
    error="#c0334d",
    success="#3d7a1a",
    foreground="#23283b",
    background="#fbfbfd",
    surface="#f2f3f8",
    panel="#e4e6ef",
    dark=False,
    variables={
        "border": "#b4b9cc",
        "border-blurred": "#d2d5e2",
        "footer-key-foreground": "#2e5bd0",
    },
)
ANSI = Theme(
    name="flux-ansi",
    primary="ansi_blue",
    secondary="ansi_magenta",
    accent="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    ansi=True,
    variables={"border": "ansi_bright_black", "border-blurred": "ansi_bright_black"},
)

OWN: tuple[Theme, ...] = (DARK, LIGHT, ANSI)
DEFAULT = "flux-dark"

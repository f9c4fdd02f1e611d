"""Our own themes, beside those that Textual brings."""

from __future__ import annotations

from textual.theme import BUILTIN_THEMES, Theme

from flux_tui.core.near import did_you_mean


def _scrollbar(track: str, thumb: str, touched: str) -> dict[str, str]:
    return {
        "scrollbar": thumb,
        "scrollbar-hover": touched,
        "scrollbar-active": touched,
        "scrollbar-background": track,
        "scrollbar-background-hover": track,
        "scrollbar-background-active": track,
        "scrollbar-corner-color": track,
    }


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
        "block-cursor-foreground": "#14161f",
        "block-cursor-blurred-background": "#2a3047",
        "input-cursor-background": "#c8d0f0",
        "input-cursor-foreground": "#14161f",
        **_scrollbar("#14161f", "#3b4261", "#565f89"),
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
        "block-cursor-foreground": "#fbfbfd",
        "block-cursor-blurred-background": "#d5ddf3",
        "input-cursor-background": "#23283b",
        "input-cursor-foreground": "#fbfbfd",
        **_scrollbar("#fbfbfd", "#b4b9cc", "#8d94ad"),
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
    variables={
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "border": "ansi_bright_black",
        "border-blurred": "ansi_bright_black",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_cyan",
        "block-cursor-blurred-foreground": "ansi_default",
        "block-cursor-blurred-background": "ansi_default",
        "block-cursor-blurred-text-style": "bold",
        "input-selection-background": "ansi_cyan",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_cyan",
        "screen-selection-foreground": "ansi_black",
        **_scrollbar("ansi_default", "ansi_bright_black", "ansi_cyan"),
    },
)

OWN: tuple[Theme, ...] = (DARK, LIGHT, ANSI)
DEFAULT = "flux-dark"


def names() -> list[str]:
    """Return the names of all themes, our own first."""
    own = [theme.name for theme in OWN]
    return own + sorted(name for name in BUILTIN_THEMES if name not in own)


def near(wanted: str) -> str:
    """Return what to choose instead of a theme that does not exist."""
    return did_you_mean(wanted, names()) or f"for instance {', '.join(names()[:5])}"

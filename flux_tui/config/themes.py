"""The names of the colour themes: our own, then those that the pinned Textual brings.

They stand here as data: a wrong name is refused where no screen, and so no Textual, is loaded.
"""

THEMES = (
    "flux-dark",
    "flux-light",
    "flux-ansi",
    "ansi-dark",
    "ansi-light",
    "atom-one-dark",
    "atom-one-light",
    "catppuccin-frappe",
    "catppuccin-latte",
    "catppuccin-macchiato",
    "catppuccin-mocha",
    "dracula",
    "flexoki",
    "gruvbox",
    "monokai",
    "nord",
    "rose-pine",
    "rose-pine-dawn",
    "rose-pine-moon",
    "solarized-dark",
    "solarized-light",
    "textual-dark",
    "textual-light",
    "tokyo-night",
)

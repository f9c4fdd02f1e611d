"""Finds the built-in tools: every module of `tools/builtin` that ends in `TOOL = ...`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from flux_tui.tools import builtin
from flux_tui.tools.base import Tool


def builtin_tools() -> dict[str, Tool]:
    """Return the tools by name, in the order of their names: requests stay the same bytes."""
    modules = pkgutil.iter_modules(builtin.__path__, f"{builtin.__name__}.")
    tools: list[Tool] = [import_module(module.name).TOOL for module in modules]
    return {tool.name: tool for tool in sorted(tools, key=lambda tool: tool.name)}

"""Flux TUI: one conversation with any model of any vendor, in the terminal."""

__version__ = "0.1.0"

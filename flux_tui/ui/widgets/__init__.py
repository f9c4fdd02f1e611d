"""Widgets: each knows its pane and nothing else."""

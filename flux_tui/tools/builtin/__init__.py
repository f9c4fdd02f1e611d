"""One file a tool; each ends in `TOOL = ...`."""

"""What the programs beside ours show: the same Markdown that the simulator answers."""

from flux_tui.sim.content import filler

NUMBER = 2_000
"""Tokens of the answer."""

SPEED = 200
"""Tokens a second."""

TOKENS = filler(NUMBER, "md", "floor", "FLOOR")
ANSWER = "".join(TOKENS)


def due(seconds: float) -> str:
    """Return what has arrived after so many seconds; the whole at the end."""
    return "".join(TOKENS[: int(seconds * SPEED)])

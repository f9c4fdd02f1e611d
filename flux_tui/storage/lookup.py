"""Find the session a person means."""

from __future__ import annotations

from flux_tui.core.errors import InputError
from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.storage.store import SessionInfo, SessionStore

LAST = "last"
SHORTEST = 4
"""Characters that a part of an id must have."""


async def find_session(store: SessionStore, wanted: str) -> SessionInfo:
    """Return the session whose id is, begins or ends with *wanted*, or the one used "last".

    Raises:
        InputError: there is none, or more than one.
    """
    wanted = sanitize(wanted).strip()  # the command line may bring what is no text
    if wanted == LAST:
        wanted = await store.latest() or ""
        if not wanted:
            raise InputError("there is no session yet")
    found = await store.find(wanted)
    if len(found) == 1 and (found[0].id == wanted or len(wanted) >= SHORTEST):
        return found[0]
    many = len(found) > 1 and len(wanted) >= SHORTEST
    what = f"{len(found)} sessions fit" if many else "there is no session"
    raise InputError(f"{what} {one_line(wanted)!r}", hint='see "flux-tui sessions list"')

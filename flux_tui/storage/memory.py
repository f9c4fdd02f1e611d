"""A store that lives as long as the program."""

from __future__ import annotations

from flux_tui.storage.database import MEMORY
from flux_tui.storage.sqlite import SqliteStore


class MemoryStore(SqliteStore):
    """The store on disk without the disk: what is used when that cannot be written."""

    def __init__(self) -> None:
        super().__init__(MEMORY)

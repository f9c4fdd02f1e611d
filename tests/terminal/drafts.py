"""The answers in flight that the program under test has stored."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path


def unmarked(markdown: str) -> str:
    """The words as they are on the screen."""
    return markdown.replace("`", "").replace("*", "")


def drafts(home: Path) -> list[str]:
    """The words of each stored answer in flight; *home* is FLUX_HOME."""
    with closing(sqlite3.connect(home / "data" / "flux.db")) as database:
        rows = database.execute("SELECT body FROM draft").fetchall()
    found = [json.loads(body)["parts"] for (body,) in rows]
    return [unmarked("".join(part.get("text", "") for part in parts)) for parts in found]


def all_hold(home: Path, *words: str, count: int = 1) -> bool:
    """Whether there are *count* of them, each with all of *words*."""
    found = drafts(home)
    return len(found) == count and all(word in draft for draft in found for word in words)

"""Votes from the store, the ratings made of them, and how they leave the program."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from flux_tui.core.errors import InputError
from flux_tui.session.ratings import Outcome, Rating, Vote, rate
from flux_tui.storage.store import SessionStore, VoteRow

UNTAGGED = "untagged"
FORMATS = (".csv", ".json", ".md")

_OUTCOMES: dict[str, Outcome] = {"win": "win", "tie": "tie", "bad": "bad"}
_FIELDS: tuple[str, ...] = (
    "tag",
    "model",
    "rating",
    "low",
    "high",
    "votes",
    "wins",
    "ties",
    "losses",
    "bad",
)


async def keep_vote(store: SessionStore, vote: Vote, session_id: str) -> None:
    """Store *vote*, given in that session, now unless it says when.

    Raises:
        InputError: it names fewer than two models, or a winner that is none of them.
    """
    if len(set(vote.models)) < 2:
        raise InputError("a vote is about two models at the least")
    if (vote.winner in vote.models) != (vote.outcome == "win"):
        raise InputError("a vote that is won names one of its models as the winner")
    await store.add_vote(
        VoteRow(
            at=vote.at or datetime.now(UTC),
            session=session_id,
            models=vote.models,
            outcome=vote.outcome,
            winner=vote.winner,
            tag=vote.tag,
            blind=vote.blind,
        )
    )


async def load_votes(store: SessionStore) -> list[Vote]:
    """Return all votes, oldest first; what makes no sense is left out."""
    return [
        Vote(
            models=row.models,
            outcome=_OUTCOMES[row.outcome],
            winner=row.winner,
            tag=row.tag,
            blind=row.blind,
            at=row.at,
        )
        for row in await store.votes()
        if row.outcome in _OUTCOMES and (row.winner in row.models) == (row.outcome == "win")
    ]


def tags_of(votes: Iterable[Vote]) -> list[str]:
    """Return the tags in use, in the order of the alphabet; votes without one are `UNTAGGED`."""
    return sorted({vote.tag or UNTAGGED for vote in votes})


def board(votes: Sequence[Vote], tag: str = "") -> list[Rating]:
    """Return the ratings of all votes, or of those with *tag*."""
    return rate(vote for vote in votes if not tag or (vote.tag or UNTAGGED) == tag)


def export_board(votes: Sequence[Vote], kind: str) -> str:
    """Return the ratings over all votes and by tag, as ".csv", ".json" or ".md".

    Raises:
        InputError: *kind* is none of them.
    """
    groups = [("", board(votes)), *((tag, board(votes, tag)) for tag in tags_of(votes))]
    lines = [_fields(tag, rating) for tag, ratings in groups for rating in ratings]
    match kind:
        case ".csv":
            out = io.StringIO()
            writer = csv.DictWriter(out, _FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
            return out.getvalue()
        case ".json":
            return json.dumps(lines, indent=2, ensure_ascii=False) + "\n"
        case ".md":
            return _markdown(groups)
        case _:
            raise InputError(
                f"{kind or 'no ending'!r} is no format of a scoreboard",
                hint="end the name in " + ", ".join(FORMATS),
            )


def write_board(votes: Sequence[Vote], path: Path) -> None:
    """Write the scoreboard to a new file; its ending says how. Blocking.

    Raises:
        InputError: the ending is unknown, the file exists, or it cannot be written.
    """
    text = export_board(votes, path.suffix.lower())
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as problem:
        raise InputError(f"{path} is there already", hint="choose another name") from problem
    except OSError as problem:
        reason = problem.strerror or "unknown reason"
        raise InputError(f"{path} cannot be written ({reason})") from problem


def _fields(tag: str, rating: Rating) -> dict[str, str | int]:
    return {
        "tag": tag,
        "model": rating.model,
        "rating": round(rating.rating),
        "low": round(rating.low),
        "high": round(rating.high),
        "votes": rating.wins + rating.ties + rating.losses + rating.bad,
        "wins": rating.wins,
        "ties": rating.ties,
        "losses": rating.losses,
        "bad": rating.bad,
    }


def _markdown(groups: Sequence[tuple[str, Sequence[Rating]]]) -> str:
    lines = ["# Scoreboard", ""]
    for tag, ratings in groups:
        lines += [f"## {_cell(tag) or 'All votes'}", ""]
        lines.append("| Model | Rating | 95 % | Wins | Ties | Losses | Bad |")
        lines.append("|---|--:|:-:|--:|--:|--:|--:|")
        for each in ratings:
            interval = f"{each.low:.0f} to {each.high:.0f}"
            counts = f"{each.wins} | {each.ties} | {each.losses} | {each.bad}"
            lines.append(f"| {_cell(each.model)} | {each.rating:.0f} | {interval} | {counts} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")

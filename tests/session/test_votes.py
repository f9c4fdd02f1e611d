"""Votes are kept, rated by tag, and exported."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from flux_tui.core.errors import InputError
from flux_tui.session.ratings import Vote
from flux_tui.session.votes import board, export_board, keep_vote, load_votes, tags_of, write_board
from flux_tui.storage.memory import MemoryStore

A, B = "anthropic/a", "openai/b"
VOTES = [
    Vote(models=(A, B), outcome="win", winner=A, tag="code"),
    Vote(models=(A, B), outcome="win", winner=A, tag="code"),
    Vote(models=(A, B), outcome="tie", tag="prose"),
    Vote(models=(A, B), outcome="bad"),
]


async def test_votes_come_back_as_they_were_given() -> None:
    store = MemoryStore()

    for vote in VOTES:
        await keep_vote(store, vote, "s1")
    kept = await load_votes(store)
    await store.aclose()

    assert [(v.models, v.outcome, v.winner, v.tag, v.blind) for v in kept] == [
        (v.models, v.outcome, v.winner, v.tag, v.blind) for v in VOTES
    ]
    assert all(vote.at is not None for vote in kept)


@pytest.mark.parametrize(
    "vote",
    [
        Vote(models=(A,), outcome="tie"),
        Vote(models=(A, A), outcome="tie"),
        Vote(models=(A, B), outcome="win", winner="other/c"),
        Vote(models=(A, B), outcome="win"),
        Vote(models=(A, B), outcome="tie", winner=A),
    ],
)
async def test_a_vote_that_makes_no_sense_is_refused(vote: Vote) -> None:
    store = MemoryStore()

    with pytest.raises(InputError):
        await keep_vote(store, vote, "s1")

    assert await store.votes() == []
    await store.aclose()


def test_the_board_can_be_had_by_tag() -> None:
    assert tags_of(VOTES) == ["code", "prose", "untagged"]
    assert [(r.model, r.wins) for r in board(VOTES, "code")] == [(A, 2), (B, 0)]
    assert {r.bad for r in board(VOTES, "untagged")} == {1}
    assert {r.ties for r in board(VOTES, "prose")} == {1}
    assert len(board(VOTES)) == 2


def test_all_formats_hold_the_same_figures() -> None:
    rows = json.loads(export_board(VOTES, ".json"))
    lines = list(csv.DictReader(io.StringIO(export_board(VOTES, ".csv"))))
    page = export_board(VOTES, ".md")

    assert [{k: str(v) for k, v in row.items()} for row in rows] == lines
    assert len(rows) == 8  # two models, all votes and three tags
    assert rows[0]["model"] == A
    assert f"| {A} | {rows[0]['rating']} |" in page
    assert "## code" in page


def test_a_board_is_written_to_a_new_file_only(tmp_path: Path) -> None:
    path = tmp_path / "board.md"

    write_board(VOTES, path)

    assert path.read_text("utf-8") == export_board(VOTES, ".md")
    with pytest.raises(InputError, match="there already"):
        write_board(VOTES, path)
    with pytest.raises(InputError, match="format"):
        write_board(VOTES, tmp_path / "board.txt")
    with pytest.raises(InputError, match="cannot be written"):
        write_board(VOTES, tmp_path / "nowhere" / "board.md")

"""`flux-tui sessions` as a user and a script see it."""

from __future__ import annotations

import argparse
import asyncio
import json
from contextlib import aclosing
from pathlib import Path

import pytest

from flux_tui.commands import sessions
from flux_tui.core.errors import FluxError, InputError
from flux_tui.core.messages import user_message
from flux_tui.storage.sqlite import SqliteStore


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    sessions.add_parser(parser.add_subparsers())
    return sessions.run(parser.parse_args(["sessions", *words]))


async def _fill(home: Path) -> list[str]:
    ids: list[str] = []
    async with aclosing(SqliteStore(home / "flux" / "data" / "flux.db")) as store:
        for text in ("about wombats", "about \x1b[31mkeys sk-" + "a" * 40):
            ids.append(await store.create())
            await store.append(ids[-1], user_message(text))
    return ids


@pytest.fixture
def ids(own_home: Path) -> list[str]:
    return asyncio.run(_fill(own_home))


def test_an_empty_store_lists_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list") == 0
    assert capsys.readouterr().out == "no conversations\n"
    assert call("list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_list_has_the_documented_shape(
    ids: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("list", "--json") == 0

    last, first = json.loads(capsys.readouterr().out)
    keys = ["id", "title", "created", "updated", "messages", "models", "cost"]
    assert sorted(first) == sorted(keys)
    assert (first["id"], first["title"], first["messages"]) == (ids[0], "about wombats", 1)
    assert last["id"] == ids[1]
    assert first["cost"] == {"usd": "0", "basis": "free"}


def test_the_table_holds_no_control_characters(
    ids: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("list") == 0

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert ids[0][-8:] in out


def test_search_finds_by_text(ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("search", "wombat", "--json") == 0

    assert [item["id"] for item in json.loads(capsys.readouterr().out)] == [ids[0]]


@pytest.mark.parametrize("wanted", ["whole", "ending", "last"])
def test_show_finds_a_session_by_a_part_of_its_id(
    ids: list[str], capsys: pytest.CaptureFixture[str], wanted: str
) -> None:
    name = {"whole": ids[1], "ending": ids[1][-8:], "last": "last"}[wanted]

    assert call("show", name) == 0

    out = capsys.readouterr().out
    assert "about keys [key removed]" in out


def test_an_id_that_fits_none_or_several_is_refused(ids: list[str]) -> None:
    with pytest.raises(InputError, match="no session"):
        call("show", "zzzz")
    with pytest.raises(InputError, match="2 sessions fit"):
        call("show", ids[0][:4])


@pytest.mark.parametrize("kind", ["md", "json", "html"])
def test_export_writes_a_file(ids: list[str], tmp_path: Path, kind: str) -> None:
    target = tmp_path / "out"

    assert call("export", ids[0], "--format", kind, "-o", str(target)) == 0

    assert "about wombats" in target.read_text("utf-8")


def test_a_file_that_cannot_be_written_is_one_sentence(ids: list[str], tmp_path: Path) -> None:
    with pytest.raises(FluxError, match="cannot be written"):
        call("export", ids[0], "-o", str(tmp_path))


def test_rename_and_delete(ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("rename", ids[0], "Wombats") == 0
    with pytest.raises(InputError, match="--yes"):
        call("delete", ids[1])
    assert call("delete", ids[1], "--yes") == 0
    assert call("list", "--json") == 0

    (left,) = json.loads(capsys.readouterr().out)
    assert left["title"] == "Wombats"

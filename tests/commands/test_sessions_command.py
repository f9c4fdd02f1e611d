"""`flux-tui sessions` as a user and a script see it."""

from __future__ import annotations

import argparse
import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from flux_tui.commands import cost, sessions
from flux_tui.core.errors import FluxError, InputError
from flux_tui.core.messages import Message, Text, user_message
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import Cost, Usage
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


def listed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    capsys.readouterr()
    assert call("list", "--json") == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_last_is_the_session_used_last(ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", "last") == 0

    assert "about keys" in capsys.readouterr().out


def test_what_was_exported_is_imported_as_a_session_of_its_own(
    ids: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.json"
    call("rename", ids[0], "Wombats")
    call("export", ids[0], "--format", "json", "-o", str(target))
    capsys.readouterr()

    assert call("import", str(target)) == 0

    fresh = capsys.readouterr().out.strip()
    rows = {row["id"]: row for row in listed(capsys)}
    assert fresh not in ids
    assert (rows[fresh]["title"], rows[fresh]["messages"]) == ("Wombats", 1)
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x80", "nor any other text"),
        (b"[" * 100_000, "nested too deeply"),
        (b'[{"role": "user"}]', "expected an object"),
        (b'{"format": "flux", "version": 1, "messages": []}', "holds no messages"),
        (b'{"format": "flux", "version": 9, "messages": []}', "version: version 9"),
        (
            b'{"format": "flux", "version": 1, "messages": [{"role": "boss"}]}',
            "messages[0].role",
        ),
    ],
)
def test_what_is_no_conversation_is_not_imported(
    tmp_path: Path, content: bytes, words: str
) -> None:
    target = tmp_path / "in.json"
    target.write_bytes(content)

    with pytest.raises(InputError) as caught:
        call("import", str(target))

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


async def _conversation(home: Path) -> tuple[str, list[str]]:
    async with aclosing(SqliteStore(home / "flux" / "data" / "flux.db")) as store:
        session = await store.create(title="Animals")
        first = user_message("wombats")
        then = Message(
            role="assistant",
            parts=(Text("cubes"),),
            parent=first.id,
            model=ModelRef("openai", "gpt-5.5"),
            usage=Usage(input=10, output=5),
            cost=Cost(amount=Decimal("0.5"), basis="computed"),
        )
        last = replace(user_message("why?"), parent=then.id)
        for message in (first, then, last):
            await store.append(session, message)
    return session, [first.id, then.id, last.id]


def test_a_copy_ends_at_a_message_and_is_not_paid_twice(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session, messages = asyncio.run(_conversation(own_home))

    assert call("fork", session, "--at", messages[1][-8:], "--json") == 0

    copy = json.loads(capsys.readouterr().out)
    assert (copy["title"], copy["messages"]) == ("Animals (fork)", 2)
    assert copy["id"] != session
    assert call("fork", session, "--title", "Whole") == 0
    capsys.readouterr()
    whole = next(row for row in listed(capsys) if row["title"] == "Whole")
    assert whole["messages"] == 3
    assert cost.run(argparse.Namespace(by="session", since=None, json=True)) == 0
    (only,) = json.loads(capsys.readouterr().out)
    assert (only["key"], only["requests"], only["cost"]["usd"]) == (session, 1, "0.5")


def test_a_copy_up_to_no_message_is_refused(own_home: Path) -> None:
    session, _ = asyncio.run(_conversation(own_home))

    with pytest.raises(InputError, match="no message ends in 'zzzz'"):
        call("fork", session, "--at", "zzzz")


def test_repair_says_when_all_is_well_and_when_nothing_is_there(
    ids: list[str], own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("repair") == 0
    assert capsys.readouterr().out.endswith("flux.db is in order\n")
    assert call("repair", "--json") == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []
    with pytest.raises(InputError, match="there is no database at"):
        call("repair", str(own_home / "none.db"))


def test_sessions_come_back_from_a_database_that_was_moved_aside(
    ids: list[str], own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = own_home / "flux" / "data" / "flux.db"
    aside = database.with_name("flux.db.corrupt-1")
    database.rename(aside)

    assert call("repair", str(aside), "--json") == 0

    assert sorted(json.loads(capsys.readouterr().out)["recovered"]) == sorted(ids)
    assert sorted(str(row["id"]) for row in listed(capsys)) == sorted(ids)

"""Prompts from files, pace, answers on disk, and judgements."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.errors import InputError, StoreError
from flux_tui.session.jobs import Gates, Limits, Prompt, read_prompts
from flux_tui.session.jobs_log import AnswerLog, Record
from flux_tui.session.judge import Verdict, agreement, judge_prompt, orders, read_verdict


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("", "holds no prompts"),
        ("x", ":1: is not JSON"),
        ('{"prompt": "a"}\n[]', ":2: expected an object"),
        ('{"prompt": " "}', ":1: there is no prompt"),
        ('{"prompt": 1}', ":1: prompt is no text"),
        ('{"prompt": "a", "system": []}', ":1: system is no text"),
        ('{"prompt": "a", "id": true}', ":1: id is neither"),
        ('{"prompt": "a", "id": 2}\n{"prompt": "b"}', ":2: the id '2' was there before"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, lines: str, told: str) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(lines, "utf-8")

    with pytest.raises(InputError, match=told):
        read_prompts(path)


def test_prompts_come_from_standard_input_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = io.TextIOWrapper(io.BytesIO(b'\xef\xbb\xbf{"prompt": "a"}\r\nno\r\n'))
    monkeypatch.setattr(sys, "stdin", lines)

    with pytest.raises(InputError, match="standard input:2: is not JSON"):
        read_prompts(Path("-"))


@pytest.mark.parametrize("piped", [False, True])
def test_no_more_is_read_than_is_allowed(
    piped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flux_tui.session.jobs.MAX_BYTES", 20)
    source = io.BytesIO(b'{"prompt": "one"}\n' * 9)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(source))
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(source.getvalue())

    with pytest.raises(InputError, match="is larger than"):
        read_prompts(Path("-") if piped else path)
    assert source.tell() == (21 if piped else 0)


def test_lines_without_an_id_are_named_by_their_number(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "a"}\n\n{"prompt": "b", "id": "x"}\n{"prompt": "c"}', "utf-8")

    assert [prompt.id for prompt in read_prompts(path)] == ["1", "x", "4"]


def test_a_prompt_with_other_words_is_another_prompt() -> None:
    assert len({Prompt("a").digest, Prompt("b").digest, Prompt("a", system="s").digest}) == 3


async def test_no_more_than_so_many_are_let_through_at_a_time() -> None:
    gates = Gates(Limits(2), Limits(0))
    inside, most = 0, 0

    async def ask(provider: str) -> None:
        nonlocal inside, most
        async with gates.through(provider):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(ask("a") for _ in range(10)))

    assert most == 2


async def test_requests_go_out_evenly_and_providers_do_not_wait_for_each_other() -> None:
    gates = Gates(Limits(10), Limits(1_200, {"b": 0}))  # of a, one in 50 ms

    async def ask(provider: str) -> float:
        async with gates.through(provider):
            return time.monotonic()

    began = time.monotonic()
    times = await asyncio.gather(*(ask("a") for _ in range(4)), ask("b"))

    assert times[3] - began >= 0.149
    assert times[4] < times[3]


async def test_a_provider_may_have_limits_of_its_own() -> None:
    gates = Gates(Limits(1, {"wide": 3}), Limits(0))
    inside: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def ask(provider: str) -> None:
        async with gates.through(provider):
            inside[provider] += 1
            most[provider] = max(most[provider], inside[provider])
            await asyncio.sleep(0)
            inside[provider] -= 1

    await asyncio.gather(*(ask(name) for name in ("wide", "other") for _ in range(9)))

    assert most == {"wide": 3, "other": 1}


def record(model: str = "p/m", text: str = "yes", error: str = "") -> Record:
    return {"kind": "answer", "digest": "d", "model": model, "text": text, "error": error}


def opened(path: Path) -> AnswerLog:
    log = AnswerLog(path)
    log.open()
    return log


def test_answers_are_found_again_and_a_failed_try_replaces_none(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    log = opened(path)
    for each in (record(error="no"), record(), record("p/n", error="no"), record(error="late")):
        log.append(each)
    log.close()

    found = opened(path).records

    assert found["answer", "d", "p/m"]["text"] == "yes"
    assert found["answer", "d", "p/m"]["error"] == ""
    assert found["answer", "d", "p/n"]["error"] == "no"


def test_a_record_that_finds_no_room_leaves_the_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened(tmp_path / "log.jsonl")
    log.append(record(text="kept"))
    before = log.path.read_bytes()
    write = os.write

    left = 25

    def short(file: int, data: bytes) -> int:
        nonlocal left
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(file, data[:left])
        left -= written
        return written

    with monkeypatch.context() as full:
        full.setattr(os, "write", short)
        with pytest.raises(StoreError, match="No space left"):
            log.append(record(model="p/other"))

    assert log.path.read_bytes() == before
    log.append(record(model="p/other"))
    log.close()
    assert [key[2] for key in opened(log.path).records] == ["p/m", "p/other"]


def test_what_is_no_ordinary_file_is_refused() -> None:
    with pytest.raises(InputError, match="no ordinary file"):
        AnswerLog(Path("/dev/full")).open()


def test_one_process_at_a_time_writes(tmp_path: Path) -> None:
    log = opened(tmp_path / "out.jsonl")

    with pytest.raises(InputError, match="another process"):
        opened(tmp_path / "out.jsonl")
    log.close()
    opened(tmp_path / "out.jsonl").close()


@given(cut=st.integers(0, 300))
def test_a_file_cut_anywhere_loses_the_torn_line_alone(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "out.jsonl"
    whole = "".join(json.dumps(record(f"p/{n}"), separators=(",", ":")) + "\n" for n in range(4))
    path.write_text(whole[:cut], "utf-8")

    log = opened(path)
    log.append(record("p/new"))
    log.close()

    lines = path.read_text("utf-8").splitlines()
    assert len(lines) == whole[:cut].count("\n") + 1
    assert all(json.loads(line)["text"] == "yes" for line in lines)


@pytest.mark.parametrize("text", ["notes", "[]\n", '{"a": 1}\n', "1\n"])
def test_a_file_of_something_else_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text, "utf-8")

    with pytest.raises(InputError):
        opened(path)
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"reason": "r", "winner": "B"}', 1),
        ('Let me think {x}.\n```json\n{"winner": "Answer A"}\n```', 0),
        ('{"winner": "tie"}', None),
    ],
)
def test_a_verdict_is_read(text: str, place: int | None) -> None:
    found = read_verdict(text, 2)

    assert found is not None
    assert found.place == place


@pytest.mark.parametrize("text", ["", "A", '{"winner": "C"}', '{"winner": 1}', "{}", '{"winner'])
def test_what_is_no_verdict_is_none(text: str) -> None:
    assert read_verdict(text, 2) is None


@given(st.lists(st.text(), min_size=2, max_size=4))
def test_no_answer_can_end_itself_in_the_prompt_of_the_judge(answers: list[str]) -> None:
    prompt = judge_prompt("Rubric.", "Q?", answers)

    mark = prompt.split("between the marks ")[1].split(" is material")[0]
    assert all(mark not in answer for answer in answers)
    assert prompt.count(f"\n{mark} end of answer ") == len(answers)


def test_the_winner_is_the_model_and_not_the_place() -> None:
    models = ["a", "b", "c"]
    shown = orders(3)

    same = agreement(models, shown, [Verdict(0, ""), Verdict(2, "")])
    place = agreement(models, shown, [Verdict(0, ""), Verdict(0, "")])

    assert (same["winner"], same["agree"]) == ("a", True)
    assert (place["winner"], place["position_bias"]) == (None, True)

"""Every recorded request goes to every format, and on from there to a next one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_tui.core.errors import CodecError
from flux_tui.core.messages import Conversation, Message, Text
from flux_tui.core.models import Api, ModelInfo
from flux_tui.core.normalize import normalize
from flux_tui.core.repair import clean
from flux_tui.providers.base import ToolSpec
from flux_tui.providers.ingest import Ingested, ingest
from tests.conversion.formats import FORMATS, TARGETS, Body, encode, pairs_of, refusals

# What cannot be read, and why; nothing else may fail to be.
UNREADABLE = {
    "test_openai_responses__test_openai_responses_compact_with_auto_previous_response_id_chain.2": (
        "it goes on from what the vendor stored, with nothing of its own"
    )
}
FOLDERS: dict[str, Api] = {form.folder: api for api, form in FORMATS.items()}


def requests(recorded: Path, folder: str) -> Iterator[tuple[str, Api, Body]]:
    """The bodies below *folder*: name, format, body."""
    for path in sorted((recorded / folder).rglob("*.request.json")):
        api = FOLDERS.get(folder)
        if api is None:  # compatible servers, of either kind
            like_responses = path.parent.name.startswith("responses_")
            api = "openai-responses" if like_responses else "openai-chat"
        yield path.name.removesuffix(".request.json"), api, json.loads(path.read_text("utf-8"))


def readable(recorded: Path, folder: str) -> Iterator[tuple[str, Ingested]]:
    for name, api, body in requests(recorded, folder):
        if name not in UNREADABLE:
            yield name, ingest(body, api, "a-model")


def sent(
    target: ModelInfo, talk: Conversation, tools: tuple[ToolSpec, ...]
) -> tuple[tuple[Message, ...], Body]:
    messages, _ = normalize(talk.path, target)
    return messages, encode(target, messages, talk.system, tools)


def assert_whole(name: str, target: ModelInfo, talk: Conversation, body: Body) -> None:
    """Nobody has anything against *body*, and all that was said stands in it."""
    assert refusals(target, body) == [], (name, str(target.ref))
    wire = json.dumps(body, ensure_ascii=False)
    for message in talk.path:
        for part in message.parts if message.role != "tool" else ():
            if isinstance(part, Text) and part.text.strip():
                said = json.dumps(clean(part.text).strip(), ensure_ascii=False)[1:-1]
                assert said in wire, (name, str(target.ref))


@pytest.mark.parametrize("folder", [*FOLDERS, "compat"])
def test_recorded_requests_convert_to_every_format_and_on_to_the_next(
    recorded: Path, folder: str
) -> None:
    converted = 0
    for number, (name, read) in enumerate(readable(recorded, folder)):
        for place, target in enumerate(TARGETS):
            messages, body = sent(target, read.conversation, read.tools)
            assert_whole(name, target, read.conversation, body)
            calls = sum(len(message.tool_calls) for message in messages)
            assert pairs_of(target, body) == (calls, calls)

            # With the number of the file every pair of formats has its turn.
            onward = TARGETS[(place + 1 + number) % len(TARGETS)]
            again = ingest(body, target.api, target.ref.name)
            _, second = sent(onward, again.conversation, again.tools)
            assert_whole(name, onward, again.conversation, second)
        converted += 1
    assert converted >= 7


def test_what_cannot_be_read_is_listed_with_its_reason(recorded: Path) -> None:
    found: list[str] = []
    for folder in (*FOLDERS, "compat"):
        for name, api, body in requests(recorded, folder):
            if name in UNREADABLE:
                found.append(name)
                with pytest.raises(CodecError, match="holds no messages"):
                    ingest(body, api, "a-model")

    assert sorted(found) == sorted(UNREADABLE)

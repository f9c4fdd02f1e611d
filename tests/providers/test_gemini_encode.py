"""Neutral requests as Gemini bodies, and Gemini bodies as conversations."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.errors import CodecError, ErrorKind, ProviderError
from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Opaque,
    Part,
    ProviderMetadata,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import Abilities, Effort, ModelInfo, ModelRef
from flux_tui.core.normalize import normalize
from flux_tui.core.repair import EMPTY
from flux_tui.core.usage import JSON
from flux_tui.providers.base import ChatRequest, ToolSpec
from flux_tui.providers.gemini import UNSIGNED, encode, repair
from flux_tui.providers.gemini_schema import accepted_schema
from flux_tui.providers.ingest import ingest
from flux_tui.providers.profiles import describe
from flux_tui.sim.rules.gemini import check
from flux_tui.sim.rules.gemini_models import SENTINELS
from tests.providers.recorded import RECORDED

URL = "https://generativelanguage.googleapis.com"
PNG = Image(b"\x89PNG\r\n\x1a\n" + b"0" * 40, "image/png", "a.png", 2, 2)
GIF = replace(PNG, mime="image/gif", name="a.gif")
PDF = Document(b"%PDF-1.4 x", "application/pdf", "a.pdf", "the text")
NOTES = Document(b"hi", "text/plain", "n.txt", "hi ``` there")
TOOL = ToolSpec("read_file", "Read.", {"type": "object", "properties": {}})
REQUESTS = sorted((RECORDED / "gemini").glob("*.request.json"))
Body = dict[str, Any]


def known(name: str) -> ModelInfo:
    return describe(ModelRef("gemini", name), "gemini", URL)


FLASH = known("gemini-3.5-flash")
OLD = known("gemini-2.5-flash")


def asked(model: ModelInfo, *messages: Message, **more: object) -> Body:
    request = replace(ChatRequest(model=model, messages=messages), **more)  # type: ignore[arg-type]
    return encode(request)


def said(*parts: Part) -> Message:
    return Message(role="assistant", parts=parts)


def did(*parts: ToolResult) -> Message:
    return Message(role="tool", parts=parts)


def own(**data: JSON) -> ProviderMetadata:
    return ProviderMetadata(FLASH.origin, data)


def answer(call_id: str, *parts: Text | Image | Document, error: bool = False) -> ToolResult:
    return ToolResult(call_id, "read_file", parts, is_error=error)


def parts_at(body: Body, at: int) -> list[Body]:
    return body["contents"][at]["parts"]


ids = st.lists(st.text(min_size=1, max_size=90), min_size=1, max_size=4, unique=True)


@given(st.text(), ids, st.sampled_from([None, "off", "minimal", "low", "high", "max"]))
def test_google_accepts_what_is_encoded(text: str, names: list[str], effort: Effort | None) -> None:
    clean = text.encode("utf-8", "replace").decode()
    names = [name.encode("utf-8", "replace").decode() for name in names]
    calls = tuple(ToolCall(name, "read_file", {"path": name}) for name in names)
    results = tuple(answer(name, Text(name)) for name in names)
    history = (
        user_message("look", (PNG, PDF, NOTES, GIF)),
        said(Text(clean), *calls),
        did(*results),
        said(Text("done")),
        user_message("thanks"),
    )
    for name in ("gemini-4-argon", "gemini-3-pro-preview", "gemini-2.5-pro", "gemini-2.0-flash"):
        more: Body = {"system": "Be brief.", "tools": (TOOL,), "effort": effort}

        body = asked(known(name), *history, **more)

        assert check(json.loads(json.dumps(body)), name) == []
        assert json.dumps(body) == json.dumps(asked(known(name), *history, **more))


def test_a_result_stands_alone_and_in_the_order_of_the_calls() -> None:
    body = asked(
        FLASH,
        user_message("look"),
        said(ToolCall("1", "read_file"), ToolCall("2", "read_file")),
        did(answer("1", Text("A"))),
        did(answer("2", Text("no"), error=True)),
        user_message("and?"),
        user_message("well?"),
    )

    roles = [content["role"] for content in body["contents"]]
    assert roles == ["user", "model", "user", "user"]
    answers = [part["functionResponse"] for part in parts_at(body, 2)]
    assert [one["response"] for one in answers] == [{"output": "A"}, {"error": "no"}]
    assert [one["id"] for one in answers] == ["1", "2"]
    assert parts_at(body, 3) == [{"text": "and?"}, {"text": "well?"}]


def test_only_the_first_call_of_a_turn_gets_the_sentinel_and_only_if_it_must() -> None:
    calls = said(ToolCall("1", "read_file"), ToolCall("2", "read_file"))
    mine = said(ToolCall("1", "read_file", metadata=own(signature="c2ln")))

    def signatures(model: ModelInfo, message: Message) -> list[str | None]:
        parts = parts_at(asked(model, user_message("x"), message), 1)
        return [part.get("thoughtSignature") for part in parts]

    assert UNSIGNED in SENTINELS
    assert signatures(FLASH, calls) == [UNSIGNED, None]
    assert signatures(OLD, calls) == [None, None]
    assert signatures(FLASH, mine) == ["c2ln"]
    assert signatures(known("gemini-3.6-flash"), mine) == [UNSIGNED]


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        (0, [{"text": "abcd", "thoughtSignature": "c2ln"}]),
        (2, [{"text": "ab"}, {"text": "cd", "thoughtSignature": "c2ln"}]),
        (4, [{"text": "abcd"}, {"text": "", "thoughtSignature": "c2ln"}]),
        (9, [{"text": "abcd"}, {"text": "", "thoughtSignature": "c2ln"}]),
    ],
)
def test_a_signature_of_text_goes_back_on_its_own_part(begin: int, expected: list[Body]) -> None:
    text = Text("abcd", own(signature="c2ln", **{"from": begin}))

    assert parts_at(asked(FLASH, user_message("x"), said(text)), 1) == expected
    assert parts_at(asked(OLD, user_message("x"), said(text)), 1) == [{"text": "abcd"}]


def test_own_thoughts_go_back_and_those_of_others_do_not() -> None:
    thoughts = (
        Thinking("hm", own(signature="c2ln")),
        Thinking("", own(signature="YmFyZQ==", bare=True)),
        Text("so"),
    )

    mine = parts_at(asked(FLASH, user_message("x"), said(*thoughts)), 1)
    others = parts_at(asked(OLD, user_message("x"), said(*thoughts)), 1)

    assert mine == [
        {"text": "hm", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "", "thoughtSignature": "YmFyZQ=="},
        {"text": "so"},
    ]
    assert others == [{"text": "so"}]


def test_server_side_parts_go_back_whole_or_as_words() -> None:
    part: JSON = {"executableCode": {"code": "1"}, "thoughtSignature": "c2ln"}
    opaque = Opaque("executableCode", own(part=part), "```\n1\n```")

    assert parts_at(asked(FLASH, user_message("x"), said(opaque)), 1) == [part]
    assert parts_at(asked(OLD, user_message("x"), said(opaque)), 1) == [{"text": "```\n1\n```"}]


def test_files_go_in_where_the_model_takes_them() -> None:
    able = asked(FLASH, user_message("look", (PNG, PDF, NOTES, GIF)))
    unable = asked(replace(FLASH, abilities=Abilities()), user_message("look", (PDF,)))

    kinds = [part.get("inlineData", {}).get("mimeType") for part in parts_at(able, 0)]
    assert kinds == ["image/png", "application/pdf", None, None, None]
    assert "hi ``` there" in parts_at(able, 0)[2]["text"]
    assert "a.gif" in parts_at(able, 0)[3]["text"]
    assert "the text" in parts_at(unable, 0)[0]["text"]


def test_a_picture_of_a_kind_that_google_refuses_is_reported() -> None:
    messages, report = normalize((user_message("look", (PNG, GIF)),), FLASH)

    assert [type(part).__name__ for part in messages[0].parts] == ["Image", "Text", "Text"]
    assert [item.reason for item in report.items if item.action == "adapted"] == [
        "gemini/gemini-3.5-flash takes no image/gif"
    ]


def test_files_in_results_are_parts_of_the_result_or_words() -> None:
    history = (
        user_message("look"),
        said(ToolCall("1", "read_file")),
        did(answer("1", Text("both:"), PNG, PDF)),
    )

    new = parts_at(asked(FLASH, *history), 2)[0]["functionResponse"]
    old = parts_at(asked(OLD, *history), 2)[0]["functionResponse"]

    assert [file["inlineData"]["mimeType"] for file in new["parts"]] == [PNG.mime, PDF.mime]
    assert new["response"] == {"output": "both:"}
    assert "parts" not in old
    assert "a.png" in old["response"]["output"]
    assert "the text" in old["response"]["output"]


def test_a_history_that_begins_with_an_answer_gets_a_turn_before_it() -> None:
    body = asked(FLASH, said(Text("Hello.")), user_message("hi"))

    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]
    assert parts_at(body, 0) == [{"text": EMPTY}]


@pytest.mark.parametrize(
    ("name", "effort", "expected"),
    [
        ("gemini-3.5-flash", None, {"includeThoughts": True}),
        ("gemini-3.5-flash", "minimal", {"includeThoughts": True, "thinkingLevel": "MINIMAL"}),
        ("gemini-3.5-flash", "max", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-3.8-flash", "off", {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("gemini-3-pro-preview", "medium", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-2.5-flash", "off", {"includeThoughts": False, "thinkingBudget": 0}),
        ("gemini-2.5-flash", "medium", {"includeThoughts": True, "thinkingBudget": 8192}),
        ("gemini-2.5-pro", "off", {"includeThoughts": True, "thinkingBudget": 512}),
        ("gemini-2.5-flash-lite", None, None),
        ("gemini-2.0-flash", "high", None),
        ("gemini-9-unheard-of", "high", None),
    ],
)
def test_effort_is_a_level_or_a_budget(
    name: str, effort: Effort | None, expected: Body | None
) -> None:
    body = asked(known(name), user_message("x"), effort=effort)

    assert body.get("generationConfig", {}).get("thinkingConfig") == expected
    assert check(body, name) == []


def test_limits_and_temperature_are_those_the_model_takes() -> None:
    new = asked(FLASH, user_message("x"), temperature=0.5, max_output=10**6)
    newest = asked(known("gemini-4-argon"), user_message("x"), temperature=0.5, max_output=5)

    assert new["generationConfig"]["temperature"] == 0.5
    assert new["generationConfig"]["maxOutputTokens"] == 65_536
    assert newest["generationConfig"]["maxOutputTokens"] == 5
    assert "temperature" not in newest["generationConfig"]


def test_a_schema_keeps_what_google_reads() -> None:
    schema: Body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "path": {"type": "string", "pattern": "^a", "default": "b"},
            "pattern": {"const": "x"},
            "many": {"type": "array", "items": {"$ref": "#/definitions/one"}},
            "one": {"allOf": [{"type": "string", "minLength": 1}]},
            "any": {"anyOf": [{"type": "null"}, {"type": "integer", "exclusiveMinimum": 0}]},
            "free": {"type": "object", "additionalProperties": {"type": "string", "examples": []}},
        },
        "required": ["path"],
        "definitions": {"one": {"type": "string", "format": "date"}},
        "additionalProperties": False,
    }

    read = accepted_schema(schema)

    assert read == {
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "pattern": {"enum": ["x"]},
            "many": {"type": "array", "items": {"$ref": "#/$defs/one"}},
            "one": {"type": "string"},
            "any": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
            "free": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["path"],
        "$defs": {"one": {"type": "string", "format": "date"}},
        "additionalProperties": False,
    }
    tool = ToolSpec("f", "", schema)
    assert check(asked(FLASH, user_message("x"), tools=(tool,)), "gemini-3.5-flash") == []
    assert accepted_schema({}) == {"type": "object"}


def refused(words: str, kind: ErrorKind = "bad_request", status: int | None = 400) -> ProviderError:
    return ProviderError("m", kind=kind, provider="gemini", status=status, detail=words)


def test_a_missing_signature_is_healed_with_the_sentinel() -> None:
    history = (user_message("x"), said(ToolCall("1", "read_file")), did(answer("1", Text("A"))))
    body = asked(OLD, *history)
    problem = refused("Function call is missing a thought_signature in functionCall parts.")

    healed = repair(problem, body)

    assert healed is not None
    assert parts_at(healed[0], 1)[0]["thoughtSignature"] == UNSIGNED
    assert "thoughtSignature" not in parts_at(body, 1)[0]
    assert repair(problem, healed[0]) is None


def test_a_wrong_signature_is_healed_by_leaving_all_of_them_out() -> None:
    call = ToolCall("1", "read_file", metadata=own(signature="c2ln"))
    bare = Thinking("", own(signature="YmFyZQ==", bare=True))
    text = Text("so", own(signature="dGV4dA==", **{"from": 2}))
    body = asked(FLASH, user_message("x"), said(bare), user_message("y"), said(text, call))
    body["contents"].append({"role": "user", "parts": [{"text": "z"}]})

    healed = repair(refused("Corrupted thought signature."), body)

    assert healed is not None
    sent = json.dumps(healed[0])
    assert sent.count("thoughtSignature") == sent.count(UNSIGNED) == 1
    assert all(content["parts"] for content in healed[0]["contents"])  # type: ignore[union-attr,index,call-overload]
    assert repair(refused("Corrupted thought signature."), healed[0]) is None


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        ("Thinking level MINIMAL is not supported for this model.", "thinkingConfig"),
        ("Thinking is not enabled for models/x", "thinkingConfig"),
        ("temperature is not supported", "temperature"),
        ("the supported range of maxOutputTokens is", "maxOutputTokens"),
    ],
)
def test_an_option_that_is_refused_is_left_out(words: str, gone: str) -> None:
    body = asked(FLASH, user_message("x"), effort="low", temperature=0.1, max_output=9)

    healed = repair(refused(words), body)

    assert healed is not None
    assert gone not in json.dumps(healed[0])
    assert repair(refused(words, status=500), body) is None


# Bodies of Gemini become conversations.


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.name[:-13])
def test_a_recorded_request_comes_back_as_it_was(path: Any) -> None:
    data = json.loads(path.read_text("utf-8"))
    model = known("gemini-2.5-pro")

    read = ingest(data, "gemini", "gemini-2.5-pro")
    messages, _ = normalize(read.conversation.path, model)
    system = read.conversation.system
    again = asked(model, *messages, system=system, tools=read.tools)

    assert check(json.loads(json.dumps(again)), model.ref.name) == []
    assert marks(again) == marks(data)
    functions = [tool for tool in data.get("tools", []) if "functionDeclarations" in tool]
    assert len(again.get("tools", [])) == len(functions)


def marks(body: Body) -> list[tuple[str, Any]]:
    """The texts, calls, answers and signatures of *body* in order, whichever content has them."""
    found: list[tuple[str, Any]] = []
    for part in (part for content in body["contents"] for part in content["parts"]):
        signature = part.get("thoughtSignature")
        if part.get("text"):
            found.append(("text", part["text"]))
        if "functionCall" in part:
            call = part["functionCall"]
            found.append(("call", (call["id"], call["name"], call["args"], signature)))
        if "functionResponse" in part:
            found.append(("answer", (part["functionResponse"]["id"])))
    # Files kept at the vendor are told in words instead.
    return [
        mark for mark in found if "not included" not in str(mark) and "omitted" not in str(mark)
    ]


def test_both_spellings_and_both_alphabets_are_read() -> None:
    body: Body = {
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "tools": [
            {"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]},
            {"google_search": {}},
        ],
        "contents": [
            {
                "parts": [
                    {"inline_data": {"mime_type": "image/png", "data": "_-8"}},
                    {"file_data": {"file_uri": "files/1"}},
                    {"text": "see\x1b[31m"},
                ]
            },
            {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True},
                    {"text": "ok", "thought_signature": "c2ln"},
                    {"text": "", "thought_signature": "dGFpbA=="},
                    {"function_call": {"name": "f", "args": {"snake_case": 1}}},
                    {"function_call": {"name": "f"}},
                    {"executable_code": {"code": "1"}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"function_response": {"name": "f", "response": {"output": "A"}}},
                    {"function_response": {"name": "f", "response": {"error": "no"}}},
                ],
            },
            {"role": "function", "parts": [{"text": "and?"}]},
        ],
    }

    read = ingest(body, "gemini", "gemini-3.5-flash")

    user, spoken, results, last = read.conversation.path
    assert read.conversation.system == "Be brief."
    assert [dict(tool.schema) for tool in read.tools] == [{"type": "object"}]
    assert read.notes[0] == "tools[1]: 'googleSearch' is not carried over"
    assert isinstance(user.parts[0], Image)
    assert user.parts[0].data == b"\xff\xef"
    assert [part.text for part in user.parts[1:] if isinstance(part, Text)] == [
        "[file not included: files/1]",
        "see",
    ]
    assert [type(part).__name__ for part in spoken.parts] == [
        "Thinking", "Text", "Thinking", "ToolCall", "ToolCall", "Opaque",
    ]  # fmt: skip
    assert spoken.tool_calls[0].arguments == {"snake_case": 1}
    answers = [part for part in results.parts if isinstance(part, ToolResult)]
    assert [part.call_id for part in answers] == [call.id for call in spoken.tool_calls]
    assert [(part.text, part.is_error) for part in answers] == [("A", False), ("no", True)]
    assert last.text == "and?"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "contents: is missing"),
        ({"contents": 3}, "contents: expected a list"),
        ({"contents": []}, "contents: holds no messages"),
        ([3], "[0]: expected an object"),
        ([{"role": "system", "parts": []}], "[0].role: 'system' is none of: user, model"),
        ([{"role": "user", "parts": "x"}], "[0].parts: expected a list"),
        ([{"role": [3], "parts": []}], "[0].role: [3] is none of: user, model"),
        ([{"role": "model", "parts": [{}]}], "[0].parts[0]: holds nothing"),
        (
            {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "?"}}]}]},
            "contents[0].parts[0].inlineData.data: is not base64",
        ),
        (
            {"contents": [{"role": "model", "parts": [{"functionCall": {}}]}]},
            "contents[0].parts[0].functionCall.name: is missing",
        ),
        (
            {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": "x"}}]}]},
            "contents[0].parts[0].functionResponse.response: expected an object",
        ),
    ],
)
def test_a_body_that_breaks_the_format_is_refused_with_its_place(body: Any, message: str) -> None:
    with pytest.raises(CodecError) as caught:
        ingest(body, "gemini")

    assert caught.value.message.startswith(message)

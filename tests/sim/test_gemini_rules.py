"""One deliberately wrong Gemini request for every rule, and the real ones that pass them all."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.sim.app import SimRequest, Simulator
from flux_tui.sim.rules.gemini import check
from flux_tui.sim.rules.gemini_models import PROFILES, profile_of
from flux_tui.sim.rules.gemini_shapes import canonical
from tests.sim.helpers import recorded, recorded_root

Body = dict[str, Any]
MODEL = "gemini-3.5-flash"
SIGNED = "c2lnbmVk"
GOOD: Body = {
    "contents": [
        {"role": "user", "parts": [{"text": "Compare a.md and b.md."}]},
        {
            "role": "model",
            "parts": [
                {"text": "I read both.", "thoughtSignature": SIGNED},
                {
                    "functionCall": {"id": "1", "name": "read_file", "args": {"path": "a.md"}},
                    "thoughtSignature": SIGNED,
                },
                {"functionCall": {"id": "2", "name": "read_file", "args": {"path": "b.md"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "1", "name": "read_file", "response": {"output": "A"}}},
                {"functionResponse": {"id": "2", "name": "read_file", "response": {"error": "no"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "Well?"}]},
    ],
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "read_file",
                    "description": "Read a file.",
                    "parametersJsonSchema": {
                        "type": "object",
                        "properties": {"path": {"type": "string"}},
                        "required": ["path"],
                    },
                }
            ]
        }
    ],
    "generationConfig": {
        "maxOutputTokens": 1000,
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"},
    },
}


def content(body: Body, at: int) -> Body:
    return body["contents"][at]


def part(body: Body, at: int, place: int) -> Body:
    return body["contents"][at]["parts"][place]


def function(body: Body) -> Body:
    return body["tools"][0]["functionDeclarations"][0]


def config(**more: object) -> Callable[[Body], None]:
    return lambda body: body["generationConfig"].update(more)


def thinking(**more: object) -> Callable[[Body], None]:
    return lambda body: body["generationConfig"].update(thinkingConfig=more)


def calling(**more: object) -> Callable[[Body], None]:
    return lambda body: body.update(toolConfig={"functionCallingConfig": more})


def schema(**more: object) -> Callable[[Body], None]:
    return lambda body: function(body)["parametersJsonSchema"].update(more)


def image(mime: str, data: str = "aGk=") -> Callable[[Body], None]:
    blob = {"inlineData": {"mimeType": mime, "data": data}}
    return lambda body: content(body, 3)["parts"].append(blob)


def added(at: int, *parts: Body, role: str = "model") -> Callable[[Body], None]:
    return lambda body: body["contents"].insert(at, {"role": role, "parts": list(parts)})


CALL: Body = {"functionCall": {"name": "read_file", "args": {}}, "thoughtSignature": SIGNED}
ANSWER: Body = {"functionResponse": {"name": "read_file", "response": {"output": ""}}}
RESPONSE = "contents[2].parts[0].function_response"

WRONG: dict[str, tuple[str, Callable[[Body], None], str]] = {
    "the model speaks first": ("G1", added(0, {"text": "Hello."}), "begin with a user turn"),
    "an unknown role": ("G2", lambda b: content(b, 0).update(role="assistant"), "a valid role"),
    "a system role": ("G2", lambda b: content(b, 0).update(role="system"), "a valid role"),
    "a user calls": ("G2", lambda b: content(b, 0)["parts"].append(CALL), "the role model"),
    "a model answers": ("G2", lambda b: content(b, 1)["parts"].append(ANSWER), "the role user"),
    "a user thinks": ("G2", lambda b: part(b, 0, 0).update(thought=True), "thoughts are in a turn"),
    "an image as system instruction": (
        "G2",
        lambda b: b["systemInstruction"]["parts"].append({"fileData": {"fileUri": "x"}}),
        "only supports text",
    ),
    "no contents": ("G-missing", lambda b: b.pop("contents"), "contents is not specified"),
    "empty contents": ("G3", lambda b: b["contents"].clear(), "contents is not specified"),
    "no parts": ("G3", lambda b: content(b, 0)["parts"].clear(), "must not be empty"),
    "an empty text": ("G3", lambda b: part(b, 0, 0).update(text=""), "must have a text parameter"),
    "an empty part": ("G5", lambda b: content(b, 0)["parts"].append({}), "one initialized field"),
    "two data fields": (
        "G5",
        lambda b: part(b, 0, 0).update(fileData={"fileUri": "x"}),
        "oneof field 'data' is already set. Cannot set 'fileData'",
    ),
    "an unknown field": (
        "G-unknown",
        lambda b: b.update(stream=True),
        'Unknown name "stream": Cannot find field.',
    ),
    "an unknown field of a part": (
        "G-unknown",
        lambda b: part(b, 0, 0).update(cache_control={}),
        "Unknown name \"cacheControl\" at 'contents[0].parts[0]'",
    ),
    "JSON Schema in Google's own schema": (
        "G-unknown",
        lambda b: function(b).update(parameters={"type": "OBJECT", "additionalProperties": False}),
        "Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters'",
    ),
    "a text that is a number": ("G-type", lambda b: part(b, 0, 0).update(text=3), "(TYPE_STRING)"),
    "arguments that are text": (
        "G-type",
        lambda b: part(b, 1, 1)["functionCall"].update(args="{}"),
        "google.protobuf.Struct",
    ),
    "a response that is text": (
        "G-type",
        lambda b: part(b, 2, 0)["functionResponse"].update(response="A"),
        f"Invalid value at '{RESPONSE}.response'",
    ),
    "a signature that is no base64": (
        "G-type",
        lambda b: part(b, 1, 0).update(thoughtSignature="?"),
        "Base64 decoding failed",
    ),
    "a call without its answer": (
        "G6",
        lambda b: content(b, 2)["parts"].pop(),
        "is equal to the number of function call parts",
    ),
    "calls at the end": ("G6", lambda b: b["contents"].extend([{"role": "model", "parts": [CALL]}]),
                         "is equal to the number"),
    "answers in another order": (
        "G6",
        lambda b: content(b, 2)["parts"].reverse(),
        "The ids of both must be the same",
    ),
    "an answer under another name": (
        "G6",
        lambda b: part(b, 2, 0)["functionResponse"].update(name="write_file"),
        "The names of both",
    ),
    "an answer to nothing": (
        "G6",
        added(1, ANSWER, role="user"),
        "immediately after a function call turn",
    ),
    "text among the answers": (
        "G9",
        lambda b: content(b, 2)["parts"].append({"text": "Well?"}),
        "the number of function response parts",
    ),
    "a bad function name": ("G7", lambda b: function(b).update(name="1 read"), "Invalid function"),
    "an answer without a name": (
        "G7",
        lambda b: part(b, 2, 0)["functionResponse"].update(name=""),
        "Name cannot be empty",
    ),
    "an unsigned call": (
        "G8",
        lambda b: (part(b, 1, 1).pop("thoughtSignature"), b["contents"].pop()),
        "missing a thought_signature in functionCall parts",
    ),
    "a GIF": ("G-mime", image("image/gif"), "Unsupported MIME type: image/gif"),
    "an empty image": ("G-file", image("image/png", ""), "Unable to process input image"),
    "a reference in a response": (
        "G-ref",
        lambda b: part(b, 2, 0)["functionResponse"].update(response={"output": {"$ref": "x"}}),
        "unknown file",
    ),
    "a function given twice": (
        "G-tool",
        lambda b: b["tools"].append(copy.deepcopy(b["tools"][0])),
        "Duplicate function declaration found: read_file",
    ),
    "parameters that are no object": ("G-schema", schema(type="string"), "must be of type OBJECT"),
    "both kinds of schema": (
        "G-schema",
        lambda b: function(b).update(parameters={"type": "OBJECT"}),
        "only one of parameters and parameters_json_schema",
    ),
    "a list of nothing": (
        "G-schema",
        schema(properties={"path": {"type": "array"}}),
        "parameters_json_schema.properties[path].items: missing field",
    ),
    "a required stranger": ("G-schema", schema(required=["file"]), "property is not defined: file"),
    "a reference to nothing": (
        "G-schema",
        schema(properties={"path": {"$ref": "#/$defs/a"}}),
        "reference to undefined schema",
    ),
    "a mode without functions": (
        "G-choice",
        lambda b: (calling(mode="ANY")(b), b.pop("tools")),
        "is set without function_declarations",
    ),
    "allowed names in mode AUTO": (
        "G-choice",
        calling(mode="AUTO", allowedFunctionNames=["read_file"]),
        "should only be set",
    ),
    "an allowed name that is none": (
        "G-choice",
        calling(mode="ANY", allowedFunctionNames=["write_file"]),
        "write_file in allowed_function_names",
    ),
    "an unknown mode": ("G-type", calling(mode="SOMETIMES"), '"SOMETIMES"'),
    "a level and a budget": (
        "G-thinking",
        thinking(thinkingLevel="LOW", thinkingBudget=128),
        "only one of thinking budget and thinking level",
    ),
    "an unknown level": ("G-type", thinking(thinkingLevel="EXTREME"), '"EXTREME"'),
    "a budget too large": ("G-budget", thinking(thinkingBudget=99_999), "99999 is invalid"),
    "no thinking at all": ("G-budget", thinking(thinkingBudget=0), "only works in thinking mode"),
    "too much output": ("G-output", config(maxOutputTokens=70_000), "65537 (exclusive)"),
    "a temperature of 3": ("G-sampling", config(temperature=3), "[0.0, 2.0]"),
    "six stop sequences": ("G-stop", config(stopSequences=list("abcdef")), "maximum of 5"),
    "cached content beside tools": (
        "G-cached",
        lambda b: b.update(cachedContent="cachedContents/a"),
        "CachedContent can not be used",
    ),
}  # fmt: skip


def test_a_good_request_breaks_no_rule() -> None:
    assert check(GOOD, MODEL) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_is_refused_by_its_rule(name: str) -> None:
    rule, spoil, words = WRONG[name]
    body = copy.deepcopy(GOOD)
    spoil(body)

    found = check(body, MODEL)

    assert rule in [violation.rule for violation in found]
    assert any(words in violation.message for violation in found if violation.rule == rule)


@pytest.mark.parametrize(
    ("model", "wanted", "words"),
    [
        ("gemini-2.5-flash", {"thinkingLevel": "LOW"}, "Thinking level is not supported"),
        ("gemini-2.0-flash", {"includeThoughts": True}, "Thinking is not enabled"),
        ("gemini-3.8-flash", {"thinkingLevel": "MINIMAL"}, "level MINIMAL is not supported"),
        ("gemini-3-pro-preview", {"thinkingLevel": "MEDIUM"}, "level MEDIUM is not supported"),
        ("gemini-2.5-pro", {"thinkingBudget": 0}, "Budget 0 is invalid"),
        ("gemini-2.5-flash-lite", {"thinkingBudget": 100}, "between 512 and 24576"),
    ],
)
def test_each_family_thinks_in_its_own_way(model: str, wanted: Body, words: str) -> None:
    body = {"contents": [{"parts": [{"text": "x"}]}]}

    found = check({**body, "generationConfig": {"thinkingConfig": wanted}}, model)

    assert [words in violation.message for violation in found] == [True]
    assert check(body, model) == []


def test_an_older_model_wants_no_signature_and_no_files_in_results() -> None:
    body = copy.deepcopy(GOOD)
    body["contents"].pop()
    del part(body, 1, 1)["thoughtSignature"]
    del body["generationConfig"]
    assert check(body, "gemini-2.5-flash") == []

    file = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
    part(body, 2, 0)["functionResponse"]["parts"] = [file]

    assert [v.rule for v in check(body, "gemini-2.5-flash")] == ["G-result-files"]
    assert [v.rule for v in check(body, MODEL)] == ["G8"]


def test_calls_of_earlier_turns_need_no_signature() -> None:
    body = copy.deepcopy(GOOD)
    del part(body, 1, 1)["thoughtSignature"]

    assert check(body, MODEL) == []


def test_both_spellings_of_a_field_are_one() -> None:
    spelt = json.loads(
        json.dumps(GOOD)
        .replace("functionCall", "function_call")
        .replace("thoughtSignature", "thought_signature")
        .replace("parametersJsonSchema", "parameters_json_schema")
    )

    assert spelt != GOOD
    assert canonical(spelt) == GOOD
    assert check(spelt, MODEL) == []


def test_every_row_of_the_profiles_is_reached() -> None:
    assert {profile_of(row.prefixes[0] + "-x") for row in PROFILES} == set(PROFILES)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [path] + [
        one
        for key, item in inner
        for one in (places(item, (*path, key)) if isinstance(item, dict | list) else [(*path, key)])
    ]


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["text", "parts", "type", "$ref", "x"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


@given(st.sampled_from(places(GOOD)[1:]), odd)
def test_no_odd_value_anywhere_makes_the_simulator_fall_over(
    path: tuple[Any, ...], value: Any
) -> None:
    body = copy.deepcopy(GOOD)
    at: Any = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    address = f"/gemini/v1beta/models/{MODEL}:generateContent"
    request = SimRequest("POST", address, {"x-goog-api-key": "k"}, json.dumps(body).encode())

    status = asyncio.run(Simulator().handle(request)).status

    assert status in {200, 400}


@pytest.mark.skipif(not recorded_root().is_dir(), reason="the recorded traffic is not at hand")
def test_every_request_that_google_accepted_passes() -> None:
    rows = (recorded_root() / "gemini" / "index.jsonl").read_text("utf-8").splitlines()
    models = {row["name"]: row["model"] for row in map(json.loads, rows)}
    accepted = [(name, body) for name, status, body in recorded("gemini") if status == 200]

    refused = {name: found for name, body in accepted if (found := check(body, models[name]))}

    assert len(accepted) > 25
    assert refused == {}

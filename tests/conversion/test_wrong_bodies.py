"""A good body of each encoder, made wrong in one way, is refused by the rule of that name."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from flux_tui.core.messages import Image, Message, Text, ToolCall, ToolResult, user_message
from flux_tui.core.models import Api
from flux_tui.core.normalize import normalize
from flux_tui.providers.base import ToolSpec
from tests.conversion.formats import FORMATS, TARGETS, Body, encode, refusals
from tests.core.strategies import PNG

Change = Callable[[Body], None]
Step = str | int

TOOLS = (ToolSpec("read_file", "Read.", {"type": "object", "properties": {"path": {}}}),)
HISTORY = (
    user_message("look", (Image(PNG, "image/png", "a.png", 1, 1),)),
    Message(
        role="assistant",
        parts=(Text("so"), *(ToolCall(f"call_{n}", "read_file", {"path": n}) for n in "ab")),
        stop="tool_calls",
    ),
    Message(
        role="tool",
        parts=tuple(ToolResult(f"call_{n}", "read_file", (Text(n),)) for n in "ab"),
    ),
    Message(role="assistant", parts=(Text("done"),), stop="end"),
    user_message("next"),
)


def good(api: Api) -> tuple[Any, Body]:
    model = next(one for one in TARGETS if one.api == api)
    return model, encode(model, normalize(HISTORY, model)[0], "Be brief.", TOOLS)


def _reach(body: Body, path: tuple[Step, ...]) -> Any:
    at: Any = body
    for step in path:
        at = at[step]
    return at


def put(*path: Step, value: Any) -> Change:
    """Set what stands at *path*."""

    def change(body: Body) -> None:
        _reach(body, path[:-1])[path[-1]] = copy.deepcopy(value)

    return change


def drop(*path: Step) -> Change:
    """Take away what stands at *path*."""

    def change(body: Body) -> None:
        del _reach(body, path[:-1])[path[-1]]

    return change


def add(*path: Step, value: Any) -> Change:
    """Insert into a list; the last step is the place."""

    def change(body: Body) -> None:
        _reach(body, path[:-1]).insert(path[-1], copy.deepcopy(value))

    return change


def twice(*path: Step) -> Change:
    """Repeat what stands at *path*, behind it."""

    def change(body: Body) -> None:
        _reach(body, path[:-1]).insert(int(path[-1]) + 1, copy.deepcopy(_reach(body, path)))

    return change


def both(*changes: Change) -> Change:
    def change(body: Body) -> None:
        for one in changes:
            one(body)

    return change


END = 99  # behind the last of any list here
LONG = "x" * 70
SYSTEM: Body = {"role": "system", "content": "Be quick."}
BMP = "data:image/bmp;base64,aGk="

DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
A_TEXT = {"type": "text", "text": "hm"}
A_ORPHAN = {"type": "tool_result", "tool_use_id": "nobody", "content": "x"}
A_CACHE = {"type": "ephemeral"}
A_THINKING = {"type": "thinking", "thinking": "hm", "signature": ""}


def a_rename(name: str) -> Change:
    return both(
        put("messages", 1, "content", 1, "id", value=name),
        put("messages", 2, "content", 0, "tool_use_id", value=name),
    )


ANTHROPIC: list[tuple[str, str, Change]] = [
    ("A0", "an unknown field", put("nonsense", value=1)),
    ("A0", "no limit of tokens", drop("max_tokens")),
    ("A0", "an unknown role", put("messages", 0, "role", value="robot")),
    ("A1", "no messages", put("messages", value=[])),
    ("A1", "an empty turn", put("messages", 4, "content", value=[])),
    ("A1", "an empty text", put("messages", 4, "content", 0, "text", value="")),
    ("A2", "a blank text", put("messages", 4, "content", 0, "text", value=" \n")),
    (
        "A3",
        "a call by the user",
        add(
            "messages",
            4,
            "content",
            0,
            value={"type": "tool_use", "id": "c", "name": "f", "input": {}},
        ),
    ),
    ("A4", "an id with a bar", a_rename("a|b")),
    ("A5", "arguments as text", put("messages", 1, "content", 1, "input", value="{}")),
    ("A6", "a tool's name with a space", put("tools", 0, "name", value="a b")),
    ("A6", "two tools of one name", both(twice("tools", 0), drop("tools", 0, "cache_control"))),
    ("A7", "a document in an answer", add("messages", 3, "content", 0, value=DOCUMENT)),
    (
        "A8",
        "a user who cites",
        put("messages", 4, "content", 0, "citations", value=[{"type": "char_location"}]),
    ),
    ("A9", "unsigned thinking", add("messages", 3, "content", 0, value=A_THINKING)),
    ("A10", "a call without a result", drop("messages", 2, "content", 1)),
    ("A11", "two results of one call", twice("messages", 2, "content", 0)),
    ("A12", "words before the results", add("messages", 2, "content", 0, value=A_TEXT)),
    ("A13", "words after the calls", add("messages", 1, "content", END, value=A_TEXT)),
    ("A14", "a result that nobody asked for", add("messages", 4, "content", 0, value=A_ORPHAN)),
    ("A15", "a late system prompt", add("messages", END, value=SYSTEM)),
    (
        "A16",
        "an answer at the end",
        both(put("model", value="claude-opus-4-8"), drop("messages", 4)),
    ),
    ("A17", "a fifth breakpoint", put("messages", 0, "content", 1, "cache_control", value=A_CACHE)),
    (
        "A18",
        "a budget that is too small",
        put("thinking", value={"type": "enabled", "budget_tokens": 9}),
    ),
    ("A19", "a temperature", put("temperature", value=0.5)),
    (
        "A-last-thinking",
        "thinking at the end of an answer",
        add("messages", 3, "content", END, value={**A_THINKING, "signature": "s"}),
    ),
    (
        "A-first-thinking",
        "calls without the thinking before them",
        both(
            drop("messages", 4),
            drop("messages", 3),
            put("thinking", value={"type": "enabled", "budget_tokens": 1024}),
        ),
    ),
    (
        "A-image",
        "a picture of another kind",
        put("messages", 0, "content", 0, "source", "media_type", value="image/bmp"),
    ),
    ("A-max-tokens", "more output than there is", put("max_tokens", value=64_001)),
    (
        "A-tool-choice",
        "a choice without tools",
        both(drop("tools"), put("tool_choice", value={"type": "auto"})),
    ),
]

REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c"}


def r_rename(name: str) -> Change:
    return both(put("input", 2, "call_id", value=name), put("input", 4, "call_id", value=name))


RESPONSES: list[tuple[str, str, Change]] = [
    ("R0", "an unknown field", put("nonsense", value=1)),
    ("R0", "no model", drop("model")),
    ("R0", "less output than a word", put("max_output_tokens", value=5)),
    ("R1", "a call id of 70 characters", r_rename(LONG)),
    ("R2", "an item id of another kind", put("input", 2, "id", value="call_1")),
    ("R3", "an item id of 73 characters", put("input", 2, "id", value=f"fc_{LONG}")),
    ("R4", "a call without a result", drop("input", 4)),
    ("R5", "reasoning whose follower lost its id", add("input", 2, value=REASONING)),
    (
        "R6",
        "reasoning without its ciphertext",
        both(
            put("input", 2, "id", value="fc_1"),
            add("input", 2, value={**REASONING, "encrypted_content": None}),
        ),
    ),
    (
        "R7",
        "a reference to what was never stored",
        add("input", 0, value={"type": "item_reference", "id": "msg_1"}),
    ),
    (
        "R8",
        "a user's part in an answer",
        put("input", 6, "content", value=[{"type": "input_text", "text": "x"}]),
    ),
    ("R9", "two results of one call", twice("input", 5)),
    (
        "R9",
        "a result that nobody asked for",
        add(
            "input", END, value={"type": "function_call_output", "call_id": "nobody", "output": "x"}
        ),
    ),
    ("R10", "a cache key of 70 characters", put("prompt_cache_key", value=LONG)),
    ("R-name", "a tool's name with a point", put("tools", 0, "name", value="a.b")),
    ("R-tool", "two tools of one name", twice("tools", 0)),
    (
        "R-tool",
        "a schema without properties",
        put("tools", 0, "parameters", value={"type": "object"}),
    ),
    (
        "R-tool-choice",
        "a choice of no tool",
        put("tool_choice", value={"type": "function", "name": "nobody"}),
    ),
    ("R-effort", "an effort the model has not", put("reasoning", value={"effort": "max"})),
    (
        "R-sampling",
        "a temperature with reasoning",
        both(put("reasoning", value={"effort": "low"}), put("temperature", value=0.5)),
    ),
    ("R-image", "a picture of another kind", put("input", 0, "content", 0, "image_url", value=BMP)),
    (
        "R-file",
        "a file that is no data URL",
        add(
            "input",
            0,
            "content",
            0,
            value={"type": "input_file", "filename": "a.pdf", "file_data": "aGk="},
        ),
    ),
]


def c_rename(name: str) -> Change:
    return both(
        put("messages", 2, "tool_calls", 0, "id", value=name),
        put("messages", 3, "tool_call_id", value=name),
    )


def c_arguments(text: str) -> Change:
    return put("messages", 2, "tool_calls", 0, "function", "arguments", value=text)


CHAT: list[tuple[str, str, Change]] = [
    ("C0", "an unknown field", put("nonsense", value=1)),
    ("C0", "no messages", put("messages", value=[])),
    ("C1", "a tool's name with a point", put("tools", 0, "function", "name", value="a.b")),
    (
        "C2",
        "a result that nobody asked for",
        add("messages", 6, value={"role": "tool", "tool_call_id": "nobody", "content": "x"}),
    ),
    ("C3", "a call id of 70 characters", c_rename(LONG)),
    ("C4", "an answer without a word", put("messages", 5, "content", value=None)),
    ("C5", "an empty list of calls", put("messages", 5, "tool_calls", value=[])),
    ("C6", "arguments that are cut off", c_arguments('{"path')),
    ("C6", "arguments that are no object", c_arguments("[]")),
    ("C7", "a call without a result", drop("messages", 4)),
    (
        "C8",
        "a picture in a result",
        put(
            "messages",
            3,
            "content",
            value=[{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}],
        ),
    ),
    (
        "C9",
        "the old name of the limit",
        both(put("model", value="gpt-5"), put("max_tokens", value=100)),
    ),
    (
        "C-sampling",
        "a temperature with reasoning",
        both(put("model", value="gpt-5"), put("temperature", value=0.5)),
    ),
    ("C-effort", "an effort without reasoning", put("reasoning_effort", value="low")),
    ("C-stop", "too many stops", put("stop", value=list("abcde"))),
    (
        "C-image",
        "a picture from the disk",
        put("messages", 1, "content", 0, "image_url", "url", value="file:///etc/passwd"),
    ),
    (
        "C-file",
        "a file that is no data URL",
        add(
            "messages",
            1,
            "content",
            0,
            value={"type": "file", "file": {"file_data": "aGk=", "filename": "a.pdf"}},
        ),
    ),
    ("C-tool", "no tools, but a list of them", put("tools", value=[])),
    (
        "C-tool-choice",
        "a choice of no tool",
        put("tool_choice", value={"type": "function", "function": {"name": "nobody"}}),
    ),
    ("C-cache-key", "a cache key of 70 characters", put("prompt_cache_key", value=LONG)),
]

G_SAID: Body = {"role": "model", "parts": [{"text": "x"}]}
G_CALL: Body = {"functionCall": {"name": "f", "args": {}}}

GEMINI: list[tuple[str, str, Change]] = [
    ("G-unknown", "an unknown field", put("nonsense", value=1)),
    ("G1", "an answer at the beginning", add("contents", 0, value=G_SAID)),
    ("G2", "an unknown role", put("contents", 4, "role", value="robot")),
    ("G3", "an empty turn", put("contents", 4, "parts", value=[])),
    ("G3", "an empty text", put("contents", 4, "parts", 0, "text", value="")),
    ("G5", "two things in one part", put("contents", 0, "parts", 0, "text", value="x")),
    ("G5", "nothing in a part", put("contents", 4, "parts", 0, value={})),
    ("G6", "a call without a result", drop("contents", 2, "parts", 1)),
    (
        "G6",
        "a result of another name",
        put("contents", 2, "parts", 0, "functionResponse", "name", value="other"),
    ),
    ("G7", "a name with a space", put("tools", 0, "functionDeclarations", 0, "name", value="a b")),
    (
        "G8",
        "a call without its signature",
        both(
            drop("contents", 4),
            drop("contents", 3),
            drop("contents", 1, "parts", 1, "thoughtSignature"),
        ),
    ),
    ("G9", "words among the results", add("contents", 2, "parts", END, value={"text": "x"})),
    (
        "G-mime",
        "a picture of another kind",
        put("contents", 0, "parts", 0, "inlineData", "mimeType", value="image/bmp"),
    ),
    (
        "G-ref",
        "a reference to no file",
        put("contents", 2, "parts", 0, "functionResponse", "response", value={"$ref": "x"}),
    ),
    (
        "G-type",
        "a signature that is no base64",
        put("contents", 1, "parts", 1, "thoughtSignature", value="?"),
    ),
    (
        "G-sampling",
        "a temperature that is too high",
        put("generationConfig", "temperature", value=3),
    ),
    (
        "G-output",
        "more output than there is",
        put("generationConfig", "maxOutputTokens", value=99_999_999),
    ),
    (
        "G-thinking",
        "a level and a budget",
        put(
            "generationConfig",
            "thinkingConfig",
            value={"thinkingLevel": "LOW", "thinkingBudget": 1024},
        ),
    ),
]


def m_rename(name: str) -> Change:
    return both(
        put("messages", 2, "tool_calls", 0, "id", value=name),
        put("messages", 3, "tool_call_id", value=name),
    )


MISTRAL: list[tuple[str, str, Change]] = [
    ("M0", "an unknown field", put("nonsense", value=1)),
    ("M1", "no messages", put("messages", value=[])),
    ("M1", "an answer without a word", put("messages", 5, "content", value="")),
    ("M2", "a call id of another length", m_rename("call_1")),
    ("M5", "a user right after the results", drop("messages", 5)),
    ("M6", "a late system prompt", add("messages", 2, value=SYSTEM)),
    ("M7", "an answer at the end", drop("messages", 6)),
    ("M8", "an answer to be continued in the middle", put("messages", 5, "prefix", value=True)),
    ("M9", "a temperature that is too high", put("temperature", value=9)),
    (
        "M-tool-choice",
        "a choice of no tool",
        put("tool_choice", value={"type": "function", "function": {"name": "nobody"}}),
    ),
    (
        "M-image",
        "a picture of another kind",
        put("messages", 1, "content", 0, "image_url", value={"url": BMP}),
    ),
]

H_PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}

COHERE: list[tuple[str, str, Change]] = [
    ("H0", "another vendor's field", put("top_p", value=0.5)),
    ("H0", "a picture in a result", put("messages", 3, "content", value=[H_PICTURE])),
    ("H1", "an empty question", put("messages", 1, "content", value=" ")),
    (
        "H2",
        "a result of no call",
        add("messages", 5, value={"role": "tool", "tool_call_id": "nobody", "content": "x"}),
    ),
    ("H3", "a choice that is the default", put("tool_choice", value="AUTO")),
    ("H4", "an answer at the end", drop("messages", 6)),
    ("H5", "a call without its result", drop("messages", 3)),
    ("H6", "a result without a word", put("messages", 3, "content", value="")),
    ("H8", "too many stop sequences", put("stop_sequences", value=list("abcdef"))),
    (
        "H-image",
        "a picture for a model that sees none",
        put("messages", 1, "content", value=[H_PICTURE]),
    ),
    ("H-output", "more tokens than there are", put("max_tokens", value=99_000)),
    (
        "H-thinking",
        "thoughts of a model that has none",
        both(put("model", value="command-a-03-2025"), put("thinking", value={"type": "enabled"})),
    ),
]

WRONG: Mapping[Api, list[tuple[str, str, Change]]] = {
    "anthropic": ANTHROPIC,
    "openai-responses": RESPONSES,
    "openai-chat": CHAT,
    "gemini": GEMINI,
    "mistral": MISTRAL,
    "cohere": COHERE,
}


@pytest.mark.parametrize("api", FORMATS)
def test_the_body_that_is_made_wrong_was_right(api: Api) -> None:
    assert refusals(*good(api)) == []


@pytest.mark.parametrize(
    ("api", "rule", "change"),
    [
        pytest.param(api, rule, change, id=f"{rule} {what}")
        for api, rows in WRONG.items()
        for rule, what, change in rows
    ],
)
def test_a_body_made_wrong_is_refused_by_its_rule(api: Api, rule: str, change: Change) -> None:
    model, body = good(api)
    change(body)

    broken = FORMATS[api].check(body, model)

    assert {violation.rule for violation in broken} == {rule}
    assert all(violation.message for violation in broken)


def test_there_are_wrong_bodies_for_every_format() -> None:
    counts = Counter({api: len(rows) for api, rows in WRONG.items()})

    assert counts.total() >= 60
    assert set(FORMATS) == set(WRONG)
    assert min(counts.values()) >= 10

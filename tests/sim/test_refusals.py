"""A body for every rule, wrong in exactly one way, and the rule that must refuse it."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from flux_tui.sim.rules import anthropic, openai_chat, openai_responses

Body = dict[str, object]


def user(*blocks: object) -> Body:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: object) -> Body:
    return {"role": "assistant", "content": list(blocks)}


def text(value: str = "hi", **more: object) -> Body:
    return {"type": "text", "text": value, **more}


def use(name: str = "a", tool: str = "t", **more: object) -> Body:
    return {"type": "tool_use", "id": name, "name": tool, "input": {}, **more}


def result(name: str = "a", **more: object) -> Body:
    return {"type": "tool_result", "tool_use_id": name, "content": "ok", **more}


THINKING = {"type": "thinking", "thinking": "x", "signature": "s"}
IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
}
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
TOOL = {"name": "t", "input_schema": {"type": "object"}}
CACHED = {"cache_control": {"type": "ephemeral"}}
ENABLED = {"type": "enabled", "budget_tokens": 2000}


def claude(*messages: object, **more: object) -> Body:
    return {
        "model": "claude-sonnet-4-5",
        "max_tokens": 4096,
        "messages": list(messages) or [user(text())],
        **more,
    }


LOOP = (user(text()), assistant(text(), use()), user(result()))
ANTHROPIC_GOOD: dict[str, Body] = {
    "plain": claude(),
    "string content": claude({"role": "user", "content": "hi"}),
    "tool loop": claude(*LOOP, tools=[TOOL]),
    "merged neighbours": claude(user(text()), user(text("again"))),
    "results in two messages": claude(
        user(text()), assistant(use("a"), use("b")), user(result("a")), user(result("b"))
    ),
    "text after results": claude(*LOOP[:2], user(result(), text())),
    "a tool loop that thinks": claude(
        user(text()), assistant(THINKING, use()), user(result()), tools=[TOOL], thinking=ENABLED
    ),
    "thinking after another model's calls": claude(
        *LOOP, assistant(text()), user(text()), tools=[TOOL], thinking=ENABLED
    ),
    "thinking echoed": claude(user(text()), assistant(THINKING, text()), user(text())),
    "four breakpoints": claude(user(*[text(**CACHED)] * 4)),
    "image in a result": claude(*LOOP[:2], user(result(content=[IMAGE]))),
    "prefill on an old model": claude(user(text()), assistant(text("I"))),
    "system inside": claude(
        user(text()), {"role": "system", "content": "be brief"}, model="claude-opus-5"
    ),
    "between tools": claude(model="claude-sonnet-5-5", thinking={"type": "between_tools"}),
    "effort": claude(model="claude-opus-4-8", output_config={"effort": "xhigh"}),
}
ANTHROPIC_BAD: list[tuple[str, Body]] = [
    ("A0", claude(nonsense=1)),
    ("A0", {"model": "claude-sonnet-4-5", "messages": [user(text())]}),
    ("A0", claude(max_tokens="many")),
    ("A0", claude(user(text(cite=1)))),
    ("A0", claude(user({"type": "video"}))),
    ("A0", claude({"role": "robot", "content": "hi"})),
    ("A1", claude(messages=[])),
    ("A1", claude({"role": "user", "content": ""})),
    ("A1", claude(user(text("")))),
    ("A1", claude(user(text()), assistant(), user(text()))),
    ("A1", claude(*LOOP[:2], user(result(content=[])))),
    ("A2", claude(user(text(" \n")))),
    ("A2", claude(system=[text("  ")])),
    ("A3", claude(user(use()))),
    ("A3", claude(user(text()), assistant(IMAGE), user(text()))),
    ("A3", claude(user(text()), assistant(result()), user(text()))),
    ("A4", claude(user(text()), assistant(use("a|b")), user(result("a|b")))),
    ("A4", claude(user(text()), assistant(use(), use()), user(result()))),
    ("A5", claude(user(text()), assistant(use(input="{}")), user(result()))),
    ("A6", claude(tools=[{**TOOL, "name": "a b"}])),
    ("A6", claude(tools=[TOOL, TOOL])),
    ("A7", claude(user(text()), assistant(DOCUMENT), user(text()))),
    ("A8", claude(user(text(citations=[{"type": "char_location"}])))),
    ("A9", claude(user(THINKING))),
    ("A9", claude(user(text()), assistant({**THINKING, "signature": ""}, text()), user(text()))),
    ("A-last-thinking", claude(user(text()), assistant(text(), THINKING), user(text()))),
    ("A-first-thinking", claude(*LOOP, tools=[TOOL], thinking=ENABLED)),
    ("A10", claude(user(text()), assistant(use()), user(text()))),
    ("A10", claude(user(text()), assistant(use("a"), use("b")), user(result("a")))),
    ("A11", claude(*LOOP[:2], user(result(), result()))),
    ("A12", claude(*LOOP[:2], user(text(), result()))),
    ("A13", claude(user(text()), assistant(use(), text()), user(result()))),
    ("A14", claude(user(result()))),
    ("A14", claude(*LOOP[:2], user(result(), result("other")))),
    ("A15", claude(user(text()), {"role": "system", "content": "x"})),
    (
        "A15",
        claude(
            user(text()), {"role": "system", "content": "x"}, user(text()), model="claude-opus-5"
        ),
    ),
    ("A16", claude(user(text()), assistant(text()), model="claude-opus-4-8")),
    ("A16", claude(user(text()), assistant(text("trailing ")))),
    ("A17", claude(user(*[text(**CACHED)] * 5))),
    ("A17", claude(user(*[text(**CACHED)] * 4), **CACHED)),
    ("A18", claude(thinking={"type": "enabled", "budget_tokens": 100})),
    ("A18", claude(thinking={"type": "enabled", "budget_tokens": 4096})),
    ("A19", claude(temperature=1)),
    ("A19", claude(top_p=0.5)),
    ("A19", claude(top_k=4)),
    ("A-thinking", claude(thinking={"type": "adaptive"})),
    ("A-thinking", claude(model="claude-opus-4-8", thinking=ENABLED)),
    ("A-thinking", claude(model="claude-opus-5-5", thinking={"type": "disabled"})),
    ("A-effort", claude(output_config={"effort": "low"})),
    ("A-effort", claude(model="claude-sonnet-4-6", output_config={"effort": "xhigh"})),
    (
        "A-effort",
        claude(
            model="claude-opus-5",
            output_config={"effort": "max"},
            thinking={"type": "disabled"},
        ),
    ),
    (
        "A-forced-tool",
        claude(model="claude-sonnet-5-5", tools=[TOOL], tool_choice={"type": "any"}),
    ),
    ("A-forced-tool", claude(tools=[TOOL], tool_choice={"type": "any"}, thinking=ENABLED)),
    ("A-tool-choice", claude(tool_choice={"type": "auto"})),
    ("A-tool-choice", claude(tools=[TOOL], tool_choice={"type": "tool", "name": "no"})),
    ("A-max-tokens", claude(max_tokens=64_001)),
    (
        "A-image",
        claude(user({"type": "image", "source": {**IMAGE["source"], "media_type": "image/bmp"}})),
    ),
    (
        "A-image",
        claude(user({"type": "image", "source": {**IMAGE["source"], "data": "a" * 7_000_000}})),
    ),
]


def said(content: object = "hi", role: str = "user", **more: object) -> Body:
    return {"role": role, "content": content, **more}


def call(name: str = "c", **more: object) -> Body:
    return {"type": "function_call", "call_id": name, "name": "t", "arguments": "{}", **more}


def output(name: str = "c", value: object = "ok") -> Body:
    return {"type": "function_call_output", "call_id": name, "output": value}


def reasoning(**more: object) -> Body:
    return {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "g", **more}


def part(kind: str, **more: object) -> Body:
    return {"type": kind, **more}


SCHEMA: Body = {"type": "object", "properties": {}}
FUNCTION: Body = {"type": "function", "name": "t", "parameters": SCHEMA, "strict": False}
PNG = "data:image/png;base64,aGk="


def gpt(*items: object, **more: object) -> Body:
    return {"model": "gpt-6.1-sol", "store": False, "input": list(items) or [said()], **more}


RESPONSES_GOOD: dict[str, Body] = {
    "plain": gpt(),
    "string input": {"model": "gpt-4o", "input": "hi"},
    "tool loop": gpt(said(), call(), output(), tools=[FUNCTION]),
    "easy assistant": gpt(said(), said("yes", "assistant"), said()),
    "reasoning with its follower": gpt(said(), reasoning(), call(id="fc_1"), output()),
    "stored reasoning": gpt(said(), reasoning(), call(id="fc_1"), output(), store=True),
    "image": gpt(said([part("input_image", image_url=PNG, detail="auto")])),
    "image in a result": gpt(said(), call(), output(value=[part("input_image", image_url=PNG)])),
    "file": gpt(
        said([part("input_file", filename="a.pdf", file_data="data:application/pdf;base64,aGk=")])
    ),
    "developer": gpt(said("be brief", "developer"), said()),
    "effort max": gpt(reasoning={"effort": "max", "summary": "auto"}),
    "cool without reasoning": gpt(model="gpt-5.4", temperature=0.2),
    "chained result": gpt(output(), previous_response_id="resp_1"),
}
RESPONSES_BAD: list[tuple[str, Body]] = [
    ("R0", gpt(nonsense=1)),
    ("R0", {"input": "hi"}),
    ("R0", {"model": "gpt-4o"}),
    ("R0", gpt(max_output_tokens=5)),
    ("R0", gpt(said(5))),
    ("R0", gpt(said(name="x"))),
    ("R0", gpt(said(role="robot"))),
    ("R1", gpt(said(), call("c" * 65), output("c" * 65))),
    ("R2", gpt(said(), call(id="call_1"), output())),
    ("R2", gpt(said(), call(id="fc_1_"), output())),
    ("R2", gpt(said(), call("a", id="fc_1"), call("b", id="fc_1"), output("a"), output("b"))),
    ("R3", gpt(said(), call(id="fc_" + "1" * 62), output())),
    ("R4", gpt(said(), call())),
    ("R4", gpt(said(), call(), call(), output())),
    ("R5", gpt(said(), reasoning(), call(), output())),
    ("R5", gpt(said(), reasoning(), said())),
    ("R5", gpt(said(), reasoning())),
    ("R6", gpt(said(), reasoning(encrypted_content=None), call(id="fc_1"), output())),
    ("R7", gpt(said(), {"type": "item_reference", "id": "msg_1"})),
    ("R8", gpt(said([part("output_text", text="x")]))),
    ("R8", gpt(said(), said([part("input_text", text="x")], "assistant"))),
    ("R8", gpt(said([part("text", text="x")]))),
    ("R9", gpt(said(), output())),
    ("R9", gpt(said(), call(), output(), output())),
    ("R10", gpt(prompt_cache_key="k" * 65)),
    ("R-name", gpt(tools=[{**FUNCTION, "name": "a.b"}])),
    ("R-tool", gpt(tools=[FUNCTION, FUNCTION])),
    ("R-tool", gpt(tools=[{**FUNCTION, "parameters": {"type": "string"}}])),
    ("R-tool-choice", gpt(tool_choice="required")),
    ("R-tool-choice", gpt(tools=[FUNCTION], tool_choice={"type": "function", "name": "x"})),
    ("R-effort", gpt(reasoning={"effort": "none"})),
    ("R-effort", gpt(model="gpt-5", reasoning={"effort": "xhigh"})),
    ("R-effort", gpt(model="gpt-4o", reasoning={"effort": "low"})),
    ("R-effort", gpt(model="gpt-5.5", reasoning={"mode": "pro"})),
    ("R-effort", gpt(model="gpt-5", reasoning={"context": "all_turns"})),
    ("R-sampling", gpt(temperature=0.5)),
    ("R-sampling", gpt(model="gpt-5.4", reasoning={"effort": "low"}, top_p=0.5)),
    ("R-image", gpt(said([part("input_image", image_url="data:image/bmp;base64,aGk=")]))),
    ("R-image", gpt(said([part("input_image", detail="auto")]))),
    ("R-file", gpt(said([part("input_file", filename="a", file_data="aGk=")]))),
    ("R-file", gpt(said([part("input_file", file_data="data:application/pdf;base64,aGk=")]))),
]


def answered(*calls: object, **more: object) -> Body:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **more}


def made(name: str = "c", arguments: str = "{}", tool: str = "t") -> Body:
    return {"id": name, "type": "function", "function": {"name": tool, "arguments": arguments}}


def told(name: str = "c", content: object = "ok") -> Body:
    return {"role": "tool", "tool_call_id": name, "content": content}


CHAT_TOOL: Body = {"type": "function", "function": {"name": "t", "parameters": SCHEMA}}


def chat(*messages: object, **more: object) -> Body:
    return {"model": "gpt-4o", "messages": list(messages) or [said()], **more}


CHAT_GOOD: dict[str, Body] = {
    "plain": chat(),
    "tool loop": chat(said(), answered(made()), told(), tools=[CHAT_TOOL]),
    "two calls": chat(said(), answered(made("a"), made("b")), told("b"), told("a")),
    "system": chat(said("be brief", "system"), said()),
    "image": chat(said([part("image_url", image_url={"url": PNG})])),
    "usage": chat(stream=True, stream_options={"include_usage": True}),
    "tepid reasoning": chat(model="gpt-5", temperature=1),
    "no content key": chat(said(), {"role": "assistant", "tool_calls": [made()]}, told()),
}
CHAT_BAD: list[tuple[str, Body]] = [
    ("C0", chat(nonsense=1)),
    ("C0", {"messages": [said()]}),
    ("C0", chat(messages=[])),
    ("C0", chat(said(role="robot"))),
    ("C0", chat(said([part("video")]))),
    ("C1", chat(tools=[{"type": "function", "function": {"name": "a.b"}}])),
    ("C1", chat(said(), answered(made(tool="x" * 65)), told())),
    ("C2", chat(said(), told())),
    ("C2", chat(said(), answered(made()), told(), told())),
    ("C3", chat(said(), answered(made("c" * 41)), told("c" * 41))),
    ("C3", chat(said(), answered(made(), made()), told(), told())),
    ("C4", chat(said(), {"role": "assistant"}, said())),
    ("C4", chat(said(None))),
    ("C5", chat(said(), {"role": "assistant", "content": "x", "tool_calls": []})),
    ("C6", chat(said(), answered(made(arguments="{")), told())),
    ("C6", chat(said(), answered(made(arguments="[]")), told())),
    ("C7", chat(said(), answered(made()), said())),
    ("C7", chat(said(), answered(made()))),
    ("C7", chat(said(), answered(made("a"), made("b")), told("a"), said())),
    (
        "C8",
        chat(said(), answered(made()), told(content=[part("image_url", image_url={"url": PNG})])),
    ),
    ("C8", chat(said([part("image_url", image_url={"url": PNG})], "assistant"))),
    ("C9", chat(model="gpt-5", max_tokens=100)),
    ("C-sampling", chat(model="gpt-5", temperature=0.5)),
    ("C-effort", chat(model="gpt-6-sol", reasoning_effort="max")),
    ("C-effort", chat(reasoning_effort="low")),
    ("C-stop", chat(model="o3", stop="x")),
    ("C-stop", chat(stop=["a", "b", "c", "d", "e"])),
    ("C-stream", chat(stream_options={"include_usage": True})),
    ("C-role", chat(said("x", "developer"), said(), model="o1-mini")),
    ("C-audio", chat(said([part("input_audio", input_audio={"data": "", "format": "wav"})]))),
    ("C-image", chat(said([part("image_url", image_url={"url": "file:///etc/passwd"})]))),
    ("C-file", chat(said([part("file", file={"file_data": "aGk=", "filename": "a.pdf"})]))),
    ("C-tool", chat(tools=[])),
    ("C-tool", chat(parallel_tool_calls=True)),
    ("C-tool-choice", chat(tool_choice="required")),
    ("C-search", chat(web_search_options={})),
    ("C-cache-key", chat(prompt_cache_key="k" * 65)),
]

CHECKS: dict[str, Callable[[Body], list[object]]] = {
    "anthropic": anthropic.check,
    "responses": openai_responses.check,
    "chat": openai_chat.check,
}
GOOD = {"anthropic": ANTHROPIC_GOOD, "responses": RESPONSES_GOOD, "chat": CHAT_GOOD}
BAD = {"anthropic": ANTHROPIC_BAD, "responses": RESPONSES_BAD, "chat": CHAT_BAD}


@pytest.mark.parametrize(
    ("wire", "body"),
    [pytest.param(w, b, id=f"{w}-{name}") for w, rows in GOOD.items() for name, b in rows.items()],
)
def test_a_right_body_passes(wire: str, body: Body) -> None:
    assert CHECKS[wire](body) == []


@pytest.mark.parametrize(
    ("wire", "rule", "body"),
    [
        pytest.param(w, rule, b, id=f"{rule}-{place}")
        for w, rows in BAD.items()
        for place, (rule, b) in enumerate(rows)
    ],
)
def test_a_wrong_body_is_refused_by_its_rule_alone(wire: str, rule: str, body: Body) -> None:
    before = copy.deepcopy(body)

    violations = CHECKS[wire](body)

    assert {violation.rule for violation in violations} == {rule}
    assert all(violation.message for violation in violations)
    assert body == before


def test_every_numbered_rule_has_a_wrong_body() -> None:
    named = {rule for rows in BAD.values() for rule, _ in rows}

    assert {f"A{n}" for n in range(20)} <= named
    assert {f"R{n}" for n in range(11)} <= named
    assert {f"C{n}" for n in range(10)} <= named


def test_the_old_version_of_the_anthropic_api_still_takes_a_temperature() -> None:
    body = claude(temperature=0.5)

    assert anthropic.check(body, "2023-06-01") == []
    newer = anthropic.check({**body, "model": "claude-opus-4-8"}, "2023-06-01")
    assert [violation.rule for violation in newer] == ["A19"]


def test_a_compatible_server_wants_one_leading_system_message() -> None:
    late = chat(said(), said("x", "system"))

    assert openai_chat.check(late) == []
    assert [v.rule for v in openai_chat.check(late, compat=True)] == ["C-role"]
    developer = chat(said("x", "developer"), said())
    assert [v.rule for v in openai_chat.check(developer, compat=True)] == ["C-role"]


def test_a_deepseek_server_wants_its_reasoning_back_in_the_tool_loop() -> None:
    loop = (said(), answered(made()), told())
    echoed = (said(), answered(made(), reasoning_content=""), told())

    assert [v.rule for v in openai_chat.check(chat(*loop, model="deepseek-chat"), compat=True)] == [
        "C-echo"
    ]
    assert openai_chat.check(chat(*echoed, model="deepseek-chat"), compat=True) == []


@pytest.mark.parametrize(
    ("wire", "body", "message", "param", "code"),
    [
        (
            "anthropic",
            claude(user(text(cite=1))),
            "messages.0.content.0.text.cite: Extra inputs are not permitted",
            None,
            None,
        ),
        (
            "anthropic",
            claude(model="claude-sonnet-4-6", output_config={"effort": "xhigh"}),
            "This model does not support effort level 'xhigh'. Supported levels: high, low, max, "
            "medium.",
            None,
            None,
        ),
        (
            "responses",
            gpt(said(), call("c" * 65), output("c" * 65)),
            "Invalid 'input[1].call_id': string too long. Expected a string with maximum length "
            "64, but got a string with length 65 instead.",
            "input[1].call_id",
            "string_above_max_length",
        ),
        (
            "responses",
            gpt(temperature=0.5),
            "Unsupported parameter: 'temperature' is not supported with this model.",
            "temperature",
            None,
        ),
        (
            "chat",
            chat(model="gpt-5", max_tokens=100),
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        ),
    ],
)
def test_refusals_are_worded_as_the_vendor_words_them(
    wire: str, body: Body, message: str, param: str | None, code: str | None
) -> None:
    first = CHECKS[wire](body)[0]

    assert (first.message, first.param, first.code) == (message, param, code)

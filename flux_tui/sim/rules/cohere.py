"""What the Cohere v2 chat API refuses (rules H0 to H9 and the profiles).

Wording from public issue reports where there are any, else from the API reference; read
2026-11-22. Every refusal is a 400 with one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from flux_tui.sim.rules.cohere_models import cohere_profile
from flux_tui.sim.rules.cohere_shapes import REQUEST
from flux_tui.sim.rules.common import Problem, Violation, bracketed, listed, noun_of
from flux_tui.sim.values import Object, integer, mapping, objects, sequence, string

_EMPTY = "invalid request: message must be at least 1 token long or tool results must be specified."
_BOUNDS = {
    "frequency_penalty": (0.0, 1.0),
    "presence_penalty": (0.0, 1.0),
    "p": (0.01, 0.99),
    "k": (0.0, 500.0),
}
_PICTURES = tuple(f"data:image/{kind};base64," for kind in ("png", "jpeg", "gif", "webp"))
_MOST_STOPS = 5
_MOST_IMAGES = 20


def check(body: Object) -> list[Violation]:
    """What the API refuses in *body*; empty when it accepts the request."""
    broken = [_unshaped(problem) for problem in REQUEST.problems(body, ())]
    if broken:
        return broken
    messages = objects(body.get("messages"))
    return [
        *_contents(messages),
        *_pairs(messages),
        *_images(messages, string(body.get("model"))),
        *_tools(body),
        *_limits(body),
        *_thinking(body),
    ]


def _unshaped(problem: Problem) -> Violation:
    where = bracketed(problem.path)
    return Violation(problem.rule or "H0", where, _words(problem, where))


def _words(problem: Problem, where: str) -> str:
    match problem.kind:
        case "missing":
            return f"invalid request: missing required field: parameter '{where}'"
        case "unknown":
            return f"unknown field: parameter '{where}' is not a valid field"
        case "type":
            got = noun_of(problem.found)
            return (
                f"invalid type: parameter {where} is of type {got} but should be {problem.expected}"
            )
        case "choice" | "tag":
            choices = listed(problem.choices, "or")
            return f"invalid request: parameter {where} must be one of {choices}"
        case "low" | "long":
            return f"invalid request: parameter {where} must be at least {problem.expected}"
        case "pattern":
            return f"invalid request: parameter {where} must match {problem.expected}"
        case "empty":
            return _EMPTY


def _contents(messages: list[Object]) -> Iterator[Violation]:
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        role = message.get("role")
        if role == "assistant":
            if not message.get("content") and not message.get("tool_calls"):
                text = "invalid request: assistant message must have content or tool_calls"
                yield Violation("H1", path, text)
        elif not _said(message.get("content")):
            yield Violation("H6" if role == "tool" else "H1", path, _EMPTY)
    if messages[-1].get("role") not in {"user", "tool"}:
        text = "invalid request: the last message must be from the user or a tool"
        yield Violation("H4", f"messages[{len(messages) - 1}]", text)


def _said(content: object) -> bool:
    if isinstance(content, str):
        return bool(content.strip())
    parts = objects(content)
    return any(part.get("type") != "text" or string(part.get("text")).strip() for part in parts)


def _pairs(messages: list[Object]) -> Iterator[Violation]:
    known: set[str] = set()
    waiting: list[str] = []
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        if message.get("role") == "tool":
            name = string(message.get("tool_call_id"))
            if name not in known:
                text = f"invalid request: tool call id not found in previous tool calls: {name}"
                yield Violation("H2", path, text)
            waiting = [one for one in waiting if one != name]
            continue
        yield from _unanswered(path, waiting)
        calls = objects(message.get("tool_calls"))
        waiting = [string(call.get("id")) for call in calls]
        if len(set(waiting)) < len(waiting):
            text = "invalid request: tool call ids must be unique"
            yield Violation("H9", f"{path}.tool_calls", text)
        known |= set(waiting)
        for place, call in enumerate(calls):
            yield from _arguments(f"{path}.tool_calls[{place}]", mapping(call.get("function")))
    yield from _unanswered(f"messages[{len(messages) - 1}]", waiting)


def _unanswered(path: str, waiting: list[str]) -> Iterator[Violation]:
    if waiting:
        text = f"invalid request: missing tool results for tool call ids: {', '.join(waiting)}"
        yield Violation("H5", path, text)


def _arguments(path: str, function: Object) -> Iterator[Violation]:
    try:
        good = isinstance(json.loads(string(function.get("arguments")) or "{}"), dict)
    except ValueError:
        good = False
    if not good:
        text = "invalid request: tool call arguments must be a JSON object"
        yield Violation("H7", f"{path}.function.arguments", text)


def _images(messages: list[Object], model: str) -> Iterator[Violation]:
    count = 0
    for index, message in enumerate(messages):
        for place, part in enumerate(objects(message.get("content"))):
            if part.get("type") != "image_url":
                continue
            count += 1
            path = f"messages[{index}].content[{place}]"
            url = string(mapping(part.get("image_url")).get("url"))
            if not cohere_profile(model).images:
                text = f"invalid request: model '{model}' does not support image content"
                yield Violation("H-image", path, text)
            elif not url.startswith(("https://", "http://", *_PICTURES)):
                text = "invalid request: image must be a png, jpeg, gif or webp"
                yield Violation("H-image", path, text)
    if count > _MOST_IMAGES:
        text = f"invalid request: at most {_MOST_IMAGES} images are allowed, got {count}"
        yield Violation("H-image", "messages", text)


def _tools(body: Object) -> Iterator[Violation]:
    tools = [mapping(tool.get("function")) for tool in objects(body.get("tools"))]
    model = string(body.get("model"))
    if tools and not cohere_profile(model).tools:
        text = f"invalid request: model '{model}' does not support tools"
        yield Violation("H-tool", "tools", text)
    for index, tool in enumerate(tools):
        kind = mapping(tool.get("parameters")).get("type", "object")
        if kind != "object":
            text = f"invalid request: tool parameters must be of type object, got '{kind}'"
            yield Violation("H-tool", f"tools[{index}].function.parameters", text)
    names = [string(tool.get("name")) for tool in tools]
    if len(set(names)) < len(names):
        yield Violation("H-tool", "tools", "invalid request: tool names must be unique")
    if body.get("tool_choice") is not None and not tools:
        text = "invalid request: tool_choice requires tools"
        yield Violation("H3", "tool_choice", text)
    if body.get("safety_mode") not in (None, "OFF") and (tools or body.get("documents")):
        text = "invalid request: safety_mode is not supported with tools or documents"
        yield Violation("H-safety", "safety_mode", text)


def _limits(body: Object) -> Iterator[Violation]:
    for name, (least, most) in _BOUNDS.items():
        value = body.get(name)
        if isinstance(value, int | float) and not least <= value <= most:
            text = f"invalid request: {name} must be between {least:g} and {most:g} inclusive."
            yield Violation("H8", name, text)
    stops = len(sequence(body.get("stop_sequences")))
    if stops > _MOST_STOPS:
        text = f"invalid request: at most {_MOST_STOPS} stop sequences are allowed, got {stops}"
        yield Violation("H8", "stop_sequences", text)
    most = cohere_profile(string(body.get("model"))).max_output
    if (integer(body.get("max_tokens")) or 0) > most:
        text = (
            f"too many tokens: max tokens must be less than or equal to {most}, the maximum "
            "output for this model"
        )
        yield Violation("H-output", "max_tokens", text)


def _thinking(body: Object) -> Iterator[Violation]:
    model = string(body.get("model"))
    if body.get("thinking") is not None and not cohere_profile(model).thinks:
        text = f"invalid request: thinking is not supported by model '{model}'"
        yield Violation("H-thinking", "thinking", text)

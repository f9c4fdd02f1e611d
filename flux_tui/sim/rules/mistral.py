"""What the Mistral chat API refuses (rules M0 to M10 and the profiles).

Wording from error bodies in public issue reports where there are any, else from the vendor's own
request validation in mistral-common; read 2026-11-22. A broken shape is a 422 that lists every
place, what the shape cannot say a 400 with a number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

from flux_tui.sim.rules.common import Problem, Violation, dotted
from flux_tui.sim.rules.mistral_models import mistral_profile
from flux_tui.sim.rules.mistral_shapes import REQUEST
from flux_tui.sim.values import Object, mapping, objects, sequence, string

_ORDER = ("3230", "invalid_request_message_order")
_CALLS = ("3280", "invalid_function_call")
_EMPTY = ("3240", "invalid_request_assistant_message")
_REQUEST = ("3051", "invalid_request_error")
_BOUNDS = {
    "temperature": (0.0, 1.5),
    "top_p": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}
_PICTURES = tuple(f"data:image/{kind};base64," for kind in ("png", "jpeg", "gif", "webp"))


def check(body: Object) -> list[Violation]:
    """What the API refuses in *body*; empty when it accepts the request."""
    broken = [_unshaped(problem) for problem in REQUEST.problems(body, ())]
    broken += _out_of_bounds(body)
    if broken:
        return broken
    messages = objects(body.get("messages"))
    return [
        *_order(messages),
        *_answers(messages),
        *_pairs(messages),
        *_files(messages, string(body.get("model"))),
        *_tools(body),
        *_reasoning(body),
    ]


def _refused(rule: str, path: str, text: str, words: tuple[str, str]) -> Violation:
    return Violation(rule, path, text, None, words[0], 400, words[1])


def _unshaped(problem: Problem) -> Violation:
    message, kind = _words(problem)
    rule = problem.rule or "M0"
    return Violation(rule, dotted(problem.path), message, status=422, type=kind)


def _words(problem: Problem) -> tuple[str, str]:
    """The message and the type that the vendor's validation gives it."""
    match problem.kind:
        case "missing":
            return "Field required", "missing"
        case "unknown":
            return "Extra inputs are not permitted", "extra_forbidden"
        case "type":
            noun = problem.expected.split(" ", 1)[-1].replace("decimal", "number")
            return f"Input should be a valid {noun}", f"{noun.split(' ', maxsplit=1)[0]}_type"
        case "choice":
            choices = " or ".join(f"'{choice}'" for choice in problem.choices)
            return f"Input should be {choices}", "literal_error"
        case "tag":
            return (
                f"Input tag '{problem.found}' found using '{problem.expected}' does not match any "
                f"of the expected tags: {', '.join(repr(choice) for choice in problem.choices)}",
                "union_tag_invalid",
            )
        case "low":
            text = f"Input should be greater than or equal to {problem.expected}"
            return text, "greater_than_equal"
        case "pattern" | "long" | "empty":
            return f"String should match pattern '{problem.expected}'", "string_pattern_mismatch"


def _out_of_bounds(body: Object) -> Iterator[Violation]:
    for name, (least, most) in _BOUNDS.items():
        value = body.get(name)
        if isinstance(value, int | float) and not least <= value <= most:
            side, bound = ("less", most) if value > most else ("greater", least)
            text = f"Input should be {side} than or equal to {bound:g}"
            yield Violation("M9", name, text, status=422, type=f"{side}_than_equal")


def _order(messages: list[Object]) -> Iterator[Violation]:
    roles = [string(message.get("role")) for message in messages]
    if not roles:
        yield _refused("M1", "messages", "Conversation must have at least one message", _ORDER)
        return
    for index, (before, role) in enumerate(pairwise(roles), 1):
        path = f"messages.{index}"
        late = role == "system" and before != "system"
        if late or (role == "user" and before == "tool"):
            text = f"Unexpected role '{role}' after role '{before}'"
            yield _refused("M6" if late else "M5", path, text, _ORDER)
    last = messages[-1]
    if roles[-1] == "assistant" and last.get("prefix") is not True:
        text = (
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got "
            "assistant"
        )
        yield _refused("M7", f"messages.{len(roles) - 1}", text, _ORDER)
    elif roles[-1] == "system":
        text = "Expected last role User or Tool for serving but got system"
        yield _refused("M7", f"messages.{len(roles) - 1}", text, _ORDER)
    for index, message in enumerate(messages[:-1]):
        if message.get("prefix") is True:
            text = "Assistant message with prefix True must be last message"
            yield _refused("M8", f"messages.{index}.prefix", text, _ORDER)


def _answers(messages: list[Object]) -> Iterator[Violation]:
    for index, message in enumerate(messages):
        path = f"messages.{index}"
        calls = objects(message.get("tool_calls"))
        if message.get("role") != "assistant":
            if not message.get("content") and message.get("role") == "user":
                text = "User message must have content"
                yield _refused("M1", path, text, _EMPTY)
            continue
        if not message.get("content") and not calls:
            text = "Assistant message must have either content or tool_calls, but not none."
            yield _refused("M1", path, text, _EMPTY)
        for place, call in enumerate(calls):
            where = f"{path}.tool_calls.{place}"
            yield from _id(where, string(call.get("id")))
            yield from _arguments(where, mapping(call.get("function")).get("arguments"))


def _id(path: str, name: str) -> Iterator[Violation]:
    if len(name) != 9 or not (name.isascii() and name.isalnum()):
        text = f"Tool call id was {name} but must be a-z, A-Z, 0-9, with a length of 9."
        yield _refused("M2", path, text, _CALLS)


def _arguments(path: str, arguments: object) -> Iterator[Violation]:
    if not isinstance(arguments, str):
        return
    try:
        good = isinstance(json.loads(arguments or "{}"), dict)
    except ValueError:
        good = False
    if not good:
        yield _refused("M10", path, "Tool call arguments must be a JSON object", _CALLS)


def _pairs(messages: list[Object]) -> Iterator[Violation]:
    waiting: list[str] = []
    for index, message in enumerate(messages):
        path = f"messages.{index}"
        if message.get("role") == "tool":
            name = string(message.get("tool_call_id"))
            yield from _id(path, name)
            if name not in waiting:
                text = f"Unexpected tool call id {name} in tool results"
                yield _refused("M4", path, text, _ORDER)
            else:
                waiting.remove(name)
            continue
        if waiting:
            yield _uneven(path)
        waiting = [string(call.get("id")) for call in objects(message.get("tool_calls"))]
        if len(set(waiting)) < len(waiting):
            text = "Duplicate tool call id in assistant message"
            yield _refused("M2", path, text, _CALLS)
    if waiting:
        yield _uneven(f"messages.{len(messages) - 1}")


def _uneven(path: str) -> Violation:
    return _refused("M3", path, "Not the same number of function calls and responses", _ORDER)


def _files(messages: list[Object], model: str) -> Iterator[Violation]:
    for index, message in enumerate(messages):
        for place, chunk in enumerate(objects(message.get("content"))):
            path = f"messages.{index}.content.{place}"
            if chunk.get("type") == "image_url":
                image = chunk.get("image_url")
                yield from _image(path, string(image) or string(mapping(image).get("url")), model)
            elif chunk.get("type") == "document_url":
                url = string(chunk.get("document_url"))
                if not url.startswith(("https://", "http://", "data:application/pdf;base64,")):
                    text = "Document could not be fetched: not a valid document URL"
                    yield _refused("M-document", path, text, _REQUEST)


def _image(path: str, url: str, model: str) -> Iterator[Violation]:
    if not url.startswith(("https://", "http://", *_PICTURES)):
        text = "Image could not be loaded: supported formats are png, jpeg, gif and webp"
        yield _refused("M-image", path, text, _REQUEST)
    elif not mistral_profile(model).images:
        text = f"Image input is not supported by the model {model}"
        yield _refused("M-image", path, text, _REQUEST)


def _tools(body: Object) -> Iterator[Violation]:
    tools = [mapping(tool.get("function")) for tool in objects(body.get("tools"))]
    for index, tool in enumerate(tools):
        kind = mapping(tool.get("parameters")).get("type", "object")
        if kind != "object":
            text = f"Invalid tool schema: type must be 'object', got '{kind}'"
            yield _refused("M-tool", f"tools.{index}.function.parameters", text, _REQUEST)
    names = [string(tool.get("name")) for tool in tools]
    choice = body.get("tool_choice")
    wanted = string(mapping(mapping(choice).get("function")).get("name"))
    if choice in ("any", "required") and not names:
        text = "Tool choice requires at least one tool"
        yield _refused("M-tool-choice", "tool_choice", text, _REQUEST)
    elif wanted and wanted not in names:
        text = f"Tool choice names the unknown function {wanted}"
        yield _refused("M-tool-choice", "tool_choice", text, _REQUEST)
    if len(sequence(body.get("stop"))) > 4:
        yield _refused("M-stop", "stop", "Too many stop sequences: at most 4", _REQUEST)


def _reasoning(body: Object) -> Iterator[Violation]:
    effort = string(body.get("reasoning_effort"))
    model = string(body.get("model"))
    profile = mistral_profile(model)
    if effort and not profile.efforts:
        text = f"reasoning_effort is not supported by the model {model}"
        yield _refused("M-effort", "reasoning_effort", text, _REQUEST)
    elif effort and effort not in profile.efforts:
        levels = ", ".join(profile.efforts)
        text = f"reasoning_effort '{effort}' is not supported, use one of: {levels}"
        yield _refused("M-effort", "reasoning_effort", text, _REQUEST)
    if body.get("prompt_mode") and not profile.always_reasons:
        text = f"prompt_mode is not supported by the model {model}"
        yield _refused("M-effort", "prompt_mode", text, _REQUEST)

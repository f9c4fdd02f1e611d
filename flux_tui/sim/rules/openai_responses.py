"""What the OpenAI Responses API refuses (rules R1 to R10 and the profiles).

Wording from recorded error bodies where there are any, else from public issue reports; read
2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from flux_tui.sim.catalog import gpt_profile
from flux_tui.sim.rules.common import Violation, openai_violation
from flux_tui.sim.rules.openai_common import (
    choice_violations,
    effort_violations,
    image_violations,
    reasons,
    schema_violations,
    unsupported,
)
from flux_tui.sim.rules.openai_shapes import REQUEST
from flux_tui.sim.values import Object, mapping, objects, string

_PREFIX = {"reasoning": "rs", "function_call": "fc", "message": "msg"}
_ASSISTANT_PARTS = ("output_text", "refusal")
_INPUT_PARTS = ("input_text", "input_image", "input_file", "input_audio")
_FILE = re.compile(r"data:([a-z]+/[\w.+-]+);base64,")
_FILE_KINDS = ("application/", "text/", "image/")


def check(body: Object) -> list[Violation]:
    """What the API refuses in *body*; empty when it accepts the request."""
    broken = [_reworded(openai_violation(problem, "R0")) for problem in REQUEST.problems(body, ())]
    if broken:
        return broken
    items = input_items(body)
    return [
        *_something(body),
        *_ids(items),
        *_pairs(items, chained=_chained(body)),
        *_reasoning_items(items, body),
        *_parts(items),
        *_tools(body),
        *_profile(body),
    ]


def input_items(body: Object) -> list[Object]:
    """The items of `input`, a bare string as the one user message it stands for."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return [{**item, "type": item.get("type") or "message"} for item in objects(given)]


def _chained(body: Object) -> bool:
    return bool(body.get("previous_response_id") or body.get("conversation"))


def _reworded(violation: Violation) -> Violation:
    # The server names a part by its place, not by the key that holds its kind.
    if violation.path.endswith("].type") and violation.code == "invalid_value":
        path = violation.path.removesuffix(".type")
        return Violation("R8", path, violation.message, path, violation.code)
    return violation


def _something(body: Object) -> Iterator[Violation]:
    if not any(key in body for key in ("input", "prompt", "conversation", "previous_response_id")):
        text = (
            "Missing required parameter: 'input'. One of 'input', 'previous_response_id', "
            "'prompt', or 'conversation' must be provided."
        )
        yield Violation("R0", "input", text, "input", "missing_required_parameter")


def _ids(items: list[Object]) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        name = string(item.get("id"))
        kind = string(item.get("type"))
        if not name or kind == "item_reference":
            continue
        prefix = _PREFIX.get(kind)
        path = f"input[{index}].id"
        if prefix and not re.fullmatch(rf"{prefix}_[a-zA-Z0-9_-]*[a-zA-Z0-9-]", name):
            text = f"Invalid '{path}': '{name}'. Expected an ID that begins with '{prefix}'."
            yield Violation("R2", path, text, path, "invalid_value")
        if name in seen:
            text = (
                f"Duplicate item found with id {name}. Remove duplicate items from your input "
                "and try again."
            )
            yield Violation("R2", path, text, "input")
        seen.add(name)


def _pairs(items: list[Object], *, chained: bool) -> Iterator[Violation]:
    calls = [string(item.get("call_id")) for item in items if item["type"] == "function_call"]
    made: set[str] = set()
    answered: set[str] = set()
    for index, item in enumerate(items):
        name = string(item.get("call_id"))
        if item["type"] == "function_call":
            if name in made:
                text = f"Duplicate tool call with call_id {name} found in input."
                yield Violation("R4", f"input[{index}]", text, "input")
            made.add(name)
        if item["type"] != "function_call_output":
            continue
        if (name not in made and not chained) or name in answered:
            text = f"No tool call found for function call output with call_id {name}."
            yield Violation("R9", f"input[{index}]", text, "input")
        answered.add(name)
    for name in calls:
        if name not in answered:
            text = f"No tool output found for function call {name}."
            yield Violation("R4", "input", text, "input")


def _reasoning_items(items: list[Object], body: Object) -> Iterator[Violation]:
    unstored = body.get("store") is False
    for index, item in enumerate(items):
        name = string(item.get("id"))
        path = f"input[{index}]"
        if item["type"] == "item_reference" and unstored:
            yield _not_stored("R7", path, name)
        if item["type"] != "reasoning":
            continue
        if unstored and not item.get("encrypted_content"):
            yield _not_stored("R6", path, name)
        follower = next((i for i in items[index + 1 :] if i["type"] != "reasoning"), None)
        if follower is None or not _is_output(follower) or not follower.get("id"):
            yield missing_follower(name)


def missing_follower(name: str) -> Violation:
    """The refusal of a reasoning item whose next item is not the one it led to (R5)."""
    text = f"Item '{name}' of type 'reasoning' was provided without its required following item."
    return Violation("R5", "input", text, "input")


def _is_output(item: Object) -> bool:
    kind = string(item.get("type"))
    return item.get("role") == "assistant" if kind == "message" else not kind.endswith("_output")


def _not_stored(rule: str, path: str, name: str) -> Violation:
    text = (
        f"Item with id '{name}' not found. Items are not persisted when `store` is set to false. "
        "Try again with `store` set to true, or remove this item from your input."
    )
    return Violation(rule, path, text, "input", status=404)


def _parts(items: list[Object]) -> Iterator[Violation]:
    for index, item in enumerate(items):
        if item["type"] == "message":
            allowed = _ASSISTANT_PARTS if item.get("role") == "assistant" else _INPUT_PARTS
            yield from _message_parts(f"input[{index}].content", item, allowed)
        elif item["type"] == "function_call_output":
            for place, part in enumerate(objects(item.get("output"))):
                yield from _media(f"input[{index}].output[{place}]", part)


def _message_parts(path: str, item: Object, allowed: tuple[str, ...]) -> Iterator[Violation]:
    for place, part in enumerate(objects(item.get("content"))):
        kind = string(part.get("type"))
        where = f"{path}[{place}]"
        if kind not in allowed:
            names = " and ".join(f"'{name}'" for name in allowed[:3])
            text = f"Invalid value: '{kind}'. Supported values are: {names}."
            yield Violation("R8", where, text, where, "invalid_value")
        else:
            yield from _media(where, part)


def _media(path: str, part: Object) -> Iterator[Violation]:
    kind = part.get("type")
    if kind == "input_image":
        url = string(part.get("image_url"))
        if url:
            yield from image_violations("R-image", f"{path}.image_url", url)
        elif not part.get("file_id"):
            text = f"Missing required parameter: '{path}.image_url'."
            yield Violation("R-image", path, text, path, "missing_required_parameter")
    elif kind == "input_audio":
        text = "Audio input is not supported with this model."
        yield Violation("R8", path, text, path, "invalid_value")
    elif kind == "input_file":
        yield from _file(path, part)


def _file(path: str, part: Object) -> Iterator[Violation]:
    where = f"{path}.file_data"
    if "file_data" in part:
        found = _FILE.match(string(part["file_data"]))
        mime = found.group(1) if found else ""
        if not mime.startswith(_FILE_KINDS):
            got = f"but got unsupported MIME type '{mime}'" if mime else "but got an invalid value"
            text = (
                f"Invalid file data: '{where}'. Expected a base64-encoded data URL with a valid "
                "file MIME type (e.g. 'data:text/plain;base64,SGVsbG8sIFdvcmxkIQ=='), "
                f"{got}."
            )
            yield Violation("R-file", where, text, where, "invalid_value")
        elif not part.get("filename"):
            text = f"Missing required parameter: '{path}.filename'."
            yield Violation("R-file", path, text, path, "missing_required_parameter")
    url = string(part.get("file_url"))
    if url.lower().endswith((".mp3", ".wav", ".ogg", ".mp4")):
        text = "The file type you uploaded is not supported. Please try again with a pdf"
        yield Violation("R-file", path, text, "input", "unsupported_file")


def _tools(body: Object) -> Iterator[Violation]:
    tools = objects(body.get("tools"))
    for index, tool in enumerate(tools):
        if tool.get("type") == "function":
            yield from schema_violations("R-tool", f"tools[{index}].parameters", tool)
    names = [string(tool.get("name")) or string(tool.get("type")) for tool in tools]
    functions = [string(tool.get("name")) for tool in tools if tool.get("type") == "function"]
    repeated = next((name for name in functions if functions.count(name) > 1), None)
    if repeated is not None:
        text = f"Tool names must be unique. Duplicate name: '{repeated}'."
        yield Violation("R-tool", "tools", text, "tools", "invalid_value")
    choice = body.get("tool_choice")
    yield from choice_violations(
        "R-tool-choice", names, choice, string(mapping(choice).get("name"))
    )


def _profile(body: Object) -> Iterator[Violation]:
    model = string(body.get("model"))
    profile = gpt_profile(model)
    asked = mapping(body.get("reasoning"))
    effort = string(asked.get("effort"))
    if effort:
        yield from effort_violations("R-effort", "reasoning.effort", effort, model, profile.efforts)
    elif asked.get("summary") and not profile.reasoning:
        yield unsupported("R-effort", "reasoning.summary", code="unsupported_parameter")
    if asked.get("mode") not in {None, "standard"} and not profile.modes:
        yield unsupported("R-effort", "reasoning.mode", code="unsupported_parameter")
    if asked.get("context") == "all_turns" and not profile.all_turns:
        yield unsupported("R-effort", "reasoning.context", code="unsupported_parameter")
    if reasons(profile, effort):
        for name in ("temperature", "top_p"):
            if body.get(name) is not None:
                yield unsupported("R-sampling", name)

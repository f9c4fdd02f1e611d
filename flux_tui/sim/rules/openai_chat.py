"""What the OpenAI Chat Completions API refuses (rules C1 to C9 and the profiles).

Wording from recorded error bodies where there are any, else from public issue reports; read
2026-11-22. `compat` is the looser judgement of a server that only speaks the same format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from flux_tui.sim.catalog import GptProfile, gpt_profile
from flux_tui.sim.rules.common import Violation, openai_violation
from flux_tui.sim.rules.openai_chat_shapes import REQUEST
from flux_tui.sim.rules.openai_common import (
    AUDIO_MODELS,
    choice_violations,
    effort_violations,
    image_violations,
    reasons,
    schema_violations,
    unsupported,
)
from flux_tui.sim.values import Object, integer, mapping, objects, sequence, string

_SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
_NEUTRAL = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}


def check(body: Object, *, compat: bool = False) -> list[Violation]:
    """What the API refuses in *body*; empty when it accepts the request.

    Args:
        body: the parsed request.
        compat: judge it as a compatible server does, which knows no OpenAI model but has a
            chat template: one leading system message and no developer role.
    """
    broken = [openai_violation(problem, "C0") for problem in REQUEST.problems(body, ())]
    if broken:
        return [_reworded(violation) for violation in broken]
    messages = objects(body.get("messages"))
    shared = [
        *_contents(messages),
        *_pairs(messages),
        *_parts(messages, string(body.get("model")), compat=compat),
        *_tools(body),
        *_streaming(body),
    ]
    return [*shared, *(_compat(body, messages) if compat else _profile(body, messages))]


def _reworded(violation: Violation) -> Violation:
    # This API words a stranger at the top level differently from one further in.
    if violation.code == "unknown_parameter" and "." not in violation.path:
        text = f"Unrecognized request argument supplied: {violation.path}"
        return Violation(violation.rule, violation.path, text)
    return violation


def _contents(messages: list[Object]) -> Iterator[Violation]:
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        role = message.get("role")
        if role != "assistant":
            if message.get("content") is None and role != "function":
                text = "Invalid value for 'content': expected a string, got null."
                yield Violation("C4", path, text, f"messages.[{index}].content")
            continue
        calls = message.get("tool_calls")
        if calls == []:
            where = f"{path}.tool_calls"
            text = (
                f"Invalid '{where}': empty array. Expected an array with minimum length 1, but "
                "got an empty array instead."
            )
            yield Violation("C5", where, text, where, "empty_array")
        kept = ("content", "tool_calls", "function_call", "refusal", "audio")
        if all(message.get(key) is None for key in kept) or message.get("content") == []:
            text = "Invalid value for 'content': expected a string, got null."
            yield Violation("C4", path, text, f"messages.[{index}].content")
        yield from _arguments(path, objects(calls))


def _arguments(path: str, calls: list[Object]) -> Iterator[Violation]:
    ids = [string(call.get("id")) for call in calls]
    for place, call in enumerate(calls):
        where = f"{path}.tool_calls[{place}]"
        if ids.count(ids[place]) > 1:
            text = f"Duplicate value for 'tool_call_id' of '{ids[place]}'"
            yield Violation("C3", where, text, where)
        function = mapping(call.get("function"))
        if call.get("type") == "function" and not _is_object(string(function.get("arguments"))):
            inner = f"{where}.function.arguments"
            text = f"Invalid '{inner}': expected a JSON object encoded as a string."
            yield Violation("C6", inner, text, inner, "invalid_value")


def _is_object(raw: str) -> bool:
    try:
        return isinstance(json.loads(raw), dict)
    except ValueError:
        return False


def _pairs(messages: list[Object]) -> Iterator[Violation]:
    open_ids: list[str] = []
    asked_at = 0
    for index, message in enumerate(messages):
        if message.get("role") == "tool":
            name = string(message.get("tool_call_id"))
            if name not in open_ids:
                text = (
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceeding message with 'tool_calls'."
                )
                yield Violation("C2", f"messages[{index}]", text, f"messages.[{index}].role")
            else:
                open_ids.remove(name)
            continue
        if open_ids:
            yield _unanswered(asked_at, open_ids)
        open_ids = [string(call.get("id")) for call in objects(message.get("tool_calls"))]
        asked_at = index
    if open_ids:
        yield _unanswered(asked_at, open_ids)


def _unanswered(index: int, names: list[str]) -> Violation:
    text = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        + ", ".join(names)
    )
    return Violation("C7", f"messages[{index}]", text, f"messages.[{index + 1}].role")


def _parts(messages: list[Object], model: str, *, compat: bool) -> Iterator[Violation]:
    hears = compat or model.startswith(AUDIO_MODELS)
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        kinds = [string(part.get("type")) for part in objects(message.get("content"))]
        role = message.get("role")
        if role in {"tool", "system", "developer"} and any(kind != "text" for kind in kinds):
            text = f"Invalid '{path}'. Content blocks are expected to be text type."
            yield Violation("C8", path, text, path, "invalid_value")
        elif role == "assistant" and any(kind not in {"text", "refusal"} for kind in kinds):
            text = f"Invalid '{path}'. Content blocks are expected to be text or refusal type."
            yield Violation("C8", path, text, path, "invalid_value")
        elif "input_audio" in kinds and not hears:
            text = (
                f"Invalid '{path}'. Content blocks are expected to be either text or image_url "
                "type."
            )
            yield Violation("C-audio", path, text, path, "invalid_value")
        for place, part in enumerate(objects(message.get("content"))):
            yield from _media(f"{path}.content[{place}]", part)


def _media(path: str, part: Object) -> Iterator[Violation]:
    if part.get("type") == "image_url":
        url = string(mapping(part.get("image_url")).get("url"))
        yield from image_violations("C-image", f"{path}.image_url.url", url)
    file = mapping(part.get("file"))
    data = file.get("file_data")
    if isinstance(data, str) and not data.startswith("data:"):
        where = f"{path}.file.file_data"
        text = f"Invalid file data: '{where}'. Expected a base64-encoded data URL."
        yield Violation("C-file", where, text, where, "invalid_value")


def _tools(body: Object) -> Iterator[Violation]:
    tools = [mapping(tool.get("function")) for tool in objects(body.get("tools"))]
    for index, tool in enumerate(tools):
        yield from schema_violations("C-tool", f"tools[{index}].function.parameters", tool)
    if body.get("tools") == []:
        text = (
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an "
            "empty array instead."
        )
        yield Violation("C-tool", "tools", text, "tools", "empty_array")
    names = [string(tool.get("name")) for tool in tools]
    choice = body.get("tool_choice")
    chosen = string(mapping(mapping(choice).get("function")).get("name"))
    yield from choice_violations("C-tool-choice", names, choice, chosen)
    if body.get("parallel_tool_calls") is not None and not tools:
        text = (
            "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when "
            "'tools' are specified."
        )
        yield Violation("C-tool", "parallel_tool_calls", text, "parallel_tool_calls")


def _streaming(body: Object) -> Iterator[Violation]:
    if body.get("stream_options") is not None and not body.get("stream"):
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        yield Violation("C-stream", "stream_options", text, "stream_options")
    if len(sequence(body.get("stop"))) > 4:
        text = "Invalid 'stop': array too long. Expected an array with maximum length 4."
        yield Violation("C-stop", "stop", text, "stop", "array_above_max_length")


def _profile(body: Object, messages: list[Object]) -> Iterator[Violation]:
    model = string(body.get("model"))
    profile = gpt_profile(model)
    for index, message in enumerate(messages):
        role = string(message.get("role"))
        if role in {"system", "developer"} and not profile.system_role:
            path = f"messages[{index}].role"
            text = f"Unsupported value: '{path}' does not support '{role}' with this model."
            yield Violation("C-role", path, text, path, "unsupported_value")
    effort = string(body.get("reasoning_effort"))
    if effort:
        # Chat Completions stops one level below Responses.
        levels = tuple(level for level in profile.efforts if level != "max")
        yield from effort_violations("C-effort", "reasoning_effort", effort, model, levels)
    yield from _sampling(body, profile, effort)
    if body.get("web_search_options") is not None and "search" not in model:
        text = "Web search options not supported with this model."
        yield Violation("C-search", "web_search_options", text, "web_search_options")


def _sampling(body: Object, profile: GptProfile, effort: str) -> Iterator[Violation]:
    if profile.reasoning and body.get("max_tokens") is not None:
        more = " Use 'max_completion_tokens' instead."
        yield unsupported("C9", "max_tokens", more, "unsupported_parameter")
    if profile.reasoning and not profile.stop and body.get("stop") is not None:
        yield unsupported("C-stop", "stop", code="unsupported_parameter")
    if not reasons(profile, effort):
        return
    for name in _SAMPLING:
        value = body.get(name)
        if value is None or value == _NEUTRAL[name]:
            continue
        text = (
            f"Unsupported value: '{name}' does not support {value} with this model. Only the "
            f"default ({_NEUTRAL[name]}) value is supported."
        )
        yield Violation("C-sampling", name, text, name, "unsupported_value")
    if body.get("logprobs"):
        yield unsupported("C-sampling", "logprobs", code="unsupported_parameter")


def _compat(body: Object, messages: list[Object]) -> Iterator[Violation]:
    for index, message in enumerate(messages):
        role = message.get("role")
        if role == "developer":
            text = "Unexpected message role."
            yield Violation("C-role", f"messages[{index}].role", text, status=400, code="400")
        elif role == "system" and index:
            text = "System message must be at the beginning."
            yield Violation("C-role", f"messages[{index}].role", text, code="400")
    most = integer(body.get("max_completion_tokens"))
    if most is not None and body.get("max_tokens") is not None:
        text = "Cannot specify both `max_tokens` and `max_completion_tokens`."
        yield Violation("C9", "max_tokens", text, "max_tokens")
    if string(body.get("model")).startswith("deepseek"):
        yield from _reasoning_echo(messages)


def _reasoning_echo(messages: list[Object]) -> Iterator[Violation]:
    users = [index for index, message in enumerate(messages) if message.get("role") == "user"]
    last = users[-1] if users else 0
    for index, message in enumerate(messages):
        if index > last and message.get("tool_calls") and "reasoning_content" not in message:
            text = f"Missing `reasoning_content` field in the assistant message at index {index}."
            yield Violation("C-echo", f"messages[{index}]", text)

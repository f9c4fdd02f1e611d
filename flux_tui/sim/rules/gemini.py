"""What the Gemini API refuses in a request (rules G1 to G9 and the profiles).

Wording from recorded error bodies where there are any, else from public issue reports and
google-genai's documentation; read 2026-11-22. Several contents of one role in a row are no
offence: the server takes them as one turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flux_tui.sim.rules.common import Path, Problem, Violation
from flux_tui.sim.rules.gemini_models import model_violations
from flux_tui.sim.rules.gemini_shapes import DATA_FIELDS, REQUEST, canonical, snake
from flux_tui.sim.rules.gemini_tools import tool_violations
from flux_tui.sim.values import Object, dumps, mapping, objects, sequence, string

_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
_KINDS = (*_PICTURES, "application/pdf", "text/", "audio/", "video/", "application/json")
_ENUM = "type.googleapis.com/google.ai.generativelanguage.v1beta"
_MOST_STOPS = 5
_AFTER_USER = (
    "Please ensure that function call turn comes immediately after a user turn or after a "
    "function response turn."
)
_AFTER_CALL = (
    "Please ensure that function response turn comes immediately after a function call turn."
)
_COUNT = (
    "Please ensure that the number of function response parts is equal to the number of function "
    "call parts of the function call turn."
)


@dataclass(frozen=True, slots=True)
class _Turn:
    """Neighbouring contents of one role, as the server merges them."""

    role: str
    at: int  # the first of them
    parts: tuple[Object, ...]

    def of(self, field: str) -> list[Object]:
        """The functionCalls or functionResponses of the turn."""
        return [mapping(part[field]) for part in self.parts if field in part]


def check(body: Object, model: str) -> list[Violation]:
    """What Google refuses in *body*, the request for *model*."""
    read = mapping(canonical(body))
    problems = list(REQUEST.problems(read, ()))
    if problems:
        return [_violation(problem) for problem in problems]
    contents = objects(read.get("contents"))
    return [
        *_parts("contents", contents),
        *_parts("system_instruction", objects([read.get("systemInstruction")])),
        *_roles(contents),
        *_pairs(_turns(contents)),
        *_files(contents),
        *tool_violations(read),
        *_config(mapping(read.get("generationConfig"))),
        *_cached(read),
        *model_violations(read, model),
    ]


def _where(path: Path) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{snake(step)}" if text else snake(step)
    return text


def _violation(problem: Problem) -> Violation:
    where = _where(problem.path)
    rule = problem.rule or {"unknown": "G-unknown", "missing": "G-missing"}.get(
        problem.kind, "G-type"
    )
    return Violation(rule, where, _words(problem, where))


def _words(problem: Problem, where: str) -> str:
    name = str(problem.path[-1])
    outer = _where(problem.path[:-1])
    match problem.kind:
        case "unknown":
            at = f" at '{outer}'" if outer else ""
            return f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.'
        case "missing":
            return f"* GenerateContentRequest.{where}: {snake(name)} is not specified\n"
        case "empty" if name == "contents":
            return f"* GenerateContentRequest.{where}: contents is not specified\n"
        case "empty":
            return f"* GenerateContentRequest.{where}: contents.parts must not be empty.\n"
        case "choice":
            return f"Invalid value at '{where}' ({_ENUM}.{name}), {dumps(problem.found)}"
        case "pattern" if problem.expected == "base64":
            return (
                f"Invalid value at '{where}' (TYPE_BYTES), Base64 decoding failed for "
                f"{dumps(problem.found)[:80]}"
            )
        case "pattern" | "long":
            return (
                f"* GenerateContentRequest.{where}: [FIELD_INVALID] Invalid function name. Must "
                "start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), "
                "underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of "
                "128.\n"
            )
        case _:
            kind = problem.expected or "TYPE_INT32"
            return f"Invalid value at '{where}' ({kind}), {dumps(problem.found)[:80]}"


def _parts(base: str, contents: list[Object]) -> Iterator[Violation]:
    for at, content in enumerate(contents):
        for place, part in enumerate(objects(content.get("parts"))):
            inner = f"{base}[{at}]" if base == "contents" else base
            path = f"{inner}.parts[{place}]"
            fields = [name for name in DATA_FIELDS if name in part]
            signed = "thoughtSignature" in part
            if len(fields) > 1:
                text = (
                    f"Invalid value at '{path}' (oneof), oneof field 'data' is already set. "
                    f"Cannot set '{fields[1]}'"
                )
                yield Violation("G5", path, text)
            elif not fields and not signed:
                text = (
                    f"* GenerateContentRequest.{path}.data: required oneof field 'data' must "
                    "have one initialized field\n"
                )
                yield Violation("G5", path, text)
            elif part.get("text") == "" and not signed:
                text = "Unable to submit request because it must have a text parameter."
                yield Violation("G3", f"{path}.text", text)
            if base != "contents" and "text" not in part:
                yield Violation("G2", path, "System instruction only supports text parts.")


def _roles(contents: list[Object]) -> Iterator[Violation]:
    for at, content in enumerate(contents):
        role = content.get("role", "user")
        path = f"contents[{at}].role"
        if role not in {"user", "model", "function"}:
            yield Violation("G2", path, "Please use a valid role: user, model.")
            continue
        parts = objects(content.get("parts"))
        if role != "model" and any("functionCall" in part for part in parts):
            text = "Please ensure that function call parts are in a turn with the role model."
            yield Violation("G2", path, text)
        if role == "model" and any("functionResponse" in part for part in parts):
            text = "Please ensure that function response parts are in a turn with the role user."
            yield Violation("G2", path, text)
        if role != "model" and any(part.get("thought") for part in parts):
            text = "Please ensure that thoughts are in a turn with the role model."
            yield Violation("G2", path, text)
    if contents and contents[0].get("role") == "model":
        text = "Please ensure that multiturn requests begin with a user turn."
        yield Violation("G1", "contents[0].role", text)


def _turns(contents: list[Object]) -> list[_Turn]:
    turns: list[_Turn] = []
    for at, content in enumerate(contents):
        role = "model" if content.get("role") == "model" else "user"
        parts = tuple(objects(content.get("parts")))
        # Results stand in a content of their own, which the text after it does not join.
        answers = any("functionResponse" in part for part in parts)
        last = turns[-1] if turns else None
        if last is not None and last.role == role and (role == "model" or not answers):
            if role == "user" and last.of("functionResponse"):
                turns.append(_Turn(role, at, parts))
            else:
                turns[-1] = _Turn(role, last.at, (*last.parts, *parts))
        else:
            turns.append(_Turn(role, at, parts))
    return turns


def _pairs(turns: list[_Turn]) -> Iterator[Violation]:
    for place, turn in enumerate(turns):
        before = turns[place - 1] if place else None
        following = turns[place + 1] if place + 1 < len(turns) else None
        path = f"contents[{turn.at}]"
        answers = turn.of("functionResponse")
        calls = turn.of("functionCall")
        if calls and before is None:
            yield Violation("G6", path, _AFTER_USER)
        if calls and not (following and following.of("functionResponse")):
            yield Violation("G6", path, _COUNT)
        if not answers:
            continue
        if before is None or not before.of("functionCall"):
            yield Violation("G6", path, _AFTER_CALL)
            continue
        yield from _matched(path, before.of("functionCall"), answers)
        if len(answers) != len(turn.parts):
            yield Violation("G9", path, _COUNT)


def _matched(path: str, calls: list[Object], answers: list[Object]) -> Iterator[Violation]:
    if len(calls) != len(answers):
        yield Violation("G6", path, _COUNT)
        return
    for place, (call, answer) in enumerate(zip(calls, answers, strict=True)):
        at = f"{path}.parts[{place}].function_response"
        if not string(answer.get("name")):
            text = f"* GenerateContentRequest.{at}.name: Name cannot be empty.\n"
            yield Violation("G7", f"{at}.name", text)
        elif answer.get("name") != call.get("name"):
            yield Violation("G6", at, f"{_COUNT} The names of both must be the same.")
        elif "id" in answer and "id" in call and answer["id"] != call["id"]:
            yield Violation("G6", at, f"{_COUNT} The ids of both must be the same.")


def _files(contents: list[Object]) -> Iterator[Violation]:
    for at, content in enumerate(contents):
        for place, part in enumerate(objects(content.get("parts"))):
            path = f"contents[{at}].parts[{place}]"
            answer = mapping(part.get("functionResponse"))
            inner = objects(answer.get("parts"))
            for file in (part, *inner):
                blob = mapping(file.get("inlineData"))
                mime = string(blob.get("mimeType"))
                if blob and not mime.startswith(_KINDS):
                    yield Violation("G-mime", path, f"Unsupported MIME type: {mime}")
                elif blob and not blob.get("data"):
                    text = "Unable to process input image. Please retry or report in"
                    yield Violation(
                        "G-file", path, f"{text} https://developers.generativeai.google"
                    )
            names = {string(mapping(file.get("inlineData")).get("displayName")) for file in inner}
            for reference in _references(answer.get("response")):
                if reference not in names:
                    text = f"Function response references an unknown file: {reference!r}."
                    yield Violation("G-ref", f"{path}.function_response.response", text)


def _references(value: object) -> Iterator[str]:
    for item in sequence(value):
        yield from _references(item)
    for key, item in mapping(value).items():
        if key == "$ref":
            yield string(item)
        else:
            yield from _references(item)


def _config(config: Object) -> Iterator[Violation]:
    ranges = (("temperature", 0.0, 2.0), ("topP", 0.0, 1.0))
    for name, least, most in ranges:
        value = config.get(name)
        if isinstance(value, int | float) and not least <= value <= most:
            path = f"generation_config.{snake(name)}"
            text = (
                f"* GenerateContentRequest.{path}: {snake(name)} must be in the range "
                f"[{least}, {most}].\n"
            )
            yield Violation("G-sampling", path, text)
    stops = sequence(config.get("stopSequences"))
    if len(stops) > _MOST_STOPS:
        text = f"The number of stop sequences ({len(stops)}) exceeds the maximum of {_MOST_STOPS}."
        yield Violation("G-stop", "generation_config.stop_sequences", text)


def _cached(body: Object) -> Iterator[Violation]:
    beside = [name for name in ("systemInstruction", "tools", "toolConfig") if name in body]
    if body.get("cachedContent") and beside:
        text = (
            "CachedContent can not be used with GenerateContent request setting "
            "system_instruction, tools or tool_config. Proposed fix: move those values to "
            "CachedContent from GenerateContent request."
        )
        yield Violation("G-cached", "cached_content", text)

"""What the Anthropic Messages API refuses beyond the shape of a request (rules A1 to A19).

Wording from recorded error bodies where there are any, else from public issue reports; read
2026-11-22. Rules about one model family are in `anthropic_models`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from flux_tui.sim.rules.anthropic_models import model_violations
from flux_tui.sim.rules.anthropic_shapes import COUNT_REQUEST, REQUEST, worded
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.values import Object, mapping, objects, string

LATEST = "2026-10-21"
_ONLY = {
    "tool_use": "assistant",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
    "server_tool_use": "assistant",
    "tool_result": "user",
    "image": "user",
    "search_result": "user",
    "container_upload": "user",
}
_MAX_BREAKPOINTS = 4


@dataclass(slots=True)
class _Turn:
    """Neighbouring messages of one role, which the server merges."""

    role: str
    index: int  # of the first message
    blocks: list[tuple[str, Object]] = field(default_factory=list[tuple[str, Object]])


def check(body: Object, version: str = LATEST, *, counting: bool = False) -> list[Violation]:
    """What the API refuses in *body*; empty when it accepts the request.

    Args:
        body: the parsed request.
        version: the `anthropic-version` header; the newest refuses sampling parameters.
        counting: judge it as a request to count tokens, which needs no `max_tokens`.
    """
    shape = COUNT_REQUEST if counting else REQUEST
    broken = [worded(problem) for problem in shape.problems(body, ())]
    if broken:
        return broken
    turns = _turns(body)
    return [
        *_contents(body),
        *_roles(body, version),
        *_system_places(body),
        *_pairs(turns),
        *_breakpoints(body),
        *_tool_names(body),
        *model_violations(body, version),
    ]


def _violation(rule: str, path: str, message: str) -> Violation:
    return Violation(rule, path, message)


def _blocks(message: Object) -> list[Object]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return objects(content)


def _turns(body: Object) -> list[_Turn]:
    turns: list[_Turn] = []
    for index, message in enumerate(objects(body.get("messages"))):
        role = string(message.get("role"))
        if role == "system":
            continue
        if not turns or turns[-1].role != role:
            turns.append(_Turn(role, index))
        turns[-1].blocks.extend(
            (f"messages.{index}.content.{place}", block)
            for place, block in enumerate(_blocks(message))
        )
    return turns


def _contents(body: Object) -> Iterator[Violation]:
    messages = objects(body.get("messages"))
    for index, message in enumerate(messages):
        final = index == len(messages) - 1 and message.get("role") == "assistant"
        if not message.get("content") and not final:
            yield _violation(
                "A1",
                f"messages.{index}",
                f"messages.{index}: all messages must have non-empty content except for the "
                "optional final assistant message",
            )
            continue
        if message.get("content"):
            yield from _texts("messages", f"messages.{index}.content", _blocks(message))
    yield from _texts("system", "system", objects(body.get("system")))


def _texts(subject: str, path: str, blocks: list[Object]) -> Iterator[Violation]:
    for place, block in enumerate(blocks):
        if block.get("type") == "tool_result":
            yield from _result_texts(f"{path}.{place}", block)
        if block.get("type") != "text":
            continue
        text = string(block.get("text"))
        if not text:
            message = f"{subject}: text content blocks must be non-empty"
            yield _violation("A1", f"{path}.{place}", message)
        elif not text.strip():
            message = f"{subject}: text content blocks must contain non-whitespace text"
            yield _violation("A2", f"{path}.{place}", message)


def _result_texts(path: str, block: Object) -> Iterator[Violation]:
    if block.get("content") == []:
        yield _violation("A1", path, f"{path}.tool_result.content: content must be non-empty")
    yield from _texts("messages", f"{path}.content", objects(block.get("content")))


def _roles(body: Object, version: str) -> Iterator[Violation]:
    for index, message in enumerate(objects(body.get("messages"))):
        role = string(message.get("role"))
        for place, block in enumerate(_blocks(message)):
            path = f"messages.{index}.content.{place}"
            kind = string(block.get("type"))
            yield from _role_of(role, kind, index, path)
            if kind == "document" and role == "assistant" and version >= LATEST:
                text = f"{path}: `document` blocks are not allowed in `assistant` messages"
                yield _violation("A7", path, text)
            if kind == "text" and role == "user" and block.get("citations") and version >= LATEST:
                text = f"{path}.text.citations: citations are not allowed in `user` messages"
                yield _violation("A8", path, text)
            if kind == "thinking" and not block.get("signature"):
                text = f"{path}: Invalid `signature` in `thinking` block"
                yield _violation("A9", path, text)


def _role_of(role: str, kind: str, index: int, path: str) -> Iterator[Violation]:
    owner = _ONLY.get(kind)
    if role == "system":
        owner = None if kind in {"text", "tool_addition", "tool_removal"} else "user"
    if owner is None or owner == role:
        return
    rule = "A9" if "thinking" in kind else "A3"
    text = f"messages.{index}: `{kind}` blocks can only be in `{owner}` messages"
    yield _violation(rule, path, text)


def _system_places(body: Object) -> Iterator[Violation]:
    messages = objects(body.get("messages"))
    for index, message in enumerate(messages):
        if message.get("role") != "system":
            continue
        before = next((m for m in reversed(messages[:index]) if m.get("role") != "system"), None)
        after = next((m for m in messages[index + 1 :] if m.get("role") != "system"), None)
        placed = before is not None and (
            before.get("role") == "user" or _ends_in_server_result(before)
        )
        if not placed or (after is not None and after.get("role") != "assistant"):
            yield _violation(
                "A15",
                f"messages.{index}",
                f"messages.{index}: a `system` message must directly follow a `user` message and "
                "be the last message or precede an `assistant` message",
            )


def _ends_in_server_result(message: Object) -> bool:
    last = mapping((_blocks(message) or [{}])[-1])
    return string(last.get("type")).endswith("_tool_result")


def _pairs(turns: list[_Turn]) -> Iterator[Violation]:
    for place, turn in enumerate(turns):
        following = turns[place + 1] if place + 1 < len(turns) else None
        preceding = turns[place - 1] if place else None
        if turn.role == "assistant":
            yield from _calls(turn, following)
            yield from _last(turn)
        else:
            yield from _results(turn, preceding)


def _calls(turn: _Turn, following: _Turn | None) -> Iterator[Violation]:
    calls = [block for _, block in turn.blocks if block.get("type") == "tool_use"]
    seen = False
    for path, block in turn.blocks:
        if block.get("type") == "tool_use":
            seen = True
        elif seen:
            text = f"{path}: `tool_use` blocks must be the last blocks of an `assistant` message"
            yield _violation("A13", path, text)
            break
    answered = _result_ids(following)
    missing = [string(call.get("id")) for call in calls if call.get("id") not in answered]
    if missing:
        yield _violation(
            "A10",
            f"messages.{turn.index}",
            f"messages.{turn.index}: `tool_use` ids were found without `tool_result` blocks "
            f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a "
            "corresponding `tool_result` block in the next message.",
        )
    ids = [string(call.get("id")) for call in calls]
    if len(ids) != len(set(ids)):
        text = f"messages.{turn.index}: `tool_use` ids must be unique"
        yield _violation("A4", f"messages.{turn.index}", text)


def _last(turn: _Turn) -> Iterator[Violation]:
    kind = string(turn.blocks[-1][1].get("type")) if turn.blocks else ""
    if "thinking" in kind:
        path = f"messages.{turn.index}"
        text = f"{path}: The final block in an assistant message cannot be `{kind}`."
        yield _violation("A-last-thinking", path, text)


def _result_ids(turn: _Turn | None) -> set[object]:
    if turn is None or turn.role != "user":
        return set()
    return {
        block.get("tool_use_id") for _, block in turn.blocks if block.get("type") == "tool_result"
    }


def _results(turn: _Turn, preceding: _Turn | None) -> Iterator[Violation]:
    calls = {
        string(block.get("id"))
        for _, block in (preceding.blocks if preceding else [])
        if block.get("type") == "tool_use"
    }
    seen: set[str] = set()
    other = False
    for path, block in turn.blocks:
        if block.get("type") != "tool_result":
            other = True
            continue
        name = string(block.get("tool_use_id"))
        if name not in calls:
            yield _violation(
                "A14",
                path,
                f"{path}: unexpected `tool_use_id` found in `tool_result` blocks: {name}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous "
                "message.",
            )
        elif name in seen:
            yield _violation(
                "A11",
                path,
                f"{path}: each tool_use must have a single result. Found multiple `tool_result` "
                f"blocks with id: {name}",
            )
        elif other:
            yield _violation(
                "A12",
                path,
                f"{path}: `tool_result` blocks must come first in the content of a `user` message "
                "that answers `tool_use` blocks",
            )
        seen.add(name)


def _breakpoints(body: Object) -> Iterator[Violation]:
    found = int(bool(body.get("cache_control")))
    found += sum(bool(tool.get("cache_control")) for tool in objects(body.get("tools")))
    found += sum(bool(block.get("cache_control")) for block in objects(body.get("system")))
    for message in objects(body.get("messages")):
        for block in objects(message.get("content")):
            found += bool(block.get("cache_control"))
            found += sum(bool(b.get("cache_control")) for b in objects(block.get("content")))
    if found > _MAX_BREAKPOINTS:
        text = f"A maximum of 4 blocks with cache_control may be provided. Found {found}."
        yield _violation("A17", "cache_control", text)


def _tool_names(body: Object) -> Iterator[Violation]:
    names = [string(tool.get("name")) for tool in objects(body.get("tools"))]
    named = [name for name in names if name]
    if len(named) != len(set(named)):
        yield _violation("A6", "tools", "tools: Tool names must be unique.")
    choice = mapping(body.get("tool_choice"))
    if choice and not names and not body.get("mcp_servers"):
        text = "tool_choice: tool_choice may only be specified while providing tools"
        yield _violation("A-tool-choice", "tool_choice", text)
    elif choice.get("type") == "tool" and choice.get("name") not in names:
        text = f"tool_choice: Tool '{choice.get('name')}' not found in provided tools"
        yield _violation("A-tool-choice", "tool_choice", text)

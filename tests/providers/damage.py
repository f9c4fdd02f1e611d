"""Streams of the six formats, ways to damage one, and how to tell that one has come to its end."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from flux_tui.core.models import Api

Event = tuple[str, str]
Path_ = tuple[str | int, ...]


def _typed(*payloads: dict[str, Any]) -> list[Event]:
    return [(str(payload["type"]), json.dumps(payload)) for payload in payloads]


def _bare(*payloads: dict[str, Any]) -> list[Event]:
    return [("message", json.dumps(payload)) for payload in payloads]


def _choice(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _block(index: int, *deltas: dict[str, Any], **block: Any) -> list[dict[str, Any]]:
    at = {"index": index}
    return [
        {"type": "content_block_start", **at, "content_block": block},
        *({"type": "content_block_delta", **at, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", **at},
    ]


_DONE = [("message", "[DONE]")]
_HALF = {"function": {"name": "run", "arguments": '{"a"'}}
_REST = {"function": {"arguments": ': "b"}'}}
_ITEMS: list[dict[str, Any]] = [
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"},
    {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "hello"}]},
    {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "run", "arguments": "{}"},
    {"type": "web_search_call", "id": "ws_1", "action": {"query": "q"}},
]

WHOLE: dict[Api, list[Event]] = {
    "anthropic": _typed(
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3}}},
        *_block(
            0,
            {"type": "thinking_delta", "thinking": "hm"},
            {"type": "signature_delta", "signature": "s"},
            type="thinking",
            thinking="",
        ),
        *_block(1, {"type": "text_delta", "text": "hel\x1b[1mlo"}, type="text", text=""),
        *_block(2, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
        *_block(3, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[]),
        *_block(
            4,
            {"type": "input_json_delta", "partial_json": '{"a":'},
            {"type": "input_json_delta", "partial_json": " 1}"},
            type="tool_use",
            id="toolu_1",
            name="run",
            input={},
        ),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use"},
            "usage": {"output_tokens": 9},
        },
        {"type": "message_stop"},
    ),
    "openai-responses": _typed(
        {"type": "response.output_item.added", "output_index": 1, "item": {"type": "message"}},
        {
            "type": "response.output_text.delta",
            "output_index": 1,
            "content_index": 0,
            "delta": "hel",
        },
        *(
            {"type": "response.output_item.done", "output_index": place, "item": item}
            for place, item in enumerate(_ITEMS)
        ),
        {
            "type": "response.completed",
            "response": {"id": "r", "output": _ITEMS, "usage": {"input_tokens": 3}},
        },
    ),
    "openai-chat": _bare(
        _choice(reasoning_content="hm", reasoning_details=[{"text": "hm"}]),
        _choice(content="hello"),
        _choice(tool_calls=[{"index": 0, "id": "a", **_HALF}]),
        _choice(tool_calls=[{"index": 0, **_REST}]),
        _choice("tool_calls"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    )
    + _DONE,
    "gemini": _bare(
        {"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}]}}]},
        {"candidates": [{"content": {"parts": [{"text": "hello", "thoughtSignature": "cw=="}]}}]},
        {
            "candidates": [
                {
                    "content": {
                        "parts": [
                            {"executableCode": {"language": "PYTHON", "code": "1"}},
                            {"functionCall": {"name": "run", "args": {"a": "b"}}},
                        ]
                    },
                    "finishReason": "STOP",
                }
            ],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2},
        },
    ),
    "mistral": _bare(
        _choice(
            content=[
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "signature": "s"}
            ]
        ),
        _choice(content="hello"),
        _choice(content=[{"type": "reference", "reference_ids": [1]}]),
        _choice(tool_calls=[{"index": 0, "id": "abcdefghi", **_HALF}]),
        _choice(tool_calls=[{"index": 0, "id": "null", **_REST}]),
        {**_choice("tool_calls"), "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    )
    + _DONE,
    "cohere": _typed(
        {"type": "message-start", "id": "i"},
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I look"}}},
        *(
            {"type": kind, "index": 0, "delta": {"message": {"content": {"thinking": "hm"}}}}
            for kind in ("content-start", "content-delta")
        ),
        {
            "type": "tool-call-start",
            "index": 0,
            "delta": {"message": {"tool_calls": {"id": "a", "function": {"name": "run"}}}},
        },
        {
            "type": "tool-call-delta",
            "index": 0,
            "delta": {"message": {"tool_calls": {"function": {"arguments": '{"a": 1}'}}}},
        },
        {"type": "citation-start", "index": 0, "delta": {"message": {"citations": {"text": "x"}}}},
        {
            "type": "message-end",
            "delta": {"finish_reason": "TOOL_CALL", "usage": {"tokens": {"input_tokens": 3}}},
        },
    ),
}
"""A reply in each format with text, reasoning, a call and what only its vendor can read."""

_ODD: list[Any] = [
    *(None, True, -1, 1.5, 10**30, float("nan"), float("inf")),
    *("", "7", " \n", "\ud83d", "\0", "\x1b]0;x"),
    *([], {}, [None], [[]], {"a": None}, {"type": 1}),
]
_JUNK = ["null", "[]", "1", '"x"', "{}", "{", "[" * 3000, '{"type":null}', '{"error":null}']


def read(path: Path) -> list[Event]:
    """The events of a recorded stream."""
    found: list[Event] = []
    name, data = "message", list[str]()
    for line in [*path.read_text("utf-8", "replace").splitlines(), ""]:
        if not line and data:
            found.append((name, "\n".join(data)))
        if not line:
            name, data = "message", []
        elif line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].lstrip())
    return found


def _places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _places(inner, (*path, place))


def _field_changed(draw: st.DrawFn, event: Event) -> Event:
    try:
        value = json.loads(event[1])
    except (ValueError, RecursionError):
        return event
    path = draw(st.sampled_from([(), *_places(value)]))
    if not path:
        return event
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    if draw(st.booleans()):
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(draw(st.sampled_from(_ODD)))
    return event[0], json.dumps(value)


@st.composite
def damaged(draw: st.DrawFn, events: list[Event]) -> list[Event]:
    """*events* with one to three things lost, doubled, moved, cut, changed or put between them."""
    made = list(events)
    kinds = ["drop", "double", "swap", "cut", "shorten", "junk", "field", "field", "field"]
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3)):
        if not made:
            break
        at, other = draw(st.integers(0, len(made) - 1)), draw(st.integers(0, len(made) - 1))
        match kind:
            case "drop":
                del made[at]
            case "double":
                made.insert(at, made[at])
            case "swap":
                made[at], made[other] = made[other], made[at]
            case "cut":
                del made[at:]
            case "shorten":
                made[at] = made[at][0], made[at][1][: draw(st.integers(0, len(made[at][1])))]
            case "junk":
                made.insert(
                    at, (draw(st.sampled_from(["message", "x"])), draw(st.sampled_from(_JUNK)))
                )
            case _:
                made[at] = _field_changed(draw, made[at])
    return [event for event in made if event[1].strip()]


def has_ended(api: Api, events: list[Event]) -> bool:
    """Whether the event is there after which nothing is missing, read apart from any decoder."""
    values = [(name, _value(data)) for name, data in events]
    typed = [(name, value.get("type")) for name, value in values if isinstance(value, dict)]
    kinds = {kind if kind and isinstance(kind, str) else name for name, kind in typed}
    done = any(data.strip() == "[DONE]" for _, data in events)
    match api:
        case "anthropic":
            return "message_stop" in kinds
        case "openai-responses":
            return bool(kinds & {"response.completed", "response.incomplete"})
        case "cohere":
            return "message-end" in kinds
        case "gemini":
            return any(_tells(value, "finishReason", "blockReason") for _, value in values)
        case "mistral":
            return done and any(_tells(value, "finish_reason") for _, value in values)
        case "openai-chat":
            return done or any(_tells(value, "finish_reason") for _, value in values)


def _value(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _tells(value: Any, *names: str) -> bool:
    if isinstance(value, dict):
        told = any(isinstance(value.get(name), str) and value[name] for name in names)
        return told or any(_tells(inner, *names) for inner in value.values())
    return isinstance(value, list) and any(_tells(inner, *names) for inner in value)

"""Servers that are nearly like OpenAI's, over a socket, from three lines of configuration."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.core.events import Noted, TurnEvent
from flux_tui.core.messages import Message, Text, Thinking, ToolResult
from flux_tui.session.session import ChatSession
from flux_tui.session.wiring import Runtime
from tests.session.helpers import PlainTool, committed, drain, ended

Body = dict[str, Any]
Refusal = Callable[[Body], tuple[int, object] | None]
USAGE = {"prompt_tokens": 9, "completion_tokens": 4}


def delta(content: str | None = None, *, finish: str | None = None, **more: object) -> Body:
    said = {**({} if content is None else {"content": content}), **more}
    return {"id": "x", "choices": [{"index": 0, "delta": said, "finish_reason": finish}]}


def call(name: str, arguments: str, **more: object) -> Body:
    """A piece of a call as the server of a test numbers it."""
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


HELLO = (delta("Hel"), delta("lo", finish="stop"), {"choices": [], "usage": USAGE}, "[DONE]")


@dataclass
class Box:
    """A server that answers the n-th request it takes with the n-th script, then the last."""

    scripts: Sequence[Sequence[Body | str]] = (HELLO,)
    refuses: Sequence[Refusal] = ()
    bodies: list[Body] = field(default_factory=list)
    taken: list[Body] = field(default_factory=list)
    port: int = 0
    kind: str = "text/event-stream"
    whole: str = ""  # the answer to every request, as one document

    def answer(self, body: Body) -> bytes:
        self.bodies.append(body)
        for refuse in self.refuses:
            if (refused := refuse(body)) is not None:
                status, error = refused
                return _response(status, "application/json", json.dumps(error))
        self.taken.append(body)
        if self.whole:
            return _response(200, "application/json", self.whole)
        script = self.scripts[min(len(self.taken), len(self.scripts)) - 1]
        lines = (piece if isinstance(piece, str) else json.dumps(piece) for piece in script)
        return _response(200, self.kind, "".join(f"data: {one}\n\n" for one in lines))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(
            int(line.partition(b":")[2])
            for line in head.lower().splitlines()
            if line.startswith(b"content-length")
        )
        writer.write(self.answer(json.loads(await reader.readexactly(size))))
        await writer.drain()
        writer.close()


def _response(status: int, kind: str, text: str) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: {kind}\r\n\r\n"
    return (head + text).encode()


@asynccontextmanager
async def talking(
    box: Box, home: Path, *, top: str = "", more: str = ""
) -> AsyncIterator[ChatSession]:
    """A session with *box* by three lines of configuration, *top* above them and *more* below."""
    listening = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    async with listening:
        box.port = listening.sockets[0].getsockname()[1]
        (home / "config.toml").write_text(
            f"{top}[providers.box]\n"
            f'base_url = "http://127.0.0.1:{box.port}/v1"\n'
            f'models = ["tiny"]\n{more}'
        )
        settings = load_settings({}, {"FLUX_HOME": str(home)}, home)
        runtime = Runtime(settings, root=home)
        await runtime.start()
        runtime.tools.clear()
        runtime.tools["look"] = PlainTool()
        try:
            yield runtime.new_session(runtime.find_model("box/tiny"))
        finally:
            await runtime.aclose()


def unknown(name: str, status: int = 400) -> Refusal:
    """Refuse a parameter as most servers do."""

    def refuse(body: Body) -> tuple[int, object] | None:
        error = {"error": {"message": f"Unrecognized request argument supplied: {name}"}}
        return (status, error) if name in body else None

    return refuse


def forbidden_extra(name: str) -> Refusal:
    """Refuse a parameter as servers that check with pydantic do."""

    def refuse(body: Body) -> tuple[int, object] | None:
        told = {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs"}
        return (422, {"detail": [told]}) if name in body else None

    return refuse


def odd_history(body: Body) -> tuple[int, object] | None:
    """Refuse what the chat templates of local models cannot render."""
    roles = [message["role"] for message in body["messages"]]
    problems = [
        "developer" in roles,
        "system" in roles[1:],
        any(message.get("content") is None for message in body["messages"]),
        any(message.get("tool_calls") == [] for message in body["messages"]),
        any(one == other == "user" for one, other in pairwise(roles)),
        any(one == other == "assistant" for one, other in pairwise(roles)),
    ]
    return (400, {"error": "chat template: roles must alternate"}) if any(problems) else None


def noted(events: list[TurnEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Noted)]


def answer_of(events: list[TurnEvent]) -> Message:
    return committed(events)[-1]


async def test_three_lines_are_enough(tmp_path: Path) -> None:
    box = Box(refuses=[odd_history])
    async with talking(box, tmp_path) as session:
        events = await drain(session.send("hi"))
        await drain(session.send("and?"))

    answer = answer_of(events)
    assert (answer.text, answer.stop) == ("Hello", "end")
    assert answer.usage is not None
    assert (answer.usage.input, answer.usage.output, answer.usage.estimated) == (9, 4, False)
    assert [message["role"] for message in box.bodies[1]["messages"]] == [
        *("system", "user", "assistant", "user")
    ]
    assert "max_completion_tokens" not in box.bodies[0]


@pytest.mark.parametrize("refuse", [unknown("stream_options"), forbidden_extra("stream_options")])
async def test_what_was_refused_once_is_not_sent_in_the_next_turn(
    tmp_path: Path, refuse: Refusal
) -> None:
    box = Box(refuses=[refuse])
    async with talking(box, tmp_path) as session:
        first = await drain(session.send("hi"))
        second = await drain(session.send("and?"))
        inspected = await session.inspect()

    assert "stream_options" not in inspected.body  # nor is it shown as if it were sent
    assert answer_of(first).text == answer_of(second).text == "Hello"
    assert ["stream_options" in body for body in box.bodies] == [True, False, False]
    (told,) = noted(first)
    assert "stream_options" in told
    assert noted(second) == []


THINKS = '[models."box/tiny"]\nefforts = ["low", "high"]\n'


async def test_a_server_may_refuse_several_things(tmp_path: Path) -> None:
    box = Box(refuses=[unknown("stream_options"), forbidden_extra("reasoning_effort")])
    async with talking(box, tmp_path, more=THINKS) as session:
        session.effort = "high"
        first = await drain(session.send("hi"))
        second = await drain(session.send("and?"))
        assert len(box.bodies) == 4
        session.effort = "low"  # another value may fare better
        third = await drain(session.send("so?"))

    assert [answer_of(events).text for events in (first, second, third)] == ["Hello"] * 3
    assert (len(noted(first)), len(noted(second)), len(noted(third))) == (2, 0, 1)
    assert box.bodies[0]["reasoning_effort"] == "high"
    assert [body.get("reasoning_effort") for body in box.bodies[4:]] == ["low", None]


async def test_what_is_refused_again_and_again_ends_the_turn(tmp_path: Path) -> None:
    def refuse(body: Body) -> tuple[int, object]:
        return 400, {"error": {"message": "stream_options is bad, and so is the rest"}}

    box = Box(refuses=[refuse])
    async with talking(box, tmp_path) as session:
        end = ended(await drain(session.send("hi")))

    assert len(box.bodies) == 2
    assert end.reason == "error"
    assert "so is the rest" in end.error


async def test_a_model_without_tools_is_asked_without_them(tmp_path: Path) -> None:
    def refuse(body: Body) -> tuple[int, object] | None:
        told = {"error": {"message": "registry/library/tiny does not support tools"}}
        return (400, told) if "tools" in body else None

    box = Box(refuses=[refuse])
    async with talking(box, tmp_path) as session:
        first = await drain(session.send("hi"))
        await drain(session.send("and?"))

    assert answer_of(first).text == "Hello"
    assert ["tools" in body for body in box.bodies] == [True, False, False]
    assert "takes no tools" in noted(first)[0]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_the_output_limit_goes_under_the_name_that_was_asked_for(
    tmp_path: Path, name: str
) -> None:
    told = {"error": {"message": "use max_completion_tokens or max_tokens, not this one"}}
    box = Box(refuses=[lambda body: None if name in body else (400, told)])
    async with talking(box, tmp_path, top="max_output = 50\n") as session:
        first = await drain(session.send("hi"))
        await drain(session.send("and?"))

    assert answer_of(first).text == "Hello"
    assert box.bodies[-1][name] == 50
    assert len(box.bodies) == len(box.taken) + (name != "max_tokens")


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_reasoning_is_read_from_either_field_and_told_apart(
    tmp_path: Path, name: str
) -> None:
    thought = delta(**{name: "hm"}, content="")
    box = Box([[thought, delta("yes", finish="stop"), "[DONE]"]], [odd_history])
    async with talking(box, tmp_path) as session:
        answer = answer_of(await drain(session.send("hi")))
        await drain(session.send("and?"))

    kinds = [(type(part), getattr(part, "text", "")) for part in answer.parts]
    assert kinds == [(Thinking, "hm"), (Text, "yes")]
    assert "hm" not in json.dumps(box.bodies[1])


async def test_words_in_both_fields_count_once(tmp_path: Path) -> None:
    both = delta(reasoning="hm", reasoning_content="hm")
    box = Box([[both, delta("yes", finish="stop"), "[DONE]"]])
    async with talking(box, tmp_path) as session:
        answer = answer_of(await drain(session.send("hi")))

    assert [part.text for part in answer.parts if isinstance(part, Thinking)] == ["hm"]


async def test_reasoning_goes_back_while_its_tools_run(tmp_path: Path) -> None:
    asked = [
        delta(reasoning_content="look"),
        delta(tool_calls=[call("look", "{}", index=0, id="a")], finish="tool_calls"),
        "[DONE]",
    ]
    box = Box([asked, HELLO])
    async with talking(box, tmp_path) as session:
        await drain(session.send("hi"))
        await drain(session.send("and?"))

    running = [m for m in box.bodies[1]["messages"] if m["role"] == "assistant"]
    assert running[0]["reasoning_content"] == "look"
    assert "reasoning_content" not in json.dumps(box.bodies[2])


ENDS: list[Sequence[Body | str]] = [
    [delta("Hello there", finish="stop")],
    [delta("Hello there"), "[DONE]"],
    [delta("Hello there"), delta(finish=""), "[DONE]"],
]


@pytest.mark.parametrize("script", ENDS)
async def test_an_answer_with_one_mark_of_its_end_and_no_usage_is_kept_and_weighed(
    tmp_path: Path, script: Sequence[Body | str]
) -> None:
    box = Box([script])
    async with talking(box, tmp_path) as session:
        events = await drain(session.send("hi"))

    answer = answer_of(events)
    assert (answer.text, answer.stop, ended(events).reason) == ("Hello there", "end", "end")
    assert answer.usage is not None
    assert answer.usage.estimated
    assert answer.usage.input > 0
    assert answer.usage.output > 0


IDS: dict[str, list[Body]] = {
    "none": [call("look", '{"n":1}', index=0), call("look", '{"n":2}', index=1)],
    "empty": [call("look", '{"n":1}', index=0, id=""), call("look", '{"n":2}', index=1, id="")],
    "the same": [
        call("look", '{"n":1}', index=0, id="call_0"),
        call("look", '{"n":2}', index=1, id="call_0"),
    ],
    "one index": [
        call("look", '{"n":1}', index=0, id="a"),
        call("look", '{"n":2}', index=0, id="b"),
    ],
    "no index": [call("look", '{"n":1}', id="a"), call("look", '{"n":2}', id="b")],
    "nothing": [call("look", '{"n":1}'), call("look", '{"n":2}')],
    "all the same": [
        call("look", '{"n":1}', index=0, id="call_0"),
        call("look", '{"n":2}', index=0, id="call_0"),
    ],
    "odd": [
        call("look", '{"n":1}', index=0, id="functions.look:0|é" + "x" * 80),
        call("look", '{"n":2}', index=1, id="functions.look:1|é" + "x" * 80),
    ],
}


@pytest.mark.parametrize("ids", IDS)
async def test_calls_are_told_apart_however_the_server_names_them(tmp_path: Path, ids: str) -> None:
    first, second = (delta(tool_calls=[one]) for one in IDS[ids])
    asked = [first, second, delta(finish="stop"), "[DONE]"]  # "stop" although it called
    box = Box([asked, HELLO, asked, HELLO], [odd_history])
    async with talking(box, tmp_path) as session:
        events = await drain(session.send("hi"))
        again = await drain(session.send("and?"))
        calls = [one.id for message in session.conversation for one in message.tool_calls]
        results = [
            part.call_id
            for message in session.conversation
            for part in message.parts
            if isinstance(part, ToolResult)
        ]

    assert answer_of(events).text == answer_of(again).text == "Hello"
    assert len(set(calls)) == 4
    assert results == calls
    for body in box.taken:
        sent = [one["id"] for m in body["messages"] for one in m.get("tool_calls", [])]
        told = [m["tool_call_id"] for m in body["messages"] if m["role"] == "tool"]
        assert sent == told
        assert len(set(sent)) == len(sent)
        assert all(0 < len(one) <= 40 for one in sent)
    given = box.taken[1]["messages"][2]["tool_calls"]
    assert [json.loads(one["function"]["arguments"]) for one in given] == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/octet-stream"])
async def test_events_of_a_server_that_does_not_name_them_are_read(
    tmp_path: Path, kind: str
) -> None:
    async with talking(Box(kind=kind), tmp_path) as session:
        assert answer_of(await drain(session.send("hi"))).text == "Hello"


async def test_an_answer_in_one_piece_is_read_and_its_repetition_is_not(tmp_path: Path) -> None:
    whole = {"choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]}
    box = Box([[whole, "[DONE]"], [delta("Hello"), whole, "[DONE]"]])
    async with talking(box, tmp_path) as session:
        for _ in range(2):
            assert answer_of(await drain(session.send("hi"))).text == "Hello"


async def test_a_server_that_does_not_stream_is_read_all_the_same(tmp_path: Path) -> None:
    message = {
        "role": "assistant",
        "content": "<think>hm</think>Hello",
        "reasoning": None,
        "tool_calls": None,
    }
    document = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
    }
    box = Box(whole=json.dumps(document, indent=2))
    async with talking(box, tmp_path) as session:
        answer = answer_of(await drain(session.send("hi")))

    assert [(type(part), getattr(part, "text", "")) for part in answer.parts] == [
        (Thinking, "hm"),
        (Text, "Hello"),
    ]
    assert answer.usage is not None
    assert (answer.usage.output, answer.usage.estimated, answer.stop) == (4, False, "end")


async def test_calls_of_a_server_that_does_not_stream_are_run(tmp_path: Path) -> None:
    calls = [call("look", '{"n":1}', id="a"), call("look", '{"n":2}', id="b")]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    document = {"choices": [{"message": message, "finish_reason": "tool_calls"}]}
    box = Box(whole=json.dumps(document))
    async with talking(box, tmp_path) as session:
        events = await drain(session.send("hi"))

    first = committed(events)[0]
    assert [(one.id, dict(one.arguments)) for one in first.tool_calls] == [
        ("a", {"n": 1}),
        ("b", {"n": 2}),
    ]
    assert len(box.bodies) > 1


async def test_a_document_that_is_no_answer_is_told_as_before(tmp_path: Path) -> None:
    async with talking(Box(whole='{"detail": "who are you?"}'), tmp_path) as session:
        end = ended(await drain(session.send("hi")))

    assert "sent application/json instead of a reply" in end.error


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("written", "thought", "said"),
    [
        ("<think>\nwhy\n</think>\n\nBecause.", "why\n", "Because."),
        ("\n<thinking>a < b</thinking>yes", "a < b", "yes"),
        ("[THINK]so[/THINK]it is", "so", "it is"),
        ("<think>cut off </thi", "cut off </thi", ""),
        ("<think></think>quick", "", "quick"),
        ("The tag <think> opens.</think>", "", "The tag <think> opens.</think>"),
        ("<thin air>", "", "<thin air>"),
        ("<th", "", "<th"),
    ],
)
async def test_reasoning_between_tags_is_told_apart_however_it_is_cut(
    tmp_path: Path, written: str, thought: str, said: str, size: int
) -> None:
    pieces = [written[at : at + size] for at in range(0, len(written), size)]
    box = Box([[*(delta(piece) for piece in pieces), delta(finish="stop"), "[DONE]"]])
    async with talking(box, tmp_path) as session:
        answer = answer_of(await drain(session.send("hi")))

    thoughts = [part.text for part in answer.parts if isinstance(part, Thinking)]
    assert "".join(thoughts) == thought
    assert answer.text == said


@pytest.mark.parametrize(
    "told",
    [
        "Requests which have `tool_use` or `tool_result` blocks in messages must define tools.",
        "litellm.UnsupportedParamsError: Anthropic expects the `tools=` param to be passed in.",
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
    ],
)
async def test_a_gateway_that_wants_tools_declared_for_earlier_calls_gets_them_closed(
    tmp_path: Path, told: str
) -> None:
    def refuse(body: Body) -> tuple[int, object] | None:
        called = any("tool_calls" in message for message in body["messages"])
        return (400, {"error": {"message": told}}) if called and "tools" not in body else None

    asked = [delta(tool_calls=[call("look", "{}", index=0, id="a")], finish="tool_calls"), "[DONE]"]
    box = Box([asked, HELLO], [refuse])
    async with talking(box, tmp_path) as session:
        await drain(session.send("hi"))
        session._services.tools.clear()  # pyright: ignore[reportPrivateUsage]
        first = await drain(session.send("and now without tools?"))
        second = await drain(session.send("and?"))

    assert answer_of(first).text == answer_of(second).text == "Hello"
    assert "declared" in noted(first)[0]
    assert noted(second) == []
    last = box.taken[-1]
    assert [tool["function"]["name"] for tool in last["tools"]] == ["look"]
    assert last["tool_choice"] == "none"

"""What Chat Completions, Mistral and Cohere share in their requests: messages, calls, tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flux_tui.sim.formats.openai import part_text
from flux_tui.sim.replies import prompt_text
from flux_tui.sim.script import Outcome, Segment, Tool
from flux_tui.sim.values import Object, dumps, mapping, objects, string


@dataclass(frozen=True, slots=True)
class History:
    """What an `Ask` tells of the messages; see there."""

    text: str = ""
    outcomes: tuple[Outcome, ...] = ()
    rounds: int = 0
    attachments: tuple[str, ...] = ()
    turns: int = 0


def history(
    messages: list[Object],
    media: Callable[[list[Object]], Iterator[str]],
    text_of: Callable[[object], str] = part_text,
) -> History:
    """Read *messages*; *media* names the files among content parts, *text_of* reads a content."""
    found = History()
    outcomes: list[Outcome] = []
    rounds = 0
    names: dict[str, str] = {}
    before = ""
    for message in messages:
        role, follows = string(message.get("role")), before
        before = role
        calls = objects(message.get("tool_calls"))
        for call in calls:
            names[string(call.get("id"))] = string(mapping(call.get("function")).get("name"))
        rounds += bool(calls)
        content = message.get("content")
        if role == "tool":
            name = names.get(string(message.get("tool_call_id")), "")
            outcomes.append(Outcome(name, text_of(content)))
        files = tuple(media(objects(content)))
        # Images of tool results have to follow in a user message; it is no new question.
        if role != "user" or (follows == "tool" and files):
            continue
        said = text_of(content)
        if prompt_text(said) or files:
            found, rounds, outcomes = History(said, (), 0, files, found.turns + 1), 0, []
    return History(found.text, tuple(outcomes), rounds, found.attachments, found.turns)


def forced(choice: object, *words: str) -> str | None:
    """The tool that must be called: "" for any, as one of *words* says; None for no such wish."""
    if choice in words:
        return ""
    named = mapping(choice)
    if named.get("type") == "function":
        return string(mapping(named.get("function")).get("name"))
    return None


def tools(body: Object) -> tuple[Tool, ...]:
    """The functions on offer."""
    functions = [mapping(tool.get("function")) for tool in objects(body.get("tools"))]
    return tuple(
        Tool(string(tool.get("name")), mapping(tool.get("parameters")))
        for tool in functions
        if tool
    )


def segments(body: Object) -> Iterator[Segment]:
    """The request as a prompt cache sees it."""
    yield Segment(dumps(body.get("tools")))
    for message in objects(body.get("messages")):
        yield Segment(dumps(message))

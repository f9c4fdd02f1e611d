"""Write the tables of docs/how-a-switch-works.md: what each wire format is sent of a history.

Every provider first answers on the simulator, through its own adapter; what it said is then
encoded for each other one, and the bodies are searched for what they hold. Nothing is written by
hand between the two marks of the page.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from flux_tui.core.builder import MessageBuilder
from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.normalize import normalize
from flux_tui.core.report import SwapReport
from flux_tui.providers.base import ChatRequest, Endpoint, Provider, ToolSpec
from flux_tui.providers.profiles import bundled, describe
from flux_tui.providers.registry import PROVIDERS, make_provider
from flux_tui.session.choices import SIMULATOR_URLS
from flux_tui.sim.app import SimSettings, Simulator
from flux_tui.sim.transport import SimTransport

PAGE = Path(__file__).parents[1] / "docs" / "how-a-switch-works.md"
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"

_PICTURE, _SHOT = b"\x89PNG picture of the question", b"\x89PNG picture of the result"
_PDF, _PDF_WORDS = b"%PDF-1.7 file of the question", "words inside the PDF"
_NOTES = "words of the text file"
_CALL_ID = "call|odd id:1"
_LOOK = ToolSpec(
    "look",
    "Looks something up",
    {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]},
)


@dataclass(frozen=True)
class Side:
    """A provider with its best model, on the simulator."""

    model: ModelInfo
    provider: Provider

    @property
    def name(self) -> str:
        """What people call it."""
        return PROVIDERS[self.model.ref.provider].label


@dataclass(frozen=True)
class Sent:
    """A body for the target, as text, and what normalising reported."""

    body: str
    report: SwapReport

    def holds(self, text: str) -> bool:
        """Whether *text* stands in the body."""
        return json.dumps(text)[1:-1] in self.body

    def holds_bytes(self, data: bytes) -> bool:
        """Whether *data* stands in the body, in base64."""
        return base64.b64encode(data).decode() in self.body

    def did(self, action: str, what: str) -> bool:
        """Whether that was reported."""
        return any(item.action == action and item.what == what for item in self.report.items)


def sides() -> list[Side]:
    """Every built-in provider, a wire format each."""
    simulator = Simulator(SimSettings(speed=1_000_000))
    found: list[Side] = []
    for spec in PROVIDERS.values():
        url = SIMULATOR_URLS[spec.api]
        ref = ModelRef(spec.id, bundled(spec.id)[0])
        endpoint = Endpoint(
            provider=spec.id,
            label=spec.label,
            api=spec.api,
            base_url=url,
            key=SecretStr("sk-simulator"),
            transport=SimTransport(simulator),
        )
        model = describe(ref, spec.api, url, simulated=True)
        found.append(Side(model, make_provider(endpoint)))
    return found


async def asked(side: Side, text: str, tools: tuple[ToolSpec, ...] = ()) -> Message:
    """What *side* really answers, with its own signatures and ids."""
    builder = MessageBuilder(side.model)
    effort = side.model.snap_effort("medium")
    request = ChatRequest(
        model=side.model, messages=(user_message(text),), tools=tools, effort=effort
    )
    async for event in side.provider.stream(request):
        builder.feed(event)
    return builder.build()


async def history(side: Side) -> tuple[Message, ...]:
    """A conversation with one of everything, its answers by *side*."""
    answer = await asked(side, 'sim: think=30 tool=look:{"q":"wanted"} look it up', (_LOOK,))
    call = answer.tool_calls[0]
    result = ToolResult(
        call.id, "look", (Text("words of the result"), Image(_SHOT, "image/png", "shot.png"))
    )
    broken = Message(role="assistant", parts=(Text("half an answer"),), stop="aborted")
    odd = ToolCall(_CALL_ID, "look", {"q": "odd"})
    files = (
        Image(_PICTURE, "image/png", "photo.png", 8, 8),
        Document(_PDF, "application/pdf", "paper.pdf", _PDF_WORDS),
        Document(_NOTES.encode(), "text/plain", "notes.txt", _NOTES),
    )
    return (
        user_message("words of the question", files),
        answer,
        Message(role="tool", parts=(result,)),
        await asked(side, "hello"),
        user_message("and that?"),
        Message(role="assistant", parts=(odd,), stop="tool_calls"),
        Message(role="tool", parts=(ToolResult(_CALL_ID, "look", (Text("fail"),), is_error=True),)),
        user_message("and this?"),
        broken,
        user_message("go on"),
    )


def sent(messages: tuple[Message, ...], target: Side) -> Sent:
    """What *target* would be sent."""
    clean, report = normalize(messages, target.model)
    body = target.provider.body(ChatRequest(model=target.model, messages=clean, tools=(_LOOK,)))
    return Sent(json.dumps(body), report)


def rows(foreign: Sent) -> Iterator[tuple[str, str]]:
    """What became of each thing in a body made from another vendor's history."""
    words = ("words of the question", "words of the result", "half an answer")
    yield "words of all sides", "yes" if all(map(foreign.holds, words)) else "no"
    yield "tool calls and results, in pairs", "yes" if foreign.holds("wanted") else "no"
    yield "their ids", "as they are" if foreign.holds(_CALL_ID) else "fitted to the format"
    yield "image in a question", _file(foreign, _PICTURE, "photo.png")
    yield "image in a tool result", _tool_image(foreign)
    yield "PDF", _file(foreign, _PDF, _PDF_WORDS)
    yield "text file", "as text" if foreign.holds(_NOTES) else "no"
    yield "answer that broke off", "marked as cut" if foreign.holds("interrupted") else "no"


def _file(found: Sent, data: bytes, words: str) -> str:
    if found.holds_bytes(data):
        return "yes"
    return "as text" if found.holds(words) else "no"


def _tool_image(found: Sent) -> str:
    if not found.holds_bytes(_SHOT):
        return "as text" if found.holds("shot.png") else "no"
    return "after the results" if found.did("adapted", "tool image") else "in the result"


def pair(messages: tuple[Message, ...], found: Sent) -> str:
    """What became of the thinking: its words, its ciphertext, or the signatures it left."""
    parts = [part for message in messages for part in message.parts]
    if not any(isinstance(part, Thinking) for part in parts):
        return "shows none"
    proofs = [part.text for part in parts if isinstance(part, Thinking)]
    for part in parts:
        if isinstance(part, Text | Thinking | ToolCall) and part.metadata is not None:
            values = part.metadata.data.values()
            proofs += [value for value in values if isinstance(value, str) and len(value) > 40]
    return "kept" if any(proof and found.holds(proof) for proof in proofs) else "not sent"


def table(head: list[str], body: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


async def tables() -> str:
    """The text between the marks."""
    found = sides()
    told = {side.name: await history(side) for side in found}
    columns: list[list[tuple[str, str]]] = []
    for target in found:
        other = next(s for s in found if s.model.ref.provider[:6] != target.model.ref.provider[:6])
        columns.append(list(rows(sent(told[other.name], target))))
    for side in found:
        await side.provider.aclose()
    names = [side.name for side in found]
    arrives = [
        [columns[0][at][0], *(column[at][1] for column in columns)] for at in range(len(columns[0]))
    ]
    thinking = [
        [
            f"**{source.name}**",
            *(pair(told[source.name], sent(told[source.name], target)) for target in found),
        ]
        for source in found
    ]
    return (
        "What the other vendor's model is sent of a history that it did not write:\n\n"
        f"{table(['', *names], arrives)}\n\n"
        "Its own thinking, from the row to the column (the same model at the same address on the "
        f"diagonal):\n\n{table(['from → to', *names], thinking)}\n"
    )


async def made(page: str) -> str:
    """Return *page* with its tables made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{await tables()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(asyncio.run(made(PAGE.read_text("utf-8"))), "utf-8")

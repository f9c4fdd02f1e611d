"""Cohere's v2 chat: reads a request, writes events or a document.

Event order and fields as in recorded streams of 2026: what is said before calls is a tool plan,
usage comes with the last event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flux_tui.sim import catalog
from flux_tui.sim.formats import openai
from flux_tui.sim.formats.base import identifier, sse
from flux_tui.sim.formats.chat_history import history, segments, tools
from flux_tui.sim.rules import cohere as rules
from flux_tui.sim.rules.cohere_models import cohere_profile
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.script import Answer, Ask, Call, Frame, Reply
from flux_tui.sim.values import Object, dumps, integer, mapping, objects, sequence, string

_FINISH = {
    "end": "COMPLETE",
    "tool_use": "TOOL_CALL",
    "length": "MAX_TOKENS",
    "refusal": "COMPLETE",
}
_PREAMBLE = 200  # tokens of the vendor's own prompt, which are read but not billed
_DONE = b"data: [DONE]\n\n"


class CohereFormat:
    """POST /v2/chat of Cohere."""

    vendor: catalog.Vendor = "cohere"

    def check(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """See `WireFormat`."""
        del headers
        return rules.check(body)

    def verify(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """See `WireFormat`; nothing is signed in this format."""
        del body, headers
        return []

    def read(self, body: Object, seed: str, headers: Mapping[str, str]) -> Ask:
        """See `WireFormat`."""
        del headers
        model = string(body.get("model"))
        choice = body.get("tool_choice")
        told = history(objects(body.get("messages")), _media, _text)
        reasoning = (
            cohere_profile(model).thinks and mapping(body.get("thinking")).get("type") != "disabled"
        )
        return Ask(
            wire="cohere",
            model=model,
            seed=seed,
            text=told.text,
            outcomes=told.outcomes,
            rounds=told.rounds,
            attachments=told.attachments,
            turns=told.turns,
            tools=() if choice == "NONE" else tools(body),
            stream=body.get("stream") is True,
            reasons=reasoning,
            asked_to_reason=reasoning,  # the vendor hides none of it
            max_output=integer(body.get("max_tokens")),
            forced="" if choice == "REQUIRED" else None,
            schema=openai.schema_of(mapping(body.get("response_format"))),
            stops=tuple(map(string, sequence(body.get("stop_sequences")))),
            segments=tuple(segments(body)),
        )

    def unauthorized(self, key: str | None) -> Violation:
        """See `WireFormat`."""
        text = "invalid api token" if key else "no api key supplied"
        return Violation("auth", "", text, status=401)

    def unknown_model(self, model: str) -> Violation:
        """See `WireFormat`."""
        text = (
            f"model '{model}' not found, make sure the correct model ID was used and that you "
            "have access to the model."
        )
        return Violation("model", "model", text, status=404)

    def too_long(self, tokens: int, window: int) -> Violation:
        """See `WireFormat`."""
        text = (
            f"too many tokens: total number of tokens in the prompt cannot exceed {window} - "
            f"received {tokens}. Try using a shorter prompt or a smaller max_tokens value."
        )
        return Violation("window", "messages", text)

    def error(self, violation: Violation, seed: str) -> Object:
        """See `WireFormat`."""
        return {"id": identifier("", seed, 9, 32), "message": violation.message}

    def error_frame(self, kind: str, message: str) -> Frame:
        """See `WireFormat`; the vendor has no event for it but the last one."""
        kinds = {"overloaded": "OVERLOADED", "server": "INTERNAL", "rate": "RATE_LIMITED"}
        delta: Object = {
            "finish_reason": "ERROR",
            "usage": {},
            "error": message,
            "error_type": kinds[kind],
        }
        return _frame("message-end", delta)

    def stranger(self) -> Frame:
        """See `WireFormat`."""
        return _frame("weather-report", {})

    def orphan(self) -> Frame:
        """See `WireFormat`."""
        return _piece("content-delta", {"content": {"text": "out of order"}}, 9)

    def enlarged(self, event: Object, size: int) -> Frame:
        """See `WireFormat`."""
        text = "x" * size
        if event.get("type") == "tool-plan-delta":
            return _piece("tool-plan-delta", {"tool_plan": text})
        index = integer(event.get("index"))
        return _piece("content-delta", {"content": {"text": text}}, index or 0)

    def whole(self, answer: Answer) -> Object:
        """See `WireFormat`."""
        reply = answer.reply
        text = "".join(reply.text)
        content: list[object] = []
        if reply.thinking:
            content.append({"type": "thinking", "thinking": "".join(reply.thinking)})
        if text and not reply.calls:
            content.append({"type": "text", "text": text})
        message: Object = {"role": "assistant"}
        if content:
            message["content"] = content
        if reply.calls:
            message["tool_plan"] = text
            message["tool_calls"] = [
                _call(answer, number, call, _arguments(call))
                for number, call in enumerate(reply.calls)
            ]
        if reply.pages:
            message["citations"] = _citations(reply)
        return {"id": _reply_id(answer), "message": message, **_end(answer)}

    def frames(self, answer: Answer) -> Iterator[Frame]:
        """See `WireFormat`."""
        reply = answer.reply
        empty: Object = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}
        start: Object = {"id": _reply_id(answer), "type": "message-start"}
        start["delta"] = {"message": {**empty, "citations": []}}
        yield Frame(sse(start, "message-start"))
        index = 0
        if reply.thinking:
            yield from _stretch("thinking", reply.thinking, index)
            index += 1
        if reply.calls:
            for token in reply.text:
                yield _piece("tool-plan-delta", {"tool_plan": token}, tokens=1)
        elif reply.text:
            yield from _stretch("text", reply.text, index)
        for number, citation in enumerate(_citations(reply)):
            yield _piece("citation-start", {"citations": citation}, number)
            yield Frame(sse({"type": "citation-end", "index": number}, "citation-end"))
        for number, call in enumerate(reply.calls):
            yield from _call_frames(answer, number, call)
        yield _frame("message-end", _end(answer), terminal=True)
        yield Frame(_DONE, terminal=True)


def _frame(kind: str, delta: Object, *, terminal: bool = False) -> Frame:
    return Frame(sse({"type": kind, "delta": delta}, kind), terminal=terminal)


def _piece(kind: str, message: Object, index: int | None = None, tokens: int = 0) -> Frame:
    place: Object = {} if index is None else {"index": index}
    data: Object = {"type": kind, **place, "delta": {"message": message}}
    return Frame(sse(data, kind), tokens)


def _stretch(kind: str, tokens: tuple[str, ...], index: int) -> Iterator[Frame]:
    yield _piece("content-start", {"content": {"type": kind, kind: ""}}, index)
    for token in tokens:
        yield _piece("content-delta", {"content": {kind: token}}, index, 1)
    yield Frame(sse({"type": "content-end", "index": index}, "content-end"))


def _citations(reply: Reply) -> list[Object]:
    text = "".join(reply.text)
    found: list[Object] = []
    for number, page in enumerate(reply.pages):
        source = {
            "type": "document",
            "id": f"doc:{number}",
            "document": {"title": page.title, "url": page.url},
        }
        place: Object = {"start": 0, "end": len(text), "text": text, "type": "TEXT_CONTENT"}
        found.append({**place, "sources": [source]})
    return found


def _reply_id(answer: Answer) -> str:
    return identifier("", answer.ask.seed, 0, 32)


def _arguments(call: Call) -> str:
    return dumps(call.arguments) if call.raw is None else call.raw


def _call(answer: Answer, number: int, call: Call, arguments: str) -> Object:
    return {
        "id": identifier(f"{call.name}_", answer.ask.seed, number, 12),
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _call_frames(answer: Answer, number: int, call: Call) -> Iterator[Frame]:
    yield _piece("tool-call-start", {"tool_calls": _call(answer, number, call, "")}, number)
    for part in openai.json_pieces(_arguments(call)):
        message: Object = {"tool_calls": {"function": {"arguments": part}}}
        yield _piece("tool-call-delta", message, number, 1)
    yield Frame(sse({"type": "tool-call-end", "index": number}, "tool-call-end"))


def _end(answer: Answer) -> Object:
    reply = answer.reply
    usage = _usage(answer) if reply.reports_usage else {}
    return {"finish_reason": _finish(reply), "usage": usage}


def _finish(reply: Reply) -> str:
    stopped = reply.stop == "end" and reply.stop_sequence is not None
    return "STOP_SEQUENCE" if stopped else _FINISH[reply.stop]


def _usage(answer: Answer) -> Object:
    tokens = answer.tokens
    return {
        "billed_units": {"input_tokens": tokens.prompt, "output_tokens": tokens.output},
        "tokens": {"input_tokens": tokens.prompt + _PREAMBLE, "output_tokens": tokens.output},
        "cached_tokens": tokens.cached,
    }


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(_read(part) for part in objects(content))


def _read(part: Object) -> str:
    if part.get("type") != "document":
        return string(part.get("text"))
    data = mapping(part.get("document")).get("data")
    return data if isinstance(data, str) else dumps(data)


def _media(parts: list[Object]) -> Iterator[str]:
    for part in parts:
        if part.get("type") == "image_url":
            url = string(mapping(part.get("image_url")).get("url"))
            yield openai.data_kind(url, "image/url")

"""Mistral's native chat completions: reads a request, writes chunks or a document.

Chunk order and fields as in recorded streams of 2026: usage comes with the finish reason, calls
come whole, thinking is a list of chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flux_tui.sim import catalog
from flux_tui.sim.formats import openai
from flux_tui.sim.formats.base import EPOCH, identifier, sse
from flux_tui.sim.formats.chat_history import forced, history, segments, tools
from flux_tui.sim.rules import mistral as rules
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.rules.mistral_models import reasons
from flux_tui.sim.script import Answer, Ask, Call, Frame
from flux_tui.sim.values import Object, dumps, integer, mapping, objects, sequence, string

_FINISH = {"end": "stop", "tool_use": "tool_calls", "length": "length", "refusal": "stop"}
_DONE = b"data: [DONE]\n\n"
# Failures that are no broken rule come in OpenAI's words; here are the vendor's.
_TYPES = {
    "requests": ("rate_limited", "1300"),
    "server_error": ("internal_server_error", "1000"),
    "service_unavailable_error": ("service_tier_capacity_exceeded", "3505"),
    "insufficient_quota": ("payment_required", "1400"),
}
_STREAM_ERRORS = {
    "overloaded": _TYPES["service_unavailable_error"],
    "server": _TYPES["server_error"],
    "rate": _TYPES["requests"],
}


class MistralFormat:
    """POST /v1/chat/completions of Mistral."""

    vendor: catalog.Vendor = "mistral"

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
        effort = string(body.get("reasoning_effort"))
        reasoning = reasons(model, effort, string(body.get("prompt_mode")))
        choice = body.get("tool_choice")
        told = history(objects(body.get("messages")), _media)
        stop = body.get("stop")
        return Ask(
            wire="mistral",
            model=model,
            seed=seed,
            text=told.text,
            outcomes=told.outcomes,
            rounds=told.rounds,
            attachments=told.attachments,
            turns=told.turns,
            tools=() if choice == "none" else tools(body),
            stream=body.get("stream") is True,
            reasons=reasoning,
            asked_to_reason=reasoning,  # the vendor hides none of it
            max_output=integer(body.get("max_tokens")),
            parallel=body.get("parallel_tool_calls") is not False,
            forced=forced(choice, "any", "required"),
            schema=openai.schema_of(mapping(body.get("response_format"))),
            stops=(stop,) if isinstance(stop, str) else tuple(map(string, sequence(stop))),
            segments=tuple(segments(body)),
        )

    def unauthorized(self, key: str | None) -> Violation:
        """See `WireFormat`."""
        del key
        return Violation("auth", "", "Unauthorized", status=401)

    def unknown_model(self, model: str) -> Violation:
        """See `WireFormat`."""
        return Violation(
            "model", "model", f"Invalid model: {model}", None, "1500", 400, "invalid_model"
        )

    def too_long(self, tokens: int, window: int) -> Violation:
        """See `WireFormat`."""
        text = (
            f"Prompt contains {tokens} tokens and 0 draft tokens, too large for model with "
            f"{window} maximum context length"
        )
        return Violation("window", "messages", text, None, "3051")

    def error(self, violation: Violation, seed: str) -> Object:
        """See `WireFormat`."""
        del seed
        if violation.status == 401:
            return {"detail": violation.message}
        kind, code = _TYPES.get(violation.type, (violation.type, violation.code))
        message: object = violation.message
        if violation.status == 422:
            steps = [int(s) if s.isdecimal() else s for s in violation.path.split(".")]
            place = ["body", *steps]
            message = {"detail": [{"type": kind, "loc": place, "msg": message, "input": None}]}
            kind = "invalid_request_error"
        return _error(message, kind, code)

    def error_frame(self, kind: str, message: str) -> Frame:
        """See `WireFormat`."""
        return Frame(sse(_error(message, *_STREAM_ERRORS[kind])))

    def stranger(self) -> Frame:
        """See `WireFormat`."""
        return Frame(sse({"id": "0", "object": "weather.report", "choices": []}))

    def orphan(self) -> Frame:
        """See `WireFormat`; arguments of a call that never had a name."""
        call = {"index": 9, "id": "null", "function": {"name": "", "arguments": '{"out": 1}'}}
        choice = {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}
        return Frame(sse({"id": "0", "object": "chat.completion.chunk", "choices": [choice]}))

    def enlarged(self, event: Object, size: int) -> Frame:
        """See `WireFormat`."""
        choice = {"index": 0, "delta": {"content": "x" * size}, "finish_reason": None}
        return Frame(sse({**event, "choices": [choice]}))

    def whole(self, answer: Answer) -> Object:
        """See `WireFormat`."""
        reply = answer.reply
        text = "".join(reply.text)
        content: object = text
        if reply.thinking:
            content = [_thinking("".join(reply.thinking)), {"type": "text", "text": text}]
        calls = [_call(answer, number, call) for number, call in enumerate(reply.calls)]
        message: Object = {"role": "assistant", "content": content, "tool_calls": calls or None}
        choice = {"index": 0, "message": message, "finish_reason": _FINISH[reply.stop]}
        return {
            **_envelope(answer, "chat.completion"),
            "choices": [choice],
            "usage": _usage(answer) if reply.reports_usage else None,
        }

    def frames(self, answer: Answer) -> Iterator[Frame]:
        """See `WireFormat`."""
        reply = answer.reply
        yield Frame(_chunk(answer, {"role": "assistant", "content": ""}))
        for token in reply.thinking:
            yield Frame(_chunk(answer, {"content": [_thinking(token)]}), 1)
        for token in reply.text:
            # After thinking, text goes on in chunks.
            piece = [{"type": "text", "text": token}] if reply.thinking else token
            yield Frame(_chunk(answer, {"content": piece}), 1)
        for number, call in enumerate(reply.calls):
            entry = _call(answer, number, call)
            delta: Object = {"content": "", "tool_calls": [entry]}
            yield Frame(_chunk(answer, delta), 1)
        usage = _usage(answer) if reply.reports_usage else None
        end = _chunk(answer, {"content": ""}, _FINISH[reply.stop], usage)
        yield Frame(end, terminal=True)
        yield Frame(_DONE, terminal=True)


def _error(message: object, kind: str, code: str | None) -> Object:
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def _thinking(text: str) -> Object:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _envelope(answer: Answer, kind: str) -> Object:
    return {
        "id": identifier("", answer.ask.seed, 0, 32),
        "object": kind,
        "created": EPOCH,
        "model": answer.ask.model,
    }


def _chunk(
    answer: Answer, delta: Object, finish: str | None = None, usage: Object | None = None
) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data: Object = {**_envelope(answer, "chat.completion.chunk"), "choices": [choice]}
    if usage is not None:
        data["usage"] = usage
    return sse(data)


def _call(answer: Answer, number: int, call: Call) -> Object:
    arguments = dumps(call.arguments) if call.raw is None else call.raw
    return {
        "id": identifier("", answer.ask.seed, number + 1, 9),
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
        "index": number,
    }


def _usage(answer: Answer) -> Object:
    tokens = answer.tokens
    return {
        "prompt_tokens": tokens.prompt,  # what the cache gave is counted in it
        "completion_tokens": tokens.output,
        "total_tokens": tokens.prompt + tokens.output,
        "num_cached_tokens": tokens.cached,
    }


def _media(parts: list[Object]) -> Iterator[str]:
    for part in parts:
        if part.get("type") == "image_url":
            image = part.get("image_url")
            url = string(image) or string(mapping(image).get("url"))
            yield openai.data_kind(url, "image/url")
        elif part.get("type") == "document_url":
            yield openai.data_kind(string(part.get("document_url")), "document/url")

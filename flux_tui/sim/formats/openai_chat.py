"""OpenAI Chat Completions, and compatible servers: reads a request, writes chunks or a document.

Chunk order and fields as in recorded streams of 2026. A compatible server takes any model name
and streams its reasoning as `reasoning_content`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flux_tui.sim import catalog
from flux_tui.sim.formats import openai
from flux_tui.sim.formats.base import EPOCH, identifier, sse
from flux_tui.sim.formats.chat_history import forced, history, segments, tools
from flux_tui.sim.rules import openai_chat as rules
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.rules.openai_common import reasons
from flux_tui.sim.script import Answer, Ask, Call, Frame, Reply
from flux_tui.sim.values import Object, dumps, integer, mapping, objects, sequence, string

_FINISH = {"end": "stop", "tool_use": "tool_calls", "length": "length", "refusal": "stop"}
_DONE = b"data: [DONE]\n\n"


class ChatFormat:
    """POST /v1/chat/completions; `compat` speaks for a compatible server."""

    vendor: catalog.Vendor = "openai"

    def __init__(self, *, compat: bool = False) -> None:
        self.compat = compat

    def check(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """See `WireFormat`."""
        del headers
        return rules.check(body, compat=self.compat)

    def verify(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """See `WireFormat`; nothing is signed in this format."""
        del body, headers
        return []

    def read(self, body: Object, seed: str, headers: Mapping[str, str]) -> Ask:
        """See `WireFormat`."""
        del headers
        model = string(body.get("model"))
        effort = string(body.get("reasoning_effort"))
        choice = body.get("tool_choice")
        told = history(objects(body.get("messages")), _media)
        stop = body.get("stop")
        most = integer(body.get("max_completion_tokens")) or integer(body.get("max_tokens"))
        return Ask(
            wire="openai-chat",
            model=model,
            seed=seed,
            text=told.text,
            outcomes=told.outcomes,
            rounds=told.rounds,
            attachments=told.attachments,
            turns=told.turns,
            tools=() if choice == "none" else tools(body),
            stream=body.get("stream") is True,
            reasons=self.compat or reasons(catalog.gpt_profile(model), effort),
            asked_to_reason=bool(effort),
            max_output=most,
            parallel=body.get("parallel_tool_calls") is not False,
            forced=forced(choice, "required"),
            schema=openai.schema_of(mapping(body.get("response_format"))),
            stops=(stop,) if isinstance(stop, str) else tuple(map(string, sequence(stop))),
            segments=tuple(segments(body)),
        )

    def unauthorized(self, key: str | None) -> Violation:
        """See `WireFormat`."""
        return openai.unauthorized(key)

    def unknown_model(self, model: str) -> Violation:
        """See `WireFormat`."""
        text = f"The model `{model}` does not exist or you do not have access to it."
        return Violation("model", "model", text, None, "model_not_found", 404)

    def too_long(self, tokens: int, window: int) -> Violation:
        """See `WireFormat`."""
        text = (
            f"This model's maximum context length is {window} tokens. However, your messages "
            f"resulted in {tokens} tokens. Please reduce the length of the messages."
        )
        return Violation("window", "messages", text, "messages", "context_length_exceeded")

    def error(self, violation: Violation, seed: str) -> Object:
        """See `WireFormat`."""
        del seed
        return openai.error_body(violation)

    def error_frame(self, kind: str, message: str) -> Frame:
        """See `WireFormat`."""
        name, code = openai.STREAM_ERRORS[kind]
        error = {"message": message, "type": name, "param": None, "code": code}
        return Frame(sse({"error": error}))

    def stranger(self) -> Frame:
        """See `WireFormat`."""
        return Frame(sse({"id": "chatcmpl-0", "object": "weather.report", "choices": []}))

    def orphan(self) -> Frame:
        """See `WireFormat`; arguments of a call that never had a name."""
        call = {"index": 9, "function": {"arguments": '{"out": "of order"}'}}
        return Frame(sse(_chunk_of("chatcmpl-0", "", {"tool_calls": [call]}, None)))

    def enlarged(self, event: Object, size: int) -> Frame:
        """See `WireFormat`."""
        delta: Object = {"content": "x" * size}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return Frame(sse({**event, "choices": [choice]}))

    def whole(self, answer: Answer) -> Object:
        """See `WireFormat`."""
        reply = answer.reply
        text = "".join(reply.text)
        refused = reply.stop == "refusal"
        message: Object = {
            "role": "assistant",
            "content": text if text and not refused else None,
            "refusal": text if refused else None,
            "annotations": _annotations(reply),
        }
        if reply.calls:
            message["tool_calls"] = [
                _call(answer, number, call) for number, call in enumerate(reply.calls)
            ]
        if self.compat and reply.thinking:
            message["reasoning_content"] = "".join(reply.thinking)
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": _FINISH[reply.stop],
        }
        return {
            **_envelope(answer, "chat.completion"),
            "choices": [choice],
            "usage": _usage(answer) if reply.reports_usage else None,
        }

    def frames(self, answer: Answer) -> Iterator[Frame]:
        """See `WireFormat`."""
        reply = answer.reply
        spoken = "" if reply.text and reply.stop != "refusal" else None
        opening: Object = {"role": "assistant", "content": spoken, "refusal": None}
        yield Frame(_chunk(answer, opening))
        if self.compat:
            for token in reply.thinking:
                yield Frame(_chunk(answer, {"reasoning_content": token}), 1)
        key = "refusal" if reply.stop == "refusal" else "content"
        for token in reply.text:
            yield Frame(_chunk(answer, {key: token}), 1)
        for number, call in enumerate(reply.calls):
            yield from _call_frames(answer, number, call)
        if reply.pages:
            yield Frame(_chunk(answer, {"annotations": _annotations(reply)}))
        finish = _FINISH[reply.stop]
        yield Frame(_chunk(answer, {}, finish), terminal=True)
        options = mapping(answer.body.get("stream_options"))
        if options.get("include_usage") and reply.reports_usage:
            envelope = _envelope(answer, "chat.completion.chunk")
            data: Object = {**envelope, "choices": [], "usage": _usage(answer)}
            yield Frame(sse(data), terminal=True)
        yield Frame(_DONE, terminal=True)


def _annotations(reply: Reply) -> list[Object]:
    place = {"start_index": 0, "end_index": len("".join(reply.text))}
    return [
        {"type": "url_citation", "url_citation": {**place, "url": page.url, "title": page.title}}
        for page in reply.pages
    ]


def _envelope(answer: Answer, kind: str) -> Object:
    return {
        "id": identifier("chatcmpl-", answer.ask.seed, 0, 29),
        "object": kind,
        "created": EPOCH,
        "model": answer.ask.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulator",
    }


def _chunk(answer: Answer, delta: Object, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    data: Object = {**_envelope(answer, "chat.completion.chunk"), "choices": [choice]}
    if mapping(answer.body.get("stream_options")).get("include_usage"):
        data["usage"] = None
    return sse(data)


def _chunk_of(name: str, model: str, delta: Object, finish: str | None) -> Object:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": name,
        "object": "chat.completion.chunk",
        "created": EPOCH,
        "model": model,
        "choices": [choice],
    }


def _arguments(call: Call) -> str:
    return dumps(call.arguments) if call.raw is None else call.raw


def _call(answer: Answer, number: int, call: Call) -> Object:
    return {
        "id": identifier("call_", answer.ask.seed, number),
        "type": "function",
        "function": {"name": call.name, "arguments": _arguments(call)},
    }


def _call_frames(answer: Answer, number: int, call: Call) -> Iterator[Frame]:
    opened = {**_call(answer, number, call), "index": number}
    opened["function"] = {"name": call.name, "arguments": ""}
    yield Frame(_chunk(answer, {"tool_calls": [opened]}))
    for piece in openai.json_pieces(_arguments(call)):
        part = {"index": number, "function": {"arguments": piece}}
        yield Frame(_chunk(answer, {"tool_calls": [part]}), 1)


def _usage(answer: Answer) -> Object:
    tokens = answer.tokens
    return {
        # Cached and written tokens are counted in the prompt, not beside it.
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.prompt + tokens.output,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.written,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _media(parts: list[Object]) -> Iterator[str]:
    for part in parts:
        if part.get("type") == "image_url":
            url = string(mapping(part.get("image_url")).get("url"))
            yield openai.data_kind(url, "image/url")
        elif part.get("type") == "file":
            data = string(mapping(part.get("file")).get("file_data"))
            yield openai.data_kind(data, "file/reference")

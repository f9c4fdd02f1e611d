"""Anthropic Messages: reads a request, writes the stream or the document the API would send.

Event order and fields as in recorded streams of 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flux_tui.sim import catalog
from flux_tui.sim.formats.anthropic_binding import prefix_digest, verify
from flux_tui.sim.formats.base import identifier, sse
from flux_tui.sim.replies import prompt_text
from flux_tui.sim.rules import anthropic as rules
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.script import Answer, Ask, Call, Frame, Outcome, Page, Reply, Segment, Tool
from flux_tui.sim.signing import sign
from flux_tui.sim.values import Object, dumps, integer, mapping, objects, sequence, string

_STOPS = {"end": "end_turn", "tool_use": "tool_use", "length": "max_tokens", "refusal": "refusal"}
_ERRORS = {
    "overloaded": "overloaded_error",
    "server": "api_error",
    "rate": "rate_limit_error",
}


class AnthropicFormat:
    """POST /v1/messages."""

    vendor: catalog.Vendor = "anthropic"

    def check(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """See `WireFormat`; the version header is required and decides about sampling."""
        version = headers.get("anthropic-version")
        if not version:
            return [Violation("A-version", "", "anthropic-version: header is required")]
        return rules.check(body, version)

    def verify(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """See `WireFormat`."""
        return verify(body, headers)

    def read(self, body: Object, seed: str, headers: Mapping[str, str]) -> Ask:
        """See `WireFormat`."""
        del headers
        model = string(body.get("model"))
        thinking = mapping(body.get("thinking"))
        kind = string(thinking.get("type"))
        profile = catalog.claude_profile(model)
        choice = mapping(body.get("tool_choice"))
        text, outcomes, rounds, kinds, turns = _history(body)
        forced = {"any": "", "tool": string(choice.get("name"))}.get(string(choice.get("type")))
        output = mapping(mapping(body.get("output_config")).get("format"))
        return Ask(
            wire="anthropic",
            model=model,
            seed=seed,
            text=text,
            outcomes=outcomes,
            rounds=rounds,
            attachments=kinds,
            turns=turns,
            tools=() if choice.get("type") == "none" else _tools(body),
            stream=body.get("stream") is True,
            reasons=kind in {"enabled", "adaptive"} or (not kind and profile.thinks_by_default),
            asked_to_reason=kind in {"enabled", "adaptive"},
            max_output=integer(body.get("max_tokens")),
            parallel=choice.get("disable_parallel_tool_use") is not True,
            forced=forced,
            schema=mapping(output.get("schema")) or None,
            stops=tuple(string(stop) for stop in sequence(body.get("stop_sequences"))),
            segments=tuple(_segments(body)),
        )

    def unauthorized(self, key: str | None) -> Violation:
        """See `WireFormat`."""
        text = "invalid x-api-key" if key else "x-api-key header is required"
        return Violation("auth", "", text, status=401, type="authentication_error")

    def unknown_model(self, model: str) -> Violation:
        """See `WireFormat`."""
        text = f"model: {model}"
        return Violation("model", "model", text, status=404, type="not_found_error")

    def too_long(self, tokens: int, window: int) -> Violation:
        """See `WireFormat`."""
        text = f"prompt is too long: {tokens} tokens > {window} maximum"
        return Violation("window", "messages", text)

    def error(self, violation: Violation, seed: str) -> Object:
        """See `WireFormat`."""
        return {
            "type": "error",
            "error": {"type": violation.type, "message": violation.message},
            "request_id": identifier("req_011C", seed, 1, 20),
        }

    def error_frame(self, kind: str, message: str) -> Frame:
        """See `WireFormat`."""
        error = {"type": _ERRORS[kind], "message": message}
        return Frame(sse({"type": "error", "error": error}, "error"))

    def stranger(self) -> Frame:
        """See `WireFormat`."""
        data = {"type": "weather_report", "sky": "clear", "index": 0}
        return Frame(sse(data, "weather_report"))

    def orphan(self) -> Frame:
        """See `WireFormat`."""
        return Frame(_delta(99, {"type": "text_delta", "text": "out of order"}))

    def enlarged(self, event: Object, size: int) -> Frame:
        """See `WireFormat`."""
        delta = mapping(event.get("delta"))
        key = string(delta.get("type")).removesuffix("_delta")
        bigger: Object = {**event, "delta": {**delta, key: "x" * size}}
        return Frame(sse(bigger, string(event.get("type"))))

    def whole(self, answer: Answer) -> Object:
        """See `WireFormat`."""
        blocks = [block for block, _ in _blocks(answer)]
        reason, details = _stop(answer)
        return {
            **_envelope(answer),
            "content": blocks,
            "stop_reason": reason,
            "stop_sequence": answer.reply.stop_sequence,
            "stop_details": details,
            "usage": {**_usage(answer, answer.tokens.output), **_final_usage(answer)},
        }

    def frames(self, answer: Answer) -> Iterator[Frame]:
        """See `WireFormat`."""
        start: Object = {
            **_envelope(answer),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _usage(answer, 1) if answer.reply.reports_usage else _NO_USAGE,
        }
        yield Frame(sse({"type": "message_start", "message": start}, "message_start"))
        yield Frame(sse({"type": "ping"}, "ping"))
        for index, (block, tokens) in enumerate(_blocks(answer)):
            yield from _block_frames(index, block, tokens)
        reason, details = _stop(answer)
        delta = {
            "stop_reason": reason,
            "stop_sequence": answer.reply.stop_sequence,
            "stop_details": details,
        }
        end: Object = {"type": "message_delta", "delta": delta, "usage": _final_usage(answer)}
        yield Frame(sse(end, "message_delta"), terminal=True)
        yield Frame(sse({"type": "message_stop"}, "message_stop"), terminal=True)


_NO_USAGE: Object = {"input_tokens": 0, "output_tokens": 0}


def _stop(answer: Answer) -> tuple[str, Object | None]:
    reply = answer.reply
    if reply.stop == "refusal":
        details: Object = {
            "type": "refusal",
            "category": None,
            "explanation": "The simulator was asked to refuse.",
        }
        return "refusal", details
    if reply.stop_sequence is not None and reply.stop == "end":
        return "stop_sequence", None
    return _STOPS[reply.stop], None


def _envelope(answer: Answer) -> Object:
    return {
        "id": identifier("msg_01", answer.ask.seed),
        "type": "message",
        "role": "assistant",
        "model": answer.ask.model,
    }


def _usage(answer: Answer, output: int) -> Object:
    tokens = answer.tokens
    return {
        # What was read from or written to the cache is counted beside the input, not in it.
        "input_tokens": tokens.prompt - tokens.cached - tokens.written,
        "cache_creation_input_tokens": tokens.written,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.written,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": output,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def _final_usage(answer: Answer) -> Object:
    tokens = answer.tokens
    if not answer.reply.reports_usage:
        return {"output_tokens": 0}
    return {
        "input_tokens": tokens.prompt - tokens.cached - tokens.written,
        "cache_creation_input_tokens": tokens.written,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
    }


def _shows_thinking(answer: Answer) -> bool:
    display = mapping(answer.body.get("thinking")).get("display")
    if display is not None:
        return display == "summarized"
    return catalog.claude_profile(answer.ask.model).shows_thinking


def _blocks(answer: Answer) -> Iterator[tuple[Object, tuple[str, ...]]]:
    """The content blocks, each with the pieces its text or JSON is streamed in."""
    ask, reply = answer.ask, answer.reply
    if reply.thinking:
        claims: Object = {"model": ask.model, "prefix": prefix_digest(answer.body)}
        if reply.redacted:
            data = sign({**claims, "nonce": ask.seed[:16]}, "redacted")
            yield {"type": "redacted_thinking", "data": data}, ()
        else:
            shown = reply.thinking if _shows_thinking(answer) else ()
            text = "".join(shown)
            block: Object = {"type": "thinking", "thinking": text, "signature": sign(claims, text)}
            yield block, shown
    if reply.text:
        text_block: Object = {"type": "text", "text": "".join(reply.text)}
        if reply.pages:
            text_block["citations"] = [_citation(page, reply) for page in reply.pages]
        yield text_block, reply.text
    for number, call in enumerate(reply.calls):
        name = identifier("toolu_01", ask.seed, number, 22)
        yield _tool_use(name, call), _json_pieces(call)


def _citation(page: Page, reply: Reply) -> Object:
    return {
        "type": "web_search_result_location",
        "cited_text": "".join(reply.text)[:60],
        "url": page.url,
        "title": page.title,
        "encrypted_index": sign({"url": page.url}, "citation"),
    }


def _tool_use(name: str, call: Call) -> Object:
    return {"type": "tool_use", "id": name, "name": call.name, "input": call.arguments}


def _json_pieces(call: Call) -> tuple[str, ...]:
    raw = dumps(call.arguments) if call.raw is None else call.raw
    if raw == "{}":
        return ("",)
    return ("", *(raw[at : at + 12] for at in range(0, len(raw), 12)))


def _delta(index: int, delta: Object) -> bytes:
    data = {"type": "content_block_delta", "index": index, "delta": delta}
    return sse(data, "content_block_delta")


def _block_frames(index: int, block: Object, tokens: tuple[str, ...]) -> Iterator[Frame]:
    kind = string(block["type"])
    empty: Object = {
        "text": {"text": ""},
        "thinking": {"thinking": "", "signature": ""},
        "tool_use": {"input": {}},
    }
    opened: Object = {**block, **mapping(empty.get(kind))}
    cited = objects(opened.pop("citations", ()))
    start: Object = {"type": "content_block_start", "index": index, "content_block": opened}
    yield Frame(sse(start, "content_block_start"))
    for token in tokens:
        if kind == "tool_use":
            yield Frame(_delta(index, {"type": "input_json_delta", "partial_json": token}), 1)
        else:
            yield Frame(_delta(index, {"type": f"{kind}_delta", kind: token}), 1)
    for citation in cited:
        yield Frame(_delta(index, {"type": "citations_delta", "citation": citation}))
    if kind == "thinking":
        signature = {"type": "signature_delta", "signature": block["signature"]}
        yield Frame(_delta(index, signature))
    stop = {"type": "content_block_stop", "index": index}
    yield Frame(sse(stop, "content_block_stop"))


def _tools(body: Object) -> tuple[Tool, ...]:
    return tuple(
        Tool(string(tool.get("name")), mapping(tool.get("input_schema")))
        for tool in objects(body.get("tools"))
        if "input_schema" in tool
    )


def _content(message: Object) -> list[Object]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return objects(content)


def _history(
    body: Object,
) -> tuple[str, tuple[Outcome, ...], int, tuple[str, ...], int]:
    text, kinds, turns, rounds = "", (), 0, 0
    outcomes: list[Outcome] = []
    names: dict[str, str] = {}
    for message in objects(body.get("messages")):
        blocks = _content(message)
        for block in blocks:
            if block.get("type") == "tool_use":
                names[string(block.get("id"))] = string(block.get("name"))
        rounds += any(block.get("type") == "tool_use" for block in blocks)
        if message.get("role") != "user":
            continue
        results = [block for block in blocks if block.get("type") == "tool_result"]
        outcomes += [_outcome(block, names) for block in results]
        said = "\n".join(string(b.get("text")) for b in blocks if b.get("type") == "text")
        media = tuple(_media(b) for b in blocks if b.get("type") in {"image", "document"})
        # A note from the system beside tool results is no new message of the user.
        if prompt_text(said) or (media and not results):
            text, kinds, turns, rounds = said, media, turns + 1, 0
            outcomes = []
    return text, tuple(outcomes), rounds, kinds, turns


def _outcome(block: Object, names: dict[str, str]) -> Outcome:
    content = block.get("content")
    parts = objects(content)
    text = (
        content
        if isinstance(content, str)
        else "\n".join(string(part.get("text")) or f"[{part.get('type')}]" for part in parts)
    )
    name = names.get(string(block.get("tool_use_id")), "")
    return Outcome(name, text, block.get("is_error") is True)


def _media(block: Object) -> str:
    source = mapping(block.get("source"))
    return string(source.get("media_type")) or f"{block.get('type')}/{source.get('type')}"


def _segments(body: Object) -> Iterator[Segment]:
    automatic = bool(body.get("cache_control"))
    for tool in objects(body.get("tools")):
        yield _segment(tool)
    system = body.get("system")
    if isinstance(system, str):
        yield Segment(dumps(system))
    for block in objects(system):
        yield _segment(block)
    messages = objects(body.get("messages"))
    for index, message in enumerate(messages):
        role = string(message.get("role"))
        blocks = _content(message)
        for place, block in enumerate(blocks):
            final = index == len(messages) - 1 and place == len(blocks) - 1
            segment = _segment(block, role)
            yield Segment(segment.text, segment.breakpoint or (automatic and final))


def _segment(block: Object, role: str = "") -> Segment:
    plain = {key: value for key, value in block.items() if key != "cache_control"}
    return Segment(f"{role}{dumps(plain)}", bool(block.get("cache_control")))

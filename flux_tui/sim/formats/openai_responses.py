"""OpenAI Responses: reads a request, writes the stream or the document the API would send.

Event order and fields as in recorded streams of 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flux_tui.sim import catalog
from flux_tui.sim.formats import openai
from flux_tui.sim.formats.base import EPOCH, identifier, sse
from flux_tui.sim.formats.responses_items import Events, output_items
from flux_tui.sim.replies import prompt_text
from flux_tui.sim.rules import openai_responses as rules
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.rules.openai_common import reasons
from flux_tui.sim.script import Answer, Ask, Frame, Outcome, Segment, Tool
from flux_tui.sim.signing import claim, verify
from flux_tui.sim.values import Object, dumps, integer, mapping, objects, string

_MARK = "gAAAAA"


class ResponsesFormat:
    """POST /v1/responses."""

    vendor: catalog.Vendor = "openai"

    def check(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """See `WireFormat`."""
        del headers
        return rules.check(body)

    def verify(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """See `WireFormat`; also a reasoning item's follower must be the one it led to.

        The simulator stores nothing, so what refers to stored responses or items is not found.
        """
        del headers
        model = string(body.get("model"))
        items = rules.input_items(body)
        found: list[Violation] = [*_unknown_response(body)]
        for index, item in enumerate(items):
            secret = string(item.get("encrypted_content"))
            if item["type"] == "item_reference" or (item["type"] == "reasoning" and not secret):
                text = f"Item with id '{item.get('id')}' not found."
                found.append(Violation("R7", f"input[{index}]", text, "input", status=404))
            elif item["type"] == "reasoning":
                after = [i for i in items[index + 1 :] if i["type"] != "reasoning"]
                follower = string(after[0].get("id")) if after else ""
                found += _verified(item, secret, model, follower)
        return found

    def read(self, body: Object, seed: str, headers: Mapping[str, str]) -> Ask:
        """See `WireFormat`."""
        del headers
        model = string(body.get("model"))
        reasoning = mapping(body.get("reasoning"))
        effort = string(reasoning.get("effort"))
        choice = body.get("tool_choice")
        text, outcomes, rounds, kinds, turns = _history(rules.input_items(body))
        return Ask(
            wire="openai-responses",
            model=model,
            seed=seed,
            text=text,
            outcomes=outcomes,
            rounds=rounds,
            attachments=kinds,
            turns=turns,
            tools=() if choice == "none" else _tools(body),
            stream=body.get("stream") is True,
            reasons=reasons(catalog.gpt_profile(model), effort),
            asked_to_reason=bool(effort or reasoning.get("summary")),
            max_output=integer(body.get("max_output_tokens")),
            parallel=body.get("parallel_tool_calls") is not False,
            forced=_forced(choice),
            schema=openai.schema_of(mapping(mapping(body.get("text")).get("format"))),
            segments=tuple(_segments(body)),
        )

    def unauthorized(self, key: str | None) -> Violation:
        """See `WireFormat`."""
        return openai.unauthorized(key)

    def unknown_model(self, model: str) -> Violation:
        """See `WireFormat`; this API answers 400 where Chat Completions answers 404."""
        text = f"The requested model '{model}' does not exist."
        return Violation("model", "model", text, "model", "model_not_found")

    def too_long(self, tokens: int, window: int) -> Violation:
        """See `WireFormat`."""
        del tokens, window
        text = (
            "Your input exceeds the context window of this model. Please adjust your input and "
            "try again."
        )
        return Violation("window", "input", text, "input", "context_length_exceeded")

    def error(self, violation: Violation, seed: str) -> Object:
        """See `WireFormat`."""
        del seed
        return openai.error_body(violation)

    def error_frame(self, kind: str, message: str) -> Frame:
        """See `WireFormat`; the error is nested, unlike in the API reference."""
        name, code = openai.STREAM_ERRORS[kind]
        error = {"type": name, "code": code, "message": message, "param": None}
        data = {"type": "error", "sequence_number": 99, "error": error}
        failed: Object = {
            "type": "response.failed",
            "sequence_number": 100,
            "response": {
                "id": identifier("resp_", message),
                "object": "response",
                "created_at": EPOCH,
                "status": "failed",
                "error": {"code": code, "message": message},
                "incomplete_details": None,
                "instructions": None,
                "metadata": {},
                "model": "",
                "output": [],
                "parallel_tool_calls": True,
                "temperature": None,
                "tool_choice": "auto",
                "tools": [],
                "top_p": None,
                "usage": None,
            },
        }
        return Frame(sse(data, "error") + sse(failed, "response.failed"))

    def stranger(self) -> Frame:
        """See `WireFormat`."""
        kind = "response.weather_report"
        return Frame(sse({"type": kind, "sequence_number": 98, "sky": "clear"}, kind))

    def orphan(self) -> Frame:
        """See `WireFormat`."""
        kind = "response.output_text.delta"
        data: Object = {
            "type": kind,
            "sequence_number": 97,
            "item_id": "msg_nowhere",
            "output_index": 99,
            "content_index": 0,
            "delta": "out of order",
            "logprobs": [],
        }
        return Frame(sse(data, kind))

    def enlarged(self, event: Object, size: int) -> Frame:
        """See `WireFormat`."""
        return Frame(sse({**event, "delta": "x" * size}, string(event.get("type"))))

    def whole(self, answer: Answer) -> Object:
        """See `WireFormat`."""
        items = [item for item, _ in output_items(answer)]
        status = "incomplete" if answer.reply.stop == "length" else "completed"
        return _response(answer, status, items)

    def frames(self, answer: Answer) -> Iterator[Frame]:
        """See `WireFormat`."""
        events = Events()
        opened = _response(answer, "in_progress", [])
        yield Frame(events.make("response.created", response=opened))
        yield Frame(events.make("response.in_progress", response=opened))
        items: list[Object] = []
        for index, (item, tokens) in enumerate(output_items(answer)):
            yield from events.item(index, item, tokens)
            items.append(item)
        status = "incomplete" if answer.reply.stop == "length" else "completed"
        final = _response(answer, status, items)
        yield Frame(events.make(f"response.{status}", response=final), terminal=True)


def _unknown_response(body: Object) -> Iterator[Violation]:
    name = body.get("previous_response_id")
    if name:
        text = f"Previous response with id '{name}' not found."
        code = "previous_response_not_found"
        yield Violation("R-previous", "previous_response_id", text, "previous_response_id", code)


def _verified(item: Object, secret: str, model: str, follower: str) -> list[Violation]:
    name = string(item.get("id"))
    summary = "".join(string(part.get("text")) for part in objects(item.get("summary")))
    claims = verify(secret.removeprefix(_MARK), name, summary)
    if claims is None or claim(claims, "model") != model:
        text = (
            f"The encrypted content {secret[:8]}...{secret[-4:]} could not be verified. Reason: "
            "Encrypted content could not be decrypted or parsed."
        )
        return [Violation("R-signature", "input", text, None, "invalid_encrypted_content")]
    if claim(claims, "follower") != follower:
        return [rules.missing_follower(name)]
    return []


def _forced(choice: object) -> str | None:
    if choice == "required":
        return ""
    named = mapping(choice)
    if named.get("type") == "function":
        return string(named.get("name"))
    return "" if named.get("mode") == "required" else None


def _tools(body: Object) -> tuple[Tool, ...]:
    return tuple(
        Tool(string(tool.get("name")), mapping(tool.get("parameters")))
        for tool in objects(body.get("tools"))
        if tool.get("type") == "function"
    )


def _history(items: list[Object]) -> tuple[str, tuple[Outcome, ...], int, tuple[str, ...], int]:
    text, kinds, turns, rounds = "", (), 0, 0
    outcomes: list[Outcome] = []
    names: dict[str, str] = {}
    calling = False
    for item in items:
        kind = item["type"]
        if kind == "function_call":
            names[string(item.get("call_id"))] = string(item.get("name"))
            rounds += not calling  # neighbouring calls are one round
        calling = kind == "function_call"
        if kind == "function_call_output":
            name = names.get(string(item.get("call_id")), "")
            outcomes.append(Outcome(name, openai.part_text(item.get("output"))))
        if kind != "message" or item.get("role") != "user":
            continue
        said = openai.part_text(item.get("content"))
        media = tuple(_media(objects(item.get("content"))))
        if prompt_text(said) or media:
            text, kinds, turns, rounds, outcomes = said, media, turns + 1, 0, []
    return text, tuple(outcomes), rounds, kinds, turns


def _media(parts: list[Object]) -> Iterator[str]:
    for part in parts:
        if part.get("type") == "input_image":
            yield openai.data_kind(string(part.get("image_url")), "image/url")
        elif part.get("type") == "input_file":
            yield openai.data_kind(string(part.get("file_data")), "file/reference")


def _segments(body: Object) -> Iterator[Segment]:
    yield Segment(dumps([body.get("instructions"), body.get("tools")]))
    for item in rules.input_items(body):
        yield Segment(dumps(item))


def _response(answer: Answer, status: str, output: list[Object]) -> Object:
    body, ask = answer.body, answer.ask
    done = status != "in_progress"
    incomplete = {"reason": "max_output_tokens"} if status == "incomplete" else None
    reasoning = mapping(body.get("reasoning"))
    return {
        "id": identifier("resp_", ask.seed, 0, 48),
        "object": "response",
        "created_at": EPOCH,
        "status": status,
        "background": False,
        "completed_at": EPOCH + 1 if status == "completed" else None,
        "error": None,
        "incomplete_details": incomplete,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": None,
        "model": ask.model,
        "output": output,
        "parallel_tool_calls": ask.parallel,
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {
            "effort": reasoning.get("effort"),
            "summary": reasoning.get("summary"),
        },
        "safety_identifier": None,
        "service_tier": "default",
        "store": body.get("store") is not False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [_echoed(tool) for tool in objects(body.get("tools"))],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _usage(answer) if done and answer.reply.reports_usage else None,
        "user": None,
        "metadata": body.get("metadata") or {},
    }


def _echoed(tool: Object) -> Object:
    # The server fills in what the client may leave out.
    return {"strict": False, "parameters": None, **tool} if tool.get("type") == "function" else tool


def _usage(answer: Answer) -> Object:
    tokens = answer.tokens
    return {
        # Cached and written tokens are counted in the input, not beside it.
        "input_tokens": tokens.prompt,
        "input_tokens_details": {
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.written,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.prompt + tokens.output,
    }

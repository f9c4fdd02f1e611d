"""Google Gemini: reads a request, writes a stream of responses or one document.

The model and the wish for a stream stand in the path, so there is one `GeminiFormat` a request.
Fields and order as in recorded streams of 2026: no closing event, counts in every event, the
signature of a text on an empty part at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flux_tui.sim import catalog
from flux_tui.sim.formats.base import identifier, sse
from flux_tui.sim.replies import prompt_text
from flux_tui.sim.rules import gemini as rules
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.rules.gemini_models import SENTINELS, profile_of
from flux_tui.sim.rules.gemini_shapes import canonical
from flux_tui.sim.script import Answer, Ask, Frame, Outcome, Segment, Tool
from flux_tui.sim.signing import claim, sign
from flux_tui.sim.signing import verify as verify_signature
from flux_tui.sim.values import Object, dumps, integer, mapping, objects, sequence, string

_FINISH = {"end": "STOP", "tool_use": "STOP", "length": "MAX_TOKENS", "refusal": "SAFETY"}
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_STREAM_ERRORS = {"overloaded": 503, "server": 500, "rate": 429}
_TYPE = "type.googleapis.com/google.rpc"
_SERVICE = {"service": "generativelanguage.googleapis.com"}
_CASES = {"refusal": "The response was blocked by the safety filters."}


class GeminiFormat:
    """POST /v1beta/models/MODEL:streamGenerateContent, or :generateContent without `streams`."""

    vendor: catalog.Vendor = "gemini"

    def __init__(self, model: str, *, streams: bool) -> None:
        self.model = model
        self.streams = streams

    def check(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """See `WireFormat`."""
        del headers
        return rules.check(body, self.model)

    def verify(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """See `WireFormat`; a signature is good for the model that made it."""
        del headers
        found: list[Violation] = []
        for at, content in enumerate(objects(mapping(canonical(body)).get("contents"))):
            for place, part in enumerate(objects(content.get("parts"))):
                signature = string(part.get("thoughtSignature"))
                if not signature or signature in SENTINELS:
                    continue
                if claim(verify_signature(signature, "thought"), "model") != self.model:
                    path = f"contents[{at}].parts[{place}].thought_signature"
                    found.append(Violation("G-signature", path, "Corrupted thought signature."))
        return found

    def read(self, body: Object, seed: str, headers: Mapping[str, str]) -> Ask:
        """See `WireFormat`."""
        del headers
        read = mapping(canonical(body))
        config = mapping(read.get("generationConfig"))
        thinking = mapping(config.get("thinkingConfig"))
        budget = integer(thinking.get("thinkingBudget"))
        profile = profile_of(self.model)
        thinks = profile.budget is not None and budget != 0
        calling = mapping(mapping(read.get("toolConfig")).get("functionCallingConfig"))
        allowed = [string(name) for name in sequence(calling.get("allowedFunctionNames"))]
        forced = (allowed[0] if len(allowed) == 1 else "") if calling.get("mode") == "ANY" else None
        text, outcomes, rounds, kinds, turns = _history(objects(read.get("contents")))
        return Ask(
            wire="gemini",
            model=self.model,
            seed=seed,
            text=text,
            outcomes=outcomes,
            rounds=rounds,
            attachments=kinds,
            turns=turns,
            tools=() if calling.get("mode") == "NONE" else tuple(_tools(read)),
            stream=self.streams,
            reasons=thinks and (profile.thinks_by_default or bool(thinking)),
            asked_to_reason=thinking.get("includeThoughts") is True,
            max_output=integer(config.get("maxOutputTokens")),
            forced=forced,
            schema=_schema(config),
            stops=tuple(string(stop) for stop in sequence(config.get("stopSequences"))),
            segments=tuple(_segments(read)),
        )

    def unauthorized(self, key: str | None) -> Violation:
        """See `WireFormat`; a wrong key is a wrong argument for Google."""
        if key:
            text = "API key not valid. Please pass a valid API key."
            return Violation("auth", "", text, code="API_KEY_INVALID")
        text = (
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API."
        )
        return Violation("auth", "", text, status=403)

    def unknown_model(self, model: str) -> Violation:
        """See `WireFormat`."""
        text = (
            f"models/{model} is not found for API version v1beta, or is not supported for "
            "generateContent. Call ModelService.ListModels to see the list of available models "
            "and their supported methods."
        )
        return Violation("model", "model", text, status=404)

    def too_long(self, tokens: int, window: int) -> Violation:
        """See `WireFormat`."""
        text = (
            f"The input token count ({tokens}) exceeds the maximum number of tokens allowed "
            f"({window})."
        )
        return Violation("window", "contents", text)

    def error(self, violation: Violation, seed: str) -> Object:
        """See `WireFormat`."""
        del seed
        status = _STATUSES.get(violation.status, "UNKNOWN")
        error: Object = {
            "code": violation.status,
            "message": violation.message,
            "status": status,
        }
        if details := _details(violation):
            error["details"] = details
        return {"error": error}

    def error_frame(self, kind: str, message: str) -> Frame:
        """See `WireFormat`."""
        code = _STREAM_ERRORS[kind]
        return Frame(sse({"error": {"code": code, "message": message, "status": _STATUSES[code]}}))

    def stranger(self) -> Frame:
        """See `WireFormat`."""
        return Frame(sse({"weatherReport": {"sky": "clear"}, "modelVersion": self.model}))

    def orphan(self) -> Frame:
        """See `WireFormat`; a candidate that nobody asked for."""
        content = {"parts": [{"text": "out of order"}], "role": "model"}
        return Frame(sse({"candidates": [{"content": content, "index": 9}]}))

    def enlarged(self, event: Object, size: int) -> Frame:
        """See `WireFormat`."""
        content = {"parts": [{"text": "x" * size}], "role": "model"}
        return Frame(sse({**event, "candidates": [{"content": content, "index": 0}]}))

    def whole(self, answer: Answer) -> Object:
        """See `WireFormat`."""
        reply = answer.reply
        parts: list[Object] = []
        if reply.thinking and _shows_thoughts(answer):
            parts.append({"text": "".join(reply.thinking), "thought": True})
        if reply.text and reply.stop != "refusal":
            parts.append({"text": "".join(reply.text)})
        parts += _calls(answer)
        if (signature := _signature(answer)) and not reply.calls and parts:
            parts[-1] = {**parts[-1], "thoughtSignature": signature}
        return _response(answer, parts, len(reply.text), _ending(answer))

    def frames(self, answer: Answer) -> Iterator[Frame]:
        """See `WireFormat`."""
        reply = answer.reply
        if _shows_thoughts(answer):
            for token in reply.thinking:
                yield _frame(answer, [{"text": token, "thought": True}], 0)
        said = 0
        if reply.stop != "refusal":
            for said, token in enumerate(reply.text, 1):
                yield _frame(answer, [{"text": token}], said)
        calls = _calls(answer)
        if calls:
            yield _frame(answer, calls, said)
        signature = _signature(answer)
        last: Object = {"text": ""}
        if signature and not calls and reply.stop != "refusal":
            last["thoughtSignature"] = signature
        ending = _ending(answer)
        yield Frame(sse(_response(answer, [last], said, ending)), terminal=True)


def _shows_thoughts(answer: Answer) -> bool:
    return answer.ask.asked_to_reason and not answer.reply.redacted


def _ending(answer: Answer) -> Object:
    reply = answer.reply
    broken = next((call for call in reply.calls if call.raw is not None), None)
    if broken is not None:
        # Google reads the arguments itself, and gives the call up if it cannot.
        return {
            "finishReason": "MALFORMED_FUNCTION_CALL",
            "finishMessage": f"Malformed function call: {broken.name}({broken.raw})",
        }
    ending: Object = {"finishReason": _FINISH[reply.stop]}
    if reply.calls:
        ending["finishMessage"] = "Model generated function call(s)."
    elif reply.stop in _CASES:
        ending["finishMessage"] = _CASES[reply.stop]
    if reply.pages:
        found = [{"web": {"uri": page.url, "title": page.title}} for page in reply.pages]
        ending["groundingMetadata"] = {"groundingChunks": found, "webSearchQueries": []}
    return ending


def _frame(answer: Answer, parts: list[Object], said: int) -> Frame:
    return Frame(sse(_response(answer, parts, said, {})), 1)


def _response(answer: Answer, parts: list[Object], said: int, ending: Object) -> Object:
    candidate: Object = {"content": {"parts": parts, "role": "model"}, **ending, "index": 0}
    return {
        "candidates": [candidate],
        **_usage(answer, said, over=bool(ending)),
        "modelVersion": answer.ask.model,
        "responseId": identifier("", answer.ask.seed, 0, 22),
    }


def _usage(answer: Answer, said: int, *, over: bool) -> Object:
    if not answer.reply.reports_usage:
        return {}
    tokens = answer.tokens
    output = tokens.output - tokens.reasoning if over else said
    counts: Object = {
        "promptTokenCount": tokens.prompt,  # with what came from the cache
        "candidatesTokenCount": output,  # without the thoughts
        "totalTokenCount": tokens.prompt + output + tokens.reasoning,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens.prompt}],
    }
    if tokens.cached:
        counts["cachedContentTokenCount"] = tokens.cached
    if tokens.reasoning:
        counts["thoughtsTokenCount"] = tokens.reasoning
    return {"usageMetadata": counts}


def _signature(answer: Answer) -> str:
    if not profile_of(answer.ask.model).signs:
        return ""
    claims: Object = {"model": answer.ask.model, "nonce": answer.ask.seed[:16]}
    return sign(claims, "thought")


def _calls(answer: Answer) -> list[Object]:
    """The calls as parts; of several only the first is signed."""
    signature = _signature(answer)
    parts: list[Object] = []
    for number, call in enumerate(answer.reply.calls):
        if call.raw is not None:
            return []
        made: Object = {"name": call.name, "args": call.arguments}
        if signature:  # the models that sign are those that name their calls
            made["id"] = identifier("", answer.ask.seed, number + 1, 8)
        part: Object = {"functionCall": made}
        if signature and not parts:
            part["thoughtSignature"] = signature
        parts.append(part)
    return parts


def _details(violation: Violation) -> list[Object]:
    match violation.rule:
        case "auth" if violation.code:
            reason = {"reason": violation.code, "domain": "googleapis.com", "metadata": _SERVICE}
            return [{"@type": f"{_TYPE}.ErrorInfo", **reason}]
        case "quota":
            return [_quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier")]
        case "rate":
            wait: Object = {"@type": f"{_TYPE}.RetryInfo", "retryDelay": violation.wait}
            limit = _quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")
            return [limit, wait] if violation.wait else [limit]
        case _ if violation.path and violation.message.startswith("Invalid"):
            wrong = {"field": violation.path, "description": violation.message}
            return [{"@type": f"{_TYPE}.BadRequest", "fieldViolations": [wrong]}]
        case _:
            return []


def _quota(name: str) -> Object:
    metric = "generativelanguage.googleapis.com/generate_content_requests"
    violations = [{"quotaMetric": metric, "quotaId": name}]
    return {"@type": f"{_TYPE}.QuotaFailure", "violations": violations}


def _schema(config: Object) -> Object | None:
    if config.get("responseMimeType") != "application/json":
        return None
    given = mapping(config.get("responseJsonSchema")) or mapping(config.get("responseSchema"))
    return mapping(_lowered(given)) or None


def _lowered(schema: object) -> object:
    found = mapping(schema)
    if not found:
        return [_lowered(item) for item in sequence(schema)] or schema
    return {
        key: value.lower() if key == "type" and isinstance(value, str) else _lowered(value)
        for key, value in found.items()
    }


def _tools(body: Object) -> Iterator[Tool]:
    for tool in objects(body.get("tools")):
        for function in objects(tool.get("functionDeclarations")):
            given = function.get("parametersJsonSchema") or _lowered(function.get("parameters"))
            yield Tool(string(function.get("name")), mapping(given))


def _history(
    contents: list[Object],
) -> tuple[str, tuple[Outcome, ...], int, tuple[str, ...], int]:
    text, kinds, turns, rounds = "", (), 0, 0
    outcomes: list[Outcome] = []
    after_results = False
    for content in contents:
        parts = objects(content.get("parts"))
        if content.get("role") == "model":
            rounds += any("functionCall" in part for part in parts)
            after_results = False
            continue
        answers = [
            mapping(part["functionResponse"]) for part in parts if "functionResponse" in part
        ]
        if answers:
            outcomes += [_outcome(answer) for answer in answers]
            after_results = True
            continue
        media = tuple(_media(parts))
        # Images of tool results may follow in a content of their own; it is no new question.
        if after_results and media:
            continue
        said = "\n".join(string(part.get("text")) for part in parts if part.get("text"))
        if prompt_text(said) or media:
            text, kinds, turns, rounds, outcomes = said, media, turns + 1, 0, []
    return text, tuple(outcomes), rounds, kinds, turns


def _outcome(answer: Object) -> Outcome:
    response = mapping(answer.get("response"))
    failed = "error" in response
    told = response.get("error" if failed else "output")
    text = told if isinstance(told, str) else dumps(response)
    return Outcome(string(answer.get("name")), text, failed)


def _media(parts: list[Object]) -> Iterator[str]:
    for part in parts:
        if blob := mapping(part.get("inlineData")):
            yield string(blob.get("mimeType"))
        elif "fileData" in part:
            yield "file/reference"


def _segments(body: Object) -> Iterator[Segment]:
    yield Segment(dumps([body.get("tools"), body.get("systemInstruction")]))
    for content in objects(body.get("contents")):
        yield Segment(dumps(content))


def listed(name: str = "") -> Object | None:
    """The list of models, or the one called *name*; None when there is no such model."""
    if name:
        found = catalog.find(name, "gemini")
        return _row(found) if found else None
    rows = [_row(model) for model in catalog.offered("gemini")]
    embedding: Object = {
        "name": "models/gemini-embedding-001",
        "displayName": "Gemini Embedding 001",
        "supportedGenerationMethods": ["embedContent"],
    }
    return {"models": [*rows, embedding]}


def _row(model: catalog.SimModel) -> Object:
    return {
        "name": f"models/{model.id}",
        "version": "001",
        "displayName": model.name,
        "inputTokenLimit": model.window,
        "outputTokenLimit": model.max_output,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "thinking": profile_of(model.id).budget is not None,
    }

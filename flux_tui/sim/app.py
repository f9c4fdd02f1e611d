"""The simulator itself: one request in, one reply out, with nothing but the standard library.

A reply is not an ASGI one, because ASGI has no word for a reset, a stall or a body that breaks
off. Two carriers put replies on a wire: `transport` in process, `server` over a socket.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field, replace

from flux_tui.sim import catalog, faults, replies
from flux_tui.sim.batches import BatchDesk, BatchRefusedError
from flux_tui.sim.body import halves, mangled, paced
from flux_tui.sim.cache import PromptCache
from flux_tui.sim.formats.base import WireFormat, identifier
from flux_tui.sim.prompts import Directive, FaultOrder, parse, parse_fault
from flux_tui.sim.routes import Route, find, model_list
from flux_tui.sim.rules import anthropic as anthropic_rules
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.script import Action, Answer, Ask, Frame
from flux_tui.sim.signing import digest
from flux_tui.sim.tokens import count_all
from flux_tui.sim.values import Object, dumps, is_object, mapping, string

_KEPT = 4_000_000  # bytes of bodies: each holds the whole history, and a demo may be long
_REMEMBERED = 1000  # requests whose faults are counted
_MAX_BODY = 32 * 1024 * 1024  # bytes; what Anthropic documents


@dataclass(frozen=True, slots=True, kw_only=True)
class SimSettings:
    """How the simulator behaves when a prompt says nothing about it.

    Attributes:
        speed: tokens a second; 0 streams as fast as it can.
        first_token: seconds of silence before the first content.
        cache_minimum: tokens below which no prompt is cached, as with the vendors.
        batch_seconds: how long a batch takes at the least.
    """

    speed: float = 0.0
    first_token: float = 0.0
    cache_minimum: int = 1024
    batch_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class SimRequest:
    """An HTTP request; header names are lower-case, the path has no query."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class SimReply:
    """An HTTP reply. With `drop` the connection fails so instead, before any status.

    Attributes:
        status: the HTTP status.
        headers: names lower-case, in order; with a content-length, or the body is chunked.
        body: chunks, and what to do to the connection between them; None for no body.
        drop: "" or one of `faults.CONNECTION` except "no-headers".
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: AsyncGenerator[bytes | Action] | None = None
    drop: str = ""


class _RefusedError(Exception):
    """The vendor refuses the request."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.message)
        self.violation = violation


class Simulator:
    """Answers in the vendors' wire formats, refuses what they refuse, fails when asked to.

    One instance stands for every vendor. It remembers which prompts are cached and how often a
    fault has struck. `handle` may never return (fault `no-headers`) and a body may never end:
    carriers must be ready to cancel them.

    Attributes:
        settings: speed and the like.
        requests: the last hundred requests or 4 MB, for tests that ask what was sent.
    """

    def __init__(self, settings: SimSettings | None = None) -> None:
        self.settings = settings or SimSettings()
        self.requests: deque[SimRequest] = deque(maxlen=100)
        self._cache = PromptCache(self.settings.cache_minimum)
        self._injected: list[FaultOrder] = []
        self._struck: OrderedDict[str, int] = OrderedDict()
        self._desk = BatchDesk(self._line, self.settings.batch_seconds)

    def inject(self, fault: str, times: int = 1) -> None:
        """Let the next *times* requests fail with *fault*: `NAME` or `NAME@AFTER`.

        Raises:
            ValueError: `faults.FAULTS` has no such name.
        """
        order = parse_fault(fault)
        if order is None or order.name not in faults.FAULTS:
            raise ValueError(f"no fault is called {fault!r}; see flux_tui.sim.faults.FAULTS")
        self._injected.append(replace(order, times=times))

    async def handle(self, request: SimRequest) -> SimReply:
        """The reply to *request*; its body is made while it is read."""
        self.requests.append(request)
        while len(self.requests) > 1 and sum(len(each.body) for each in self.requests) > _KEPT:
            self.requests.popleft()
        return await self._reply(request)

    async def _line(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Answer one line of a batch, as if it had been sent alone."""
        reply = await self._reply(SimRequest("POST", path, headers, body))
        chunks = [c async for c in reply.body if isinstance(c, bytes)] if reply.body else []
        return reply.status, b"".join(chunks)

    async def _reply(self, request: SimRequest) -> SimReply:
        seed = digest(request.path, request.body.decode("utf-8", "replace"))
        route = find(request.method, request.path, request.headers)
        if isinstance(route, Violation):
            return _json(route.status, {"error": {"message": route.message, "type": route.type}})
        try:
            return await self._answer(route, request, seed)
        except _RefusedError as refused:
            return refusal(route.wire, refused.violation, seed)

    async def _answer(self, route: Route, request: SimRequest, seed: str) -> SimReply:
        wire = route.wire
        outside = self._ordered_outside(request, seed)
        early = next((order for order in outside if _strikes_early(order)), None)
        if early is not None:
            model = route.name or _model_of(request.body)
            return await _fail(early, wire, model, seed)
        _authorize(wire, request.headers)
        if route.kind == "models":
            listed = model_list(wire.vendor, route.name)
            if listed is None:
                raise _RefusedError(replace(wire.unknown_model(route.name), status=404))
            return _json(200, listed)
        if route.kind == "batch":
            return await self._batch(wire, request, seed)
        body = _parsed(request.body)
        if route.kind == "count":
            return _json(200, self._count(route, body, request.headers, seed))
        self._judge(route, body, request.headers)
        ask = wire.read(body, seed, request.headers)
        directive = parse(replies.prompt_text(ask.text))
        orders = [*outside, *self._ordered_inside(directive, seed)]
        early = next((order for order in orders if _strikes_early(order)), None)
        if early is not None:
            return await _fail(early, wire, ask.model, seed)
        return self._play(route, body, ask, directive, orders)

    async def _batch(self, wire: WireFormat, request: SimRequest, seed: str) -> SimReply:
        try:
            found = await self._desk.answer(
                request.method, request.path, request.headers, request.body
            )
        except BatchRefusedError as refused:
            return refusal(wire, refused.violation, seed)
        if isinstance(found, bytes):
            size = ("content-length", str(len(found)))
            kind = ("content-type", "application/binary")
            return SimReply(200, (kind, size), _once(found))
        return _json(200, found)

    def _ordered_outside(self, request: SimRequest, seed: str) -> list[FaultOrder]:
        """The faults ordered by `inject` and by the request's header."""
        orders: list[FaultOrder] = []
        if self._injected:
            order = self._injected.pop(0)
            orders.append(order)
            if order.times is not None and order.times > 1:
                self._injected.insert(0, replace(order, times=order.times - 1))
        header = request.headers.get("x-sim-fault", "")
        if header:
            order = parse_fault(header)
            orders += self._still(_known(header, order), seed)
        return orders

    def _ordered_inside(self, directive: Directive | None, seed: str) -> list[FaultOrder]:
        """The faults ordered by the prompt."""
        if directive is None:
            return []
        if directive.unknown:
            names = ", ".join(directive.unknown)
            raise _RefusedError(Violation("sim", "", f"sim: unknown key in the prompt: {names}"))
        orders: list[FaultOrder] = []
        for order in directive.faults:
            orders += self._still(_known(order.name, order), seed)
        return orders

    def _still(self, order: FaultOrder, seed: str) -> list[FaultOrder]:
        """[*order*], or nothing when it has struck this request often enough."""
        if order.times is None:
            return [order]
        key = f"{seed}/{order.name}"
        struck = self._struck.get(key, 0)
        self._struck[key] = struck + 1
        while len(self._struck) > _REMEMBERED:
            self._struck.popitem(last=False)
        return [order] if struck < order.times else []

    def _judge(self, route: Route, body: Object, headers: Mapping[str, str]) -> None:
        wire = route.wire
        _refuse_first(wire.check(body, headers))
        model = route.name or string(body.get("model"))
        if not route.compat and catalog.find(model, wire.vendor) is None:
            raise _RefusedError(wire.unknown_model(model))
        _refuse_first(wire.verify(body, headers))

    def _count(self, route: Route, body: Object, headers: Mapping[str, str], seed: str) -> Object:
        wire = route.wire
        anthropic = wire.vendor == "anthropic"
        if anthropic:
            version = headers.get("anthropic-version", "")
            _refuse_first(anthropic_rules.check(body, version, counting=True))
        else:
            _refuse_first(wire.check(body, headers))
        tokens = count_all(segment.text for segment in wire.read(body, seed, headers).segments)
        kind: Object = {} if anthropic else {"object": "response.input_tokens"}
        return {**kind, "input_tokens": tokens}

    def _play(
        self,
        route: Route,
        body: Object,
        ask: Ask,
        directive: Directive | None,
        orders: list[FaultOrder],
    ) -> SimReply:
        wire = route.wire
        names = [order.name for order in orders]
        model = catalog.find(ask.model, wire.vendor)
        reply = replies.choose(ask, directive)
        if "no-usage" in names:
            reply = replace(reply, reports_usage=False)
        tokens = self._cache.count(ask, reply, wire.vendor)
        if model is not None and tokens.prompt > model.window:
            raise _RefusedError(wire.too_long(tokens.prompt, model.window))
        answer = Answer(ask, reply, tokens, body)
        frames: Iterator[Frame | Action] = (
            wire.frames(answer) if ask.stream else halves(dumps(wire.whole(answer)).encode())
        )
        for order in orders:
            if order.name in faults.STREAM:
                frames = faults.spoil(frames, order.name, order.after, wire)
        chunks = paced(frames, *self._pace(directive))
        if any(name in faults.BYTES for name in names):
            chunks = mangled(chunks, names)
        return SimReply(200, _headers(wire, ask, names), chunks)

    def _pace(self, directive: Directive | None) -> tuple[float, float]:
        settings = self.settings
        speed = directive.speed if directive else None
        delay = directive.delay if directive else None
        return (
            settings.speed if speed is None else speed,
            settings.first_token if delay is None else delay,
        )


def _strikes_early(order: FaultOrder) -> bool:
    return order.name in faults.CONNECTION or order.name in faults.HTTP


def _known(text: str, order: FaultOrder | None) -> FaultOrder:
    if order is None or order.name not in faults.FAULTS:
        raise _RefusedError(Violation("sim", "", f"sim: no fault is called {text!r}"))
    return order


def _refuse_first(violations: list[Violation]) -> None:
    if violations:
        raise _RefusedError(violations[0])


def _authorize(wire: WireFormat, headers: Mapping[str, str]) -> None:
    bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
    names = ("x-api-key", "x-goog-api-key")
    key = next((headers[name].strip() for name in names if name in headers), "") or bearer
    if not key or "invalid" in key:
        raise _RefusedError(wire.unauthorized(key or None))


def _parsed(raw: bytes) -> Object:
    if len(raw) > _MAX_BODY:
        text = "Request exceeds the maximum allowed number of bytes."
        raise _RefusedError(Violation("size", "", text, status=413, type="request_too_large"))
    try:
        value: object = json.loads(raw)
    except ValueError as problem:
        text = f"The request body is not valid JSON: {problem}"
        raise _RefusedError(Violation("json", "", text)) from problem
    if not is_object(value):
        raise _RefusedError(Violation("json", "", "The request body must be a JSON object."))
    return mapping(value)


def _model_of(raw: bytes) -> str:
    try:
        return string(mapping(json.loads(raw or b"{}")).get("model"))
    except ValueError:
        return ""


async def _fail(order: FaultOrder, wire: WireFormat, model: str, seed: str) -> SimReply:
    if order.name == "no-headers":
        await asyncio.Event().wait()
    if order.name in faults.CONNECTION:
        return SimReply(0, drop=order.name)
    known = catalog.find(model, wire.vendor)
    found = faults.failure(order.name, wire, model, known.window if known else 128_000)
    if found.violation is not None:
        reply = refusal(wire, found.violation, seed)
        return replace(reply, status=found.status, headers=(*reply.headers, *found.headers))
    raw = found.body or b""
    headers = (*found.headers, ("content-length", str(len(raw))))
    return SimReply(found.status, headers, _once(raw))


async def _once(raw: bytes) -> AsyncGenerator[bytes | Action]:
    yield raw


def _json(status: int, document: Object) -> SimReply:
    raw = dumps(document).encode()
    headers = (("content-type", "application/json"), ("content-length", str(len(raw))))
    return SimReply(status, headers, _once(raw))


def refusal(wire: WireFormat, violation: Violation, seed: str) -> SimReply:
    """The vendor's error body for *violation*, with the vendor's request id."""
    reply = _json(violation.status, wire.error(violation, seed))
    return replace(reply, headers=(*reply.headers, *_request_id(wire, seed)))


def _request_id(wire: WireFormat, seed: str) -> tuple[tuple[str, str], ...]:
    if wire.vendor == "gemini":
        return ()  # it sends none
    if wire.vendor == "anthropic":
        return (("request-id", identifier("req_011C", seed, 1, 20)),)
    return (("x-request-id", identifier("req_", seed, 1, 32)),)


def _headers(wire: WireFormat, ask: Ask, names: list[str]) -> tuple[tuple[str, str], ...]:
    kind = "text/event-stream; charset=utf-8" if ask.stream else "application/json"
    packed = (("content-encoding", "gzip"),) if "gzip" in names else ()
    plain = (("content-type", kind), ("cache-control", "no-cache"), *_request_id(wire, ask.seed))
    return (*plain, *packed)

"""What a wire format must know; the simulator finds everything else out by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Protocol

from flux_tui.sim import catalog
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.script import Answer, Ask, Frame
from flux_tui.sim.signing import digest
from flux_tui.sim.values import Object, dumps, mapping

# Identifiers and times depend on the request alone, so that equal requests get equal bytes.
EPOCH = 1_790_000_000  # seconds; 2026-09-21


class WireFormat(Protocol):
    """One wire format: reading a request, judging it, writing an answer or an error."""

    vendor: catalog.Vendor

    def read(self, body: Object, seed: str, headers: Mapping[str, str]) -> Ask:
        """The request in neutral words; *body* has passed `check`."""
        ...

    def check(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """What the vendor refuses in *body* by its form and the model's profile."""
        ...

    def verify(self, body: Object, headers: Mapping[str, str]) -> list[Violation]:
        """What the vendor refuses because a signature is not its own, or not in its place."""
        ...

    def unauthorized(self, key: str | None) -> Violation:
        """The refusal of a missing key (None) or of a wrong one."""
        ...

    def unknown_model(self, model: str) -> Violation:
        """The refusal of a model that is not offered."""
        ...

    def too_long(self, tokens: int, window: int) -> Violation:
        """The refusal of a prompt that does not fit."""
        ...

    def frames(self, answer: Answer) -> Iterator[Frame]:
        """The answer as a stream of events."""
        ...

    def whole(self, answer: Answer) -> Object:
        """The answer as one JSON document."""
        ...

    def error(self, violation: Violation, seed: str) -> Object:
        """The body of an HTTP error."""
        ...

    def error_frame(self, kind: str, message: str) -> Frame:
        """An error in the middle of a stream; *kind* is `overloaded`, `server` or `rate`."""
        ...

    def stranger(self) -> Frame:
        """An event of a type that no client knows yet."""
        ...

    def orphan(self) -> Frame:
        """A piece of content that belongs to nothing that has begun."""
        ...

    def enlarged(self, event: Object, size: int) -> Frame:
        """*event*, which carries content, with *size* characters of it."""
        ...


def sse(data: object, event: str = "") -> bytes:
    """One server-sent event; *data* becomes JSON."""
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {dumps(data)}\n\n".encode()


def event_of(frame: Frame) -> Object:
    """The JSON of *frame*'s first event; empty when it has none."""
    line = next((row for row in frame.data.splitlines() if row.startswith(b"data: {")), b"data: {}")
    return mapping(json.loads(line[6:]))


def identifier(prefix: str, seed: str, number: int = 0, length: int = 24) -> str:
    """A stable identifier in a vendor's style, made of *seed* and *number*."""
    return prefix + digest(seed, str(number))[:length]

"""The vendors' batch endpoints: Anthropic's Message Batches, OpenAI's files and batches.

Every line of a batch is answered, or refused, as the same request sent alone would be. A prompt
with the words ``sim-batch: expired`` or ``sim-batch: canceled`` is not answered at all, and one
with ``sim-batch: waits`` keeps its whole batch waiting until that is cancelled. OpenAI has no room
for a batch of more than 5 requests in which ``sim-batch: room=5`` stands.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.policy import HTTP
from itertools import islice
from typing import Literal, TypeAlias

from flux_tui.sim.formats.base import identifier
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.values import Object, dumps, is_object, mapping, sequence, string

Outcome: TypeAlias = Literal["answered", "errored", "expired", "canceled"]
Send: TypeAlias = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]
"""Sends one request, by its path, headers and body, and gives status and body."""

MOST_ANTHROPIC, MOST_OPENAI = 100_000, 50_000
_AT_ONCE = 100
_PATIENCE = 2.0  # seconds for one line; faults that never answer must not hold up the rest
_PREFIX = re.compile(r"(?:/anthropic|/openai)?(?:/v1)?")
_MINE = re.compile(r"/messages/batches(?:/.*)?|/files(?:/.*)?|/batches(?:/.*)?")
_CUSTOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ORDER = re.compile(r"\bsim-batch: (expired|canceled)\b")
_WAITS = "sim-batch: waits"
_ROOM = re.compile(r"sim-batch: room=(\d+)")
_ENDPOINTS = ("/v1/responses", "/v1/chat/completions")


def is_batch_path(path: str) -> bool:
    """Whether *path*, without a vendor's prefix and version, is one of these endpoints."""
    return _MINE.fullmatch(path) is not None


class BatchRefusedError(Exception):
    """The vendor refuses what was asked of its batch endpoint."""

    def __init__(self, message: str, *, status: int = 400, param: str = "") -> None:
        super().__init__(message)
        kind = "not_found_error" if status == 404 else "invalid_request_error"
        self.violation = Violation(
            "batch", param, message, param=param or None, status=status, type=kind
        )


@dataclass(slots=True)
class _Line:
    custom_id: str
    body: Object
    outcome: Outcome = "answered"
    status: int = 0
    reply: Object = field(default_factory=dict[str, object])


@dataclass(slots=True)
class _Batch:
    id: str
    vendor: str
    lines: list[_Line]
    headers: Mapping[str, str]
    made: datetime
    due: datetime
    path: str = "/v1/messages"
    metadata: object = None
    input_file: str = ""
    errors: list[Object] = field(default_factory=list[Object])
    canceled: bool = False
    ended: bool = False

    def count(self, *outcomes: Outcome) -> int:
        return sum(line.outcome in outcomes for line in self.lines)


class BatchDesk:
    """Keeps files and batches; a batch is worked through when it is asked for after its time."""

    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, _Batch] = {}
        self._working = asyncio.Lock()

    async def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> bytes | Object:
        """Return a JSON document, or the bytes of a file.

        Raises:
            BatchRefusedError: the vendor would refuse it.
        """
        found = _PREFIX.match(path)
        steps = path[found.end() if found else 0 :].strip("/").split("/")
        match method, steps:
            case "POST", ["messages", "batches"]:
                return _message_batch(self._create_messages(headers, body))
            case "GET", ["messages", "batches"]:
                return await self._listed("anthropic")
            case "GET", ["messages", "batches", name]:
                return _message_batch(await self._find(name, "anthropic"))
            case "GET", ["messages", "batches", name, "results"]:
                return _results(await self._find(name, "anthropic"))
            case "POST", ["messages", "batches", name, "cancel"]:
                return _message_batch(self._cancel(name, "anthropic"))
            case "POST", ["files"]:
                return self._upload(headers, body)
            case "GET", ["files", name, "content"]:
                return self._content(name)
            case "POST", ["batches"]:
                return self._openai(self._create_batch(headers, body))
            case "GET", ["batches"]:
                return await self._listed("openai")
            case "GET", ["batches", name]:
                return self._openai(await self._find(name, "openai"))
            case "POST", ["batches", name, "cancel"]:
                return self._openai(self._cancel(name, "openai"))
            case _:
                raise BatchRefusedError(f"Not Found: {method} {path}", status=404)

    async def _listed(self, vendor: str) -> Object:
        found = [one for one in reversed(self._batches.values()) if one.vendor == vendor]
        shown = [_message_batch(o) if vendor == "anthropic" else self._openai(o) for o in found]
        return {"object": "list", "data": shown, "has_more": False}

    async def _find(self, name: str, vendor: str) -> _Batch:
        batch = self._known(name, vendor)
        if not batch.ended and datetime.now(UTC) >= batch.due:
            async with self._working:
                if not batch.ended:
                    await self._work(batch)
        return batch

    def _known(self, name: str, vendor: str) -> _Batch:
        batch = self._batches.get(name)
        if batch is None or batch.vendor != vendor:
            raise BatchRefusedError(f"No batch found with id '{name}'.", status=404)
        return batch

    def _cancel(self, name: str, vendor: str) -> _Batch:
        batch = self._known(name, vendor)
        if batch.ended:
            raise BatchRefusedError("Cannot cancel a batch that has ended.")
        batch.canceled = True
        batch.due = datetime.now(UTC)
        return batch

    def _add(self, batch: _Batch) -> _Batch:
        self._batches[batch.id] = batch
        return batch

    def _new(self, vendor: str, lines: list[_Line], headers: Mapping[str, str]) -> _Batch:
        now = datetime.now(UTC)
        start = "msgbatch_01" if vendor == "anthropic" else "batch_"
        name = identifier(start, f"{now.isoformat()}/{len(self._batches)}")
        # A line is a request of its own, so what was said of the batch's body is not its headers.
        kept = {k: v for k, v in headers.items() if k not in ("content-length", "content-type")}
        waits = any(_WAITS in dumps(line.body) for line in lines)
        due = now + timedelta(days=1) if waits else now + timedelta(seconds=self._seconds)
        return _Batch(name, vendor, lines, kept, now, due)

    def _create_messages(self, headers: Mapping[str, str], raw: bytes) -> _Batch:
        given = mapping(_json(raw)).get("requests")
        entries = sequence(given)
        if not entries or len(entries) > MOST_ANTHROPIC:
            raise BatchRefusedError(
                "requests: List should have 1 to 100000 items", param="requests"
            )
        lines: list[_Line] = []
        seen: set[str] = set()
        for place, entry in enumerate(map(mapping, entries)):
            name, params = string(entry.get("custom_id")), entry.get("params")
            if not _CUSTOM_ID.fullmatch(name):
                text = f"requests.{place}.custom_id: String should match pattern"
                raise BatchRefusedError(f"{text} '^[a-zA-Z0-9_-]{{1,64}}$'")
            if name in seen:
                raise BatchRefusedError(f"requests.{place}.custom_id: Duplicate custom_id {name}")
            if not is_object(params) or set(entry) - {"custom_id", "params"}:
                raise BatchRefusedError(f"requests.{place}.params: Input should be an object")
            seen.add(name)
            lines.append(_Line(name, mapping(params)))
        return self._add(self._new("anthropic", lines, headers))

    def _upload(self, headers: Mapping[str, str], raw: bytes) -> Object:
        head = f"Content-Type: {headers.get('content-type', '')}\r\n\r\n".encode()
        form = BytesParser(policy=HTTP).parsebytes(head + raw)
        fields: dict[str, bytes] = {}
        filename = ""
        for part in form.iter_parts() if form.is_multipart() else ():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            fields[str(name)] = content if isinstance(content, bytes) else b""
            filename = part.get_filename() or filename
        if "file" not in fields or fields.get("purpose") != b"batch":
            raise BatchRefusedError("'purpose' must be 'batch' and 'file' is required")
        made = self._store(fields["file"])
        return {
            "id": made,
            "object": "file",
            "bytes": len(fields["file"]),
            "purpose": "batch",
            "created_at": _unix(datetime.now(UTC)),
            "filename": filename,
            "status": "processed",
        }

    def _store(self, content: bytes) -> str:
        name = identifier("file-", f"{len(self._files)}/{len(content)}")
        self._files[name] = content
        return name

    def _content(self, name: str) -> bytes:
        if name not in self._files:
            raise BatchRefusedError(f"No such File object: {name}", status=404)
        return self._files[name]

    def _create_batch(self, headers: Mapping[str, str], raw: bytes) -> _Batch:
        body = mapping(_json(raw))
        endpoint, source = string(body.get("endpoint")), string(body.get("input_file_id"))
        if endpoint not in _ENDPOINTS:
            raise BatchRefusedError(f"Invalid endpoint: {endpoint!r}", param="endpoint")
        if body.get("completion_window") != "24h":
            raise BatchRefusedError("Invalid completion window", param="completion_window")
        lines, errors = _openai_lines(self._content(source), endpoint)
        batch = self._new("openai", lines, headers)
        batch.path, batch.input_file, batch.metadata = endpoint, source, body.get("metadata")
        batch.errors = errors
        return self._add(batch)

    def _openai(self, batch: _Batch) -> Object:
        """The batch as OpenAI tells it; its files are written when it has ended."""
        status, output, errors = "in_progress", None, None
        if batch.errors:
            status = "failed"
        elif batch.ended:
            status = "cancelled" if batch.canceled else "completed"
            output = self._written(batch, "output", "answered")
            errors = self._written(batch, "error", "errored", "expired", "canceled")
        listed: Object = {"object": "list", "data": batch.errors}
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": batch.path,
            "status": status,
            "errors": listed if batch.errors else None,
            "input_file_id": batch.input_file,
            "completion_window": "24h",
            "created_at": _unix(batch.made),
            "expires_at": _unix(batch.made + timedelta(days=1)),
            "metadata": batch.metadata,
            "output_file_id": output,
            "error_file_id": errors,
            "request_counts": {
                "total": len(batch.lines),
                "completed": batch.count("answered") if batch.ended else 0,
                "failed": len(batch.lines) - batch.count("answered") if batch.ended else 0,
            },
        }

    def _written(self, batch: _Batch, sort: str, *outcomes: Outcome) -> str | None:
        lines = [_openai_result(line) for line in batch.lines if line.outcome in outcomes]
        if not lines:
            return None
        name = f"file-{batch.id}-{sort}"
        self._files[name] = "".join(f"{dumps(line)}\n" for line in lines).encode()
        return name

    async def _work(self, batch: _Batch) -> None:
        lines = iter(batch.lines)
        while chunk := list(islice(lines, _AT_ONCE)):
            await asyncio.gather(*(self._do(batch, line) for line in chunk))
        # The vendors promise no order, and OpenAI none between its two files.
        batch.lines.reverse()
        batch.ended = True

    async def _do(self, batch: _Batch, line: _Line) -> None:
        order = _ORDER.search(dumps(line.body))
        if batch.canceled or order is not None:
            expires = order is not None and order[1] == "expired" and not batch.canceled
            line.outcome = "expired" if expires else "canceled"
            return
        line.outcome = "errored"
        if line.body.get("stream"):
            line.status, line.reply = 400, {"error": _error("stream is not supported in a batch")}
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                raw = dumps(line.body).encode()
                line.status, told = await self._send(batch.path, batch.headers, raw)
            line.reply = mapping(json.loads(told))
        except (TimeoutError, ValueError):
            line.status, line.reply = 500, {"error": _error("Internal server error", "api_error")}
        if line.status == 200:
            line.outcome = "answered"


def _openai_lines(content: bytes, endpoint: str) -> tuple[list[_Line], list[Object]]:
    """Return the lines of an input file, and what is wrong with it; nothing runs if anything is."""
    lines: list[_Line] = []
    errors: list[Object] = []
    models: set[str] = set()
    rows = [row for row in content.decode("utf-8", "replace").split("\n") if row.strip()]
    for number, row in enumerate(rows, 1):
        try:
            entry = mapping(json.loads(row))
        except ValueError:
            entry = {}
        name, body = string(entry.get("custom_id")), mapping(entry.get("body"))
        models.add(string(body.get("model")))
        code = ""
        if not entry:
            code = "invalid_json_line"
        elif not name:
            code = "missing_required_parameter"
        elif any(line.custom_id == name for line in lines[-1:]):
            code = "duplicate_custom_id"
        elif entry.get("method") != "POST" or not body:
            code = "invalid_method"
        elif entry.get("url") != endpoint:
            code = "invalid_url"
        elif len(models) > 1:
            code = "mismatched_model"
        if code:
            errors.append({"code": code, "line": number, "message": f"line {number}: {code}"})
        lines.append(_Line(name, body))
    if len({line.custom_id for line in lines}) < len(lines):
        errors.append({"code": "duplicate_custom_id", "line": None, "message": "duplicate ids"})
    if not lines or len(lines) > MOST_OPENAI:
        errors.append({"code": "invalid_request_count", "line": None, "message": "1 to 50000"})
    return lines, errors or _no_room(content, len(lines))


def _no_room(content: bytes, number: int) -> list[Object]:
    room = _ROOM.search(content.decode("utf-8", "replace"))
    if room is None or number <= int(room[1]):
        return []
    told = "Enqueued token limit reached for this model. Please try again later."
    return [{"code": "token_limit_exceeded", "line": None, "message": told}]


def _openai_result(line: _Line) -> Object:
    head: Object = {"id": f"batch_req_{line.custom_id}", "custom_id": line.custom_id}
    if line.outcome in ("answered", "errored"):
        reply = {"status_code": line.status, "request_id": "req_sim", "body": line.reply}
        return {**head, "response": reply, "error": None}
    words = "expired" if line.outcome == "expired" else "cancelled"
    error = {"code": f"batch_{words}", "message": f"This request was {words}."}
    return {**head, "response": None, "error": error}


def _message_batch(batch: _Batch) -> Object:
    counts = {"processing": 0 if batch.ended else len(batch.lines)}
    for name, outcome in (("succeeded", "answered"), ("errored", "errored")):
        counts[name] = sum(line.outcome == outcome for line in batch.lines) if batch.ended else 0
    for name in ("expired", "canceled"):
        counts[name] = sum(line.outcome == name for line in batch.lines) if batch.ended else 0
    doing = "canceling" if batch.canceled else "in_progress"
    results = f"https://api.anthropic.com/v1/messages/batches/{batch.id}/results"
    return {
        "id": batch.id,
        "type": "message_batch",
        "request_counts": counts,
        "processing_status": "ended" if batch.ended else doing,
        "created_at": _rfc(batch.made),
        "expires_at": _rfc(batch.made + timedelta(days=1)),
        "ended_at": _rfc(datetime.now(UTC)) if batch.ended else None,
        "archived_at": None,
        "cancel_initiated_at": _rfc(batch.due) if batch.canceled else None,
        "results_url": results if batch.ended else None,
    }


def _results(batch: _Batch) -> bytes:
    if not batch.ended:
        raise BatchRefusedError("Batch has not finished processing yet.", status=404)
    rows: list[Object] = []
    for line in batch.lines:
        result: Object = {"type": line.outcome}
        if line.outcome == "answered":
            result = {"type": "succeeded", "message": line.reply}
        elif line.outcome == "errored":
            result["error"] = {"type": "error", **line.reply}
        rows.append({"custom_id": line.custom_id, "result": result})
    return "".join(f"{dumps(row)}\n" for row in rows).encode()


def _error(message: str, kind: str = "invalid_request_error") -> Object:
    return {"type": kind, "message": message}


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except ValueError as problem:
        raise BatchRefusedError(f"The request body is not valid JSON: {problem}") from problem


def _rfc(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unix(at: datetime) -> int:
    return int(at.timestamp())

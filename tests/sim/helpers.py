from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

VERSION = "2026-10-21"
HEADERS = {
    "anthropic": {"x-api-key": "k", "anthropic-version": VERSION},
    "openai": {"authorization": "Bearer k"},
}
PATHS = {
    "anthropic": "/v1/messages",
    "responses": "/v1/responses",
    "chat": "/v1/chat/completions",
    "compat": "/compat/v1/chat/completions",
    "mistral": "/mistral/v1/chat/completions",
    "cohere": "/cohere/v2/chat",
}
MODELS = {
    "anthropic": "claude-opus-5",
    "responses": "gpt-6.1-sol",
    "chat": "gpt-4o",
    "compat": "anything/at-all",
    "mistral": "mistral-medium-3-5",
    "cohere": "command-a-03-2025",
}
READ = {
    "type": "object",
    "properties": {"path": {"type": "string"}},
    "required": ["path"],
}
TOOL_SCHEMAS = {
    "read_file": READ,
    "list_files": {"type": "object", "properties": {"path": {"type": "string"}}},
    "search_text": {
        "type": "object",
        "properties": {"pattern": {"type": "string"}, "path": {"type": "string"}},
        "required": ["pattern"],
    },
    "write_file": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
        "required": ["path", "content"],
    },
    "run_shell": {
        "type": "object",
        "properties": {"command": {"type": "string"}},
        "required": ["command"],
    },
}


def headers(wire: str, **more: str) -> dict[str, str]:
    return {**HEADERS["anthropic" if wire == "anthropic" else "openai"], **more}


def tools(wire: str) -> list[dict[str, object]]:
    if wire == "anthropic":
        return [{"name": n, "input_schema": s} for n, s in TOOL_SCHEMAS.items()]
    if wire == "responses":
        return [
            {"type": "function", "name": n, "parameters": s, "strict": False}
            for n, s in TOOL_SCHEMAS.items()
        ]
    return [
        {"type": "function", "function": {"name": n, "parameters": s}}
        for n, s in TOOL_SCHEMAS.items()
    ]


def body(wire: str, prompt: str, *, stream: bool = True, **more: object) -> dict[str, object]:
    request: dict[str, object] = {"model": MODELS[wire], "stream": stream}
    if wire == "anthropic":
        request["max_tokens"] = 64_000
    if wire == "responses":
        request |= {"store": False, "input": prompt}
    else:
        request["messages"] = [{"role": "user", "content": prompt}]
    return {**request, **more}


def events(stream: bytes) -> list[dict[str, object]]:
    found = []
    for block in stream.decode().split("\n\n"):
        for line in block.splitlines():
            if line.startswith("data: ") and line != "data: [DONE]":
                found.append(json.loads(line[6:]))
    return found


def text_of(wire: str, stream: bytes) -> str:
    parts: list[str] = []
    for event in events(stream):
        if wire == "anthropic":
            parts.append(event.get("delta", {}).get("text", ""))
        elif wire == "responses":
            if event["type"] == "response.output_text.delta":
                parts.append(event["delta"])
        elif wire == "cohere":
            message = event.get("delta", {}).get("message", {})
            parts.append((message.get("content") or {}).get("text", ""))
            parts.append(message.get("tool_plan", ""))
        else:
            for choice in event.get("choices", []):
                said = choice["delta"].get("content") or ""
                pieces = said if isinstance(said, list) else [{"text": said}]
                parts += [piece.get("text", "") for piece in pieces]
    return "".join(parts)


def recorded_root() -> Path:
    given = os.environ.get("FLUX_RECORDED")
    return Path(given) if given else Path(__file__).parents[2].parent / "shared" / "recorded"


def recorded(folder: str) -> Iterator[tuple[str, int, dict[str, object]]]:
    root = recorded_root() / folder
    for line in (root / "index.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        request = root / f"{row['name']}.request.json"
        if request.exists() and row.get("status"):
            yield row["name"], row["status"], json.loads(request.read_text("utf-8"))

"""A conversation as a document: Markdown or HTML to read, JSON to keep."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Literal, TypeAlias

from flux_tui.core.codec import dump_conversation, dumps
from flux_tui.core.messages import (
    Conversation,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.core.sources import sources_text

Format: TypeAlias = Literal["md", "json", "html"]

FORMATS: tuple[Format, ...] = ("md", "json", "html")

REDACTED = "[key removed]"

# Shapes of keys as vendors print them; the user's own keys are passed in and removed as well.
_KEY_SHAPES = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{30,}|gh[pousr]_[A-Za-z0-9]{30,}|AKIA[A-Z0-9]{16})"
)

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: 0; }}
section {{ border-left: 4px solid #888; padding: 0 1em; margin: 1em 0; }}
.assistant {{ border-color: #06c; }} .tool, details pre {{ font-family: monospace; }}
h2 {{ font-size: 1em; }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* without *secrets* and without what looks like an API key."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 8:  # a shorter one would blank out ordinary words
            text = text.replace(secret, REDACTED)
    return _KEY_SHAPES.sub(REDACTED, text)


def export(
    conversation: Conversation, kind: Format, *, title: str = "", secrets: Iterable[str] = ()
) -> str:
    """Return the document. Markdown and HTML hold the line to the head, JSON the whole tree."""
    kept = tuple(secrets)
    if kind == "json":
        document = {**dump_conversation(conversation), "title": title}
        return redact(dumps(document), kept) + "\n"
    heading = one_line(title, 120) or "Conversation"
    text = to_markdown(conversation, heading) if kind == "md" else to_html(conversation, heading)
    return redact(text, kept)


def to_markdown(conversation: Conversation, title: str) -> str:
    """Return the line to the head as Markdown."""
    blocks = [f"# {title}"]
    if conversation.system:
        blocks += ["## System", sanitize(conversation.system)]
    for message in conversation:
        blocks.append(f"## {_speaker(message)}")
        blocks += [block for part in message.parts if (block := _markdown(part))]
        if cited := sources_text(message):
            blocks.append(cited)
        if note := _note(message):
            blocks.append(f"*{note}*")
    return "\n\n".join(blocks) + "\n"


def to_html(conversation: Conversation, title: str) -> str:
    """Return the line to the head as one HTML page that loads and runs nothing."""
    body: list[str] = []
    if conversation.system:
        body.append(_section("system", "System", _pre(conversation.system)))
    for message in conversation:
        inner = "\n".join(block for part in message.parts if (block := _html(part)))
        if cited := sources_text(message):
            inner += f"\n{_pre(cited)}"
        if note := _note(message):
            inner += f"\n<p><em>{escape(note)}</em></p>"
        body.append(_section(message.role, _speaker(message), inner))
    return _PAGE.format(title=escape(title), body="\n".join(body))


def _speaker(message: Message) -> str:
    at = f"{message.at:%Y-%m-%d %H:%M} UTC"
    if message.role == "assistant" and message.model is not None:
        return f"{one_line(str(message.model))} · {at}"
    return f"{ {'user': 'You', 'assistant': 'Assistant', 'tool': 'Tools'}[message.role] } · {at}"


def _note(message: Message) -> str:
    notes: list[str] = []
    if message.stop not in {None, "end", "tool_calls"}:
        notes.append(f"stopped: {message.stop}")
    if message.error:
        notes.append(one_line(message.error, 300))
    return " · ".join(notes)


def _markdown(part: Part) -> str:
    match part:
        case Text():
            return sanitize(part.text)
        case Thinking():
            quoted = "\n> ".join(sanitize(part.text).split("\n"))
            return f"> *Thinking*\n>\n> {quoted}" if part.text else ""
        case Image() | Document():
            return f"*[{_file(part)}]*"
        case ToolCall():
            return f"**Call** `{_name(part.name)}`\n\n{_fenced(_arguments(part), 'json')}"
        case ToolResult():
            word = "Error of" if part.is_error else "Result of"
            shown = "\n\n".join(
                _fenced(sanitize(item.text)) if isinstance(item, Text) else f"*[{_file(item)}]*"
                for item in part.parts
            )
            return f"**{word}** `{_name(part.name)}`\n\n{shown}"
        case Opaque():
            return f"*[{one_line(part.note or part.kind, 300)}]*"


def _html(part: Part) -> str:
    match part:
        case Text():
            return _pre(part.text)
        case Thinking():
            return _details("Thinking", part.text) if part.text else ""
        case Image() | Document():
            return f"<p><em>[{escape(_file(part))}]</em></p>"
        case ToolCall():
            return _details(f"Call {_name(part.name)}", _arguments(part))
        case ToolResult():
            word = "Error of" if part.is_error else "Result of"
            shown = "\n".join(
                item.text if isinstance(item, Text) else f"[{_file(item)}]" for item in part.parts
            )
            return _details(f"{word} {_name(part.name)}", shown)
        case Opaque():
            return f"<p><em>[{escape(one_line(part.note or part.kind, 300))}]</em></p>"


def _name(name: str) -> str:
    return one_line(name).replace("`", "'")


def _file(item: Image | Document) -> str:
    sort = "Image" if isinstance(item, Image) else "Document"
    return f"{sort} {one_line(item.name or item.mime)}, {len(item.data):,} bytes"


def _arguments(call: ToolCall) -> str:
    return sanitize(call.raw) if call.raw else dumps(dict(call.arguments))


def _fenced(text: str, language: str = "") -> str:
    """Return *text* in a fence longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _pre(text: str) -> str:
    return f"<pre>{escape(sanitize(text))}</pre>"


def _details(summary: str, text: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{_pre(text)}</details>"


def _section(kind: str, heading: str, inner: str) -> str:
    return f'<section class="{kind}"><h2>{escape(heading)}</h2>\n{inner}\n</section>'

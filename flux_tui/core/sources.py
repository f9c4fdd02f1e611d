"""What an answer refers to: pages, documents and tool results that its vendor's citations name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from flux_tui.core.messages import Message, Text
from flux_tui.core.sanitize import one_line
from flux_tui.core.usage import JSON

_TITLE = 200  # characters
_ADDRESS = 2_000
_TITLES = ("title", "document_title", "filename", "name", "file_id", "fileSearchStore")
_ADDRESSES = ("url", "uri", "source")
_INSIDE = (
    "document",
    "tool_output",
    "url_citation",
    "file_citation",
    "web",
    "retrievedContext",
    "maps",
)
"""Where vendors nest what is cited."""

_NOTHING: Mapping[str, JSON] = {}


@dataclass(frozen=True, slots=True)
class Source:
    """A thing that an answer cites. `url` may be empty; both are one line and sanitised."""

    title: str
    url: str = ""

    @property
    def line(self) -> str:
        """The title with the address behind it."""
        return " — ".join(filter(None, (self.title, self.url)))


def sources(message: Message) -> tuple[Source, ...]:
    """Return what *message* cites, each once, in the order of its first citation.

    The citations stand in the replay data as the vendors sent them. Known are those of Anthropic
    (url, title or document_title), OpenAI (url_citation, file_citation), Cohere (sources with a
    document or a tool's output; references of 2026-11), Gemini (web, retrievedContext, maps) and
    servers that give addresses alone. What names nothing is left out.
    """
    found = map(_read, _entries(message))
    return tuple({source.line: source for source in found if source is not None}.values())


def sources_text(message: Message) -> str:
    """Return the sources as a numbered list below a heading, in Markdown; empty if none."""
    lines = [f"{number}. {each.line}" for number, each in enumerate(sources(message), 1)]
    return "Sources:\n\n" + "\n".join(lines) if lines else ""


def _entries(message: Message) -> Iterator[Mapping[str, JSON]]:
    if message.role != "assistant":
        return
    held = [part.metadata for part in message.parts if isinstance(part, Text)]
    for metadata in (*held, message.metadata):
        if metadata is not None:
            yield from _flat(metadata.data.get("citations"))
            yield from _flat(metadata.data.get("annotations"))


def _flat(value: JSON, depth: int = 3) -> Iterator[Mapping[str, JSON]]:
    """Yield what is cited: the entry itself, or each of the `sources` that it names."""
    for entry in value if isinstance(value, list) else [value]:
        inner = entry.get("sources") if _is_object(entry) else entry
        if isinstance(inner, list) and depth:
            yield from _flat(inner, depth - 1)
        elif _is_object(entry):
            yield entry
        elif isinstance(entry, str) and entry.startswith(("https://", "http://")):
            yield {"url": entry}


def _read(entry: Mapping[str, JSON]) -> Source | None:
    inner = next((value for name in _INSIDE if _is_object(value := entry.get(name))), _NOTHING)
    title = _first({**entry, **inner}, _TITLES, _TITLE)
    url = _first({**entry, **inner}, _ADDRESSES, _ADDRESS)
    url = "" if url.endswith("…") else url  # a part of an address leads elsewhere
    if not (title or url) and entry.get("type") in ("document", "tool"):
        title = _first(entry, ("id",), _TITLE)
    title = "" if title == url else title
    return Source(title, url) if title or url else None


def _first(entry: Mapping[str, JSON], names: tuple[str, ...], limit: int) -> str:
    texts = (entry.get(name) for name in names)
    return next((one_line(text, limit) for text in texts if isinstance(text, str) and text), "")


def _is_object(value: JSON) -> TypeGuard[dict[str, JSON]]:
    return isinstance(value, dict)

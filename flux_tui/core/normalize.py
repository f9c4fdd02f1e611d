"""History -> what one model may be sent, with a report of what that costs.

Why did the swap lose my thinking? Because only the very model that wrote it, at the same
endpoint, may read it back: everyone else refuses it or ignores it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Opaque,
    Part,
    ProviderMetadata,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from flux_tui.core.models import ModelInfo
from flux_tui.core.repair import BROKEN, EMPTY, Repair, clean
from flux_tui.core.report import Action, ReportItem, Subject, SwapReport

__all__ = ["ReportItem", "SwapReport", "normalize"]

_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_PDF = "application/pdf"


def normalize(
    messages: tuple[Message, ...], model: ModelInfo
) -> tuple[tuple[Message, ...], SwapReport]:
    """Return the messages to send to *model*, and what was lost on the way.

    Pure and total. The same history gives the same result, and a history that ends with a user
    or tool message gives the beginning of what any longer one gives.
    """
    work = _Normalizer(model)
    return tuple(work.messages(messages)), SwapReport(tuple(work.items))


class _Normalizer:
    """One pass for one model, a method a kind of part."""

    def __init__(self, model: ModelInfo) -> None:
        self.model = model
        self._repair = Repair()
        self.items = self._repair.items

    def messages(self, messages: Sequence[Message]) -> Iterator[Message]:
        for message in self._repair.messages(messages):
            match message.role:
                case "user":
                    said = (self._user_part(part, message) for part in message.parts)
                    kept = tuple(part for part in said if part is not None)
                    yield replace(message, parts=kept or (Text(EMPTY),))
                case "assistant":
                    parts = self._answer(message)
                    if parts:
                        yield replace(message, parts=parts)
                case "tool":
                    yield from self._tool_message(message)

    def _note(self, action: Action, what: Subject, reason: str, message: Message) -> None:
        self.items.append(ReportItem(action, what, reason, message.id))

    def _user_part(self, part: Part, message: Message) -> Part | None:
        match part:
            case Image():
                return self._image(part, message)
            case Document():
                return self._document(part, message)
            case Opaque():
                return self._opaque(part, message, own=True)
            case Thinking():
                return None  # no user reasons in the vendors' formats
            case _:
                return part

    # Assistant turns.

    def _answer(self, message: Message) -> tuple[Part, ...]:
        own = self._own_turn(message)
        parts = tuple(part for part in self._answer_parts(message, own=own) if part is not None)
        if own and self.model.api == "openai-responses":
            return parts  # the order ties reasoning to what followed it
        return tuple(sorted(parts, key=lambda part: isinstance(part, ToolCall)))

    def _answer_parts(self, message: Message, *, own: bool) -> Iterator[Part | None]:
        for part in message.parts:
            match part:
                case Text():
                    yield replace(part, metadata=self._replay(part.metadata, own=own))
                case ToolCall():
                    yield replace(part, metadata=self._replay(part.metadata, own=own))
                case Thinking():
                    yield self._thinking(part, message, own=own)
                case Opaque():
                    yield self._opaque(part, message, own=own)
                case Image():
                    yield self._image_note(part, "no answer may hold one", message)
                case Document():
                    yield self._document(part, message, files=False)
                case ToolResult():
                    pass  # the repair left none

    def _own_turn(self, message: Message) -> bool:
        """Whether the replay data of *message* can be given back as a whole.

        A turn that broke off has lost the end that its ciphertext belongs to. OpenAI refuses
        ("without its required following item") a reasoning item whose follower has not its
        original id, and as well a follower without its reasoning item.
        """
        if message.stop in BROKEN:
            return False
        if self.model.api != "openai-responses":
            return True
        for place, part in enumerate(message.parts):
            if not isinstance(part, Thinking):
                continue
            rest = message.parts[place + 1 :]
            follower = next((one for one in rest if not isinstance(one, Thinking)), None)
            if not self._readable(part) or not self._identified(follower):
                return False
        return True

    def _identified(self, part: Part | None) -> bool:
        match part:
            case Text(metadata=metadata) | ToolCall(metadata=metadata):
                return self._mine(metadata) and bool(metadata and metadata.data.get("id"))
            case Opaque(metadata=metadata):
                return self._mine(metadata)
            case _:
                return False

    def _mine(self, metadata: ProviderMetadata | None) -> bool:
        return metadata is not None and metadata.origin == self.model.origin

    def _replay(self, metadata: ProviderMetadata | None, *, own: bool) -> ProviderMetadata | None:
        return metadata if own and self._mine(metadata) else None

    def _readable(self, part: Thinking) -> bool:
        if part.metadata is None or not self._mine(part.metadata):
            return False
        match self.model.api:
            case "anthropic":
                return bool(part.metadata.data.get("signature"))
            case "openai-responses":
                data = part.metadata.data
                return bool(data.get("id") and data.get("encrypted_content"))
            case "openai-chat" | "gemini" | "mistral" | "cohere":
                return True  # these sign nothing

    def _thinking(self, part: Thinking, message: Message, *, own: bool) -> Thinking | None:
        if own and self._readable(part):
            self._note("kept", "thinking", "the same model wrote it", message)
            return replace(part, text=clean(part.text))
        if self._mine(part.metadata):
            reason = "it is not whole, so it cannot be given back"
        elif part.metadata is None:
            reason = "it carries no signature"
        else:
            reason = f"only {part.metadata.origin.model} can read it"
        self._note("dropped", "thinking", reason, message)
        return None

    def _opaque(self, part: Opaque, message: Message, *, own: bool) -> Opaque | Text | None:
        note = clean(part.note)
        # Chat Completions has no items but its messages: there nothing can be given back.
        if own and self._mine(part.metadata) and self.model.api != "openai-chat":
            self._note("kept", "item", "the same model made it", message)
            return replace(part, note=note)
        reason = f"only {part.metadata.origin.model} can read a {part.kind!r} item"
        if not note.strip():
            self._note("dropped", "item", reason, message)
            return None
        self._note("adapted", "item", reason, message)
        return Text(note)

    # Images and documents.

    def _image(self, part: Image, message: Message) -> Image | Text:
        if not self.model.abilities.images:
            return self._image_note(part, f"{self.model.ref} takes no images", message)
        if part.mime not in _PICTURES:
            return self._image_note(part, f"no model takes {part.mime}", message)
        self._note("kept", "image", "the model takes images", message)
        return part

    def _image_note(self, part: Image, reason: str, message: Message) -> Text:
        self._note("adapted", "image", reason, message)
        size = f"{part.width}x{part.height}" if part.width and part.height else ""
        facts = [fact for fact in (part.name or "unnamed", size, part.mime) if fact]
        return Text(clean(f"[image omitted: {', '.join(facts)}]"))

    def _document(self, part: Document, message: Message, *, files: bool = True) -> Document | Text:
        if files and part.mime == _PDF and self.model.abilities.documents:
            self._note("kept", "document", "the model takes PDF files", message)
            return part
        text = part.text
        if text is None and part.mime.startswith("text/"):
            text = part.data.decode("utf-8", "replace")
        name = clean(part.name) or "document"
        if text is None:
            self._note("dropped", "document", "its text is not known", message)
            return Text(clean(f"[document omitted: {name}, {part.mime}, {len(part.data)} bytes]"))
        action: Action = "kept" if part.mime.startswith("text/") else "adapted"
        self._note(action, "document", f"{self.model.ref} reads it as text", message)
        fence = "```"
        while fence in text:
            fence += "`"
        return Text(f"{name}:\n{fence}\n{clean(text)}\n{fence}")

    # Tool results.

    def _tool_message(self, message: Message) -> Iterator[Message]:
        moved: list[Part] = []
        results: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                inner = tuple(self._result_parts(part, message, moved))
                results.append(replace(part, parts=inner))
        yield replace(message, parts=tuple(results))
        if moved:
            # Between a call and its results nothing may stand, so pictures follow all of them.
            yield replace(message, role="user", parts=tuple(moved), id=f"{message.id}-images")

    def _result_parts(
        self, result: ToolResult, message: Message, moved: list[Part]
    ) -> Iterable[Text | Image | Document]:
        for part in result.parts:
            match part:
                case Text():
                    if part.text.strip():
                        yield Text(clean(part.text))
                case Image():
                    seen = self._image(part, message)
                    if isinstance(seen, Text) or self.model.abilities.tool_result_images:
                        yield seen
                        continue
                    self._note("adapted", "tool image", "tool results carry only text", message)
                    moved.extend((Text(f"Image from the result of {result.call_id}:"), seen))
                    yield Text("[the image follows in the next message]")
                case Document():
                    files = self.model.abilities.tool_result_images
                    yield self._document(part, message, files=files)

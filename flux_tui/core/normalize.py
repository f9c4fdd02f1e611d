"""History -> what one model may be sent, with a report of what that costs.

Why did the swap lose my thinking? Because only the very model that wrote it, at the same
endpoint, may read it back: everyone else refuses it or ignores it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

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
from flux_tui.core.models import Api, ModelInfo
from flux_tui.core.prefix import moved
from flux_tui.core.repair import BROKEN, EMPTY, Repair, blank, clean, clean_text, with_parts
from flux_tui.core.report import Action, ReportItem, Subject, SwapReport

__all__ = ["ReportItem", "SwapReport", "normalize"]

_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_NOT_TAKEN: Mapping[Api, frozenset[str]] = {"gemini": frozenset({"image/gif"})}
_PDF = "application/pdf"

# What a vendor must have given with its reasoning before it takes it back; the others sign none.
_PROOF: Mapping[Api, tuple[str, ...]] = {
    "anthropic": ("signature",),
    "openai-responses": ("id", "encrypted_content"),
}
# Where the order of a reply ties reasoning to what followed it, and calls need not stand last.
_ORDERED: frozenset[Api] = frozenset({"openai-responses", "gemini"})
# Where signatures ride on text and calls, so that even an empty text has something to say.
_SIGNS_TEXT: frozenset[Api] = frozenset({"gemini"})
# Chat Completions has no items but its messages: there nothing can be given back.
_ITEMLESS: frozenset[Api] = frozenset({"openai-chat"})
_CUT_OFF = BROKEN - {"refusal"}
_CUT = Text("[This answer was interrupted here.]")
_CONTROLS = {
    code: f"\\u{code:04x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"
}
_SERVER_CALLS = frozenset({"server_tool_use", "mcp_tool_use"})
_ANSWERS_ONLY = _SERVER_CALLS | {"redacted_thinking"}


def normalize(
    messages: tuple[Message, ...], model: ModelInfo, head: str = ""
) -> tuple[tuple[Message, ...], SwapReport]:
    """Return the messages to send to *model*, and what was lost on the way.

    Pure and total. The same history gives the same result, and a history that ends with a user
    or tool message gives the beginning of what any longer one gives. *head* is the digest of the
    system prompt and tools now in force (`prefix.head_digest`), for models whose reasoning is
    bound to them; empty compares nothing. Only where there are more images than the model takes
    does the beginning change: then the oldest ones become notes.
    """
    work = _Normalizer(model)
    if model.max_images is not None:
        work.surplus = max(0, sum(map(_images, messages)) - model.max_images)
    if head and model.binds_prefix:
        work.moved = moved(messages, head)
    return tuple(work.messages(messages)), SwapReport(tuple(work.items))


class _Normalizer:
    """One pass for one model, a method a kind of part."""

    def __init__(self, model: ModelInfo) -> None:
        self.model = model
        self.moved: frozenset[str] = frozenset()
        self.surplus = 0  # images, oldest first, that are too many
        self._origin = model.origin
        self._proof = _PROOF.get(model.api, ())
        self._repair = Repair()
        self.items = self._repair.items

    def messages(self, messages: Sequence[Message]) -> Iterator[Message]:
        repaired = tuple(self._repair.messages(messages))
        for place, message in enumerate(repaired):
            match message.role:
                case "user":
                    yield self._said(message)
                case "assistant":
                    yield from self._answered(message, place, repaired)
                case _:
                    yield from self._tool_message(message)

    def _note(self, action: Action, what: Subject, reason: str, message: Message) -> None:
        self.items.append(ReportItem(action, what, reason, message.id))

    # Users.

    def _said(self, message: Message) -> Message:
        if all(type(part) is Text for part in message.parts):
            return message
        said = (self._user_part(part, message) for part in message.parts)
        kept = tuple(part for part in said if part is not None)
        return with_parts(message, kept or (Text(EMPTY),))

    def _user_part(self, part: Part, message: Message) -> Part | None:
        match part:
            case Image():
                return self._image(part, message)
            case Document():
                return self._document(part, message)
            case Opaque():
                return self._opaque(part, message, own=part.kind not in _ANSWERS_ONLY)
            case Thinking():
                return None  # no user reasons in the vendors' formats
            case _:
                return part

    # Assistant turns.

    def _answered(
        self, message: Message, place: int, messages: Sequence[Message]
    ) -> Iterator[Message]:
        own = self._own_turn(message)
        left_open = _unanswered(place, messages) if own else ()
        parts: list[Part] = []
        for index, part in enumerate(message.parts):
            made = self._answer_part(part, message, own=own and index not in left_open)
            if made is not None:
                parts.append(made)
        if len(parts) > 1 and not (own and self.model.api in _ORDERED):
            parts.sort(key=_is_call)
        if message.stop in _CUT_OFF:
            _mark_cut(parts)
        if self.model.api == "anthropic" and message.stop != "pause":
            self._strip_last_thoughts(parts, message)
        if parts:
            yield with_parts(message, tuple(parts))

    def _strip_last_thoughts(self, parts: list[Part], message: Message) -> None:
        """Take away reasoning that nothing follows, as where the limit was reached inside it.

        "The final block in an assistant message cannot be `thinking`", in any later request.
        """
        reason = "nothing follows it in its answer"
        while parts and _is_reasoning(parts[-1]):
            what: Subject = "thinking" if type(parts.pop()) is Thinking else "item"
            place = len(self.items) - 1  # it was noted as kept a moment ago
            while (one := self.items[place]).what != what or one.action != "kept":
                place -= 1
            self.items[place] = ReportItem("dropped", what, reason, message.id)

    def _answer_part(self, part: Part, message: Message, *, own: bool) -> Part | None:
        match part:
            case Text():
                return self._text(part, own=own)
            case ToolCall():
                return self._call(part, message, own=own)
            case Thinking():
                return self._thinking(part, message, own=own)
            case Opaque():
                return self._opaque(part, message, own=own)
            case Image():
                return self._image_note(part, "no answer may hold one", message)
            case Document():
                return self._document(part, message, files=False)
            case _:
                self._note("dropped", "tool result", "it stood in an answer", message)
                return None

    def _text(self, part: Text, *, own: bool) -> Text | None:
        if part.metadata is not None and not (own and self._mine(part.metadata)):
            part = Text(part.text)
        if not blank(part.text):
            return part
        signed = part.metadata is not None and part.metadata.data.get("signature")
        return Text("", part.metadata) if signed and self.model.api in _SIGNS_TEXT else None

    def _call(self, part: ToolCall, message: Message, *, own: bool) -> ToolCall | Text:
        if not self.model.abilities.tools:
            self._note("adapted", "tool use", f"{self.model.ref} calls no tools", message)
            given = part.raw if part.error else json.dumps(dict(part.arguments), ensure_ascii=False)
            # Whoever reads it back must not take a control character for the start of a command.
            shown = clean(given).translate(_CONTROLS)
            return Text(f"[called the tool {part.name} with {shown}]")
        if part.metadata is not None and not (own and self._mine(part.metadata)):
            return replace(part, metadata=None)
        return part

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
        follower: Part | None = None
        for part in reversed(message.parts):
            if type(part) is Text and blank(part.text):
                continue  # it is not sent, so it follows nothing
            if type(part) is not Thinking:
                follower = part
            elif not self._readable(part) or not self._identified(follower):
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
        return metadata is not None and metadata.origin == self._origin

    def _readable(self, part: Thinking) -> bool:
        metadata = part.metadata
        if metadata is None or not self._mine(metadata):
            return False
        return all(metadata.data.get(key) for key in self._proof)

    def _thinking(self, part: Thinking, message: Message, *, own: bool) -> Thinking | None:
        if own and self._readable(part) and message.id not in self.moved:
            self._note("kept", "thinking", "the same model wrote it", message)
            text = clean(part.text)
            return part if text is part.text else Thinking(text, part.metadata)
        if part.metadata is None:
            reason = "it carries no signature"
        elif not self._mine(part.metadata):
            reason = f"only {part.metadata.origin.model} can read it"
        elif message.id in self.moved:
            reason = "the system prompt, the tools or an earlier message has changed since"
        else:
            reason = "it is not whole, so it cannot be given back"
        self._note("dropped", "thinking", reason, message)
        return None

    def _opaque(self, part: Opaque, message: Message, *, own: bool) -> Opaque | Text | None:
        note = clean(part.note)
        mine = self._mine(part.metadata)
        bound = message.id in self.moved and "thinking" in part.kind
        if own and mine and not bound and self.model.api not in _ITEMLESS:
            self._note("kept", "item", "the same model made it", message)
            return part if note is part.note else replace(part, note=note)
        if not mine:
            reason = f"only {part.metadata.origin.model} can read a {part.kind!r} item"
        else:
            reason = f"the {part.kind!r} item is not whole, so it cannot be given back"
        if blank(note):
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
        if part.mime in _NOT_TAKEN.get(self.model.api, ()):
            return self._image_note(part, f"{self.model.ref} takes no {part.mime}", message)
        if self.surplus > 0:
            self.surplus -= 1
            reason = f"{self.model.ref} takes {self.model.max_images} images, the newest are sent"
            return self._image_note(part, reason, message)
        self._note("kept", "image", "the model takes images", message)
        name = clean(part.name)
        return part if name is part.name else replace(part, name=name)

    def _image_note(self, part: Image, reason: str, message: Message) -> Text:
        self._note("adapted", "image", reason, message)
        size = f"{part.width}x{part.height}" if part.width and part.height else ""
        facts = [fact for fact in (part.name or "unnamed", size, part.mime) if fact]
        return Text(clean(f"[image omitted: {', '.join(facts)}]"))

    def _document(self, part: Document, message: Message, *, files: bool = True) -> Document | Text:
        if files and part.mime == _PDF and self.model.abilities.documents:
            self._note("kept", "document", "the model takes PDF files", message)
            name = clean(part.name)
            return part if name is part.name else replace(part, name=name)
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
        results = [
            self._result(part, message, moved)
            for part in message.parts
            if isinstance(part, ToolResult)  # the repair left nothing else
        ]
        if not self.model.abilities.tools:
            told = (f"[result of the tool {one.name}]\n{one.text}".strip() for one in results)
            parts = (*map(Text, told), *moved)
            yield replace(message, role="user", parts=parts)
            return
        yield with_parts(message, tuple(results))
        if moved:
            # Between a call and its results nothing may stand, so pictures follow all of them.
            yield replace(message, role="user", parts=tuple(moved), id=f"{message.id}-images")

    def _result(self, result: ToolResult, message: Message, moved: list[Part]) -> ToolResult:
        inner = result.parts
        if len(inner) == 1 and type(inner[0]) is Text and not blank(inner[0].text):
            text = clean_text(inner[0])
            return result if text is inner[0] else replace(result, parts=(text,))
        return replace(result, parts=tuple(self._result_parts(result, message, moved)))

    def _result_parts(
        self, result: ToolResult, message: Message, moved: list[Part]
    ) -> Iterable[Text | Image | Document]:
        for part in result.parts:
            match part:
                case Text():
                    if not blank(part.text):
                        yield clean_text(part)
                case Image():
                    seen = self._image(part, message)
                    if isinstance(seen, Text) or self.model.abilities.tool_result_images:
                        yield seen
                        continue
                    self._note("adapted", "tool image", "tool results carry only text", message)
                    moved.extend((Text(f"Image from the result of {result.call_id}:"), seen))
                    yield Text("[the image follows in the next message]")
                case _:
                    files = self.model.abilities.tool_result_images
                    yield self._document(part, message, files=files)


def _images(message: Message) -> int:
    """How many images of *message* might be sent."""
    if message.role == "assistant":
        return 0
    inner = (part.parts if isinstance(part, ToolResult) else (part,) for part in message.parts)
    return sum(isinstance(one, Image) and one.mime in _PICTURES for some in inner for one in some)


def _is_call(part: Part) -> bool:
    return type(part) is ToolCall


def _is_reasoning(part: Part) -> bool:
    return isinstance(part, Thinking) or (isinstance(part, Opaque) and "thinking" in part.kind)


def _mark_cut(parts: list[Part]) -> None:
    """Say in an answer that it was cut off, behind what it says and before its calls."""
    if _CUT not in parts and any(type(part) is Text for part in parts):
        parts.insert(len(parts) - sum(map(_is_call, parts)), _CUT)


def _unanswered(place: int, messages: Sequence[Message]) -> tuple[int, ...]:
    """The places, in the message at *place*, of calls to a vendor's own tools left unanswered.

    They are refused in the middle of a history. At its very end they ask the vendor to go on, and
    the answer may stand in the message that went on.
    """
    calls = [
        (index, _field(part, "id"))
        for index, part in enumerate(messages[place].parts)
        if type(part) is Opaque and part.kind in _SERVER_CALLS
    ]
    if not calls or place + 1 == len(messages):
        return ()
    answered: set[str] = set()
    for message in islice(messages, place, None):
        if message.role != "assistant":
            break
        answered.update(
            _field(part, "tool_use_id")
            for part in message.parts
            if isinstance(part, Opaque) and part.kind.endswith("_result")
        )
    return tuple(index for index, name in calls if not name or name not in answered)


def _field(part: Opaque, key: str) -> str:
    block = part.metadata.data.get("block")
    name = block.get(key) if isinstance(block, dict) else None
    return name if isinstance(name, str) else ""

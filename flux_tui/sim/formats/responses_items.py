"""The output items of a Responses answer, and the events each of them is streamed in."""

from __future__ import annotations

from collections.abc import Iterator

from flux_tui.sim.catalog import gpt_profile
from flux_tui.sim.formats.base import identifier, sse
from flux_tui.sim.formats.openai import json_pieces
from flux_tui.sim.script import Answer, Call, Frame, Page
from flux_tui.sim.signing import sign
from flux_tui.sim.values import Object, dumps, mapping, objects, string

Tokens = tuple[str, ...]


def output_items(answer: Answer) -> Iterator[tuple[Object, Tokens]]:
    """The finished items, each with the pieces its text or arguments are streamed in."""
    reply, seed = answer.reply, answer.ask.seed
    followers = _messages(answer) + [
        (_call(seed, number, call), json_pieces(_arguments(call)))
        for number, call in enumerate(reply.calls)
    ]
    if reply.thinking and followers:
        yield _reasoning(answer, string(followers[0][0]["id"]))
    elif reply.thinking:  # cut off while it was still reasoning
        yield _reasoning(answer, "")
    yield from followers


def _messages(answer: Answer) -> list[tuple[Object, Tokens]]:
    reply = answer.reply
    if not reply.text:
        return []
    text = "".join(reply.text)
    cited = [_citation(page, len(text)) for page in reply.pages]
    part: Object = {"type": "output_text", "text": text, "annotations": cited, "logprobs": []}
    if reply.stop == "refusal":
        part = {"type": "refusal", "refusal": text}
    item: Object = {
        "id": identifier("msg_", answer.ask.seed, 0, 48),
        "type": "message",
        "role": "assistant",
        "status": "incomplete" if reply.stop == "length" else "completed",
        "content": [part],
    }
    if gpt_profile(answer.ask.model).phases:
        item["phase"] = "commentary" if reply.calls else "final_answer"
    return [(item, reply.text)]


def _citation(page: Page, end: int) -> Object:
    place = {"start_index": 0, "end_index": end}
    return {"type": "url_citation", **place, "url": page.url, "title": page.title}


def _arguments(call: Call) -> str:
    return dumps(call.arguments) if call.raw is None else call.raw


def _call(seed: str, number: int, call: Call) -> Object:
    return {
        "id": identifier("fc_", seed, number, 48),
        "type": "function_call",
        "call_id": identifier("call_", seed, number),
        "name": call.name,
        "arguments": _arguments(call),
        "status": "completed",
    }


def _reasoning(answer: Answer, follower: str) -> tuple[Object, Tokens]:
    ask = answer.ask
    shown = answer.reply.thinking
    if not mapping(answer.body.get("reasoning")).get("summary"):
        shown = ()
    name = identifier("rs_", ask.seed, 0, 48)
    text = "".join(shown)
    claims: Object = {"model": ask.model, "follower": follower}
    item: Object = {
        "id": name,
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text}] if shown else [],
        "encrypted_content": "gAAAAA" + sign(claims, name, text),
    }
    return item, shown


class Events:
    """Numbers the events of one stream."""

    def __init__(self) -> None:
        self._next = 0

    def make(self, kind: str, **fields: object) -> bytes:
        """One event of this *kind*, with the next sequence number."""
        data: Object = {"type": kind, "sequence_number": self._next, **fields}
        self._next += 1
        return sse(data, kind)

    def item(self, index: int, item: Object, tokens: Tokens) -> Iterator[Frame]:
        """Everything from the item's appearance to its end."""
        kind = string(item["type"])
        opened: Object = {**item}
        if kind == "reasoning":
            # The ciphertext is complete only when the item is done.
            opened |= {"summary": [], "encrypted_content": ""}
        elif kind == "message":
            opened |= {"content": [], "status": "in_progress"}
        else:
            opened |= {"arguments": "", "status": "in_progress"}
        yield Frame(self.make("response.output_item.added", output_index=index, item=opened))
        inner = {"reasoning": self._summary, "message": self._message}.get(kind, self._call)
        yield from inner(index, item, tokens)
        yield Frame(self.make("response.output_item.done", output_index=index, item=item))

    def _summary(self, index: int, item: Object, tokens: Tokens) -> Iterator[Frame]:
        if not tokens:
            return
        at: Object = {"item_id": item["id"], "output_index": index, "summary_index": 0}
        prefix = "response.reasoning_summary"
        blank = {"type": "summary_text", "text": ""}
        yield Frame(self.make(f"{prefix}_part.added", **at, part=blank))
        for token in tokens:
            yield Frame(self.make(f"{prefix}_text.delta", **at, delta=token), 1)
        text = "".join(tokens)
        yield Frame(self.make(f"{prefix}_text.done", **at, text=text))
        part = {"type": "summary_text", "text": text}
        yield Frame(self.make(f"{prefix}_part.done", **at, part=part))

    def _message(self, index: int, item: Object, tokens: Tokens) -> Iterator[Frame]:
        at: Object = {"item_id": item["id"], "output_index": index, "content_index": 0}
        part = objects(item["content"])[0]
        refused = part["type"] == "refusal"
        key, name = ("refusal", "refusal") if refused else ("text", "output_text")
        extra: Object = {} if refused else {"logprobs": []}
        cited = objects(part.get("annotations"))
        blank: Object = {**part, key: ""}
        if cited:
            blank["annotations"] = []
        yield Frame(self.make("response.content_part.added", **at, part=blank))
        for token in tokens:
            yield Frame(self.make(f"response.{name}.delta", **at, delta=token, **extra), 1)
        for number, annotation in enumerate(cited):
            told: Object = {"annotation_index": number, "annotation": annotation}
            yield Frame(self.make("response.output_text.annotation.added", **at, **told))
        yield Frame(self.make(f"response.{name}.done", **at, **{key: "".join(tokens)}, **extra))
        yield Frame(self.make("response.content_part.done", **at, part=part))

    def _call(self, index: int, item: Object, tokens: Tokens) -> Iterator[Frame]:
        at: Object = {"item_id": item["id"], "output_index": index}
        prefix = "response.function_call_arguments"
        for token in tokens:
            yield Frame(self.make(f"{prefix}.delta", **at, delta=token), 1)
        done: Object = {"name": item["name"], "arguments": item["arguments"]}
        yield Frame(self.make(f"{prefix}.done", **at, **done))

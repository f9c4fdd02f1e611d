"""Whether thinking sent back to Anthropic is its own, for this model and this conversation.

From Fable 5.1 on a block is bound to everything that came before it: system prompt, tools,
messages (platform.claude.com/docs/en/build-with-claude/preserved-thinking, read 2026-11-22).
The real API drops a block of another Claude model in silence on those models; the simulator
refuses it there as on the older ones, so that a client that leaks reasoning is found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flux_tui.sim import catalog
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.signing import claim, digest
from flux_tui.sim.signing import verify as verify_signature
from flux_tui.sim.values import Object, dumps, mapping, objects, string

_DROP_BETA = "thinking-binding-controls-2026-08-01"


def prefix_digest(body: Object, before: int | None = None) -> str:
    """A name for what precedes message *before* (default: what precedes the answer).

    Cache markers do not count, and neither does how a text or neighbouring messages of one role
    are written down.
    """
    messages = objects(body.get("messages"))[:before]
    return digest(
        dumps(_plain(body.get("system"))),
        dumps([_unmarked(tool) for tool in objects(body.get("tools"))]),
        dumps(_merged(messages)),
    )


def verify(body: Object, headers: Mapping[str, str]) -> list[Violation]:
    """The thinking blocks of *body* that the API would refuse."""
    model = string(body.get("model"))
    binding = mapping(mapping(body.get("thinking")).get("block_binding"))
    drops = binding.get("prefix_mismatch_behavior") == "drop_block"
    if drops and _DROP_BETA not in headers.get("anthropic-beta", ""):
        text = "thinking.adaptive.block_binding: Extra inputs are not permitted"
        return [Violation("A0", "thinking.block_binding", text)]
    return [
        violation
        for index, message in enumerate(objects(body.get("messages")))
        for violation in _message(body, model, index, message, drops=drops)
    ]


def _message(
    body: Object, model: str, index: int, message: Object, *, drops: bool
) -> Iterator[Violation]:
    binds = catalog.claude_profile(model).binds_prefix
    for place, block in enumerate(objects(message.get("content"))):
        kind = block.get("type")
        path = f"messages.{index}.content.{place}"
        if kind == "thinking":
            text = string(block.get("thinking"))
            claims = verify_signature(string(block.get("signature")), text)
            refusal = f"{path}: Invalid `signature` in `thinking` block"
        elif kind == "redacted_thinking":
            claims = verify_signature(string(block.get("data")), "redacted")
            refusal = f"{path}: Invalid `data` in `redacted_thinking` block"
        else:
            continue
        if claims is None or claim(claims, "model") != model:
            yield Violation("A-signature", path, refusal)
        elif binds and not drops and claim(claims, "prefix") != prefix_digest(body, index):
            text = f"{refusal}. The block is bound to a different conversation"
            yield Violation("A-binding", path, text)


def _plain(content: object) -> list[Object]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [_unmarked(block) for block in objects(content)]


def _unmarked(block: Object) -> Object:
    plain: Object = {key: value for key, value in block.items() if key != "cache_control"}
    if block.get("type") == "tool_result":
        plain["content"] = _plain(block.get("content"))
        plain["is_error"] = block.get("is_error") is True
    return plain


def _merged(messages: list[Object]) -> list[Object]:
    merged: list[tuple[str, list[Object]]] = []
    for message in messages:
        role = string(message.get("role"))
        if not merged or merged[-1][0] != role:
            merged.append((role, []))
        merged[-1][1].extend(_plain(message.get("content")))
    return [{"role": role, "content": blocks} for role, blocks in merged]

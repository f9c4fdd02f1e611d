"""What single families of Anthropic models refuse (rules A15, A16, A18, A19 and the profiles)."""

from __future__ import annotations

from collections.abc import Iterator

from flux_tui.sim.catalog import ClaudeProfile, claude_profile
from flux_tui.sim.rules.common import Violation
from flux_tui.sim.values import Object, integer, mapping, objects, string

_SAMPLING = ("temperature", "top_p", "top_k")
_NO_SAMPLING_SINCE = "2026-10-21"
_IMAGE_BYTES = 5 * 1024 * 1024
_IMAGES = 600


def model_violations(body: Object, version: str) -> Iterator[Violation]:
    """What the model that *body* names refuses in it."""
    model = string(body.get("model"))
    profile = claude_profile(model)
    yield from _sampling(body, version, profile)
    yield from _thinking(body, profile)
    yield from _effort(body, profile)
    yield from _choice(body, profile)
    yield from _limits(body, model, profile)
    yield from _ends(body, profile)
    yield from _images(body)


def _sampling(body: Object, version: str, profile: ClaudeProfile) -> Iterator[Violation]:
    for name in _SAMPLING:
        if name not in body:
            continue
        if version >= _NO_SAMPLING_SINCE:
            text = f"{name}: `{name}` is not supported in API version {version}."
            yield Violation("A19", name, text)
        elif not profile.sampling:
            yield Violation("A19", name, f"`{name}` is deprecated for this model.")
    warmth = body.get("temperature")
    if isinstance(warmth, (int, float)) and not 0 <= warmth <= 1:
        yield Violation("A19", "temperature", "temperature: range: 0..1")


def _thinking(body: Object, profile: ClaudeProfile) -> Iterator[Violation]:
    thinking = mapping(body.get("thinking"))
    kind = string(thinking.get("type"))
    if kind and kind not in profile.thinking:
        text = f"thinking.type: '{kind}' is not supported on this model."
        yield Violation("A-thinking", "thinking.type", text)
    budget = integer(thinking.get("budget_tokens"))
    most = integer(body.get("max_tokens"))
    if kind == "enabled" and budget is not None and most is not None and budget >= most:
        text = "`max_tokens` must be greater than `thinking.budget_tokens`."
        yield Violation("A18", "thinking.budget_tokens", text)
    if kind == "enabled":
        yield from _first(objects(body.get("messages")))


def _first(messages: list[Object]) -> Iterator[Violation]:
    """Refuse results of tools whose calls did not begin with thinking, by an answer without any."""
    results = objects(messages[-1].get("content")) if messages else []
    if all(block.get("type") != "tool_result" for block in results):
        return
    places = (place for place in reversed(range(len(messages))) if _answers(messages[place]))
    index = next(places, None)
    if index is None:
        return
    while index and _answers(messages[index - 1]):  # the server merges neighbours
        index -= 1
    lead = (objects(messages[index].get("content")) or [{"type": "text"}])[0]
    if "thinking" not in string(lead.get("type")):
        text = (
            f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but "
            f"found `{lead.get('type')}`. When `thinking` is enabled, a final `assistant` message "
            "must start with a thinking block (preceeding the lastmost set of `tool_use` and "
            "`tool_result` blocks). To avoid this requirement, disable `thinking`."
        )
        yield Violation("A-first-thinking", f"messages.{index}", text)


def _answers(message: Object) -> bool:
    return message.get("role") == "assistant"


def _effort(body: Object, profile: ClaudeProfile) -> Iterator[Violation]:
    effort = mapping(body.get("output_config")).get("effort")
    if not isinstance(effort, str):
        return
    path = "output_config.effort"
    if not profile.efforts:
        yield Violation("A-effort", path, "This model does not support the effort parameter.")
        return
    off = mapping(body.get("thinking")).get("type") in {"disabled", "between_tools"}
    allowed = [level for level in profile.efforts if not off or level in profile.efforts_off]
    if effort not in allowed:
        levels = ", ".join(sorted(allowed))
        text = f"This model does not support effort level '{effort}'. Supported levels: {levels}."
        yield Violation("A-effort", path, text)


def _choice(body: Object, profile: ClaudeProfile) -> Iterator[Violation]:
    choice = mapping(body.get("tool_choice")).get("type")
    if choice not in {"any", "tool"}:
        return
    if not profile.forced_tools:
        text = f"tool_choice.type: '{choice}' is not supported on this model."
        yield Violation("A-forced-tool", "tool_choice", text)
    elif mapping(body.get("thinking")).get("type") == "enabled":
        text = "Thinking may not be enabled when tool_choice forces tool use."
        yield Violation("A-forced-tool", "tool_choice", text)


def _limits(body: Object, model: str, profile: ClaudeProfile) -> Iterator[Violation]:
    most = integer(body.get("max_tokens"))
    if most is not None and model.startswith("claude-") and most > profile.max_output:
        text = (
            f"max_tokens: {most} > {profile.max_output}, which is the maximum allowed number of "
            f"output tokens for {model}"
        )
        yield Violation("A-max-tokens", "max_tokens", text)


def _ends(body: Object, profile: ClaudeProfile) -> Iterator[Violation]:
    messages = objects(body.get("messages"))
    for index, message in enumerate(messages):
        if message.get("role") == "system" and profile.inline_system == "no":
            text = f"messages.{index}: role 'system' is not supported on this model"
            yield Violation("A15", f"messages.{index}", text)
    if not messages or messages[-1].get("role") != "assistant":
        return
    content = messages[-1].get("content")
    blocks = objects(content) or [{"type": "text", "text": string(content)}]
    last = blocks[-1]
    text = string(last.get("text"))
    path = f"messages.{len(messages) - 1}"
    if last.get("type") == "text" and text != text.rstrip():
        message = "messages: final assistant content cannot end with trailing whitespace"
        yield Violation("A16", path, message)
    # A response that paused for a server tool is sent back as it came.
    paused = any(string(block.get("type")).startswith("server_tool") for block in blocks)
    if not profile.prefill and not paused:
        message = (
            "This model does not support assistant message prefill. The conversation must end "
            "with a user message."
        )
        yield Violation("A16", path, message)


def _images(body: Object) -> Iterator[Violation]:
    count = 0
    for path, source in _image_sources(body):
        count += 1
        # base64 carries three bytes in four characters
        size = len(string(source.get("data"))) * 3 // 4
        if size > _IMAGE_BYTES:
            text = (
                f"{path}.image.source.base64: image exceeds 5 MB maximum: {size} bytes > "
                f"{_IMAGE_BYTES} bytes"
            )
            yield Violation("A-image", path, text)
    if count > _IMAGES:
        text = f"messages: too many images: {count} > {_IMAGES} maximum"
        yield Violation("A-image", "messages", text)


def _image_sources(body: Object) -> Iterator[tuple[str, Object]]:
    for index, message in enumerate(objects(body.get("messages"))):
        for place, block in enumerate(objects(message.get("content"))):
            path = f"messages.{index}.content.{place}"
            if block.get("type") == "image":
                yield path, mapping(block.get("source"))
            for inner, part in enumerate(objects(block.get("content"))):
                if part.get("type") == "image":
                    yield f"{path}.content.{inner}", mapping(part.get("source"))

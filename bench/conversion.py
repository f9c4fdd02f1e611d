"""Messages converted per second: ours for each format, beside LiteLLM's converter, in one run.

A conversation of 1,000 messages with tool calls is normalised and encoded. "cold" is a history
seen for the first time, "next turn" the same with one exchange more, which is what a turn costs.
CPU time; medians. LiteLLM is installed into a folder of its own the first time.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
import venv
from dataclasses import replace
from pathlib import Path
from typing import Any

from flux_tui.core.messages import Message, Text, ToolCall, ToolResult, user_message
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.normalize import normalize
from flux_tui.providers.base import ChatRequest, Endpoint, Provider
from flux_tui.providers.profiles import describe
from flux_tui.providers.registry import PROVIDERS, make_provider

ROUNDS = 9
COUNT = 1_000
OTHER = Path(".venv-bench")
WORDS = "The quick brown fox jumps over the lazy dog. " * 8


def history() -> tuple[Message, ...]:
    """Turns of a question, a tool call, its result and an answer."""
    found: list[Message] = []
    asked = ModelRef("openai-chat", "gpt-5.5")
    for at in range(COUNT // 4):
        call = ToolCall(f"call_{at}", "read_file", {"path": f"src/f{at}.py", "limit": at})
        spoken = () if at % 2 else (Text("Let me look."),)
        question = user_message(f"question {at}: {WORDS}")
        result = ToolResult(call.id, call.name, (Text(WORDS * 3),))
        found += [
            question,
            Message(role="assistant", parts=(*spoken, call), model=asked, stop="tool_calls"),
            Message(role="tool", parts=(result,)),
            Message(role="assistant", parts=(Text(f"answer {at}: {WORDS}"),), model=asked),
        ]
    return tuple(found)


def as_chat(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """The same history as OpenAI chat messages, which is what LiteLLM takes."""
    found: list[dict[str, Any]] = [{"role": "system", "content": "You are helpful."}]
    for message in messages:
        entry: dict[str, Any] = {"role": message.role, "content": message.text or None}
        for part in message.parts:
            if isinstance(part, ToolCall):
                function = {"name": part.name, "arguments": json.dumps(dict(part.arguments))}
                entry["tool_calls"] = [{"id": part.id, "type": "function", "function": function}]
            elif isinstance(part, ToolResult):
                entry |= {"tool_call_id": part.call_id, "content": part.text}
        found.append(entry)
    return found


def fresh(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The same messages as new objects, so that nothing remembered of the old ones helps."""
    return tuple(replace(message, parts=tuple(map(replace, message.parts))) for message in messages)


def convert(provider: Provider, model: ModelInfo, messages: tuple[Message, ...]) -> float:
    """CPU seconds to normalise and encode *messages*."""
    gc.collect()
    begun = time.process_time()
    clean, _ = normalize(messages, model)
    provider.body(ChatRequest(model=model, messages=clean, system="You are helpful."))
    return time.process_time() - begun


def ours() -> dict[str, tuple[float, float]]:
    """Messages per second, cold and for the next turn, by provider."""
    messages = history()
    more = (user_message("one more"), Message(role="assistant", parts=(Text("Yes."),)))
    found: dict[str, tuple[float, float]] = {}
    for spec in PROVIDERS.values():
        name = {"anthropic": "claude-sonnet-4-6"}.get(spec.id, "some-model")
        model = describe(ModelRef(spec.id, name), spec.api, spec.base_url)
        endpoint = Endpoint(
            provider=spec.id, label=spec.label, api=spec.api, base_url=spec.base_url
        )
        provider = make_provider(endpoint)
        cold: list[float] = []
        following: list[float] = []
        for _ in range(ROUNDS):
            given = fresh(messages)
            cold.append(len(given) / convert(provider, model, given))
            given = (*given, *fresh(more))
            following.append(len(given) / convert(provider, model, given))
        found[spec.id] = statistics.median(cold), statistics.median(following)
    return found


def theirs() -> float | None:
    """LiteLLM's messages per second; None when it cannot be installed."""
    python = OTHER / "bin" / "python"
    if not python.exists():
        venv.create(OTHER, with_pip=True)
    found = subprocess.run([python, "-c", "import litellm"], capture_output=True, check=False)
    if found.returncode:
        install = [python, "-m", "pip", "install", "--quiet", "litellm"]
        if subprocess.run(install, check=False).returncode:
            return None
    given = json.dumps(as_chat(history())).encode()
    side = Path(__file__).with_name("litellm_side.py")
    printed = subprocess.run(
        [python, side, str(ROUNDS)], input=given, stdout=subprocess.PIPE, check=True
    ).stdout
    return statistics.median(map(float, printed.split()))


def main() -> int:
    """Print the table; 0."""
    base = theirs()
    print(f"conversion of {COUNT:,} messages with tool calls, messages per second of CPU time")
    if base is None:
        print("  LiteLLM could not be installed: no ratios")
    else:
        print(f"  {'LiteLLM, to Anthropic':26}{base:>12,.0f}")
    for provider, (cold, following) in ours().items():
        ratio = "" if base is None else f"   {cold / base:5.2f} x LiteLLM"
        print(f"  {provider:18}cold    {cold:>12,.0f}{ratio}")
        print(f"  {'':18}next turn{following:>11,.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

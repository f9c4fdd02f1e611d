"""A conversation goes from OpenAI to each vendor and back, with tools, and nobody refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.core.messages import Thinking
from flux_tui.core.sources import sources
from flux_tui.session.wiring import Runtime
from tests.session.helpers import committed, drain, ended

ROUTE = "openai/gpt-5.5"


@pytest.mark.parametrize(
    "other",
    [
        "mistral/magistral-medium-latest",
        "mistral/mistral-medium-3-5",
        "cohere/command-a-reasoning-08-2025",
        "cohere/command-a-03-2025",
    ],
)
async def test_a_conversation_goes_there_and_back_and_there(tmp_path: Path, other: str) -> None:
    (tmp_path / "README.md").write_text("# Title\n", "utf-8")
    settings = load_settings(
        {"sim_speed": "100000", "approval": "read"}, {"FLUX_HOME": str(tmp_path)}, tmp_path
    )
    runtime = Runtime(settings, root=tmp_path)
    await runtime.start()
    try:
        session = runtime.new_session(runtime.find_model(ROUTE))
        for name in (ROUTE, other, ROUTE, other):
            session.swap(runtime.find_model(name))
            for prompt in ("think and call two tools", "think, then read README.md"):
                events = await drain(session.send(prompt))

                assert ended(events).error == ""
                answers = [m for m in committed(events) if m.role == "assistant"]
                assert answers[0].tool_calls
                assert "README.md" in str(answers[0].tool_calls)
                assert str(answers[-1].model) == name
                assert "failed" not in answers[-1].text
    finally:
        await runtime.aclose()
    thoughts = [
        part.metadata.origin.model
        for message in session.conversation.path
        for part in message.parts
        if isinstance(part, Thinking) and part.metadata is not None
    ]
    assert "gpt-5.5" in thoughts
    if "magistral" in other or "reasoning" in other:
        assert other.partition("/")[2] in thoughts


async def test_what_each_vendor_cites_is_known_and_goes_along(tmp_path: Path) -> None:
    settings = load_settings({"sim_speed": "100000"}, {"FLUX_HOME": str(tmp_path)}, tmp_path)
    runtime = Runtime(settings, root=tmp_path)
    await runtime.start()
    names = [
        "anthropic/claude-opus-5",
        "openai/gpt-5.5",
        "openai-chat/gpt-5.5",
        "gemini/gemini-3.5-flash",
        "cohere/command-a-03-2025",
        "mistral/mistral-medium-3-5",  # has no form for it
    ]
    try:
        session = runtime.new_session(runtime.find_model(names[0]))
        for name in (*names, *names):
            session.swap(runtime.find_model(name))
            events = await drain(session.send("name your sources"))

            assert ended(events).error == ""
            cited = [(source.title, source.url) for source in sources(committed(events)[-1])]
            assert (
                cited
                == [
                    ("Example Domain", "https://example.org/"),
                    ("Example Domains of the IANA", "https://www.iana.org/help/example-domains"),
                ][: 0 if name.startswith("mistral") else 2]
            )
    finally:
        await runtime.aclose()

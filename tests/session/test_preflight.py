"""Before a switch: what converts, what it costs, who reads it, and the bytes that would go out."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.core.codec import dump_conversation, dump_message, load_conversation
from flux_tui.core.errors import InputError
from flux_tui.core.events import Committed, Noted
from flux_tui.core.messages import Image
from flux_tui.session.privacy import WITHHELD, Privacy
from flux_tui.session.session import ChatSession
from flux_tui.session.switch import reserved
from flux_tui.session.wiring import SIMULATOR_KEY, Runtime
from tests.session.helpers import drain, ended, model

Make = Callable[..., Runtime]
CLAUDE, GPT, CHAT = "anthropic/claude-sonnet-5-5", "openai/gpt-5.5", "openai-chat/gpt-5.5"
PIXEL = Image(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d4944415478da63fcffff3f030005fe02fea7d6a3a60000000049454e44ae426082"
    ),
    "image/png",
    "dot.png",
    1,
    1,
)


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes a runtime on the simulator; all are closed at the end."""
    runtimes: list[Runtime] = []

    def build(toml: str = "", environ: Mapping[str, str] | None = None) -> Runtime:
        home = tmp_path / "flux"
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(toml, "utf-8")
        known = {"FLUX_HOME": str(home), **(environ or {})}
        settings = load_settings({"sim_speed": "0"}, known, tmp_path)
        runtimes.append(Runtime(settings, root=tmp_path))
        return runtimes[-1]

    yield build
    for runtime in runtimes:
        await runtime.aclose()


async def begun(runtime: Runtime, model: str = CLAUDE, *texts: str) -> ChatSession:
    await runtime.start()
    session = runtime.new_session(runtime.find_model(model))
    for text in texts or ("Hello",):
        assert ended(await drain(session.send(text))).error == ""
    return session


def sent(runtime: Runtime) -> tuple[str, dict[str, object]]:
    """The path and the body of the last request that the simulator got."""
    request = runtime._simulator.requests[-1]  # type: ignore[attr-defined]
    return request.path, json.loads(request.body)


async def test_a_switch_counts_what_the_new_model_gets(make: Make) -> None:
    runtime = make()
    await runtime.start()
    session = runtime.new_session(runtime.find_model(CLAUDE))
    await drain(session.send("look", (PIXEL,) * 20))
    blind = runtime.find_model("mistral/devstral-2512")
    found = await session.preflight(blind)

    switch = session.swap(blind)

    assert switch.tokens == session.context().tokens
    assert abs(switch.tokens - found.tokens) < 0.2 * found.tokens


async def test_a_switch_while_a_message_is_stored_is_for_the_next_one(make: Make) -> None:
    runtime = make()
    await runtime.start()
    session = runtime.new_session(runtime.find_model(CLAUDE))
    turn = session.send("Hello")
    assert isinstance(await anext(turn), Committed)

    session.swap(runtime.find_model(GPT))
    await drain(turn)
    await drain(session.send("And you?"))

    answers = [str(m.model) for m in session.conversation.path if m.role == "assistant"]
    assert answers == [CLAUDE, GPT]


async def test_a_preflight_tells_what_a_switch_would_do_and_changes_nothing(make: Make) -> None:
    runtime = make()
    session = await begun(runtime, CLAUDE, "sim: think=40 text=hi", "sim: text=more")
    before = session.conversation

    found = await session.preflight(runtime.find_model(GPT))

    assert session.conversation is before
    assert str(session.model.ref) == CLAUDE
    assert {item.what for item in found.items("dropped")} == {"thinking"}
    assert found.fits
    assert found.tokens > 20
    assert found.estimated
    assert found.cost.basis == "simulated"
    assert found.cost.amount is not None
    assert found.cost.amount > 0
    assert found.cache_left > 0
    assert "temperature" not in found.gained
    assert (found.discloses_to, found.must_ask) == ("OpenAI", True)


async def test_the_same_model_leaves_no_cache_and_tells_its_own_count(make: Make) -> None:
    runtime = make()
    session = await begun(runtime)

    found = await session.preflight(session.model)

    assert (found.basis, found.cache_left, found.discloses_to) == ("reported", 0, "")
    assert (found.gained, found.lost, found.withheld) == ((), (), ())
    assert found.tokens == session.context().tokens


async def test_a_preflight_of_nothing_costs_nothing(make: Make) -> None:
    runtime = make()
    await runtime.start()
    session = runtime.new_session(runtime.find_model(CLAUDE))

    found = await session.preflight(runtime.find_model(GPT))

    assert (found.tokens, found.fits, found.discloses_to) == (0, True, "")
    assert found.cost.amount == 0
    assert found.report.lossless


async def test_what_does_not_fit_is_told_with_larger_models(make: Make) -> None:
    runtime = make('[models."openai/gpt-5.5"]\ncontext_window = 100\nimages = false\n')
    session = await begun(runtime, CLAUDE, "word " * 300)

    found = await session.preflight(runtime.find_model(GPT))

    assert found.fits is False
    assert "images" in found.lost
    assert 1 <= len(found.larger) <= 3
    assert found.model.ref not in found.larger


async def test_a_window_that_has_no_room_for_the_answer_does_not_fit(make: Make) -> None:
    runtime = make('[models."openai/gpt-5.5"]\ncontext_window = 5000\nmax_output = 2500\n')
    session = await begun(runtime, CLAUDE, "word " * 2_500)

    found = await session.preflight(runtime.find_model(GPT))
    switch = session.swap(runtime.find_model(GPT))

    assert 2_500 < found.tokens < 5_000
    assert (found.fits, found.reserve, found.dump()["reserve"]) == (False, 2_500, 2_500)
    assert found.larger
    assert switch.fits is False
    assert "of 5k, and 2k for the answer" in switch.line()


@pytest.mark.parametrize(
    ("window", "most", "wanted", "left"),
    [
        (1_000, 300, None, 300),
        (1_000, 300, 100, 100),
        (1_000, 300, 900, 300),
        (1_000, None, 200, 200),
        (1_000, None, None, 0),
        (1_000, 1_000, None, 500),
        (None, 300, None, 300),
    ],
)
def test_what_is_left_for_an_answer_is_its_limit_and_half_of_the_window_at_the_most(
    window: int | None, most: int | None, wanted: int | None, left: int
) -> None:
    info = replace(model(), context_window=window, max_output=most)

    assert reserved(info, wanted) == left


async def test_a_users_own_price_is_used(make: Make) -> None:
    runtime = make('[prices."openai/gpt-5.5"]\ninput = 1000000\noutput = 1\n')
    session = await begun(runtime)

    found = await session.preflight(runtime.find_model(GPT))

    assert found.cost.amount == Decimal(found.tokens)
    assert found.cost.basis == "simulated"


async def test_a_preflight_is_json_too(make: Make) -> None:
    runtime = make()
    session = await begun(runtime, CLAUDE, "sim: think=40 text=hi")

    told = json.loads(json.dumps((await session.preflight(runtime.find_model(GPT))).dump()))

    assert told["model"] == GPT
    assert told["discloses_to"] == "OpenAI"
    assert {"fits", "tokens", "window", "kept", "adapted", "cost"} <= told.keys()
    assert told["dropped"][0]["what"] == "thinking"


async def test_a_vendor_is_asked_about_once_a_session(make: Make) -> None:
    runtime = make()
    session = await begun(runtime)
    gpt, chat = runtime.find_model(GPT), runtime.find_model(CHAT)
    assert session.needs_consent(session.model) is None
    assert session.needs_consent(gpt) == "OpenAI"

    await session.consent(gpt)

    assert session.needs_consent(gpt) is None
    assert session.needs_consent(chat) is None
    assert not (await session.preflight(gpt)).must_ask
    assert session.id is not None
    resumed = await runtime.resume(session.id)
    assert resumed.needs_consent(gpt) is None
    assert runtime.new_session().needs_consent(gpt) is None


async def test_a_marked_turn_stays_with_the_vendor_that_answered_it(make: Make) -> None:
    runtime = make()
    session = await begun(runtime, CLAUDE, "my secret word is plum", "sim: text=fine")
    marked = session.conversation.path[0].id
    await session.keep_private(marked)
    gpt = runtime.find_model(GPT)

    found = await session.preflight(gpt)
    assert found.withheld == tuple(m.id for m in session.conversation.path[:2])
    dropped = [item.what for item in found.items("dropped")]
    assert dropped.count("message") == 2
    switch = session.swap(gpt)
    assert "2 messages not sent" in switch.line()
    assert ended(await drain(session.send("sim: text=ok"))).error == ""

    body = json.dumps(sent(runtime)[1])
    assert "plum" not in body
    assert WITHHELD in body
    assert session.conversation.path[0].text == "my secret word is plum"
    session.swap(runtime.find_model(CLAUDE))
    await drain(session.send("sim: text=ok"))
    assert "plum" in json.dumps(sent(runtime)[1])


async def test_marks_are_kept_with_the_session_and_can_be_taken_back(make: Make) -> None:
    runtime = make()
    session = await begun(runtime)
    first = session.conversation.path[0].id
    with pytest.raises(InputError, match="no such message"):
        await session.keep_private("nowhere")
    await session.keep_private(first)
    assert session.id is not None

    resumed = await runtime.resume(session.id)
    assert resumed.privacy.private == {first}
    await resumed.keep_private(first, on=False)

    assert (await runtime.resume(session.id)).privacy == Privacy()


def test_unreadable_wishes_are_none() -> None:
    for saved in (None, "", "nonsense", "[]", '{"private": 3, "consented": [1, "openai"]}'):
        assert Privacy.loads(saved).private == frozenset()
    assert Privacy.loads('{"consented": [1, "openai"]}').consented == {"openai"}
    wishes = Privacy(frozenset({"a"}), frozenset({"b"}))
    assert Privacy.loads(wishes.dumps()) == wishes


PROVIDERS = [
    *(CLAUDE, GPT, CHAT),
    *("gemini/gemini-3.8-flash", "mistral/mistral-medium-3-5", "cohere/command-a-03-2025"),
]


@pytest.mark.parametrize("name", PROVIDERS)
async def test_an_inspection_is_what_is_sent(make: Make, name: str) -> None:
    runtime = make()
    session = await begun(runtime, CLAUDE, "sim: think=40 text=hi")
    session.swap(runtime.find_model(name))

    seen = await session.inspect(text="sim: text=again")
    await drain(session.send("sim: text=again"))

    path, body = sent(runtime)
    headers = runtime._simulator.requests[-1].headers  # type: ignore[attr-defined]
    assert seen.body == body
    for header, value in seen.headers:
        told = value.replace(f"${value.partition('$')[2]}", SIMULATOR_KEY)
        assert headers[header] == told
    assert seen.url.partition("?")[0] == f"http://simulator.invalid{path}"
    assert seen.history == {
        "messages": [dump_message(m) for m in session.conversation.path[:2]]
        + [seen.history["messages"][2]]  # type: ignore[index]
    }


async def test_an_inspection_marks_what_is_not_sent_as_it_stands(make: Make) -> None:
    runtime = make('[models."openai/gpt-5.5"]\nimages = false\n')
    await runtime.start()
    session = runtime.new_session(runtime.find_model(CLAUDE))
    assert ended(await drain(session.send("sim: think=40 text=hi", [PIXEL]))).error == ""
    thinking = next(
        i
        for i, part in enumerate(session.conversation.path[1].parts)
        if type(part).__name__ == "Thinking"
    )

    own = await session.inspect()
    other = await session.inspect(runtime.find_model(GPT))

    assert own.marks == ()
    marks = {mark.path: mark.action for mark in other.marks}
    assert marks["messages[0].parts[0]"] == "adapted"
    assert marks[f"messages[1].parts[{thinking}]"] == "dropped"


async def test_the_curl_command_names_the_key_and_holds_the_body(make: Make) -> None:
    key = "sk-test-0000000000000000"
    toml = (
        '[providers.box]\nkind = "openai_chat"\nbase_url = "http://127.0.0.1:9/v1"\n'
        'key_env = "BOX_KEY"\nmodels = ["m"]\nheaders = { "X-Gate" = "gate-secret" }\n'
    )
    runtime = make(toml, {"BOX_KEY": key})
    await runtime.start()
    session = runtime.new_session(runtime.find_model("box/m"))

    seen = await session.inspect(text='Say "hi" to $HOME and `me`')
    command = seen.as_curl()

    assert seen.url == "http://127.0.0.1:9/v1/chat/completions"
    assert '-H "authorization: Bearer $BOX_KEY"' in command
    assert '-H "x-gate: $X_GATE"' in command
    assert key not in command
    assert "gate-secret" not in command
    head, _, rest = command.partition("<<'JSON'\n")
    assert shlex.split(head)[:3] == ["curl", "--no-buffer", seen.url]
    assert json.loads(rest.removesuffix("JSON\n")) == seen.body


async def test_a_model_without_a_key_can_be_inspected(make: Make) -> None:
    runtime = make("", {"OPENAI_API_KEY": "sk-test-0000000000000000"})
    await runtime.start()
    session = runtime.new_session(runtime.find_model(GPT))

    seen = await session.inspect(runtime.find_model(CLAUDE), "Hello")

    assert ("authorization", "Bearer $ANTHROPIC_API_KEY") in seen.headers
    assert seen.url == "https://api.anthropic.com/v1/messages"
    assert seen.body["model"] == "claude-sonnet-5-5"


async def test_a_model_gets_its_own_reasoning_back_after_a_detour(make: Make) -> None:
    runtime = make()
    session = await begun(runtime, CLAUDE, "sim: think=40 text=hi")
    session.swap(runtime.find_model(GPT))
    await drain(session.send("sim: text=there"))
    assert "signature" not in json.dumps(sent(runtime)[1])

    switch = session.swap(runtime.find_model(CLAUDE))
    events = await drain(session.send("sim: text=again"))

    assert ended(events).error == ""
    assert any(i.what == "thinking" and i.action == "kept" for i in switch.report.items)
    assert '"signature"' in json.dumps(sent(runtime)[1])


async def test_reasoning_bound_to_other_notes_is_left_out_before_it_is_refused(
    make: Make, tmp_path: Path
) -> None:
    runtime = make()
    session = await begun(runtime, CLAUDE, "sim: think=40 text=hi")
    assert session.id is not None
    (tmp_path / "AGENTS.md").write_text("Be brief.", "utf-8")

    resumed = await runtime.resume(session.id)
    found = await resumed.preflight(resumed.model)
    events = await drain(resumed.send("sim: text=again"))

    assert ended(events).error == ""
    assert not any(isinstance(event, Noted) for event in events)
    assert "thinking" in [item.what for item in found.items("dropped")]
    assert '"signature"' not in json.dumps(sent(runtime)[1])


async def test_a_conversation_from_a_file_can_be_checked_and_not_continued(make: Make) -> None:
    runtime = make()
    session = await begun(runtime, CLAUDE, "sim: think=40 text=hi")
    before = runtime._spending.in_period("%Y")
    text = json.dumps(dump_conversation(session.conversation))
    for message in session.conversation.messages:
        text = text.replace(message.id, f"{message.id}-from-elsewhere")

    seen = runtime.view(load_conversation(json.loads(text)))
    found = await seen.preflight(runtime.find_model(GPT))

    assert str(seen.model.ref) == CLAUDE
    assert found.tokens == (await session.preflight(runtime.find_model(GPT))).tokens
    assert seen.ledger.session == session.ledger.session
    assert "only be read" in ended(await drain(seen.send("Hello"))).error
    assert runtime._spending.in_period("%Y") == before

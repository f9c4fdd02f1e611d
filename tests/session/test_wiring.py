"""The composition root: settings in, a conversation with the simulator out."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from flux_tui.config.settings import load_settings
from flux_tui.core.errors import InputError, StoreError
from flux_tui.core.events import Noted
from flux_tui.core.messages import Message, Text
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import Usage
from flux_tui.providers.profiles import bundled
from flux_tui.providers.registry import PROVIDERS
from flux_tui.session.approvals import Answer
from flux_tui.session.choices import is_demo
from flux_tui.session.wiring import Runtime, offered
from flux_tui.storage.sqlite import SqliteStore
from tests.session.helpers import PlainTool, Says, committed, drain, ended

Make = Callable[..., Awaitable[Runtime]]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes a started runtime in a home of its own; all are closed at the end."""
    made: list[Runtime] = []

    async def build(
        environ: Mapping[str, str] | None = None, toml: str = "", **overrides: str
    ) -> Runtime:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        settings = load_settings({}, {"FLUX_HOME": str(home)}, tmp_path)
        if toml:
            settings.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
            settings.paths.config_file.write_text(toml, "utf-8")
        settings = load_settings(
            {"sim_speed": "100000", **overrides},
            {"FLUX_HOME": str(home), **(environ or {})},
            tmp_path,
        )
        runtime = Runtime(settings, root=tmp_path)
        made.append(runtime)
        await runtime.start()
        return runtime

    yield build
    for runtime in made:
        await runtime.aclose()


async def test_without_a_key_the_simulator_answers_and_it_is_said(
    make: Make, tmp_path: Path
) -> None:
    runtime = await make()
    assert runtime.demo
    session = runtime.new_session()

    events = await drain(session.send("Hello"))

    assert ended(events).error == ""
    assert ended(events).reason == "end"
    (answer,) = committed(events)
    assert answer.text
    assert answer.usage is not None
    assert answer.usage.total > 0
    assert answer.cost is not None
    assert answer.cost.basis == "simulated"
    assert session.ledger.today == answer.cost
    again = Runtime(runtime.settings)
    try:
        assert "simulator" in " ".join(await again.start())
    finally:
        await again.aclose()


@pytest.mark.parametrize("provider", list(PROVIDERS))
async def test_every_builtin_provider_answers_from_the_simulator(make: Make, provider: str) -> None:
    runtime = await make(provider=provider)
    model = runtime.default_model()
    assert model.ref.provider == provider
    await runtime.prepare(model)

    events = await drain(runtime.new_session(model).send("Hello"))

    assert ended(events).error == ""
    assert committed(events)[0].text


async def test_one_conversation_goes_over_all_formats_and_comes_back(make: Make) -> None:
    runtime = await make()
    session = runtime.new_session()
    for provider in (*PROVIDERS, "anthropic"):
        model = runtime.find_model(f"{provider}/{bundled(provider)[0]}")
        session.swap(model)
        assert ended(await drain(session.send(f"Hello {provider}"))).error == ""
    assert session.id is not None
    await runtime.aclose()

    again = await make()
    resumed = await again.resume(session.id)

    assert resumed.conversation == session.conversation
    assert resumed.title == "Hello anthropic"
    assert resumed.model.ref == session.model.ref
    assert resumed.ledger.session == session.ledger.session
    assert not resumed.read_only
    assert ended(await drain(resumed.send("Go on"))).error == ""


async def test_a_session_left_before_its_first_message_comes_back_with_all_that_was_said(
    make: Make,
) -> None:
    runtime = await make()
    session = runtime.new_session()
    await drain(session.send("Hello"))
    await session.rewind(session.conversation.path[0].id)

    again = await runtime.resume(session.id or "")

    assert again.conversation.path == ()
    assert again.conversation.messages == session.conversation.messages
    assert len(again.conversation.messages) == 2


async def test_the_last_used_model_and_the_favourites_are_remembered(make: Make) -> None:
    runtime = await make()
    model = next(c.info for c in runtime.choices() if c.info.ref.provider == "openai")
    await drain(runtime.new_session(model).send("Hello"))
    star = runtime.choices()[-1].info.ref
    await runtime.favourite(star, on=True)
    await runtime.favourite(model.ref, on=True)
    await runtime.favourite(model.ref, on=False)
    await runtime.aclose()

    again = await make()

    assert again.default_model().ref == model.ref
    first = again.choices()[0]
    assert (first.info.ref, first.favourite) == (star, True)
    assert sum(choice.favourite for choice in again.choices()) == 1


async def test_models_are_found_by_full_and_by_bare_name(make: Make) -> None:
    runtime = await make()
    known = runtime.choices()[0].info.ref

    assert runtime.find_model(str(known)).ref == known
    assert runtime.find_model(known.name).ref == known
    assert runtime.find_model("openai/made-up").ref == ModelRef("openai", "made-up")
    with pytest.raises(InputError, match="did you mean"):
        runtime.find_model(known.name[:-1])
    with pytest.raises(InputError, match="there is no model"):
        runtime.find_model("nowhere/model")
    with pytest.raises(InputError, match="there is no provider 'nowhere'"):
        runtime.catalog.source("nowhere")


async def test_a_bare_unknown_name_belongs_to_the_configured_provider(make: Make) -> None:
    runtime = await make(provider="openai", model="made-up")

    assert runtime.default_model().ref == ModelRef("openai", "made-up")


async def test_real_keys_end_the_demo_and_name_what_is_missing(make: Make) -> None:
    runtime = await make({"OPENAI_API_KEY": "sk-test-0000000000000000"})

    assert not runtime.demo
    assert runtime.default_model().ref.provider == "openai"
    why = {choice.info.ref.provider: choice.why for choice in runtime.choices()}
    assert why["anthropic"] == "no key: set ANTHROPIC_API_KEY"
    assert why["openai"] == ""
    model = next(c.info for c in runtime.choices() if not c.available)
    end = ended(await drain(runtime.new_session(model).send("Hello")))
    assert end.error == "there is no key for Anthropic"
    provider = await runtime.open_provider(runtime.default_model())
    assert provider.endpoint.key is not None
    assert provider.endpoint.transport is None
    assert "sk-test" not in repr(provider.endpoint)


SERVER = """
[providers.box]
base_url = "http://127.0.0.1:9/v1"
models = ["tiny", "small"]
"""


async def test_an_own_server_needs_no_key_and_ends_the_demo(make: Make) -> None:
    runtime = await make(toml=SERVER)

    assert not is_demo(runtime.settings)
    assert runtime.default_model().ref == ModelRef("box", "tiny")
    provider = await runtime.open_provider(runtime.find_model("small"))
    assert provider.endpoint.base_url == "http://127.0.0.1:9/v1"
    assert provider is await runtime.open_provider(runtime.find_model("tiny"))


async def test_levels_of_thinking_that_the_user_names_are_asked_for(make: Make) -> None:
    said = 'efforts = ["low", "high"]\n'
    runtime = await make(
        toml='[providers.box]\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["m"]\n'
        f'[models."box/m"]\n{said}[models."anthropic/claude-new"]\n{said}'
    )

    assert runtime.find_model("box/m").thinking == "effort"
    assert runtime.find_model("anthropic/claude-new").thinking == "adaptive"
    assert runtime.find_model("anthropic/claude-new").snap_effort("max") == "high"


async def test_the_demo_can_be_asked_for(make: Make) -> None:
    runtime = await make({"OPENAI_API_KEY": "sk-test-0000000000000000"}, demo="1")

    assert runtime.demo
    assert all(choice.info.simulated and choice.available for choice in runtime.choices())


async def test_a_store_that_cannot_be_opened_is_replaced_by_memory(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    settings = load_settings({}, {"FLUX_HOME": str(home)}, tmp_path)
    settings.paths.data_dir.parent.mkdir(parents=True, exist_ok=True)
    settings.paths.data_dir.write_text("a file where a folder should be", "utf-8")
    runtime = Runtime(settings, root=tmp_path)

    notices = await runtime.start()

    assert sum("in memory only" in notice for notice in notices) == 1
    events = await drain(runtime.new_session().send("Hello"))
    assert ended(events).reason == "end"
    assert not any(isinstance(event, Noted) for event in events)
    await runtime.aclose()


def test_the_mode_decides_which_tools_are_offered() -> None:
    tools = {"look": PlainTool("look"), "write": PlainTool("write", risk="write")}

    assert list(offered(tools, "all")) == ["look", "write"]
    assert list(offered(tools, "read")) == ["look"]
    assert offered(tools, "none") == {}


HOLDER = """
import asyncio, pathlib, sys
from flux_tui.storage.sqlite import SqliteStore

async def hold():
    store = SqliteStore(pathlib.Path(sys.argv[1]))
    print(await store.claim(sys.argv[2]), flush=True)
    sys.stdin.read()

asyncio.run(hold())
"""


async def test_a_session_open_elsewhere_is_read_only(make: Make) -> None:
    runtime = await make()
    session = runtime.new_session()
    await drain(session.send("Hello"))
    assert session.id is not None
    await runtime.aclose()
    database = runtime.settings.paths.database
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(database), session.id,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert other.stdout is not None
    assert await other.stdout.readline() == b"True\n"

    resumed = await (await make()).resume(session.id)

    assert resumed.read_only
    assert "Another Flux TUI" in resumed.notices[0]
    await other.communicate(b"")


async def test_a_model_that_is_gone_gives_way_to_the_default(make: Make) -> None:
    runtime = await make({"FLUX_DEMO": "1"}, toml=SERVER)
    session = runtime.new_session(runtime.find_model("box/gpt-5.5"))
    await drain(session.send("Hello"))
    assert session.id is not None
    await runtime.aclose()

    runtime.settings.paths.config_file.unlink()
    again = await make()
    resumed = await again.resume(session.id)

    assert resumed.model == again.default_model()


@pytest.mark.parametrize("saved", ["{", "3", '["openai/gpt-5.5", 4]'])
async def test_damaged_favourites_are_read_as_far_as_they_can_be(make: Make, saved: str) -> None:
    runtime = await make()
    await runtime.store.set_state("favourites", saved)
    await runtime.aclose()

    again = await make()

    assert set(again.catalog.favourites) <= {"openai/gpt-5.5"}


async def test_favourites_hold_for_the_run_when_they_cannot_be_stored(make: Make) -> None:
    class Full(SqliteStore):
        async def set_state(self, key: str, value: str) -> None:
            raise StoreError("the disk is full")

    runtime = await make()
    await runtime.store.aclose()
    runtime.store = Full(runtime.settings.paths.database)
    ref = runtime.choices()[-1].info.ref

    await runtime.favourite(ref, on=True)

    assert runtime.choices()[0].info.ref == ref


async def test_tools_run_for_real_on_the_simulator(make: Make, tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("the secret word is swordfish", "utf-8")
    runtime = await make(approval="all")
    session = runtime.new_session()

    events = await drain(
        session.send('Please.\nsim: tool=read_file:{"path":"hello.txt"} tool=list_files')
    )

    assert ended(events).error == ""
    (results,) = committed(events, "tool")
    assert "swordfish" in results.parts[0].text
    assert "hello.txt" in results.parts[1].text
    assert len(committed(events)) == 2


async def test_an_approved_write_is_bound_to_what_was_shown(make: Make, tmp_path: Path) -> None:
    runtime = await make(approval="ask")
    session = runtime.new_session()
    session.approver = approver = Says(Answer.ONCE)

    events = await drain(
        session.send('Write.\nsim: tool=write_file:{"path":"new.txt","content":"hi"}')
    )

    assert ended(events).error == ""
    assert (tmp_path / "new.txt").read_text("utf-8") == "hi"
    assert approver.asked[0][1] is not None
    assert approver.asked[0][1].kind == "diff"


async def test_openais_models_are_offered_once_unless_the_older_api_is_wished_for(
    make: Make,
) -> None:
    def offered_by(runtime: Runtime) -> set[str]:
        return {choice.info.ref.provider for choice in runtime.choices()}

    plain, wished = await make(), await make(provider="openai-chat")

    assert "openai" in offered_by(plain)
    assert "openai-chat" not in offered_by(plain)
    assert plain.find_model("openai-chat/gpt-5.1").api == "openai-chat"
    assert "openai-chat" in offered_by(wished)


async def test_an_answer_that_a_crash_broke_off_has_its_price_when_the_session_comes_back(
    make: Make,
) -> None:
    first = await make()
    model = first.find_model("anthropic/claude-opus-5")
    session = first.new_session(model)
    await drain(session.send("hello"))
    assert session.id is not None
    usage = Usage(input=1_000, output=500)
    partial = Message(
        role="assistant",
        parts=(Text("half"),),
        parent=session.conversation.head,
        model=model.ref,
        usage=usage,
    )
    await first.store.draft(session.id, partial)  # and no message after it: the program died
    await first.aclose()

    second = await make()
    resumed = await second.resume(session.id)

    answer = resumed.conversation.path[-1]
    assert (answer.text, answer.stop) == ("half", "interrupted")
    assert answer.cost is not None
    assert answer.cost.basis == "simulated"
    assert answer.cost.amount is not None
    assert answer.cost.amount > 0
    assert resumed.ledger.session.basis == "simulated"


async def test_the_effort_wished_of_a_model_is_remembered_for_that_model(make: Make) -> None:
    first = await make()
    opus = first.find_model("anthropic/claude-opus-5")
    await first.wish_effort(opus.ref, "high")
    await first.aclose()

    second = await make()

    assert second.effort_of(opus.ref) == "high"
    assert second.new_session(opus).effort == "high"
    assert second.effort_of(second.find_model("openai/gpt-5.5").ref) is None
    await second.store.set_state("efforts", '["anthropic/claude-opus-5 enormous", 3]')
    await second.aclose()
    assert (await make()).effort_of(opus.ref) is None

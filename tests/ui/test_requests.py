"""Before something is sent: the card, the question, the marks, the inspector."""

import json
from collections.abc import Awaitable
from decimal import Decimal
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from flux_tui.core.events import TurnEnded
from flux_tui.core.messages import Image, Message, Text, new_id
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.report import ReportItem, SwapReport
from flux_tui.core.usage import Cost
from flux_tui.session.choices import ModelChoice
from flux_tui.session.preflight import Preflight
from flux_tui.ui.screens import guarded
from flux_tui.ui.screens.chat import ChatScreen
from flux_tui.ui.screens.check import CheckScreen
from flux_tui.ui.screens.consent import ConsentScreen
from flux_tui.ui.screens.inspector import InspectorScreen
from flux_tui.ui.screens.model_picker import ModelPicker
from flux_tui.ui.screens.request_actions import turn_of
from flux_tui.ui.widgets.json_view import JsonView
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.preflight_card import PreflightCard, card_content
from flux_tui.ui.widgets.transcript import Transcript
from tests.ui.driving import Chat, chatting, wait_until

OPENAI = "openai/gpt-5-mini"
MISTRAL = "mistral/mistral-large-4"


def _model(chat: Chat, name: str) -> ModelInfo:
    return chat.app.runtime.find_model(name)


def _card(chat: Chat) -> str:
    return str(chat.app.screen.query_one("#card-text", Plain).content)


async def _still_on(chat: Chat, model: ModelRef) -> None:
    await wait_until(lambda: isinstance(chat.app.screen, ChatScreen))
    await chat.pilot.pause()
    assert chat.session.model.ref == model


# ── the card ──


async def test_the_picker_shows_what_a_change_to_the_highlighted_model_means(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        await chat.press("f2")
        picker = await chat.dialog(ModelPicker)
        card = picker.query_one(PreflightCard)
        await wait_until(lambda: card.shown is not None, "the card of the present model")
        assert card.shown is not None
        assert card.shown.model.ref == chat.session.model.ref
        assert "is new here" not in _card(chat)

        await chat.press(*"mistral-large-4")
        await wait_until(lambda: MISTRAL in _card(chat) and "fits" in _card(chat))

        assert "Mistral is new here: you are asked" in _card(chat)
        assert "thinking" in _card(chat)
        assert "by the price table" in _card(chat)


async def test_a_card_that_comes_late_is_not_shown(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        asked: list[str] = []
        slow = _Slow()
        known = chat.session.preflight

        async def check(model: ModelInfo) -> Preflight:
            asked.append(str(model.ref))
            await slow.wait()
            return await known(model)

        chat.session.preflight = check  # type: ignore[method-assign]
        await chat.press("f2")
        picker = await chat.dialog(ModelPicker)
        await wait_until(lambda: asked == [str(chat.session.model.ref)])
        for word in ("gpt-5-mini", "mistral-large-4"):
            picker.query_one(Input).value = word
            await chat.pilot.pause()
        await wait_until(lambda: MISTRAL in _card(chat))
        assert len(asked) == 1, "one at a time"

        slow.go()
        await wait_until(lambda: "fits" in _card(chat))

        assert asked == [str(chat.session.model.ref), MISTRAL]
        assert MISTRAL in _card(chat)


class _Slow:
    def __init__(self) -> None:
        import asyncio

        self._event = asyncio.Event()

    def wait(self) -> Awaitable[bool]:
        return self._event.wait()

    def go(self) -> None:
        self._event.set()


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12)])
async def test_tab_shows_the_card_in_the_place_of_the_list(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with chatting(tmp_path, size=size) as chat:
        await chat.say("hello")
        await chat.press("f2")
        picker = await chat.dialog(ModelPicker)
        card, listing = picker.query_one(PreflightCard), picker.query_one(OptionList)
        assert listing.region
        assert bool(card.region) is (size[1] > 12)

        await chat.press("tab")

        assert card.region.width > 30
        assert not listing.region
        at = listing.highlighted
        await chat.press("down", "tab")
        assert listing.highlighted == at
        assert listing.region


async def test_models_that_are_found_leave_the_highlight_where_it_is(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press("f2")
        picker = await chat.dialog(ModelPicker)
        await chat.press("down", "down", "down")
        listing = picker.query_one(OptionList)
        here = listing.get_option_at_index(listing.highlighted or 0).id
        choices = chat.app.runtime.choices()
        new = [
            ModelChoice(_model(chat, f"anthropic/new-{number}"), True, "", False)
            for number in range(5)
        ]

        picker.offer([*new, *choices])
        await chat.pilot.pause()

        assert listing.get_option_at_index(listing.highlighted or 0).id == here
        assert any(
            listing.get_option_at_index(index).id == "anthropic/new-3"
            for index in range(listing.option_count)
        )


async def test_check_shows_the_card_of_a_named_model_and_enter_uses_it(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        await chat.send(f"/check {OPENAI}")
        await chat.dialog(CheckScreen)
        await wait_until(lambda: "fits" in _card(chat))
        assert OPENAI in _card(chat)

        await chat.press("enter")
        await chat.agree()

        assert str(chat.session.model.ref) == OPENAI


def _preflight(chat: Chat, **changes: object) -> Preflight:
    model = _model(chat, OPENAI)
    given: dict[str, object] = {
        "before": None,
        "model": model,
        "report": SwapReport(),
        "tokens": 2_000_000,
        "basis": "tiktoken",
        "cost": Cost(amount=Decimal("1.5"), basis="computed"),
        **changes,
    }
    return Preflight(**given)  # type: ignore[arg-type]


async def test_the_card_groups_items_and_names_larger_models(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        items = (
            *[ReportItem("dropped", "thinking", "only its model can read it", "m")] * 3,
            ReportItem("adapted", "image", "it sees no pictures", "m"),
            ReportItem("kept", "thinking", "its own", "m"),
        )
        text = str(
            card_content(
                _preflight(
                    chat,
                    report=SwapReport(items),
                    larger=(ModelRef("gemini", "huge"),),
                    cache_left=41_000,
                    withheld=("a", "b"),
                )
            )
        )

    assert "does not fit" in text
    assert "/compact, or use gemini/huge" in text
    assert "counted with tiktoken" in text
    assert "≈ $1.50" in text
    assert "leaves a cache of 41k tokens behind" in text
    assert "2 private messages stay here" in text
    for line in ("Kept (1)", "Adapted (1)", "Dropped (3)", "✗ thinking ×3: only its model can"):
        assert line in text


# ── the question ──


@pytest.mark.parametrize("way", ["f3", "/model", "alt+1", "f2"])
async def test_every_way_to_a_new_vendor_asks_and_no_answer_is_no_swap(
    tmp_path: Path, way: str
) -> None:
    async with chatting(tmp_path) as chat:
        await chat.app.runtime.favourite(ModelRef.parse(OPENAI), on=True)
        await chat.say("hello")
        before = chat.session.model.ref
        if way == "/model":
            await chat.send(f"/model {OPENAI}")
        else:
            await chat.press(way)
        if way == "f2":
            await chat.press(*"gpt-5-mini", "enter")
        screen = await chat.dialog(ConsentScreen)
        shown = str(screen.query_one("#consent-text", Plain).content)
        assert "2 messages" in shown
        assert "No turn is marked private" in shown

        await chat.press("escape")

        await _still_on(chat, before)
        await wait_until(lambda: "Not switched" in chat.text("#status-now"))


async def test_a_vendor_is_asked_about_once_and_the_way_back_is_free(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        first = chat.session.model.ref
        await chat.send(f"/model {OPENAI}")
        await chat.agree()
        assert str(chat.session.model.ref) == OPENAI

        for name in (str(first), "openai/gpt-5"):
            await chat.send(f"/model {name}")
            await _still_on(chat, ModelRef.parse(name))


async def test_without_messages_nobody_is_asked(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send(f"/model {OPENAI}")

        await _still_on(chat, ModelRef.parse(OPENAI))


async def test_what_was_typed_ahead_hands_nothing_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "QUIET_SECONDS", 1e9)
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        before = chat.session.model.ref
        await chat.press("f3")
        await chat.dialog(ConsentScreen)
        await chat.press("y", "y", "enter")
        assert isinstance(chat.app.screen, ConsentScreen)
        await chat.press("n")

        await _still_on(chat, before)


async def test_a_switch_before_the_first_answer_asks_when_it_would_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "QUIET_SECONDS", 0.0)
    async with chatting(tmp_path) as chat:
        await chat.begin("sim: tokens=40 speed=7")
        await chat.send(f"/model {OPENAI}")
        await wait_until(lambda: not chat.turning)
        await chat.send("and you?")
        await chat.dialog(ConsentScreen)
        await chat.press("escape")
        await chat.settle()
        assert chat.prompt.text == "and you?"
        assert len(chat.answers) == 1
        await wait_until(lambda: "Not sent" in chat.text("#status-now"))

        await chat.press("enter")
        await chat.dialog(ConsentScreen)
        await chat.press("y")
        await wait_until(lambda: len(chat.answers) == 2 and not chat.turning)


# ── private turns ──


async def test_a_private_turn_is_labelled_and_stays_with_its_vendor(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("my secret is 42")
        await chat.say("hello")
        transcript = chat.app.chat.query_one(Transcript)
        transcript.focus()
        first = chat.session.conversation.path[0].id
        while transcript.selected != first:
            await chat.press("up")

        await chat.press("alt+l")

        assert chat.session.privacy.private == {first}
        await wait_until(lambda: "⊘ private" in _transcript(chat))
        found = await chat.session.preflight(_model(chat, OPENAI))
        assert len(found.withheld) == 2
        chat.prompt.focus()
        await chat.send(f"/model {OPENAI}")
        screen = await chat.dialog(ConsentScreen)
        shown = str(screen.query_one("#consent-text", Plain).content)
        assert "1 turn marked private stays here" in shown
        await chat.agree()
        seen = await chat.session.inspect()
        assert "secret" not in seen.body_text()

        await chat.send("/private")
        await chat.settle()
        assert chat.session.privacy.private == frozenset()
        await wait_until(lambda: "⊘ private" not in _transcript(chat))


def _transcript(chat: Chat) -> str:
    chat.app.chat.clock.tick()
    view = chat.app.chat.query_one(Transcript)
    return "\n".join(view.render_line(y).text for y in range(view.size.height))


def test_a_turn_is_a_question_and_its_answers() -> None:
    path = tuple(
        Message(id=name, role="user" if name[0] == "u" else "assistant", parts=(Text(name),))
        for name in ("u1", "a1", "u2", "a2", "a3")
    )

    assert [m.id for m in turn_of(path, "a1")] == ["u1", "a1"]
    assert [m.id for m in turn_of(path, "u2")] == ["u2", "a2", "a3"]
    assert turn_of(path, new_id()) == ()


# ── the inspector ──


async def test_the_inspector_shows_both_sides_and_follows_the_model(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        chat.prompt.fill("and this too")
        await chat.press("f10")
        screen = await chat.dialog(InspectorScreen)
        await wait_until(lambda: screen.found is not None)
        body = screen.query_one("#inspector-body", JsonView)
        await wait_until(lambda: body.row_count)
        assert "and this too" in "\n".join(line.text for line in body.lines)
        assert not [line for line in screen.query_one("#inspector-history").lines if line.mark]

        await chat.press("m")
        await chat.dialog(ModelPicker)
        await chat.press(*"gpt-5-mini", "enter")
        await wait_until(lambda: screen.found.model.ref.name == "gpt-5-mini")
        await chat.pilot.pause()

        where = str(screen.query_one("#inspector-where", Plain).content)
        assert "authorization: Bearer $OPENAI_API_KEY" in where
        history = screen.query_one("#inspector-history", JsonView)
        await wait_until(lambda: any(line.mark == "dropped" for line in history.lines))
        assert any("only claude" in line.note for line in history.lines)
        assert chat.session.model.ref.provider == "anthropic", "looking is no switch"


async def test_the_inspector_copies_what_it_shows_without_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        await chat.send(f"/inspect {OPENAI}")
        screen = await chat.dialog(InspectorScreen)
        await wait_until(lambda: screen.found is not None)

        await chat.press("c")
        await wait_until(lambda: chat.app.clipboard.startswith("curl "))
        assert "Bearer $OPENAI_API_KEY" in chat.app.clipboard
        await chat.press("y")
        await wait_until(lambda: chat.app.clipboard.startswith("{"))
        assert json.loads(chat.app.clipboard)["model"] == "gpt-5-mini"


async def test_the_inspector_finds_words_and_shows_one_side_where_it_is_narrow(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        await chat.say("hello")
        await chat.press("alt+i")
        screen = await chat.dialog(InspectorScreen)
        history = screen.query_one("#inspector-history", JsonView)
        body = screen.query_one("#inspector-body", JsonView)
        await wait_until(lambda: body.row_count)
        assert body.region
        assert not history.region

        await chat.press("tab")
        await wait_until(lambda: history.region and history.row_count)
        assert not body.region
        await chat.press("slash")
        await wait_until(lambda: chat.app.screen is not screen)
        await chat.press(*"assistant", "enter")
        await wait_until(lambda: chat.app.screen is screen)

        keys = str(screen.query_one("#inspector-keys", Plain).content)
        assert "1 found" in keys


async def test_a_picture_is_short_in_the_inspector(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        image = Image(bytes(900_000), "image/png", "big.png", 10, 10)
        found = await chat.session.inspect(None, "look", (image,))
        assert len(found.body_text()) > 1_000_000
        chat.app.push_screen(InspectorScreen(found.model, _always(found), lambda *_: None))
        screen = await chat.dialog(InspectorScreen)
        body = screen.query_one("#inspector-body", JsonView)
        await wait_until(lambda: body.lines)

        assert any("… 1.2 MB" in line.text for line in body.lines)
        assert max(len(line.text) for line in body.lines) < 3_000


def _always(found: object) -> object:
    async def look(_: ModelInfo) -> object:
        return found

    return look


# ── too long ──


async def test_a_full_window_offers_to_compact(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        screen = chat.app.chat
        screen._ended = TurnEnded("context", "the window is full", "compact it")  # pyright: ignore[reportPrivateUsage]
        screen.refresh_hints()
        await chat.settle()
        await wait_until(lambda: "Compact" in chat.text("#status-keys"))

        await chat.send("/compact")
        await wait_until(lambda: not chat.turning and len(chat.session.conversation.path) == 1)
        await chat.settle()

        await wait_until(lambda: "Compacted" in chat.text("#status-now"))
        only = chat.session.conversation.path[0]
        assert chat.app.chat.query_one(Transcript).source_text(only.id) == only.text


async def test_a_model_without_room_says_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "flux"
    for place in (folder, folder / "config"):
        place.mkdir(exist_ok=True, parents=True)
        (place / "config.toml").write_text(f'[models."{OPENAI}"]\ncontext_window = 300\n')
    async with chatting(tmp_path) as chat:
        await chat.say("show me a table")
        await chat.send(f"/model {OPENAI}")
        await chat.agree()

        await wait_until(lambda: "/compact, or a larger model" in chat.text("#status-now"))

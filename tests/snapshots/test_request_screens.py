"""Pictures of what is shown before something is sent; `pytest --snapshot-update` accepts them."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import pytest
from textual.widgets import Input

from flux_tui.core.messages import Document, Image
from flux_tui.core.models import ModelInfo, ModelRef
from flux_tui.core.report import ReportItem, SwapReport
from flux_tui.core.usage import Cost
from flux_tui.session.inspect import Inspection, Mark
from flux_tui.session.preflight import Preflight
from flux_tui.session.session import ChatSession
from flux_tui.ui.screens.consent import ConsentScreen
from flux_tui.ui.screens.inspector import InspectorScreen
from flux_tui.ui.screens.model_picker import ModelPicker
from flux_tui.ui.widgets.chips import Attachments
from flux_tui.ui.widgets.completing import Offer
from flux_tui.ui.widgets.json_view import JsonView
from flux_tui.ui.widgets.menu import Menu
from flux_tui.ui.widgets.preflight_card import PreflightCard
from tests.snapshots.test_screens import SIZES, _still, taken  # noqa: F401 - a fixture
from tests.ui.driving import Chat, make_app, wait_until

Compare: TypeAlias = Callable[..., bool]
Scene: TypeAlias = Callable[[Chat], Awaitable[None]]
MODEL = "mistral/mistral-large-4"


async def _fixed(_: ChatSession, model: ModelInfo) -> Preflight:
    """A card whose numbers depend on no tokenizer and no folder."""
    items = (
        *[ReportItem("dropped", "thinking", "only claude-opus-5-5 can read it", "m")] * 3,
        ReportItem("adapted", "document", "mistral-large-4 reads text only", "m"),
        ReportItem("kept", "tool result", "as it was", "m"),
    )
    return Preflight(
        before=ModelRef("anthropic", "claude-opus-5-5"),
        model=model,
        report=SwapReport(items),
        tokens=41_200,
        basis="tiktoken",
        cost=Cost(amount=Decimal("0.0824"), basis="computed"),
        cache_left=38_000,
        gained=("temperature",),
        lost=("PDF files", "images in tool results"),
        discloses_to="Mistral",
        must_ask=True,
        withheld=("a", "b"),
    )


async def picker(chat: Chat) -> None:
    """A model of another vendor is highlighted."""
    await chat.say("hello")
    await chat.press("f2")
    screen = await chat.dialog(ModelPicker)
    screen.query_one("Input").cursor_blink = False
    await chat.press(*"mistral")
    card = screen.query_one(PreflightCard)
    await wait_until(lambda: screen.query_one("Input", Input).value == "mistral")
    await wait_until(lambda: not any(w.is_running for w in screen.workers))
    await chat.settle()
    await wait_until(lambda: card.shown is not None and str(card.shown.model.ref) == MODEL)


async def card_alone(chat: Chat) -> None:
    """The card in the place of the list."""
    await picker(chat)
    await chat.press("tab")


async def check(chat: Chat) -> None:
    """The card as a page."""
    await chat.say("hello")
    await chat.send(f"/check {MODEL}")
    await wait_until(lambda: chat.app.screen.query(PreflightCard))
    await wait_until(lambda: chat.app.screen.query_one(PreflightCard).shown)


async def consent(chat: Chat) -> None:
    """A vendor is new."""
    await chat.say("hello")
    await chat.session.keep_private(chat.session.conversation.path[0].id)
    await chat.say("another one")
    await chat.send(f"/model {MODEL}")
    await chat.dialog(ConsentScreen)


async def chips(chat: Chat) -> None:
    """Two files are attached, a third is looked for."""
    row = chat.app.chat.query_one(Attachments)
    row.add(Image(bytes(310_000), "image/png", "photo.png", 1200, 800))
    row.add(Document(bytes(1_240_000), "application/pdf", "report.pdf"))
    found = [Offer(name) for name in ("src/app.py", "docs/map.md", "sample.png")]
    chat.app.chat.query_one(Menu).show(found)


async def inspector(chat: Chat) -> None:
    """A request with something left out and something added."""
    found = Inspection(
        model=chat.app.runtime.find_model(MODEL),
        url="https://api.mistral.ai/v1/chat/completions",
        headers=(
            ("content-type", "application/json"),
            ("authorization", "Bearer $MISTRAL_API_KEY"),
        ),
        body={
            "model": "mistral-large-4",
            "messages": [
                {"role": "system", "content": "You are an assistant in Flux TUI."},
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "image_url",
                            "image_url": "data:image/png;base64," + "iVBORw0KGgo" * 110_000,
                        }
                    ],
                },
                {"role": "assistant", "content": "It is a cat."},
            ],
            "temperature": 0.7,
            "stream": True,
        },
        history={
            "messages": [
                {"role": "user", "parts": [{"type": "image", "data": "iVBORw0KGgo" * 110_000}]},
                {
                    "role": "assistant",
                    "parts": [
                        {"type": "thinking", "text": "Whiskers, a tail …"},
                        {"type": "text", "text": "It is a cat."},
                    ],
                },
            ]
        },
        marks=(Mark("messages[1].parts[0]", "dropped", "only claude-opus-5-5 can read it"),),
        report=SwapReport(),
    )

    async def look(_: ModelInfo) -> Inspection:
        return found

    chat.app.push_screen(InspectorScreen(found.model, look, lambda *_: None))
    screen = await chat.dialog(InspectorScreen)
    await wait_until(lambda: screen.query_one("#inspector-body", JsonView).row_count)


async def stored(chat: Chat) -> None:
    """The other side of it."""
    await inspector(chat)
    await chat.press("tab")
    side = chat.app.screen.query_one("#inspector-history", JsonView)
    await wait_until(lambda: side.row_count and side.has_focus)


@pytest.mark.parametrize("size", [*SIZES, (200, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", [picker, card_alone, check, consent, chips, inspector, stored])
def test_what_comes_before_a_request_looks_as_it_should(
    snap_compare: Compare,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scene: Scene,
    size: tuple[int, int],
) -> None:
    monkeypatch.setattr(ChatSession, "preflight", _fixed)
    app = make_app(tmp_path)

    assert snap_compare(app, terminal_size=size, run_before=taken(app, scene))

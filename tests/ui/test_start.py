"""What the first paint does without, and what happens to those who do not wait for it."""

from pathlib import Path

import pytest
from textual.geometry import Region
from textual.worker import Worker

from flux_tui.config.settings import load_settings
from flux_tui.core.errors import InputError
from flux_tui.session import lookout
from flux_tui.session.listings import LocalServer
from flux_tui.ui.app import FluxApp
from flux_tui.ui.screens.listing import TextScreen
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt
from flux_tui.ui.widgets.status_line import StatusLine
from tests.ui.driving import chatting, make_app, wait_until


async def test_what_is_sent_before_there_is_a_session_is_sent_when_there_is_one(
    tmp_path: Path,
) -> None:
    app = make_app(tmp_path)

    async with app.run_test():
        app.chat.query_one(Prompt).fill("hello")
        app.chat.query_one(Prompt)._enter()  # pyright: ignore[reportPrivateUsage]
        await wait_until(
            lambda: app.chat.session is not None and len(app.chat.session.conversation.path) > 1,
            "an answer",
        )
        status = app.chat.query_one("#status-now", Plain)
        await wait_until(lambda: "Ready" in str(status.content), "the end of the turn")

        assert app.chat.session is not None
        assert app.chat.session.conversation.path[0].text == "hello"


async def test_what_comes_when_the_screens_are_gone_finds_the_chat_all_the_same(
    tmp_path: Path,
) -> None:
    async def fail() -> None:
        raise LookupError("of a worker")

    app = make_app(tmp_path)
    with pytest.raises(InputError, match="still starting"):
        _ = app.chat
    async with app.run_test():
        chat = app.chat
        worker = app.run_worker(fail(), exit_on_error=False)
        await wait_until(lambda: worker.is_finished, "the failure")

    assert app.screen_stack == []
    assert app.chat is chat
    app.action_interrupt()
    app.on_worker_state_changed(Worker.StateChanged(worker, worker.state))


async def test_an_action_that_comes_too_early_is_done_later(tmp_path: Path) -> None:
    app = make_app(tmp_path)

    async with app.run_test():
        await app.chat.run_command("app.help", "")
        await wait_until(lambda: isinstance(app.screen, TextScreen), "the help")


async def test_a_theme_of_the_settings_is_there_from_the_first_paint(tmp_path: Path) -> None:
    app = make_app(tmp_path, FLUX_THEME="flux-light")

    async with app.run_test():
        assert app.theme == "flux-light"
        assert app.chat.styles.background.hex6.lower() == "#fbfbfd"


async def test_a_figure_is_not_shown_with_every_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flux_tui.ui.widgets.status_line._FIGURE_SECONDS", 1_000)
    async with chatting(tmp_path) as chat:
        line = chat.app.chat.query_one(StatusLine)
        shown: list[str] = []
        for words, figure in (("one", True), ("two", True), ("three", False)):
            line.say(words, "+", figure=figure)
            await chat.settle()
            shown.append(chat.text("#status-now"))

        assert shown == ["+ one", "+ one", "+ three"]


async def test_a_cursor_that_blinks_paints_itself_alone(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        chat.prompt.fill("some words")
        await chat.settle()
        dirty = chat.prompt._dirty_regions  # pyright: ignore[reportPrivateUsage]
        dirty.clear()
        chat.prompt._toggle_cursor_blink_visible()  # pyright: ignore[reportPrivateUsage]

        assert list(dirty) == [Region(2 + len("some words"), 1, 2, 1)]


async def test_a_cursor_stands_still_by_a_setting(tmp_path: Path) -> None:
    async with chatting(tmp_path, FLUX_CURSOR_BLINK="0") as chat:
        assert chat.prompt.cursor_blink is False


async def test_without_a_key_what_answers_on_this_machine_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find(taken: object) -> tuple[LocalServer, ...]:
        return (LocalServer("ollama", "Ollama", "http://127.0.0.1:1/v1", ("qwen3:8b", "phi")),)

    monkeypatch.setattr(lookout, "find_local", find)
    settings = load_settings({}, {"FLUX_HOME": str(tmp_path / "flux")}, tmp_path)
    app = FluxApp(settings, root=tmp_path)

    async with app.run_test(size=(120, 40)):
        await wait_until(lambda: app.chat.session is not None)
        text = app.chat.query_one("#welcome-text", Plain)
        await wait_until(lambda: "Ollama: qwen3:8b and others · F2 chooses" in str(text.content))

        assert all(f"{name}_API_KEY" in str(text.content) for name in ("ANTHROPIC", "MISTRAL"))
        found = app.runtime.find_model("ollama/qwen3:8b")
        assert not found.simulated


@pytest.mark.parametrize("size", [(120, 40), (40, 12)])
async def test_the_header_says_as_long_as_it_is_so_that_nothing_reaches_the_disk(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    (tmp_path / "flux").mkdir()
    in_the_way = tmp_path / "flux" / "data"
    in_the_way.write_text("a file where the folder should be")
    async with chatting(tmp_path, size=size) as chat:
        await chat.say("hello")
        assert chat.text("#bar-kept") == " NOT SAVED "
        assert chat.app.chat.query_one("#bar-kept").region.right <= size[0]

        in_the_way.unlink()
        await chat.say("and now?")

        assert chat.text("#bar-kept") == ""
        assert not chat.app.chat.query_one("#bar-kept").display


async def test_the_header_says_that_a_session_is_open_in_another_window(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("hello")
        chat.session.read_only = True
        chat.app.chat.refresh_session()
        await chat.settle()
        assert chat.text("#bar-kept") == " READ ONLY "


async def test_the_empty_composer_names_the_keys_that_are_bound_as_far_as_they_fit(
    tmp_path: Path,
) -> None:
    (tmp_path / "flux").mkdir()
    (tmp_path / "flux" / "config.toml").write_text('[keys]\n"model.pick" = "f12"\n')
    async with chatting(tmp_path) as chat:
        assert chat.prompt.placeholder == "Ask anything · / commands · F12 model · F1 help"
        await chat.pilot.resize_terminal(40, 12)
        await wait_until(
            lambda: chat.prompt.placeholder == "Ask anything · / commands · F1 help",
            "fewer keys",
        )

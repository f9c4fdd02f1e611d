"""Every action of the keymap works from its key, its command and the palette."""

from pathlib import Path

import pytest
from textual.binding import Binding
from textual.command import CommandPalette
from textual.widgets import Input

from flux_tui.ui import keymap
from flux_tui.ui.keymap import ACTIONS, BY_ID
from flux_tui.ui.screens.chat import ChatScreen
from flux_tui.ui.screens.listing import TextScreen
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.transcript import Transcript
from tests.ui.driving import Chat, chatting, wait_until

_LEAVE = {"app.quit"}


async def _back(chat: Chat) -> None:
    """Close what an action opened, and let a turn it began come to its end."""
    await chat.pilot.pause()
    while not isinstance(chat.app.screen, ChatScreen):
        before = chat.app.screen
        await chat.pilot.press("escape")
        await wait_until(lambda: chat.app.screen is not before, "the dialog to close")  # noqa: B023
    await wait_until(lambda: not chat.turning, "the end of the turn")
    await chat.settle()


async def test_every_action_is_done_by_its_command(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        chat.session.policy.mode = "read"
        await chat.say('sim: tool=list_files:{"path":"."} and show me code')
        for action in ACTIONS:
            if action.id in _LEAVE:
                continue
            await chat.send(f"/{action.slash}")
            await _back(chat)
            assert not [note for note in chat.notes if "There is no command" in note], action.id
        assert chat.app.is_running


async def test_every_action_is_done_by_each_of_its_keys(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        done: list[str] = []
        run = chat.app.chat.run_command

        async def watched(action_id: str, argument: str) -> None:
            done.append(action_id)
            await run(action_id, argument)

        chat.app.chat.run_command = watched  # what is pressed is noted, and then done
        for action in ACTIONS:
            for key in action.keys if action.id not in _LEAVE else ():
                if len(chat.session.conversation.path) < 2:
                    await chat.say("show me code")
                chat.app.chat.show_tab("chat")
                target = chat.prompt if action.priority else chat.app.chat.query_one(Transcript)
                target.focus()
                await chat.press(key)
                await _back(chat)
                mine = [(b.key, b.id) for b in Transcript.BINDINGS if isinstance(b, Binding)]
                known = (key, action.id) in mine  # the transcript does it itself
                assert known or action.id in done, f"{key} did not do {action.id}"
                done.clear()


async def test_the_palette_finds_an_action_and_does_it(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press("ctrl+p")
        palette = await chat.dialog(CommandPalette)
        await chat.press(*"keys and comm")
        hits = palette.query_one("CommandList")
        await wait_until(lambda: hits.option_count > 0 and not hits.get_option_at_index(0).disabled)
        await chat.press("enter")
        await wait_until(lambda: isinstance(chat.app.screen, TextScreen))


async def test_help_shows_keys_commands_and_what_they_do(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.press("f1")
        await chat.dialog(TextScreen)
        shown = str(chat.app.screen.query_one("VerticalScroll Plain", Plain).content)

        for action in ACTIONS:
            if not action.id.startswith("model.slot"):
                assert f"/{action.slash}" in shown
        assert "F2, Ctrl+L" in shown


async def test_own_keys_take_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "flux").mkdir()
    (tmp_path / "flux" / "config.toml").write_text(
        '[keys]\n"app.help" = "F12"\n"no.such" = "f11"\n"pane.tools" = "f8"\n'
    )
    async with chatting(tmp_path) as chat:
        told = chat.text("#welcome-text")
        assert 'config.toml:3: keys."no.such" names no action' in told
        assert "F8 was the key of pane.cost" in told
        shown = chat.app.chat.tools.display
        await chat.press("f8")
        assert chat.app.chat.tools.display != shown
        await chat.press("f1")
        assert isinstance(chat.app.screen, ChatScreen)
        await chat.press("f12")
        await chat.dialog(TextScreen)


def test_ids_keys_and_commands_are_unique_and_can_be_typed() -> None:
    assert len(BY_ID) == len(ACTIONS)
    assert len(keymap.BY_SLASH) == len(ACTIONS)
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))
    # Terminals send these as Tab, Enter, Backspace and Escape.
    assert not {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+left_square_bracket"} & set(keys)
    assert all(action.keys and action.slash for action in ACTIONS)


def test_the_documentation_of_the_keys_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "keys.md"

    assert page.read_text("utf-8") == keymap.keys_page(), "run python -m flux_tui.ui.keymap"


@pytest.mark.parametrize(
    ("typed", "first"), [("/", "stop"), ("/mod", "model"), ("/zzz", ""), ("mod", ""), ("/m x", "")]
)
def test_commands_are_completed_from_their_beginning(typed: str, first: str) -> None:
    found = keymap.completions(typed)

    assert (found[0].slash if found else "") == first


async def test_a_search_field_gets_the_keys_typed_in_a_list(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.send("/theme")
        await wait_until(lambda: not isinstance(chat.app.screen, ChatScreen))
        await chat.press(*"light")
        assert chat.app.screen.query_one(Input).value == "light"
        await wait_until(lambda: chat.app.screen.highlighted == "flux-light")  # type: ignore[attr-defined]
        await chat.press("enter")
        await wait_until(lambda: chat.app.theme == "flux-light")


async def test_escape_ends_a_search_wherever_the_focus_is(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.say("needle")
        for focus_prompt in (False, True):
            await chat.app.chat.run_command("chat.find", "needle")
            await chat.settle()
            assert "Found" in chat.text("#status-now")
            if focus_prompt:
                chat.prompt.focus()

            await chat.press("escape")
            await chat.settle()

            assert not chat.app.chat.transcript.searching
            assert "Found" not in chat.text("#status-now")

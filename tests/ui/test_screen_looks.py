"""What fits in a line, which themes there are, and what other programs get to see."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App
from textual.content import Content
from textual.widgets._toast import Toast

from flux_tui.config.themes import THEMES
from flux_tui.core.errors import InputError
from flux_tui.ui import themes
from flux_tui.ui.outside import (
    Draft,
    clipboard_program,
    copy_locally,
    desk_environment,
    open_link,
)
from flux_tui.ui.screens.model_picker import ModelPicker
from flux_tui.ui.widgets.fitting import fitted, whole_hints
from flux_tui.ui.widgets.pane_tabs import PaneTabs
from flux_tui.ui.widgets.plain import Plain
from flux_tui.ui.widgets.prompt import Prompt
from tests.ui.driving import chatting, make_app, wait_until

SECRETS = {"ANTHROPIC_API_KEY": "sk-ant-secret", "MY_TOKEN": "secret"}


@given(
    st.lists(st.tuples(st.text("abc", max_size=4), st.text("abc", max_size=9)), max_size=8),
    st.integers(0, 60),
)
def test_hints_are_whole_and_fit(hints: list[tuple[str, str]], width: int) -> None:
    taken = whole_hints(hints, width)

    assert taken == hints[: len(taken)]
    assert len("  ".join(f"{key} {label}" for key, label in taken)) <= width or not taken


@given(st.integers(0, 80))
def test_a_line_gets_shorter_step_by_step_until_it_fits(width: int) -> None:
    pieces = {
        "a": (Content("aaaaaaaaaa"), Content("aa"), Content("")),
        "b": (Content("bbbbbbbbbb"), Content("b")),
    }
    line = fitted(pieces, ("a", "b", "a"), width)
    shown = [piece.plain for piece in line.values() if piece]

    assert len("  ".join(shown)) <= max(width, 1)
    assert width < 22 or shown == ["a" * 10, "b" * 10]


def test_the_settings_accept_every_theme_there_is_and_no_other() -> None:
    assert tuple(themes.names()) == THEMES


@pytest.mark.parametrize("name", [theme.name for theme in themes.OWN])
async def test_each_theme_of_ours_works_in_any_application(name: str) -> None:
    app: App[None] = App()
    async with app.run_test():
        for theme in themes.OWN:
            app.register_theme(theme)
        app.theme = name

        assert app.current_theme.name == name


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (39, 9), (40, 10), (100, 20)])
async def test_any_size_of_window_is_survived(tmp_path: Path, size: tuple[int, int]) -> None:
    async with chatting(tmp_path, size=(80, 24)) as chat:
        await chat.say("hello")
        await chat.pilot.resize_terminal(*size)
        notice, small = chat.app.chat.query_one("#too-small"), size[0] < 40 or size[1] < 10
        await wait_until(lambda: chat.app.chat.size == size, "the other size")
        await chat.settle()
        await wait_until(lambda: notice.display == small, f"the notice: {small}")

        await chat.pilot.resize_terminal(80, 24)
        await chat.settle()
        await wait_until(lambda: "Ready" in chat.text("#status-now"))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
async def test_header_and_footer_hold_whole_pieces_at_every_width(
    tmp_path: Path, width: int
) -> None:
    async with chatting(tmp_path, size=(width, 24)) as chat:
        await chat.say("hello, what can you do for me today?")
        used = 0
        for name in ("brand", "demo", "model", "effort", "context", "cost"):
            piece = chat.app.chat.query_one(f"#bar-{name}")
            if piece.display:
                assert piece.region.width == piece.content.cell_length  # type: ignore[attr-defined]
                used = max(used, piece.region.right)
        assert used <= width
        keys = chat.app.chat.query_one("#status-keys")
        assert keys.region.width == keys.content.cell_length  # type: ignore[attr-defined]


def test_other_programs_get_no_keys() -> None:
    seen = desk_environment({**SECRETS, "PATH": "/bin", "TERM": "xterm", "DISPLAY": ":0"})

    assert seen == {"PATH": "/bin", "TERM": "xterm", "DISPLAY": ":0"}


def _program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o755)
    return path


async def test_a_local_clipboard_gets_the_text_and_no_key(tmp_path: Path) -> None:
    out = tmp_path / "out"
    keep = f"import os,sys; open({str(out)!r},'w').write(sys.stdin.read()+' '.join(os.environ))"
    _program(tmp_path, "wl-copy", keep)
    environ = {**SECRETS, "PATH": str(tmp_path), "WAYLAND_DISPLAY": "w"}

    assert await copy_locally("words ", environ) == "wl-copy"
    assert out.read_text().startswith("words ")
    assert "ANTHROPIC_API_KEY" not in out.read_text()
    assert clipboard_program({**environ, "SSH_TTY": "/dev/pts/1"}) == ()
    assert await copy_locally("words", {"PATH": str(tmp_path)}) == ""


async def test_the_editor_gets_the_text_and_gives_it_back(tmp_path: Path) -> None:
    edit = "import os,sys; p=sys.argv[-1]; t=open(p).read()"
    write = "open(p,'w').write(t+' more'+str('MY_TOKEN' in os.environ)+chr(27)+'[2J')"
    editor = _program(tmp_path, "edit", f"{edit}; {write}")

    async with Draft("some", {**SECRETS, "EDITOR": f"{editor} -w"}) as draft:
        name = draft.command()[-1]
        assert await draft.edit() == "some moreFalse"
    assert not Path(name).exists()


@pytest.mark.parametrize("editor", ["no-such-editor-here", "false", "'unclosed"])
async def test_an_editor_that_fails_changes_nothing(editor: str) -> None:
    async with Draft("some", {"EDITOR": editor, "PATH": "/usr/bin:/bin"}) as draft:
        with pytest.raises(InputError):
            await draft.edit()


async def test_only_web_links_are_opened(tmp_path: Path) -> None:
    for target in ("file:///etc/passwd", "javascript:alert(1)", "-h"):
        with pytest.raises(InputError, match="only http"):
            await open_link(target, {"PATH": str(tmp_path)})
    with pytest.raises(InputError, match="no browser"):
        await open_link("https://example.org", {"PATH": str(tmp_path)}, platform="linux")


async def test_a_dialog_takes_the_keys_of_the_chat_away_from_the_status_line(
    tmp_path: Path,
) -> None:
    async with chatting(tmp_path) as chat:
        keys = chat.app.chat.query_one("#status-keys", Plain)
        await wait_until(lambda: "F2" in str(keys.content))

        await chat.press("f2")
        await chat.dialog(ModelPicker)
        await wait_until(lambda: not str(keys.content))
        await chat.press("escape")

        await wait_until(lambda: "F2" in str(keys.content))


async def test_a_toast_hides_nothing_of_what_is_written(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_until(lambda: app.chat.furnished and app.chat.session, "the session")
        app.warn("something is wrong with what was asked for")
        await wait_until(lambda: list(app.screen.query(Toast)))
        await pilot.pause()

        toast = app.screen.query_one(Toast)
        assert toast.region.height
        assert not toast.region.overlaps(app.chat.query_one(Prompt).region)
        assert toast.region.y >= app.chat.query_one(PaneTabs).region.bottom

"""Files in the composer: by path, by paste, by @; and what becomes of them."""

import threading
from pathlib import Path

import PIL.Image
import pytest
from textual.events import Key, Paste

from flux_tui.core.messages import Document, Image
from flux_tui.session.files import FileTree
from flux_tui.ui.screens.chat import ChatScreen
from flux_tui.ui.widgets.chips import Attachments, chip, size_words
from flux_tui.ui.widgets.completing import Offer
from flux_tui.ui.widgets.composer import Composer
from flux_tui.ui.widgets.menu import SHOWN, Menu
from flux_tui.ui.widgets.transcript import Transcript
from tests.ui.driving import Chat, chatting, wait_until


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder that the program works in, with files in it."""
    folder = tmp_path / "work"
    (folder / "src").mkdir(parents=True)
    PIL.Image.new("RGB", (120, 80), "red").save(folder / "photo.png")
    (folder / "my notes.txt").write_text("some notes\n")
    (folder / "src" / "app.py").write_text("print(1)\n")
    (folder / "data.bin").write_bytes(bytes(range(256)))
    return tmp_path


def _files(chat: Chat) -> tuple[str, ...]:
    return tuple(item.name for item in chat.app.chat.query_one(Attachments).items)


async def _attached(chat: Chat, *names: str) -> None:
    await wait_until(lambda: _files(chat) == names, f"{names}")
    await chat.pilot.pause()


async def _paste(chat: Chat, text: str) -> None:
    chat.prompt.post_message(Paste(text))
    await chat.pilot.pause()


async def test_a_file_is_attached_by_command_shown_and_sent_with_the_message(work: Path) -> None:
    async with chatting(work, size=(80, 24)) as chat:
        await chat.send("/attach photo.png")
        await _attached(chat, "photo.png")
        await wait_until(lambda: "▣ photo.png 120×80" in chat.text("#attachments"))

        await chat.say("what is this?")

        said = chat.session.conversation.path[0]
        assert [type(part) for part in said.parts if not hasattr(part, "text")] == [Image]
        assert _files(chat) == ()
        assert not chat.app.chat.query_one(Attachments).display
        view = chat.app.chat.query_one(Transcript)
        view.scroll_home(animate=False)
        await chat.settle()
        shown = "\n".join(view.render_line(y).text for y in range(view.size.height))
        assert "▣ photo.png 120×80" in shown


async def test_files_go_without_words(work: Path) -> None:
    async with chatting(work) as chat:
        await chat.send("/attach photo.png")
        await _attached(chat, "photo.png")

        await chat.press("enter")
        await wait_until(lambda: chat.answers and not chat.turning)

        assert isinstance(chat.session.conversation.path[0].parts[0], Image)


async def test_backspace_in_an_empty_composer_removes_the_last_file(work: Path) -> None:
    async with chatting(work) as chat:
        await chat.send("/attach photo.png")
        await _attached(chat, "photo.png")
        await chat.send("/attach src/app.py")
        await _attached(chat, "photo.png", "app.py")

        await chat.press("x", "backspace")
        assert _files(chat) == ("photo.png", "app.py")
        await chat.press("backspace")
        await _attached(chat, "photo.png")
        await chat.press("alt+d")
        await _attached(chat)
        await chat.press("alt+d")
        await wait_until(lambda: any("o file is attached" in note for note in chat.notes))


async def test_a_click_on_the_cross_removes_that_file(work: Path) -> None:
    async with chatting(work) as chat:
        for name, shown in (("photo.png", 1), ("src/app.py", 2)):
            await chat.send(f"/attach {name}")
            await wait_until(lambda: len(_files(chat)) == shown)  # noqa: B023
        row = chat.app.chat.query_one(Attachments)
        cross = chip(row.items[0]).cell_length - 1

        await chat.pilot.click(row, offset=(cross + 2, 0))

        await _attached(chat, "app.py")


@pytest.mark.parametrize("form", ["{}", "'{}'", "file://{}"])
async def test_a_pasted_path_becomes_a_chip(work: Path, form: str) -> None:
    async with chatting(work) as chat:
        await chat.press(*"see")
        await _paste(chat, form.format(work / "work" / "photo.png"))

        await _attached(chat, "photo.png")
        assert chat.prompt.text == "see"


async def test_a_relative_path_in_a_sentence_and_a_path_of_nothing_stay_text(work: Path) -> None:
    async with chatting(work) as chat:
        await chat.press("x")
        await _paste(chat, "src/app.py")
        await wait_until(lambda: chat.prompt.text == "xsrc/app.py")
        await _paste(chat, "/no/such/file.png")
        await wait_until(lambda: chat.prompt.text == "xsrc/app.py/no/such/file.png")

        assert _files(chat) == ()


async def test_a_path_that_is_typed_alone_is_attached_and_not_sent(work: Path) -> None:
    async with chatting(work) as chat:
        await chat.send(str(work / "work" / "my notes.txt"))

        await _attached(chat, "my notes.txt")
        assert chat.session.conversation.path == ()


async def test_an_at_sign_offers_files_and_takes_the_chosen_one(work: Path) -> None:
    async with chatting(work, size=(80, 24)) as chat:
        menu = chat.app.chat.query_one(Menu)
        await chat.press(*"see @")
        await wait_until(lambda: menu.chosen is not None)
        await wait_until(lambda: "data.bin" in chat.text("#menu"))
        await chat.press(*"ap")
        await wait_until(lambda: menu.chosen == "src/app.py")

        await chat.press("tab")

        await _attached(chat, "app.py")
        assert chat.prompt.text == "see @src/app.py "
        assert not menu.display


async def test_enter_sends_when_the_file_is_named_in_full(work: Path) -> None:
    async with chatting(work) as chat:
        chat.session.policy.mode = "none"
        menu = chat.app.chat.query_one(Menu)
        await chat.press(*"greet @src/app.py")
        await wait_until(lambda: menu.chosen == "src/app.py")

        await chat.press("enter")
        await wait_until(lambda: chat.answers and not chat.turning)

        said = chat.session.conversation.path[0]
        assert [part.name for part in said.parts if isinstance(part, Document)] == ["app.py"]


async def test_the_menu_is_moved_in_and_closed_without_stopping_anything(work: Path) -> None:
    async with chatting(work) as chat:
        menu = chat.app.chat.query_one(Menu)
        await chat.press("at")
        await wait_until(lambda: menu.chosen is not None)
        offers = chat.app.chat.query_one(Composer).workers
        await wait_until(lambda: not any(each.group == "offer" for each in offers), "all files")
        first = menu.chosen
        await chat.press("down")
        assert menu.chosen != first
        await chat.press("up")
        assert menu.chosen == first

        await chat.press("escape")
        await chat.pilot.pause()

        assert menu.chosen is None
        assert chat.prompt.text == "@"
        assert isinstance(chat.app.screen, ChatScreen)


async def test_a_menu_that_was_closed_stays_so_when_the_folder_has_been_read(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill, go = FileTree.fill, threading.Event()

    def slow(tree: FileTree) -> None:
        fill(tree)
        tree.done = False
        go.wait(60)
        tree.done = True

    monkeypatch.setattr(FileTree, "fill", slow)
    async with chatting(work) as chat:
        menu = chat.app.chat.query_one(Menu)
        await chat.press("at")
        await wait_until(lambda: menu.chosen is not None)

        await chat.press("escape")
        go.set()
        offers = chat.app.chat.query_one(Composer).workers
        await wait_until(lambda: not any(each.group == "offer" for each in offers), "all files")

        assert menu.chosen is None


async def test_a_mention_written_in_full_is_attached_when_sent(work: Path) -> None:
    async with chatting(work) as chat:
        chat.session.policy.mode = "none"
        await chat.send("compare @src/app.py and @gone.py, please")
        await wait_until(lambda: chat.answers and not chat.turning)

        said = chat.session.conversation.path[0]
        assert [part.name for part in said.parts if isinstance(part, Document)] == ["app.py"]
        assert said.text == "compare @src/app.py and @gone.py, please"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/attach data.bin", "data.bin is neither a picture"),
        ("/attach gone.png", "there is no file 'gone.png'"),
    ],
)
async def test_what_cannot_be_attached_is_one_sentence_in_the_status_line(
    work: Path, command: str, words: str
) -> None:
    async with chatting(work) as chat:
        await chat.send(command)

        await wait_until(lambda: words in chat.text("#status-now"))
        assert _files(chat) == ()


async def test_a_message_whose_file_cannot_be_read_comes_back(work: Path) -> None:
    async with chatting(work) as chat:
        await chat.send("what is @data.bin?")

        await wait_until(lambda: "data.bin is neither" in chat.text("#status-now"))
        assert chat.prompt.text == "what is @data.bin?"
        assert chat.session.conversation.path == ()


async def test_files_wait_with_the_words_while_an_answer_runs(work: Path) -> None:
    async with chatting(work) as chat:
        chat.session.policy.mode = "none"
        await chat.begin("sim: tokens=40 speed=7")
        chat.prompt.fill("and @src/app.py?")
        await chat.press("enter")
        await wait_until(lambda: "queued 1" in chat.text("#waiting"))

        await wait_until(
            lambda: chat.answers[1:] and not chat.turning and not chat.app.chat.sending.waiting
        )

        said = [m for m in chat.session.conversation.path if m.role == "user"][-1]
        assert any(isinstance(part, Document) for part in said.parts)


async def test_a_model_without_eyes_is_told_of(work: Path) -> None:
    async with chatting(work) as chat:
        blind = next(c.info for c in chat.app.runtime.choices() if not c.info.abilities.images)
        await chat.send(f"/model {blind.ref}")
        await chat.send("/attach photo.png")
        await _attached(chat, "photo.png")

        await wait_until(lambda: "sees no pictures" in chat.text("#status-now"))


async def test_many_short_lines_are_a_chip_and_sent_in_full(work: Path) -> None:
    async with chatting(work) as chat:
        text = "\n".join(str(number) for number in range(30))
        await _paste(chat, text)
        assert chat.prompt.text == "[pasted 30 lines]"

        await chat.press("enter")
        await wait_until(lambda: chat.answers and not chat.turning)

        assert chat.session.conversation.path[0].text == text


async def test_a_menu_of_many_shows_some_and_says_how_many(work: Path) -> None:
    async with chatting(work) as chat:
        menu = chat.app.chat.query_one(Menu)
        menu.show([Offer(f"file{number}") for number in range(20)], more="files")
        for _ in range(SHOWN + 1):
            menu.move(1)
        shown = str(menu.content)

        assert f"▸ file{SHOWN + 1}" in shown
        assert "20 files" in shown
        assert len(shown.splitlines()) == SHOWN + 1


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (310_400, "310 kB"), (1_240_000, "1.2 MB")]
)
def test_sizes_are_said_as_people_do(size: int, words: str) -> None:
    assert size_words(size) == words


async def test_keys_that_pile_up_are_taken_in_their_order(work: Path) -> None:
    async with chatting(work, size=(80, 24)) as chat:
        keys = [("t", "t"), ("e", "e"), ("h", "h"), *[("backspace", "\x7f")] * 2, ("h", "h")]
        keys += [("left", None), ("x", "x"), ("end", None), ("e", "e")]
        for key, character in keys:
            chat.app.post_message(Key(key, character))
        await chat.pilot.pause()

        assert chat.prompt.text == "txhe"

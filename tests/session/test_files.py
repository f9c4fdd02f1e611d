"""Which files a typed or pasted text names."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.errors import InputError
from flux_tui.session import files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("photo.png", "a file.txt", "src/app.py", "src/apple.py", "build/out.bin"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    (tmp_path / ".gitignore").write_text("build/\n")
    return tmp_path


def test_the_list_of_files_leaves_out_what_git_ignores(folder: Path) -> None:
    tree = files.FileTree(folder)
    tree.fill()

    assert set(tree.find("")) == {
        ".gitignore",
        "a file.txt",
        "photo.png",
        "src/app.py",
        "src/apple.py",
    }


def test_a_long_list_of_files_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 2)

    tree = files.FileTree(folder)
    tree.fill()

    assert len(tree) == 2


def test_names_come_before_paths_and_short_before_long() -> None:
    paths = ["src/apple.py", "apps/x.py", "src/app.py", "lib/a_p_p.py", "nothing.md"]

    assert files.rank(paths, "app") == ("src/app.py", "src/apple.py", "apps/x.py", "lib/a_p_p.py")


@given(st.lists(st.text(max_size=8)), st.text(max_size=4))
def test_ranking_finds_only_given_paths_with_all_letters(paths: list[str], wanted: str) -> None:
    found = files.rank(paths, wanted)

    assert set(found) <= set(paths)
    assert all(set(wanted.lower()) <= set(path.lower()) for path in found)


@given(st.lists(st.text("ab/.", min_size=1, max_size=8), max_size=30), st.text("abAB/", max_size=4))
def test_a_longer_word_narrows_to_what_a_fresh_search_finds(paths: list[str], wanted: str) -> None:
    tree = files.FileTree(Path())
    tree._paths, tree.done = paths, True  # pyright: ignore[reportPrivateUsage]

    for end in range(len(wanted) + 1):
        assert tree.find(wanted[:end]) == files.rank(paths, wanted[:end])


def test_what_is_found_so_far_can_be_searched_before_the_walk_is_over(folder: Path) -> None:
    tree = files.FileTree(folder)
    tree._paths = ["src/app.py"]  # pyright: ignore[reportPrivateUsage]

    assert tree.find("a") == ("src/app.py",)
    tree._paths.append("a.txt")  # pyright: ignore[reportPrivateUsage]
    tree.done = True
    assert tree.find("a") == ("a.txt", "src/app.py")


def test_mentions_of_existing_files_are_found_once_each(folder: Path) -> None:
    text = 'see @photo.png, @src/app.py. and @photo.png @"a file.txt" but not @gone.txt or me@x'

    assert files.mentioned(text, folder) == (
        folder / "photo.png",
        folder / "src/app.py",
        folder / "a file.txt",
    )


@pytest.mark.parametrize("form", ["{}", "'{}'", '"{}"', "file://{}", " {}\n"])
def test_one_path_is_understood_in_the_forms_that_terminals_paste(folder: Path, form: str) -> None:
    path = folder / "photo.png"

    assert files.paths_in(form.format(path), folder) == (path,)


def test_a_path_with_spaces_comes_bare_with_backslashes_or_as_an_address(folder: Path) -> None:
    path = folder / "a file.txt"
    bare = str(path)

    for text in (bare, bare.replace(" ", "\\ "), "file://" + bare.replace(" ", "%20")):
        assert files.paths_in(text, folder) == (path,)


def test_several_paths_at_once_are_files_or_nothing_is(folder: Path) -> None:
    one, two = folder / "photo.png", folder / "src/app.py"

    assert files.paths_in(f"{one} {two}", folder) == (one, two)
    assert files.paths_in(f"{one}\n{two}", folder) == (one, two)
    assert files.paths_in(f"{one}\n{folder / 'gone'}", folder) == ()


@pytest.mark.parametrize(
    "text", ["", "hello", "a sentence about /etc", "/" * 5000, "/\x00", "~nobody-such/x.png", "'/x"]
)
def test_text_is_no_path(text: str, folder: Path) -> None:
    assert files.paths_in(text, folder) == ()


def test_a_folder_is_no_file(folder: Path) -> None:
    assert files.paths_in(str(folder / "src"), folder) == ()


def test_a_file_is_named_from_the_folder_of_work(folder: Path) -> None:
    assert files.named_file("src/app.py", folder) == folder / "src/app.py"
    assert files.named_file("a file.txt", folder) == folder / "a file.txt"
    with pytest.raises(InputError, match="there is no file 'gone'"):
        files.named_file("gone", folder)


def test_a_search_gives_up_when_another_begins() -> None:
    paths = [f"f{number}" for number in range(1_000)]

    assert files.matching(paths, "f", lambda: False) == []
    assert len(files.matching(paths, "f")) == 1_000

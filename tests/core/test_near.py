"""What a wrong word may mean, and the one sentence that says so."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.near import did_you_mean, nearest

MODELS = ("claude-opus-5-5", "claude-opus-5", "claude-opus-4-5", "claude-sonnet-5", "gpt-5.5")
EFFORTS = ("off", "minimal", "low", "medium", "high", "xhigh", "max")
words = st.text(max_size=12)


@pytest.mark.parametrize(
    ("word", "known", "told"),
    [
        ("--modle", ("--model", "--demo", "--max-cost"), "did you mean '--model'?"),
        ("HIHG", (*EFFORTS, "weigh"), "did you mean 'high'?"),
        ("claude-opus-55", MODELS, "did you mean 'claude-opus-5-5' or 'claude-opus-5'?"),
        ("gpt5.5", MODELS, "did you mean 'gpt-5.5'?"),
        (
            "opus",
            MODELS,
            "did you mean 'claude-opus-5-5', 'claude-opus-5' or 'claude-opus-4-5'?",
        ),
        ("op", MODELS, ""),
        ("zzz", MODELS, ""),
        ("", MODELS, ""),
        ("x", (), ""),
    ],
)
def test_the_near_words_are_named(word: str, known: tuple[str, ...], told: str) -> None:
    assert did_you_mean(word, known) == told


def test_a_word_that_is_known_twice_is_named_once() -> None:
    assert nearest("moddel", ["Model", "model"]) == ("Model",)


@given(words, st.lists(words))
def test_only_known_words_are_named_and_three_at_most(word: str, known: list[str]) -> None:
    found = nearest(word, known)

    assert len(found) <= 3
    assert set(found) <= set(known)
    assert len(set(found)) == len(found)


@given(words.filter(lambda word: bool(word.strip())), st.lists(words))
def test_a_word_that_differs_in_capitals_alone_comes_first(word: str, others: list[str]) -> None:
    first = nearest(word.lower(), [*others, word])[:1]

    assert [name.lower() for name in first] == [word.lower()]


def test_difflib_waits_for_a_mistake() -> None:
    script = (
        "import sys, flux_tui.session.choices, flux_tui.config.settings, flux_tui.commands.parser\n"
        "sys.exit('difflib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0

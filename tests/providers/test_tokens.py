from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Text,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import ModelRef
from flux_tui.providers import tokens
from flux_tui.providers.base import ToolSpec
from flux_tui.providers.tokens import (
    Calibration,
    TokenCount,
    count,
    estimate,
    image_tokens,
    vocabulary_at_hand,
)

MODEL = ModelRef("openai", "gpt-5")


def test_an_estimate_says_that_it_is_one() -> None:
    counted = count((user_message("a" * 400),))

    assert counted.tokens == 104
    assert counted.basis == "estimate"


@given(st.text(), st.text())
def test_longer_text_is_never_fewer_tokens(text: str, more: str) -> None:
    assert 0 <= estimate(text) <= estimate(text + more)


def test_pictures_count_by_their_size_within_bounds() -> None:
    assert image_tokens(0, 0) == image_tokens(8000, 8000) == 1600
    assert image_tokens(10, 10) == 85
    assert image_tokens(1000, 750) == 1000


def test_every_part_of_a_request_counts() -> None:
    call = ToolCall("1", "read_file", {"path": "a.py"})
    result = ToolResult("1", "read_file", (Text("x" * 40), Image(b"", "image/png")))
    document = Document(b"x" * 800, "application/pdf")
    messages = (
        Message(role="user", parts=(document,)),
        Message(role="assistant", parts=(call,)),
        Message(role="tool", parts=(result,)),
    )

    assert count(messages).tokens > 100 + 10 + 1600
    assert count(messages, "system" * 10).tokens > count(messages).tokens
    assert count((), tools=(ToolSpec("t", "does it", {"type": "object"}),)).tokens > 3


def test_a_message_fitted_to_another_model_is_counted_anew() -> None:
    message = user_message("a" * 400)
    shorter = Message(role="user", parts=(Text("a"),), id=message.id)

    assert count((message,)).tokens > count((shorter,)).tokens


@pytest.mark.parametrize("content", [None, b"", b"not the vocabulary"])
def test_a_missing_or_wrong_vocabulary_is_left_alone(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790"
    if content is not None:
        file.write_bytes(content)

    assert not vocabulary_at_hand({"TIKTOKEN_CACHE_DIR": str(tmp_path)})
    assert not vocabulary_at_hand({"TIKTOKEN_CACHE_DIR": ""})
    assert file.exists() == (content is not None)


def test_a_real_answer_corrects_the_next_count() -> None:
    calibration = Calibration()
    assert calibration.apply(MODEL, 100) == 100
    assert not calibration.known(MODEL)

    calibration.learn(MODEL, real=1300, counted=1000)

    assert calibration.known(MODEL)
    assert calibration.apply(MODEL, 100) == 130
    assert calibration.apply(ModelRef("anthropic", "x"), 100) == 100


@pytest.mark.parametrize(("real", "counted"), [(10, 1000), (10_000, 100), (0, 0)])
def test_a_senseless_ratio_teaches_nothing(real: int, counted: int) -> None:
    calibration = Calibration()

    calibration.learn(MODEL, real=real, counted=counted)

    assert not calibration.known(MODEL)


def test_a_quick_count_never_tokenises_but_keeps_what_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[str] = []

    def slow(text: str) -> int:
        counted.append(text)
        return 1

    monkeypatch.setattr(tokens, "_counting", tokens._Counting(slow, "tiktoken", tried=True))
    known, new = user_message("k" * 400), user_message("n" * 400)
    assert count((known,)) == TokenCount(5, "tiktoken")

    assert count((known,), quick=True) == TokenCount(5, "tiktoken")
    assert count((known, new), quick=True) == TokenCount(5 + 104, "estimate")
    assert counted == [known.text]
    assert count((known, new)) == TokenCount(10, "tiktoken")

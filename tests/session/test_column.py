"""What a column tells of itself: figures, silence, the wait for the next try."""

from __future__ import annotations

from flux_tui.core.events import (
    Committed,
    ReplyDelta,
    ReplyStarted,
    RetryScheduled,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    TurnEnded,
)
from flux_tui.core.messages import Message, Text, Timing
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import Usage
from flux_tui.session.column import SILENCE, Progress

REF = ModelRef("openai", "gpt-5.5")


def started(now: float = 0.0) -> Progress:
    progress = Progress()
    progress.begin(now)
    progress.apply(ReplyStarted("m", REF), now)
    return progress


def said(text: str) -> ReplyDelta:
    return ReplyDelta("m", TextDelta(0, text))


def test_time_goes_on_while_nothing_comes() -> None:
    progress = started(10)

    assert progress.elapsed(13) == 3
    assert progress.silent(10 + SILENCE - 0.1) == 0
    assert progress.silent(10 + SILENCE) == SILENCE


def test_a_word_ends_the_silence() -> None:
    progress = started()
    progress.apply(said("word " * 8), 7)

    assert progress.silent(8) == 0
    assert progress.first == 7
    assert progress.silent(7 + SILENCE) == SILENCE


def test_a_part_that_only_begins_is_no_first_token() -> None:
    progress = started()
    progress.apply(ReplyDelta("m", ThinkingDelta(0, "")), 1)

    assert (progress.state, progress.first) == ("thinking", None)
    progress.apply(ReplyDelta("m", ThinkingDelta(0, "", {"signature": "s"})), 2)
    progress.apply(ReplyDelta("m", ToolCallDelta(1, "c", "read_file")), 3)
    assert progress.first == 3


def test_the_wait_for_the_next_try_counts_down() -> None:
    progress = started()
    progress.apply(ReplyDelta("m", RetryScheduled("the rate limit is reached", 12, 2, 4)), 1)

    assert (progress.state, progress.problem) == ("retrying", "the rate limit is reached")
    assert progress.countdown(3) == 10
    assert progress.countdown(20) == 0
    assert progress.silent(20) == 0
    progress.apply(said("there"), 21)
    assert progress.countdown(22) is None


def test_at_the_end_stand_the_times_that_are_stored_with_the_answer() -> None:
    progress = started()
    progress.apply(said("there"), 2)
    answer = Message(role="assistant", parts=(Text("there"),), timing=Timing(0.5, 1.5))
    progress.apply(Committed(answer), 4)
    progress.apply(TurnEnded("end"), 5)

    assert (progress.first, progress.seconds, progress.elapsed(9)) == (0.5, 1.5, 1.5)


def test_tokens_of_an_answer_that_was_stopped_stay_an_estimate() -> None:
    progress = started()
    progress.apply(said("there"), 2)
    usage = Usage(input=10, output=4, estimated=True)
    progress.apply(Committed(Message(role="assistant", parts=(Text("there"),), usage=usage)), 4)

    assert (progress.tokens, progress.counted) == (4, False)


def test_what_is_over_neither_counts_nor_is_silent() -> None:
    progress = started()
    progress.apply(said("there"), 2)
    progress.apply(TurnEnded("end"), 4)

    assert progress.elapsed(100) == 4
    assert progress.silent(100) == 0
    assert progress.countdown(100) is None

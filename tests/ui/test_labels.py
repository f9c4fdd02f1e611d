"""Plain text to content."""

from decimal import Decimal

import pytest

from flux_tui.core.messages import Message, Timing
from flux_tui.core.usage import NO_COST, Cost, Usage
from flux_tui.ui.render.labels import footer, money, money_sum, one_line, plain, seconds


def test_the_footer_tells_tokens_cost_and_time():
    message = Message(
        role="assistant",
        parts=(),
        usage=Usage(input=1200, output=34),
        cost=Cost(amount=Decimal("0.0123"), basis="reported"),
        timing=Timing(0.1, 2.34),
    )
    assert footer(message).plain == "1,234 tok · $0.0123 · 2.3 s"


def test_tokens_that_we_counted_bear_the_mark_of_an_estimate():
    usage = Usage(input=1200, output=34, estimated=True)
    cost = Cost(amount=Decimal("0.0123"), basis="estimated")

    assert footer(Message(role="assistant", parts=(), usage=usage, cost=cost)).plain == (
        "≈ 1,234 tok · ≈ $0.0123"
    )


def test_a_partial_answer_says_so():
    message = Message(role="assistant", parts=(), stop="aborted")
    assert footer(message).plain == "◐ stopped"


@pytest.mark.parametrize(
    ("cost", "shown"),
    [
        (None, "cost n/a"),
        (Cost(), "cost n/a"),
        (Cost(amount=Decimal("1.5"), basis="computed"), "≈ $1.50"),
        (Cost(amount=Decimal("1.5"), basis="estimated"), "≈ $1.50"),
        (Cost(amount=Decimal("1.5"), basis="reported"), "$1.50"),
        (Cost(amount=Decimal("0.5"), basis="partial"), "≥ $0.5000"),
        (Cost(amount=Decimal("0.00001"), basis="simulated"), "<$0.0001 simulated"),
        (Cost(amount=Decimal(0), basis="free"), "free"),
    ],
)
def test_money_says_how_it_is_known(cost, shown):
    assert money(cost) == shown


def test_markup_and_control_characters_do_nothing():
    assert plain("[b]x[/] \x1b]52;c;eA\x07 \u202ey\ud800").plain == "[b]x[/]  y\ufffd"


def test_a_line_is_cut():
    assert one_line("a\nb  c") == "a b c"
    assert one_line("x" * 500, 10) == "x" * 9 + "…"


def test_spans_of_time():
    assert [seconds(0.44), seconds(12.3), seconds(185)] == ["0.4 s", "12 s", "3 min 05 s"]


def test_emoji_are_as_wide_as_every_terminal_draws_them():
    assert plain("⚠\ufe0f 👩\u200d👩\u200d👧 x 👍\U0001f3fd").plain == "⚠ 👩👩👧 x 👍"
    assert plain("क्\u200dष").plain == "क्\u200dष"


def test_a_sum_of_nothing_is_no_dollars_and_not_free() -> None:
    assert money_sum(NO_COST) == "$0.00"
    assert money_sum(Cost(amount=Decimal("0.5"), basis="computed")) == "≈ $0.5000"

"""Messages, models, usage, errors and the builder: what the core's values promise."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from flux_tui.core.builder import MessageBuilder, parse_arguments
from flux_tui.core.errors import CodecError, ConfigError, InputError, Place, ProviderError
from flux_tui.core.events import (
    OpaqueItem,
    RetryScheduled,
    Stopped,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UsageUpdate,
    written,
)
from flux_tui.core.messages import (
    CANCELLED,
    DENIED,
    Conversation,
    Image,
    Message,
    Opaque,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import ModelRef
from flux_tui.core.usage import NO_COST, Cost, Usage, parse_dollars, sum_costs
from tests.core.strategies import MODELS


def test_what_a_try_merely_opened_is_no_part_of_the_answer() -> None:
    builder = MessageBuilder(MODELS[0])
    builder.feed(ThinkingDelta(0, ""))
    builder.feed(RetryScheduled("busy", 1.0, 2, 3))
    builder.feed(TextDelta(1, "hi"))
    assert builder.build().parts == (Text("hi"),)


@pytest.mark.parametrize(
    ("event", "holds"),
    [
        (TextDelta(0, ""), False),
        (TextDelta(0, "a"), True),
        (ThinkingDelta(0, "", {"signature": "s"}), False),
        (ThinkingDelta(0, "a"), True),
        (ToolCallDelta(0, id="c"), False),
        (ToolCallDelta(0, name="run"), True),
        (ToolCallDelta(0, json="{"), True),
        (OpaqueItem(0, "item", {}), True),
        (UsageUpdate(Usage(input=3)), False),
        (Stopped("end"), False),
    ],
)
def test_a_first_token_is_something_that_is_written(event: StreamEvent, holds: bool) -> None:
    assert written(event) is holds


def test_a_builder_adds_up_how_long_was_thought() -> None:
    builder = MessageBuilder(MODELS[0])
    builder.feed(ThinkingDelta(0, "hm"))
    builder.thought(0, 1.25)
    builder.thought(0, 0.5)
    builder.thought(1, 9.0)

    assert builder.build().parts == (Thinking("hm", seconds=1.75),)


def test_a_builder_makes_parts_in_the_order_of_their_index() -> None:
    builder = MessageBuilder(MODELS[0], "m" * 12)
    assert builder.empty

    for event in (
        TextDelta(1, "an"),
        ThinkingDelta(0, "hm", {"signature": "s"}),
        TextDelta(1, "swer"),
        ToolCallDelta(2, "c", "run", '{"a":'),
        ToolCallDelta(2, json="1}"),
        ToolCallDelta(3, json="[1]"),
        OpaqueItem(4, "search", {"block": {}}, "note"),
        UsageUpdate(Usage(input=3)),
        RetryScheduled("busy", 1.0, 2, 3),
        Stopped("tool_calls", "why", {"id": "r"}),
    ):
        builder.feed(event)
    message = builder.build()

    thinking, text, call, broken, opaque = message.parts
    assert not builder.empty
    assert isinstance(thinking, Thinking)
    assert thinking.metadata is not None
    assert thinking.metadata.origin == MODELS[0].origin
    assert text == Text("answer")
    assert call == ToolCall("c", "run", {"a": 1})
    assert isinstance(broken, ToolCall)
    assert (broken.id, broken.raw) == ("call_mmmmmmmmmmmm_3", "[1]")
    assert broken.error == "the call has no tool name"
    assert isinstance(opaque, Opaque)
    assert (message.stop, builder.detail, message.usage) == ("tool_calls", "why", Usage(input=3))


def test_a_builder_without_an_end_makes_an_interrupted_message() -> None:
    assert MessageBuilder(MODELS[0]).build().stop == "interrupted"


@pytest.mark.parametrize(
    ("raw", "arguments", "error"),
    [
        (" ", {}, ""),
        ('{"a":1}', {"a": 1}, ""),
        ("[]", {}, "the arguments are not a JSON object but list"),
        ("{", {}, "the arguments are not valid JSON"),
    ],
)
def test_arguments_are_an_object_or_say_what_is_wrong(
    raw: str, arguments: object, error: str
) -> None:
    found, problem = parse_arguments(raw)

    assert found == arguments
    assert problem.startswith(error)


def test_a_conversation_is_a_tree_with_a_head() -> None:
    tree = Conversation("s").plus(user_message("a"), Message(role="assistant", parts=(Text("b"),)))
    first = tree.messages[0].id

    branched = tree.at(first).plus(Message(role="assistant", parts=(Text("c"),), parent=first))

    assert [message.text for message in branched] == ["a", "c"]
    assert len(branched) == 2
    assert len(branched.children(first)) == 2
    other = branched.plus(Message(role="user", parts=(), parent=first))
    assert other.path[0].id == first
    assert user_message("", (Image(b"", "image/png"),)).text == ""
    assert ToolResult("c", "f", (Text("a"), Text("b"))).text == "a\nb"


def test_a_model_reference_needs_both_parts() -> None:
    assert str(ModelRef.parse(" a/b/c ")) == "a/b/c"
    with pytest.raises(InputError, match="is not a model name"):
        ModelRef.parse("gpt")


def test_effort_snaps_to_what_the_model_accepts() -> None:
    model = MODELS[1]

    assert model.snap_effort(None) is None
    assert MODELS[0].snap_effort("high") is None
    assert model.snap_effort("minimal") == "low"
    assert model.snap_effort("max") == "high"


def test_usage_adds_up_and_stays_marked_as_estimated() -> None:
    total = Usage(input=1, cache_read=2, cache_write=3, output=4) + Usage(output=1, estimated=True)

    assert (total.prompt, total.total, total.estimated) == (6, 11, True)


def test_a_sum_of_costs_claims_no_more_than_its_weakest() -> None:
    one = Decimal(1)
    computed, reported = Cost(amount=one, basis="computed"), Cost(amount=one, basis="reported")
    simulated = Cost(amount=one, basis="simulated")

    assert sum_costs(()) == NO_COST
    assert sum_costs((Cost(),)).basis == "unknown"
    assert (computed + Cost()).basis == "partial"
    assert (computed + computed).basis == "computed"
    assert (computed + reported).basis == "computed"
    assert (computed + simulated).basis == "partial"
    estimated = replace(computed, basis="estimated")
    assert (estimated + reported).basis == (computed + estimated).basis == "estimated"
    assert (estimated + Cost()).basis == "partial"


def test_errors_read_as_one_sentence() -> None:
    place = Place("config.toml", 3)

    assert str(ConfigError("must be text", place=place, key="theme")) == (
        "config.toml:3: theme: must be text"
    )
    assert str(Place("FLUX_THEME")) == "FLUX_THEME"
    assert str(CodecError("is bad", path="a.b", hint="fix it")) == "a.b: is bad; fix it"
    failure = ProviderError("busy", kind="overloaded", provider="p", status=529)
    assert failure.retryable
    assert failure.status == 529


@pytest.mark.parametrize("text", ["0.25", "$0.25"])
def test_dollars_are_read_with_and_without_their_sign(text: str) -> None:
    assert parse_dollars(text) == Decimal("0.25")


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "NaN", "inf", "$"])
def test_what_is_no_amount_of_dollars_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no amount of US dollars"):
        parse_dollars(text)


def test_a_variable_with_a_wrong_value_is_named_once() -> None:
    place = Place("environment variable FLUX_EFFORT")

    problem = ConfigError("is no level", place=place, key="FLUX_EFFORT")

    assert problem.message == "environment variable FLUX_EFFORT: is no level"


def test_what_was_read_without_charge_takes_up_room_all_the_same() -> None:
    usage = Usage(input=8, output=5, uncharged=1_386)

    assert usage.room == usage.prompt + usage.output + 1_386


@pytest.mark.parametrize(
    ("words", "is_error", "state"),
    [
        (f"{DENIED}no.", False, "done"),
        (f"{DENIED}no.", True, "denied"),
        (f"{CANCELLED} before it was done.", True, "cancelled"),
        ("Error: there is no such file.", True, "failed"),
        ("", True, "failed"),
    ],
)
def test_a_result_says_how_its_call_ended(words: str, is_error: bool, state: str) -> None:
    assert ToolResult("c", "f", (Text(words),), is_error=is_error).state == state

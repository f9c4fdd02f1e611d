"""`normalize` and its report, case by case."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Opaque,
    Part,
    ProviderMetadata,
    StopReason,
    Text,
    Thinking,
    Timing,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import Abilities, ModelInfo
from flux_tui.core.normalize import normalize
from flux_tui.core.prefix import bind, head_digest
from flux_tui.core.repair import DECLINED, EMPTY, NOT_RUN, clean, tool_name
from flux_tui.core.usage import Cost, Usage
from tests.core.strategies import MODELS, PNG

CLAUDE, GPT, CHAT, BOX = MODELS[:4]


def answer(*parts: Part, stop: StopReason = "end", message_id: str = "a") -> Message:
    return Message(role="assistant", parts=parts, stop=stop, id=message_id)


def sent(model: ModelInfo, *messages: Message) -> list[tuple[Part, ...]]:
    return [message.parts for message in normalize(messages, model)[0]]


def signed(model: ModelInfo, **data: Any) -> ProviderMetadata:
    return ProviderMetadata(model.origin, data)


def test_an_unanswered_call_is_answered_as_not_run() -> None:
    call = ToolCall("c", "run")

    messages, report = normalize((answer(call), user_message("go on")), CLAUDE)

    assert messages[1].parts == (ToolResult("c", "run", (Text(NOT_RUN),), is_error=True),)
    assert messages[1].id == "a-results"
    assert report.summary() == "1 tool call answered as not run"


def test_the_last_of_two_results_counts_and_orphans_go() -> None:
    results = tuple(ToolResult("c", "run", (Text(text),)) for text in ("old", "new"))
    orphan = Message(role="tool", parts=(ToolResult("z", "run", ()),))

    messages, report = normalize(
        (orphan, answer(ToolCall("c", "run")), Message(role="tool", parts=results)), CLAUDE
    )

    assert messages[-1].parts == (results[1],)
    assert report.summary() == "2 tool results without a call left out"


def test_equal_ids_are_made_different_with_their_results() -> None:
    turn = (answer(ToolCall("c", "f")), Message(role="tool", parts=(ToolResult("c", "f", ()),)))

    parts = sent(CLAUDE, *turn, *turn)

    assert parts[2:] == [(ToolCall("c#2", "f"),), (ToolResult("c#2", "f", ()),)]


def test_what_is_no_result_in_a_tool_message_goes() -> None:
    stray = Message(role="tool", parts=(Text("x"), ToolResult("c", "f", (Text(" "),))))

    assert sent(CLAUDE, stray, answer(ToolCall("c", "f")), stray)[1:] == [
        (ToolResult("c", "f", ()),)
    ]


def test_a_result_inside_an_answer_goes() -> None:
    assert sent(CLAUDE, answer(Text("x"), ToolResult("c", "f", ()))) == [(Text("x"),)]


def test_arguments_are_made_fit_for_json() -> None:
    deep: Any = "end"
    for _ in range(100):
        deep = [deep]
    call = ToolCall("", "a tool", {"n\0": float("nan"), "f": 1.5, "deep": deep, "o": {"x": "\0"}})

    (fixed, *_), *_ = sent(CLAUDE, answer(call, message_id="m" * 12))

    assert isinstance(fixed, ToolCall)
    assert (fixed.id, fixed.name) == ("call_mmmmmmmmmmmm_0", "a_tool")
    assert fixed.arguments["n\ufffd"] is None
    assert fixed.arguments["f"] == 1.5
    assert fixed.arguments["o"] == {"x": "\ufffd"}
    assert "nested too deeply" in str(fixed.arguments["deep"])


@pytest.mark.parametrize("stop", ["aborted", "interrupted", "error"])
def test_a_broken_answer_keeps_its_text_and_loses_what_was_unfinished(stop: StopReason) -> None:
    thinking = Thinking("hm", signed(CLAUDE, signature="s"))
    cut = ToolCall("c", "run", raw='{"a', error="broken")
    whole = ToolCall("d", "run")

    parts = sent(CLAUDE, answer(thinking, whole, Text("so"), cut, stop=stop))

    assert parts[0] == (Text("so"), Text("[This answer was interrupted here.]"), whole)
    assert sent(CLAUDE, answer(whole, stop=stop))[0] == (whole,)


def test_of_a_declined_answer_goes_on_only_how_it_was_declined() -> None:
    cut = answer(Text("first you"), ToolCall("c", "run"), stop="refusal")
    words = Text("I can not help.", signed(GPT, refusal=True))

    messages, report = normalize((cut, user_message("why?")), CLAUDE)

    assert [message.parts for message in messages] == [(Text(DECLINED),), (Text("why?"),)]
    assert report.summary() == "1 answer left out as declined"
    assert sent(CLAUDE, answer(words, stop="refusal")) == [(Text("I can not help."),)]


def test_empty_turns() -> None:
    assert sent(CLAUDE, user_message(" ")) == [(Text(EMPTY),)]
    assert sent(CLAUDE, answer(Text(" "))) == []
    assert sent(CLAUDE, answer(stop="refusal")) == [(Text(DECLINED),)]


def test_thinking_goes_back_to_its_very_origin_alone_even_empty() -> None:
    thinking = Thinking("", signed(CLAUDE, signature="s"))
    moved = replace(CLAUDE, base_url="http://elsewhere")

    assert sent(CLAUDE, answer(thinking, Text("x"))) == [(thinking, Text("x"))]
    assert sent(moved, answer(thinking, Text("x"))) == [(Text("x"),)]
    assert sent(CLAUDE, answer(Thinking("hm"), Text("x"))) == [(Text("x"),)]
    unsigned = Thinking("hm", signed(CLAUDE, signature=""))
    _, report = normalize((answer(unsigned, thinking, Text("x")),), CLAUDE)
    assert report.summary() == "thinking ×1 not sent"
    assert report.counts() == {("dropped", "thinking"): 1, ("kept", "thinking"): 1}


def test_reasoning_that_nothing_follows_is_not_the_end_of_an_answer() -> None:
    thinking = Thinking("hm", signed(CLAUDE, signature="s"))
    hidden = Opaque("redacted_thinking", ProviderMetadata(CLAUDE.origin, {"block": {"data": "x"}}))
    alone = answer(thinking, hidden, stop="length")

    messages, report = normalize((user_message("a"), alone, user_message("b")), CLAUDE)

    assert [message.role for message in messages] == ["user", "user"]
    assert report.counts() == {("dropped", "thinking"): 1, ("dropped", "item"): 1}
    assert sent(CLAUDE, answer(Text("x"), thinking, Text(" "), stop="length")) == [(Text("x"),)]
    # A paused answer goes back as it came, to be gone on with.
    assert sent(CLAUDE, answer(thinking, hidden, stop="pause")) == [(thinking, hidden)]


def test_halves_of_a_character_become_whole_or_are_replaced() -> None:
    assert clean("\ud83d\ude00 \ud83d \0") == "\U0001f600 \ufffd \ufffd"


def test_reasoning_is_replayed_only_with_what_followed_it() -> None:
    reasoning = Thinking("", signed(GPT, id="rs_1", encrypted_content="c"))
    call = ToolCall("c", "f", metadata=signed(GPT, id="fc_1"))
    search = Opaque("web_search_call", signed(GPT, item={"id": "ws_1"}))
    text = Text("x", signed(GPT, id="msg_1"))

    assert sent(GPT, answer(reasoning, call, text))[0] == (reasoning, call, text)
    assert sent(GPT, answer(reasoning, search))[0] == (reasoning, search)
    assert sent(GPT, answer(text, reasoning))[0] == (Text("x"),)
    assert sent(GPT, answer(reasoning, Image(PNG, "image/png")))[0][0] != reasoning
    empty = Text("", signed(GPT, id="msg_1"))  # which is not sent
    assert sent(GPT, answer(call, reasoning, empty))[0] == (replace(call, metadata=None),)
    chat = Thinking("hm", signed(BOX, field="reasoning"))
    assert sent(BOX, answer(chat, Text("x"))) == [(chat, Text("x"))]


def test_a_foreign_item_is_told_by_its_note() -> None:
    item = Opaque("search", signed(GPT, item={}), "searched: flux")
    silent = replace(item, note="")

    messages, report = normalize((answer(item, silent), user_message("x")), CLAUDE)

    assert messages[0].parts == (Text("searched: flux"),)
    assert report.summary() == "1 item told as text · 1 item not sent"
    said = Message(role="user", parts=(silent, Text("x"), ToolCall("c", "f")))
    assert sent(CLAUDE, said) == [(Text("x"),)]
    alone = Message(role="user", parts=(silent, Thinking("hm")))
    assert sent(CLAUDE, alone) == [(Text(EMPTY),)]


def test_pictures_become_notes_where_none_are_taken() -> None:
    shot = Image(PNG, "image/png", "shot.png", 640, 480)

    messages, report = normalize((user_message("see", (shot, shot)),), BOX)

    assert messages[0].parts[0] == Text("[image omitted: shot.png, 640x480, image/png]")
    assert report.summary() == "2 images replaced by a note"
    assert not report.lossless
    assert normalize((user_message("see", (shot,)),), CLAUDE)[1].lossless


def test_a_picture_of_a_kind_that_one_vendor_refuses_becomes_a_note() -> None:
    gemini = replace(CLAUDE, api="gemini")
    moving = user_message("", (Image(PNG, "image/gif", "a.gif"),))

    assert sent(gemini, moving) == [(Text("[image omitted: a.gif, image/gif]"),)]
    assert sent(CLAUDE, moving) == [moving.parts]
    old = user_message("", (Image(PNG, "image/bmp", "a.bmp"),))
    assert sent(CLAUDE, old) == [(Text("[image omitted: a.bmp, image/bmp]"),)]


def test_of_too_many_pictures_the_newest_are_sent() -> None:
    few = replace(CLAUDE, max_images=2)
    first, second, third = (Image(PNG, "image/png", f"{n}.png") for n in "abc")
    call = answer(ToolCall("c", "f"), Image(PNG, "image/png"))
    result = Message(role="tool", parts=(ToolResult("c", "f", (second,)),))

    messages, report = normalize(
        (user_message("", (first,)), call, result, user_message("", (third,))), few
    )

    assert messages[0].parts == (Text("[image omitted: a.png, image/png]"),)
    assert messages[2].parts == result.parts
    assert messages[3].parts == (third,)
    assert "takes 2 images" in report.items[0].reason


def test_pictures_of_a_tool_follow_its_results_where_those_are_text() -> None:
    shot = Image(PNG, "image/png")
    pdf = Document(b"", "application/pdf", "a.pdf", "words")
    result = ToolResult("c", "f", (Text(" "), Text("seen"), shot, pdf))
    turn = (answer(ToolCall("c", "f")), Message(role="tool", parts=(result,), id="t"))

    messages, _ = normalize(turn, CHAT)

    inner = messages[1].parts[0]
    assert isinstance(inner, ToolResult)
    assert "a.pdf:\n```\nwords\n```" in inner.text
    assert (messages[2].role, messages[2].id, messages[2].parts[1]) == ("user", "t-images", shot)
    assert sent(CLAUDE, *turn)[1] == (replace(result, parts=(Text("seen"), shot, pdf)),)


def test_documents_go_as_files_as_text_or_as_a_note() -> None:
    pdf = Document(b"123", "application/pdf", "a.pdf")
    plain = Document(b"use ```", "text/plain")

    assert sent(CLAUDE, user_message("", (pdf,))) == [(pdf,)]
    assert sent(BOX, user_message("", (pdf,))) == [
        (Text("[document omitted: a.pdf, application/pdf, 3 bytes]"),)
    ]
    assert sent(BOX, user_message("", (plain,))) == [(Text("document:\n````\nuse ```\n````"),)]
    assert sent(CLAUDE, answer(plain)) == [(Text("document:\n````\nuse ```\n````"),)]


def test_a_name_is_made_fit_for_every_vendor_and_stays_unlike_others() -> None:
    assert [tool_name(name) for name in ("read_file", "a b", "9lives", "", "-x")] == [
        "read_file",
        "a_b",
        "_9lives",
        "unnamed",
        "_-x",
    ]
    long, longer = tool_name("x" * 70), tool_name("x" * 71)
    assert len(long) == len(longer) == 64
    assert long != longer


def test_what_needs_no_repair_is_the_same_object() -> None:
    turn = (
        user_message("hi"),
        answer(Text("so"), ToolCall("c", "run", {"a": "b", "n": 1})),
        Message(role="tool", parts=(ToolResult("c", "run", (Text("done"),)),)),
        answer(Text("é漢"), message_id="b"),
    )

    messages, report = normalize(turn, CHAT)

    assert all(one is other for one, other in zip(messages, turn, strict=True))
    assert report.items == ()


def test_a_message_that_lost_a_part_keeps_all_else() -> None:
    """One field after another, so that a new one cannot be forgotten."""
    said = replace(
        answer(Thinking("hm"), Text("x")),
        parent="p",
        model=CLAUDE.ref,
        usage=Usage(input=1),
        cost=Cost(basis="free"),
        error="late",
        timing=Timing(None, 1.0),
        metadata=signed(CLAUDE, id="msg_1"),
    )

    (found,), _ = normalize((said,), CLAUDE)

    empty = Message(role="user", parts=())
    kept = [one.name for one in fields(Message) if one.name not in {"parts", "role"}]
    assert all(getattr(found, name) == getattr(said, name) for name in kept)
    assert all(getattr(found, name) != getattr(empty, name) for name in kept)


def test_a_model_without_tools_reads_calls_and_results_as_text() -> None:
    deaf = replace(BOX, abilities=Abilities(tools=False))
    broken = ToolCall("d", "run", raw='{"a', error="broken")
    results = (ToolResult("c", "run", (Text("a\0b"), Image(PNG, "image/png")), is_error=True),)
    turn = (answer(ToolCall("c", "run", {"x": "é"}), broken), Message(role="tool", parts=results))

    messages, report = normalize(turn, deaf)

    assert [message.role for message in messages] == ["assistant", "user"]
    assert messages[0].parts == (
        Text('[called the tool run with {"x": "é"}]'),
        Text('[called the tool run with {"a]'),
    )
    assert messages[1].text.startswith("[result of the tool run]\na\ufffdb\n[image omitted")
    assert "2 tool uses told as text" in report.summary()


def test_a_signature_on_an_empty_text_goes_back_to_its_vendor_alone() -> None:
    gemini = replace(BOX, api="gemini")
    tail = Text("", signed(gemini, signature="s"))
    call = ToolCall("c", "f", metadata=signed(gemini, signature="t"))

    assert sent(gemini, answer(call, tail))[0] == (call, tail)
    assert sent(CLAUDE, answer(call, tail))[0] == (ToolCall("c", "f"),)
    assert sent(gemini, answer(tail, stop="aborted")) == []


def server_call(name: str) -> Opaque:
    block: dict[str, Any] = {"type": "server_tool_use", "id": name}
    return Opaque("server_tool_use", signed(CLAUDE, block=block), f"searched {name}")


def server_result(name: str) -> Opaque:
    block: dict[str, Any] = {"type": "web_search_tool_result", "tool_use_id": name}
    return Opaque("web_search_tool_result", signed(CLAUDE, block=block))


def test_a_user_gives_back_no_items_that_only_answers_hold() -> None:
    redacted = Opaque("redacted_thinking", signed(CLAUDE, block={"type": "redacted_thinking"}))
    upload = Opaque("container_upload", signed(CLAUDE, block={"type": "container_upload"}))
    said = Message(role="user", parts=(redacted, upload, Text("x")))

    assert sent(CLAUDE, said) == [(upload, Text("x"))]


def test_an_open_call_to_a_vendors_own_tool_stays_only_at_the_end() -> None:
    paused = answer(server_call("a"), server_result("a"), server_call("b"), stop="pause")
    resumed = answer(server_result("b"), Text("x"), message_id="r")
    bare = answer(Opaque("server_tool_use", signed(CLAUDE, block="odd"), "searched"))

    assert sent(CLAUDE, paused) == [paused.parts]
    assert sent(CLAUDE, paused, resumed) == [paused.parts, resumed.parts]
    assert sent(CLAUDE, paused, user_message("stop"))[0] == (
        *paused.parts[:2],
        Text("searched b"),
    )
    _, report = normalize((paused, user_message("stop")), CLAUDE)
    assert "not whole" in report.items[-1].reason
    assert sent(CLAUDE, bare, user_message("x"))[0] == (Text("searched"),)


def test_reasoning_bound_to_its_head_goes_when_that_has_changed() -> None:
    binding = replace(CLAUDE, binds_prefix=True)
    tools = [("f", "Does.", {"type": "object"})]
    head, other = head_digest("Be brief.", tools), head_digest("Be brief.", [])
    thinking = Thinking("hm", signed(binding, signature="s"))
    redacted = Opaque("redacted_thinking", signed(binding, block={"type": "redacted_thinking"}))
    asked = user_message("x")
    said = replace(answer(thinking, redacted, Text("y")), parent=asked.id)
    bound = bind(said, binding, head)
    elsewhere = replace(bound, parent="another")

    def kept(message: Message, given: str, model: ModelInfo = binding) -> bool:
        return thinking in normalize((asked, message), model, given)[0][1].parts

    assert kept(bound, head)
    assert kept(bound, "")
    assert kept(bound, other, replace(binding, binds_prefix=False))
    assert kept(said, other)
    assert not kept(bound, other)
    assert not kept(elsewhere, head)
    messages, report = normalize((asked, bound), binding, other)
    assert messages[1].parts == (Text("y"),)
    assert "has changed since" in report.items[0].reason


def test_only_binding_models_note_their_head() -> None:
    binding = replace(CLAUDE, binds_prefix=True)
    said = replace(answer(Text("y")), metadata=signed(CLAUDE, id="msg_1"))

    assert bind(said, CLAUDE, "head") is said
    assert bind(said, binding, "") is said
    noted = bind(said, binding, "head").metadata
    assert noted is not None
    assert dict(noted.data) == {"id": "msg_1", "head": "head"}


def test_long_histories_take_no_longer_per_message() -> None:
    """What grows with the square would take minutes here; nothing is timed."""
    thoughts = tuple(
        Thinking("x", signed(GPT, id="rs", encrypted_content="c")) for _ in range(9_000)
    )
    one = answer(*thoughts, *(ToolCall("call_0", "f", metadata=signed(GPT, id="fc")),) * 9_000)

    messages, _ = normalize((one,), GPT)

    assert len({call.id for call in messages[0].tool_calls}) == 9_000
    assert len(messages[1].parts) == 9_000

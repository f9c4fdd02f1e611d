"""The conversation on the screen."""

import time
from itertools import pairwise

import pytest
from textual.app import App
from textual.geometry import Offset
from textual.selection import Selection

from flux_tui.core.events import (
    Committed,
    Noted,
    ReplyDelta,
    ReplyStarted,
    RetryScheduled,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    TurnEnded,
)
from flux_tui.core.messages import (
    Conversation,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import ModelRef
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.widgets.transcript import Transcript
from flux_tui.ui.widgets.transcript_lines import STRIPS
from flux_tui.ui.widgets.transcript_pieces import Piece
from flux_tui.ui.widgets.transcript_view import ENTRIES, ROWS
from tests.ui.driving import wait_until

MODEL = ModelRef("anthropic", "claude-x")
SIZES = [(120, 40), (80, 24), (40, 12)]


class Demo(App[None]):
    def compose(self):
        self.clock = FrameClock(self)
        self.transcript = Transcript(self.clock)
        yield self.transcript


def answer(text, message_id="a1", **fields):
    parts = fields.pop("parts", (Text(text),))
    return Message(role="assistant", parts=parts, id=message_id, model=MODEL, **fields)


def talk(count):
    messages = []
    for number in range(count):
        words = f"answer {number} " + "word " * (number % 40)
        messages += [user_message(f"question {number}"), answer(words, f"a{number}")]
    for number, message in enumerate(messages):
        object.__setattr__(message, "parent", messages[number - 1].id if number else None)
    return Conversation("", tuple(messages), messages[-1].id)


def screen(transcript):
    return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]


def shown(transcript):
    return "\n".join(screen(transcript))


def deltas(transcript, text, message_id="a1"):
    for at in range(0, len(text), 7):
        transcript.apply(ReplyDelta(message_id, TextDelta(0, text[at : at + 7])))


@pytest.mark.parametrize("size", SIZES)
async def test_show_paints_the_end(size):
    app = Demo()
    async with app.run_test(size=size) as pilot:
        app.transcript.show(talk(50))
        await pilot.pause()

        assert "answer 49" in shown(app.transcript)
        assert app.transcript.follow
        assert app.transcript.scroll_offset.y == app.transcript.max_scroll_y


async def test_ten_thousand_messages_are_shown_at_once():
    app = Demo()
    conversation = talk(5_000)
    async with app.run_test(size=(120, 40)) as pilot:
        began = time.process_time()
        app.transcript.show(conversation)
        spent = time.process_time() - began
        await pilot.pause()

        assert spent < 1  # about 0.1 s of processor time; the machine may be busy
        assert "answer 4999" in shown(app.transcript)


async def test_a_reply_streams_and_is_replaced_by_the_message():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.apply(Committed(user_message("hello [/] [b]")))
        transcript.apply(ReplyStarted("a1", MODEL))
        deltas(transcript, "first\n\n- one\n- two\n\nthe open tail")
        app.clock.request()
        app.clock.tick()
        await pilot.pause()
        assert "hello [/] [b]" in shown(transcript)
        assert "• one" in shown(transcript)
        assert "the open tail" in shown(transcript)

        transcript.apply(Committed(answer("first\n\nthe *end*", stop="aborted")))
        app.clock.request()
        app.clock.tick()
        await pilot.pause()

        assert "the end" in shown(transcript)
        assert "◐ stopped" in shown(transcript)
        assert transcript.source_text("a1") == "first\n\nthe *end*"


async def test_an_unfinished_reply_keeps_its_text_when_the_turn_fails():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.apply(ReplyStarted("a1", MODEL))
        deltas(transcript, "```py\nx = 1")
        transcript.apply(TurnEnded("error", "the server hung up", "check the network", True))
        app.clock.tick()
        await pilot.pause()

        assert "x = 1" in shown(transcript)
        assert "✗ the server hung up" in shown(transcript)
        assert "check the network" in shown(transcript)
        assert "/retry asks again" in shown(transcript)


async def test_a_turn_that_fails_while_it_waits_to_try_again_no_longer_says_that_it_will():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.apply(ReplyStarted("a1", MODEL))
        transcript.apply(ReplyDelta("a1", RetryScheduled("the server is busy", 2.0, 2, 4)))
        app.clock.tick()
        await pilot.pause()
        assert "trying again in 2.0 s" in shown(transcript)

        transcript.apply(TurnEnded("error", "the server is busy", "try later", True))
        app.clock.tick()
        await pilot.pause()

        assert "trying again" not in shown(transcript)
        assert "nothing arrived" in shown(transcript)


async def test_the_error_of_a_reply_that_broke_off_is_said_once():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.apply(ReplyStarted("a1", MODEL))
        deltas(transcript, "half an ans")
        words = "the server hung up; try again"
        transcript.apply(Committed(answer("half an ans", error=words)))
        transcript.apply(TurnEnded("error", "the server hung up", "try again", True))
        app.clock.tick()
        await pilot.pause()

        assert shown(transcript).count("the server hung up") == 1


async def test_scrolling_up_stops_following_and_end_follows_again():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.show(talk(50))
        transcript.focus()
        await pilot.pause()

        transcript.scroll_up(animate=False, immediate=True)
        await pilot.pause()
        assert not transcript.follow

        before = screen(transcript)
        transcript.apply(ReplyStarted("new", MODEL))
        deltas(transcript, "unseen\n\n" * 50, "new")
        app.clock.request()
        app.clock.tick()
        await pilot.pause()
        assert screen(transcript) == before

        await pilot.press("end")
        await pilot.pause()
        assert transcript.follow
        assert "unseen" in shown(transcript)


async def test_the_end_is_reached_though_it_was_guessed_to_be_lower(monkeypatch):
    monkeypatch.setattr(Piece, "guess", lambda self, width: 9)
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.show(talk(50))
        await pilot.pause()
        transcript.scroll_home(animate=False, immediate=True)
        transcript.apply(ReplyStarted("new", MODEL))
        deltas(transcript, "unseen\n\n" * 50, "new")
        app.clock.request()
        app.clock.tick()
        guessed = transcript.max_scroll_y

        transcript.scroll_to(y=guessed - 3, animate=False, immediate=True)

        assert transcript.scroll_offset.y == transcript.max_scroll_y < guessed
        assert transcript.follow


async def test_measuring_above_keeps_the_window_still():
    app = Demo()
    async with app.run_test(size=(40, 12)) as pilot:
        transcript = app.transcript
        transcript.show(talk(200))
        await pilot.pause()
        transcript.jump("a100")
        await pilot.pause()
        before = screen(transcript)

        for _ in range(40):
            transcript._measure_more()
        await pilot.pause()

        assert screen(transcript) == before


async def test_a_resize_wraps_again_and_keeps_the_first_entry():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.show(talk(60))
        await pilot.pause()
        transcript.jump("a30")
        await pilot.pause()

        await pilot.resize_terminal(50, 20)
        await pilot.pause()

        assert not transcript.follow
        assert "answer 30" in shown(transcript)
        assert all(len(line) <= 50 for line in screen(transcript))


async def test_tool_calls_show_their_state():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        call = ToolCall("c1", "read_file", {"path": "a.py"})
        transcript.apply(ReplyStarted("a1", MODEL))
        transcript.apply(ReplyDelta("a1", ToolCallDelta(0, "c1", "read_file", '{"path"')))
        transcript.apply(Committed(answer("", parts=(call,))))
        states = []
        for event in (
            ToolStarted(call, waiting=True),
            ToolStarted(call),
            ToolOutput("c1", "abc"),
            ToolFinished(ToolResult("c1", "read_file", (Text("x" * 2000),)), "done"),
        ):
            transcript.apply(event)
            app.clock.tick()
            await pilot.pause()
            states.append(next(line.strip() for line in screen(transcript) if "read_file" in line))

        assert states == [
            "? read_file a.py  waiting for approval",
            "▸ read_file a.py  running",
            "▸ read_file a.py  running · 3 chars",
            "✓ read_file a.py  2.0 k chars",
        ]


async def test_thinking_is_folded_until_it_is_opened():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        message = answer("", parts=(Thinking("deep thought", seconds=12.3), Text("42")))
        transcript.show(Conversation().plus(user_message("why"), message))
        transcript.focus()
        await pilot.pause()
        assert "deep thought" not in shown(transcript)
        assert "thought for 12 s · 12 chars" in shown(transcript)

        await pilot.press("up", "enter")
        app.clock.tick()
        await pilot.pause()

        assert transcript.selected == "a1"
        assert "deep thought" in shown(transcript)


async def test_live_thinking_says_how_long_it_took():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.apply(ReplyStarted("a1", MODEL))
        transcript.apply(ReplyDelta("a1", ThinkingDelta(0, "hm")))
        app.clock.tick()
        await pilot.pause()
        assert "thinking…" in shown(transcript)

        transcript.apply(ReplyDelta("a1", TextDelta(1, "so")))
        app.clock.tick()
        await pilot.pause()
        assert "thought" in shown(transcript)


async def test_a_retry_is_announced():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.apply(ReplyStarted("a1", MODEL))
        transcript.apply(ReplyDelta("a1", RetryScheduled("rate limited", 2.0, 2, 4)))
        app.clock.tick()
        await pilot.pause()

        assert "rate limited · trying again in 2.0 s (2 of 4)" in shown(transcript)


async def test_a_notice_stands_between_the_messages():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        app.transcript.apply(Noted("the [b]reasoning[/b] is not sent"))
        app.clock.tick()
        await pilot.pause()

        assert "the [b]reasoning[/b] is not sent" in shown(app.transcript)


async def test_a_selected_message_gives_its_source_and_a_part_what_is_seen():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.show(Conversation().plus(user_message("one two"), answer("a **bold** word")))
        await pilot.pause()
        lines = screen(transcript)
        row = next(y for y, line in enumerate(lines) if "a bold" in line)

        part = transcript.get_selection(Selection(Offset(4, row), Offset(8, row)))
        everything = transcript.get_selection(Selection(None, None))

        assert part == ("bold", "\n")
        assert everything == ("one two\n\na **bold** word", "\n")


async def test_the_mouse_selects_across_messages():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.show(Conversation().plus(user_message("one two"), answer("three four")))
        await pilot.pause()
        await pilot.mouse_down(transcript, offset=(6, 2))
        await pilot.hover(transcript, offset=(7, 5))
        await pilot.mouse_up(transcript, offset=(7, 5))
        await pilot.pause()

        text = app.screen.get_selected_text()

        assert text is not None
        assert text.startswith("two")
        assert "three"[:4] in text


async def test_a_divider_fills_the_line_and_a_theme_change_restyles():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.divider("── a/b → c/d ──")
        app.clock.tick()
        await pilot.pause()
        line = next(y for y, text in enumerate(screen(transcript)) if "a/b → c/d" in text)
        before = [segment.style for segment in transcript.render_line(line)]

        app.theme = "textual-light"
        await pilot.pause()

        assert [segment.style for segment in transcript.render_line(line)] != before


async def test_code_blocks_of_a_message_can_be_copied():
    app = Demo()
    async with app.run_test(size=(80, 24)):
        app.transcript.show(Conversation().plus(answer("a\n```py\nx\n```\n")))

        assert app.transcript.code_blocks("a1") == ["x\n"]
        assert app.transcript.code_blocks("nothing") == []


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (200, 1)])
async def test_tiny_windows_do_not_break_it(size):
    app = Demo()
    async with app.run_test(size=size) as pilot:
        app.transcript.show(talk(3))
        await pilot.pause()
        app.transcript.apply(ReplyStarted("n", MODEL))
        app.clock.tick()
        await pilot.pause()
        assert app.is_running


async def test_a_fence_is_followed_by_one_blank_line():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        app.transcript.show(Conversation().plus(answer("```\nx\n```\n\ny")))
        await pilot.pause()

        assert screen(app.transcript)[2:5] == ["  │ x", "", "  y"]


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
async def test_quiet_text_stands_out_from_the_background(theme):
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        app.theme = theme
        app.transcript.show(Conversation().plus(answer("x")))
        await pilot.pause()
        segments = list(app.transcript.render_line(1))
        style = next(segment.style for segment in segments if "anthropic" in segment.text)

        ink = sum(style.color.get_truecolor())
        paper = sum(style.bgcolor.get_truecolor())

        assert abs(ink - paper) > 200


async def test_a_growing_reply_repaints_only_the_rows_that_changed():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.apply(ReplyStarted("a1", MODEL))
        deltas(transcript, "one\n\ntwo\n\nthree")
        app.clock.tick()
        await pilot.pause()
        regions = []
        refresh = transcript.refresh
        transcript.refresh = lambda *where, **more: (
            regions.extend(where),
            refresh(*where, **more),
        )[1]

        deltas(transcript, " four")
        app.clock.request()
        app.clock.tick()

        assert [region.y for region in regions] == [6]


async def test_memory_stays_bounded_while_paging_through_a_long_session():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.show(talk(1_000))
        await pilot.pause()

        for _ in range(150):
            transcript.scroll_relative(y=-24, animate=False, immediate=True, force=True)
            for y in range(24):
                transcript.render_line(y)

        assert transcript._rows == sum(piece.built for piece in transcript._pieces.values())
        assert transcript._rows <= ROWS + 24
        assert sum(entry.laid_out for entry in transcript._entries) <= ENTRIES
        assert len(transcript._strips) <= STRIPS


async def test_calls_that_are_not_taken_up_yet_are_waiting():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        first, second = ToolCall("c1", "read_file", {}), ToolCall("c2", "run_shell", {})
        transcript.apply(ReplyStarted("a1", MODEL))
        transcript.apply(Committed(answer("", parts=(first, second))))
        transcript.apply(ToolStarted(first, waiting=True))
        app.clock.tick()
        await pilot.pause()

        lines = [line.strip() for line in screen(transcript)]

        assert "? read_file  waiting for approval" in lines
        assert "· run_shell  waiting" in lines


async def test_changes_of_model_with_nothing_between_are_one():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.show(Conversation().plus(user_message("hi"), answer("hello")))
        names = ["one/a", "two/b", "three/c", "one/a", "two/b"]
        shown_rules: list[list[str]] = []
        for before, after in pairwise(names):
            transcript.divider(f"{before} → {after}   everything kept")
            app.clock.tick()
            await pilot.pause()
            shown_rules.append([line.strip(" ─") for line in screen(transcript) if "⇄" in line])

        assert shown_rules == [
            ["⇄ one/a → two/b"],
            ["⇄ one/a → three/c"],
            ["⇄ one/a"],
            ["⇄ one/a → two/b"],
        ]


async def test_the_first_word_of_an_answer_waits_for_no_frame(monkeypatch):
    app = Demo()
    async with app.run_test(size=(80, 24)):
        monkeypatch.setattr("flux_tui.ui.clock.SHORTEST", 600.0)
        monkeypatch.setattr("flux_tui.ui.clock.LONGEST", 600.0)
        app.transcript.apply(ReplyStarted("a1", MODEL))
        await wait_until(lambda: app.clock.interval == 600.0)
        frames = app.clock.frames

        deltas(app.transcript, "first")
        await wait_until(lambda: app.clock.frames == frames + 1)
        deltas(app.transcript, " second")

        assert "first" in shown(app.transcript)
        assert app.clock.dirty
        assert app.clock.frames == frames + 1


async def test_what_came_while_the_transcript_was_hidden_is_painted_when_it_shows():
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        app.transcript.display = False
        await pilot.pause()
        app.transcript.show(Conversation())
        app.transcript.apply(ReplyStarted("a1", MODEL))
        deltas(app.transcript, "came unseen")
        await wait_until(lambda: app.clock.frames and not app.clock.dirty)

        app.transcript.display = True

        await wait_until(lambda: "came unseen" in shown(app.transcript))
        await wait_until(lambda: not app.transcript._dirty)

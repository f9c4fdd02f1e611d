"""Any text, cut anywhere, at any width: the transcript shows it, and never raises."""

import random

import pytest
from textual.app import App

from flux_tui.core.events import Committed, ReplyDelta, ReplyStarted, TextDelta, TurnEnded
from flux_tui.core.messages import Conversation, Message, Text, Thinking, user_message
from flux_tui.core.models import ModelRef
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.widgets.transcript import Transcript

MODEL = ModelRef("anthropic", "claude-x")
SCRAPS = (
    *("word ", "\n", "\n\n", "```", "```py\n", "~~~\n", "- ", "1. ", "> ", "# ", "|a|b|\n|-|-|\n"),
    *(
        "| x | y |\n",
        "**",
        "_",
        "`",
        "[l](http://x.y)",
        "![i](z)",
        "<b>",
        "&amp;",
        "\\",
        "\t",
        "    ",
    ),
    *(
        "日本",
        "🎉",
        "👩\u200d👩\u200d👧",
        "e\u0301",
        "\u200b",
        "\ufe0f",
        "🇩🇪",
        "\u0301",
        "\x1b[31m",
        "\x00",
    ),
    *(
        "\r",
        "\u2028",
        "\ud800",
        "\u202e",
        "x" * 200,
        "---\n",
        "[" * 20,
        "- [x] ",
        "$x",
        "[/]",
        "[@click=x]",
    ),
)


class Demo(App[None]):
    def compose(self):
        self.clock = FrameClock(self)
        self.transcript = Transcript(self.clock)
        yield self.transcript


def scrambled(dice, most):
    return "".join(dice.choices(SCRAPS, k=dice.randint(1, most)))


def strips(transcript):
    return [transcript.render_line(y) for y in range(transcript.size.height)]


@pytest.mark.parametrize("seed", range(6))
async def test_scrambled_text_streams_loads_and_scrolls_alike(seed):
    dice = random.Random(seed)
    app = Demo()
    async with app.run_test(size=(dice.choice([20, 43, 80, 140]), dice.choice([6, 24]))) as pilot:
        transcript = app.transcript
        for number in range(4):
            text, thought = scrambled(dice, 80), scrambled(dice, 10)
            transcript.apply(Committed(user_message(scrambled(dice, 10))))
            transcript.apply(ReplyStarted(f"a{number}", MODEL))
            at = 0
            while at < len(text):
                size = dice.randint(1, 40)
                transcript.apply(ReplyDelta(f"a{number}", TextDelta(0, text[at : at + size])))
                at += size
                app.clock.request()
                app.clock.tick()
            parts = (Text(text), Thinking(thought))
            transcript.apply(
                Committed(Message(role="assistant", parts=parts, id=f"a{number}", model=MODEL))
            )
            transcript.apply(TurnEnded("end"))
            app.clock.request()
            app.clock.tick()
            await pilot.pause()
        streamed = []
        transcript.action_first()
        for _ in range(6):
            streamed.append([strip.text for strip in strips(transcript)])
            assert all(strip.cell_length == transcript.columns for strip in strips(transcript))
            transcript.scroll_relative(y=transcript.size.height, animate=False, immediate=True)
        entries = [entry.message for entry in transcript._entries]

        transcript.show(Conversation().plus(*entries))
        await pilot.pause()
        loaded = []
        transcript.action_first()
        for _ in range(6):
            loaded.append([strip.text for strip in strips(transcript)])
            transcript.scroll_relative(y=transcript.size.height, animate=False, immediate=True)

        assert loaded == streamed


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_the_reader_does_the_window_stays_whole(seed):
    dice = random.Random(seed)
    app = Demo()
    async with app.run_test(size=(60, 16)) as pilot:
        transcript = app.transcript
        messages = [
            answer
            for number in range(30)
            for answer in (
                user_message(scrambled(dice, 10)),
                Message(
                    role="assistant",
                    parts=(Thinking("hm"), Text(scrambled(dice, 60))),
                    id=f"a{number}",
                    model=MODEL,
                ),
            )
        ]
        transcript.show(Conversation().plus(*messages))
        transcript.focus()
        keys = [
            "up",
            "down",
            "K",
            "J",
            "left_square_bracket",
            "right_square_bracket",
            "e",
            "E",
            "f",
            "enter",
            "home",
            "end",
        ]
        keys += ["pageup", "pagedown", "c", "o", "n", "N", "escape"]
        for _ in range(60):
            await pilot.press(dice.choice(keys))
            if dice.random() < 0.1:
                transcript.search(dice.choice(["word", "x", ""]))
            if dice.random() < 0.1:
                await pilot.resize_terminal(dice.randint(12, 90), dice.randint(4, 30))

            assert 0 <= transcript.scroll_offset.y <= transcript.max_scroll_y
            assert transcript.virtual_size.height == transcript._heights.total
            assert len(strips(transcript)) == transcript.size.height

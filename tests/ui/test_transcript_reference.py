"""Heights, wrapping and selection, compared with a naive rendering that shares no code."""

import random

import pytest
from textual.app import App
from textual.geometry import Offset
from textual.selection import Selection

from flux_tui.core.events import Committed, ReplyDelta, ReplyStarted, TextDelta
from flux_tui.core.messages import Conversation, Message, Text, user_message
from flux_tui.core.models import ModelRef
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.widgets.transcript import Transcript
from tests.ui import transcript_reference as naive

MODEL = ModelRef("anthropic", "claude-x")
WORDS = (
    *("a", "word", "longer-word", "日本語", "値", "🎉", "e\u0301te\u0301", "wörter", "x" * 70),
    *("1234567", "и", "zero\u200bwidth", "naïve", "한국어", "(paren)", "semi;"),
)


class Demo(App[None]):
    def compose(self):
        self.clock = FrameClock(self)
        self.transcript = Transcript(self.clock)
        yield self.transcript


def random_blocks(dice):
    blocks = []
    for _ in range(dice.randint(1, 5)):
        kind = dice.choice(["paragraph", "paragraph", "code", "bullets"])
        if blocks and blocks[-1][0] == kind == "bullets":
            kind = "paragraph"

        def words(most):
            return " ".join(dice.choices(WORDS, k=dice.randint(1, most)))

        if kind == "paragraph":
            blocks.append((kind, words(40)))
        elif kind == "code":
            blocks.append((kind, [words(20) for _ in range(dice.randint(1, 6))]))
        else:
            blocks.append((kind, [words(25) for _ in range(dice.randint(1, 6))]))
    return blocks


def random_talk(seed):
    """A conversation, and for each message its head and blocks."""
    dice = random.Random(seed)
    conversation, expected = Conversation(), []
    for number in range(12):
        asked = " ".join(dice.choices(WORDS, k=dice.randint(1, 30)))
        blocks = random_blocks(dice)
        conversation = conversation.plus(
            user_message(asked),
            Message(
                role="assistant",
                parts=(Text(naive.markdown(blocks)),),
                id=f"a{number}",
                model=MODEL,
            ),
        )
        expected += [("You", [("paragraph", asked)]), ("claude-x  anthropic", blocks)]
    return conversation, expected


def naive_lines(expected, width):
    return [line for head, blocks in expected for line in naive.message(head, blocks, width)]


def every_line(transcript):
    """All lines of the transcript, read through its window from top to bottom."""
    transcript.action_first()
    lines, y = [], 0
    while y < transcript.virtual_size.height:
        transcript.scroll_to(y=y, animate=False, immediate=True, force=True)
        offset = y - transcript.scroll_offset.y
        window = range(offset, transcript.size.height)
        seen = [transcript.render_line(each).text[2:].rstrip() for each in window]
        lines += seen[: transcript.virtual_size.height - y]
        y += len(window)
    return lines


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (43, 12), (200, 50)])
@pytest.mark.parametrize("seed", range(3))
async def test_every_line_is_where_a_naive_rendering_puts_it(size, seed):
    conversation, expected = random_talk(seed)
    app = Demo()
    async with app.run_test(size=size) as pilot:
        app.transcript.show(conversation)
        await pilot.pause()

        lines = every_line(app.transcript)

        # Marks that have no width are lost or kept alike: only what is seen is compared.
        wanted = [line.rstrip() for line in naive_lines(expected, app.transcript.text_width)]
        assert lines == wanted
        assert app.transcript.virtual_size.height == len(wanted)


@pytest.mark.parametrize("seed", range(3))
async def test_a_resize_gives_the_lines_of_the_new_width(seed):
    conversation, expected = random_talk(seed)
    app = Demo()
    async with app.run_test(size=(100, 30)) as pilot:
        app.transcript.show(conversation)
        await pilot.pause()
        every_line(app.transcript)

        await pilot.resize_terminal(57, 17)
        await pilot.pause()

        wanted = [line.rstrip() for line in naive_lines(expected, app.transcript.text_width)]
        assert every_line(app.transcript) == wanted


@pytest.mark.parametrize("seed", range(4))
async def test_a_streamed_reply_ends_up_with_the_lines_of_a_loaded_one(seed):
    dice = random.Random(seed)
    blocks = random_blocks(dice)
    source = naive.markdown(blocks)
    app = Demo()
    async with app.run_test(size=(70, 24)) as pilot:
        transcript = app.transcript
        transcript.apply(ReplyStarted("a1", MODEL))
        at = 0
        while at < len(source):
            size = dice.randint(1, 30)
            transcript.apply(ReplyDelta("a1", TextDelta(0, source[at : at + size])))
            at += size
            app.clock.request()
            app.clock.tick()
        message = Message(role="assistant", parts=(Text(source),), id="a1", model=MODEL)
        transcript.apply(Committed(message))
        app.clock.request()
        app.clock.tick()
        await pilot.pause()

        wanted = naive.message("claude-x  anthropic", blocks, transcript.text_width)
        assert every_line(transcript) == [line.rstrip() for line in wanted]


@pytest.mark.parametrize("seed", range(3))
async def test_a_selection_of_whole_lines_copies_the_words_in_order(seed):
    conversation, expected = random_talk(seed)
    app = Demo()
    async with app.run_test(size=(60, 24)) as pilot:
        transcript = app.transcript
        transcript.show(conversation)
        await pilot.pause()
        lines = naive_lines(expected, transcript.text_width)
        every_line(transcript)
        dice = random.Random(seed)
        for _ in range(30):
            first, last = sorted(dice.sample(range(len(lines)), 2))

            found = transcript.get_selection(Selection(Offset(0, first), Offset(200, last)))

            # Folded lines are joined again, fences and bullets may come as source: letters count.
            def letters(text):
                return "".join(char for char in text if char.isalnum())

            heads = {"You", "claude-x  anthropic"}
            wanted = letters("".join(line for line in lines[first : last + 1] if line not in heads))
            text = letters(found[0].replace("claude-x  anthropic", ""))
            assert text.replace("You", "") == wanted


@pytest.mark.parametrize("seed", range(3))
async def test_rows_painted_in_part_are_the_rows_painted_anew(seed):
    conversation, _ = random_talk(seed)
    app = Demo()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        transcript.show(conversation)
        await pilot.pause()
        dice = random.Random(seed)
        for _ in range(15):
            step = dice.choice([-9, -3, -1, 1, 2, 8])
            transcript.scroll_relative(y=step, animate=False, immediate=True)
            await pilot.pause()
            before = [strip.text[:-1] for strip in app.screen._compositor.render_strips()]

            transcript.refresh()
            await pilot.pause()

            # The scrollbar is left out: it learns better heights in between.
            after = [strip.text[:-1] for strip in app.screen._compositor.render_strips()]
            assert before == after

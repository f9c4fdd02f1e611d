"""Reading a transcript: choosing, folding, finding, copying, links, giants."""

import pytest
from textual import on
from textual.app import App
from textual.content import Content
from textual.geometry import Offset
from textual.selection import Selection

from flux_tui.core.events import Committed, ReplyDelta, ReplyStarted, TextDelta, TurnEnded
from flux_tui.core.messages import (
    Conversation,
    Message,
    ProviderMetadata,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import ModelRef, Origin
from flux_tui.ui.clock import FrameClock
from flux_tui.ui.render.wrapping import wrap_facts
from flux_tui.ui.widgets.transcript import Transcript

MODEL = ModelRef("anthropic", "claude-x")
RICH = """Some **bold** words.

```python
x = 1
y = 2
```

| a | b |
|---|---|
| 1 | two words |

See [the site](https://example.org/page) and [this](javascript:alert).
"""


class Demo(App[None]):
    def __init__(self):
        super().__init__()
        self.seen = []

    def compose(self):
        self.clock = FrameClock(self)
        self.transcript = Transcript(self.clock)
        yield self.transcript

    def on_transcript_link_picked(self, event):
        self.seen.append(("link", event.target))

    def on_transcript_copy_asked(self, event):
        self.seen.append(("copy", event.what, event.text))

    @on(Transcript.Found)
    def found(self, event):
        self.seen.append(("found", event.number, event.count))


def answer(text, message_id, **fields):
    parts = fields.pop("parts", (Text(text),))
    return Message(role="assistant", parts=parts, id=message_id, model=MODEL, **fields)


def talk(*texts):
    conversation = Conversation()
    for number, text in enumerate(texts):
        conversation = conversation.plus(
            user_message(f"question {number}"), answer(text, f"a{number}")
        )
    return conversation


def shown(transcript):
    height = transcript.size.height
    return "\n".join(transcript.render_line(y).text.rstrip() for y in range(height))


def line_of(transcript, words):
    lines = shown(transcript).splitlines()
    return next(y for y, line in enumerate(lines) if words in line)


async def opened(pilot, conversation):
    transcript = pilot.app.transcript
    transcript.show(conversation)
    transcript.focus()
    await pilot.pause()
    return transcript


async def test_messages_are_chosen_one_after_the_other():
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = await opened(pilot, talk("one", "two", "three"))

        chosen = []
        for _ in range(3):
            await pilot.press("up")
            chosen.append(transcript.chosen()[0])
        await pilot.press("down")

        assert chosen == ["three", "question 2", "two"]
        assert transcript.chosen() == ("question 2", "message")
        assert shown(transcript).count("┃") == 2


async def test_blocks_of_a_message_are_chosen_in_turn_and_give_their_source():
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = await opened(pilot, talk(RICH))
        await pilot.press("up")

        found = []
        for _ in range(4):
            await pilot.press("J")
            found.append(transcript.chosen())

        assert found == [
            ("Some **bold** words.", "block"),
            ("x = 1\ny = 2\n", "code"),
            ("a\tb\n1\ttwo words\n", "table"),
            ("See [the site](https://example.org/page) and [this](javascript:alert).", "block"),
        ]


async def test_code_and_errors_are_found_across_messages():
    fence = "```\ncode {}\n```"
    async with Demo().run_test(size=(80, 12)) as pilot:
        broken = answer("half", "broken", error="the line broke")
        conversation = talk(*(fence.format(n) if n % 3 == 0 else "prose" for n in range(10)))
        transcript = await opened(pilot, conversation.plus(broken))

        codes = []
        while transcript.go("code", -1):
            codes.append(transcript.chosen()[0])
        assert codes == [f"code {n}\n" for n in (9, 6, 3, 0)]
        assert "code 0" in shown(transcript)
        assert not transcript.follow

        assert transcript.go("error")
        assert transcript.selected == "broken"
        assert "the line broke" in shown(transcript)
        assert not transcript.go("error")


async def test_a_failed_call_counts_as_an_error():
    call = ToolCall("c1", "run", {"x": 1})
    result = ToolResult("c1", "run", (Text("no"),), is_error=True)
    async with Demo().run_test(size=(80, 24)) as pilot:
        conversation = Conversation().plus(
            answer("", "a", parts=(call,)), Message(role="tool", parts=(result,)), answer("x", "b")
        )
        transcript = await opened(pilot, conversation)

        assert transcript.go("error", -1)
        assert transcript.selected == "a"


async def test_a_message_is_folded_and_unfolded():
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = await opened(pilot, talk("first line\n\nsecond line"))
        await pilot.press("up", "f")
        await pilot.pause()
        assert "lines folded · first line" in shown(transcript)
        assert transcript.virtual_size.height == 5

        await pilot.press("enter")
        await pilot.pause()
        assert "second line" in shown(transcript).splitlines()[7]


async def test_thinking_opens_with_a_click():
    async with Demo().run_test(size=(80, 24)) as pilot:
        message = answer("", "a", parts=(Thinking("deep thought"), Text("42")))
        transcript = await opened(pilot, Conversation().plus(message))

        await pilot.click(transcript, offset=(5, line_of(transcript, "thought")))
        await pilot.pause()

        assert "┆ deep thought" in shown(transcript)


async def test_search_marks_every_hit_and_goes_through_them():
    texts = [f"needle {n} and Needle again" if n % 10 == 0 else "hay\n\n" * 5 for n in range(40)]
    async with Demo().run_test(size=(80, 12)) as pilot:
        transcript = await opened(pilot, talk(*texts))

        assert transcript.search("needle") == 8
        assert "needle 30" in shown(transcript)
        rows = [transcript.line(y) for y in range(12)]
        marked = [row.spans for row in rows if row.spans]
        assert marked == [((0, 6, ".transcript--match"), (14, 20, ".transcript--hit"))]

        assert transcript.next_hit()
        assert "needle 0" in shown(transcript)
        assert transcript.next_hit(-1)
        assert "needle 30" in shown(transcript)
        await pilot.pause()
        assert pilot.app.seen == [("found", 8, 8), ("found", 1, 8), ("found", 8, 8)]

        assert transcript.search("") == 0
        assert not transcript.next_hit()
        assert not any(transcript.line(y).spans for y in range(12))


async def test_search_opens_what_hides_a_hit():
    long = "\n\n".join(f"paragraph {n}" for n in range(3)) + "\n\n```\n"
    long += "\n".join(f"line {n}" for n in range(4_000)) + "\n```\n"
    async with Demo().run_test(size=(80, 20)) as pilot:
        transcript = await opened(pilot, talk("short", long))
        while transcript._ahead is not None:
            transcript._measure_more()
        assert "more lines" in shown(transcript) or transcript.virtual_size.height < 400

        assert transcript.search("line 2345") == 1

        assert "line 2345" in shown(transcript)


async def test_a_search_for_nothing_that_is_there_says_so():
    async with Demo().run_test(size=(80, 12)) as pilot:
        transcript = await opened(pilot, talk("hay"))

        assert transcript.search("needle") == 0
        await pilot.pause()

        assert pilot.app.seen == [("found", 0, 0)]


async def test_a_click_on_a_link_asks_and_other_targets_are_dead():
    async with Demo().run_test(size=(100, 24)) as pilot:
        transcript = await opened(pilot, talk(RICH))
        y = line_of(transcript, "the site")
        line = shown(transcript).splitlines()[y]

        await pilot.click(transcript, offset=(line.index("site"), y))
        await pilot.click(transcript, offset=(line.index("this"), y))
        await pilot.click(transcript, offset=(line.index("See"), y))
        await pilot.press("up", "o")
        await pilot.pause()

        assert pilot.app.seen == [("link", "https://example.org/page")] * 2


async def test_an_address_that_is_no_link_is_found_whole_even_where_it_is_broken():
    address = "https://example.org/" + "a" * 40 + "/b?c=1"
    text = f"go to {address}, or to ftp://x.org/y"
    async with Demo().run_test(size=(40, 24)) as pilot:
        transcript = await opened(pilot, talk(text))
        first, last = line_of(transcript, "https://"), line_of(transcript, "b?c=1")
        assert first < last

        for y, word in ((first, "https"), (last, "b?c")):
            line = shown(transcript).splitlines()[y]
            await pilot.click(transcript, offset=(line.index(word) + 1, y))
        line = shown(transcript).splitlines()[last]
        await pilot.press("up", "o")
        await pilot.pause()

        assert pilot.app.seen == [("link", address)] * 3


async def test_sources_stand_below_the_answer_literally_and_open_like_links():
    cited = [
        {"title": "[b]One[/b]", "url": "https://example.org/one"},
        {"title": "Two", "url": "javascript:alert(1)"},
    ]
    origin = Origin("anthropic", "anthropic", "http://localhost", "claude-x")
    part = Text("It is so.", ProviderMetadata(origin, {"citations": cited}))
    conversation = Conversation().plus(user_message("hi"), answer("", "a0", parts=(part,)))
    listed = "Sources:\n\n1. [b]One[/b] — https://example.org/one\n2. Two — javascript:alert(1)"
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = await opened(pilot, conversation)
        y = line_of(transcript, "1. [b]One[/b]")
        assert line_of(transcript, "Sources") == y - 1
        for at, word in ((y, "example"), (y + 1, "alert")):
            line = shown(transcript).splitlines()[at]
            await pilot.click(transcript, offset=(line.index(word), at))
        await pilot.press("up", "o")
        await pilot.pause()

        assert pilot.app.seen == [("link", "https://example.org/one")] * 2
        assert transcript.source_text("a0") == f"It is so.\n\n{listed}"
        assert listed in transcript.session_text()

        assert transcript.search("example.org") == 1


async def test_a_source_too_long_for_a_row_goes_on_below_its_title_and_is_copied_whole():
    url = "https://example.org/a/place"
    origin = Origin("anthropic", "anthropic", "http://localhost", "claude-x")
    cited = [{"title": "A title of five words", "url": url}]
    part = Text("It is so.", ProviderMetadata(origin, {"citations": cited}))
    conversation = Conversation().plus(user_message("hi"), answer("", "a0", parts=(part,)))
    async with Demo().run_test(size=(40, 24)) as pilot:
        transcript = await opened(pilot, conversation)
        y = line_of(transcript, "1. A title")
        first, second = shown(transcript).splitlines()[y : y + 2]
        assert first.index("A title") == second.index("https")

        start = Offset(first.index("1."), y)
        end = Offset(second.rindex("e") + 1, y + 1)
        selected = transcript.get_selection(Selection(start, end))

        assert selected == (f"1. A title of five words — {url}", "\n")


async def test_what_has_no_link_says_so_with_an_empty_one():
    async with Demo().run_test(size=(80, 24)) as pilot:
        await opened(pilot, talk("nothing here"))
        await pilot.press("up", "o")
        await pilot.pause()

        assert pilot.app.seen == [("link", "")]


async def test_what_is_selected_with_the_mouse_is_seen_across_messages():
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = await opened(pilot, talk("first answer", "second answer"))
        top, end = line_of(transcript, "first answer"), line_of(transcript, "second answer")

        await pilot.mouse_down(transcript, offset=(8, top))
        await pilot.hover(transcript, offset=(8, end))
        await pilot.pause()

        seen = [
            "".join(part.text for part in transcript.render_line(y) if part.style.reverse)
            for y in (top, end)
        ]
        assert [text.strip() for text in seen] == ["answer", "second"]
        assert transcript.screen.get_selected_text().startswith("answer")


async def test_the_hit_that_is_shown_and_the_others_can_be_seen_and_read():
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = await opened(pilot, talk("a needle and a needle"))
        transcript.search("needle")
        await pilot.pause()

        y = line_of(transcript, "a needle")
        parts = {part.text: part.style for part in transcript.render_line(y)}
        hits = [part.style for part in transcript.render_line(y) if part.text == "needle"]
        plain = parts["a "] if "a " in parts else next(iter(parts.values()))
        assert len(hits) == 2
        assert len({style.bgcolor for style in (*hits, plain)}) == 3
        assert all(style.color != style.bgcolor for style in hits)


async def test_the_end_of_a_search_is_told():
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = await opened(pilot, talk("a needle"))
        transcript.search("needle")
        await pilot.press("escape")
        await pilot.pause()

        assert pilot.app.seen == [("found", 1, 1), ("found", 0, -1)]


async def test_copying_is_asked_for_with_what_it_is():
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = await opened(pilot, talk(RICH))
        await pilot.press("up", "c", "right_square_bracket", "c")
        await pilot.pause()

        assert [seen[:2] for seen in pilot.app.seen] == [("copy", "message"), ("copy", "code")]
        assert pilot.app.seen[0][2] == RICH
        assert transcript.tables("a0") == ["a\tb\n1\ttwo words\n"]
        assert transcript.session_text().startswith("## You\n\nquestion 0\n\n## claude-x")


async def test_a_selection_within_a_message_gives_whole_blocks_as_source():
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = await opened(pilot, talk(RICH))
        first, last = line_of(transcript, "Some bold"), line_of(transcript, "two words")

        text, _ = transcript.get_selection(
            Selection(Offset(2 + len("Some "), first), Offset(80, last))
        )

        assert text == (
            "bold words.\n\n```python\nx = 1\ny = 2\n```\n\n| a | b |\n|---|---|\n| 1 | two words |"
        )


async def test_wrapped_words_are_joined_again_when_copied():
    words = " ".join(f"word{n}" for n in range(40))
    async with Demo().run_test(size=(40, 24)) as pilot:
        transcript = await opened(pilot, talk(words))
        y = line_of(transcript, "word1 ")

        text, _ = transcript.get_selection(Selection(Offset(8, y), Offset(9, y + 3)))

        assert text in words
        assert "\n" not in text


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"line {n}" for n in range(20_000)),
        "```\n" + "\n".join(f"line {n}" for n in range(20_000)) + "\n```",
        "x" * 300_000,
    ],
    ids=["prose", "code", "one line"],
)
async def test_a_giant_shows_its_end_at_once_and_its_middle_when_asked(text):
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = await opened(pilot, talk(text))
        assert text[-8:-4] in shown(transcript).replace("\n", "")
        built = sum(piece.built for piece in transcript._entries[-1].layout.pieces)
        assert built < 400

        while transcript._ahead is not None:
            transcript._measure_more()
        before = transcript.virtual_size.height
        target = next(
            piece.target
            for piece in transcript._entries[-1].layout.pieces
            if piece.target.startswith("more:")
        )
        transcript._act(transcript._entries[-1], target)
        await pilot.pause()

        assert transcript.virtual_size.height > 2 * before
        transcript.action_first()
        transcript.scroll_to(y=transcript.virtual_size.height // 2, animate=False, immediate=True)
        await pilot.pause()
        assert text[4:8].split()[0] in shown(transcript)
        assert transcript._rows <= 7_000


async def test_a_resize_keeps_the_line_of_a_giant_at_the_top():
    text = "\n\n".join(f"paragraph {n} " + "word " * 30 for n in range(2_000))
    async with Demo().run_test(size=(90, 24)) as pilot:
        transcript = await opened(pilot, talk(text))
        while transcript._ahead is not None:
            transcript._measure_more()
        transcript.scroll_to(y=2_000, animate=False, immediate=True)
        await pilot.pause()
        row = transcript.row_at(0)
        piece = row[2]

        await pilot.resize_terminal(61, 20)
        await pilot.pause()

        assert transcript.row_at(0)[2] is piece
        for _ in range(40):
            transcript._measure_more()
        assert transcript.row_at(0)[2] is piece


async def test_what_streamed_in_stays_built_when_the_message_takes_its_place():
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = pilot.app.transcript
        transcript.apply(ReplyStarted("a", MODEL))
        transcript.apply(ReplyDelta("a", TextDelta(0, RICH)))
        pilot.app.clock.tick()
        await pilot.pause()
        before = {id(piece) for piece in transcript._entries[0].layout.pieces}

        transcript.apply(Committed(answer(RICH, "a")))
        transcript.apply(TurnEnded("end"))
        pilot.app.clock.request()
        pilot.app.clock.tick()
        await pilot.pause()

        kept = [id(piece) in before for piece in transcript._entries[0].layout.pieces]
        assert kept.count(True) >= 3


async def test_a_line_whose_width_terminals_do_not_agree_on_is_painted_to_its_end():
    async with Demo().run_test(size=(60, 24)) as pilot:
        transcript = await opened(pilot, talk("plain\n\n👩👩👧 family\n\nend"))
        widths = []
        transcript.refresh = lambda *regions, **_: widths.extend(r.width for r in regions)
        transcript.selected = "a0"

        assert sorted(set(widths)) == [2 + 3, 2 + 5, 2 + len("claude-x  anthropic"), 59]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (80, ["1,634 tok · $0.02 simulated · 3.6 s"]),
        (34, ["1,634 tok · $0.02 simulated", "3.6 s"]),
        (20, ["1,634 tok", "$0.02 simulated", "3.6 s"]),
        (10, ["1,634 tok", "$0.02", "simulated", "3.6 s"]),
    ],
)
def test_facts_are_broken_between_facts(width, lines):
    rows = wrap_facts(Content("1,634 tok · $0.02 simulated · 3.6 s"), width)

    assert [row.content.plain for row in rows] == lines


async def test_nothing_is_painted_while_nothing_changes():
    async with Demo().run_test(size=(80, 24)) as pilot:
        transcript = await opened(pilot, talk(*["text"] * 30))
        while transcript._ahead is not None:
            transcript._measure_more()
        await pilot.pause()
        painted = []
        refresh = transcript.refresh
        transcript.refresh = lambda *regions, **more: (
            painted.append(regions),
            refresh(*regions, **more),
        )[1]

        transcript.paint()
        transcript.update_window()
        transcript.update_scrollbar()

        assert painted == []
        assert pilot.app.clock.idle


HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202ereverse\x00\x08\ud800 [b]x[/b] ok"


async def test_opened_reasoning_is_one_block_and_gives_its_text():
    async with Demo().run_test(size=(80, 24)) as pilot:
        message = answer("", "a", parts=(Thinking("deep thought " * 1_000), Text("42")))
        transcript = await opened(pilot, Conversation().plus(message))
        await pilot.press("up", "enter", "J")

        assert transcript.chosen() == ("deep thought " * 999 + "deep thought", "block")
        await pilot.press("J")
        assert transcript.chosen() == ("42", "block")


@pytest.mark.parametrize("shape", ["{}", "```\n{}\n```", "| {} |\n|---|\n| {} |", "# {}", "> - {}"])
async def test_control_characters_never_reach_a_strip(shape):
    async with Demo().run_test(size=(120, 24)) as pilot:
        transcript = pilot.app.transcript
        text = shape.replace("{}", HOSTILE)
        thinking = answer("", "t", parts=(Thinking(HOSTILE), Text(text)))
        transcript.show(Conversation().plus(user_message(HOSTILE), answer(text, "a"), thinking))
        transcript.divider(HOSTILE, "notice")
        transcript.apply(ReplyStarted("l", MODEL))
        transcript.apply(ReplyDelta("l", TextDelta(0, text)))
        pilot.app.clock.tick()
        await pilot.pause()

        text = "".join(transcript.render_line(y).text for y in range(24))

        assert "ok" in text
        assert not [
            c for c in text if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or "\ud7ff" < c < "\ue000"
        ]
        assert "\u202e" not in text

"""What goes to the terminal, and how soon."""

import random
from inspect import getsource

import pyte
import pytest
from rich.console import Console
from textual import events
from textual import screen as textual_screen
from textual._compositor import Compositor
from textual.app import App
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.message_pump import MessagePump
from textual.screen import ModalScreen, Screen

from flux_tui.ui.painting import LeanCompositor, paint_now
from flux_tui.ui.widgets.plain import Plain

SIZE = (60, 20)


class TwoLines(App[None]):
    """Remembers what goes to the terminal."""

    def __init__(self):
        super().__init__()
        self.shown = []

    def compose(self):
        yield Plain("one", id="one")
        yield Plain("two", id="two")

    def _display(self, screen, renderable):
        self.shown.append(renderable)


class Overlapping(App[None]):
    """Boxes side by side, in each other, on each other, and partly outside of their container."""

    CSS = """
    Screen { layers: below above; }
    #main { layout: horizontal; height: 12; }
    .box { width: 1fr; border: round red; border-title-align: right; }
    #wide { width: 30; height: 8; overflow: hidden; }
    #wide Plain { width: 50; height: 12; background: blue; }
    #over { layer: above; width: 17; height: 6; offset: 21 5; border: heavy green; }
    #last { dock: bottom; height: 1; background: $panel; }
    """

    def compose(self):
        with Vertical(id="main"):
            yield Plain("漢字 and words " * 30, classes="box")
            with Vertical(id="wide"):
                yield Plain("inside " * 90)
            yield Plain("more 🎉 " * 30, classes="box")
        yield Plain("on top " * 20, id="over")
        yield Plain("the last line", id="last")

    def on_mount(self):
        self.query(".box").first().border_title = "title"


async def test_what_is_painted_now_leaves_the_rest_to_the_next_update():
    async with TwoLines().run_test() as pilot:
        one, two = pilot.app.query_one("#one"), pilot.app.query_one("#two")
        one.update("1", layout=False)
        two.update("2", layout=False)
        pilot.app.screen._compositor.update_widgets({two})
        pilot.app.shown.clear()

        paint_now(one)

        (update,) = pilot.app.shown
        assert {y for y, *_ in update.spans} == {one.region.y}
        assert {region.y for region in pilot.app.screen._compositor._dirty_regions} == {
            two.region.y
        }


async def test_nothing_is_painted_now_below_a_dialog():
    async with TwoLines().run_test() as pilot:
        one = pilot.app.query_one("#one")
        await pilot.app.push_screen(ModalScreen())
        pilot.app.shown.clear()
        one.update("1", layout=False)

        paint_now(one)

        assert pilot.app.shown == []


async def test_with_more_keys_to_take_nothing_is_painted_between():
    async with TwoLines().run_test() as pilot:
        one = pilot.app.query_one("#one")
        one.update("1", layout=False)
        pilot.app.shown.clear()
        one._pending_message = events.Key("b", "b")

        paint_now(one)

        one._pending_message = None

        assert pilot.app.shown == []


async def test_a_text_that_is_shown_already_is_not_painted_again():
    async with TwoLines().run_test() as pilot:
        one = pilot.app.query_one("#one")
        one.update(Content("now"))
        await pilot.pause()
        pilot.app.shown.clear()

        one.update(Content("now"))
        await pilot.pause()

        assert pilot.app.shown == []
        assert not one._layout_required


def looks(screen):
    return [[screen.buffer[y][x] for x in range(SIZE[0])] for y in range(SIZE[1])]


async def test_changed_regions_look_as_textual_would_paint_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(textual_screen, "Compositor", LeanCompositor)
    console = Console(color_system="truecolor", force_terminal=True)
    chance = random.Random(4)
    async with Overlapping().run_test(size=SIZE) as pilot:
        compositor = pilot.app.screen._compositor
        assert isinstance(compositor, LeanCompositor)
        for _ in range(150):
            regions = {
                Region(chance.randint(-3, 59), chance.randint(-2, 19), chance.randint(1, 40), high)
                for high in (1, 1, chance.randint(1, 9))[: chance.randint(1, 3)]
            }
            painted = []
            for render in (
                Compositor.render_partial_update,
                LeanCompositor.render_partial_update,
            ):
                compositor._dirty_regions = {
                    part for part in (r.intersection(Region(0, 0, *SIZE)) for r in regions) if part
                }
                update = render(compositor)
                terminal = pyte.Screen(*SIZE)
                pyte.Stream(terminal).feed(update.render_segments(console) if update else "")
                painted.append(looks(terminal))
            assert painted[0] == painted[1], regions


async def test_only_changed_lines_are_rendered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(textual_screen, "Compositor", LeanCompositor)
    async with Overlapping().run_test(size=SIZE) as pilot:
        rendered = []
        for widget in pilot.app.query(Plain):
            whole = widget.render_lines

            def render_lines(crop, widget=widget, whole=whole):
                rendered.append((widget.id, crop))
                return whole(crop)

            monkeypatch.setattr(widget, "render_lines", render_lines)
        last = pilot.app.query_one("#last")
        over = pilot.app.query_one("#over")
        compositor = pilot.app.screen._compositor
        compositor._dirty_regions = {last.region, Region(over.region.x, over.region.y + 2, 9, 1)}

        update = compositor.render_partial_update()

        assert sorted(rendered) == [
            ("last", Region(0, 0, SIZE[0], 1)),
            ("over", Region(0, 2, over.region.width, 1)),
        ]
        assert len(update.spans) == 2
        assert compositor.render_partial_update() is None


def test_the_private_names_of_textual_that_painting_touches_are_still_there():
    assert "UPDATE_PERIOD" in getsource(Screen._update_timer.fget)
    assert "self._compositor = Compositor()" in getsource(Screen.__init__)
    assert "_pending_message" in getsource(MessagePump._peek_message)
    for name in ("_dirty_regions", "update_widgets", "render_partial_update"):
        assert name in getsource(Compositor)
    assert "_background_screens" in getsource(Screen._compositor_refresh)
    assert "visible_screen_stack.set" in getsource(Compositor.render_update)

"""The pace of painting."""

from inspect import getsource

from textual._compositor import Compositor
from textual.app import App
from textual.content import Content
from textual.screen import ModalScreen, Screen

from flux_tui.ui.clock import LONGEST, SHORTEST, FrameClock, paint_now
from flux_tui.ui.widgets.plain import Plain


class Host:
    is_running = True

    def __init__(self):
        self.timers = []

    def set_timer(self, delay, callback):
        self.timers.append((delay, callback))

    def call_after_refresh(self, callback):
        callback()
        return True


def test_nothing_runs_while_nothing_is_dirty():
    host = Host()
    clock = FrameClock(host)

    clock.tick()

    assert clock.idle
    assert clock.frames == 0
    assert host.timers == []


def test_the_first_frame_comes_at_once_and_the_next_waits():
    host = Host()
    clock = FrameClock(host)
    painted = []
    clock.add(lambda: painted.append(1))
    clock.request()
    clock.request()

    (first,) = host.timers
    first[1]()
    clock.request()

    assert first[0] <= 0.015
    assert painted == [1]
    assert 0 < host.timers[1][0] <= SHORTEST


def test_one_frame_paints_all_panes():
    clock = FrameClock(Host())
    painted = []
    clock.add(lambda: painted.append("a"))
    clock.add(lambda: painted.append("b"))

    clock.request()
    clock.tick()

    assert painted == ["a", "b"]


def test_dear_frames_come_less_often():
    clock = FrameClock(Host())
    clock.add(lambda: sum(range(3_000_000)))

    clock.request()
    clock.tick()

    assert SHORTEST < clock.interval <= LONGEST


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


def test_the_private_names_of_textual_that_painting_touches_are_still_there():
    assert "UPDATE_PERIOD" in getsource(Screen._update_timer.fget)
    for name in ("_dirty_regions", "update_widgets", "render_partial_update"):
        assert name in getsource(Compositor)
    assert "_background_screens" in getsource(Screen._compositor_refresh)
    assert "visible_screen_stack.set" in getsource(Compositor.render_update)

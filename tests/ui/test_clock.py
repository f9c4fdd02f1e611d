"""The pace of painting."""

from flux_tui.ui.clock import LONGEST, SHORTEST, FrameClock


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


def test_what_is_wanted_soon_does_not_wait_for_its_turn():
    host = Host()
    clock = FrameClock(host)
    clock.request()
    host.timers[0][1]()
    clock.interval = LONGEST

    clock.request()
    clock.request(soon=True)
    clock.request(soon=True)
    clock.request()

    _, in_turn, at_once = [delay for delay, _ in host.timers]
    assert in_turn > LONGEST / 2
    assert at_once <= 0.015


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

"""What the simulator bills for a file."""

from flux_tui.sim.tokens import count


def test_a_picture_is_billed_as_a_picture_and_not_by_its_letters() -> None:
    picture = "iVBORw0KGgo" * 100_000

    assert 1_000 < count(f'{{"data":"{picture}=="}}') < 2_000
    assert count("word " * 4_000) == 5_000
